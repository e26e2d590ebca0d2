/**
 * Knowledge incorporation with a real model (paper, section 4.2, one passage): for every passage and arm an adapter is
 * trained (or none), the questions are answered without the passage, and the answers judged.
 */
import { stat } from "node:fs/promises";
import path from "node:path";
import { UserError } from "../errors";
import type { Verdict } from "../judge/verdict";
import { judgeAnswer } from "../judge/lexical";
import type { Prompt } from "../lora/generate";
import { loadModel, disposeModel, type Model } from "../model/load";
import { figureAccuracyByArm } from "../plot/bars";
import type { Table } from "../plot/table";
import { createProgress, downloadProgress } from "../progress";
import { createRandom } from "../random";
import {
  answerPrompt,
  openBookPrompt,
  promptFromFile,
  readPromptFile,
  selfEditPrompt,
} from "../selfedit/prompts";
import { trainingSequences } from "../selfedit/sequences";
import { clusterShareInterval } from "../statistics";
import { articlesPath, readSquad, selectPassages, type Passage } from "../tasks/squad";
import { sampleSelfEdits } from "../restem/policy";
import { runInnerLoop } from "../restem/inner-loop";
import type { CandidateStatus } from "../restem/select";
import { once, type ExperimentContext, type Outcome } from "./experiment";
import { sha256OfFile } from "./files";
import type { RunRecord } from "./record";
import type { KnowledgeVariant } from "./variant";

/** One adapter to be trained and asked, or an arm that needs none. */
interface Candidate {
  readonly arm: KnowledgeVariant["arms"][number];
  readonly passage: number;
  readonly seed: number;
  /** Which of the K self-edits; 0 for the other arms. */
  readonly index: number;
  readonly completion?: string;
}

/** A finished candidate, as journalled and written to rollouts.jsonl. */
interface Rollout {
  readonly arm: string;
  readonly passage: string;
  readonly seed: number;
  readonly index: number;
  readonly status: CandidateStatus;
  readonly reason?: string;
  readonly completion?: string;
  readonly sequences: number;
  readonly tokens: number;
  readonly firstLoss?: number;
  readonly lastLoss?: number;
  readonly reward?: number;
  readonly answers: readonly {
    readonly question: string;
    readonly answer: string;
    readonly verdict: Verdict;
  }[];
  readonly seconds: { readonly train: number; readonly answer: number };
}

/** Runs the experiment. */
export async function runKnowledge(
  variant: KnowledgeVariant,
  context: ExperimentContext,
): Promise<Outcome> {
  const { journal, log } = context;
  const { passages, input } = await readPassages(variant);
  const template = "file" in variant.prompt ? await readPromptFile(variant.prompt.file) : undefined;
  log(`Loading ${variant.model}`);
  const onProgress = downloadProgress(variant.model, { quiet: context.quiet });
  const model = await loadModel(variant.model, { onProgress });
  try {
    const editPrompt = (passage: Passage): Prompt =>
      template
        ? promptFromFile(template, passage)
        : selfEditPrompt("kind" in variant.prompt ? variant.prompt.kind : "implications", passage);
    const edits = await writeSelfEdits(model, variant, passages, editPrompt, context);
    const candidates = listCandidates(variant, passages, edits.completions);
    log(
      `${passages.length} passages, ${candidates.length} candidates, ${questionCount(passages)} questions`,
    );
    const progress = createProgress("training and answering", candidates.length, {
      quiet: context.quiet,
    });
    const rollouts: Rollout[] = [];
    for (const group of grouped(candidates, variant.concurrency)) {
      const finished = await once(journal, groupKey(group), () =>
        runGroup(model, variant, passages, group),
      );
      rollouts.push(...finished);
      progress.advance(group.length, describe(finished));
    }
    progress.stop();
    return outcome(variant, passages, rollouts, [...model.inputs, input], edits.seconds);
  } finally {
    disposeModel(model);
  }
}

/** The passages that a variant's data names, and their file for the record. Throws UserError where there is no such file. */
export async function readPassages(
  variant: Pick<KnowledgeVariant, "data">,
): Promise<{ passages: Passage[]; input: RunRecord["inputs"][number] }> {
  const { source, split, titles, start, count } = variant.data;
  const file = source === "articles" ? articlesPath : path.resolve(source);
  await stat(file).catch(() => {
    throw new UserError(
      `There is no data file ${file}; "data.source" is "articles" or the path of a SQuAD file.`,
    );
  });
  const all = await readSquad(file, split ? { split } : {});
  const passages = selectPassages(all, {
    start,
    ...(titles ? { titles } : {}),
    ...(count === undefined ? {} : { count }),
  });
  const name = path.basename(file);
  return {
    passages,
    input: {
      name,
      source: source === "articles" ? source : name,
      sha256: await sha256OfFile(file),
    },
  };
}

/** Rows decoded at once while self-edits are written: reading the weights costs the same for one as for many. */
const WRITING_ROWS = 32;

/** K self-edits for each passage and seed, [passage][seed][index]; journalled by batch of passages. */
async function writeSelfEdits(
  model: Model,
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  prompt: (passage: Passage) => Prompt,
  { journal, quiet }: ExperimentContext,
): Promise<{ completions: string[][][]; seconds: number }> {
  const completions: string[][][] = passages.map(() => []);
  if (!variant.arms.includes("untrained self-edits")) return { completions, seconds: 0 };
  const total = passages.length * variant.seeds.length;
  const progress = createProgress("writing self-edits", total, { quiet });
  const together = Math.max(1, Math.floor(WRITING_ROWS / variant.sampling.count));
  let seconds = 0;
  for (const seed of variant.seeds)
    for (let start = 0; start < passages.length; start += together) {
      const batch = passages.slice(start, start + together);
      const key = `self-edits/${seed}/${start}`;
      const written = await once(journal, key, async () => {
        const started = performance.now();
        const prompts = batch.map(prompt);
        const texts = await sampleSelfEdits(model, prompts, variant.sampling, key);
        return { texts, seconds: (performance.now() - started) / 1000 };
      });
      written.texts.forEach((texts, p) => completions[start + p].push(texts));
      seconds += written.seconds;
      progress.advance(batch.length);
    }
  progress.stop();
  return { completions, seconds };
}

function listCandidates(
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  completions: readonly (readonly (readonly string[])[])[],
): Candidate[] {
  return variant.arms.flatMap((arm) =>
    passages.flatMap((_, passage) =>
      variant.seeds.flatMap((seed, s): Candidate[] =>
        arm === "untrained self-edits"
          ? completions[passage][s].map((completion, index) => ({
              arm,
              passage,
              seed,
              index,
              completion,
            }))
          : // Greedy answers without an adapter do not depend on the seed.
            arm === "passage only" || s === 0
            ? [{ arm, passage, seed, index: 0 }]
            : [],
      ),
    ),
  );
}

/** Consecutive candidates of one arm, at most `size` together. */
function grouped(candidates: readonly Candidate[], size: number): Candidate[][] {
  const groups: Candidate[][] = [];
  for (const candidate of candidates) {
    const last = groups.at(-1);
    if (last && last[0].arm === candidate.arm && last.length < size) last.push(candidate);
    else groups.push([candidate]);
  }
  return groups;
}

function groupKey(group: readonly Candidate[]): string {
  return group
    .map(({ arm, passage, seed, index }) => [arm, passage, seed, index].join("/"))
    .join(" + ");
}

/** Trains the candidates of a group together, and answers all their questions together. */
async function runGroup(
  model: Model,
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  group: readonly Candidate[],
): Promise<Rollout[]> {
  const work = group.map((candidate) => {
    const passage = passages[candidate.passage];
    const sequences = sequencesOf(candidate, passage, variant);
    const seed = `${candidate.seed}/${passage.id}/${candidate.index}`;
    return {
      ...(sequences ? { sequences } : {}),
      settings: { ...variant.innerLoop, seed },
      questions: passage.questions.map(({ question, answers: gold }) => ({
        prompt: questionPrompt(candidate.arm, passage, question),
        judge: (answer: string) => judgeAnswer({ question, gold, answer }),
      })),
    };
  });
  const results = await runInnerLoop(model, work, {
    concurrency: variant.concurrency,
    answerTokens: variant.answers.maximumTokens,
  });
  return group.map(({ arm, passage, seed, index, completion }, i) => {
    const { training, answers, ...result } = results[i];
    return {
      arm,
      passage: passages[passage].id,
      seed,
      index,
      ...result,
      ...(completion === undefined ? {} : { completion }),
      sequences: work[i].sequences?.length ?? 0,
      tokens: training?.tokens ?? 0,
      ...(training ? { firstLoss: training.losses[0], lastLoss: training.losses.at(-1) } : {}),
      answers: answers.map((given, q) => ({
        question: passages[passage].questions[q].question,
        ...given,
      })),
    };
  });
}

/** What a candidate is trained on: nothing (undefined) without training, an empty list for an empty self-edit. */
function sequencesOf(
  candidate: Candidate,
  passage: Passage,
  variant: KnowledgeVariant,
): string[] | undefined {
  const { title } = passage;
  if (candidate.arm === "passage only") return [`${title}\n${passage.passage}`];
  if (candidate.completion === undefined) return undefined;
  if (candidate.completion.trim() === "") return [];
  return trainingSequences(candidate.completion, {
    title,
    passage: passage.passage,
    splitLines: variant.splitLines,
  });
}

/** SEAL asks with the topic before the question. */
export function questionPrompt(arm: Candidate["arm"], passage: Passage, question: string): Prompt {
  const asked = `Topic: ${passage.title}\n${question}`;
  return arm === "passage in context"
    ? openBookPrompt(passage.passage, asked)
    : answerPrompt(asked);
}

function outcome(
  variant: KnowledgeVariant,
  passages: readonly Passage[],
  rollouts: readonly Rollout[],
  inputs: RunRecord["inputs"],
  generateSeconds: number,
): Outcome {
  const rows = variant.arms.map((arm) =>
    armRow(
      arm,
      passages,
      rollouts.filter((r) => r.arm === arm),
    ),
  );
  const paper = paperRows.filter((row) => (variant.arms as readonly string[]).includes(row.arm));
  const sum = (part: "train" | "answer"): number =>
    rollouts.reduce((total, r) => total + r.seconds[part], 0);
  return {
    rows,
    seeds: variant.seeds,
    inputs: [...inputs],
    paper,
    seconds: { generate: generateSeconds, train: sum("train"), answer: sum("answer") },
    rollouts,
    metrics: rollouts.map(
      ({ arm, passage, seed, index, status, tokens, firstLoss, lastLoss, reward }) => ({
        arm,
        passage,
        seed,
        index,
        status,
        tokens,
        firstLoss,
        lastLoss,
        reward,
      }),
    ),
    figures: {
      accuracy: figureAccuracyByArm(rows, {
        title: `Questions answered without the passage: ${variant.model.replace(/^pypi:|^hub:/, "")}`,
        note: `${passages.length} passages, seeds ${variant.seeds.join(", ")}. Points: accuracy on n questions. Lines: 95% intervals over passages.`,
        paper,
      }),
    },
    tables: { answers: answerTable(passages[0], rollouts) },
  };
}

/** The paper's table 2, one passage, Qwen2.5-7B on SQuAD. */
const paperRows = [
  { arm: "untouched", accuracy: 0.327, source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)" },
  {
    arm: "passage only",
    accuracy: 0.335,
    source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)",
  },
  {
    arm: "untrained self-edits",
    accuracy: 0.397,
    source: "paper, table 2 (Qwen2.5-7B, SQuAD, one passage)",
  },
];

function armRow(
  arm: string,
  passages: readonly Passage[],
  rollouts: readonly Rollout[],
): RunRecord["rows"][number] {
  const groups = passages.map((passage) =>
    rollouts
      .filter((rollout) => rollout.passage === passage.id && rollout.status === "ok")
      .flatMap((rollout) => rollout.answers)
      .filter(({ verdict }) => verdict !== "ungraded")
      .map(({ verdict }) => (verdict === "correct" ? 1 : 0)),
  );
  const values: number[] = groups.flat();
  const count = (status: Rollout["status"]): number =>
    rollouts.filter((r) => r.status === status).length;
  const n = values.length;
  return {
    arm,
    round: 0,
    n,
    accuracy: n > 0 ? values.reduce((total, value) => total + value, 0) / n : 0,
    ci95:
      n > 0 ? clusterShareInterval(groups, { random: createRandom(`interval/${arm}`) }) : [0, 1],
    ungraded: rollouts.flatMap((r) => r.answers).filter(({ verdict }) => verdict === "ungraded")
      .length,
    unparsable: count("unparsable"),
    diverged: count("diverged"),
  };
}

/** One passage's questions with the answers of every arm. */
function answerTable(passage: Passage, rollouts: readonly Rollout[]): Table {
  const arms = [...new Set(rollouts.map(({ arm }) => arm))];
  const first = arms.map((arm) =>
    rollouts.find((r) => r.arm === arm && r.passage === passage.id && r.status === "ok"),
  );
  return {
    title: `${passage.title}: answers by arm`,
    note: `The first candidate of each arm. Gold answers stand under the questions.`,
    columns: [{ title: "Question", share: 1.3 }, ...arms.map((title) => ({ title, share: 1 }))],
    rows: passage.questions.map(({ question, answers }, q) => [
      `${question}\n(${answers[0]})`,
      ...first.map((rollout) => {
        const answer = rollout?.answers[q];
        if (!answer) return { text: "(none)", tone: "muted" as const };
        const text = answer.answer.trim().slice(0, 160);
        return {
          text,
          tone: answer.verdict === "correct" ? ("right" as const) : ("wrong" as const),
        };
      }),
    ]),
  };
}

function describe(rollouts: readonly Rollout[]): string {
  const rewards = rollouts.map(({ reward, status }) =>
    reward === undefined ? status : reward.toFixed(2),
  );
  return `${rollouts[0].arm}: ${rewards.join(" ")}`;
}

function questionCount(passages: readonly Passage[]): number {
  return passages.reduce((sum, passage) => sum + passage.questions.length, 0);
}
