/** The verb `adapt`: a user's own passage into an adapter, with the answers before and after; or answers from what was kept. */
import path from "node:path";
import type { Command } from "commander";
import { adaptToPassage, SELF_EDITS, type Adaptation } from "../adapt/adapt";
import {
  hasMemory,
  readLessons,
  readMemory,
  topicsOf,
  writeMemory,
  writeMerged,
  type Memory,
} from "../adapt/memory";
import { recallAnswers } from "../adapt/recital";
import { readText } from "../files/text";
import { UserError } from "../messages/errors";
import { disposeModel, type Model } from "../model/load";
import { defaultModel } from "../model/sources";
import { createProgress, type Progress } from "../messages/progress";
import { selfEditKinds, type SelfEditKind } from "../selfedit/prompts";
import { decimal, wholeNumber } from "./input";
import { openModel } from "./model";
import { note, print, printJson } from "./output";

interface AdaptFlags {
  passage?: string;
  title?: string;
  ask: string[];
  keep?: string;
  merge?: string;
  model: string;
  selfEdits: number;
  kind: string;
  epochs?: number;
  lr?: number;
  seed: number;
  json?: boolean;
}

const examples = `
Examples:
  seal adapt --passage notes.txt --ask "Who has the keys?"            before and after, nothing kept
  seal adapt --passage notes.txt --title "Our hut" --keep my-memory   learn and keep
  seal adapt --passage more.txt --keep my-memory                      learn the next, rehearse the first
  seal adapt --keep my-memory --ask "Who has the keys?"               ask what was kept
  seal adapt --passage notes.txt --merge my-model                     a model of its own: --model file:my-model
`;

/** Adds the verb. */
export function addAdaptCommand(program: Command): void {
  program
    .command("adapt")
    .description(
      "learn a passage by heart (an adapter); questions are answered before and after from what the model recites",
    )
    .option("--passage <file>", "a text file to learn; without it, --ask asks what was kept")
    .option("--title <text>", "what the passage is about (the file's name unless told)")
    .option("--ask <questions...>", "questions to answer before and after", [])
    .option(
      "--keep <dir>",
      "keep the adapter there (PEFT files); if one is there already, go on from it and rehearse what it learned",
    )
    .option(
      "--merge <dir>",
      "write a whole model with the adapter merged in (file:DIR); asked here, a kept adapter answers better",
    )
    .option("--model <id>", "the model", defaultModel)
    .option(
      "--self-edits <number>",
      "self-edits that the model writes and learns beside the passage",
      wholeNumber("self-edits"),
      SELF_EDITS,
    )
    .option("--kind <name>", `kind of self-edit: ${selfEditKinds.join(", ")}`, "implications")
    .option("--epochs <number>", "epochs of the first round of training", wholeNumber("epochs"))
    .option("--lr <number>", "learning rate", decimal("lr"))
    .option("--seed <number>", "seed of the self-edits and the training", wholeNumber("seed"), 0)
    .option("--json", "machine-readable")
    .addHelpText("after", examples)
    .action(runAdapt);
}

async function runAdapt(flags: AdaptFlags): Promise<void> {
  checkFlags(flags);
  const passage = flags.passage === undefined ? undefined : await readPassage(flags.passage);
  // Before a model is loaded for nothing.
  if (flags.keep !== undefined && !(await hasMemory(flags.keep)) && passage === undefined)
    throw nothingLearned(flags.keep);
  const model = await openModel(flags.model, flags.json);
  try {
    const memory = await memoryOf(flags, model);
    if (passage === undefined) await answerFromMemory(flags, model, memory);
    else await learnPassage(flags, model, memory, passage);
  } finally {
    disposeModel(model);
  }
}

/** What was kept in the folder of --keep, or in a merged model's own. */
async function memoryOf({ keep, model: id }: AdaptFlags, model: Model): Promise<Partial<Memory>> {
  if (keep !== undefined) return (await readMemory(model, keep)) ?? {};
  return id.startsWith("file:") ? { lessons: await readLessons(id.slice("file:".length)) } : {};
}

async function learnPassage(
  flags: AdaptFlags,
  model: Model,
  { adapter: initial, lessons: earlier = [] }: Partial<Memory>,
  passage: string,
): Promise<void> {
  const quiet = flags.json ?? false;
  const { title = titleOf(flags.passage ?? ""), ask, seed, selfEdits, epochs, lr } = flags;
  if (earlier.length > 0 && !quiet) note(`going on from ${earlier.length} lessons learned before`);
  let stage = "";
  let progress: Progress | undefined;
  const adaptation = await adaptToPassage(
    model,
    { title, passage },
    {
      questions: ask,
      selfEdits,
      kind: flags.kind as SelfEditKind,
      seed,
      settings: {
        ...(epochs === undefined ? {} : { epochs }),
        ...(lr === undefined ? {} : { learningRate: lr }),
      },
      ...(initial ? { initial } : {}),
      earlier,
      onStage: (next) => {
        progress?.stop();
        progress = undefined;
        if (!quiet && next !== stage) note(stages[next]);
        stage = next;
      },
      onStep: (_, total) => {
        progress ??= createProgress("training steps", total, { quiet });
        progress.advance();
      },
    },
  );
  const { adapter, lessons } = adaptation;
  const memory = { adapter, lessons: [...earlier, ...lessons] };
  if (flags.keep !== undefined) await writeMemory(memory, flags.keep, model);
  if (flags.merge !== undefined) await writeMerged(memory, flags.merge, model);
  report(adaptation, flags);
}

const stages = {
  asking: "answering with what the model knows now",
  writing: "writing self-edits",
  training: "training an adapter until the passage is known by heart",
  answering: "answering again, from memory",
} as const;

async function answerFromMemory(
  { title, ask, json, keep }: AdaptFlags,
  model: Model,
  { adapter, lessons = [] }: Partial<Memory>,
): Promise<void> {
  const known = topicsOf(lessons);
  const topics = known.filter((topic) => title === undefined || topic.title === title);
  if (known.length === 0) throw nothingLearned(keep ?? "this model");
  if (topics.length === 0) {
    const titles = known.map((topic) => topic.title).join(", ");
    throw new UserError(`"${title ?? ""}" was not learned; known are: ${titles}.`);
  }
  const { answers } = await recallAnswers(model, topics, ask, adapter ? { adapter } : {});
  if (json)
    return printJson({ answers: ask.map((question, q) => ({ question, answer: answers[q] })) });
  ask.forEach((question, q) => print(`${question}\n  ${oneLine(answers[q])}`));
}

function nothingLearned(place: string): UserError {
  return new UserError(`Nothing was learned in ${place}; give --passage FILE first.`);
}

function checkFlags({ passage, ask, merge, selfEdits, kind, epochs, lr }: AdaptFlags): void {
  if (passage === undefined && (ask.length === 0 || merge !== undefined))
    throw new UserError(
      "Give --passage FILE to learn a text, or --ask QUESTION with --keep DIR to ask what was kept.",
    );
  if (selfEdits < 0 || selfEdits > 100) throw new UserError("--self-edits must be 0 to 100.");
  if (!(selfEditKinds as readonly string[]).includes(kind))
    throw new UserError(`--kind must be one of ${selfEditKinds.join(", ")}, not "${kind}".`);
  if (epochs !== undefined && (epochs < 1 || epochs > 1000))
    throw new UserError("--epochs must be 1 to 1000.");
  if (lr !== undefined && (lr <= 0 || lr > 1))
    throw new UserError("--lr must be above 0 and at most 1.");
}

/** Bytes of the longest passage file; a passage has some hundred words. */
const LARGEST_PASSAGE = 1e6;

async function readPassage(file: string): Promise<string> {
  const name = `the passage ${file}`;
  const text = (await readText(file, { name, limit: LARGEST_PASSAGE })).trim();
  if (text === "") throw new UserError(`${file} is empty.`);
  return text;
}

const titleOf = (file: string): string => path.parse(file).name.replace(/[_-]+/g, " ");

function report(adaptation: Adaptation, { keep, merge, json }: AdaptFlags): void {
  if (json) return printJson({ ...adaptation, adapter: undefined, keep, merge });
  const { lessons, rehearsed, unsure, answers, losses, seconds } = adaptation;
  const again = rehearsed > 0 ? ` and ${rehearsed} earlier ones again` : "";
  const total = seconds.write + seconds.train + seconds.answer;
  print(
    `${lessons.length} lessons${again}, ${losses.length} steps, loss ${losses[0].toFixed(2)} -> ${(losses.at(-1) ?? NaN).toFixed(2)}, ${total.toFixed(0)} s`,
  );
  if (unsure > 0)
    print(`${unsure} parts of what was learned are not known by heart; more --epochs may help.`);
  for (const { question, before, after } of answers)
    print(`\n${question}\n  before: ${oneLine(before)}\n  after:  ${oneLine(after)}`);
  if (keep !== undefined) print(`\nThe adapter is in ${keep}`);
  if (merge !== undefined) print(`\nThe merged model is in ${merge}: --model file:${merge}`);
  if (keep === undefined && merge === undefined)
    print(`\nNothing was kept; --keep DIR keeps the adapter, --merge DIR a whole model.`);
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ") || "(nothing)";
