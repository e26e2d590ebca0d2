/** Loads the compiled native binding and registers it as the backend "tensorflow"; compiling it is `src/setup`'s work. */
import * as tf from "@tensorflow/tfjs";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import { errorMessage } from "../messages/errors";
import {
  bindingFile,
  isComplete,
  kernelsFile,
  nativeTargets,
  prepareProcess,
} from "../../src/setup/location.cjs";
import { fusedKernelsLoaded, useBfloat16, type KernelLibrary } from "./fused";
import type { EngineInfo } from "./types";

const BACKEND_PACKAGE = "@tensorflow/tfjs-node-gpu";
const requireNative = createRequire(__filename);

interface Binding {
  TF_Version: string;
  isUsingGpuDevice(): boolean;
}

interface BackendModule {
  NodeJSKernelBackend: new (binding: Binding, packageName: string) => tf.KernelBackend;
}

/** Why the native engine cannot be started here, before trying; undefined if it is in the cache. */
export function nativeMissing(): string | undefined {
  const targets = nativeTargets();
  if (targets.length === 0) return `no native engine for ${process.platform} on ${process.arch}`;
  if (targets.some(isComplete)) return undefined;
  return "the native engine is not set up (`npm run setup` does it)";
}

/**
 * Starts the backend "tensorflow" from the best complete build in the cache.
 * @throws Error if there is none, or if it cannot be loaded; the message is one line.
 */
export async function startNative(): Promise<EngineInfo> {
  const targets = nativeTargets();
  const target = targets.find(isComplete);
  if (target === undefined) throw new Error(nativeMissing());
  prepareProcess();
  process.env.TF_ENABLE_ONEDNN_OPTS ??= "0";
  const binding = loadBinding(bindingFile(target.folder));
  if (tf.findBackendFactory("tensorflow") === null) {
    requireNative(`${BACKEND_PACKAGE}/dist/register_all_kernels`);
    const { NodeJSKernelBackend } = requireNative(
      `${BACKEND_PACKAGE}/dist/nodejs_kernel_backend`,
    ) as BackendModule;
    tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, BACKEND_PACKAGE), 3);
  }
  if (!(await tf.setBackend("tensorflow"))) throw new Error("TensorFlow did not start");
  const fused = binding.isUsingGpuDevice() ? undefined : loadFusedKernels(target.folder);
  const info: EngineInfo = {
    name: "tensorflow",
    version: [binding.TF_Version, ...(fused ? [fused] : [])].join(" with "),
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS) || os.availableParallelism(),
  };
  if (binding.isUsingGpuDevice()) info.gpu = gpuName();
  else if (targets[0]?.kind === "cuda") {
    info.why =
      target.kind === "cuda"
        ? "no GPU: TensorFlow could not use the one that the NVIDIA driver offers"
        : "no GPU: the CUDA build is not set up (`npm run setup` does it)";
  }
  return info;
}

/** Whether the user has chosen. */
const ONE_DNN_CHOSEN = process.env.TF_ENABLE_ONEDNN_OPTS !== undefined;

let smallWorld = false;

/** Whether the engine is for a small world's model, as `prepareEngine` was told. */
export function forSmallWorld(): boolean {
  return smallWorld;
}

/**
 * Says, before the engine starts, which model it is for. oneDNN's kernels make SmolLM2 1.3 times faster where ours are not compiled;
 * a small world, whose many shapes fill their caches, runs 1.8 times faster without. Beside ours they do next to nothing, and their
 * allocator takes whatever memory it ever needed for good. TF_ENABLE_ONEDNN_OPTS=0 or 1 overrules it.
 */
export function prepareEngine(model: string): void {
  smallWorld = model.startsWith("tiny:");
  if (ONE_DNN_CHOSEN) return;
  const target = nativeTargets().find(isComplete);
  const ours = target !== undefined && target.kind !== "cuda" && hasKernels(target.folder);
  process.env.TF_ENABLE_ONEDNN_OPTS = smallWorld || ours ? "0" : "1";
}

/** Whether the project's own kernels are there and wanted. */
function hasKernels(folder: string): boolean {
  return process.env.SEAL_KERNELS !== "0" && existsSync(kernelsFile(folder));
}

/**
 * Loads the project's own kernels where the set-up has compiled them, and says which for the record. SEAL_KERNELS=0 does
 * without; SEAL_BF16=1 keeps frozen weights in bfloat16 and multiplies in it, where the processor can.
 */
function loadFusedKernels(folder: string): string | undefined {
  if (!hasKernels(folder)) return undefined;
  fusedKernelsLoaded(requireNative(kernelsFile(folder)) as KernelLibrary);
  const half = useBfloat16(process.env.SEAL_BF16 === "1");
  return half ? "fused kernels and bfloat16 products" : "fused kernels";
}

function loadBinding(file: string): Binding {
  try {
    return requireNative(file) as Binding;
  } catch (error) {
    const reason = errorMessage(error).split("\n")[0];
    throw new Error(`the native engine cannot be loaded: ${reason}`, { cause: error });
  }
}

/** The first GPU's name and memory as the driver's tool gives them. */
function gpuName(): string {
  try {
    const query = ["--query-gpu=name,memory.total", "--format=csv,noheader"];
    const lines = execFileSync("nvidia-smi", query, { encoding: "utf8", timeout: 10_000 });
    return lines.split("\n")[0]?.trim() || "NVIDIA GPU";
  } catch {
    return "NVIDIA GPU";
  }
}
