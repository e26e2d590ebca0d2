/** Every variant in experiments/: its schema, its plan, and a run on a tiny model with everything made small. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { disposeModel, loadModel } from "../../src/model/load";
import { experiments, type Variant } from "../../src/experiments/registry";
import type { AnyExperiment } from "../../src/run/experiment";
import { openJournal } from "../../src/run/journal";
import { planVariant, parseVariant, readVariant } from "../../src/experiments/variants";
import { readArticles } from "../../src/tasks/squad";
import { writeByteModel } from "../model/byte-model";
import { temporaryFolder } from "../run/temporary";

const test = suite("variants");
const root = path.join(__dirname, "../../experiments");
const folder = temporaryFolder(test, "variants");

/** JSON files that say what experiment they are, or extend one that does; others are data. */
const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".json"))
  .filter((name) => {
    const data = JSON.parse(readFileSync(path.join(root, name), "utf8")) as object;
    return "experiment" in data || "extends" in data;
  })
  .sort();

type Part = Record<string, unknown>;

/** Smallest settings of an adapter: one epoch of few sequences is a step or two. */
const adapter = { rank: 1, alpha: 1, targets: ["q_proj"], epochs: 1 };
const onePassage = { source: "articles", split: "train", count: 1 };
const otherPassage = { source: "articles", split: "eval", count: 1 };
/** The release's own prompts may not be here. */
const ownPrompt = { kind: "implications" };
/** Stands for every author's file: those of SEAL's release may not be here. */
const completions = path.join(folder, "completions.jsonl");
const sampling = { count: 2, temperature: 1, topP: 0.95, maximumTokens: 4 };

/** What is laid over a variant of each kind to make it tiny. A kind that is not here is not run, and the test says so. */
const small: Partial<Record<Variant["experiment"], (variant: Part, model: string) => Part>> = {
  knowledge: (variant, model) => ({
    model,
    prompt: ownPrompt,
    seeds: [1],
    data: onePassage,
    sampling,
    innerLoop: adapter,
    answers: { maximumTokens: 2 },
    authors: (variant.authors as { name: string }[]).map(({ name }) => ({
      kind: "file",
      name,
      path: completions,
    })),
    ...(variant.outerLoop === undefined
      ? {}
      : { outerLoop: { data: otherPassage, rounds: 1, rewardSeeds: 1, fineTuning: adapter } }),
  }),
  biographies: () => ({
    seeds: [1],
    people: { train: 2, heldOut: 2 },
    rounds: 1,
    sampling: { ...sampling, maximumTokens: 20 },
    innerLoop: adapter,
    fineTuning: adapter,
  }),
  continual: (variant, model) => ({
    ...lessonsModel(variant, model),
    seeds: [1],
    passages: 2,
    sampling: { ...sampling, maximumTokens: 20 },
    innerLoop: adapter,
    answers: { maximumTokens: 2 },
  }),
  pretraining: (variant, model) => ({
    prompt: ownPrompt,
    ...lessonsModel(variant, model),
    seeds: [1],
    passages: [2],
    sampling: { ...sampling, maximumTokens: 20 },
    innerLoop:
      (variant.innerLoop as Part).method === "full"
        ? { method: "full", batchSize: 4 }
        : { ...adapter, batchSize: 4 },
    outerLoop: {
      ...(lessonsModel(variant, model).data ? { data: { ...onePassage, split: "eval" } } : {}),
      ...{ passages: 1, rounds: 1, rewardSeeds: 1, innerLoop: adapter, fineTuning: adapter },
      sampling: { ...sampling, maximumTokens: 20 },
    },
    answers: { maximumTokens: 2 },
  }),
};

/** The small world's model is tiny as it is, and nothing else speaks its language. */
function lessonsModel(variant: Part, model: string): Part {
  const { source } = (variant.data ?? {}) as { source?: string };
  return source === "biographies"
    ? {}
    : { model, data: { source: "articles", split: "train", count: 2 } };
}

for (const name of files) {
  test(`${name}: schema and plan`, async () => {
    const variant = await readVariant(path.join(root, name));
    const plan = await planVariant(variant, { memory: 1e15 }).catch((error: unknown) => {
      // Data of an experiment may lie elsewhere; that is said, not thrown as a fault.
      assert.instance(error, UserError);
      assert.match((error as UserError).message, /does not exist|no such|no data|Cannot read/i);
    });
    if (!plan) return;
    assert.ok(plan.trainings > 0 && plan.generations > 0, "there is work");
    assert.ok(plan.tokens.trained > plan.trainings, "every training reads");
    assert.ok(plan.hours > 0 && Number.isFinite(plan.hours));
    assert.ok(plan.memory.total > plan.memory.weights && plan.fits);
    const none = await planVariant(variant, { memory: 1e6 });
    assert.not(none.fits);
    assert.match(none.advice ?? "", /would (?:do|fit)/);
  });
}

test("every variant runs, made tiny", async () => {
  const model = await writeByteModel(path.join(folder, "model"));
  const [{ passage }] = await readArticles("train");
  writeFileSync(completions, `${JSON.stringify({ passage, completion: "It is so." })}\n`);
  const ran: string[] = [];
  for (const name of files) {
    const variant = await readVariant(path.join(root, name));
    const shrink = small[variant.experiment];
    if (!shrink) {
      console.log(`not run: ${name} (nothing makes "${variant.experiment}" tiny here)`);
      continue;
    }
    const whole = variant as unknown as Part;
    const tiny = parseVariant({ ...whole, ...shrink(whole, model) }, name);
    const journal = await openJournal(path.join(folder, `${name.replaceAll("/", " ")}l`), tiny);
    const context = { journal, checkpoints: folder, log: () => undefined, quiet: true };
    const experiment = experiments.find(({ name: kind }) => kind === tiny.experiment);
    const outcome = await (experiment as AnyExperiment).run(tiny as never, context);
    await journal.close();
    assert.ok(outcome.rows.length > 0 && outcome.rollouts.length > 0, name);
    ran.push(name);
  }
  assert.ok(ran.includes("knowledge/qwen2.5-7b.json"));
});

test("the tiny model's text goes in and out unchanged", async () => {
  const model = await loadModel(await writeByteModel(path.join(folder, "model")));
  const ids = model.text?.tokenizer.encode("Brück\n12") ?? [];
  assert.is(ids.length, Buffer.byteLength("Brück\n12"));
  assert.is(model.text?.tokenizer.decode(ids), "Brück\n12");
  disposeModel(model);
});

test.run();
