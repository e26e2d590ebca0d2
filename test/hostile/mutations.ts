/** Damaged copies of good files: bytes, cuts and splices as `test/model/refusal.ts` has them, and values put into text. */
import type { Random } from "../../src/statistics/random";
import { mutate } from "../model/refusal";

/** What is put in the place of a JSON value, a word or a bracket. */
const NASTY = [
  "null",
  "true",
  "-1",
  "0",
  "1e999",
  "9007199254740993",
  "4294967296",
  "0.5",
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"../../etc/passwd"',
  '"__proto__"',
  '{"__proto__":{"a":1}}',
  "[]",
  "{}",
  "[[[[[[[[]]]]]]]]",
  `"${"a".repeat(5000)}"`,
  "[".repeat(3000),
  '"(a+)+$"',
  "{% for i in range(99999999) %}",
  "{{ ",
  " %}",
  "constructor.constructor('return process')()",
] as const;

/** A damaged copy of a text: a few values, words or brackets replaced, doubled or left out; or its bytes damaged. */
function mutateText(bytes: Buffer, random: Random): Buffer {
  let text = bytes.toString("latin1");
  const changes = 1 + random.integer(3);
  for (let i = 0; i < changes; i++) {
    const parts = text.split(/("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\b\w+\b|[[\]{}%])/);
    const at = random.integer(Math.max(1, parts.length >> 1)) * 2 + 1;
    if (at >= parts.length) break;
    const [kind, other] = [random.integer(4), random.integer(Math.max(1, parts.length >> 1))];
    if (kind === 0) parts[at] = "";
    else if (kind === 1) parts[at] = parts[other * 2 + 1] ?? "";
    else if (kind === 2) parts[at] += parts[at];
    else parts[at] = random.pick(NASTY);
    text = parts.join("");
  }
  return Buffer.from(text, "latin1");
}

/** A damaged copy. `header` bytes of a binary file are where damage tells; text is damaged everywhere. */
export function damaged(good: Buffer, header: number | "text", random: Random): Buffer {
  if (header === "text" && random.next() < 0.7) return mutateText(good, random);
  return mutate(good, header === "text" ? good.length : header, random);
}
