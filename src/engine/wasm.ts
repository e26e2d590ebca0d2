/** Starts the portable WebAssembly backend with SIMD; it needs nothing but its package. */
import * as tf from "@tensorflow/tfjs";
import path from "node:path";
import type { EngineInfo } from "./types";
import { replaceWasmKernels } from "./wasm-kernels";

/**
 * Starts the backend "wasm" on one thread: its threaded build makes its workers from blob
 * addresses, which Node's workers do not take.
 * @throws Error if WebAssembly with SIMD does not start.
 */
export async function startWasm(): Promise<EngineInfo> {
  const wasm = await import("@tensorflow/tfjs-backend-wasm");
  const manifest = require.resolve("@tensorflow/tfjs-backend-wasm/package.json");
  wasm.setWasmPaths(path.join(path.dirname(manifest), "dist") + path.sep);
  if (!(await tf.setBackend("wasm"))) throw new Error("WebAssembly did not start");
  replaceWasmKernels();
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  return {
    name: "wasm",
    version: `${wasm.version_wasm}${simd ? " (SIMD)" : " (no SIMD)"}`,
    threads: wasm.getThreadsCount(),
  };
}
