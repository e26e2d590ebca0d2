/** GGUF files that are damaged: a whole model with tokenizer and chat template, loaded; and one tensor of every readable type. */
import { readFileSync, renameSync } from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import * as assert from "uvu/assert";
import { renderChat } from "../../src/model/chat";
import { openGgufContainer } from "../../src/model/gguf/container";
import { disposeModel, loadModel, textOf } from "../../src/model/load";
import { byteCharacters } from "../model/byte-model";
import {
  floats,
  ggufBytes,
  modelEntries,
  text,
  u32,
  u64,
  type Entry,
  type TensorSpec,
} from "../model/gguf-bytes";
import type { Target } from "./targets";

const strings = (values: readonly string[]): Buffer =>
  Buffer.concat([u32(8), u64(values.length), ...values.map(text)]);

/** A model with hidden size 4, one layer and 259 tokens: bytes, one merge, two special ones. */
function wholeModel(template: string): { bytes: Buffer; headerBytes: number } {
  const tokens = [...byteCharacters(), "ab", "<|im_start|>", "<|im_end|>"];
  const types = tokens.map((_, id) => u32(id < 257 ? 1 : 3));
  const entries: Entry[] = [
    ...modelEntries("llama"),
    ["tokenizer.ggml.model", 8, text("gpt2")],
    ["tokenizer.ggml.pre", 8, text("smollm")],
    ["tokenizer.ggml.tokens", 9, strings(tokens)],
    ["tokenizer.ggml.token_type", 9, Buffer.concat([u32(5), u64(tokens.length), ...types])],
    ["tokenizer.ggml.merges", 9, strings(["a b"])],
    ["tokenizer.chat_template", 8, text(template)],
  ];
  const tensor = (name: string, ...dimensions: number[]): TensorSpec => ({
    name: `${name}.weight`,
    dimensions,
    data: floats(Array.from({ length: dimensions.reduce((a, b) => a * b) }, (_, i) => (i % 7) / 8)),
  });
  const layer = ["attn_q", "attn_k", "attn_v", "attn_output"].map((n) =>
    tensor(`blk.0.${n}`, 4, 4),
  );
  const norms = ["attn_norm", "ffn_norm"].map((name) => tensor(`blk.0.${name}`, 4));
  const mlp = [tensor("blk.0.ffn_gate", 4, 2), tensor("blk.0.ffn_up", 4, 2)];
  const outer = [tensor("token_embd", 4, tokens.length), tensor("output_norm", 4)];
  return ggufBytes(entries, [...outer, ...layer, ...norms, ...mlp, tensor("blk.0.ffn_down", 2, 4)]);
}

/** Loads what was written to `file` as a user's model; nothing of it stays in the engine, loaded or refused. */
async function load(file: string): Promise<void> {
  const named = `${file}.gguf`;
  renameSync(file, named);
  const before = tf.memory().numTensors;
  try {
    const model = await loadModel(`file:${named}`);
    const { tokenizer, chatTemplate } = textOf(model);
    tokenizer.decode(tokenizer.encode("ab <|im_end|> é", { addSpecial: true }));
    disposeModel(model);
    const asked = [{ role: "user", content: "a" }] as const;
    if (chatTemplate !== undefined) renderChat(chatTemplate, asked, { addGenerationPrompt: true });
  } finally {
    assert.is(tf.memory().numTensors, before);
  }
}

/** Both targets. `template` is a chat template for the model. */
export function ggufTargets(root: string, template: string): Target[] {
  const model = wholeModel(template);
  const quants = readFileSync(path.join(root, "test/fixtures/gguf/quants.gguf"));
  return [
    { name: "gguf model", good: model.bytes, header: model.headerBytes, read: load },
    {
      name: "gguf types",
      good: quants,
      // Metadata and tensors' descriptions; what follows are numbers, of which none is wrong.
      header: 2000,
      read: async (file) => {
        const source = await openGgufContainer(file);
        try {
          for (const name of source.tensors.keys()) await source.readRaw(name);
        } finally {
          await source.close();
        }
      },
    },
  ];
}
