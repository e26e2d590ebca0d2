/** Everything that reads what others wrote, each with a good file and what is done with a damaged one. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readPeft } from "../../src/lora/peft";
import { renderChat } from "../../src/model/chat";
import { parseModelConfig } from "../../src/model/config";
import { readSafetensors } from "../../src/model/safetensors";
import { tokenizerFromJson } from "../../src/model/tokenizer";
import { openJournal } from "../../src/run/journal";
import { readRecord } from "../../src/run/record";
import { readVariant } from "../../src/experiments/variants";
import { trainingSequences } from "../../src/selfedit/sequences";
import { readArc } from "../../src/tasks/arc/read";
import { parseGridAnswer } from "../../src/tasks/arc/grids";
import { parseRecipe } from "../../src/tasks/arc/recipe";
import { biographySequences, selfEditLines } from "../../src/tasks/biographies/selfedits";
import { readSquad } from "../../src/tasks/squad";
import { smallConfig } from "../model/random-network";
import { safetensorsBytes } from "../model/safetensors-bytes";
import { ggufTargets } from "./gguf-targets";
import { queueTargets } from "./queue-targets";

/** A reader and a good file of its. */
export interface Target {
  readonly name: string;
  readonly good: Buffer;
  /** Bytes of the header of a binary file, or "text". */
  readonly header: number | "text";
  /** Reads a damaged file, given its path and its bytes; throws UserError or nothing. */
  readonly read: (file: string, bytes: Buffer) => unknown;
}

const root = path.join(__dirname, "../..");
const fixture = (name: string): Buffer => readFileSync(path.join(root, "test/fixtures", name));
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const parsed = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
};

const CHATML =
  "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const conversation = [
  { role: "user", content: "What is the capital of France?" },
  { role: "assistant", content: "Paris." },
] as const;

const SELF_EDIT =
  "1. The pet of Mara Teveldt is a heron.\n2. Her ferry left at 06:45.\n- It implies that she rose early.\n\nQuestion: When? Answer: At 06:45.";
const RECIPE =
  '```json\n{"data_generation": {"use_basic_augmentations": true, "use_size_augmentations": false, "use_chain_augmentations": true, "use_repeat_augmentations": false}, "training": {"strategy": "train_using_all_tokens", "learning_rate": 0.0001, "num_train_epochs": 2}}\n```';

const configJson = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 256,
  eos_token_id: [1, 2],
  rope_scaling: {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 128,
  },
};

const adapterJson = {
  peft_type: "LORA",
  r: 1,
  lora_alpha: 2,
  lora_dropout: 0,
  target_modules: ["q_proj", "v_proj"],
  bias: "none",
};

/** An adapter's weights for `smallConfig`, all zero. */
function adapterWeights(): Buffer {
  let offset = 0;
  const entries = [0, 1].flatMap((layer) =>
    (
      [
        ["q_proj", 24],
        ["v_proj", 8],
      ] as const
    ).flatMap(([name, out]) =>
      (
        [
          ["lora_A", [1, 24]],
          ["lora_B", [out, 1]],
        ] as const
      ).map(([matrix, shape]) => {
        const start = offset;
        offset += 4 * shape[0] * shape[1];
        const key = `base_model.model.model.layers.${layer}.self_attn.${name}.${matrix}.weight`;
        return [key, { dtype: "F32", shape, data_offsets: [start, offset] }] as const;
      }),
    ),
  );
  return safetensorsBytes(JSON.stringify(Object.fromEntries(entries)), Buffer.alloc(offset));
}

const recordJson = {
  name: "x",
  schema: 1,
  status: "complete",
  config: { a: [1, { b: 2 }] },
  seeds: [1, "a"],
  environment: {
    node: "20",
    engine: "wasm",
    engineVersion: "1",
    threads: 2,
    cpu: "c",
    gitCommit: null,
    gitDirty: null,
  },
  inputs: [{ name: "m", source: "s", sha256: "0".repeat(64) }],
  rows: [
    {
      arm: "a",
      round: 0,
      n: 2,
      accuracy: 0.5,
      ci95: [0, 1],
      ungraded: 0,
      unparsable: 0,
      diverged: 0,
    },
  ],
  paper: [{ arm: "a", accuracy: 0.3, source: "t" }],
  seconds: { total: 1, generate: 1, train: 1, answer: 1 },
};

const arcJson = {
  "007bbfb7": {
    train: [
      {
        input: [
          [0, 7],
          [7, 0],
        ],
        output: [
          [0, 0, 7],
          [1, 2, 3],
        ],
      },
    ],
    test: [
      {
        input: [
          [7, 0],
          [7, 7],
        ],
      },
    ],
  },
};

/** A journal with three entries; made once, as its checksums are the program's own. */
async function journal(folder: string): Promise<Buffer> {
  const file = path.join(folder, "good.jsonl");
  const made = await openJournal(file, { seeds: [1, 2] });
  for (const key of ["a", "b", "c"]) await made.append(key, { reward: 0.5, text: "line\nend é" });
  await made.close();
  return readFileSync(file);
}

/** All targets; `folder` is an empty one for what they need beside the damaged file. */
export async function hostileTargets(folder: string): Promise<Target[]> {
  const tokenizer = readFileSync(path.join(root, "results/models/biographies/tokenizer.json"));
  const parquet = fixture("squad/squad.parquet");
  const weights = adapterWeights();
  const adapter = path.join(folder, "adapter");
  mkdirSync(adapter);
  const adapterFile = (name: string): string => path.join(adapter, name);
  const peft = (name: string, bytes: Buffer): Promise<unknown> => {
    writeFileSync(adapterFile("adapter_config.json"), json(adapterJson));
    writeFileSync(adapterFile("adapter_model.safetensors"), weights);
    writeFileSync(adapterFile(name), bytes);
    return readPeft(smallConfig, adapter);
  };
  const readTokenizer = (bytes: Buffer): void => {
    const read = tokenizerFromJson(parsed(bytes), { clean_up_tokenization_spaces: false }, "t");
    read.decode(read.encode("The pet of Mara Teveldt is a heron ."));
  };
  return [
    {
      name: "safetensors",
      good: weights,
      header: weights.indexOf("}}") + 2,
      read: (file) => readSafetensors(file),
    },
    ...ggufTargets(root, CHATML),
    ...queueTargets(json(adapterJson), weights),
    { name: "tokenizer.json", good: tokenizer, header: "text", read: (_, b) => readTokenizer(b) },
    {
      name: "chat template",
      good: Buffer.from(CHATML),
      header: "text",
      read: (_, bytes) => renderChat(bytes.toString(), conversation, { addGenerationPrompt: true }),
    },
    { name: "parquet", good: parquet, header: parquet.length, read: (file) => readSquad(file) },
    {
      name: "squad json",
      good: json({
        data: [
          {
            title: "T",
            paragraphs: [
              { context: "A b.", qas: [{ id: "1", question: "Q?", answers: [{ text: "b" }] }] },
            ],
          },
        ],
      }),
      header: "text",
      read: (file) => readSquad(file),
    },
    {
      name: "config.json",
      good: json(configJson),
      header: "text",
      read: (_, bytes) => parseModelConfig(parsed(bytes), "config.json"),
    },
    {
      name: "adapter_config.json",
      good: json(adapterJson),
      header: "text",
      read: (_, bytes) => peft("adapter_config.json", bytes),
    },
    {
      name: "variant",
      good: json({
        experiment: "biographies",
        name: "x",
        seeds: [1],
        people: { train: 3 },
        innerLoop: { rank: 2 },
      }),
      header: "text",
      read: (file) => readVariant(file),
    },
    { name: "record", good: json(recordJson), header: "text", read: (file) => readRecord(file) },
    {
      name: "journal",
      good: await journal(folder),
      header: "text",
      read: async (file) => (await openJournal(file, { seeds: [1, 2] })).close(),
    },
    { name: "arc tasks", good: json(arcJson), header: "text", read: (file) => readArc(file) },
    {
      name: "arc answers",
      good: Buffer.from("[[0, 1, 2], [3, 4, 5]]"),
      header: "text",
      read: (_, bytes) => parseGridAnswer(bytes.toString()),
    },
    {
      name: "arc recipes",
      good: Buffer.from(RECIPE),
      header: "text",
      read: (_, bytes) => parseRecipe(bytes.toString()),
    },
    {
      name: "self-edits",
      good: Buffer.from(SELF_EDIT),
      header: "text",
      read: (_, bytes) => {
        const completion = bytes.toString();
        trainingSequences(completion, { title: "T", passage: "P", splitLines: true });
        if (selfEditLines(completion).length > 0) biographySequences(completion, "P");
      },
    },
  ];
}
