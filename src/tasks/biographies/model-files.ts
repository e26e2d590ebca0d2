/** The files of the small world's model: config.json, tokenizer.json, model.safetensors and the card. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Variable } from "@tensorflow/tfjs";
import { writeSafetensors, type TensorValues } from "../../model/safetensors";
import type { ModelConfig } from "../../model/types";
import type { PretrainingSettings } from "./pretraining";
import type { PretrainingAccuracy } from "./pretraining-accuracy";
import { tokenizerFile } from "./vocabulary";
import { worldSizes } from "./world";
import { roleWords } from "./words";

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

/** transformers' config.json of the model. */
export function configFile(config: ModelConfig): object {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layerCount,
    num_attention_heads: config.headCount,
    num_key_value_heads: config.keyValueHeadCount,
    head_dim: config.headDim,
    vocab_size: config.vocabularySize,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_theta: config.ropeTheta,
    max_position_embeddings: config.maximumPositions,
    tie_word_embeddings: config.tiedHead,
    hidden_act: "silu",
    attention_bias: false,
    mlp_bias: false,
    eos_token_id: config.eosTokenIds[0],
    pad_token_id: 0,
    torch_dtype: "float32",
  };
}

/** The values of trained variables by name, for writing. */
export async function valuesOf(
  variables: ReadonlyMap<string, Variable>,
): Promise<Map<string, TensorValues>> {
  const values = new Map<string, TensorValues>();
  for (const [name, variable] of variables)
    values.set(name, { shape: variable.shape, values: (await variable.data()) as Float32Array });
  return values;
}

/** Writes the model's folder. */
export async function writeModelFiles(
  folder: string,
  config: ModelConfig,
  weights: ReadonlyMap<string, TensorValues>,
  report: PretrainingReport,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = (name: string, content: object): Promise<void> =>
    writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  await json("config.json", configFile(config));
  await json("tokenizer.json", tokenizerFile());
  await json("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    eos_token: roleWords.end,
    pad_token: roleWords.padding,
    unk_token: roleWords.unknown,
    clean_up_tokenization_spaces: false,
  });
  await json("pretraining.json", report);
  await writeSafetensors(join(folder, "model.safetensors"), weights);
  await writeFile(join(folder, "README.md"), modelCard(config, report));
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
