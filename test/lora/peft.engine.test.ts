/** PEFT's files: what is written is read back to the bit, and what could not be applied as PEFT does is refused. */
import { readFileSync, writeFileSync } from "node:fs";
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
  change: (config: Json, tensors: Map<string, TensorValues>) => void,
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

const sameTargets: [name: string, modules: string[]][] = [
  ["in another order", ["down_proj", "q_proj"]],
  ["with a part of their path", ["self_attn.q_proj", "mlp.down_proj"]],
  // PEFT writes all-linear so where a model has at most 20 linear layers.
  ["as full paths", [...paths("down_proj"), ...paths("q_proj")]],
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
  change: (config: Json, tensors: Map<string, TensorValues>) => void,
  message: RegExp,
][] = [
  ["rslora", (config) => (config.use_rslora = true), /use_rslora/],
  ["dora", (config) => (config.use_dora = true), /use_dora/],
  ["rank_pattern", (config) => (config.rank_pattern = { q_proj: 4 }), /rank_pattern/],
  ["alpha_pattern", (config) => (config.alpha_pattern = { q_proj: 4 }), /alpha_pattern/],
  ["a bias", (config) => (config.bias = "all"), /bias/],
  ["saved modules", (config) => (config.modules_to_save = ["lm_head"]), /modules_to_save/],
  ["PiSSA", (config) => (config.init_lora_weights = "pissa"), /init_lora_weights/],
  ["activated LoRA", (config) => (config.alora_invocation_tokens = [1]), /alora_invocation_tokens/],
  ["another method", (config) => (config.peft_type = "IA3"), /peft_type/],
  ["no rank", (config) => delete config.r, /\br\b/],
  [
    "an unknown target",
    (config) => (config.target_modules = ["q_proj", "down_proj", "c_attn"]),
    /"c_attn" is not one of q_proj/,
  ],
  [
    "a target in one layer only",
    (config) => (config.target_modules = [...paths("q_proj"), modulePath(1, "down_proj")]),
    /down_proj in 1 of 2 layers/,
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

test("refused: a configuration that is not JSON, and none at all", () =>
  withFolder(async (folder) => {
    await assertRefused(() => readPeft(smallConfig, folder), /adapter_config\.json/, "none");
    await altered(folder, () => undefined);
    writeFileSync(path.join(folder, "adapter_config.json"), "{r: 2}");
    await assertRefused(() => readPeft(smallConfig, folder), /adapter_config\.json/, "not JSON");
  }));

test.run();
