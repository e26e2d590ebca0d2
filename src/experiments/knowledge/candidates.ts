/** Candidates of the knowledge experiment: their self-edits written, their adapters trained and asked, all journalled. */
import type { Model } from "../../model/load";
import type { AuthoredSelfEdit } from "../../openai/author";
import { createProgress, type Progress } from "../../messages/progress";
import type { Passage } from "../../tasks/squad";
import { sampleSelfEdits } from "../../restem/policy";
import { runInnerLoop } from "../../restem/inner-loop";
import { selfEditsBy, type Author } from "./authors";
import { mapAtOnce } from "../../run/at-once";
import { once, onceWritten, type ExperimentContext } from "../../run/experiment";
import { passageLesson, type Lesson } from "../lessons/lessons";
import { chatOf, type Prompts } from "../lessons/prompts";
import { describe, type KnowledgeRollout } from "./report";
import type { KnowledgeVariant } from "./variant";

type Order = KnowledgeVariant["order"];

/** One adapter to be trained and asked, or an arm that needs none. */
export interface Candidate {
  readonly arm: string;
  readonly round: number;
  readonly part: KnowledgeRollout["part"];
  /** Index of the passage. */
  readonly passage: number;
  readonly seed: number;
  /** Which of the K self-edits; 0 for the other arms. */
  readonly index: number;
  /** Absent where the arm needs none. */
  readonly selfEdit?: AuthoredSelfEdit;
  /** Which repeat with another inner-loop seed; the first unless told. */
  readonly repeat?: number;
}

/** What a run's parts share. */
export interface KnowledgeRun {
  readonly variant: KnowledgeVariant;
  readonly context: ExperimentContext;
  readonly prompts: Prompts;
  readonly progress: Progress;
}

/** Rows decoded at once while self-edits are written: reading the weights costs the same for one as for many. */
const WRITING_ROWS = 32;

/** K self-edits for each passage, by the model or an author, journalled by batch of passages. */
export async function writeOnce(
  { variant, context, prompts }: KnowledgeRun,
  model: Model,
  passages: readonly Passage[],
  key: string,
  author?: Author,
  count: number = variant.sampling.count,
): Promise<{ selfEdits: AuthoredSelfEdit[][]; seconds: number }> {
  const selfEdits: AuthoredSelfEdit[][] = [];
  const sampling = { ...variant.sampling, count };
  const progress = createProgress("writing self-edits", passages.length, context);
  const together = Math.max(1, Math.floor(WRITING_ROWS / count));
  let seconds = 0;
  for (let start = 0; start < passages.length; start += together) {
    const batch = passages.slice(start, start + together);
    const place = `${key}/${start}`;
    // With another number of passages the last batch has another size.
    const written = await onceWritten(context.journal, `${place}+${batch.length}`, async () =>
      author
        ? selfEditsBy(author, {
            passages: batch,
            sampling,
            log: context.log,
            prompt: (passage) => chatOf(prompts.selfEdit(passage)),
          })
        : asWritten(
            await sampleSelfEdits(
              model,
              batch.map(prompts.selfEdit),
              sampling,
              place,
              context.executor,
            ),
          ),
    );
    selfEdits.push(...written.texts);
    seconds += written.seconds;
    progress.advance(batch.length);
  }
  progress.stop();
  return { selfEdits, seconds };
}

function asWritten(texts: readonly (readonly string[])[]): AuthoredSelfEdit[][] {
  return texts.map((own) => own.map((text) => ({ status: "ok", text })));
}

/** Consecutive candidates, of one arm unless passages come one after the other, at most `size` together. */
function grouped(candidates: readonly Candidate[], size: number, order: Order): Candidate[][] {
  const together = (a: Candidate, b: Candidate): boolean => order === "passages" || a.arm === b.arm;
  const groups: Candidate[][] = [];
  for (const candidate of candidates) {
    const last = groups.at(-1);
    if (last && together(last[0], candidate) && last.length < size) last.push(candidate);
    else groups.push([candidate]);
  }
  return groups;
}

function groupKey(group: readonly Candidate[], decode: boolean): string {
  const key = group
    .map(({ arm, round, part, passage, seed, index, repeat }) => {
      const place = [arm, passage, seed, index].join("/");
      return round > 0 ? [part, round, repeat ?? 0, place].join("/") : place;
    })
    .join(" + ");
  return decode ? key : `losses: ${key}`;
}

/**
 * Trains and asks every candidate, a journalled group at a time, on the model given. With `decode` false the right
 * answers' losses are measured, and none is written.
 */
export async function runCandidates(
  run: KnowledgeRun,
  model: Model,
  passages: readonly Passage[],
  candidates: readonly Candidate[],
  { order = "arms", decode = true }: { readonly order?: Order; readonly decode?: boolean } = {},
): Promise<KnowledgeRollout[]> {
  const { journal, executor } = run.context;
  const groups = grouped(candidates, run.variant.concurrency, order);
  const rollouts = await mapAtOnce(groups, executor?.groupsAtOnce ?? 1, async (group) => {
    const finished = await once(journal, groupKey(group, decode), () =>
      runGroup(model, run, passages, group, decode),
    );
    run.progress.advance(group.length, describe(finished));
    return finished;
  });
  return rollouts.flat();
}

/** Trains the candidates of a group together, and answers all their questions together. */
async function runGroup(
  model: Model,
  { variant, prompts, context: { executor } }: KnowledgeRun,
  passages: readonly Passage[],
  group: readonly Candidate[],
  decode: boolean,
): Promise<KnowledgeRollout[]> {
  const able = group.filter(({ selfEdit }) => selfEdit?.status !== "failed");
  const work = able.map((candidate) => {
    const passage = passages[candidate.passage];
    const lesson = passageLesson(passage, prompts, variant.splitLines);
    const sequences = sequencesOf(candidate, lesson);
    return {
      ...(sequences ? { sequences } : {}),
      settings: { ...variant.innerLoop, seed: seedOf(candidate, passage) },
      questions:
        candidate.arm === "passage in context"
          ? lesson.questions.map((one) => ({
              ...one,
              prompt: prompts.question(passage, one.text, true),
            }))
          : lesson.questions,
    };
  });
  const results = await runInnerLoop(model, work, {
    concurrency: variant.concurrency,
    answerTokens: decode ? variant.answers.maximumTokens : 0,
    ...(executor ? { executor } : {}),
  });
  return group.map((candidate) => {
    const { arm, round, part, passage, seed, index, selfEdit } = candidate;
    const place = { arm, round, part, passage: passages[passage].id, seed, index };
    if (selfEdit?.status === "failed") return failedRollout(place, selfEdit.reason);
    const i = able.indexOf(candidate);
    const { training, answers, ...result } = results[i];
    return {
      ...place,
      ...result,
      ...(selfEdit ? { completion: selfEdit.text } : {}),
      sequences: work[i].sequences?.length ?? 0,
      tokens: training?.tokens ?? 0,
      ...(training ? { firstLoss: training.losses[0], lastLoss: training.losses.at(-1) } : {}),
      answers: answers.map((answer, q) => ({
        question: work[i].questions[q].text,
        ...answer,
      })),
    };
  });
}

function failedRollout(
  place: Pick<KnowledgeRollout, "arm" | "round" | "part" | "passage" | "seed" | "index">,
  reason: string,
): KnowledgeRollout {
  const seconds = { train: 0, answer: 0 };
  return { ...place, status: "failed", reason, sequences: 0, tokens: 0, answers: [], seconds };
}

function seedOf({ seed, index, round, repeat = 0 }: Candidate, passage: Passage): string {
  const place = `${seed}/${passage.id}/${index}`;
  return round > 0 ? `${place}/${round}/${repeat}` : place;
}

/** What a candidate is trained on: nothing (undefined) without training, an empty list for an empty self-edit. */
function sequencesOf(
  { arm, selfEdit }: Candidate,
  { passage, sequences }: Lesson,
): string[] | undefined {
  if (arm === "passage only") return [passage];
  return selfEdit?.status === "ok" ? sequences(selfEdit.text) : undefined;
}
