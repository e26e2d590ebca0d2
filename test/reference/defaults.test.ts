/** What the reference says of settings: each names its default, and it is the one that the schema fills in. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import { experiments } from "../../src/experiments/registry";
import { loraSettingsSchema } from "../../src/lora/settings";

const test = suite("defaults in the reference");
const folder = path.join(__dirname, "../../src/reference");

/** The rows of every table, by the heading above it and the key. */
const tables = new Map<string, Map<string, string>>();
for (const page of readdirSync(folder).filter((file) => file.endsWith(".md"))) {
  let rows = new Map<string, string>();
  for (const line of readFileSync(path.join(folder, page), "utf8").split("\n")) {
    const heading = /^### (.*)$/.exec(line)?.[1];
    if (heading !== undefined) tables.set(heading, (rows = new Map<string, string>()));
    const [, key, meaning] = /^\| `([^`]+)` \| `.*` \| (.*) \|$/.exec(line) ?? [];
    if (key !== undefined) rows.set(key, meaning);
  }
}

/** Every default in a schema, by its key; of objects that are filled in as a whole, those of their keys. */
function defaultsOf(schema: z.ZodType, place = ""): [key: string, value: unknown][] {
  if (schema instanceof z.ZodDefault) return [[place, schema.def.defaultValue]];
  if (schema instanceof z.ZodPrefault) {
    const given: unknown = schema.def.defaultValue;
    return Object.keys(given as object).length > 0
      ? [[place, given]]
      : defaultsOf(schema.def.innerType as z.ZodType, place);
  }
  if (schema instanceof z.ZodOptional) return defaultsOf(schema.def.innerType as z.ZodType, place);
  if (!(schema instanceof z.ZodObject)) return [];
  const entries = Object.entries(schema.shape as Record<string, z.ZodType>);
  // An adapter's settings in a variant have no rows of their own: the table names LoraSettings.
  if (place !== "" && entries.every(([key]) => key in loraSettingsSchema.shape)) return [];
  return entries.flatMap(([key, own]) => defaultsOf(own, place === "" ? key : `${place}.${key}`));
}

/** What a docstring must hold of a default: "q_proj and v_proj", "none"; of an object its plain values. */
function written(value: unknown): string[] {
  if (value === "") return ["nothing"];
  if (typeof value !== "object" || value === null) return [String(value)];
  const inner: unknown[] = Object.values(value);
  if (inner.length === 0) return ["none"];
  const plain = inner.filter((own) => typeof own !== "object").map(String);
  return Array.isArray(value) ? [plain.join(" and ")] : plain;
}

/** The settings whose row in the table below `heading` does not name their default. */
function unnamed(heading: string, schema: z.ZodType): string[] {
  const rows = tables.get(heading) ?? new Map<string, string>();
  const named = (key: string, value: unknown): boolean => {
    const meaning = (rows.get(key) ?? rows.get(`${key}?`) ?? "").replaceAll('"', "");
    const parts = written(value);
    const all = parts.every((part) => meaning.includes(part)) && meaning.includes("unless told");
    return all && (parts.length > 1 || meaning.includes(`${parts[0]} unless told`));
  };
  return defaultsOf(schema)
    .filter(([key, value]) => !named(key, value))
    .map(([key, value]) => `${heading}.${key}: ${JSON.stringify(value)}`);
}

test("each of the adapters' settings names the default that the schema fills in", () => {
  // All but the method, which needs no mark.
  const keys = Object.keys(loraSettingsSchema.shape).filter((key) => key !== "method");
  assert.is(defaultsOf(loraSettingsSchema).length, keys.length);
  assert.equal(unnamed("LoraSettings", loraSettingsSchema), []);
});

test("so do the settings of all variants", () => {
  const count = experiments.flatMap(({ schema }) => defaultsOf(schema)).length;
  assert.ok(count > 80, String(count));
  const said = experiments.flatMap(({ name, schema }) =>
    unnamed(`${name[0].toUpperCase()}${name.slice(1)}Variant`, schema),
  );
  assert.equal(said, []);
});

test("what may be left out of options says what it is then", () => {
  const options = [...tables].filter(([name]) =>
    /(Options|Settings|Job|Sampling|Selection)$/.test(name),
  );
  assert.ok(options.length > 25);
  const silent = options.flatMap(([name, rows]) =>
    [...rows].flatMap(([key, meaning]) =>
      key.endsWith("?") && !meaning.includes("unless told") ? [`${name}.${key}: ${meaning}`] : [],
    ),
  );
  assert.equal(silent, []);
});

test.run();
