/** Figures of the later release: prompts by rounds by author, 3B beside 7B, ways of continued pretraining. */
import { figureBars } from "../plot/bars";
import { percent, type Figure } from "../plot/figure";
import { figureHeatmap } from "../plot/heatmap";
import { points, scaled, SOURCE, SOURCE_7B } from "./figure-marks";
import { interval, signed } from "./markdown";
import { aheadUntrained, promptMatrix, WRITERS } from "./prompts";
import type { AccuracyRecord } from "./records";
import type { ReplaySummary } from "./summary";
import type { TableName } from "./tables";

const format = (value: number): string => percent(value / 100);
const axisTitle = "Questions answered correctly (%)";

/** Accuracy by prompt, round and author. */
export function figurePromptMatrix({ arms, differences }: ReplaySummary): Figure {
  const rows = promptMatrix(arms);
  const ahead = aheadUntrained(differences);
  const names = ahead.map(({ arm }) => arm.split(",")[0]);
  const told = ahead.some(({ clear }) => clear) ? "" : ", though it may be chance";
  return figureHeatmap({
    title:
      ahead.length > 0
        ? `Untrained, ${names.join(" and ")} ${names.length > 1 ? "have" : "has"} more than SEAL's own prompt after two rounds${told}`
        : "Accuracy by prompt, round of training and author",
    note: [
      SOURCE_7B,
      ...ahead.map(
        ({ arm, difference }) =>
          `${arm.split(",")[0]}: ${signed(difference.value)} points (95% ${interval(difference, signed)}), paired by passage.`,
      ),
    ].join(" "),
    rows: rows.map(({ prompt }) => prompt),
    columns: WRITERS,
    values: rows.map(({ cells }) => cells.map((cell) => (cell ? 100 * cell.accuracy.value : null))),
    rowTitle: "",
    columnTitle: "who wrote the self-edits",
    format,
  });
}

/** The 3B model's arms beside the same arms of the 7B model. */
export function figureModels({ arms }: ReplaySummary): Figure {
  const small = arms.filter(({ table }) => table === "3B");
  const sameOf = ({ arm }: AccuracyRecord): AccuracyRecord | undefined =>
    arms.find((one) => one.table === "single passage" && one.arm === arm.replace("3B, ", ""));
  const ends = ["untrained self-edits", "round 2"].map((name) =>
    small.find(({ arm }) => arm === `3B, ${name}`),
  );
  const [first, last] = ends;
  const gain = (a: AccuracyRecord, b: AccuracyRecord): string =>
    signed(b.accuracy.value - a.accuracy.value);
  const [large, larger] = ends.map((one) => one && sameOf(one));
  return figureBars(
    small.map((own) => {
      const other = sameOf(own);
      return {
        label: own.arm,
        value: 100 * own.accuracy.value,
        interval: scaled(own.accuracy),
        ...(other && { reference: 100 * other.accuracy.value }),
      };
    }),
    {
      title:
        first && last && large && larger
          ? `Two rounds add ${gain(first, last)} points at 3B and ${gain(large, larger)} at 7B`
          : "Qwen2.5-3B beside Qwen2.5-7B",
      note: `${SOURCE} Lines: 95% intervals from resampling passages. Diamonds: the same arm of Qwen2.5-7B.`,
      axisTitle,
      format,
      referenceLabel: "7B",
      largest: 100,
    },
  );
}

const FULL: TableName = "full fine-tuning, 200 passages";
const WHOLE: TableName = "full fine-tuning, 2067 passages";

/** Full fine-tuning, with low-rank adapters as diamonds. */
export function figureFullFineTuning({ arms }: ReplaySummary): Figure {
  return figureTwoTables(arms, FULL, "continued pretraining", {
    label: "LoRA",
    title: (gaps) =>
      `Continued pretraining on 200 passages: full fine-tuning against adapters, ${range(gaps)} points`,
    note: `${SOURCE_7B} Lines: 95% intervals from resampling passages. Diamonds: adapters (LoRA), over all 974 questions; full fine-tuning was asked 500 of them. Generative Adapter is another model (Mistral-7B).`,
  });
}

/** Full fine-tuning on all passages at once, with 200 as diamonds. */
export function figurePassages({ arms }: ReplaySummary): Figure {
  return figureTwoTables(arms, WHOLE, FULL, {
    label: "200",
    title: (gaps) => `Continued pretraining on 2,067 passages against 200: ${range(gaps)} points`,
    note: `${SOURCE_7B} Full fine-tuning, 500 questions each. Lines: 95% intervals from resampling passages. Diamonds: the same authors' texts on 200 passages.`,
  });
}

/** "+3.8 to +20.0". */
function range(gaps: readonly number[]): string {
  return [Math.min(...gaps), Math.max(...gaps)].map(signed).join(" to ");
}

interface TwoTables {
  readonly label: string;
  readonly title: (gaps: readonly number[]) => string;
  readonly note: string;
}

function figureTwoTables(
  arms: readonly AccuracyRecord[],
  table: TableName,
  beside: TableName,
  { label, title, note }: TwoTables,
): Figure {
  const rows = arms
    .filter((arm) => arm.table === table)
    .map((own) => ({
      own,
      other: arms.find((one) => one.table === beside && one.arm === own.arm),
    }));
  const gaps = rows.flatMap(({ own, other }) =>
    other ? [own.accuracy.value - other.accuracy.value] : [],
  );
  return figureBars(
    rows.map(({ own, other }) => ({
      label: own.arm,
      value: 100 * own.accuracy.value,
      interval: scaled(own.accuracy),
      ...(other && { reference: 100 * other.accuracy.value }),
    })),
    {
      title: gaps.length > 0 ? title(gaps) : `Continued pretraining: ${table}`,
      note,
      axisTitle,
      format,
      referenceLabel: label,
      largest: 100,
    },
  );
}

/** The paired differences of continued pretraining. */
export function figurePretrainingDifferences({ differences }: ReplaySummary): Figure {
  const rows = differences.filter(({ group }) => group === "continued pretraining");
  const beats = rows.filter(
    ({ arm, minus }) => arm.endsWith("round 2") && minus.endsWith("GPT-4.1 data"),
  );
  const clear = beats.filter((row) => row.clear).length;
  return figureBars(
    rows.map((row) => ({
      label: `${row.arm} − ${row.minus.replace(/^[^:]*: /, (table) => (row.arm.startsWith(table) ? "" : table))}`,
      value: 100 * row.difference.value,
      interval: scaled(row.byArticle),
    })),
    {
      title: `Continued pretraining: in ${clear} of ${beats.length} settings round 2 and GPT-4.1's texts can be told apart`,
      note: `${SOURCE_7B} Paired by question; lines: 95% intervals from resampling whole articles.`,
      axisTitle: "Difference in accuracy (points)",
      format: points,
      marks: "points",
    },
  );
}
