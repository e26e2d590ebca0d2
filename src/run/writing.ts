/** What is written in each round, measured: training on selected text is known to make it uniform. */
import { z } from "zod";
import { strictObject } from "../schema/schema";
import { diversityOf } from "../selfedit/diversity";
import { groupBy } from "../statistics/groups";

const measure = z.number().nonnegative().nullable();

/** Schema of a row: the self-edits that an arm's policy wrote after a round, for the tasks that it is evaluated on. */
export const writingSchema = strictObject({
  /** Who wrote. */
  arm: z.string(),
  /** 0 before any fine-tuning. */
  round: z.int().nonnegative(),
  /** Self-edits. The shares fall as more is written: compare rows of equal n. */
  n: z.int().nonnegative(),
  /** Characters. */
  meanLength: measure,
  /** Share of pairs of neighboring words that differ from each other, of all; null where there are none. */
  distinctBigrams: measure,
  /** The same for three words. */
  distinctTrigrams: measure,
  /** Deflated bytes over bytes. */
  compression: measure,
});
/** Its values. */
export type WritingRow = z.output<typeof writingSchema>;

/** A text that was written. */
interface Written {
  readonly arm: string;
  readonly round: number;
  readonly completion?: string | undefined;
}

/** A row for each arm and round that wrote anything. */
export function writingRows(evaluated: readonly Written[]): WritingRow[] {
  const cells = groupBy(
    evaluated.filter(({ completion }) => completion !== undefined),
    ({ arm, round }) => JSON.stringify([arm, round]),
  );
  return [...cells.values()].map((own) => {
    const [{ arm, round }] = own;
    const { meanLength, ...shares } = diversityOf(own.map(({ completion = "" }) => completion));
    const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
    return {
      ...{ arm, round, n: own.length, meanLength: finite(meanLength) },
      distinctBigrams: finite(shares.distinctBigrams),
      distinctTrigrams: finite(shares.distinctTrigrams),
      compression: finite(shares.compression),
    };
  });
}
