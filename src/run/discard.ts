/** Throws an unfinished run away, on its user's word. */
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { acquireLock } from "./lock";

/**
 * Removes an unfinished run's folder and all that it has finished; says whether there was one. Throws UserError where
 * the run is going on in another process.
 */
export async function discardRun(partial: string): Promise<boolean> {
  if (!existsSync(partial)) return false;
  const lock = await acquireLock(`${partial}.lock`);
  try {
    await rm(partial, { recursive: true, force: true });
    return true;
  } finally {
    await lock.release();
  }
}
