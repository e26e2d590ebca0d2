/** Reference material that lies beside the project on some machines; tests skip, aloud, where it does not. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Test } from "uvu";

const root = path.resolve(process.env.SEAL_SHARED ?? path.join(__dirname, "../../shared"));

/** The path of a shared file or folder, whether or not it is there. */
export function sharedPath(...parts: string[]): string {
  return path.join(root, ...parts);
}

/** A shared JSON file, typed by the caller. */
export function readShared<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(sharedPath(...parts), "utf8")) as T;
}

/** Registers a test that needs `needed` (below the shared folder); skipped with a line that says so where it is missing. */
export function testWithShared(
  suite: Test,
  needed: string,
  name: string,
  body: () => void | Promise<void>,
): void {
  if (existsSync(sharedPath(needed))) suite(name, body);
  else {
    console.log(`skipped: ${name} (no reference material at ../shared/${needed})`);
    suite.skip(name, body);
  }
}
