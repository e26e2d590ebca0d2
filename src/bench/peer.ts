/** The peer of the benchmark: its Python environment, the model as it reads it, and its start. What is measured is elsewhere. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../files/cache";
import { UserError } from "../messages/errors";
import type { HostTensor } from "../lora/adapter";
import { openGguf } from "../model/gguf/model";
import { writeSafetensors } from "../model/safetensors";
import { resolveModel } from "../model/sources";
import { configFile } from "../model/config-file";
import { startProcess, type Peer } from "./peer-process";

/** What pip installs, and nothing else depends on. */
export const PEER_PACKAGES = ["torch==2.15.0", "transformers==5.24.0", "peft==0.21.2"] as const;

const SCRIPT = path.join(__dirname, "../../experiments/bench/peer.py");
const run = promisify(execFile);

/** What the peer says of itself when it has loaded the model. */
export interface PeerHello {
  readonly torch: string;
  readonly threads: number;
  /** Seconds. */
  readonly import: number;
  readonly load: number;
}

/**
 * Python of an environment with the peer's packages, made in the user's cache on first use (about 6 GB, since PyPI has
 * PyTorch for Linux with CUDA only). Throws UserError where that fails.
 */
async function peerPython(note: (text: string) => void): Promise<string> {
  const folder = path.join(cacheDirectory(), "bench", "peer");
  const python = path.join(folder, process.platform === "win32" ? "Scripts" : "bin", "python");
  const done = path.join(folder, `${PEER_PACKAGES.join("_")}.done`);
  if (existsSync(done)) return python;
  note(`making the peer's environment (${PEER_PACKAGES.join(", ")}; some minutes, once)`);
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(path.dirname(folder), { recursive: true });
    await run("python3", ["-m", "venv", folder]);
    await run(python, ["-m", "pip", "install", "--progress-bar=off", ...PEER_PACKAGES], {
      maxBuffer: 1e8,
    });
    await writeFile(done, "");
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    const last = stderr.trim().split("\n").at(-1) ?? "";
    throw new UserError(
      `The peer's environment cannot be made in ${folder}: ${last || String(error)}\nRun with --no-peer to measure without it.`,
      { cause: error },
    );
  }
  return python;
}

/** The model's folder as transformers reads it: fp32 weights, the same values as `loadModel`'s. Written once. */
async function exportModel(id: string): Promise<string> {
  const files = await resolveModel(id);
  if (files.kind === "huggingface") return files.directory;
  const folder = path.join(cacheDirectory(), "bench", files.inputs[0].sha256.slice(0, 16));
  if (existsSync(folder)) return folder;
  const source = await openGguf(files.path);
  try {
    const tensors = new Map<string, HostTensor>();
    for (const { name, shape } of source.tensors.values())
      tensors.set(name, { shape, values: await source.read(name) });
    const partial = `${folder}.${process.pid}`;
    await mkdir(partial, { recursive: true });
    await writeFile(path.join(partial, "config.json"), JSON.stringify(configFile(source.config)));
    await writeSafetensors(path.join(partial, "model.safetensors"), tensors);
    await rename(partial, folder);
  } finally {
    await source.close();
  }
  return folder;
}

/** Starts the peer on a model; it is ready when this resolves. */
export async function startPeer(
  modelId: string,
  threads: number,
  note: (text: string) => void,
): Promise<Peer<PeerHello>> {
  const folder = await exportModel(modelId);
  return startProcess(await peerPython(note), [SCRIPT, folder, String(threads)]);
}
