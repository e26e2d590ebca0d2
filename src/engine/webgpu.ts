/**
 * Starts TensorFlow.js's WebGPU backend in Node, through Dawn (npm's `webgpu`): GPUs of any maker, or a driver in software.
 * Both packages are optional. What a GPU has computed can only be awaited: `tensor.data()`, never `dataSync()`.
 */
import * as tf from "@tensorflow/tfjs";
import os from "node:os";
import { errorMessage, UserError } from "../messages/errors";
import type { EngineInfo } from "./types";

/** What is used of Dawn's binding and of the WebGPU standard, whose own types belong to browsers. */
interface Dawn {
  create(options: string[]): Gpu;
  readonly globals: object;
}
interface Gpu {
  requestAdapter(options: object): Promise<Adapter | null>;
}
interface Adapter {
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly description: string;
    readonly isFallbackAdapter: boolean;
  };
}
interface Device {
  readonly limits: { readonly maxStorageBufferBindingSize: number };
  readonly lost: Promise<{ readonly message: string }>;
  addEventListener(
    type: "uncapturederror",
    listener: (event: { readonly error: { readonly message: string } }) => void,
  ): void;
}
type Values = tf.backend_util.BackendValues;
interface Backend {
  readonly device: Device;
  readonly bufferManager: {
    readonly freeBuffers: Map<string, { destroy(): void; readonly size: number }[]>;
    numBytesAllocated: number;
    readonly numBytesUsed: number;
    numFreeBuffers: number;
    acquireBuffer(bytes: number, ...rest: unknown[]): unknown;
  };
  readonly tensorMap: { get(id: object): { readonly values?: Values | null } };
  read(id: object): Promise<Values>;
  readSync(id: object): Values;
}

const MOST_UNUSED_BYTES = 2 ** 30;

/**
 * Starts the backend "webgpu".
 * @throws Error if the optional packages are missing, if no adapter is found, or, where a `hardware` one is asked for, only
 * one in software; the message is one line.
 */
export async function startWebgpu({ hardware = false } = {}): Promise<EngineInfo> {
  const dawn = await optional<Dawn>("webgpu");
  // Else the system's Vulkan loader complains of it.
  if (process.platform === "linux") process.env.XDG_RUNTIME_DIR ??= os.tmpdir();
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null)
    throw new Error("no GPU with a Vulkan, Metal or Direct3D 12 driver is found");
  const { vendor, architecture, description, isFallbackAdapter: software } = adapter.info;
  const name = description || [vendor, architecture].filter(Boolean).join(" ") || "unnamed";
  if (software && hardware) throw new Error(`no GPU, only a driver in software (${name})`);
  offer(gpu, dawn.globals);
  await optional("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend("webgpu"))) throw new Error(`TensorFlow.js could not use ${name}`);
  guard(tf.backend() as unknown as Backend);
  return {
    name: "webgpu",
    version: `${tf.version["tfjs-core"]} with Dawn`,
    threads: software ? os.availableParallelism() : 1,
    gpu: `${name} (${vendor || "unknown maker"}${software ? ", in software" : ""})`,
    ...(software ? { software } : {}),
  };
}

/** The backend keeps every buffer for a later tensor of the same size, however many sizes there have been. */
function dropUnused(manager: Backend["bufferManager"]): void {
  for (const buffers of manager.freeBuffers.values())
    for (const buffer of buffers.splice(0)) {
      buffer.destroy();
      manager.numBytesAllocated -= buffer.size;
    }
  manager.numFreeBuffers = 0;
}

async function optional<T>(name: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    const reason = errorMessage(error).split("\n")[0];
    throw new Error(`the optional package ${name} is not here: ${reason}`, { cause: error });
  }
}

/** The backend looks for a browser's `navigator.gpu` and constants; Dawn must be held on to for as long as it is used. */
function offer(gpu: Gpu, globals: object): void {
  Object.assign(globalThis, globals);
  if (!("navigator" in globalThis)) Object.defineProperty(globalThis, "navigator", { value: {} });
  const { navigator } = globalThis as unknown as { navigator: object };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
}

/**
 * A failure on the GPU leaves zeros behind, or ends the process, and is only reported in passing: what is too large is
 * refused here, and after a failure nothing is read.
 */
function guard(backend: Backend): void {
  const { device, bufferManager, tensorMap } = backend;
  let failure: string | undefined;
  const failed = (message: string): void => {
    failure ??= message.trim().split("\n")[0];
  };
  device.addEventListener("uncapturederror", ({ error }) => failed(error.message));
  void device.lost.then(({ message }) => failed(`the device is lost: ${message}`));
  const acquire = bufferManager.acquireBuffer.bind(bufferManager);
  bufferManager.acquireBuffer = (bytes, ...rest) => {
    const limit = device.limits.maxStorageBufferBindingSize;
    if (bytes > limit)
      throw new Error(`out of memory: a tensor of ${bytes} bytes, where the GPU takes ${limit}`);
    if (bufferManager.numBytesAllocated - bufferManager.numBytesUsed > MOST_UNUSED_BYTES)
      dropUnused(bufferManager);
    return acquire(bytes, ...rest);
  };
  const read = backend.read.bind(backend);
  backend.read = async (id) => {
    const values = failure === undefined ? await read(id) : undefined;
    if (values === undefined || failure !== undefined)
      throw new Error(`the GPU failed: ${failure ?? "nothing was computed"}`);
    return values;
  };
  backend.readSync = (id) => {
    const { values } = tensorMap.get(id);
    if (values) return values;
    throw new UserError(
      "The engine webgpu cannot give a result at once, as was asked here.\nAwait it (scoreRowsLater, tensor.data()), or take another engine: SEAL_ENGINE=tensorflow or wasm.",
    );
  };
}
