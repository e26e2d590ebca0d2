/** Adapters as blobs: PEFT's two files, each by its content hash, and a small blob that names both. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Adapter } from "../lora/adapter";
import { readPeft, writePeft } from "../lora/peft";
import type { ModelConfig } from "../model/types";
import { checkData } from "../schema/schema";
import type { BlobStore } from "./blobs";
import { blobOfJson, jsonOfBlob } from "./messages";

const CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.strictObject({ config: hash, weights: hash });

/** The bytes of PEFT's two files. */
export interface AdapterFiles {
  readonly config: Uint8Array;
  readonly weights: Uint8Array;
}

/** An adapter as files. */
export async function adapterFiles(adapter: Adapter): Promise<AdapterFiles> {
  return withFolder(async (folder) => {
    await writePeft(adapter, folder);
    return {
      config: await readFile(path.join(folder, CONFIG_FILE)),
      weights: await readFile(path.join(folder, WEIGHTS_FILE)),
    };
  });
}

/** Stores an adapter and gives its name. */
export async function putAdapter(store: BlobStore, adapter: Adapter): Promise<string> {
  const files = await adapterFiles(adapter);
  const config = await store.put(files.config);
  const weights = await store.put(files.weights);
  return store.put(blobOfJson({ config, weights }));
}

/** The files of a stored adapter. */
export async function getAdapterFiles(store: BlobStore, name: string): Promise<AdapterFiles> {
  const manifest = checkData(manifestSchema, jsonOfBlob(await store.get(name)), `adapter ${name}`);
  return { config: await store.get(manifest.config), weights: await store.get(manifest.weights) };
}

/** The adapter that the files hold, checked against the model. Throws UserError where it does not fit. */
export async function readAdapterFiles(config: ModelConfig, files: AdapterFiles): Promise<Adapter> {
  return withFolder(async (folder) => {
    await writeFile(path.join(folder, CONFIG_FILE), files.config);
    await writeFile(path.join(folder, WEIGHTS_FILE), files.weights);
    return readPeft(config, folder);
  });
}

async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "seal-adapter-"));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
