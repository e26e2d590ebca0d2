/** Says what this machine can do: each engine tried and timed in a process of its own. Printing is the command line's. */
import { execFile } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { errorMessage } from "../messages/errors";
import { hasNvidiaDriver, nativeTargets } from "../../src/setup/location.cjs";
import { ENGINE_NAMES, type EngineName } from "./types";

const TIME_LIMIT = 120_000;

/** One engine: works, or why not; speed in billions of floating-point operations a second (1024³ product, or a smaller one on a slow engine; fastest of several). */
export interface EngineReport {
  /** The engine. */
  name: EngineName;
  /** Whether it starts and computes here. */
  works: boolean;
  /** Why it does not work. */
  why?: string;
  /** Of what computes: libtensorflow's, or the TensorFlow.js backend's. */
  version?: string;
  /** Threads that a matrix product may use. */
  threads?: number;
  /** The GPU's name, where one is used. */
  gpu?: string;
  /** Billions of floating-point operations a second. */
  gflops?: number;
  /** Whether the GPU's work is done in software. */
  software?: boolean;
  /** Memory of the process that tried it, in bytes. */
  residentBytes?: number;
}

/** The machine and its engines; `chosen` is what `startEngine()` takes. */
export interface DoctorReport {
  /** Version of Node. */
  node: string;
  /** Operating system and processor architecture. */
  platform: string;
  /** The processor's name. */
  cpu: string;
  /** Threads that it runs at once. */
  threads: number;
  /** Main memory. */
  memory: {
    /** All of it, in bytes. */
    totalBytes: number;
    /** What is free, in bytes. */
    freeBytes: number;
  };
  /** Whether an NVIDIA driver is here. */
  nvidiaDriver: boolean;
  /** The folder of the native engine that suits this machine, whether or not it is there. */
  nativeFolder?: string;
  /** The engine that `startEngine()` takes; absent where none works. */
  chosen?: EngineName;
  /** Every engine, best first. */
  engines: EngineReport[];
}

/** Tries each engine in turn (together they would slow each other down). A crash or a hang is a report, not an error. */
export async function listEngines(): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const name of ENGINE_NAMES) reports.push(await tryEngine(name));
  return reports;
}

/** Starts and times one engine in a process of its own, with further environment variables if told. */
export async function tryEngine(
  name: EngineName,
  environment: Readonly<Record<string, string>> = {},
): Promise<EngineReport> {
  const script = path.join(__dirname, `measure${path.extname(__filename)}`);
  const env = { ...process.env, ...environment };
  const options = { timeout: TIME_LIMIT, killSignal: "SIGKILL" as const, env };
  try {
    const run = promisify(execFile)(process.execPath, [...process.execArgv, script, name], options);
    const found = lastJson((await run).stdout);
    return { ...found, name, works: true, why: undefined };
  } catch (error) {
    return { name, works: false, why: whyFailed(error) };
  }
}

function whyFailed(error: unknown): string {
  const { stdout, signal, code } = error as { stdout?: string; signal?: string; code?: number };
  const reason = lastJson(stdout ?? "").error;
  if (typeof reason === "string") return reason.replace(/^The engine "\w+" cannot start: /, "");
  if (signal) return `its process was ended by ${signal}`;
  return code === undefined ? errorMessage(error) : `its process ended with exit code ${code}`;
}

function lastJson(output: string): Partial<EngineReport> & { error?: string } {
  const line = output.trim().split("\n").at(-1) ?? "";
  return line.startsWith("{") ? (JSON.parse(line) as Partial<EngineReport>) : {};
}

/** Looks at the machine and tries its engines; takes some seconds. */
export async function doctor(): Promise<DoctorReport> {
  const engines = await listEngines();
  const asked = process.env.SEAL_ENGINE || undefined;
  const chosen = engines.find(
    ({ name, works, software }) => works && (asked === undefined ? !software : asked === name),
  )?.name;
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: os.cpus()[0]?.model.trim() ?? "unknown",
    threads: os.availableParallelism(),
    memory: { totalBytes: os.totalmem(), freeBytes: os.freemem() },
    nvidiaDriver: hasNvidiaDriver(),
    nativeFolder: nativeTargets()[0]?.folder,
    chosen,
    engines,
  };
}

/** The report as lines of text for people. */
export function formatDoctor(report: DoctorReport): string {
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const { totalBytes, freeBytes } = report.memory;
  const lines = [
    `Node     ${report.node} on ${report.platform}`,
    `CPU      ${report.cpu}, ${report.threads} threads`,
    `Memory   ${gigabytes(totalBytes)}, ${gigabytes(freeBytes)} free`,
    `NVIDIA   ${report.nvidiaDriver ? "driver found" : "no driver found"}`,
    ...(report.nativeFolder === undefined ? [] : [`Native   ${report.nativeFolder}`]),
    `Chosen   ${report.chosen ?? "none"}`,
    "",
    ...report.engines.map(engineLine),
  ];
  return lines.join("\n");
}

function engineLine(engine: EngineReport): string {
  const name = engine.name.padEnd(11);
  if (!engine.works) return `${name} no     ${engine.why ?? ""}`;
  const parts = [
    engine.version ?? "",
    `${(engine.gflops ?? 0).toFixed(1)} GFLOP/s`,
    `${engine.threads} ${engine.threads === 1 ? "thread" : "threads"}`,
    `${((engine.residentBytes ?? 0) / 1e6).toFixed(0)} MB`,
    ...(engine.gpu === undefined ? ["no GPU"] : [engine.gpu]),
  ];
  return `${name} works  ${parts.join(", ")}`;
}
