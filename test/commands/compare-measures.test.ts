import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { writeRecord, type RecordRow } from "../../src/run/record";
import { seal } from "./run-cli";

const test = suite<{ folder: string }>("seal compare");

test.before.each(async (context) => {
  context.folder = await mkdtemp(path.join(tmpdir(), "seal-compare-"));
});
test.after.each(async ({ folder }) => {
  await rm(folder, { recursive: true });
});

const row = (arm: string, more: Partial<RecordRow> = {}): RecordRow => ({
  ...{ arm, round: 0, n: 10, accuracy: 0.5, ci95: [0.2, 0.8] },
  ...{ ungraded: 0, unparsable: 1, diverged: 0, ...more },
});

async function compared(folder: string, rows: RecordRow[]): Promise<string[][]> {
  await writeRecord(folder, {
    ...{ name: "knowledge--x", schema: 1, status: "complete", config: {}, seeds: [1], inputs: [] },
    environment: {
      ...{ node: "20", engine: "wasm", engineVersion: "4", threads: 1, cpu: "c" },
      ...{ gitCommit: null, gitDirty: null },
    },
    ...{ rows, paper: [], seconds: { total: 1, generate: 0, train: 0, answer: 1 } },
  });
  const { code, stdout, stderr } = seal("compare", folder);
  assert.is(code, 0, stderr);
  return stdout
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/ {2,}/));
}

test("exact match, F1 and the length of answers stand beside accuracy, where a run has them", async ({
  folder,
}) => {
  const measures = { exactMatch: 0.25, f1: 0.3333, answerWords: 23.46, longAnswers: 0.9 };
  const [header, , full, partly] = await compared(folder, [
    row("recites", measures),
    row("short", { f1: 0 }),
  ]);
  assert.equal(header.slice(4), [
    ...["95% interval", "exact match", "F1", "words", "over 20 words"],
    ...["unparsable", "diverged", "paper"],
  ]);
  assert.equal(full.slice(3), [
    ...["50.0%", "20.0% - 80.0%", "25.0%", "33.3%", "23.5", "90.0%", "1", "0"],
  ]);
  assert.equal(partly.slice(3), ["50.0%", "20.0% - 80.0%", "0.0%", "1", "0"]);
});

test("a run without them has no columns for them", async ({ folder }) => {
  const [header] = await compared(folder, [row("solves")]);
  assert.equal(header.slice(4), ["95% interval", "unparsable", "diverged", "paper"]);
});

test.run();
