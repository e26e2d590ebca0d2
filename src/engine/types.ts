/** The engines' names and what is said about them; plain data. */

/** The engines, best first. */
export const ENGINE_NAMES = ["tensorflow", "webgpu", "wasm", "cpu"] as const;
/** One of `ENGINE_NAMES`. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** The engine that runs, as records keep it. */
export interface EngineInfo {
  /** The engine's name. */
  name: EngineName;
  /** Of what computes: libtensorflow's, or the TensorFlow.js backend's. */
  version: string;
  /** Threads that a matrix product may use. */
  threads: number;
  /** The GPU's name, and its memory or maker, where one is used. */
  gpu?: string;
  /** True where a driver does a GPU's work in software. */
  software?: boolean;
  /** Why a better engine is not used. */
  why?: string;
}
