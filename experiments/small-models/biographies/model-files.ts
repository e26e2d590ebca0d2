/** What stands in the folder of the small world's model: its tokenizer, report and card. */
import type { TensorValues } from "../../../src/model/safetensors";
import type { ModelConfig } from "../../../src/model/types";
import { writeModelFolder } from "../files";
import type { PretrainingSettings } from "./pretraining";
import type { PretrainingAccuracy } from "./pretraining-accuracy";
import { tokenizerFile } from "./vocabulary";
import { worldSizes } from "../../../src/tasks/biographies/world";
import { roleWords } from "../../../src/tasks/biographies/words";

/** What a finished pretraining reports; all of it measured by the code that trained. */
export interface PretrainingReport {
  readonly settings: PretrainingSettings;
  readonly parameters: number;
  readonly documents: number;
  /** Mean loss of the last steps. */
  readonly loss: number;
  readonly lossSteps: number;
  /** On how many known and how many new people the accuracies were measured. */
  readonly people: number;
  readonly accuracy: PretrainingAccuracy;
  readonly engine: string;
  readonly minutes: number;
}

/** Writes the model's folder. */
export async function writeModelFiles(
  folder: string,
  config: ModelConfig,
  weights: ReadonlyMap<string, TensorValues>,
  report: PretrainingReport,
): Promise<void> {
  await writeModelFolder(folder, config, weights, {
    tokenizer: tokenizerFile(),
    tokenizerConfig: {
      eos_token: roleWords.end,
      pad_token: roleWords.padding,
      unk_token: roleWords.unknown,
    },
    report,
    card: modelCard(config, report),
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** The model's card in Markdown. */
export function modelCard(config: ModelConfig, report: PretrainingReport): string {
  const { settings, accuracy } = report;
  return `# tiny:biographies

A Llama-family model of ${report.parameters.toLocaleString("en")} parameters (width ${config.hiddenSize}, ${config.layerCount} layers,
${config.vocabularySize} words), trained from scratch by \`experiments/knowledge/pretrain-biographies.ts\` on the small world of
biographies (\`src/tasks/biographies\`). The people are invented.

**Data.** Statements about ${worldSizes.known} known people, questions about ${worldSizes.knownWithQuestions} and passages about ${worldSizes.knownWithPassage} of them; passages about endless
random people, each with questions, or with a self-edit in one of four styles of different worth. ${report.documents.toLocaleString("en")}
documents in ${settings.steps} steps, seed ${settings.seed}. No name that an experiment uses is in the data.

**Training.** Up to step ${settings.plainSteps} short passages without distractors, up to ${settings.lessonSteps} short passages with them, up to
${settings.openBookSteps} whole passages, afterwards everything. Muon (${settings.optimizer.muonRate}) for the matrices of the layers, AdamW (${settings.optimizer.adamRate}) for the
rest, linear decay over the last ${percent(settings.decayShare)} of the steps. ${report.minutes.toFixed(1)} minutes on the ${report.engine} engine.

| measured after training | |
| --- | --- |
| loss, mean of the last ${report.lossSteps} steps | ${report.loss.toFixed(3)} |
| questions about ${report.people} known people, no passage | ${percent(accuracy.known)} |
| the same about ${report.people} known people with statements only | ${percent(accuracy.transferred)} |
| questions about ${report.people} new people, passage in context | ${percent(accuracy.openBook)} |
| names copied rightly into their self-edits | ${percent(accuracy.names)} |
| questions about ${report.people} new people, no passage (chance 5%) | ${percent(accuracy.untouched)} |

The settings and all numbers are in \`pretraining.json\`.
`;
}
