/** Paired differences between arms: over the same passages, or the questions that both were asked. */
import { createRandom } from "../statistics/random";
import { bootstrapMean, type Estimate } from "./accuracy";
import { armValues } from "./records";
import type { ReleasedLog } from "./released";
import { ARMS, isPooled, PROMPTS, type Arm, type TableName } from "./tables";

/** What the differences of one table of the README are about. */
export type DifferenceGroup = "single passage" | "prompts" | "models" | "continued pretraining";

/** A paired difference between two arms. */
export interface DifferenceRecord {
  readonly group: DifferenceGroup;
  readonly arm: string;
  readonly minus: string;
  /** In how many passages, or questions of pooled logs, both were compared. */
  readonly pairs: number;
  /** With a 95% interval from resampling passages. */
  readonly difference: Estimate;
  /** Resampling whole articles. */
  readonly byArticle: Estimate;
  /** Whether both intervals leave out zero. */
  readonly clear: boolean;
}

interface Comparison {
  readonly group: DifferenceGroup;
  readonly arm: Arm;
  readonly minus: Arm;
}

const SHORT_TABLES: Partial<Record<TableName, string>> = {
  "continued pretraining": "LoRA, 200",
  "full fine-tuning, 200 passages": "full, 200",
  "full fine-tuning, 2067 passages": "full, 2067",
};

/** An arm's name where tables are mixed. */
const fullName = ({ table, arm }: Arm): string =>
  SHORT_TABLES[table] ? `${SHORT_TABLES[table]}: ${arm}` : arm;

function armOf(table: TableName | undefined, name: string): Arm {
  const found = ARMS.find(
    (one) => one.arm === name && (table ? one.table === table : !isPooled(one.table)),
  );
  if (!found) throw new RangeError(`there is no arm "${name}"`);
  return found;
}

const compared = (
  group: DifferenceGroup,
  pairs: readonly (readonly [string, string])[],
  table?: TableName,
): Comparison[] =>
  pairs.map(([arm, minus]) => ({ group, arm: armOf(table, arm), minus: armOf(table, minus) }));

const LORA = "continued pretraining";
const FULL = "full fine-tuning, 200 passages";
const WHOLE = "full fine-tuning, 2067 passages";

const COMPARISONS: readonly Comparison[] = [
  ...compared("single passage", [
    ["passage only", "untouched"],
    ["untrained self-edits", "passage only"],
    ["round 1", "untrained self-edits"],
    ["round 2", "round 1"],
    ["round 2", "untrained self-edits"],
    ["round 2", "GPT-4.1 data"],
    ["GPT-4.1 data", "untrained self-edits"],
  ]),
  ...compared("prompts", [
    ["long, untrained self-edits", "round 2"],
    ["rewrite, untrained self-edits", "round 2"],
    ...PROMPTS.map((prompt) => [`${prompt}, round 2`, `${prompt}, untrained self-edits`] as const),
    ["chain of thought, untrained self-edits", "untrained self-edits"],
    ...PROMPTS.map((prompt) => [`${prompt}, GPT-4.1`, `${prompt}, round 2`] as const),
  ]),
  ...compared("models", [
    ["3B, untrained self-edits", "3B, untouched"],
    ["3B, round 2", "3B, untrained self-edits"],
    ["3B, round 2", "round 2"],
    ["Generative Adapter", "round 2"],
  ]),
  ...([LORA, FULL, WHOLE] as const).flatMap((table) =>
    compared(
      "continued pretraining",
      [
        ["untrained self-edits", "passage only"],
        ["round 2", "untrained self-edits"],
        ["round 2", "GPT-4.1 data"],
        ["round 2", "EntiGraph pairs and triples"],
      ],
      table,
    ),
  ),
  ...["round 2", "GPT-4.1 data"].map((arm) => ({
    group: "continued pretraining" as const,
    arm: armOf(FULL, arm),
    minus: armOf(LORA, arm),
  })),
];

/** All differences of which both logs are there. */
export function differences(
  logs: ReadonlyMap<string, ReleasedLog>,
  seed: string,
): DifferenceRecord[] {
  return COMPARISONS.flatMap(({ group, arm, minus }) => {
    const [a, b] = [logs.get(arm.log), logs.get(minus.log)];
    if (!a || !b) return [];
    const own = armValues(a, arm.side, isPooled(arm.table));
    const others = armValues(b, minus.side, isPooled(minus.table));
    const other = new Map(others.keys.map((key, i) => [key, others.values[i]]));
    const pairs = own.keys.flatMap((key, i) => {
      const value = other.get(key);
      return value === undefined ? [] : [{ i, value: own.values[i] - value }];
    });
    if (pairs.length === 0) return [];
    const values = pairs.map(({ value }) => value);
    const over = (clusters: readonly (string | number)[]): Estimate =>
      bootstrapMean(
        values,
        createRandom(seed),
        pairs.map(({ i }) => clusters[i]),
      );
    const [difference, byArticle] = [over(own.passages), over(own.titles)];
    return [
      {
        group,
        arm: fullName(arm),
        minus: fullName(minus),
        pairs: pairs.length,
        difference,
        byArticle,
        clear: [difference, byArticle].every(({ low, high }) => low > 0 || high < 0),
      },
    ];
  });
}
