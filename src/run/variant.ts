/** Reading a variant's file: JSON with `extends`; and the keys that all have. What else it may hold is the experiments' matter. */
import path from "node:path";
import { z } from "zod";
import { readJson } from "../files/text";
import { UserError } from "../messages/errors";
import { variantName } from "../schema/schema";

/** Keys that every variant has beside "experiment", "model" and `seedsSchema`. */
export const variantKeys = {
  /** Name of the result and its folder: small letters, digits, dots and hyphens. */
  name: variantName,
  /** What it is for, in a sentence; nothing unless told. */
  description: z.string().default(""),
};

/** Each repeats everything with other luck; 1 unless told. */
export const seedsSchema = z.array(z.int()).min(1).max(100).default([1]);

/** A variant's file as data. `extends` (relative to the file) is laid under it, objects key by key; null takes a key away. */
export async function readVariantData(file: string): Promise<unknown> {
  return resolveExtends(path.resolve(file), []);
}

async function resolveExtends(file: string, chain: readonly string[]): Promise<unknown> {
  if (chain.includes(file)) throw new UserError(`${file}: "extends" goes round in a circle.`);
  const data = await readJson(file, { name: `the variant ${file}` });
  if (!isObject(data)) throw new UserError(`${file}: a variant is a JSON object.`);
  const { extends: base, ...own } = data;
  if (base === undefined) return own;
  if (typeof base !== "string") throw new UserError(`${file}: "extends" must name a file.`);
  return laidOver(
    await resolveExtends(path.resolve(path.dirname(file), base), [...chain, file]),
    own,
  );
}

function laidOver(base: unknown, own: unknown): unknown {
  if (!isObject(base) || !isObject(own)) return own;
  const keys = new Set([...Object.keys(base), ...Object.keys(own)]);
  return Object.fromEntries(
    [...keys]
      .filter((key) => own[key] !== null)
      .map((key) => [key, key in own ? laidOver(base[key], own[key]) : base[key]]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
