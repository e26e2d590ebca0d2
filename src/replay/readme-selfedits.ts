/** The part of the replay's README about the self-edits themselves: what foretells their reward, their length and variety. */
import type { Estimate } from "./accuracy";
import { interval, percent, signed, table } from "./markdown";
import type { PredictorRecord } from "./predictors";
import type { ReplaySummary } from "./summary";

/** -0.04 -> "−0.04"; what rounds to 0 has no sign. */
const plain = (value: number): string =>
  `${Number(value.toFixed(2)) < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;

/** A value with its interval; empty where there is none. */
function withInterval(estimate: Estimate | undefined, format: (value: number) => string): string {
  return estimate ? `${format(estimate.value)} (${interval(estimate, format)})` : "";
}

/** Rubric and length as predictors of the trained reward; empty where no round is there. */
export function predictorSection({ predictors, noise }: ReplaySummary): string {
  const { rubric, length } = predictors;
  if (length.length === 0) return "";
  const rows = [...rubric, ...length].map((row) => [
    row.predictor,
    row.on,
    String(row.passages),
    withInterval(row.correlation, plain),
    row.ceiling === undefined ? "" : plain(row.ceiling),
    withInterval(row.gain, signed),
  ]);
  return [
    "## What foretells the reward",
    "Correlation with the trained reward within a passage, and the gain of choosing the candidate with the largest value over the mean candidate (points). " +
      '"At most": the correlation that a candidate\'s true reward would have with the measured one, noisy as it is.',
    table(["predictor", "on", "passages", "correlation (95%)", "at most", "gain (95%)"], rows),
    rubric.length > 0 ? rubricSentence(rubric[0], noise) : "",
    lengthSentence(length[length.length - 1]),
  ]
    .filter(Boolean)
    .join("\n\n");
}

function rubricSentence(
  { on, correlation, gain }: PredictorRecord,
  noise: ReplaySummary["noise"],
): string {
  const once = noise.find(({ name }) => name === on)?.heldOut[1];
  const none = (low: number, high: number): boolean => low <= 0 && high >= 0;
  return (
    `The rubric (GPT-4.1's marks for length, diversity, quality and correctness) ${none(correlation.low, correlation.high) ? "does not measurably foretell" : "foretells"} the trained reward ` +
    `within a passage: ${plain(correlation.value)} (${interval(correlation, plain)}). Its choice gains ${signed(gain.value)} points (${interval(gain, signed)})` +
    `${none(gain.low, gain.high) ? ", which may be chance" : ""}${once ? `; one training of each candidate, scored on the others, gains ${signed(once.gain.value)} (${interval(once.gain, signed)})` : ""}.`
  );
}

function lengthSentence({ on, passages, gain }: PredictorRecord): string {
  const told = gain.low > 0 || gain.high < 0;
  return `The longest candidate of each passage gains ${signed(gain.value)} points (${interval(gain, signed)}; ${on}, ${passages} passages)${told ? "" : ", which may be chance"}, and costs nothing to find.`;
}

/** Length and variety of what was written for the evaluation passages, and how two rounds change them. */
export function writtenSection({ written: { records, changes } }: ReplaySummary): string {
  if (records.length === 0) return "";
  const whole = (value: number): string => value.toFixed(0);
  const signedWhole = (value: number): string =>
    `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(0)}`;
  return [
    "## Length and variety of the self-edits",
    "One text for each evaluation passage. Distinct n-grams: share of those that differ, over all texts together; compressed: deflated bytes over bytes. Both fall as more is written; " +
      "at equal length, every text is cut to the shortest that anyone wrote for its passage by that prompt, and counted alone.",
    table(
      [
        "prompt",
        "author",
        "characters (95%)",
        "distinct bigrams",
        "trigrams",
        "compressed",
        "equal length: trigrams (95%)",
        "compressed (95%)",
      ],
      records.map(({ prompt, author, length, together, equalLength }) => [
        prompt,
        author,
        withInterval(length, whole),
        percent(together.distinctBigrams),
        percent(together.distinctTrigrams),
        percent(together.compression),
        withInterval(equalLength.trigrams, percent),
        withInterval(equalLength.compression, percent),
      ]),
    ),
    changes.length === 0
      ? ""
      : [
          "Round 2 minus untrained, paired by passage (variety at equal length, in points):",
          table(
            ["prompt", "characters (95%)", "distinct trigrams (95%)", "compressed (95%)"],
            changes.map(({ prompt, length, trigrams, compression }) => [
              prompt,
              withInterval(length, signedWhole),
              withInterval(trigrams, signed),
              withInterval(compression, signed),
            ]),
          ),
        ].join("\n\n"),
  ]
    .filter(Boolean)
    .join("\n\n");
}
