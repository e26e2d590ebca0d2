/** Temporary folders, for one test or for all of a file. */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Test } from "uvu";

/** Calls `body` with the path of a new folder, and removes the folder afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "seal test "));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A new folder, whose name has a space, for the tests of a file; removed after the last of them. */
export function temporaryFolder(suite: Test, name: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), `seal ${name} `));
  suite.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
