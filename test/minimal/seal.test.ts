/** The whole of SEAL in one file: short, as long as is promised, with the table that it promises. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("experiments/minimal");
const root = path.join(__dirname, "../..");
const file = path.join(root, "experiments/minimal/seal.ts");

test("under 150 lines, and nothing but the public API", () => {
  const text = readFileSync(file, "utf8");
  assert.ok(text.trimEnd().split("\n").length < 150);
  const imported = [...text.matchAll(/from "([^"]*)"/g)].map(([, name]) => name);
  assert.ok(imported.length > 0 && imported.every((name) => /^seal-lab(\/[a-z]+)?$/.test(name)));
});

test("run short, it prints its table; twice, the same", () => {
  const run = (): string =>
    execFileSync(process.execPath, ["-r", "tsx/cjs", file], {
      cwd: root,
      env: { ...process.env, SEAL_MINIMAL: "short" },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const first = run();
  const rows = first
    .trim()
    .split("\n")
    .slice(1)
    .map(
      (row) => /^(.*?)\s{2,}(\d+\.\d)%\s+(\d+\.\d) to (\d+\.\d)\s+(\d+)/.exec(row)?.slice(1) ?? [],
    );
  assert.equal(
    rows.map(([arm, , , , n]) => [arm, n]),
    [
      ["untouched", "4"],
      ["passage only", "4"],
      ["untrained self-edits", "4"],
      ["SEAL, round 1", "4"],
    ],
  );
  for (const [, middle, low, high] of rows)
    assert.ok(Number(low) <= Number(middle) && Number(middle) <= Number(high));
  assert.is(run(), first);
});

test.run();
