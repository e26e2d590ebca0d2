/** The simple yardsticks beside which the calibrated judge is reported: exact match, F1, containment and word recall. */
import type { JudgeInput } from "./lexical";

const goldsOf = (gold: string | readonly string[]): readonly string[] =>
  typeof gold === "string" ? [gold] : gold;

/** SQuAD's normalisation: lower case, no punctuation, no articles, single spaces. */
export function squadNormal(text: string): string {
  return text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, "")
    .replace(/\b(a|an|the)\b/g, " ")
    .split(/\s+/)
    .filter(Boolean)
    .join(" ");
}

/** Whether the normalised answer equals a normalised gold (SQuAD's exact match). */
export function exactMatch({ gold, answer }: JudgeInput): boolean {
  return goldsOf(gold).some((one) => squadNormal(one) === squadNormal(answer));
}

/** SQuAD's F1 over normalised words, the best over the golds, in [0, 1]. */
export function f1Score({ gold, answer }: JudgeInput): number {
  const given = squadNormal(answer).split(" ");
  return Math.max(
    ...goldsOf(gold).map((one) => {
      const wanted = squadNormal(one).split(" ");
      const left = [...given];
      const shared = wanted.filter((word) => {
        const at = left.indexOf(word);
        if (at >= 0) left.splice(at, 1);
        return at >= 0;
      }).length;
      return (2 * shared) / (wanted.length + given.length);
    }),
  );
}

/** Simple rule 1: the normalised answer contains a normalised gold. */
export function containsGold({ gold, answer }: JudgeInput): boolean {
  const given = ` ${squadNormal(answer)} `;
  return goldsOf(gold).some((one) => given.includes(` ${squadNormal(one)} `));
}

/** Simple rule 2: at least three quarters of a gold's words are in the answer. */
export function recallsGold({ gold, answer }: JudgeInput): boolean {
  const given = new Set(squadNormal(answer).split(" "));
  return goldsOf(gold).some((one) => {
    const wanted = squadNormal(one).split(" ");
    return wanted.filter((word) => given.has(word)).length >= 0.75 * wanted.length;
  });
}
