/** The parts of the benchmark, by the letter of each. */
import { UserError } from "../messages/errors";
import type { BenchPart } from "./context";
import { decoding } from "./parts/decoding";
import { growth } from "./parts/growth";
import { loading } from "./parts/loading";
import { memory } from "./parts/memory";
import { ownWay } from "./parts/own-way";
import { scoring } from "./parts/scoring";
import { smallWorld } from "./parts/small-world";
import { training } from "./parts/training";

/** The table. */
export const PARTS: Readonly<Record<string, BenchPart>> = {
  a: training,
  b: scoring,
  c: decoding,
  d: loading,
  e: smallWorld,
  f: growth,
  g: memory,
  h: ownWay,
};

/** Letters from "a,c"; all where nothing is named. Throws UserError for one that there is not. */
export function parseParts(text: string | undefined): string[] {
  const all = Object.keys(PARTS);
  if (text === undefined) return all;
  const named = text.split(",").map((part) => part.trim());
  const wrong = named.find((part) => !all.includes(part));
  if (wrong !== undefined)
    throw new UserError(`No part is called "${wrong}": letters of ${all.join(", ")}, with commas.`);
  return all.filter((part) => named.includes(part));
}

/** These parts and those whose times they need. */
export function withNeeds(letters: readonly string[]): string[] {
  const needed = letters.flatMap((letter) => PARTS[letter].needs ?? []);
  return Object.keys(PARTS).filter((part) => letters.includes(part) || needed.includes(part));
}
