/**
 * Loaded before a program (`-r`), it kills the process (SIGKILL) at its Nth change of the disk, KILL_AT: before it,
 * in the middle (half of the bytes are written) or after it, KILL_WHEN. COUNT_TO names a file for the number of changes.
 */
import fs, { writeFileSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

type Change = (...args: unknown[]) => Promise<unknown>;
type Changes = Record<string, Change>;

const { KILL_AT, KILL_WHEN, COUNT_TO } = process.env;
const killAt = Number(KILL_AT ?? 0);
let count = 0;

function die(): Promise<never> {
  process.kill(process.pid, "SIGKILL");
  return new Promise(() => undefined);
}

function patch(owner: Changes, name: string, half?: Change): void {
  const original = owner[name];
  owner[name] = async function (this: unknown, ...args: unknown[]) {
    count++;
    const here = count === killAt;
    if (here && KILL_WHEN === "before") await die();
    if (here && KILL_WHEN === "middle" && half) {
      await half.apply(this, args);
      await die();
    }
    const result = await original.apply(this, args);
    if (here) await die();
    return result;
  };
}

/** Writes the first half of what an appendFile or writeFile was given. */
const halfOf = (write: Change): Change =>
  function (this: unknown, data: unknown) {
    const bytes = Buffer.from(data as Uint8Array);
    return write.call(this, bytes.subarray(0, bytes.length >> 1));
  };

async function patchHandles(): Promise<void> {
  const handle: FileHandle = await open(__filename);
  const prototype = Object.getPrototypeOf(handle) as Changes;
  await handle.close();
  for (const name of ["appendFile", "writeFile"]) patch(prototype, name, halfOf(prototype[name]));
  for (const name of ["sync", "datasync"]) patch(prototype, name);
}

for (const name of ["mkdir", "rename", "link", "rm"])
  patch(fs.promises as unknown as Changes, name);
void patchHandles();
if (COUNT_TO) process.once("exit", () => writeFileSync(COUNT_TO, String(count)));
