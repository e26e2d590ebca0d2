/** The simple yardsticks beside which the calibrated judge is reported; exact match and F1 are among the measures. */
import { goldsOf, type JudgeInput } from "./lexical";
import { squadNormal } from "./measures";

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
