/** Runs a tiny outer loop in processes that are killed at chosen changes of the disk, and reads what is left. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as assert from "uvu/assert";
import { tinyLoop } from "../experiments/tiny-loop";

const root = path.join(__dirname, "../..");
const NAME = "knowledge--killed-loop";

const variant = { ...tinyLoop, name: "killed-loop", concurrency: 2 };

/** A point at which a process is killed. */
export interface KillPoint {
  /** Counted from 1, among the process's changes of the disk. */
  readonly at: number;
  readonly when: "before" | "middle" | "after";
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
  /** Changes of the disk, where it ended by itself. */
  readonly changes: number;
}

/** `seal run` of the tiny variant into a folder, killed at a point, if one is given. */
export async function runLoop(folder: string, point?: KillPoint): Promise<Ended> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "variant.json");
  const countTo = path.join(folder, "changes");
  writeFileSync(file, JSON.stringify(variant));
  writeFileSync(countTo, "0");
  const preload = ["-r", "tsx/cjs", "-r", path.join(__dirname, "kill-hook.ts")];
  const output = path.join(folder, "results");
  const args = [...preload, path.join(root, "src/cli.ts"), "run", file, "--output", output];
  // So that a killed run leaves processes behind, whatever the number of cores.
  args.push("--processes", "2");
  const environment = point ? { KILL_AT: String(point.at), KILL_WHEN: point.when } : {};
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
    // Fine-tuning is kept after every step, so that it is cut in the middle, too.
    env: { ...process.env, SEAL_CHECKPOINT_SECONDS: "0", ...environment, COUNT_TO: countTo },
  });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (...ended) => resolve(ended)),
  );
  return { code, signal, stderr, changes: Number(readFileSync(countTo, "utf8")) };
}

/** Everything in a finished run's folder that may not depend on interruptions, by file. Fails on anything left over. */
export function finishedFiles(folder: string): Map<string, string> {
  const results = path.join(folder, "results");
  assert.equal(readdirSync(results).sort(), [".partial", NAME]);
  assert.equal(readdirSync(path.join(results, ".partial")), []);
  const names = readdirSync(path.join(results, NAME), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(path.join(results, NAME), path.join(entry.parentPath, entry.name)),
    );
  return new Map(
    names.sort().map((name) => {
      const bytes = readFileSync(path.join(results, NAME, name));
      return [
        name,
        name.endsWith(".png") ? bytes.toString("latin1") : timeless(name, bytes.toString()),
      ];
    }),
  );
}

/** The policies' hashes that a run has told of. */
export function policies(stderr: string): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("Policy "));
}

/** Records and rollouts without the times. */
function timeless(name: string, text: string): string {
  if (!/^(record\.json|rollouts\.jsonl)$/.test(name)) return text;
  const parts = name === "record.json" ? [text] : text.trimEnd().split("\n");
  return parts
    .map((part) => {
      const { seconds, ...rest } = JSON.parse(part) as { seconds: unknown };
      assert.ok(seconds);
      return JSON.stringify(rest);
    })
    .join("\n");
}
