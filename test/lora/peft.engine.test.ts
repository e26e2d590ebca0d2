/** PEFT's files: what is written is read back to the bit, and what could not be applied as PEFT does is refused. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { createAdapter, type Adapter } from "../../src/lora/adapter";
import { readPeft, writePeft } from "../../src/lora/peft";
import { scoreRows } from "../../src/lora/score";
import { TARGET_NAMES, type TargetName } from "../../src/model/adapters";
import { readSafetensors, writeSafetensors, type TensorValues } from "../../src/model/safetensors";
import { modulePath } from "../../src/model/weights";
import { createRandom, type Random } from "../../src/statistics/random";
import { randomNetwork, smallConfig } from "../model/random-network";
import { assertRefused } from "../model/refusal";
import { withFolder } from "../run/temporary";

const test = suite("PEFT files");

/** An adapter whose B is not zero either. */
function randomAdapter(random: Random, rank: number, targets: readonly TargetName[]): Adapter {
  const settings = { rank, alpha: 1 + random.integer(40), dropout: 0, targets };
  const adapter = createAdapter(smallConfig, settings, random);
  for (const { values } of adapter.tensors.values())
    values.forEach((_, i) => (values[i] = 0.1 * random.normal()));
  return adapter;
}

function bits(adapter: Adapter): Record<string, unknown> {
  const { tensors, ...settings } = adapter;
  const contents = [...tensors].map(([name, { shape, values }]) => {
    const { buffer, byteOffset, byteLength } = values;
    return [name, [...shape], Buffer.from(buffer, byteOffset, byteLength).toString("hex")];
  });
  return { ...settings, targets: [...settings.targets], contents: contents.sort() };
}

test("random adapters come back with the same bits", () =>
  withFolder(async (folder) => {
    const random = createRandom("round trip");
    for (const rank of [1, 3, 16]) {
      const some = TARGET_NAMES.filter(() => random.next() < 0.5);
      for (const targets of [TARGET_NAMES, some.length > 0 ? some : (["up_proj"] as const)]) {
        const adapter = randomAdapter(random, rank, targets);
        const place = path.join(folder, `rank ${rank} of ${targets.length}`);
        await writePeft(adapter, place, "file:base");
        assert.equal(bits(await readPeft(smallConfig, place)), bits(adapter));
      }
    }
  }));

test("an adapter that was read gives the values of the one that was written", () =>
  withFolder(async (folder) => {
    await startEngine();
    const model = { ...randomNetwork(), id: "random", inputs: [] };
    const adapter = randomAdapter(createRandom("scores"), 5, TARGET_NAMES);
    await writePeft(adapter, folder);
    const rows = [
      [3, 14, 15, 9, 26],
      [5, 35, 8],
    ];
    const scores = scoreRows(model, rows, adapter);
    assert.equal(scoreRows(model, rows, await readPeft(smallConfig, folder)), scores);
    assert.not.equal(scoreRows(model, rows), scores);
  }));

type Json = Record<string, unknown>;

/** Writes a sound adapter for q_proj and down_proj, and lets `change` alter the configuration and the tensors. */
async function altered(
  folder: string,
  change: (config: Json, tensors: Map<string, TensorValues>) => unknown,
): Promise<void> {
  await writePeft(randomAdapter(createRandom(7), 2, ["q_proj", "down_proj"]), folder);
  const [configFile, weightsFile] = ["adapter_config.json", "adapter_model.safetensors"].map(
    (name) => path.join(folder, name),
  );
  const config = JSON.parse(readFileSync(configFile, "utf8")) as Json;
  const tensors = await readSafetensors(weightsFile);
  change(config, tensors);
  writeFileSync(configFile, JSON.stringify(config));
  await writeSafetensors(weightsFile, tensors);
}

const layers = Array.from({ length: smallConfig.layerCount }, (_, layer) => layer);
const paths = (target: TargetName): string[] => layers.map((layer) => modulePath(layer, target));

const sameTargets: [name: string, modules: string[] | string][] = [
  ["in another order", ["down_proj", "q_proj"]],
  ["with a part of their path", ["self_attn.q_proj", "mlp.down_proj"]],
  // PEFT writes all-linear so where a model has at most 20 linear layers.
  ["as full paths", [...paths("down_proj"), ...paths("q_proj")]],
  ["twice", ["q_proj", "down_proj", "q_proj"]],
  ["beside one of other models", ["q_proj", "down_proj", "c_attn"]],
  ["as a regular expression", ".*(q|down)_proj"],
];
for (const [name, modules] of sameTargets)
  test(`targets ${name} are the same targets`, () =>
    withFolder(async (folder) => {
      await altered(folder, (config) => (config.target_modules = modules));
      assert.equal((await readPeft(smallConfig, folder)).targets, ["q_proj", "down_proj"]);
    }));

const queryA = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

const refusals: [
  name: string,
  change: (config: Json, tensors: Map<string, TensorValues>) => unknown,
  message: RegExp,
][] = [
  ["DoRA", (config) => (config.use_dora = true), /use_dora is not supported: DoRA also trains/],
  ["biases", (config) => (config.bias = "all"), /bias "all" is not supported: .* merge it/],
  ["biases of B", (config) => (config.lora_bias = true), /lora_bias is not supported: .* merge it/],
  [
    "saved modules",
    (config) => (config.modules_to_save = ["lm_head"]),
    /modules_to_save is not supported: .* trained whole; merge it/,
  ],
  [
    "trained tokens",
    (config) => (config.trainable_token_indices = { embed_tokens: [3] }),
    /trainable_token_indices is not supported/,
  ],
  ["experts", (config) => (config.target_parameters = ["a.b"]), /target_parameters .* experts/],
  [
    "repeated layers",
    (config) => (config.layer_replication = [[0, 1]]),
    /layer_replication is not supported: .* repeated/,
  ],
  ["Megatron", (config) => (config.megatron_config = { a: 1 }), /megatron_config is not supported/],
  ...["kasa_config", "velora_config", "monteclora_config", "arrow_config", "use_bdlora"].map(
    (key): [string, (config: Json) => unknown, RegExp] => [
      key,
      (config) => (config[key] = {}),
      new RegExp(`${key} is not supported: `),
    ],
  ),
  ...["pissa", "pissa_niter_4", "olora", "loftq", "corda", "lora_ga"].map(
    (start): [string, (config: Json) => unknown, RegExp] => [
      start,
      (config) => (config.init_lora_weights = start),
      new RegExp(`init_lora_weights "${start}" is not supported: .* also changes the model's own`),
    ],
  ),
  [
    "an unknown start",
    (config) => (config.init_lora_weights = "new"),
    /init_lora_weights "new" is not known here/,
  ],
  [
    "activated LoRA",
    (config) => (config.alora_invocation_tokens = [1]),
    /alora_invocation_tokens is not supported: .* invocation text/,
  ],
  ["an unknown variant", (config) => (config.use_newlora = true), /use_newlora is not known here/],
  [
    "another method",
    (config) => (config.peft_type = "IA3"),
    /peft_type is "IA3"; only adapters of the type "LORA"/,
  ],
  ["a rank of 0", (config) => (config.r = 0), /\br: must be a whole number, 1 to 4096/],
  [
    "no rank where it is not PEFT's 8",
    (config) => delete config.r,
    /has shape \[2, 24\].*needs \[8, 24\]/,
  ],
  ["a word for alpha", (config) => (config.lora_alpha = "16"), /lora_alpha: must be a number/],
  [
    "ranks that are none",
    (config) => (config.rank_pattern = { q_proj: 2.5 }),
    /rank_pattern\.q_proj: must be a whole number/,
  ],
  [
    "numbers for targets",
    (config) => (config.target_modules = 5),
    /target_modules: must be a list/,
  ],
  [
    "nothing but unknown targets",
    (config) => (config.target_modules = ["c_attn"]),
    /names no module of this model; it has q_proj/,
  ],
  [
    "an expression of a part",
    (config) => (config.target_modules = "q_proj"),
    /names no module of this model/,
  ],
  [
    "the head",
    (config) => (config.target_modules = ["q_proj", "down_proj", "lm_head"]),
    /target_modules takes in lm_head; adapters can be had/,
  ],
  [
    "an expression for everything",
    (config) => (config.target_modules = ".*"),
    /target_modules takes in model/,
  ],
  [
    "an expression that is none",
    (config) => (config.target_modules = "(q_proj"),
    /target_modules: the regular expression "\(q_proj" is not known here .*name the modules in a list/,
  ],
  [
    "an expression that takes for ever",
    (config) => (config.alpha_pattern = { "([a-z._0-9]+)*!": 1 }),
    /alpha_pattern: the regular expressions take longer than 1 s/,
  ],
  [
    "everything excluded",
    (config) => (config.exclude_modules = ["q_proj", "down_proj"]),
    /with what is excluded, names no module/,
  ],
  [
    "layers with an expression",
    (config) => {
      config.target_modules = ".*q_proj";
      config.layers_to_transform = [1];
    },
    /go with a list of target_modules only/,
  ],
  [
    "a pattern without layers",
    (config) => (config.layers_pattern = "layers"),
    /layers_pattern needs layers_to_transform/,
  ],
  [
    "fewer layers than stored",
    (config) => (config.layers_to_transform = [1]),
    /layers\.0\..* belongs to no target that adapter_config\.json names/,
  ],
  ["another rank", (config) => (config.r = 3), /has shape \[2, 24\].*needs \[3, 24\]/],
  [
    "a wrong shape",
    (_, tensors) => tensors.set(queryA, { shape: [24, 2], values: new Float32Array(48) }),
    /has shape \[24, 2\].*needs \[2, 24\]/,
  ],
  ["a missing tensor", (_, tensors) => tensors.delete(queryA), /q_proj\.lora_A\.weight is missing/],
  [
    "an extra tensor",
    (_, tensors) =>
      tensors.set(queryA.replace("q_proj", "k_proj"), {
        shape: [2, 24],
        values: new Float32Array(48),
      }),
    /k_proj\.lora_A\.weight belongs to no target/,
  ],
];
for (const [name, change, message] of refusals)
  test(`refused: ${name}`, () =>
    withFolder(async (folder) => {
      await altered(folder, change);
      await assertRefused(() => readPeft(smallConfig, folder), message, name);
    }));

test("refused: tensors of two adapters under their names", () =>
  withFolder(async (folder) => {
    await altered(folder, (_, tensors) => {
      for (const [name, tensor] of [...tensors]) {
        tensors.delete(name);
        for (const own of ["one", "two"])
          tensors.set(name.replace(/weight$/, `${own}.weight`), tensor);
      }
    });
    await assertRefused(
      () => readPeft(smallConfig, folder),
      /several adapters \(one, two\)/,
      "two",
    );
  }));

test("refused, with the way to convert it: a pickle alone", () =>
  withFolder(async (folder) => {
    await altered(folder, () => undefined);
    const [pickle, safe] = ["adapter_model.bin", "adapter_model.safetensors"];
    renameSync(path.join(folder, safe), path.join(folder, pickle));
    const message = /adapter_model\.bin is a pickle, .*convert it, .*save_file/;
    await assertRefused(() => readPeft(smallConfig, folder), message, "pickle");
  }));

test("refused: a configuration that is not JSON, and none at all", () =>
  withFolder(async (folder) => {
    await assertRefused(() => readPeft(smallConfig, folder), /adapter_config\.json/, "none");
    await altered(folder, () => undefined);
    writeFileSync(path.join(folder, "adapter_config.json"), "{r: 2}");
    await assertRefused(() => readPeft(smallConfig, folder), /adapter_config\.json/, "not JSON");
  }));

test.run();
