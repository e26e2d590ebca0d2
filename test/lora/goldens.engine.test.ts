/** The numbers of PyTorch, transformers and PEFT for tiny random models, to floating-point accuracy. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { free, scoped } from "../../src/engine/scope";
import { createLayout, disposeLayout, tokenIndex } from "../../src/model/layout";
import {
  causalContext,
  disposeContext,
  forwardHidden,
  logitsAt,
  type Network,
} from "../../src/model/transformer";
import { readPeft } from "../../src/lora/peft";
import { parseLoraSettings } from "../../src/lora/settings";
import { layerAdapters, stackScaling, stackAdapters, stackShape } from "../../src/lora/stack";
import { trainJobs } from "../../src/lora/trainer";
import type { Adapter } from "../../src/lora/adapter";
import { largestDifference, loadNetwork } from "../model/tiny";
import { readShared, sharedPath, testWithShared } from "../shared";

interface Expected {
  input_ids: number[][];
  attention_mask: number[][];
  logits: number[][][];
  greedy: number[];
  train_sequences: number[][];
  losses: number[];
  grad_norms: number[];
  logits_after_training: number[][][];
}

/** Logits of every token of every row, with or without an adapter. */
async function logitsOf(
  network: Network,
  rows: number[][],
  adapter?: Adapter,
): Promise<number[][][]> {
  const layout = createLayout([rows]);
  const context = causalContext(network.config, layout);
  const logits = scoped(() => {
    const shape = adapter && stackShape(network.config, [adapter]);
    const stack = adapter && shape && stackAdapters(shape, [adapter]);
    const views =
      adapter && shape && stack
        ? network.weights.layers.map((_, l) =>
            layerAdapters(shape, stack, stackScaling([adapter]), l),
          )
        : undefined;
    const hidden = forwardHidden(network, context, views, (saved, x) => free([saved, x]));
    return rows.map((row, r) =>
      logitsAt(
        network,
        hidden,
        row.map((_, t) => tokenIndex(layout, r, t)),
      ),
    );
  });
  disposeContext(context);
  disposeLayout(layout);
  const values = await Promise.all(logits.map((own) => own.array()));
  tf.dispose(logits);
  return values;
}

const unpadded = (rows: number[][], mask: number[][]): number[][] =>
  rows.map((row, r) => row.filter((_, t) => mask[r][t] === 1));

for (const family of ["llama", "qwen2"]) {
  const test = suite(`goldens ${family}`);
  const folder = sharedPath("goldens", family);
  const expected = (): Expected => readShared<Expected>("goldens", family, "expected.json");

  testWithShared(test, `goldens/${family}`, `${family}: logits of a padded batch`, async () => {
    const network = await loadNetwork(`${folder}/model`);
    const want = expected();
    const logits = await logitsOf(network, unpadded(want.input_ids, want.attention_mask));
    logits.forEach((row, r) =>
      row.forEach((values, t) =>
        assert.ok(largestDifference(values, want.logits[r][t]) < 1e-4, `row ${r} token ${t}`),
      ),
    );
  });

  testWithShared(test, `goldens/${family}`, `${family}: 12 steps of training`, async () => {
    const network = await loadNetwork(`${folder}/model`);
    const want = expected();
    const settings = parseLoraSettings({
      rank: 4,
      alpha: 8,
      epochs: 3,
      learningRate: 0.01,
      shuffle: false,
    });
    const initial = await readPeft(network.config, `${folder}/adapter_init`);
    const sequences = want.train_sequences.map((ids) => ({ ids }));
    const [result] = await trainJobs(network, [{ sequences, settings, initial }]);
    assert.is(result.status, "ok");
    want.losses.forEach((loss, i) =>
      assert.ok(
        Math.abs(result.losses[i] / loss - 1) < 1e-4,
        `loss ${i}: ${result.losses[i]} ${loss}`,
      ),
    );
    want.grad_norms.forEach((norm, i) =>
      assert.ok(Math.abs(result.gradientNorms[i] / norm - 1) < 1e-3, `gradient norm ${i}`),
    );
    const final = await readPeft(network.config, `${folder}/adapter_final`);
    assert.ok(result.adapter);
    for (const [name, tensor] of final.tensors) {
      const own = result.adapter.tensors.get(name);
      assert.ok(own, name);
      const largest = tensor.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(largestDifference(own.values, tensor.values) < 1e-3 * largest, name);
    }
    const rows = unpadded(want.input_ids, want.attention_mask).slice(0, 1);
    const after = await logitsOf(network, rows, final);
    after[0].forEach((values, t) =>
      assert.ok(largestDifference(values, want.logits_after_training[0][t]) < 1e-4, `after ${t}`),
    );
  });
  test.run();
}

const accumulation = suite("gradient accumulation");
const ids = "cases/gradient-accumulation/ids.json";

testWithShared(accumulation, ids, "short and long rows, in one batch or two", async () => {
  const network = await loadNetwork(sharedPath("goldens/llama/model"));
  const initial = await readPeft(network.config, sharedPath("goldens/llama/adapter_init"));
  const sequences = readShared<number[][]>(ids).map((row) => ({ ids: row }));
  for (const [batchSize, accumulation] of [
    [1, 2],
    [2, 1],
  ]) {
    const settings = parseLoraSettings({ epochs: 1, shuffle: false, batchSize, accumulation });
    const [{ losses, gradientNorms }] = await trainJobs(network, [
      { sequences, settings, initial },
    ]);
    // transformers 5.24's Trainer, both ways.
    assert.ok(Math.abs(losses[0] - 5.704) < 1e-4, `loss ${losses[0]}`);
    assert.ok(Math.abs(gradientNorms[0] - 2.4978) < 1e-4, `norm ${gradientNorms[0]}`);
  }
});
accumulation.run();
