/** The benchmark's sums by hand, the committed lengths, and mistakes on its command line. Time is not tested. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  adaptersPerMinute,
  busyBetween,
  countPadding,
  idsOf,
  operationsPerToken,
  productWeights,
  representative,
} from "../../src/bench/arithmetic";
import { Bench } from "../../src/bench/context";
import { PARTS, parseParts, withNeeds } from "../../src/bench/parts";
import { growthRow, smallJobs } from "../../src/bench/parts/growth";
import { HALF, SINGLE } from "../../src/bench/workload";
import { formatBench, growthFigure } from "../../src/commands/bench-report";
import { compare, ours } from "../../src/bench/rows";
import type { Model } from "../../src/model/load";
import { modelShape } from "../../src/model/shape";
import { defaultModel } from "../../src/model/sources";

const test = suite("bench");

test("a token of SmolLM2 takes 4 x 134.5 million operations, and 6 for each of the adapter's", async () => {
  const model = await modelShape(defaultModel);
  // 30 layers of q 576 x 576, k and v 576 x 192 each, o 576 x 576, gate, up and down 576 x 1536; the head 49,152 x 576
  const layer = 2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536;
  assert.is(productWeights(model), 30 * layer + 49_152 * 576);
  assert.is(productWeights(model), 134_479_872);
  const queryAndValue = 30 * 32 * (576 + 576 + 576 + 192);
  const expected = 4 * 134_479_872 + 6 * queryAndValue;
  assert.is(operationsPerToken(model, 32, ["q_proj", "v_proj"]), expected);
});

test("padding is counted: three sequences of 10, 30 and 200 tokens padded to 100", () => {
  assert.equal(countPadding([[10, 30], [200]], 100), {
    sequences: 3,
    tokens: 140,
    places: 300,
    useful: 140 / 300,
  });
});

test("the committed lengths are SEAL's: 250 self-edits, of which padding to 2048 uses 2.4%", () => {
  const file = path.join(__dirname, "../../experiments/bench/lengths.json");
  const jobs = JSON.parse(readFileSync(file, "utf8")) as number[][];
  assert.is(jobs.length, 250);
  const { useful } = countPadding(jobs, 2048);
  assert.ok(useful > 0.0235 && useful < 0.0245, String(useful));
});

test("jobs that stand for all are spread over their sizes, ordinary ones first", () => {
  const jobs = [[9], [1], [5], [3], [7]];
  assert.equal(representative(jobs, 5), [[5], [3], [7], [1], [9]]);
  assert.equal(representative(jobs, 1), [[5]]);
});

test("adapters a minute, shares of a machine, ids within the vocabulary", () => {
  assert.is(adaptersPerMinute(100, 50, 10), 12);
  assert.is(busyBetween({ busy: 10, total: 100 }, { busy: 15, total: 120 }), 0.25);
  assert.is(busyBetween({ busy: 1, total: 5 }, { busy: 1, total: 5 }), 0);
  const ids = idsOf(1000, 3, 500);
  assert.is(ids.length, 1000);
  assert.ok(ids.every((id) => id >= 100 && id < 500));
  assert.equal(ids, idsOf(1000, 3, 500));
});

test("parts are letters in any order; another is refused by name", () => {
  assert.equal(parseParts("c, a"), ["a", "c"]);
  assert.is(parseParts(undefined).length, 8);
  assert.equal(withNeeds(["b", "c"]), ["a", "b", "c"]);
  assert.throws(() => parseParts("a,z"), /No part is called "z"/);
});

test("the table says what was compared and what was not", () => {
  const text = formatBench({
    busyBefore: 0.01,
    busyAfter: 0.02,
    peakGflops: 160,
    boundTokensPerSecond: { "q, v": 297 },
    engine: {},
    peer: null,
    llama: null,
    rounds: 3,
    failures: [],
    rows: [
      {
        part: "a",
        name: "x",
        unit: "tokens/s",
        ours: 250,
        peer: 100,
        ratio: 2.5,
        shareOfPeak: 0.84,
      },
      { part: "d", name: "y", unit: "s", ours: 1.234 },
      { part: "f", name: "z", unit: "MB", ours: -0.25, ci95: [-20.5, 0.1] },
    ],
  });
  assert.match(text, /\(a\) x +250 tokens\/s +100 +2\.50 +84%/);
  assert.match(text, /\(d\) y +1\.23 s/);
  assert.match(text, /\(f\) z +-0\.25 MB \(95%: -20\.5 to 0\.10\)/);
  assert.match(text, /160 GFLOP\/s, which allows training on 297 tokens\/s/);
});

test("a row names both sides and their precisions; of seconds, fewer are better", () => {
  const peft = { who: "PEFT", precision: "fp32", value: 100 };
  assert.equal(compare("K = 5, q and v", "tokens/s", ours("bf16", 250), peft, { aim: "ratio 2" }), {
    name: "K = 5, q and v: ours in bf16 / PEFT in fp32",
    ...{ unit: "tokens/s", ours: 250, peer: 100, ratio: 2.5, aim: "ratio 2" },
  });
  assert.is(compare("x", "s", ours("fp32", 50), peft).ratio, 2);
  const alone = compare("x", "s", ours("fp32", 50), { ...peft, value: NaN });
  assert.equal(alone, { name: "x: ours in fp32", unit: "s", ours: 50 });
});

test("growth is the slope behind the warm-up, for 100 jobs; all samples are kept and drawn", () => {
  // Before the 200th job memory rises steeply; then 1 MB every 50 jobs, which is 2 MB in 100.
  const megabytes = [900, 950, 990, 1000, 1001, 1002, 1003, 1004];
  const samples = megabytes.map((size, i) => ({ jobs: 50 * (i + 1), bytes: 1e6 * size }));
  const row = growthRow(samples);
  assert.is(row.name, "growth of memory in 100 jobs, from the 200th to the 400th: ours in fp32");
  assert.ok(Math.abs(row.ours - 2) < 1e-9 && row.unit === "MB");
  assert.ok(row.ci95!.every((end) => Math.abs(end - 2) < 1e-9));
  assert.equal(row.samples, samples);
  const { data } = growthFigure({ part: "f", ...row });
  assert.equal(data[0].y, megabytes);
});

test("the jobs of the growth are small, of varied length and the same in every run", () => {
  const jobs = smallJobs(1200);
  assert.equal(jobs, smallJobs(1200));
  assert.ok(jobs.every((job) => job.length === 1 || job.length === 2));
  assert.equal(
    [...new Set(jobs.flat())].sort((a, b) => a - b),
    [...Array(17).keys()].map((i) => i + 4),
  );
});

/** A run with made-up seconds: ten jobs of 10 tokens; answers and training in bf16 take half the time. */
async function timed(): Promise<Bench> {
  const config = await modelShape(defaultModel);
  const model = { config } as unknown as Model;
  const lengths = Array.from({ length: 10 }, () => [10]);
  const precisions = [{ ...SINGLE, counts: [5], fullSteps: [], decodedRows: [1] }, HALF];
  const bench = new Bench({ modelId: "", model, lengths, precisions, rounds: 1, quick: false });
  const seconds = {
    ...{ "a q and v 5 start": 1, "a q and v 5": 2, "a peer q and v start": 1, "a peer q and v": 5 },
    ...{ "b answer": 5, "b peer answer": 2, "c 1 0": 2, "c peer 1 0": 4, h: 8 },
  };
  for (const [name, value] of Object.entries(seconds)) {
    bench.keep(name, precisions[0], value + 1);
    bench.keep(name, precisions[0], value);
    bench.keep(name, HALF, value / (name.includes("peer") ? 1 : 2));
  }
  return bench;
}

test("rows are made of the fewest seconds, bf16 against the peer's bf16 and fp32", async () => {
  const bench = await timed();
  const told = async (part: string): Promise<[string, number, number | undefined][]> =>
    (await PARTS[part].rows(bench))
      .filter((row) => !Number.isNaN(row.ours))
      .map((row) => [
        row.name,
        Number(row.ours.toFixed(3)),
        row.peer && Number(row.peer.toFixed(3)),
      ]);
  // Five jobs, 50 tokens, ten epochs: 1 s once and ten of 2 - 1 s, 500 / 11. The peer's two jobs: 200 / (1 + 10 x 4).
  const [training] = await told("a");
  assert.equal(training, ["K = 5, q and v: ours in fp32 / PEFT in fp32", 45.455, 4.878]);
  // An adapter is 100 tokens: 2.2 s and an answer of 5 / 5 s; the peer's 20.5 + 2 s. In bf16 1.1 + 0.5 s.
  assert.equal(await told("b"), [
    ["K = 5, q and v, scored: ours in fp32 / PEFT in fp32", 18.75, 2.667],
    ["K = 5, q and v, scored: ours in bf16 / PEFT in bf16", 37.5, 2.667],
    ["K = 5, q and v, scored: ours in bf16 / PEFT in fp32", 37.5, 2.667],
  ]);
  assert.equal(await told("c"), [
    ["1 row: ours in fp32 / transformers in fp32", 8, 4],
    ["1 row: ours in bf16 / transformers in bf16", 16, 4],
    ["1 row: ours in bf16 / transformers in fp32", 16, 4],
  ]);
  // Two padded steps of 8 s, of 10 useful tokens each.
  const [whole, padding, useful] = await told("h");
  assert.equal(whole.slice(1), [45.455, 2.5]);
  assert.equal(padding.slice(1), [4.878, 2.5]);
  assert.is(useful[1], 0.005);
});

test.run();
