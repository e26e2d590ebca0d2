/** Runs the `seal` command from its sources, as a user would. */
import { spawnSync } from "node:child_process";
import path from "node:path";

const root = path.join(__dirname, "../..");

/** What a command printed and how it ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `seal …args`. */
export function seal(...args: string[]): CommandResult {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["-r", "tsx/cjs", path.join(root, "src/cli.ts"), ...args],
    { cwd: root, encoding: "utf8", env: process.env },
  );
  return { code: status, stdout, stderr };
}
