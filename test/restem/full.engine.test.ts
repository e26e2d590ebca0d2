/** Candidates all of whose weights are trained, in the inner loop beside others: each as if it were alone, and nothing is left of it. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import { startEngine } from "../../src/engine";
import { fullSettingsSchema, innerLoopSettingsSchema } from "../../src/full/settings";
import { trainFull } from "../../src/full/train";
import { generate } from "../../src/lora/generate";
import { disposeModel, type Model } from "../../src/model/load";
import { executeGroup, inProcess } from "../../src/restem/group";
import { runInnerLoop, type InnerLoopCandidate } from "../../src/restem/inner-loop";
import { fineTunePolicy, mergedAdapters } from "../../src/restem/policy";
import { checkData } from "../../src/schema/schema";
import { createRandom } from "../../src/statistics/random";
import { randomNetwork, smallConfig } from "../model/random-network";
import { caught } from "../model/refusal";

const test = suite("full training in the inner loop");
const random = createRandom("full inner loop");
const ids = (length: number): number[] =>
  Array.from({ length }, () => random.integer(smallConfig.vocabularySize));
const text = {
  tokenizer: {
    vocabularySize: smallConfig.vocabularySize,
    encode: (content: string) => [...content].map((letter) => letter.charCodeAt(0) % 53),
    decode: (tokens: readonly number[]) => tokens.join(" "),
    idOf: () => undefined,
  },
};
let model: Model;
test.before(async () => {
  await startEngine();
  model = { ...randomNetwork(), id: "random", inputs: [], text };
});
test.after(() => disposeModel(model));

const sequences = [{ ids: ids(12) }, { ids: ids(7) }];
const questions = [ids(4), ids(9)].map((prompt) => ({
  prompt,
  judge: (answer: string) => (answer.startsWith("1") ? ("correct" as const) : ("wrong" as const)),
  gold: "a b",
}));
const full = { method: "full", epochs: 6, learningRate: 3e-3, seed: 1 };
const settingsOf = (settings: object): InnerLoopCandidate["settings"] => settings;
const candidates: InnerLoopCandidate[] = [
  { sequences, questions, settings: settingsOf(full) },
  { sequences, questions, settings: { epochs: 3, rank: 2, seed: 1 } },
  { questions },
  { sequences, questions, settings: settingsOf({ ...full, rank: 2 }) },
  { sequences: [], questions, settings: settingsOf(full) },
  { sequences, questions, settings: settingsOf({ ...full, seed: 2, gradientCheckpointing: true }) },
];
const options = { concurrency: 3, answerTokens: 5 };

test("its answers are those of the model that trainFull gives, and its neighbours' are as without it", async () => {
  const { numTensors } = tf.memory();
  const results = await runInnerLoop(model, candidates, options);
  assert.is(tf.memory().numTensors, numTensors);
  assert.equal(
    results.map(({ status }) => status),
    ["ok", "ok", "ok", "rejected", "unparsable", "ok"],
  );
  assert.match(results[3].reason ?? "", /there is no setting "rank"/);
  const alone = await trainFull(model, { sequences, settings: { ...full, method: "full" } });
  const prompts = questions.map(({ prompt }) => prompt);
  const answers = await generate(alone.model!, prompts, { maximumTokens: 5 });
  assert.equal(
    results[0].answers.map(({ answer }) => answer),
    answers.map((answer) => answer.text),
  );
  assert.equal(results[0].training, {
    losses: alone.losses,
    gradientNorms: alone.gradientNorms,
    tokens: alone.tokens,
  });
  disposeModel(alone.model!);
  const others = await runInnerLoop(model, candidates.slice(1, 3), options);
  assert.equal(
    others.map(({ answers: given }) => given),
    results.slice(1, 3).map(({ answers: given }) => given),
  );
  assert.is.not(results[0].answers[0].answer, results[2].answers[0].answer);
});

test("where no answers are decoded, right answers have the losses that its model gives them", async () => {
  const [result, , untouched] = await runInnerLoop(model, candidates.slice(0, 3), {
    ...options,
    answerTokens: 0,
  });
  assert.is(result.answerLosses?.length, 2);
  assert.ok(Math.abs(result.answerLosses![0] - untouched.answerLosses![0]) > 1e-3);
});

test("no server, queue or other process can answer for it", async () => {
  const work = {
    ...options,
    candidates: [{ sequences, settings: full, prompts: questions.map(({ prompt }) => prompt) }],
  };
  const error = await caught(() =>
    executeGroup(model, work, { generateAnswers: () => Promise.resolve([]) }),
  );
  assert.match(String(error), /^UserError: A server cannot answer/);
  const { candidates: own } = await inProcess.execute(model, work);
  assert.is(own[0].status, "ok");
  const trained = (await trainFull(model, { sequences })).model!;
  assert.throws(() => mergedAdapters(trained), /trained in full, so only this process has them/);
  const policy = await fineTunePolicy(trained, [{ prompt: [3], completion: "a" }], { epochs: 1 });
  assert.is(policy.merged.length, 1);
  assert.throws(() => mergedAdapters(policy), /trained in full/);
  [trained, policy].forEach(disposeModel);
});

test("an experiment's settings are LoRA's, or, marked as such, full training's", () => {
  const schema = z.strictObject({ innerLoop: innerLoopSettingsSchema });
  const read = (innerLoop: object): object => checkData(schema, { innerLoop }, "variant").innerLoop;
  const defaults = fullSettingsSchema.omit({ seed: true }).parse({ method: "full" });
  assert.equal(read({ method: "full" }), defaults);
  assert.is((read({}) as { rank: number }).rank, 32);
  assert.not.ok("method" in read({ rank: 8 }));
  assert.throws(() => read({ method: "full", rank: 8 }), /no setting "innerLoop\.rank"/);
  assert.throws(() => read({ method: "full", epoch: 8 }), /did you mean "epochs"/);
  assert.throws(() => read({ rnak: 8 }), /did you mean "rank"/);
  assert.throws(() => read({ method: "ful" }), /innerLoop\.method: the method is "lora"/);
});

test.run();
