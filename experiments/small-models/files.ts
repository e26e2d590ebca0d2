/** The folder of a model trained from scratch, as transformers writes it, with a card and all numbers of its training. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Variable } from "@tensorflow/tfjs";
import { configFile as plainConfigFile } from "../../src/model/config-file";
import { writeSafetensors, type TensorValues } from "../../src/model/safetensors";
import type { ModelConfig } from "../../src/model/types";

/** What stands beside the weights. */
export interface ModelTexts {
  readonly tokenizer: object;
  readonly tokenizerConfig: object;
  /** All settings and measured numbers, for pretraining.json. */
  readonly report: object;
  /** The card in Markdown. */
  readonly card: string;
}

/** config.json of the model: its family has no biases, and its padding is token 0. */
export function configFile(config: ModelConfig): object {
  return {
    ...plainConfigFile(config),
    attention_bias: false,
    mlp_bias: false,
    eos_token_id: config.eosTokenIds[0],
    pad_token_id: 0,
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
export async function writeModelFolder(
  folder: string,
  config: ModelConfig,
  weights: ReadonlyMap<string, TensorValues>,
  { tokenizer, tokenizerConfig, report, card }: ModelTexts,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const json = (name: string, content: object): Promise<void> =>
    writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  await json("config.json", configFile(config));
  await json("tokenizer.json", tokenizer);
  await json("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    ...tokenizerConfig,
    clean_up_tokenization_spaces: false,
  });
  await json("pretraining.json", report);
  await writeSafetensors(join(folder, "model.safetensors"), weights);
  await writeFile(join(folder, "README.md"), card);
}
