/**
 * A model with an adapter merged in, as a folder that `file:DIR` loads (transformers too): weights in fp32, and the
 * config and tokenizer of the model that it was made of.
 */
import { copyFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { makeFolder } from "../files/files";
import { PROJECTIONS, projectionWidth, targetShape, type ProjectionName } from "../model/adapters";
import { configFile } from "../model/config-file";
import { openGguf } from "../model/gguf/model";
import { wantedFiles } from "../model/folder";
import type { Model } from "../model/load";
import { writeSafetensors, type TensorValues } from "../model/safetensors";
import { resolveModel } from "../model/sources";
import { tokenizerFilesFromGguf } from "../model/tokenizer";
import { plainHead, plainMatrix, type WeightMatrix } from "../model/matrix";
import type { ModelConfig } from "../model/types";
import { disposeWeights, modulePath, type ModelWeights } from "../model/weights";
import type { Adapter } from "./adapter";
import { mergeWeights } from "./merge";
import { requireAdapter } from "./options";

/** Writes the merged model; the loaded one stays as it is. Throws UserError where the folder cannot be made. */
export async function saveMerged(model: Model, adapter: Adapter, directory: string): Promise<void> {
  requireAdapter(adapter, "saveMerged");
  const weights = mergeWeights(model.config, model.weights, adapter);
  try {
    await saveModel({ ...model, weights }, directory);
  } finally {
    disposeWeights(weights);
  }
}

/** Writes a model with the weights that it has now, as after `mergeAdapter` or `trainFull`. Throws UserError where the folder cannot be made. */
export async function saveModel(model: Model, directory: string): Promise<void> {
  await makeFolder(directory);
  const file = path.join(directory, "model.safetensors");
  await writeSafetensors(file, namedWeights(model.config, model.weights));
  await writeTexts(model, directory);
}

/** The weights under transformers' names, in its layout. */
export function namedWeights(
  config: ModelConfig,
  weights: ModelWeights,
): Map<string, TensorValues> {
  const named = new Map<string, TensorValues>();
  const add = (name: string, tensor: tf.Tensor): void => {
    named.set(name, { shape: tensor.shape, values: tensor.dataSync<"float32">() });
  };
  const addHead = (name: string, head: WeightMatrix): void =>
    tf.tidy(() => add(name, plainHead(head, config.vocabularySize)));
  addHead("model.embed_tokens.weight", weights.embedding);
  add("model.norm.weight", weights.finalNorm);
  if (!config.tiedHead) addHead("lm_head.weight", weights.head);
  weights.layers.forEach((layer, l) => {
    add(`model.layers.${l}.input_layernorm.weight`, layer.inputNorm);
    add(`model.layers.${l}.post_attention_layernorm.weight`, layer.postAttentionNorm);
    for (const projection of Object.keys(PROJECTIONS) as ProjectionName[]) {
      const targets = PROJECTIONS[projection];
      const widths = targets.map((target) => targetShape(config, target).output);
      tf.tidy(() => {
        const width = projectionWidth(config, projection);
        const matrices = tf.split(plainMatrix(layer[projection], width), widths, 1);
        targets.forEach((target, t) =>
          add(`${modulePath(l, target)}.weight`, tf.transpose(matrices[t])),
        );
        if (projection === "queryKeyValue" && layer.queryKeyValueBias)
          tf.split(layer.queryKeyValueBias, widths).forEach((bias, t) =>
            add(`${modulePath(l, targets[t])}.bias`, bias),
          );
      });
    }
  });
  return named;
}

async function writeTexts(model: Model, directory: string): Promise<void> {
  const files = await resolveModel(model.id);
  if (files.kind === "huggingface") {
    const texts = wantedFiles(await readdir(files.directory)).filter(
      (name) => !name.includes("safetensors"),
    );
    for (const name of texts)
      await copyFile(path.join(files.directory, name), path.join(directory, name));
    return;
  }
  const source = await openGguf(files.path);
  try {
    const { tokenizer, tokenizerConfig } = tokenizerFilesFromGguf(source.metadata);
    const json = (name: string, content: object): Promise<void> =>
      writeFile(path.join(directory, name), `${JSON.stringify(content, null, 2)}\n`);
    await json("config.json", configFile(model.config));
    await json("tokenizer.json", tokenizer);
    await json("tokenizer_config.json", tokenizerConfig);
  } finally {
    await source.close();
  }
}
