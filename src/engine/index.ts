/** Chooses a TensorFlow.js backend and starts it. Installing the native one is `src/setup`'s work. */
import * as tf from "@tensorflow/tfjs";
import { errorMessage, UserError } from "../messages/errors";
import { forSmallWorld, nativeMissing, startNative } from "./native";
import { ENGINE_NAMES, type EngineInfo, type EngineName } from "./types";
import { startWasm } from "./wasm";
import { startWebgpu } from "./webgpu";

export { doctor, formatDoctor, listEngines } from "./doctor";
export type { DoctorReport, EngineReport } from "./doctor";
export { prepareEngine } from "./native";
export { ENGINE_NAMES } from "./types";
export type { EngineInfo, EngineName } from "./types";

const started = new Map<EngineName, EngineInfo>();
let current: EngineInfo | undefined;
let starting: Promise<EngineInfo> | undefined;

/**
 * Starts an engine: the named one, else SEAL_ENGINE's, else the best that works here. Called again it
 * gives the one that runs, unless another is named.
 * @throws UserError for a name that is no engine's, and when a named engine cannot start.
 */
export async function startEngine(name?: EngineName): Promise<EngineInfo> {
  const asked = name ?? (current === undefined ? process.env.SEAL_ENGINE || undefined : undefined);
  if (asked !== undefined && !isEngineName(asked)) {
    throw new UserError(`No engine is called "${asked}": one of ${ENGINE_NAMES.join(", ")}.`);
  }
  await starting?.catch(() => undefined);
  if (current !== undefined && (asked === undefined || asked === current.name)) return current;
  starting = asked === undefined ? startBest() : startNamed(asked);
  current = await starting;
  return current;
}

/** The engine that runs, for records; undefined before `startEngine`. */
export function engineInfo(): EngineInfo | undefined {
  return current;
}

function isEngineName(name: string): name is EngineName {
  return (ENGINE_NAMES as readonly string[]).includes(name);
}

async function startNamed(name: EngineName): Promise<EngineInfo> {
  try {
    const info = await start(name);
    const why = name === "tensorflow" ? info.why : `${name} was asked for`;
    return why === undefined ? info : { ...info, why };
  } catch (error) {
    throw new UserError(`The engine "${name}" cannot start: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * TensorFlow; where it is not to be had, a GPU through WebGPU, if it is one in hardware and the model no small world's, whose
 * little operations would wait for it; else WebAssembly.
 */
async function startBest(): Promise<EngineInfo> {
  let why = nativeMissing();
  if (why === undefined) {
    try {
      return await start("tensorflow");
    } catch (error) {
      why = errorMessage(error);
    }
  }
  if (forSmallWorld()) return { ...(await start("wasm")), why };
  try {
    return { ...(await start("webgpu", () => startWebgpu({ hardware: true }))), why };
  } catch (error) {
    why += `; webgpu: ${errorMessage(error)}`;
    return { ...(await start("wasm")), why };
  }
}

const STARTERS = { tensorflow: startNative, webgpu: startWebgpu, wasm: startWasm, cpu: startCpu };

async function start(
  name: EngineName,
  starter: () => Promise<EngineInfo> = STARTERS[name],
): Promise<EngineInfo> {
  const earlier = started.get(name);
  if (earlier !== undefined) {
    await tf.setBackend(name);
    return earlier;
  }
  const info = await starter();
  await tf.ready();
  started.set(name, info);
  return info;
}

async function startCpu(): Promise<EngineInfo> {
  await tf.setBackend("cpu");
  // Else it advises to install tfjs-node at its first use.
  (tf.backend() as { firstUse?: boolean }).firstUse = false;
  return { name: "cpu", version: tf.version["tfjs-core"], threads: 1 };
}
