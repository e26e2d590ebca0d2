/** How well one judge's verdicts match another's: agreement, kappa, bias and calibration. */

/** Agreement of predicted with reference verdicts on the same answers. */
export interface Agreement {
  readonly n: number;
  /** Share of equal verdicts. */
  readonly agreement: number;
  /** Cohen's kappa: agreement beyond chance. */
  readonly kappa: number;
  /** Share predicted correct minus the reference's share. */
  readonly bias: number;
}

/** Compares two lists of verdicts (true: correct) of equal length. */
export function agreementOf(
  predicted: readonly boolean[],
  reference: readonly boolean[],
): Agreement {
  return agreementOfCodes(reference.map((own, i) => verdictCode(predicted[i], own)));
}

/** Two verdicts as one number: 2 if the first is "correct", and 1 more if the second is. */
export function verdictCode(predicted: boolean, reference: boolean): number {
  return 2 * Number(predicted) + Number(reference);
}

/** The same of verdict codes, which the bootstrap can draw from. */
export function agreementOfCodes(codes: ArrayLike<number>): Agreement {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < codes.length; i++) counts[codes[i]]++;
  const [bothWrong, onlyReference, onlyPredicted, bothCorrect] = counts;
  const n = codes.length;
  const [p, r] = [(onlyPredicted + bothCorrect) / n, (onlyReference + bothCorrect) / n];
  const agreement = (bothWrong + bothCorrect) / n;
  const chance = p * r + (1 - p) * (1 - r);
  return { n, agreement, kappa: (agreement - chance) / (1 - chance), bias: p - r };
}

/** One bin of a calibration table. */
export interface CalibrationBin {
  readonly n: number;
  /** Mean predicted probability of "correct". */
  readonly predicted: number;
  /** Share that the reference judges correct. */
  readonly observed: number;
}

/** Calibration in `bins` equal bins of probability; `error` is the mean gap weighted by n (expected calibration error). */
export function calibrationOf(
  probabilities: readonly number[],
  reference: readonly boolean[],
  bins = 10,
): { readonly error: number; readonly bins: CalibrationBin[] } {
  const table = Array.from({ length: bins }, (_, bin) => {
    const members = probabilities.flatMap((p, i) =>
      Math.min(Math.floor(p * bins), bins - 1) === bin ? [i] : [],
    );
    const n = members.length;
    return {
      n,
      predicted: members.reduce((sum, i) => sum + probabilities[i], 0) / Math.max(n, 1),
      observed: members.filter((i) => reference[i]).length / Math.max(n, 1),
    };
  });
  const gaps = table.map((bin) => bin.n * Math.abs(bin.predicted - bin.observed));
  return { error: gaps.reduce((sum, gap) => sum + gap, 0) / probabilities.length, bins: table };
}
