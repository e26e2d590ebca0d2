/** What the package's calls refuse: impossible settings, lists without anything in them, and adapters that are given but missing. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as seal from "../src/index";
import { startEngine } from "../src/engine";
import type { Model } from "../src/model/load";
import { disposeWeights } from "../src/model/weights";
import { randomNetwork, smallConfig } from "./model/random-network";
import { caught } from "./model/refusal";

const test = suite("what the calls refuse");
const tokenizer = {
  vocabularySize: smallConfig.vocabularySize,
  encode: (text: string) => [...text].map(() => 3),
  decode: (tokens: readonly number[]) => tokens.join(" "),
  idOf: () => undefined,
};
let model: Model;
let adapter: seal.Adapter;
const sequences = [{ ids: [3, 5, 7] }];
const article = { title: "A", passage: "It is so." };
const sampling = { count: 1, temperature: 1, topP: 1, maximumTokens: 2 };
const inner = { concurrency: 2, answerTokens: 2 };
const candidate = { sequences, questions: [{ prompt: [3], judge: () => "wrong" as const }] };

test.before(async () => {
  await startEngine();
  model = { ...randomNetwork(), id: "random", inputs: [], text: { tokenizer } };
  const [trained] = await seal.trainAdapters(model, [
    { sequences, settings: { epochs: 1, rank: 2 } },
  ]);
  adapter = trained.adapter!;
});
test.after(() => disposeWeights(model.weights));

/** Anything, as a program without types would give it. */
type Loose = (...given: unknown[]) => unknown;
const loose = (call: unknown): Loose => call as Loose;
const [train, generate, generateGroups] = [
  seal.trainAdapters,
  seal.generate,
  seal.generateGroups,
].map(loose);
const [score, scoreLater, innerLoop] = [seal.scoreRows, seal.scoreRowsLater, seal.runInnerLoop].map(
  loose,
);
const [sample, fineTune, adapt] = [
  seal.sampleSelfEdits,
  seal.fineTunePolicy,
  seal.adaptToPassage,
].map(loose);

const trainWith = (settings: object) => (): unknown => train(model, [{ sequences, settings }]);
const generateWith = (options: object) => (): unknown => generate(model, [[3, 4]], options);
const missing = /adapter.* is missing: .*"status" and "reason"/;

const refusals: [name: string, call: () => unknown, message: RegExp][] = [
  ["training without jobs", () => train(model, []), /there are no jobs/],
  ["jobs that are no list", () => train(model, { sequences }), /jobs must be a list/],
  [
    "a job without sequences",
    () => train(model, [{ sequences: [] }]),
    /job 1: there are no training sequences/,
  ],
  [
    "a sequence of another form",
    () => train(model, [{ sequences: ["a", { text: "b" }] }]),
    /job 1: training sequence 2 is neither/,
  ],
  [
    "a misspelt key of a job",
    () => train(model, [{ sequences, setting: {} }]),
    /job 1: there is no setting "setting"; did you mean "settings"/,
  ],
  [
    "a misspelt setting",
    trainWith({ learningrate: 1e-3 }),
    /job 1: settings: .*did you mean "learningRate"/,
  ],
  ...[-1, 0, NaN, Infinity, 2, "0.1"].map((learningRate): [string, () => unknown, RegExp] => [
    `the learning rate ${learningRate}`,
    trainWith({ learningRate }),
    /job 1: settings: learningRate: /,
  ]),
  ...Object.entries({
    epochs: 2.5,
    rank: 0,
    batchSize: 0,
    accumulation: 0,
    alpha: -1,
    dropout: 1,
    clipNorm: -1,
    warmupSteps: -1,
    weightDecay: -1,
    maximumTokens: 1,
    schedule: "step",
    targets: [],
  }).map(([key, value]): [string, () => unknown, RegExp] => [
    `${key} ${String(value)}`,
    trainWith({ [key]: value }),
    new RegExp(`job 1: settings: ${key}: `),
  ]),
  [
    "an impossible second job",
    () => train(model, [{ sequences }, { sequences, settings: { epochs: 0 } }]),
    /job 2: settings: epochs/,
  ],
  [
    "no adapters at once",
    () => train(model, [{ sequences }], { concurrency: 0 }),
    /trainAdapters: concurrency/,
  ],
  [
    "a misspelt option of training",
    () => train(model, [{ sequences }], { onstep: () => 0 }),
    /did you mean "onStep"/,
  ],
  [
    "a start that is missing",
    () => train(model, [{ sequences, initial: undefined }]),
    /job 1: initial: is missing/,
  ],

  ["no prompts", () => generate(model, []), /generate: there are no prompts/],
  ["a prompt without tokens", () => generate(model, [[3], ""]), /generate: prompt 2 has no tokens/],
  ["a text instead of a list", () => generate(model, "Hello"), /prompts must be a list/],
  ["a prompt that is nothing", () => generate(model, [undefined]), /prompt 1 is neither a text/],
  [
    "a token that there is not",
    () => generate(model, [[3, 53]]),
    /prompt 1 has the token id 53; the model has 0 to 52/,
  ],
  ["a temperature below 0", generateWith({ temperature: -1 }), /generate: temperature/],
  ["a nucleus of 7", generateWith({ topP: 7 }), /generate: topP/],
  ["a nucleus of 0", generateWith({ topP: 0 }), /generate: topP/],
  ["no tokens", generateWith({ maximumTokens: 0 }), /generate: maximumTokens/],
  ["a token and a half", generateWith({ maximumTokens: 1.5 }), /generate: maximumTokens/],
  ["no rows at once", generateWith({ batchRows: 0 }), /generate: batchRows/],
  ["an empty stop", generateWith({ stop: [""] }), /generate: stop/],
  ["something else for a callback", generateWith({ onText: "x" }), /onText: must be a function/],
  [
    "a misspelt option of generation",
    generateWith({ maxTokens: 3 }),
    /did you mean "maximumTokens"/,
  ],
  ["a missing adapter", generateWith({ adapter: undefined }), missing],
  ["a missing adapter as JSON has it", generateWith({ adapter: null }), missing],
  [
    "a folder for an adapter",
    generateWith({ adapter: "my-adapter" }),
    /adapter: must be one that trainAdapters or loadAdapter gave/,
  ],
  ["no groups", () => generateGroups(model, []), /generateGroups: there are no groups/],
  [
    "a group without prompts",
    () => generateGroups(model, [{ prompts: [] }]),
    /group 1: there are no prompts/,
  ],
  [
    "a group without its adapter",
    () =>
      generateGroups(model, [
        { adapter, prompts: [[3]] },
        { adapter: undefined, prompts: [[3]] },
      ]),
    /group 2: adapter: is missing/,
  ],
  [
    "groups with and without",
    () => generateGroups(model, [{ adapter, prompts: [[3]] }, { prompts: [[3]] }]),
    /either every group has an adapter or none/,
  ],

  ["no rows", () => score(model, []), /there are no rows/],
  ["a row of one", () => score(model, [[3]]), /Row 1 has 1 token ids; at least 2/],
  ["scoring with a missing adapter", () => scoreLater(model, [[3, 4]], undefined), missing],
  ["saving a missing adapter", () => loose(seal.saveAdapter)(undefined, "nowhere"), missing],
  ["merging a missing adapter", () => loose(seal.mergeAdapter)(model, undefined), missing],
  [
    "writing a missing adapter merged",
    () => loose(seal.saveMerged)(model, undefined, "nowhere"),
    missing,
  ],

  [
    "no candidates at once",
    () => innerLoop(model, [candidate], { ...inner, concurrency: 0 }),
    /runInnerLoop: concurrency/,
  ],
  [
    "half an answer",
    () => innerLoop(model, [candidate], { ...inner, answerTokens: 0.5 }),
    /runInnerLoop: answerTokens/,
  ],
  [
    "a misspelt option of the inner loop",
    () => innerLoop(model, [candidate], { ...inner, answerToken: 1 }),
    /did you mean "answerTokens"/,
  ],
  [
    "a misspelt key of a candidate",
    () => innerLoop(model, [{ ...candidate, question: [] }], inner),
    /candidate 1: .*did you mean "questions"/,
  ],

  [
    "self-edits of nothing",
    () => sample(model, [], sampling, "s"),
    /sampleSelfEdits: there are no prompts/,
  ],
  [
    "no self-edits",
    () => sample(model, [[3]], { ...sampling, count: 0 }, "s"),
    /sampleSelfEdits: count/,
  ],
  [
    "self-edits too hot",
    () => sample(model, [[3]], { ...sampling, temperature: 11 }, "s"),
    /sampleSelfEdits: temperature/,
  ],
  [
    "self-edits without a length",
    () => sample(model, [[3]], { count: 1, temperature: 1, topP: 1 }, "s"),
    /sampleSelfEdits: maximumTokens/,
  ],
  ["a policy from nothing", () => fineTune(model, [], {}), /fineTunePolicy: there are no examples/],
  [
    "a policy at an impossible rate",
    () => fineTune(model, [{ prompt: [3], completion: "a" }], { learningRate: 7 }),
    /fineTunePolicy: settings: learningRate/,
  ],
  [
    "adapting with an impossible setting",
    () => adapt(model, article, { settings: { epochs: -1 } }),
    /adaptToPassage: settings: epochs/,
  ],
  [
    "adapting with a misspelt option",
    () => adapt(model, article, { selfEdit: 1 }),
    /did you mean "selfEdits"/,
  ],
  [
    "adapting from a missing adapter",
    () => adapt(model, article, { initial: undefined }),
    /adaptToPassage: initial: is missing/,
  ],
  ["adapting in half a round", () => adapt(model, article, { extraRounds: 0.5 }), /extraRounds/],
  ["adapting by an unknown kind", () => adapt(model, article, { kind: "poem" }), /kind/],
];
for (const [name, call, message] of refusals)
  test(`refused at once: ${name}`, async () => {
    const { numTensors } = tf.memory();
    const error = await caught(call);
    assert.instance(error, seal.UserError, String(error));
    assert.match((error as Error).message, message);
    assert.is((error as Error).message.split("\n").length, 1);
    assert.is(tf.memory().numTensors, numTensors);
  });

test("options that are undefined are as if left out, but for adapters", async () => {
  const options = { maximumTokens: 2, temperature: undefined, seed: undefined, stop: undefined };
  const [answer] = await seal.generate(model, [[3, 4]], options);
  assert.equal(answer, (await seal.generate(model, [[3, 4]], { maximumTokens: 2 }))[0]);
  const [result] = await seal.trainAdapters(model, [
    { sequences, settings: { epochs: 1, rank: undefined } },
  ]);
  assert.is(result.adapter?.rank, 32);
});

test("a self-edit's own settings and sequences are its own trouble", async () => {
  const impossible = { ...candidate, settings: { learningRate: -1 } };
  const empty = { ...candidate, sequences: [] };
  const good = { ...candidate, settings: { epochs: 1, rank: 2 } };
  const results = await seal.runInnerLoop(model, [impossible, empty, good], inner);
  assert.equal(
    results.map(({ status }) => status),
    ["rejected", "unparsable", "ok"],
  );
  assert.match(results[0].reason ?? "", /learningRate/);
  const trained = await seal.trainCandidates(model, [
    { sequences, settings: impossible.settings },
    { sequences: [] },
    { sequences, settings: good.settings },
  ]);
  assert.equal(
    trained.map(({ status }) => status),
    ["rejected", "rejected", "ok"],
  );
  assert.equal(await seal.runInnerLoop(model, [], inner), []);
});

test.run();
