/** The form of results/LOG.md: newest first, short entries, each with its verdict. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("log");

/** What is wrong with a log's form; empty for a good one. */
function faults(text: string): string[] {
  const [preamble, ...entries] = text.split(/^(?=## )/m);
  const found = preamble.startsWith("# Log\n") ? [] : ["the title"];
  const dates: string[] = [];
  for (const entry of entries) {
    const [heading, ...lines] = entry.split("\n").filter((line) => line.trim() !== "");
    const form = /^## (\d{4}-\d\d-\d\d): .+ \((negative|kept|not settled)\)$/.exec(heading);
    if (!form) found.push(`no date, or no verdict: ${heading}`);
    else if (form[1] > (dates.at(-1) ?? form[1])) found.push(`not newest first: ${heading}`);
    else dates.push(form[1]);
    if (lines.length < 1 || lines.length > 12) found.push(`${lines.length} lines: ${heading}`);
    const long = lines.filter((line) => !line.startsWith("|")).find((line) => line.length > 120);
    if (long !== undefined) found.push(`a line of ${long.length} characters: ${heading}`);
  }
  return found;
}

test("results/LOG.md has a dated heading with a verdict over each entry, newest first, twelve lines at most", () => {
  const text = readFileSync(path.join(__dirname, "../../results/LOG.md"), "utf8");
  assert.equal(faults(text), []);
  assert.ok(text.split("\n## ").length > 50);
});

test("each fault of the form is found", () => {
  const log = (...entries: string[]): string[] => faults(`# Log\n\n${entries.join("\n")}`);
  const good = "## 2026-01-02: A (kept)\n\nOne.\n";
  assert.equal(log(good, "## 2026-01-01: B (not settled)\n\n| a |\n\nTwo.\n"), []);
  const problems: [entry: string, problem: string][] = [
    ["## 2026-01-03: Later (kept)\n\nOne.", "not newest first: ## 2026-01-03: Later (kept)"],
    ["## 2026-01-01: Bare\n\nOne.", "no date, or no verdict: ## 2026-01-01: Bare"],
    ["## A (kept)\n\nOne.", "no date, or no verdict: ## A (kept)"],
    ["## 2026-01-01: Empty (kept)\n", "0 lines: ## 2026-01-01: Empty (kept)"],
    [`## 2026-01-01: Long (kept)\n\n${"x\n".repeat(13)}`, "13 lines: ## 2026-01-01: Long (kept)"],
    [
      `## 2026-01-01: Wide (kept)\n\n${"x".repeat(121)}`,
      "a line of 121 characters: ## 2026-01-01: Wide (kept)",
    ],
  ];
  for (const [entry, problem] of problems) assert.equal(log(good, entry), [problem]);
});

test.run();
