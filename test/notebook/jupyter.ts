/** Jupyter's Python for tests that execute notebooks, as the set-up left it; they skip, aloud, where it is not there. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Test } from "uvu";
import { cacheRoot } from "../../src/setup/location.cjs";

const requirements = path.join(__dirname, "../../src/setup/jupyter-requirements.txt");
const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex");
const folder = path.join(cacheRoot(), "jupyter", hash.slice(0, 12));

/** Python of the notebooks' virtual environment. */
export const jupyterPython = path.join(
  folder,
  process.platform === "win32" ? "Scripts/python.exe" : "bin/python",
);

/** Registers a test that needs Jupyter. */
export function testWithJupyter(suite: Test, name: string, body: () => Promise<void>): void {
  if (existsSync(path.join(folder, "complete"))) suite(name, body);
  else {
    console.log(`skipped: ${name} (Jupyter is not set up: npm run notebooks -- --setup)`);
    suite.skip(name, body);
  }
}
