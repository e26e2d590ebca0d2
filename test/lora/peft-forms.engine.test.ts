/** Adapters in every form of PEFT's that is read: its numbers, alone, beside one another, merged, saved again and trained further. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import type { Adapter } from "../../src/lora/adapter";
import { mergeWeights } from "../../src/lora/merge";
import { readPeft, writePeft } from "../../src/lora/peft";
import { scoreRowsLater } from "../../src/lora/score";
import { parseLoraSettings } from "../../src/lora/settings";
import { trainJobs, type TrainingJob } from "../../src/lora/trainer";
import { combinedAdapter } from "../../src/serving/combine";
import type { Model } from "../../src/model/load";
import { writeSafetensors } from "../../src/model/safetensors";
import { disposeWeights } from "../../src/model/weights";
import { formulaNetwork, formulaValues } from "../model/formula";
import { largestDifference } from "../model/tiny";
import { withFolder } from "../run/temporary";

interface Form {
  family: string;
  changed: object;
  removed: string[];
  nlls: number[][];
  shapes?: Record<string, number[]>;
  file?: string;
}
interface Fixture {
  models: Record<string, unknown>;
  rows: number[][];
  untouched: Record<string, number[][]>;
  plain: object;
  forms: Record<string, Form>;
  training: {
    form: string;
    sequences: number[][];
    losses: number[];
    norms: number[];
    nlls: number[][];
  };
  accumulation: { form: string; sequences: number[][]; found: Record<string, [number, number]> };
}

const fixture = JSON.parse(
  readFileSync(path.join(__dirname, "../fixtures/peft/forms.json"), "utf8"),
) as Fixture;
const { rows, forms } = fixture;
/** PEFT's numbers and these, both in fp32. */
const LIMIT = 1e-4;
const test = suite("PEFT's forms");
const models = new Map<string, Model>();

test.before(async () => {
  await startEngine();
  for (const [family, config] of Object.entries(fixture.models))
    models.set(family, { ...(await formulaNetwork(config)), id: family, inputs: [] });
});

/** The form's folder, as PEFT wrote it. */
async function writeForm(
  folder: string,
  { changed, removed, shapes = {}, file }: Form,
): Promise<void> {
  const config: Record<string, unknown> = { ...fixture.plain, ...changed };
  for (const key of removed) delete config[key];
  writeFileSync(path.join(folder, "adapter_config.json"), JSON.stringify(config));
  const weights = path.join(folder, "adapter_model.safetensors");
  if (file !== undefined) return writeFileSync(weights, Buffer.from(file, "base64"));
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const plain = name.replace(/(lora_[AB])\.\w+\.weight$/, "$1.weight");
    return [name, { shape, values: formulaValues(plain, shape[0] * shape[1], 1) }] as const;
  });
  await writeSafetensors(weights, new Map(tensors));
}

async function withForm(
  name: string,
  body: (adapter: Adapter, model: Model, folder: string) => Promise<void>,
): Promise<void> {
  const model = models.get(forms[name].family)!;
  await withFolder(async (folder) => {
    await writeForm(folder, forms[name]);
    await body(await readPeft(model.config, folder), model, folder);
  });
}

async function assertNlls(
  model: Model,
  adapter: Adapter | undefined,
  expected: number[][],
  what: string,
): Promise<void> {
  const found = await (adapter
    ? scoreRowsLater(model, rows, adapter)
    : scoreRowsLater(model, rows));
  const difference = largestDifference(found.flat(), expected.flat());
  assert.ok(difference < LIMIT, `${what}: ${difference}`);
}

test("the models are the fixture's", async () => {
  for (const [family, model] of models)
    await assertNlls(model, undefined, fixture.untouched[family], family);
});

for (const [name, { nlls, family }] of Object.entries(forms))
  test(`${name}: read, saved again, merged, and combined for a server`, () =>
    withForm(name, async (adapter, model) => {
      await assertNlls(model, adapter, nlls, "read");
      const changes = largestDifference(nlls.flat(), fixture.untouched[family].flat());
      assert.ok(
        name === "alpha 0" ? changes === 0 : changes > 0.1,
        "the adapter changes something",
      );
      await withFolder(async (folder) => {
        await writePeft(adapter, folder);
        await assertNlls(model, await readPeft(model.config, folder), nlls, "saved again");
      });
      const weights = mergeWeights(model.config, model.weights, adapter);
      await assertNlls({ ...model, weights }, undefined, nlls, "merged");
      disposeWeights(weights);
      const combined = combinedAdapter(model.config, [adapter]);
      assert.is(combined.modules, undefined);
      await assertNlls(model, combined, nlls, "combined");
    }));

const settings = parseLoraSettings({
  epochs: 2,
  shuffle: false,
  schedule: "constant",
  learningRate: 2e-3,
  weightDecay: 0.02,
});

test("training goes on from several ranks and scalings as PyTorch's AdamW does, alone and beside others", () =>
  withForm(fixture.training.form, async (initial, model) => {
    const { sequences, losses, norms, nlls } = fixture.training;
    const job: TrainingJob = { sequences: sequences.map((ids) => ({ ids })), settings, initial };
    const other: TrainingJob = {
      sequences: [{ ids: rows[0] }],
      settings: parseLoraSettings({ rank: 9, epochs: 3, targets: ["v_proj", "up_proj"] }),
    };
    const [alone] = await trainJobs(model, [other]);
    const { numTensors } = tf.memory();
    for (const jobs of [[job], [other, job, other]]) {
      const results = await trainJobs(model, jobs);
      const result = results[jobs.indexOf(job)];
      assert.is(tf.memory().numTensors, numTensors);
      assert.ok(result.adapter, result.reason);
      assert.ok(largestDifference(result.losses, losses) < LIMIT, result.losses.join());
      const relative = result.gradientNorms.map((norm, i) => norm / norms[i] - 1);
      assert.ok(
        relative.every((error) => Math.abs(error) < 1e-4),
        relative.join(),
      );
      await assertNlls(model, result.adapter, nlls, "trained");
      assert.equal([...result.adapter.modules!], [...initial.modules!]);
      await withFolder(async (folder) => {
        await writePeft(result.adapter!, folder);
        await assertNlls(model, await readPeft(model.config, folder), nlls, "trained and saved");
      });
      if (jobs.length === 1) continue;
      assert.ok(results[0].adapter && alone.adapter);
      for (const [name, { values }] of alone.adapter.tensors) {
        const difference = largestDifference(values, results[0].adapter.tensors.get(name)!.values);
        assert.ok(difference < 1e-3, `the neighbour's ${name}: ${difference}`);
      }
    }
  }));

test("a layer without an adapter gets none by training", () =>
  withForm("layers", async (initial, model) => {
    const sequences = [{ ids: rows[0] }];
    const [{ adapter }] = await trainJobs(model, [{ sequences, settings, initial }]);
    const names = [...(adapter?.tensors.keys() ?? [])];
    assert.ok(names.length > 0 && names.every((name) => name.includes("layers.1.")));
    assert.equal(names.sort(), [...initial.tensors.keys()].sort());
  }));

test("several ranks are trained with dropout, too", () =>
  withForm("qwen2", async (initial, model) => {
    const sequences = [{ ids: rows[0] }];
    const without = { ...initial, dropout: 0 };
    const start = (own: Adapter, learningRate: number): TrainingJob => ({
      sequences,
      settings: { ...settings, epochs: 3, learningRate, weightDecay: 0 },
      initial: own,
    });
    const [dropped, plain] = await trainJobs(model, [start(initial, 1e-3), start(without, 1e-3)]);
    assert.equal([dropped.status, plain.status], ["ok", "ok"]);
    // Dropout is in the adapters' inputs alone, and each of the two has its own rate.
    assert.is.not(dropped.losses[0], plain.losses[0]);
    const [alone] = await trainJobs(model, [start(without, 1e-3)]);
    assert.ok(largestDifference(plain.losses, alone.losses) < LIMIT);
    assert.equal([...dropped.adapter!.modules!], [...initial.modules!]);
  }));

test("gradient accumulation is transformers', in one batch or several", () =>
  withForm(fixture.accumulation.form, async (initial, model) => {
    const { sequences, found } = fixture.accumulation;
    for (const [sizes, [loss, norm]] of Object.entries(found)) {
      const [batchSize, accumulation] = sizes.split(" x ").map(Number);
      const own = { ...settings, epochs: 1, batchSize, accumulation };
      const [{ losses, gradientNorms }] = await trainJobs(model, [
        { sequences: sequences.map((ids) => ({ ids })), settings: own, initial },
      ]);
      assert.is(losses.length, 1);
      assert.ok(Math.abs(losses[0] - loss) < LIMIT, `${sizes}: ${losses[0]}, ${loss}`);
      assert.ok(
        Math.abs(gradientNorms[0] - norm) < LIMIT,
        `${sizes}: ${gradientNorms[0]}, ${norm}`,
      );
    }
  }));

test.after(() => models.forEach(({ weights }) => disposeWeights(weights)));
test.run();
