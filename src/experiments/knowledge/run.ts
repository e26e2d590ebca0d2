/**
 * Knowledge incorporation with a real model (paper, section 4.2, one passage): for every passage and arm an adapter is
 * trained (or none), the questions are answered without the passage, and the answers judged. The outer loop is in
 * rounds.ts, what the rollouts show in report.ts.
 */
import type { Model } from "../../model/load";
import type { AuthoredSelfEdit } from "../../openai/author";
import { UserError } from "../../messages/errors";
import type { Passage } from "../../tasks/squad";
import { readPassages } from "../lessons/passages";
import { openPrompts } from "../lessons/prompts";
import { authorArm, authorInputs, type Author } from "./authors";
import type { ExperimentContext, Outcome } from "../../run/experiment";
import { withModel } from "../../run/with-model";
import { runCandidates, writeOnce, type Candidate, type KnowledgeRun } from "./candidates";
import { knowledgeReport } from "./report";
import { roundCandidates, runRounds } from "./rounds";
import type { RunRecord } from "../../run/record";
import type { KnowledgeVariant } from "./variant";

/** Runs the experiment. */
export async function runKnowledge(
  variant: KnowledgeVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const { log } = context;
  const { passages, input } = await readPassages(variant, context);
  const training = await readTraining(variant, context);
  requireApart(training.passages.flat(), passages);
  const prompts = await openPrompts(variant);
  const given = await authorInputs(variant.authors);
  log(`Loading ${variant.model}`);
  const counts = training.passages.map(({ length }) => length);
  const total = candidateCount(variant, passages.length, counts);
  const ahead = {
    label: "training and answering",
    total,
    inputs: [input, ...training.inputs, ...given],
  };
  return withModel(variant.model, context, ahead, async ({ model, progress, inputs }) => {
    const run = { variant, context, prompts, progress };
    const edits = await writeSelfEdits(run, model, passages);
    const candidates = listCandidates(variant, passages, edits.arms);
    const questions = passages.reduce((sum, passage) => sum + passage.questions.length, 0);
    log(`${passages.length} passages, ${total} candidates, ${questions} questions`);
    const { order, outerLoop: settings } = variant;
    const rollouts = await runCandidates(run, model, passages, candidates, { order });
    const rounds = settings
      ? await runRounds({ run, settings, base: model, training: training.passages, passages })
      : { rollouts: [], seconds: 0 };
    const all = [...rollouts, ...rounds.rollouts];
    const failed = all.filter(({ status }) => status === "failed").length;
    if (failed > 0) log(`${failed} self-edits could not be had; they are in no average.`);
    const generateSeconds = edits.seconds + rounds.seconds;
    return knowledgeReport({ variant, passages, rollouts: all, inputs, generateSeconds });
  });
}

/** Number of adapters and untrained readings of a run (files of completions may hold fewer than K). */
export function candidateCount(
  variant: KnowledgeVariant,
  passages: number,
  /** Training passages of each round. */
  training: readonly number[],
): number {
  const { arms, authors, seeds, sampling } = variant;
  const written = (arms.includes("untrained self-edits") ? 1 : 0) + authors.length;
  const plain = arms.filter((arm) => arm === "untouched" || arm === "passage in context").length;
  const trained = written * sampling.count + (arms.includes("passage only") ? 1 : 0);
  const rounds = roundCandidates(variant, passages, training);
  return passages * (plain + seeds.length * trained) + seeds.length * rounds;
}

/** Throws UserError where a passage would be both learned on and evaluated. */
function requireApart(training: readonly Passage[], evaluated: readonly Passage[]): void {
  const known = new Set(evaluated.map(({ passage }) => passage));
  const both = training.find(({ passage }) => known.has(passage));
  if (both)
    throw new UserError(
      `The passage ${both.id} would be both learned on and evaluated; name other passages in "outerLoop.data".`,
    );
}

/** The passages that writing is learned on, of each round. */
async function readTraining(
  { outerLoop }: KnowledgeVariant,
  { quiet }: Pick<ExperimentContext, "quiet">,
): Promise<{ passages: Passage[][]; inputs: RunRecord["inputs"][number][] }> {
  if (!outerLoop) return { passages: [], inputs: [] };
  const { data, rounds } = outerLoop;
  const named = Array.isArray(data) ? data : [data];
  const read = await Promise.all(named.map((one) => readPassages({ data: one }, { quiet })));
  return {
    passages: Array.from({ length: rounds }, (_, r) => read[r % read.length].passages),
    inputs: read.flatMap(({ input }) => input),
  };
}

/** Self-edits of an arm, [passage][seed][index]. */
interface WrittenArm {
  readonly arm: string;
  readonly selfEdits: readonly (readonly (readonly AuthoredSelfEdit[])[])[];
}

/** Every arm's self-edits. */
async function writeSelfEdits(
  run: KnowledgeRun,
  model: Model,
  passages: readonly Passage[],
): Promise<{ arms: WrittenArm[]; seconds: number }> {
  const { arms, authors } = run.variant;
  const own = arms.filter((arm) => arm === "untrained self-edits");
  const writers: { arm: string; key: string; author?: Author }[] = [
    ...own.map((arm) => ({ arm, key: "self-edits" })),
    ...authors.map((author) => ({ arm: authorArm(author), key: authorArm(author), author })),
  ];
  const written: WrittenArm[] = [];
  let seconds = 0;
  for (const { arm, key, author } of writers) {
    const selfEdits: AuthoredSelfEdit[][][] = passages.map(() => []);
    for (const seed of run.variant.seeds) {
      const one = await writeOnce(run, model, passages, `${key}/${seed}`, author);
      one.selfEdits.forEach((texts, p) => selfEdits[p].push(texts));
      seconds += one.seconds;
    }
    written.push({ arm, selfEdits });
  }
  return { arms: written, seconds };
}

function listCandidates(
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  written: readonly WrittenArm[],
): Candidate[] {
  const place = { round: 0, part: "evaluation" } as const;
  const arms = [...variant.arms, ...variant.authors.map(authorArm)];
  const listed = arms.flatMap((arm) =>
    passages.flatMap((_, passage) =>
      variant.seeds.flatMap((seed, s): Candidate[] => {
        const own = written.find((one) => one.arm === arm)?.selfEdits[passage][s];
        const at = { ...place, arm, passage, seed };
        if (own) return own.map((selfEdit, index) => ({ ...at, index, selfEdit }));
        // Greedy answers without an adapter do not depend on the seed.
        return arm === "passage only" || s === 0 ? [{ ...at, index: 0 }] : [];
      }),
    ),
  );
  return variant.order === "arms" ? listed : listed.sort((a, b) => a.passage - b.passage);
}
