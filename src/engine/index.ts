/** Chooses a TensorFlow.js backend and starts it. Installing the native one is `src/setup`'s work. */
import * as tf from "@tensorflow/tfjs";
import { NodeJSKernelBackend } from "@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend";
import path from "node:path";
import { cacheDirectory } from "../cache";

/** The engines, best first. */
export const ENGINE_NAMES = ["tensorflow", "wasm", "cpu"] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** DRAFT: starts an engine. */
export async function startEngine(name = process.env.SEAL_ENGINE as EngineName | undefined): Promise<EngineName> {
  const chosen = name ?? "tensorflow";
  if (chosen === "tensorflow" && tf.findBackend("tensorflow") === null) {
    process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
    require("@tensorflow/tfjs-node-gpu/dist/register_all_kernels");
    const binding = require(
      path.join(cacheDirectory(), "engine/tensorflow-cpu-2.21.0-linux-x64/lib/napi-v8/tfjs_binding.node"),
    );
    tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(binding, "tfjs-node-gpu"), 3);
  }
  if (chosen === "wasm") {
    const wasm = await import("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")) + "/dist/");
  }
  await tf.setBackend(chosen);
  await tf.ready();
  return chosen;
}
