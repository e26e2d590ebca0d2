/** The verb `adapt`: a user's own passage into an adapter, with the answers before and after. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { adaptToPassage, type Adaptation } from "../adapt/adapt";
import { readMemory, writeMemory } from "../adapt/memory";
import { errorMessage, UserError } from "../errors";
import { disposeModel } from "../model/load";
import { defaultModel } from "../model/sources";
import { createProgress, type Progress } from "../progress";
import { selfEditKinds, type SelfEditKind } from "../selfedit/prompts";
import { decimal, wholeNumber } from "./input";
import { openModel } from "./model";
import { note, print, printJson } from "./output";

interface AdaptFlags {
  passage: string;
  title?: string;
  ask?: string[];
  keep?: string;
  model: string;
  selfEdits: number;
  kind: string;
  gaps: number;
  epochs?: number;
  lr?: number;
  seed: number;
  json?: boolean;
}

/** Adds the verb. */
export function addAdaptCommand(program: Command): void {
  program
    .command("adapt")
    .description("learn a passage: self-edits, an adapter, answers before and after")
    .requiredOption("--passage <file>", "a text file")
    .option("--title <text>", "what the passage is about (the file's name unless told)")
    .option("--ask <questions...>", "questions to answer before and after")
    .option(
      "--keep <dir>",
      "keep the adapter there (PEFT files); if one is there already, go on from it and rehearse what it learned",
    )
    .option("--model <id>", "the model", defaultModel)
    .option(
      "--self-edits <number>",
      "self-edits that the model writes",
      wholeNumber("self-edits"),
      1,
    )
    .option("--kind <name>", `kind of self-edit: ${selfEditKinds.join(", ")}`, "self-qa")
    .option(
      "--gaps <number>",
      "forms in which each name, number, date and ending of the passage is asked for in training; 0 for none",
      wholeNumber("gaps"),
      4,
    )
    .option("--epochs <number>", "epochs", wholeNumber("epochs"))
    .option("--lr <number>", "learning rate", decimal("lr"))
    .option("--seed <number>", "seed of the self-edits and the training", wholeNumber("seed"), 0)
    .option("--json", "machine-readable")
    .action(runAdapt);
}

async function runAdapt(flags: AdaptFlags): Promise<void> {
  checkFlags(flags);
  const quiet = flags.json ?? false;
  const passage = await readPassage(flags.passage);
  const title = flags.title ?? path.parse(flags.passage).name.replace(/[_-]+/g, " ");
  const model = await openModel(flags.model, quiet);
  try {
    const memory = flags.keep === undefined ? undefined : await readMemory(model, flags.keep);
    if (memory && !quiet)
      note(`going on from ${flags.keep ?? ""} (${memory.lessons.length} lessons there)`);
    let progress: Progress | undefined;
    const adaptation = await adaptToPassage(
      model,
      { title, passage },
      {
        questions: flags.ask ?? [],
        selfEdits: flags.selfEdits,
        kind: flags.kind as SelfEditKind,
        gapForms: flags.gaps,
        seed: flags.seed,
        settings: {
          ...(flags.epochs === undefined ? {} : { epochs: flags.epochs }),
          ...(flags.lr === undefined ? {} : { learningRate: flags.lr }),
        },
        ...(memory ? { initial: memory.adapter, earlier: memory.lessons } : {}),
        onStage: (stage) => {
          progress?.stop();
          progress = undefined;
          if (!quiet) note(stages[stage]);
        },
        onStep: (_, total) => {
          progress ??= createProgress("training steps", total, { quiet });
          progress.advance();
        },
      },
    );
    if (flags.keep !== undefined)
      await writeMemory(
        {
          adapter: adaptation.adapter,
          lessons: [...(memory?.lessons ?? []), ...adaptation.lessons],
        },
        flags.keep,
        model,
      );
    report(adaptation, flags);
  } finally {
    disposeModel(model);
  }
}

const stages = {
  writing: "writing self-edits",
  training: "training an adapter on them",
  answering: "answering again",
} as const;

function checkFlags({ selfEdits, kind, epochs, lr, gaps }: AdaptFlags): void {
  if (selfEdits < 0 || selfEdits > 100) throw new UserError("--self-edits must be 0 to 100.");
  if (gaps < 0 || gaps > 20) throw new UserError("--gaps must be 0 to 20.");
  if (!(selfEditKinds as readonly string[]).includes(kind))
    throw new UserError(`--kind must be one of ${selfEditKinds.join(", ")}, not "${kind}".`);
  if (epochs !== undefined && (epochs < 1 || epochs > 1000))
    throw new UserError("--epochs must be 1 to 1000.");
  if (lr !== undefined && (lr <= 0 || lr > 1))
    throw new UserError("--lr must be above 0 and at most 1.");
}

/** Bytes of the longest passage file. */
const LARGEST_PASSAGE = 1e6;

async function readPassage(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > LARGEST_PASSAGE)
      throw new UserError(`${file} has ${size} bytes; a passage has some hundred words.`);
    const text = (await readFile(file, "utf8")).trim();
    if (text === "") throw new UserError(`${file} is empty.`);
    return text;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read the passage ${file}: ${errorMessage(error)}`);
  }
}

function report(adaptation: Adaptation, { keep, json }: AdaptFlags): void {
  const { selfEdits, lessons, rehearsed, answers, losses, seconds } = adaptation;
  if (json) return printJson({ selfEdits, lessons, rehearsed, answers, losses, seconds, keep });
  const again = rehearsed > 0 ? ` and ${rehearsed} earlier ones again` : "";
  const total = seconds.write + seconds.train + seconds.answer;
  print(
    `${lessons.length} lessons${again}, ${losses.length} steps, loss ${losses[0].toFixed(2)} -> ${(losses.at(-1) ?? NaN).toFixed(2)}, ${total.toFixed(0)} s`,
  );
  for (const { question, before, after } of answers)
    print(`\n${question}\n  before: ${oneLine(before)}\n  after:  ${oneLine(after)}`);
  if (keep !== undefined) print(`\nThe adapter is in ${keep}`);
  else print(`\nNothing was kept; --keep DIR keeps the adapter.`);
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ") || "(nothing)";
