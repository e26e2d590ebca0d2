/** Pretraining of the small ARC world's model: its documents, a few steps, and the committed weights. */
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { generate } from "../../src/lora/generate";
import { disposeModel, loadModel } from "../../src/model/load";
import { readSafetensors } from "../../src/model/safetensors";
import { recipePrompt } from "../../src/tasks/arc/messages";
import { parseRecipe } from "../../src/tasks/arc/recipe";
import { KNOWN_FAMILIES, worldTask } from "../../src/tasks/arc/world";
import {
  documentsOfStep,
  ruleAccuracy,
  worldConfig,
  worldPretrainingSettings,
  worldStep,
} from "../../experiments/small-models/arc/pretraining";
import { startWorld } from "../../experiments/small-models/arc/start";
import { worldVocabulary } from "../../src/tasks/arc/world-words";
import type { PretrainingDocument } from "../../experiments/small-models/step";

const test = suite("pretraining of the small ARC world");
const settings = {
  ...worldPretrainingSettings,
  ...{ steps: 4, lessonSteps: 2, lessons: 4 },
  mixture: { lessons: 2, pairs: 1, context: 1, names: 1, recipes: 1 },
};

test.before(async () => {
  await startEngine();
});

test("lessons come first, then documents of every kind; a step's documents depend on the step alone", () => {
  const lengths = [0, 2].map((step) => documentsOfStep(settings, step).map((g) => g.length));
  assert.equal(lengths, [
    [2, 2],
    [2, 4],
  ]);
  const arrows = ({ words }: PretrainingDocument): number =>
    words.filter((word) => word === "->").length;
  for (const lesson of documentsOfStep(settings, 1).flat()) assert.is(arrows(lesson), 1);
  const [lessons, [pairs, context, name, recipe]] = documentsOfStep(settings, 3);
  assert.equal([...lessons, pairs, context, name, recipe].map(arrows), [1, 1, 3, 3, 3, 3]);
  assert.ok(name.words.includes("<rule>"));
  assert.ok(recipe.words.includes("<recipe>"));
  assert.equal(documentsOfStep(settings, 3), documentsOfStep(settings, 3));
});

test("steps change the weights and leave nothing behind", () => {
  const config = {
    ...worldConfig(),
    ...{ hiddenSize: 16, intermediateSize: 24, layerCount: 1, headCount: 2 },
    ...{ keyValueHeadCount: 2, headDim: 8 },
  };
  const before = tf.memory().numTensors;
  const state = startWorld(config, settings);
  const held = tf.memory().numTensors;
  const embedding = state.variables.get("model.embed_tokens.weight")!;
  const first = embedding.dataSync().slice();
  // Cells of two colours differ by the same at all places, and by what their colours' words differ.
  const vector = (word: string): number[] => {
    const at = worldVocabulary().indexOf(word) * 16;
    return [...first.slice(at, at + 16)];
  };
  const difference = (a: string, b: string): number[] =>
    vector(a).map((value, i) => Number((value - vector(b)[i]).toFixed(5)));
  assert.equal(difference("5@0/3,2/4", "3@0/3,2/4"), difference("5", "3"));
  assert.equal(difference("5@0/3,2/4", "5@0/3,1/4"), difference("7@2/3,2/4", "7@2/3,1/4"));
  for (let step = 0; step < 4; step++) assert.ok(worldStep(config, settings, state) > 0);
  assert.is(tf.memory().numTensors, held);
  assert.not.equal(first, embedding.dataSync());
  tf.dispose([...state.variables.values(), ...state.optimizer.values()]);
  assert.is(tf.memory().numTensors, before);
});

test("the committed model carries out named rules, and writes recipes of many kinds, most of them valid", async () => {
  const folder = path.join(__dirname, "../../results/models/arc");
  const tensors = await readSafetensors(path.join(folder, "model.safetensors"));
  const variables = new Map(
    [...tensors].map(([name, { values, shape }]) => [
      name,
      tf.variable(tf.tensor(values, [...shape])),
    ]),
  );
  const accuracy = ruleAccuracy(worldConfig(), variables, 20, "name");
  for (const [kind, { words }] of Object.entries(accuracy))
    assert.ok(words > 0.8, `${kind}: ${words}`);
  tf.dispose([...variables.values()]);
  const model = await loadModel("tiny:arc");
  const prompts = Array.from({ length: 24 }, (_, i) =>
    recipePrompt(worldTask("test", "train", KNOWN_FAMILIES, i)),
  );
  const written = await generate(model, prompts, { maximumTokens: 20, temperature: 1 });
  const valid = written.filter(({ text }) => parseRecipe(text).status === "ok");
  assert.ok(valid.length >= 14, String(valid.length));
  assert.ok(new Set(valid.map(({ text }) => text)).size > 10);
  disposeModel(model);
});

test.run();
