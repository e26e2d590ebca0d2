/** The outer loop on toy policies: the order of its steps, what each is given, and who disposes of what. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/model/load";
import { keepByLine, lineOf, lineSchema, scoreByLine, type Line } from "../../src/restem/lines";
import { outerLoop, type Round } from "../../src/restem/outer-loop";

const test = suite("outer loop");

interface Toy {
  readonly model: Model;
  readonly disposed: () => boolean;
}

/** A model of one weight, which tells whether it was disposed of. */
function toy(name: string): Toy {
  const weight = tf.scalar(1);
  const weights = { embedding: weight, finalNorm: weight, head: weight, layers: [] };
  return {
    model: { id: name, weights } as unknown as Model,
    disposed: () => weight.isDisposed,
  };
}

/** Two tasks a round, three self-edits each, scored by their length; the policy's name grows with what it imitates. */
async function run(
  tasks: readonly (readonly string[])[],
  keep: (round: number) => number,
): Promise<{ log: string[]; rounds: Round<string, number>[]; policies: Toy[] }> {
  const log: string[] = [];
  const rounds: Round<string, number>[] = [];
  const policies = [toy("base")];
  await outerLoop<string, number>({
    policy: policies[0].model,
    tasks,
    write: async ({ id }, own, round) => {
      log.push(`${id} writes ${own.join("")} in round ${round}`);
      return own.map((task) => [task, `${task}!`, `${task}!!`]);
    },
    score: async ({ id }, _own, selfEdits) => {
      log.push(`${id} scores`);
      return selfEdits.map((texts) => texts.map(({ length }) => length));
    },
    select: (scored, round) =>
      scored.flatMap((own, task) =>
        [...own.keys()].slice(own.length - keep(round)).map((index) => ({ task, index })),
      ),
    imitate: async ({ id }, examples, round) => {
      log.push(`${id} imitates ${examples.map(({ selfEdit }) => selfEdit).join(" ")}`);
      const next = toy(`policy ${round}`);
      policies.push(next);
      return next.model;
    },
    evaluate: async ({ id, weights }, round) => {
      log.push(`${id} is evaluated`);
      assert.not((weights.embedding as tf.Tensor).isDisposed);
      rounds.push(round);
    },
  });
  return { log, rounds, policies };
}

test("write, score, select, imitate, evaluate; the next round goes on with the new policy and its own tasks", async () => {
  const { log, rounds, policies } = await run(
    [
      ["a", "b"],
      ["c", "d"],
    ],
    () => 1,
  );
  assert.equal(log, [
    "base writes ab in round 1",
    "base scores",
    "base imitates a!! b!!",
    "policy 1 is evaluated",
    "policy 1 writes cd in round 2",
    "policy 1 scores",
    "policy 1 imitates c!! d!!",
    "policy 2 is evaluated",
  ]);
  assert.equal(rounds[1].kept, [
    { task: 0, index: 2 },
    { task: 1, index: 2 },
  ]);
  assert.equal(rounds[1].scored, [
    [1, 2, 3],
    [1, 2, 3],
  ]);
  assert.equal(
    policies.map(({ disposed }) => disposed()),
    [false, true, true],
    "the first one is the caller's",
  );
});

test("where nothing is kept the policy stays, and is evaluated", async () => {
  const { log, policies } = await run([["a"], ["a"], ["a"]], (round) => (round === 2 ? 1 : 0));
  assert.equal(
    log.filter((line) => line.includes("evaluated")),
    ["base is evaluated", "policy 2 is evaluated", "policy 2 is evaluated"],
  );
  assert.equal(
    policies.map(({ disposed }) => disposed()),
    [false, true],
  );
});

test("a policy is disposed of where an evaluation fails", async () => {
  const next = toy("next");
  const loop = outerLoop<string, number>({
    policy: toy("base").model,
    tasks: [["a"]],
    write: async () => [["text"]],
    score: async () => [[1]],
    select: () => [{ task: 0, index: 0 }],
    imitate: async () => next.model,
    evaluate: async () => {
      throw new Error("broken");
    },
  });
  await loop.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, "broken"),
  );
  assert.ok(next.disposed());
});

const line = (settings: object, keep = 1): Line => lineOf(lineSchema.parse(settings), keep);

test("lines: names, and which self-edits are kept", () => {
  const groups = [
    [
      { status: "ok", reward: 0.2, length: 9 },
      { status: "ok", reward: 0.6, length: 4 },
      { status: "unparsable", length: 99 },
      { status: "ok", reward: 0.4, length: 7 },
    ],
    [
      { status: "failed", length: 1 },
      { status: "ok", reward: 0.8, length: 2 },
    ],
  ] as const;
  const kept = (settings: object): string =>
    keepByLine(line(settings), groups, "seed")
      .map(({ task, index }) => `${task}${index}`)
      .join(" ");
  assert.is(kept({}), "01 11");
  assert.is(kept({ count: 2 }), "01 03 11");
  assert.is(kept({ select: "above", score: 0.4 }), "01 11");
  assert.is(kept({ select: "top", share: 0.5 }), "01 03 11");
  assert.is(kept({ select: "longest" }), "00 11");
  assert.is(kept({ select: "all" }), "00 01 03 11");
  assert.is(kept({ select: "random", count: 9 }), "00 01 03 11");
  assert.is(kept({ select: "random" }).split(" ").length, 2);
  assert.equal(
    [{}, { rewardSeeds: 2 }, { select: "random" }, { select: "longest" }, { select: "all" }].map(
      (settings) => line(settings).name,
    ),
    [
      "best of K, accuracy",
      "best of K, accuracy, 2 repeats",
      "random selection",
      "longest of K",
      "no selection",
    ],
  );
  assert.is(
    line({ select: "longest", reward: "accuracy" }).reward,
    undefined,
    "nothing is trained",
  );
});

test("lines that cannot be are refused", () => {
  const wrong = (settings: object): string =>
    lineSchema.safeParse(settings).error?.issues[0].path.join(".") ?? "accepted";
  assert.is(wrong({ reward: "shrunk" }), "rewardSeeds");
  assert.is(wrong({ reward: "over passage", select: "all" }), "select");
  assert.is(wrong({ select: "above" }), "score");
  assert.is(wrong({ score: 0.5 }), "score");
  assert.is(wrong({ select: "top" }), "share");
  assert.is(wrong({ select: "luckiest" }), "select");
});

test("scores: the mean over repeats, the failure of one is the self-edit's, the reference is its task's", async () => {
  type Result = { readonly status: "ok" | "diverged"; readonly reward?: number };
  const ok = (reward: number): Result => ({ status: "ok", reward });
  const repeats = [
    [ok(0), ok(1), ok(0.5)],
    [ok(1), { status: "diverged" } as Result, ok(0.5)],
  ];
  const selfEdits = [["a", "b"], ["c"]];
  const asked: boolean[] = [];
  const scored = await scoreByLine(line({ rewardSeeds: 2, reward: "over passage" }), selfEdits, {
    run: async (repeat, decode) => {
      asked.push(decode);
      return repeats[repeat];
    },
    reference: async () => [ok(0), ok(0.5)],
  });
  assert.equal(asked, [true, true]);
  assert.equal(scored, [
    [{ status: "ok", reward: 0.5, rewards: [0, 1], reference: 0 }, { status: "diverged" }],
    [{ status: "ok", reward: 0.5, rewards: [0.5, 0.5], reference: 0.5 }],
  ]);
  // What is not better than the passage alone is not kept; a reference of 0 is one, too.
  assert.equal(keepByLine(line({ reward: "over passage" }), scored, "seed"), [
    { task: 0, index: 0 },
  ]);
});

test("scores by likelihood need no answers", async () => {
  const asked: boolean[] = [];
  const [[scored]] = await scoreByLine(line({ reward: "answer loss" }), [["a"]], {
    run: async (_, decode) => {
      asked.push(decode);
      return [{ status: "ok", answerLosses: [Math.log(2), Math.log(8)] } as const];
    },
    reference: async () => [],
  });
  assert.equal(asked, [false]);
  assert.ok(Math.abs((scored.reward ?? 0) - 0.25) < 1e-12, "the geometric mean of 1/2 and 1/8");
});

test.run();
