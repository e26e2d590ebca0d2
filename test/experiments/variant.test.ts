/** Variants: what `extends` makes of files, and that every committed one is sound. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import type { LoraSettings } from "../../src/lora/settings";
import { parseVariant, readVariant } from "../../src/experiments/variants";
import type { KnowledgeVariant } from "../../src/experiments/knowledge/variant";
import type { Variant } from "../../src/experiments/registry";
import { withFolder } from "../run/temporary";

const test = suite("variant");

/** Writes the files and reads the one named main.json. */
const read = (files: Record<string, unknown>): Promise<Variant> => {
  let variant: Promise<Variant> | undefined;
  return withFolder(async (folder) => {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    }
    variant = readVariant(path.join(folder, "main.json"));
    await variant.catch(() => undefined);
  }).then(() => variant as Promise<Variant>);
};

async function complaint(files: Record<string, unknown>): Promise<string> {
  const error: unknown = await read(files).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

const base = {
  experiment: "knowledge",
  name: "base",
  model: "file:model",
  data: { source: "articles", split: "eval", count: 7 },
  seeds: [1, 2, 3],
  innerLoop: { rank: 4, targets: ["q_proj", "up_proj"], learningRate: 0.01 },
};

test("a variant is laid over the one it extends, objects key by key, lists whole", async () => {
  const own = {
    name: "main",
    data: { count: 2 },
    seeds: [9],
    innerLoop: { rank: 8, targets: ["v_proj"] },
  };
  const variant = await read({
    "main.json": { extends: "defaults/base.json", ...own },
    "defaults/base.json": base,
  });
  const whole = {
    ...base,
    ...own,
    data: { source: "articles", split: "eval", count: 2 },
    innerLoop: { rank: 8, targets: ["v_proj"], learningRate: 0.01 },
  };
  assert.equal(variant, parseVariant(whole));
  assert.is(variant.experiment === "knowledge" && variant.data.count, 2);
  const innerLoop = (variant as KnowledgeVariant).innerLoop as LoraSettings;
  assert.is(innerLoop.learningRate, 0.01);
  assert.equal(innerLoop.targets, ["v_proj"]);
  assert.equal(variant.seeds, [9]);
});

test("extends goes over several files, each relative to its own folder", async () => {
  const variant = await read({
    "main.json": { extends: "a/middle.json", innerLoop: { rank: 32 } },
    "a/middle.json": { extends: "b/base.json", name: "middle", innerLoop: { rank: 16, epochs: 3 } },
    "a/b/base.json": base,
  });
  assert.is(variant.name, "middle");
  const innerLoop = (variant as KnowledgeVariant).innerLoop as LoraSettings;
  assert.is(innerLoop.rank, 32);
  assert.is(innerLoop.epochs, 3);
  assert.is(innerLoop.learningRate, 0.01);
});

test("a circle is refused, of one file or of several", async () => {
  assert.match(
    await complaint({ "main.json": { extends: "main.json" } }),
    /goes round in a circle/,
  );
  const files = {
    "main.json": { extends: "a/other.json" },
    "a/other.json": { extends: "../main.json" },
  };
  assert.match(await complaint(files), /main\.json: "extends" goes round in a circle/);
});

test("a file that two others extend is no circle", async () => {
  const variant = await read({ "main.json": { extends: "./base.json" }, "base.json": base });
  assert.equal(variant, parseVariant(base));
});

test("what cannot be read is named", async () => {
  assert.match(
    await complaint({ "main.json": "{name: 1}" }),
    /the variant .*main\.json is not JSON: /,
  );
  assert.match(await complaint({ "main.json": { extends: "none.json" } }), /none\.json/);
  assert.match(await complaint({ "main.json": { extends: 3 } }), /"extends" must name a file/);
  assert.match(await complaint({ "main.json": "[]" }), /a variant is a JSON object/);
  assert.match(await complaint({ "main.json": {} }), /"experiment" must be one of knowledge/);
});

test("an unknown key is refused with the nearest known one, wherever it stands", async () => {
  const misspelt = { ...base, innerLoop: { learningrate: 1 } };
  assert.match(
    await complaint({ "main.json": { extends: "base.json" }, "base.json": misspelt }),
    /"innerLoop\.learningrate"; did you mean "learningRate"\?/,
  );
});

test("the reward shrunk, whose noise cannot be told from one repeat, is refused with one", async () => {
  const people = { experiment: "biographies", name: "small" };
  const one = { ...people, reward: "shrunk" };
  const pattern = /rewardSeeds.*"shrunk" needs at least 2 repeats/;
  assert.match(await complaint({ "main.json": one }), pattern);
  const other = { ...people, otherRewards: [{ reward: "shrunk" }] };
  assert.match(await complaint({ "main.json": other }), pattern);
});

const experiments = path.join(__dirname, "../../experiments");

/** Variants are the JSON files that say what experiment they are, or extend one that does. */
const variants = readdirSync(experiments, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith(".json"))
  .filter((name) => {
    const json = JSON.parse(readFileSync(path.join(experiments, name), "utf8")) as object;
    return "experiment" in json || "extends" in json;
  });

test("there are committed variants, each with a name of its own", async () => {
  assert.ok(variants.includes(path.join("knowledge", "smollm2.json")));
  const names = await Promise.all(
    variants.map(async (name) => {
      const variant = await readVariant(path.join(experiments, name));
      return `${variant.experiment}--${variant.name}`;
    }),
  );
  assert.is(new Set(names).size, names.length);
});

for (const name of variants)
  test(`experiments/${name} passes its schema and is named as its file`, async () => {
    const variant = await readVariant(path.join(experiments, name));
    const [own, folder] = [path.basename(name, ".json"), path.dirname(name)];
    assert.ok([own, `${folder}-${own}`].includes(variant.name), variant.name);
  });

test.run();
