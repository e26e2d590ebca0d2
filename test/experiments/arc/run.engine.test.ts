/** Few-shot ARC from variant to record, on a tiny model with random weights that writes byte by byte. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../../src/statistics/random";
import { disposeModel, loadModel } from "../../../src/model/load";
import { writeSafetensors, type TensorValues } from "../../../src/model/safetensors";
import { parseRecipe, recipeText, type Recipe } from "../../../src/tasks/arc/recipe";
import { generate } from "../../../src/lora/generate";
import {
  allowedRecipeTokens,
  RECIPE_CHOICES,
  recipeParts,
} from "../../../src/tasks/arc/constrained";
import type { ArcRollout } from "../../../src/experiments/arc/rollout";
import { scoreRecipes } from "../../../src/experiments/arc/score";
import type { ArcVariant } from "../../../src/experiments/arc/variant";
import { runVariant, parseVariant } from "../../../src/experiments/variants";
import { temporaryFolder } from "../../run/temporary";

const test = suite("few-shot ARC");
const folder = temporaryFolder(test, "arc");

const END = "<end>";
/** Bytes as GPT-2 writes them: printable ASCII as it is, space and line end as Ġ and Ċ. */
const alphabet = [
  END,
  "Ġ",
  "Ċ",
  ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)),
];

async function writeModel(): Promise<string> {
  const config = {
    ...{ model_type: "llama", hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1 },
    ...{ num_attention_heads: 2, num_key_value_heads: 1, head_dim: 8, vocab_size: alphabet.length },
    ...{ rms_norm_eps: 1e-6, rope_theta: 10_000, max_position_embeddings: 4096 },
    ...{ tie_word_embeddings: true, eos_token_id: 0, hidden_act: "silu" },
  };
  const random = createRandom("weights");
  const tensor = (...shape: number[]): TensorValues => ({
    shape,
    values: Float32Array.from(
      { length: shape.reduce((a, b) => a * b) },
      () => 0.3 * random.normal(),
    ),
  });
  const layer = (name: string, ...shape: number[]): [string, TensorValues] => [
    `model.layers.0.${name}.weight`,
    tensor(...shape),
  ];
  const weights = new Map([
    ["model.embed_tokens.weight", tensor(alphabet.length, 16)] as [string, TensorValues],
    ["model.norm.weight", tensor(16)] as [string, TensorValues],
    layer("input_layernorm", 16),
    layer("post_attention_layernorm", 16),
    layer("self_attn.q_proj", 16, 16),
    layer("self_attn.k_proj", 8, 16),
    layer("self_attn.v_proj", 8, 16),
    layer("self_attn.o_proj", 16, 16),
    layer("mlp.gate_proj", 24, 16),
    layer("mlp.up_proj", 24, 16),
    layer("mlp.down_proj", 16, 24),
  ]);
  const tokenizer = {
    version: "1.0",
    added_tokens: [{ id: 0, content: END, special: true }],
    normalizer: null,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: false,
      trim_offsets: true,
      use_regex: false,
    },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries(alphabet.map((c, i) => [c, i])), merges: [] },
  };
  const write = (name: string, data: object): void =>
    writeFileSync(path.join(folder, name), JSON.stringify(data));
  write("config.json", config);
  write("tokenizer.json", tokenizer);
  write("tokenizer_config.json", { eos_token: END });
  await writeSafetensors(path.join(folder, "model.safetensors"), weights);
  return `file:${folder}`;
}

const one = {
  train: [
    { input: [[1]], output: [[2]] },
    { input: [[3]], output: [[2]] },
  ],
  test: [{ input: [[4]], output: [[2]] }],
};
const two = { ...one, test: [{ input: [[5]] }, { input: [[6]] }] };
const recipe: Recipe = {
  augmentations: { basic: false, size: false, chain: false, repeat: false },
  strategy: "output tokens",
  learningRate: 0.001,
  epochs: 1,
};

async function variantOf(more: object = {}): Promise<ArcVariant> {
  const model = await writeModel();
  const tasks = path.join(folder, "tasks.json");
  writeFileSync(tasks, JSON.stringify({ a: one, b: one, c: two, d: one }));
  return parseVariant({
    experiment: "arc",
    name: "tiny",
    model,
    data: { paths: [tasks], train: ["a"], evaluate: ["b", "c"] },
    sampling: {
      train: 3,
      evaluate: 2,
      temperature: 1,
      maximumTokens: 300,
      constrained: { epochs: ["1", "2"] },
    },
    limits: { samples: 4 },
    recipe,
    innerLoop: { rank: 2, targets: ["q_proj"] },
    queries: { limit: 2 },
    answers: { maximumTokens: 8 },
    reward: "cells",
    keep: 1,
    fineTuning: { rank: 2, targets: ["q_proj"], epochs: 1 },
    ...more,
  }) as ArcVariant;
}

test("every arm comes to its rows, and nothing that was not graded counts", async () => {
  const variant = await variantOf();
  const output = path.join(folder, "results");
  const { record, directory } = await runVariant(variant, { output, quiet: true });
  assert.equal(
    record.rows.map(({ arm, round, n, ungraded }) => [arm, round, n, ungraded]),
    [
      ["in context", 0, 1, 1],
      ["fixed recipe", 0, 1, 1],
      ["untrained self-edits", 0, 2, 2],
      ["SEAL", 1, 2, 2],
    ],
  );
  const lines = readFileSync(path.join(directory, "rollouts.jsonl"), "utf8").trim().split("\n");
  const rollouts = lines.map((line) => JSON.parse(line) as ArcRollout);
  // 2 + 2 without self-edits, 2 x 2 untrained, 3 to learn from, 2 x 2 after.
  assert.is(rollouts.length, 15);
  for (const { arm, completion, recipe: chosen, steps, tests, task } of rollouts) {
    const written = arm === "untrained self-edits" || arm === "SEAL";
    assert.is(completion !== undefined, written);
    if (completion !== undefined) assert.equal(parseRecipe(completion).recipe, chosen);
    assert.is(steps > 0, arm !== "in context");
    assert.is(tests.length, task === "c" ? 2 : 1);
    assert.ok(tests.every(({ answers }) => answers.length === 2));
  }
  for (const name of ["success", "settings", "task", "votes", "recipes"])
    assert.ok(existsSync(path.join(directory, "figures", `${name}.png`)), name);
});

test("every line goes through its rounds, each with tasks of its own", async () => {
  const paths = [path.join(folder, "tasks.json")];
  const variant = await variantOf({
    name: "lines",
    data: { paths, train: ["a", "d"], evaluate: ["b"] },
    arms: ["SEAL", "random selection"],
    rounds: 2,
    newTasks: true,
    rewardSeeds: 2,
    lines: [
      { select: "longest" },
      { select: "all" },
      { reward: "answer loss" },
      { reward: "over passage" },
    ],
    sampling: { train: 2, evaluate: 1, temperature: 1, maximumTokens: 300, constrained: {} },
    limits: { samples: 2 },
    queries: { limit: 1 },
    answers: { maximumTokens: 2 },
  });
  const output = path.join(folder, "results");
  const { record, directory } = await runVariant(variant, { output, quiet: true });
  const names = [
    ...["SEAL", "random selection", "longest of K", "no selection"],
    ...["best of K, answer loss", "best of K, over passage"],
  ];
  assert.equal(
    record.rows.map(({ arm, round }) => `${arm} ${round}`),
    names.flatMap((name) => [1, 2].map((round) => `${name} ${round}`)),
  );
  const rollouts = readFileSync(path.join(directory, "rollouts.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ArcRollout);
  const trained = rollouts.filter(({ part }) => part === "train");
  assert.equal(
    [...new Set(trained.map(({ arm, round, task }) => `${arm} ${round} ${task}`))],
    ["SEAL", "best of K, answer loss", "best of K, over passage"].flatMap((name) => [
      `${name} 1 a`,
      `${name} 2 d`,
    ]),
  );
  for (const { arm, answerLosses = [], tests, rewards } of trained) {
    assert.is(answerLosses.length > 0, arm === "best of K, answer loss");
    assert.is(tests.length === 0, arm === "best of K, answer loss");
    assert.is(rewards?.length, arm === "SEAL" ? 2 : undefined);
  }
});

test("random selection needs SEAL before it, whose number of kept self-edits it takes", async () => {
  const refused = (arms: string[]): Promise<void> =>
    variantOf({ arms }).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /arms: "random selection" keeps as many/),
    );
  await refused(["random selection"]);
  await refused(["random selection", "SEAL"]);
});

test("each trouble has its own status, and only what was trained was trained", async () => {
  const variant = await variantOf({ limits: { samples: 4, steps: 3, learningRate: 1 } });
  const model = await loadModel(variant.model);
  const text = (change: Partial<Recipe>): string => recipeText({ ...recipe, ...change });
  const texts: [string, string][] = [
    ["unparsable", "Sure! true, true, false"],
    ["ok", text({})],
    ["rejected", text({ learningRate: 5 })],
    ["too costly", text({ epochs: 2 })],
    ["too costly", text({ epochs: 1e12 })],
    ["ok", text({ strategy: "all tokens" })],
  ];
  const place = { arm: "untrained self-edits", round: 0, part: "evaluate" } as const;
  const candidates = texts.map(([, completion], index) => ({
    ...{ task: { id: "a", ...one }, index, completion },
    parsed: parseRecipe(completion, variant.limits),
  }));
  const rollouts = await scoreRecipes(model, variant, 1, place, candidates);
  assert.equal(
    rollouts.map(({ status }) => status),
    texts.map(([status]) => status),
  );
  for (const { status, reason, tokens, reward, solved } of rollouts) {
    assert.is(tokens > 0, status === "ok");
    assert.is(reason === undefined, status === "ok");
    assert.is(reward === undefined, status !== "ok");
    assert.is(solved === undefined, status !== "ok");
  }
  disposeModel(model);
});

test("constrained decoding writes every recipe of the language, and nothing else", async () => {
  const variant = await variantOf();
  const model = await loadModel(variant.model);
  const allowed = allowedRecipeTokens(model.text!.tokenizer, [0]);
  const prompts = Array.from({ length: 24 }, () => "Choose.");
  const written = await generate(model, prompts, { maximumTokens: 300, temperature: 3, allowed });
  for (const { text, finish } of written) {
    assert.is(finish, "stop");
    assert.is(parseRecipe(text).status, "ok", text);
  }
  assert.ok(new Set(written.map(({ text }) => text)).size > 12);
  const size = recipeParts(RECIPE_CHOICES).reduce((product, texts) => product * texts.length, 1);
  assert.is(size, 2 ** 4 * 2 * 5 * 5);
  disposeModel(model);
});

test.run();
