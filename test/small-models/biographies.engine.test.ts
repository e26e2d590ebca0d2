/** Pretraining of the small world's model: gradients, Muon, checkpoints, on a model smaller still. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { parseModelConfig } from "../../src/model/config";
import { plainHead } from "../../src/model/matrix";
import { openSafetensors } from "../../src/model/safetensors";
import { disposeWeights, loadWeights } from "../../src/model/weights";
import { createRandom } from "../../src/statistics/random";
import { writeModelFiles } from "../../experiments/small-models/biographies/model-files";
import {
  biographiesConfig,
  documentsOfStep,
  pretrainingSettings,
  pretrainingStep,
  type PretrainingSettings,
} from "../../experiments/small-models/biographies/pretraining";
import { pretrainingAccuracy } from "../../experiments/small-models/biographies/pretraining-accuracy";
import { createWorld } from "../../src/tasks/biographies/world";
import { readCheckpoint, saveCheckpoint } from "../../experiments/small-models/checkpoint";
import { configFile, valuesOf } from "../../experiments/small-models/files";
import { orthogonalize } from "../../experiments/small-models/muon";
import { initialWeights, lossAndFullGradients } from "../../experiments/small-models/network";
import { startPretraining } from "../../experiments/small-models/step";

const pretraining = suite("biographies pretraining");
const world = createWorld(0);
const config = {
  ...biographiesConfig(),
  hiddenSize: 16,
  intermediateSize: 24,
  layerCount: 1,
  headCount: 2,
  keyValueHeadCount: 2,
  headDim: 8,
};
const settings: PretrainingSettings = {
  ...pretrainingSettings,
  steps: 8,
  plainSteps: 1,
  lessonSteps: 2,
  openBookSteps: 3,
  lessons: { questions: 2, selfedit: 1 },
  openBook: {
    openBookQuestions: 1,
    openBookSelfEdits: 1,
    passages: 0,
    statements: 0,
    questions: 0,
  },
  everything: {
    openBookQuestions: 1,
    openBookSelfEdits: 1,
    passages: 1,
    statements: 4,
    questions: 4,
  },
};

pretraining.before(async () => {
  await startEngine();
});

pretraining("the gradient is the slope of the loss", () => {
  const variables = initialWeights(config, 0.3, createRandom(1));
  const rows = [
    [5, 30, 31, 32, 33],
    [6, 40, 41],
  ];
  const learned = [
    { row: 0, place: 4, weight: 0.7 },
    { row: 1, place: 2, weight: 0.3 },
  ];
  const loss = (): number => {
    const result = lossAndFullGradients(config, variables, rows, learned);
    tf.dispose(result.gradients);
    return result.loss;
  };
  const { gradients } = lossAndFullGradients(config, variables, rows, learned);
  for (const name of [
    "model.embed_tokens.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.0.mlp.up_proj.weight",
    "model.layers.0.input_layernorm.weight",
  ]) {
    const variable = variables.get(name)!;
    const original = variable.clone();
    const direction = tf.div(gradients[name], tf.norm(gradients[name]));
    const moved = (by: number): number => {
      variable.assign(tf.add(original, tf.mul(direction, by)));
      return loss();
    };
    const slope = (moved(0.01) - moved(-0.01)) / 0.02;
    variable.assign(original);
    const expected = tf.norm(gradients[name]).dataSync()[0];
    assert.ok(expected > 0);
    assert.ok(Math.abs(slope - expected) < 0.02 * expected + 1e-3, `${name}: ${slope} ${expected}`);
  }
  tf.dispose([gradients, ...variables.values()]);
});

pretraining("Newton-Schulz brings singular values near 1", () => {
  const random = createRandom(2);
  const values = Float32Array.from({ length: 2 * 6 * 20 }, () => 5 * random.normal());
  const gram = tf.tidy(() => {
    const y = orthogonalize(tf.tensor3d(values, [2, 6, 20]));
    return tf.matMul(y, y, false, true).arraySync();
  }) as number[][][];
  for (const matrix of gram)
    matrix.forEach((row, i) =>
      row.forEach((value, j) =>
        i === j ? assert.ok(value > 0.4 && value < 1.5) : assert.ok(Math.abs(value) < 0.5),
      ),
    );
});

pretraining("a step's documents follow the curriculum and depend on the step alone", () => {
  const sizes = (step: number): [number, number] => {
    const { long, short } = documentsOfStep(world, settings, step);
    return [long.length, short.length];
  };
  assert.equal([0, 1, 2, 3].map(sizes), [
    [3, 0],
    [3, 0],
    [2, 0],
    [3, 8],
  ]);
  assert.equal(documentsOfStep(world, settings, 5), documentsOfStep(world, settings, 5));
});

pretraining(
  "a resumed run goes on as one that was not stopped, and the model's files load",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "biographies-"));
    try {
      const straight = startPretraining(config, settings);
      const steps = (state: typeof straight, count: number): number[] =>
        Array.from({ length: count }, () => pretrainingStep(config, world, settings, state).loss);
      const losses = steps(straight, 8);
      assert.ok(losses.every(Number.isFinite));
      const stopped = startPretraining(config, settings);
      steps(stopped, 4);
      const file = join(folder, "checkpoint.safetensors");
      await saveCheckpoint(file, stopped, { seconds: 2, losses: [1], settings: '{"é":1}' });
      const resumed = startPretraining(config, settings);
      const checkpoint = await readCheckpoint(file);
      assert.ok(checkpoint);
      const { seconds, losses: kept, settings: text, restore } = checkpoint;
      assert.equal([seconds, kept, text], [2, [1], '{"é":1}']);
      restore(resumed);
      assert.is(resumed.step, 4);
      // Not nearly: the same bits, of losses, weights and the optimizer's state.
      assert.equal(steps(resumed, 4), losses.slice(4));
      const bits = (state: typeof straight): string[] =>
        [...state.variables, ...state.optimizer].map(
          ([name, variable]) =>
            `${name} ${Buffer.from(variable.dataSync().buffer).toString("hex")}`,
        );
      assert.equal(bits(resumed), bits(straight));
      assert.is(await readCheckpoint(join(folder, "none")), undefined);

      const accuracy = pretrainingAccuracy(config, world, straight.variables, 2);
      assert.ok(accuracy.known >= 0 && accuracy.known <= 1);
      const weights = await valuesOf(straight.variables);
      await writeModelFiles(folder, config, weights, {
        settings,
        parameters: 1,
        documents: 2,
        loss: 3,
        lossSteps: 4,
        people: 2,
        accuracy,
        engine: "test",
        minutes: 5,
      });
      assert.equal(parseModelConfig(configFile(config), "config.json"), config);
      const source = await openSafetensors(join(folder, "model.safetensors"));
      const loaded = await loadWeights(config, source);
      const embedding = plainHead(loaded.embedding, config.vocabularySize);
      assert.equal(
        [...embedding.dataSync()],
        [...straight.variables.get("model.embed_tokens.weight")!.dataSync()],
      );
      embedding.dispose();
      disposeWeights(loaded);
      await source.close();
      assert.match(
        await readFile(join(folder, "README.md"), "utf8"),
        "mean of the last 4 steps | 3.000",
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

pretraining.run();
