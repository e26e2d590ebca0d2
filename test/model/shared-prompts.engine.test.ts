/** Prompts that begin alike are read once, and answered as each alone. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { createAdapter, type Adapter } from "../../src/lora/adapter";
import { generateGroups } from "../../src/lora/generate";
import { sharePrompts } from "../../src/model/shared-prompts";
import { createRandom } from "../../src/statistics/random";
import { randomNetwork, smallConfig } from "./random-network";

const test = suite("shared prompts");
const random = createRandom("shared prompts");
const ids = (length: number): number[] =>
  Array.from({ length }, () => 3 + random.integer(smallConfig.vocabularySize - 3));

test("equal prompts and common beginnings by hand", () => {
  const shared = sharePrompts([
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 6, 7],
      [1, 2, 3, 4, 5],
    ],
    [
      [8, 9],
      [8, 9],
    ],
    [
      [1, 2, 3, 9],
      [1, 2, 3, 4],
    ],
    // The shorter prompt is the longer one's beginning: its last token is read for its logits.
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5, 6],
    ],
  ]);
  assert.equal(
    shared.distinct.map((rows) => rows.length),
    [2, 1, 2, 2],
  );
  assert.equal(shared.places, [0, 1, 0, 2, 2, 3, 4, 5, 6]);
  assert.equal(shared.beginnings, [4, 0, 0, 4]);
});

test("decoded together equals each alone, with adapters and without", async () => {
  await startEngine();
  const config = { ...smallConfig, eosTokenIds: [] };
  const model = { ...randomNetwork(config), id: "random", inputs: [] };
  const [begun, other] = [ids(70), ids(9)];
  const same = [...begun, ...ids(3)];
  const groups = [
    [[...begun, ...ids(5)], same, [...begun, ...ids(12)], same],
    [
      [...other, ...ids(2)],
      [...other, ...ids(4)],
    ],
    [ids(6)],
  ];
  const adapters = groups.map((_, k): Adapter => {
    const settings = { rank: 2, alpha: 4, dropout: 0, targets: ["v_proj", "down_proj"] as const };
    const made = createAdapter(config, settings, createRandom(k));
    for (const { values } of made.tensors.values())
      values.forEach((_value, i) => (values[i] = 0.2 * random.normal()));
    return made;
  });
  const options = { maximumTokens: 6 };
  const { numTensors } = tf.memory();
  for (const withAdapters of [true, false]) {
    const group = (k: number, prompts: number[][]): Parameters<typeof generateGroups>[1][number] =>
      withAdapters ? { adapter: adapters[k], prompts } : { prompts };
    const together = await generateGroups(
      model,
      groups.map((prompts, k) => group(k, prompts)),
      options,
    );
    for (const [k, prompts] of groups.entries())
      for (const [r, prompt] of prompts.entries()) {
        const [[alone]] = await generateGroups(model, [group(k, [prompt])], options);
        assert.is(alone.tokens.length, 6);
        assert.equal(together[k][r].tokens, alone.tokens, `adapter ${k}, prompt ${r}`);
      }
  }
  assert.is(tf.memory().numTensors, numTensors);
});

test.run();
