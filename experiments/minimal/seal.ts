/**
 * The whole of SEAL (Zweiger et al. 2025) in one file: a language model writes its own training data, learns from it, and
 * gets better at writing it. The model is tiny (361,152 weights) and knows a small world: invented people, a passage and
 * six questions about each. `npm run seal -- minimal` runs it, in under a minute. With every control, reward and selection
 * rule, resumable and for real models, the same is in src/restem/outer-loop.ts and src/experiments.
 */
import {
  createRandom,
  fineTunePolicy,
  generate,
  generateGroups,
  loadModel,
  selectCandidates,
  TARGET_NAMES,
  trainAdapters,
  type Adapter,
  type Candidate,
  type Model,
} from "seal-lab";
import * as world from "seal-lab/biographies";
import { clusterMeanInterval, mean } from "seal-lab/statistics";

/** Everything that is drawn depends on this number. */
const SEED = 7;
/** Self-edits for each passage, of which the best is kept. */
const K = 5;
/** The test of this file runs it short. */
const short = process.env.SEAL_MINIMAL === "short";
const ROUNDS = short ? 1 : 2;
const PEOPLE = short ? { train: 4, heldOut: 4 } : { train: 30, heldOut: 40 };
const adapter = { rank: 8, alpha: 16, targets: [...TARGET_NAMES], epochs: 10, learningRate: 0.005 };
const imitation = { ...adapter, rank: 16, alpha: 32, epochs: 4, batchSize: 4, learningRate: 0.002 };

/** A self-edit about a person, and the lines that it is trained as, the passage last; none if it cannot be read. */
interface SelfEdit {
  readonly person: world.Person;
  readonly text: string;
  readonly sequences: readonly string[];
}

/** The context C of a task: a passage. */
function passageOf(person: world.Person): string {
  return world.writePassage(person, createRandom(`passage/${SEED}/${person.name}`)).text;
}

/** Generate SE ~ LM(. | C): `count` self-edits about each person. */
async function write(
  model: Model,
  people: readonly world.Person[],
  count: number,
  seed: string,
): Promise<SelfEdit[]> {
  const asked = people.flatMap((person) => Array.from({ length: count }, () => person));
  const prompts = asked.map((person) => world.biographySelfEditPrompt(passageOf(person)));
  const drawing = { temperature: 1, topP: 0.95, maximumTokens: 60, seed };
  const written = await generate(model, prompts, drawing);
  return asked.map((person, i) => {
    const { text } = written[i];
    return { person, text, sequences: world.biographySequences(text, passageOf(person)) };
  });
}

/** Evaluate Ans ~ LM(. | questions): the share of right answers WITHOUT the passage, for each adapter (or none). */
async function evaluate(
  model: Model,
  asked: readonly { readonly person: world.Person; readonly adapter?: Adapter }[],
): Promise<Candidate[]> {
  const groups = asked.map(({ person, adapter: own }) => ({
    ...(own ? { adapter: own } : {}),
    prompts: world.questionsAbout(person).map(({ text }) => world.questionPrompt(text)),
  }));
  const answers = await generateGroups(model, groups, { maximumTokens: 2 });
  return asked.map(({ person }, a) => {
    const verdicts = world
      .questionsAbout(person)
      .map(({ answer }, q) => world.judgeValue(answer, answers[a][q].text));
    return { status: "ok", reward: mean(verdicts.map((one) => (one === "correct" ? 1 : 0))) };
  });
}

/** The inner loop: an adapter is trained on each self-edit, all at once, each as if it were alone; then it is evaluated. */
async function innerLoop(model: Model, selfEdits: readonly SelfEdit[]): Promise<Candidate[]> {
  const read = selfEdits.filter(({ sequences }) => sequences.length > 0);
  const jobs = read.map(({ sequences }) => ({ sequences, settings: { ...adapter, seed: SEED } }));
  const trained = await trainAdapters(model, jobs, { concurrency: 100 });
  const able = read.flatMap(({ person }, i) => {
    const own = trained[i].adapter;
    return own ? [{ selfEdit: read[i], person, adapter: own }] : [];
  });
  const rewarded = await evaluate(model, able);
  // What cannot be read or trained has no reward. That is not the reward 0.
  return selfEdits.map((selfEdit): Candidate => {
    const a = able.findIndex((one) => one.selfEdit === selfEdit);
    return rewarded.at(a < 0 ? rewarded.length : a) ?? { status: "unparsable" };
  });
}

/** A row of the table: mean accuracy on held-out people with a 95% interval over people. */
function report(arm: string, candidates: readonly Candidate[], paper = ""): void {
  const rewards = candidates.flatMap(({ reward }) => reward ?? []);
  const clusters = rewards.map((reward) => [reward]);
  const interval = clusterMeanInterval(clusters, { random: createRandom(arm) });
  const [middle, low, high] = [mean(rewards), ...interval].map((x) => (100 * x).toFixed(1));
  const cells = [arm.padEnd(21), `${middle}%`.padStart(8), `${low} to ${high}`.padStart(14)];
  console.log(`${cells.join("  ")}  ${String(rewards.length).padStart(3)}  ${paper}`);
}

/** Algorithm 1. */
async function seal(): Promise<void> {
  let policy: Model = await loadModel("tiny:biographies");
  const people = world.newPeople(world.createWorld(0), SEED, PEOPLE.train + PEOPLE.heldOut);
  const [train, heldOut] = [people.slice(0, PEOPLE.train), people.slice(PEOPLE.train)];
  console.log("arm                    accuracy    95% interval    n  paper (7B on SQuAD)");
  report(
    "untouched",
    await evaluate(
      policy,
      heldOut.map((person) => ({ person })),
    ),
    "32.7%",
  );
  const alone = heldOut.map((person) => ({ person, text: "", sequences: [passageOf(person)] }));
  report("passage only", await innerLoop(policy, alone), "33.5%");
  report(
    "untrained self-edits",
    await innerLoop(policy, await write(policy, heldOut, 1, "0")),
    "39.7%",
  );
  for (let round = 1; round <= ROUNDS; round++) {
    const selfEdits = await write(policy, train, K, `train ${round}`);
    const scored = await innerLoop(policy, selfEdits);
    // ReST-EM: the best self-edit about each person is kept, and the policy learns to write such.
    const groups = train.map((_, p) => scored.slice(p * K, (p + 1) * K));
    const best = selectCandidates(groups, { kind: "best", count: 1 });
    const kept = best.flatMap((indices, p) => indices.map((i) => selfEdits[p * K + i]));
    const examples = kept.map(({ person, text }) => ({
      prompt: world.biographySelfEditPrompt(passageOf(person)),
      completion: text,
    }));
    policy = await fineTunePolicy(policy, examples, { ...imitation, seed: round });
    const evaluated = await innerLoop(policy, await write(policy, heldOut, 1, `${round}`));
    report(`SEAL, round ${round}`, evaluated, round === 2 ? "47.0%" : "");
  }
}

seal().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
