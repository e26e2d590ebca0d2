/** Figures about the self-edits themselves: what foretells their reward, how long and how varied they are. */
import { figureBars, type Bar } from "../plot/bars";
import { figureCurves } from "../plot/curves";
import type { Figure } from "../plot/figure";
import { points, scaled, SOURCE, SOURCE_7B } from "./figure-marks";
import { interval, signed } from "./markdown";
import type { PredictorRecord } from "./predictors";
import type { ReplaySummary } from "./summary";
import { ROUND_NAMES } from "./tables";

const gainBar = ({ gain }: PredictorRecord, label: string): Bar => ({
  label,
  value: 100 * gain.value,
  interval: scaled(gain),
});

/** Whether an interval leaves out zero. */
const clear = ({ low, high }: { low: number; high: number }): boolean => low > 0 || high < 0;

/** What choosing by the rubric gains, beside choosing by length and by one training. */
export function figureRubric({ predictors, noise }: ReplaySummary): Figure {
  const [rubric] = predictors.rubric;
  const length = predictors.length.find(({ on }) => on === rubric.on);
  const once = noise.find(({ name }) => name === rubric.on)?.heldOut[1];
  const told = clear(rubric.gain) ? "" : ", which may be chance";
  return figureBars(
    [
      ...predictors.rubric.map((row) => gainBar(row, `chosen by ${row.predictor}`)),
      ...(length ? [gainBar(length, "chosen by the text's length")] : []),
      ...(once
        ? [
            {
              label: "chosen by one training, scored on the others",
              value: 100 * once.gain.value,
              interval: scaled(once.gain),
            },
          ]
        : []),
    ],
    {
      title: `The rubric's choice gains ${signed(rubric.gain.value)} points (${interval(rubric.gain, signed)})${told}`,
      note: `${SOURCE_7B} ${rubric.on}: ${rubric.passages} passages, 5 candidates each; gain in trained reward over the mean candidate, 95% intervals over passages.`,
      axisTitle: "Gain in accuracy (points)",
      format: points,
      marks: "points",
    },
  );
}

/** "train-prompts/rank_iter1_prompt-long" -> "long, second round". */
function shortName(log: string): string {
  const [, folder, round, prompt] =
    /^train(-\w+)?\/rank_iter(\d)(?:_prompt-(.+))?$/.exec(log) ?? [];
  if (round === undefined) return log;
  const author = folder === "-3B" ? "implications, 3B" : (prompt ?? "implications");
  return `${author}, ${round === "0" ? "first" : "second"} round`;
}

/** What choosing the longest candidate gains, by log. */
export function figureLongest({ predictors: { length } }: ReplaySummary): Figure {
  const last = length[length.length - 1];
  return figureBars(
    length.map((row) => gainBar(row, shortName(row.on))),
    {
      title: `The longest of five candidates: ${signed(last.gain.value)} points (${interval(last.gain, signed)}) over ${last.passages} passages`,
      note: `${SOURCE} Gain in trained reward over the mean candidate of the same passage; 95% intervals over passages.`,
      axisTitle: "Gain in accuracy (points)",
      format: points,
      marks: "points",
    },
  );
}

/** Mean length of the texts by round, a line for each prompt. */
export function figureWrittenLength({ written: { records, changes } }: ReplaySummary): Figure {
  const longer = changes.filter(({ length }) => length.low > 0).length;
  const shorter = changes.filter(({ length }) => length.high < 0).length;
  return figureCurves(
    changes.map(({ prompt }) => ({
      label: prompt,
      points: records
        .filter((row) => row.prompt === prompt)
        .flatMap(({ author, length }) => {
          const round = ROUND_NAMES.findIndex((name) => name === author);
          const bounds = [length.low / 1000, length.high / 1000] as const;
          return round < 0 ? [] : [{ x: round, value: length.value / 1000, interval: bounds }];
        }),
    })),
    {
      title: `After two rounds texts are longer with ${longer} of ${changes.length} prompts, shorter with ${shorter}`,
      note: "The authors' models' self-edits for the 200 evaluation passages. Lines: 95% intervals over passages. Round 0: untrained.",
      xTitle: "Round of training",
      yTitle: "Mean length (thousand characters)",
      format: (value) => value.toFixed(2),
    },
  );
}

/** The change in the share of distinct trigrams, at equal length. */
export function figureWrittenVariety({ written: { changes } }: ReplaySummary): Figure {
  const bars = changes.flatMap(({ prompt, trigrams }) =>
    trigrams ? [{ label: prompt, value: 100 * trigrams.value, interval: scaled(trigrams) }] : [],
  );
  const less = bars.filter(({ interval: [, high] }) => high < 0).length;
  const more = bars.filter(({ interval: [low] }) => low > 0).length;
  return figureBars(bars, {
    title: `At equal length, texts repeat more after two rounds with ${less} of ${bars.length} prompts, less with ${more}`,
    note: "Share of distinct trigrams within a text, round 2 minus untrained, each cut to the shortest text that anyone wrote for its passage by that prompt. Lines: 95% intervals over passages.",
    axisTitle: "Change in the share of distinct trigrams (points)",
    format: points,
    marks: "points",
  });
}
