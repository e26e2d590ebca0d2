/** One run of a variant at a time: a lock file that names its process, given back when that ends, taken over when it is gone. */
import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { UserError } from "../messages/errors";
import { explainWriteError } from "../files/files";

const ownerSchema = z.object({
  id: z.string(),
  pid: z.int().positive(),
  host: z.string(),
  /** Tells a process from a later one with its number; absent where the system does not say. */
  processStart: z.string().optional(),
});
type Owner = z.infer<typeof ownerSchema>;

const ENDS_WITH_ID = /\.[0-9a-f-]{36}$/;
const ATTEMPTS = 20;
const PAUSE_MILLISECONDS = 50;

/** A lock that is held. */
export interface Lock {
  /** Gives the lock back. */
  release(): Promise<void>;
}

/**
 * Takes the lock file, or throws a UserError that says who has it. A lock whose process on this machine
 * is gone is taken over; one of another machine is not, as that cannot be known from here.
 */
export async function acquireLock(file: string): Promise<Lock> {
  const owner: Owner = {
    id: randomUUID(),
    pid: process.pid,
    host: os.hostname(),
    processStart: processStart(process.pid),
  };
  const own = `${file}.${owner.id}`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(own, JSON.stringify(owner));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // A link appears with all of its content, and fails where the name is taken.
      if (await linked(own, file)) {
        await removeLeftovers(file, own);
        return held(file, owner);
      }
      const holder = await readOwner(file);
      if (holder && isAlive(holder)) throw new HeldError(holder, file);
      if (holder) await removeStale(file, holder);
    }
    throw new UserError(
      `${file} changes hands all the time.\nIs another process starting the same run?`,
    );
  } catch (error) {
    throw explainWriteError(error, file);
  } finally {
    await rm(own, { force: true }).catch(() => undefined);
  }
}

/** The lock, also given back where the process ends by itself, as after Ctrl-C. */
function held(file: string, owner: Owner): Lock {
  const onExit = (): void => {
    try {
      if (ownerSchema.parse(JSON.parse(readFileSync(file, "utf8"))).id === owner.id) rmSync(file);
    } catch {
      // The lock is not there any more, or no one's business: the process ends.
    }
  };
  process.once("exit", onExit);
  return {
    release: async () => {
      process.removeListener("exit", onExit);
      const holder = await readOwner(file);
      if (holder?.id === owner.id) await rm(file, { force: true });
    },
  };
}

/** Removes the files from which killed processes wanted to make the lock. */
async function removeLeftovers(file: string, own: string): Promise<void> {
  const folder = path.dirname(file);
  for (const name of await readdir(folder)) {
    const other = path.join(folder, name);
    if (!other.startsWith(`${file}.`) || other === own || !ENDS_WITH_ID.test(name)) continue;
    const owner = await readOwner(other).catch(() => undefined);
    if (owner && !isAlive(owner)) await rm(other, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function readOwner(file: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      `${file} is not a lock file of this program.\nDelete it if no run is going on.`,
    );
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== os.hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const start = processStart(owner.pid);
  return start === undefined || owner.processStart === undefined || start === owner.processStart;
}

/** When a process began, in the system's own unit (Linux), or undefined. */
function processStart(pid: number): string | undefined {
  try {
    // The name before the last ")" may hold anything; the start is field 22 of the whole line.
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1)?.trim().split(" ")[19];
  } catch {
    return undefined;
  }
}

class HeldError extends UserError {
  constructor(owner: Owner, file: string) {
    const here = owner.host === os.hostname();
    const who = `process ${owner.pid}${here ? "" : ` on ${owner.host}`}`;
    super(
      `This run is already going on, in ${who}.\nWait for it or stop it${here ? "" : `; if it is gone, delete ${file}`}.`,
    );
  }
}

/**
 * Removes the lock of a dead process. Whoever does so holds a lock of its own for it (taken over likewise
 * where its holder has died): else one could remove the lock that another has just taken in its place.
 */
async function removeStale(file: string, stale: Owner): Promise<void> {
  let takeover: Lock;
  try {
    takeover = await acquireLock(`${file}.takeover`);
  } catch (error) {
    if (!(error instanceof HeldError)) throw error;
    await setTimeout(PAUSE_MILLISECONDS);
    return;
  }
  try {
    if ((await readOwner(file))?.id === stale.id) await rm(file, { force: true });
  } finally {
    await takeover.release();
  }
}
