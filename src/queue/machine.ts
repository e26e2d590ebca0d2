/** What a process computes with: package, engine, threads, processor. */
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { strictObject } from "../schema/schema";
import { startEngine } from "../engine";

const short = z.string().max(200);

/** Schema of what a process computes with. Two that agree in all of it give the same bytes; the processor rarely matters. */
export const machineSchema = strictObject({
  /** Version of this package. */
  version: short,
  /** The engine's name. */
  engine: short,
  /** Version of what computes. */
  engineVersion: short,
  /** Threads that a matrix product may use. */
  threads: z.int().positive(),
  /** The processor's name. */
  cpu: short,
});
/** What a process computes with. */
export type Machine = z.output<typeof machineSchema>;

/** What this process computes with; starts the engine. */
export async function thisMachine(): Promise<Machine> {
  const { name, version, threads } = await startEngine();
  return {
    version: packageVersion(),
    engine: name,
    engineVersion: version,
    threads,
    cpu: (os.cpus().at(0)?.model.trim() || os.arch()).slice(0, 200),
  };
}

/** This package's version, as package.json has it. */
function packageVersion(): string {
  const file = path.join(__dirname, "../../package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
