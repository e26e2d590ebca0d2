/** What the helpers put into a cell, asked of a stand-in for tslab's module, and what they do outside a notebook. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import Module from "node:module";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { display, inNotebook, updatingOutput } from "../../src/notebook/display";
import { frame } from "../../src/notebook/frame";
import { progress } from "../../src/notebook/progress";
import { show, showDiff, showSelfEdit, showTable } from "../../src/notebook/show";
import { figureLines } from "../../src/plot/lines";

const test = suite("notebook output");

interface Written {
  data: Record<string, string>;
  metadata: object;
  transient: { display_id?: string };
  update: boolean;
}

/** Puts a module where tslab's would be and gives what was written to it. */
async function inKernel(body: () => unknown): Promise<Written[]> {
  const written: Written[] = [];
  const file = path.join("node_modules", "tslab", "dist", "jupyter.js");
  const module = new Module(file);
  module.filename = file;
  module.exports = {
    lastWriteDisplayData: (content: Omit<Written, "update">, update: boolean) =>
      written.push({ ...content, update }),
  };
  require.cache[file] = module;
  try {
    await body();
  } finally {
    delete require.cache[file];
  }
  return written;
}

async function printed(body: () => unknown): Promise<string> {
  const write = process.stdout.write.bind(process.stdout);
  let text = "";
  process.stdout.write = (part: string | Uint8Array) => {
    text += String(part);
    return true;
  };
  try {
    await body();
  } finally {
    process.stdout.write = write;
  }
  return text;
}

const figure = figureLines([{ label: "a", x: [0, 1], y: [1, 2] }], {
  title: "A Title: with, signs",
  xTitle: "x",
  yTitle: "y",
});
const answer = (text: string, verdict: "correct" | "wrong"): object => ({
  question: "Where?",
  gold: "Rome",
  answer: text,
  verdict,
});
type Answers = Parameters<typeof showDiff>[0];

test("a figure is one output: Plotly's, a picture of its size, and its title", async () => {
  const [output, ...more] = await inKernel(() => show(figure));
  assert.is(more.length, 0);
  assert.equal(Object.keys(output.data), [
    "application/vnd.plotly.v1+json",
    "image/svg+xml",
    "text/plain",
  ]);
  assert.match(
    output.data["image/svg+xml"],
    new RegExp(`^<svg [^>]*width="${figure.width}" height="${figure.height}"`),
  );
  const plotly = output.data["application/vnd.plotly.v1+json"] as unknown as typeof figure;
  assert.equal(plotly.data, figure.data);
  assert.is(plotly.layout.width, figure.width);
});

test("outside a notebook a figure becomes files, everything else prints", async () => {
  assert.is(inNotebook(), false);
  const folder = mkdtempSync(path.join(os.tmpdir(), "seal show "));
  try {
    const text = await printed(() => show(figure, folder));
    assert.match(text, /^A Title: with, signs: .*a-title-with-signs\.png\n$/);
    assert.equal(
      readdirSync(folder).sort(),
      ["html", "json", "png", "svg"].map((end) => `a-title-with-signs.${end}`),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.is(
    await printed(() => display({ "text/plain": "plain", "text/html": "<b>x</b>" })),
    "plain\n",
  );
  assert.is(updatingOutput({ "text/plain": "" }), undefined);
});

test("answers before and after: signs beside colours, counts, text escaped", async () => {
  const before = [answer("<Paris>", "wrong")] as Answers;
  const after = [answer("Rome", "correct")] as Answers;
  const [{ data }] = await inKernel(() => showDiff(before, after));
  assert.match(data["text/html"], /color:#D55E00">✗ &lt;Paris&gt;/);
  assert.match(data["text/html"], /✓ Rome/);
  assert.match(data["text/plain"], /right answers of 1: before 0, after 1$/);
  assert.throws(() => showDiff(before, []), RangeError);
});

test("a self-edit is shown as the sequences that are trained on, the passage last", async () => {
  const options = { title: "T", passage: "The passage.", splitLines: true };
  const text = await printed(() => showSelfEdit("1. One.\n2. Two.", options));
  assert.equal(text.split("\n").slice(0, 4), [
    "   training sequence",
    "1  1. One.",
    "2  2. Two.",
    "3  The passage.",
  ]);
});

test("progress replaces one output; what remains names no times", async () => {
  const written = await inKernel(() => {
    const line = progress("rounds", 3);
    line.advance();
    line.advance(2);
    line.stop();
  });
  assert.equal(
    written.map(({ update }) => update),
    [false, true],
  );
  assert.is(new Set(written.map(({ transient }) => transient.display_id)).size, 1);
  assert.equal(written.at(-1)?.data, { "text/plain": "rounds: 3/3" });
});

test("a table of objects: nested keys, intervals, lists, missing values; more rows than shown are counted", async () => {
  const rows = [
    { arm: "a", n: 4, ci95: [0.25, 0.75], content: { facts: 2 }, answers: [{ q: 1 }, { q: 2 }] },
    { arm: "b", n: 5, ci95: [0, 0.5], answers: [{ q: 3 }], reason: "x" },
  ];
  const table = frame(rows);
  assert.equal(table.columns, ["arm", "n", "low", "high", "content.facts", "answers", "reason"]);
  assert.equal((table.values as unknown[][])[0], ["a", 4, 0.25, 0.75, 2, 2, null]);
  assert.equal((table.values as unknown[][])[1].slice(2, 6), [0, 0.5, null, 1]);
  const each = frame(rows, { each: "answers" });
  assert.equal(each.column("q").values, [1, 2, 3]);
  assert.equal(each.column("arm").values, ["a", "a", "b"]);
  assert.throws(() => frame([]), /no rows/);
  const lists = frame([
    { mean: 0.1, ci95OverSeeds: [0.05, 0.2], rewards: [1, 0, 0.5], none: [] },
    { mean: -0.0001, ci95OverSeeds: [-1, 1], rewards: [1, 1, 1], none: Array<number>(11).fill(0) },
  ]);
  assert.equal(lists.columns, [
    ...["mean", "lowOverSeeds", "highOverSeeds"],
    ...["rewards.1", "rewards.2", "rewards.3", "none"],
  ]);
  assert.equal(lists.values, [
    [0.1, 0.05, 0.2, 1, 0, 0.5, 0],
    [-0.0001, -1, 1, 1, 1, 1, 11],
  ]);
  assert.match(await printed(() => showTable(lists)), /\n0\.000 +-1 +1 /);
  const named = frame([{ index: 3, values: 4, round: 5 }]);
  assert.equal(named.columns, ["index_", "values_", "round"]);
  assert.equal(named.column("round").values, [5]);
  const text = await printed(() => showTable(table, { rows: 1 }));
  assert.match(text, /a +4 +0\.250 +0\.750 +2 +2/);
  assert.match(text, /and 1 more rows\n$/);
});

test.run();
