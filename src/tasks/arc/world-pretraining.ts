/** Pretraining of the small ARC world's model: settings, batches, what is watched, and the model's card. */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../model/types";
import { createRandom } from "../../random";
import type { ModelTexts } from "../from-scratch/files";
import { logitsOf, withBatch, type Variables } from "../from-scratch/network";
import { smallConfig, smallOptimizer } from "../from-scratch/model";
import {
  takeStep,
  type PretrainingDocument,
  type PretrainingState,
  type StepSettings,
} from "../from-scratch/step";
import { pairsDocument, recipeDocument } from "./documents";
import { NAMED_KINDS, randomRule } from "./rules";
import { paletteOf, ruleExample } from "./world";
import {
  gridWords,
  worldIds,
  worldTokenizerFile,
  worldVocabulary,
  worldWords,
} from "./world-words";

/** Everything that determines the weights, but for the engine's rounding. */
export interface WorldPretrainingSettings extends StepSettings {
  /** Up to this step there are lessons: so many documents of a single pair. Afterwards, several pairs, and recipes. */
  readonly lessonSteps: number;
  readonly lessons: number;
  /** Documents in a later step: pairs of grids, and demonstrations with a recipe. */
  readonly pairs: number;
  readonly recipes: number;
}

/** Pairs of a later document: as many as a task with one demonstration left out has. */
const PAIRS = 3;

/** The settings of the committed weights. */
export const worldPretrainingSettings: WorldPretrainingSettings = {
  seed: 0,
  steps: 500,
  lessonSteps: 250,
  lessons: 64,
  pairs: 20,
  recipes: 4,
  decayShare: 0.5,
  initialDeviation: 0.08,
  optimizer: smallOptimizer,
};

/** The model's shape: Llama, 3 layers of width 96, tied head. */
export function worldConfig(): ModelConfig {
  return smallConfig({
    vocabularySize: worldVocabulary().length,
    maximumPositions: 512,
    eosTokenIds: worldIds([worldWords.end]),
  });
}

/** The documents of a step, a function of seed and step alone so that a run can resume anywhere. */
export function documentsOfStep(
  { seed, lessonSteps, lessons, pairs, recipes }: WorldPretrainingSettings,
  step: number,
): PretrainingDocument[] {
  const random = createRandom(`arc documents:${seed}:${step}`);
  if (step < lessonSteps) return Array.from({ length: lessons }, () => pairsDocument(1, random));
  return [
    ...Array.from({ length: pairs }, () => pairsDocument(PAIRS, random)),
    ...Array.from({ length: recipes }, () => recipeDocument(random)),
  ];
}

/** Takes the next step. */
export function worldStep(
  config: ModelConfig,
  settings: WorldPretrainingSettings,
  state: PretrainingState,
): number {
  const documents = documentsOfStep(settings, state.step);
  return takeStep(config, settings, state, [documents], worldIds).loss;
}

/** Share of an output's cells that are the likeliest ones, given those before, by kind; rules are named or not. */
export function ruleAccuracy(
  config: ModelConfig,
  variables: Variables,
  count: number,
  named: boolean,
): Record<string, number> {
  const entries = NAMED_KINDS.map((kind) => {
    const random = createRandom(`rule accuracy/${kind}`);
    const cases = Array.from({ length: count }, () => {
      const rule = randomRule(kind, random);
      const { input, output } = ruleExample(rule, paletteOf(rule, random), random);
      const before = [...(named ? rule.words : []), ...gridWords(input), worldWords.arrow];
      return { before: before.length, ids: worldIds([...before, ...gridWords(output)]) };
    });
    return [kind, nextWordAccuracy(config, variables, cases)] as const;
  });
  return Object.fromEntries(entries) as Record<string, number>;
}

function nextWordAccuracy(
  config: ModelConfig,
  variables: Variables,
  cases: readonly { readonly before: number; readonly ids: readonly number[] }[],
): number {
  const rows = cases.map(({ ids }) => ids);
  const [row] = worldIds([worldWords.row]);
  return withBatch(config, rows, (context) => {
    const { time } = context.layout;
    const cells = cases.flatMap(({ before, ids }, r) =>
      ids.flatMap((id, place) => (place >= before && id !== row ? [{ r, place, id }] : [])),
    );
    const places = Int32Array.from(cells, ({ r, place }) => r * time + place - 1);
    const best = tf.tidy(() =>
      tf.argMax(logitsOf(config, variables, context, places), 1).dataSync(),
    );
    return cells.filter(({ id }, i) => best[i] === id).length / cells.length;
  });
}

/** What a finished pretraining reports; all of it measured by the code that trained. */
export interface WorldPretrainingReport {
  readonly settings: WorldPretrainingSettings;
  readonly parameters: number;
  readonly documents: number;
  /** Mean loss of the last steps. */
  readonly loss: number;
  readonly lossSteps: number;
  /** Grids of each kind on which the accuracies were measured. */
  readonly grids: number;
  readonly named: Readonly<Record<string, number>>;
  readonly unnamed: Readonly<Record<string, number>>;
  readonly engine: string;
  readonly minutes: number;
}

/** What stands beside the weights. The chat template is the messages' texts and nothing else. */
export function worldModelTexts(config: ModelConfig, report: WorldPretrainingReport): ModelTexts {
  return {
    tokenizer: worldTokenizerFile(),
    tokenizerConfig: {
      eos_token: worldWords.end,
      pad_token: worldWords.padding,
      unk_token: worldWords.unknown,
      chat_template: "{% for message in messages %}{{ message.content }}{% endfor %}",
    },
    report,
    card: modelCard(config, report),
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

function modelCard(config: ModelConfig, report: WorldPretrainingReport): string {
  const { settings, named, unnamed } = report;
  const families = NAMED_KINDS.map(
    (kind) => `| ${kind} | ${percent(named[kind])} | ${percent(unnamed[kind])} |`,
  );
  return `# tiny:arc

A Llama-family model of ${report.parameters.toLocaleString("en")} parameters (width ${config.hiddenSize}, ${config.layerCount} layers,
${config.vocabularySize} words), trained from scratch by \`experiments/arc/pretrain.ts\` on the small world of ARC
(\`src/tasks/arc/world.ts\`). Its tokenizer reads the project's usual ARC prompts, a word a cell.

**Data.** Pairs of 3 x 3 grids, each by a rule of its own, three in four with the rule's name before them; and demonstrations of one
rule followed by a training recipe drawn at random, whatever the rule. ${report.documents.toLocaleString("en")} documents in ${settings.steps} steps, seed ${settings.seed}. So the
model can carry out rules, cannot tell from demonstrations which one is meant, and writes recipes without knowing which help.

**Training.** Muon (${settings.optimizer.muonRate}) for the matrices of the layers, AdamW (${settings.optimizer.adamRate}) for the rest, linear decay over the last ${percent(settings.decayShare)} of
the steps. ${report.minutes.toFixed(1)} minutes on the ${report.engine} engine. Loss, mean of the last ${report.lossSteps} steps: ${report.loss.toFixed(3)}.

| cells right, of ${report.grids} grids of each kind | rule named | not named |
| --- | --- | --- |
${families.join("\n")}

The settings and all numbers are in \`pretraining.json\`.
`;
}
