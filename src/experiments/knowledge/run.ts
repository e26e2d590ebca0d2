/**
 * Knowledge incorporation with a real model (paper, section 4.2, one passage): for every passage and arm an adapter is
 * trained (or none), the questions are answered without the passage, and the answers judged. The outer loop is in
 * knowledge-rounds.ts, what the rollouts show in knowledge-report.ts.
 */
import path from "node:path";
import { loadModel, disposeModel, type Model } from "../../model/load";
import type { AuthoredSelfEdit } from "../../openai/author";
import { createProgress, downloadProgress } from "../../messages/progress";
import { promptFromFile, readPromptFile, selfEditPrompt } from "../../selfedit/prompts";
import { resolveData } from "../../tasks/data-source";
import { readPlaces, readSquad, selectPassages, type Passage } from "../../tasks/squad";
import { authorArm, authorInputs, type Author } from "./authors";
import { requireSameInputs, type ExperimentContext, type Outcome } from "../../run/experiment";
import { sha256OfFile } from "../../files/files";
import { runCandidates, writeOnce, type Candidate, type KnowledgeRun } from "./candidates";
import { knowledgeReport } from "./report";
import { roundCandidates, runRounds } from "./rounds";
import type { RunRecord } from "../../run/record";
import { packagePath, type KnowledgeVariant, type PassageData } from "../../run/variant";

export { questionPrompt } from "./candidates";

/** Runs the experiment. */
export async function runKnowledge(
  variant: KnowledgeVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const { log, quiet } = context;
  const { passages, input } = await readPassages(variant, context);
  const training = variant.outerLoop ? await readPassages(variant.outerLoop, context) : undefined;
  const prompt = await selfEditPrompts(variant);
  const given = await authorInputs(variant.authors);
  log(`Loading ${variant.model}`);
  const onProgress = downloadProgress(variant.model, { quiet });
  const model = await loadModel(variant.model, { onProgress });
  const inputs = [...model.inputs, input, ...(training ? [training.input] : []), ...given];
  const total = candidateCount(variant, passages.length, training?.passages.length ?? 0);
  const progress = createProgress("training and answering", total, { quiet });
  const run = { variant, context, prompt, progress };
  try {
    await requireSameInputs(context, inputs);
    const edits = await writeSelfEdits(run, model, passages);
    const candidates = listCandidates(variant, passages, edits.arms);
    const questions = passages.reduce((sum, passage) => sum + passage.questions.length, 0);
    log(`${passages.length} passages, ${total} candidates, ${questions} questions`);
    const rollouts = await runCandidates(run, model, passages, candidates, variant.order);
    const rounds = training
      ? await runRounds(run, model, training.passages, passages)
      : { rollouts: [], seconds: 0 };
    const all = [...rollouts, ...rounds.rollouts];
    const failed = all.filter(({ status }) => status === "failed").length;
    if (failed > 0) log(`${failed} self-edits could not be had; they are in no average.`);
    const generateSeconds = edits.seconds + rounds.seconds;
    return knowledgeReport({ variant, passages, rollouts: all, inputs, generateSeconds });
  } finally {
    progress.stop();
    disposeModel(model);
  }
}

/** Number of adapters and untrained readings of a run (files of completions may hold fewer than K). */
export function candidateCount(
  variant: KnowledgeVariant,
  passages: number,
  trainingPassages: number,
): number {
  const { arms, authors, seeds, sampling } = variant;
  const written = (arms.includes("untrained self-edits") ? 1 : 0) + authors.length;
  const plain = arms.filter((arm) => arm === "untouched" || arm === "passage in context").length;
  const trained = written * sampling.count + (arms.includes("passage only") ? 1 : 0);
  const rounds = roundCandidates(variant, passages, trainingPassages);
  return passages * (plain + seeds.length * trained) + seeds.length * rounds;
}

async function selfEditPrompts(variant: KnowledgeVariant): Promise<KnowledgeRun["prompt"]> {
  const { prompt } = variant;
  if ("kind" in prompt) return (passage) => selfEditPrompt(prompt.kind, passage);
  const template = await readPromptFile(prompt.file);
  return (passage) => promptFromFile(template, passage);
}

/**
 * The passages that a variant's data names, and their file for the record. Throws UserError where there is no such file
 * or passage.
 */
export async function readPassages(
  { data }: { readonly data: PassageData },
  { quiet = true }: { readonly quiet?: boolean } = {},
): Promise<{ passages: Passage[]; input: RunRecord["inputs"][number] }> {
  const { split, titles, places, start, count } = data;
  const onProgress = downloadProgress(data.source, { quiet });
  const { file, source } = await resolveData(data.source, onProgress);
  const all = await readSquad(file, split ? { split } : {});
  const passages = selectPassages(all, {
    start,
    ...(places === undefined ? {} : { places: await readPlaces(placesFile(places)) }),
    ...(titles ? { titles } : {}),
    ...(count === undefined ? {} : { count }),
  });
  const input = { name: path.basename(file), source, sha256: await sha256OfFile(file) };
  return { passages, input };
}

/** The file of a variant's `data.places`. */
export function placesFile(places: string): string {
  return places === "seal-evaluation" || places === "seal-training"
    ? packagePath("experiments", "knowledge", `${places}-passages.json`)
    : path.resolve(places);
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
