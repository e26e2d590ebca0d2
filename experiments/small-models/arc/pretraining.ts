/** Pretraining of the small ARC world's model: settings, batches, what is watched, and the model's card. */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../../src/model/types";
import { createRandom, type Random } from "../../../src/statistics/random";
import type { ModelTexts } from "../files";
import { logitsOf, withBatch, type Variables } from "../network";
import { smallConfig, smallOptimizer } from "../model";
import {
  takeStep,
  type PretrainingDocument,
  type PretrainingState,
  type StepSettings,
} from "../step";
import {
  contextDocument,
  IN_CONTEXT_KINDS,
  nameDocument,
  pairsDocument,
  recipeDocument,
} from "./documents";
import { NAMED_KINDS, randomRule, SMALLEST_SIDE, WORLD_SIDE } from "../../../src/tasks/arc/rules";
import { paletteOf, randomSize, ruleExample } from "../../../src/tasks/arc/world";
import {
  pairWords,
  worldIds,
  worldVocabulary,
  worldWords,
} from "../../../src/tasks/arc/world-words";
import { worldTokenizerFile } from "./tokenizer";

/** Everything that determines the weights, but for the engine's rounding. */
export interface WorldPretrainingSettings extends StepSettings {
  /** Up to this step there are only lessons, documents of a single pair; afterwards the others, too. */
  readonly lessonSteps: number;
  readonly lessons: number;
  /** Documents in a later step: lessons, several pairs, pairs by one rule, a rule's name, recipes. */
  readonly mixture: Readonly<Record<"lessons" | "pairs" | "context" | "names" | "recipes", number>>;
}

/** Pairs of a later document: as many as a task with one demonstration left out has. */
const PAIRS = 3;

/** The settings of the committed weights. */
export const worldPretrainingSettings: WorldPretrainingSettings = {
  seed: 0,
  steps: 2000,
  lessonSteps: 700,
  lessons: 64,
  mixture: { lessons: 40, pairs: 4, context: 8, names: 4, recipes: 4 },
  decayShare: 0.5,
  initialDeviation: 0.08,
  optimizer: smallOptimizer,
};

/** The model's shape: Llama, 4 layers of width 96, tied head. */
export function worldConfig(): ModelConfig {
  return {
    ...smallConfig({
      vocabularySize: worldVocabulary().length,
      maximumPositions: 512,
      eosTokenIds: worldIds([worldWords.end]),
    }),
    layerCount: 4,
  };
}

/** The documents of a step in groups of similar length, a function of seed and step alone so that a run can resume anywhere. */
export function documentsOfStep(
  { seed, lessonSteps, lessons, mixture }: WorldPretrainingSettings,
  step: number,
): PretrainingDocument[][] {
  const random = createRandom(`arc documents:${seed}:${step}`);
  const several = (count: number, make: (own: Random) => PretrainingDocument) =>
    Array.from({ length: count }, () => make(random));
  const single = (own: Random): PretrainingDocument => pairsDocument(1, own);
  if (step < lessonSteps) {
    const sorted = several(lessons, single).sort((a, b) => a.words.length - b.words.length);
    return [sorted.slice(0, lessons / 2), sorted.slice(lessons / 2)];
  }
  return [
    several(mixture.lessons, single),
    [
      ...several(mixture.pairs, (own) => pairsDocument(PAIRS, own)),
      ...several(mixture.context, (own) => contextDocument(PAIRS, own)),
      ...several(mixture.names, nameDocument),
      ...several(mixture.recipes, recipeDocument),
    ],
  ];
}

/** Takes the next step. */
export function worldStep(
  config: ModelConfig,
  settings: WorldPretrainingSettings,
  state: PretrainingState,
): number {
  const documents = documentsOfStep(settings, state.step);
  return takeStep(config, settings, state, documents, worldIds).loss;
}

/** What stands before a pair whose output is to be told: the rule's name, other pairs by the same rule, or nothing. */
export type Shown = "name" | "demonstrations" | "nothing";

/** How well outputs are told. */
export interface RuleAccuracy {
  /** Share of words (cells, row and grid ends) that are the likeliest ones, given those before. */
  readonly words: number;
  /** Share of grids all of whose words are. */
  readonly grids: number;
}

/** How well `count` outputs of each kind of rule are told. */
export function ruleAccuracy(
  config: ModelConfig,
  variables: Variables,
  count: number,
  shown: Shown,
): Record<string, RuleAccuracy> {
  const entries = NAMED_KINDS.map((kind) => {
    const random = createRandom(`rule accuracy/${kind}`);
    const cases = Array.from({ length: count }, () => {
      const rule = randomRule(kind, random);
      const palette = paletteOf(rule, random);
      const size = randomSize(rule, random);
      const pairs = Array.from({ length: PAIRS }, () =>
        pairWords(ruleExample(rule, size, palette, random)),
      );
      const last = pairs[PAIRS - 1];
      const arrow = last.indexOf(worldWords.arrow) + 1;
      const before = {
        name: rule.words,
        demonstrations: pairs.slice(0, -1).flat(),
        nothing: [],
      }[shown];
      return { before: before.length + arrow, ids: worldIds([...before, ...last]) };
    });
    return [kind, nextWordAccuracy(config, variables, cases)] as const;
  });
  return Object.fromEntries(entries) as Record<string, RuleAccuracy>;
}

function nextWordAccuracy(
  config: ModelConfig,
  variables: Variables,
  cases: readonly { readonly before: number; readonly ids: readonly number[] }[],
): RuleAccuracy {
  const rows = cases.map(({ ids }) => ids);
  return withBatch(config, rows, (context) => {
    const { time } = context.layout;
    const words = cases.flatMap(({ before, ids }, r) =>
      ids.flatMap((id, place) => (place >= before ? [{ r, place, id }] : [])),
    );
    const places = Int32Array.from(words, ({ r, place }) => r * time + place - 1);
    const best = tf.tidy(() =>
      tf.argMax(logitsOf(config, variables, context, places), 1).dataSync(),
    );
    const wrong = words.filter(({ id }, i) => best[i] !== id);
    return {
      words: 1 - wrong.length / words.length,
      grids: 1 - new Set(wrong.map(({ r }) => r)).size / cases.length,
    };
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
  /** By what is shown before, and by kind of rule. */
  readonly accuracy: Readonly<Record<Shown, Readonly<Record<string, RuleAccuracy>>>>;
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
  const { settings, accuracy } = report;
  const cell = (shown: Shown, kind: string): string => {
    const { words, grids } = accuracy[shown][kind];
    return `${percent(words)}, ${percent(grids)}`;
  };
  const kinds = NAMED_KINDS.map(
    (kind) =>
      `| ${kind}${IN_CONTEXT_KINDS.includes(kind) ? " (in context)" : ""} | ${cell("name", kind)} | ${cell("demonstrations", kind)} | ${cell("nothing", kind)} |`,
  );
  return `# tiny:arc

A Llama-family model of ${report.parameters.toLocaleString("en")} parameters (width ${config.hiddenSize}, ${config.layerCount} layers,
${config.vocabularySize} words), trained from scratch by \`experiments/arc/pretrain.ts\` on the small world of ARC
(\`src/tasks/arc/world.ts\`). Its tokenizer reads the project's usual ARC prompts, a word a cell,
which tells the cell's colour and place.

**Data.** Grids of ${SMALLEST_SIDE} to ${WORLD_SIDE} rows and columns, ten colours. Single pairs, most with their rule's name before them; several
pairs, each by a rule of its own; pairs by one rule of a few kinds (${IN_CONTEXT_KINDS.join(", ")}), not named, to be learned in context; demonstrations
of a rule and its name; demonstrations and a recipe drawn at random, with a habit for each kind of rule that has nothing to do with what
helps. ${report.documents.toLocaleString("en")} documents in ${settings.steps.toLocaleString("en")} steps, seed ${settings.seed}. So the model can carry out rules by name, few from
demonstrations, and writes recipes without knowing which help.

**Training.** Muon (${settings.optimizer.muonRate}) for the matrices of the layers, AdamW (${settings.optimizer.adamRate}) for the rest, linear decay over the last ${percent(settings.decayShare)} of
the steps. ${report.minutes.toFixed(1)} minutes on the ${report.engine} engine. Loss, mean of the last ${report.lossSteps} steps: ${report.loss.toFixed(3)}.

Words of outputs, and whole outputs, that the model tells right, of ${report.grids} grids of each kind:

| kind of rule | named | after ${PAIRS - 1} demonstrations | nothing before |
| --- | --- | --- | --- |
${kinds.join("\n")}

The settings and all numbers are in \`pretraining.json\`.
`;
}
