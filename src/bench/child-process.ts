/** Starts `child.ts`, a process of its own for what memory and start are measured in. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import type { ChildAnswer, ChildTask } from "./child";

/** Does one task there, with or without the fused kernels. */
export async function inChild(task: ChildTask, kernels = true): Promise<ChildAnswer> {
  const script = path.join(__dirname, `child${path.extname(__filename)}`);
  const env: NodeJS.ProcessEnv = { ...process.env, SEAL_KERNELS: kernels ? "1" : "0" };
  // Which kernels TensorFlow takes is chosen again, by that process's model.
  delete env.TF_ENABLE_ONEDNN_OPTS;
  const args = [...process.execArgv, "--expose-gc", script, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as ChildAnswer;
}
