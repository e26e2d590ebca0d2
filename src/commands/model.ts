/** Verbs about one model: train, generate, score. */
import { rm } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../messages/errors";
import { engineInfo } from "../engine";
import { makeFolder, removeLeftovers } from "../files/files";
import type { Adapter } from "../lora/adapter";
import { isFull, parseFullSettings, type FullSettings } from "../full/settings";
import { trainFull } from "../full/train";
import { loadAdapter, saveAdapter } from "../lora/files";
import { generate, type Prompt } from "../lora/generate";
import { saveModel } from "../lora/save-merged";
import { scoreRowsLater } from "../lora/score";
import { parseLoraSettings, type LoraSettings } from "../lora/settings";
import { tokenSequence, trainResumably, type Sequence } from "../lora/train";
import { loadModel, type Model } from "../model/load";
import { TARGET_NAMES, type TargetName } from "../model/adapters";
import { defaultModel } from "../model/sources";
import { createProgress, downloadProgress } from "../messages/progress";
import { decimal, readIds, readSequences, wholeNumber } from "./input";
import { createTextStream, note, print, printJson } from "./output";

/** Adds the verbs. */
export function addModelCommands(program: Command): void {
  addTrain(program);
  addGenerate(program);
  addScore(program);
}

interface TrainFlags {
  model: string;
  text?: string;
  ids?: string;
  out: string;
  initAdapter?: string;
  full?: boolean;
  json?: boolean;
  targets?: string;
  shuffle: boolean;
  [setting: string]: unknown;
}

/** In the adapter's folder while it is trained, where that takes more than a minute. */
const CHECKPOINT = "checkpoint.partial.safetensors";

/** Flags that are settings under another or the same name. */
const SETTING_FLAGS: readonly [
  flag: string,
  setting: keyof LoraSettings,
  whole: boolean,
  what: string,
][] = [
  ["rank", "rank", true, "LoRA rank (32)"],
  ["alpha", "alpha", false, "LoRA alpha (64)"],
  ["dropout", "dropout", false, "dropout on the adapter's input (0)"],
  ["epochs", "epochs", true, "epochs (10)"],
  ["batch-size", "batchSize", true, "sequences in a mini-batch (1)"],
  ["accumulation", "accumulation", true, "mini-batches in a step (1)"],
  ["lr", "learningRate", false, "learning rate (0.001)"],
  ["warmup", "warmupSteps", true, "warm-up steps (0)"],
  ["weight-decay", "weightDecay", false, "weight decay (0)"],
  ["clip", "clipNorm", false, "largest gradient norm, 0 for none (1)"],
  ["max-tokens", "maximumTokens", true, "tokens after which a sequence is cut (2048)"],
];

function addTrain(program: Command): void {
  const command = program
    .command("train")
    .description(
      "train a LoRA adapter on texts, PEFT files out; or all weights, a model's folder out",
    )
    .option("--model <id>", "the model", defaultModel)
    .option("--text <file>", "a text, or .jsonl with a text (or prompt and completion) a line")
    .option("--ids <file>", "rows of token ids, [[…], […]]")
    .option(
      "--init-adapter <dir>",
      "start from this PEFT adapter (its rank, alpha and targets hold)",
    )
    .option(
      "--full",
      "train all weights instead (1 epoch at 7e-5 unless told; needs about six times the model's memory)",
    )
    .option("--targets <names>", `comma-separated, of ${TARGET_NAMES.join(", ")}; or all-linear`)
    .option("--schedule <name>", "linear, cosine or constant")
    .option(
      "--seed <number>",
      "seed of the order, the start and the dropout (0)",
      wholeNumber("seed"),
    )
    .option("--no-shuffle", "take the sequences in the order given")
    .requiredOption("--out <dir>", "where the adapter or model goes")
    .option("--json", "print losses and gradient norms as JSON");
  for (const [flag, , whole, what] of SETTING_FLAGS)
    command.option(`--${flag} <number>`, what, whole ? wholeNumber(flag) : decimal(flag));
  command.action(runTrain);
}

async function runTrain(flags: TrainFlags): Promise<void> {
  const settings = settingsOf(flags);
  if (flags.full && flags.initAdapter !== undefined)
    throw new UserError("--full trains the model's own weights: leave out --init-adapter.");
  const sequences = await readInput(flags);
  const model = await openModel(flags.model, flags.json);
  const initial = await adapterAt(flags.initAdapter, model);
  let progress: ReturnType<typeof createProgress> | undefined;
  let before = 0;
  const onStep = (done: number, total: number): void => {
    progress ??= createProgress("training steps", total, { quiet: flags.json ?? false });
    progress.advance(done - before);
    before = done;
  };
  const { out } = flags;
  const file = path.join(out, CHECKPOINT);
  await makeFolder(out);
  await removeLeftovers(out);
  const result = isFull(settings)
    ? await trainFull(model, { sequences, settings }, { onStep, checkpoint: { file } })
    : await trainResumably(
        model,
        { sequences, settings, ...(initial ? { initial } : {}) },
        { file },
        { onStep },
      );
  progress?.stop();
  if (result.status !== "ok")
    throw new UserError(
      `The training ended as "${result.status}": ${result.reason ?? "no reason"}`,
    );
  if ("model" in result && result.model) await saveModel(result.model, out);
  if ("adapter" in result && result.adapter) await saveAdapter(result.adapter, out, model);
  await rm(file, { force: true });
  const { losses, gradientNorms, tokens } = result;
  if (flags.json) printJson({ losses, gradientNorms });
  else {
    print(
      `${losses.length} steps, ${tokens} tokens, loss ${losses[0].toFixed(3)} -> ${losses.at(-1)?.toFixed(3)}`,
    );
    print(flags.full ? `The model is in ${out}: --model file:${out}` : `The adapter is in ${out}`);
  }
}

function settingsOf(flags: TrainFlags): LoraSettings | FullSettings {
  const camel = (flag: string): string =>
    flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const numbers = SETTING_FLAGS.filter(([flag]) => flags[camel(flag)] !== undefined).map(
    ([flag, setting]) => [setting, flags[camel(flag)]] as const,
  );
  const { targets, schedule, seed, shuffle } = flags;
  const settings = {
    ...Object.fromEntries(numbers),
    ...(targets === undefined ? {} : { targets: targetList(targets) }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(seed === undefined ? {} : { seed }),
    shuffle,
  };
  return flags.full
    ? parseFullSettings(settings, "training settings")
    : parseLoraSettings(settings, "training settings");
}

function targetList(names: string): TargetName[] {
  if (names === "all-linear") return [...TARGET_NAMES];
  return names.split(",").map((name) => name.trim()) as TargetName[];
}

interface GenerateFlags {
  model: string;
  adapter?: string;
  ids?: string;
  chat?: boolean;
  maxTokens: number;
  temperature: number;
  topP: number;
  seed: number;
  stop?: string[];
  json?: boolean;
}

function addGenerate(program: Command): void {
  program
    .command("generate")
    .description("continue prompts, with or without an adapter")
    .argument("[prompts...]", "texts to continue")
    .option("--model <id>", "the model", defaultModel)
    .option("--adapter <dir>", "a PEFT adapter")
    .option("--ids <file>", "prompts as rows of token ids, [[…], […]]")
    .option("--chat", "the prompts are a user's messages")
    .option("--max-tokens <number>", "most new tokens", wholeNumber("max-tokens"), 64)
    .option("--temperature <number>", "0 is greedy", decimal("temperature"), 0)
    .option("--top-p <number>", "nucleus", decimal("top-p"), 1)
    .option("--seed <number>", "seed of the draws", wholeNumber("seed"), 0)
    .option("--stop <texts...>", "texts that end an answer")
    .option("--json", "print tokens and texts as JSON")
    .action(async (texts: string[], flags: GenerateFlags) => {
      const ids = flags.ids === undefined ? undefined : await readIds(flags.ids);
      if ((ids === undefined) === (texts.length === 0))
        throw new UserError("Give prompts as arguments, or --ids FILE.");
      checkSampling(flags);
      const { temperature, topP, seed, stop } = flags;
      const model = await openModel(flags.model, flags.json);
      const adapter = await adapterAt(flags.adapter, model);
      const prompts: Prompt[] =
        ids ??
        texts.map((text) => (flags.chat ? [{ role: "user" as const, content: text }] : text));
      const stream =
        prompts.length === 1 && !flags.json && model.text ? createTextStream() : undefined;
      const answers = await generate(model, prompts, {
        ...(adapter ? { adapter } : {}),
        ...{ temperature, topP, seed, stop, maximumTokens: flags.maxTokens },
        ...(stream ? { onText: stream.show } : {}),
      });
      if (flags.json) printJson({ rows: answers });
      else if (stream) stream.end(answers[0].text);
      else
        answers.forEach(({ text, tokens }, i) =>
          print(`${i + 1}: ${model.text ? text : JSON.stringify(tokens)}`),
        );
    });
}

function checkSampling({ maxTokens, temperature, topP }: GenerateFlags): void {
  if (maxTokens < 1 || maxTokens > 131_072)
    throw new UserError("--max-tokens must be 1 to 131072.");
  if (temperature < 0 || temperature > 10) throw new UserError("--temperature must be 0 to 10.");
  if (topP <= 0 || topP > 1) throw new UserError("--top-p must be above 0 and at most 1.");
}

interface ScoreFlags {
  model: string;
  adapter?: string;
  text?: string;
  ids?: string;
  json?: boolean;
}

function addScore(program: Command): void {
  program
    .command("score")
    .description("negative log-likelihood of each token of a text")
    .option("--model <id>", "the model", defaultModel)
    .option("--adapter <dir>", "a PEFT adapter")
    .option("--text <file>", "a text, or .jsonl with a text a line")
    .option("--ids <file>", "rows of token ids, [[…], […]]")
    .option("--json", "print every value as JSON")
    .action(async (flags: ScoreFlags) => {
      const sequences = await readInput(flags);
      const model = await openModel(flags.model, flags.json);
      const adapter = await adapterAt(flags.adapter, model);
      const rows = sequences.map((one) => [...tokenSequence(model, one).ids]);
      const scored = await scoreRowsLater(model, rows, ...(adapter ? [adapter] : []));
      if (flags.json) printJson({ rows: scored.map((nll) => ({ nll })) });
      else
        scored.forEach((nll, r) => {
          const mean = nll.reduce((sum, value) => sum + value, 0) / nll.length;
          print(
            `row ${r + 1}: ${nll.length} tokens, ${mean.toFixed(4)} nats a token, perplexity ${Math.exp(mean).toFixed(2)}`,
          );
        });
    });
}

/** What is given as texts or as rows of token ids. */
async function readInput({ text, ids }: { text?: string; ids?: string }): Promise<Sequence[]> {
  const rows = ids === undefined ? undefined : await readIds(ids);
  const texts = text === undefined ? undefined : await readSequences(text);
  if ((rows === undefined) === (texts === undefined))
    throw new UserError("Give either --text FILE or --ids FILE.");
  return rows?.map((row) => ({ ids: row })) ?? texts ?? [];
}

async function adapterAt(folder: string | undefined, model: Model): Promise<Adapter | undefined> {
  return folder === undefined ? undefined : loadAdapter(model, folder);
}

/** Loads a model for a verb; what goes on is said on stderr unless quiet. */
export async function openModel(id: string, quiet = false): Promise<Model> {
  if (!quiet) note(`loading ${id}`);
  const model = await loadModel(id, quiet ? {} : { onProgress: downloadProgress(id) });
  const engine = engineInfo();
  if (!quiet && engine) {
    const told = [engine.gpu, engine.why].filter(Boolean).join("; ");
    note(`engine ${engine.name}${told ? ` (${told})` : ""}`);
  }
  return model;
}
