/** The front door: short, and with the numbers of the records that it speaks of. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { RecordRow } from "../../src/run/record";

const test = suite("readme");
const root = path.join(__dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const lines = (file: string): number => read(file).trimEnd().split("\n").length;

const rowsOf = (result: string): RecordRow[] =>
  (JSON.parse(read(`results/${result}/record.json`)) as { rows: RecordRow[] }).rows;

/** A table's rows below a heading line that begins so; cells without links' targets. */
function table(file: string, heading: string): string[][] {
  const [, after] = read(file).split(`\n| ${heading}`);
  assert.ok(after, `${file} has no table that begins with "${heading}"`);
  const [body] = after.split("\n\n");
  return body
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")),
    );
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** The row that a table calls so: an arm, or "arm, round n". */
function rowNamed(rows: readonly RecordRow[], name: string): RecordRow {
  const row = rows.find(({ arm, round }) => [arm, `${arm}, round ${round}`].includes(name));
  assert.ok(row, `no row is called "${name}"`);
  return row as RecordRow;
}

test("README has at most 120 lines, CONTRIBUTING 150", () => {
  assert.ok(lines("README.md") <= 120, String(lines("README.md")));
  assert.ok(lines("CONTRIBUTING.md") <= 150, String(lines("CONTRIBUTING.md")));
});

test("the licence is the one that package.json names, and git keeps it", () => {
  const { license } = JSON.parse(read("package.json")) as { license: string };
  assert.ok(read("LICENSE").startsWith(`${license} License\n`));
  if (!existsSync(path.join(root, ".git"))) return;
  const tracked = execFileSync("git", ["ls-files", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"], {
    cwd: root,
    encoding: "utf8",
  });
  assert.equal(tracked.trim().split("\n"), ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"]);
});

test("accuracies and intervals of the small world are the record's, in README and in the experiment's guide", () => {
  const rows = rowsOf("knowledge--biographies");
  for (const [file, least] of [
    ["README.md", 6],
    ["experiments/knowledge/README.md", 13],
  ] as const) {
    const shown = table(file, "arm                          | accuracy");
    assert.ok(shown.length >= least);
    for (const [name, accuracy, interval] of shown) {
      const row = rowNamed(rows, name);
      assert.equal([name, accuracy], [name, percent(row.accuracy)]);
      assert.is(interval, row.ci95.map((end) => (100 * end).toFixed(1)).join(" - "));
    }
  }
});

test("the other experiments' accuracies are their records'", () => {
  const arc = rowsOf("arc--small-world");
  const pretraining = rowsOf("pretraining--biographies");
  const shown = (rows: RecordRow[], ...names: string[]): string[] =>
    names.map((name) => percent(rowNamed(rows, name).accuracy));
  const NEW = ", new families";
  const MANY = ", 30 passages";
  assert.equal(
    table("README.md", "experiment").map(([, ...values]) => values),
    [
      shown(
        arc,
        "in context",
        "untrained self-edits",
        "random selection, round 2",
        "SEAL, round 2",
        "chosen recipe",
      ),
      shown(
        arc,
        `in context${NEW}`,
        `untrained self-edits${NEW}`,
        `random selection${NEW}, round 2`,
        `SEAL${NEW}, round 2`,
        `chosen recipe${NEW}`,
      ),
      shown(
        pretraining,
        `passages only${MANY}`,
        `untrained self-edits${MANY}`,
        `random selection, round 2${MANY}`,
        `SEAL, round 2${MANY}`,
        `oracle${MANY}`,
      ),
    ],
  );
});

test.run();
