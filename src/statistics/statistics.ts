/** Means, intervals and tests for lists of numbers. Knows nothing of models or files. */
import { createRequire } from "node:module";
import type { Random } from "./random";

type Numbers = readonly number[] | Float64Array;

// The package has a CommonJS build, but its own types say that it is ESM only.
const simple = createRequire(__filename)("simple-statistics") as {
  mean(values: Numbers): number;
  sum(values: Numbers): number;
  sampleCorrelation(a: Numbers, b: Numbers): number;
  quantileSorted(sorted: Numbers, share: number): number;
};

/** Lower and upper end of an interval. */
export type Interval = [low: number, high: number];

/** Settings of the bootstrap intervals. */
export interface BootstrapOptions {
  /** Draws the resamples. */
  random: Random;
  /** Number of resamples, 10,000 unless told. */
  resamples?: number;
  /** Coverage, 0.95 unless told. */
  level?: number;
}

/** Arithmetic mean; throws for an empty list. */
export function mean(values: readonly number[]): number {
  return simple.mean(values);
}

/** Pearson's correlation of two lists of one length, in [-1, 1]; NaN where one of them is constant. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length)
    throw new RangeError(`pairs need lists of one length: ${a.length}, ${b.length}`);
  return simple.sampleCorrelation(a, b);
}

/** Percentile bootstrap interval of the mean of independent values. */
export function meanInterval(values: readonly number[], options: BootstrapOptions): Interval {
  return clusterMeanInterval(
    values.map((value) => [value]),
    options,
  );
}

/**
 * Percentile bootstrap interval of the mean of all values, where values of one group (a passage, a seed)
 * depend on each other: whole groups are drawn. Throws a RangeError where there are no values.
 */
export function clusterMeanInterval(
  groups: readonly (readonly number[])[],
  options: BootstrapOptions,
): Interval {
  const filled = nonEmpty(groups);
  const sums = Float64Array.from(filled, (group) => simple.sum(group));
  const sizes = Float64Array.from(filled, (group) => group.length);
  return percentiles(options, () => {
    let sum = 0;
    let size = 0;
    for (let draw = 0; draw < filled.length; draw++) {
      const group = options.random.integer(filled.length);
      sum += sums[group];
      size += sizes[group];
    }
    return sum / size;
  });
}

/**
 * Interval of a share of ones among grouped zeros and ones: the bootstrap over groups, or Wilson's interval where
 * all values are equal, since resampling them would claim certainty. Throws a RangeError where there are no values.
 */
export function clusterShareInterval(
  groups: readonly (readonly number[])[],
  options: BootstrapOptions,
): Interval {
  const values = groups.flat();
  const ones = values.filter((value) => value === 1).length;
  return ones === 0 || ones === values.length
    ? wilsonInterval(ones, values.length)
    : clusterMeanInterval(groups, options);
}

/**
 * Percentile bootstrap interval of any statistic of the pooled values; whole groups are drawn.
 * The statistic may keep no reference to its argument. Throws a RangeError where there are no values.
 */
export function clusterBootstrap(
  groups: readonly (readonly number[])[],
  statistic: (values: Float64Array) => number,
  options: BootstrapOptions,
): Interval {
  const filled = nonEmpty(groups).map((group) => Float64Array.from(group));
  const largest = Math.max(...filled.map((group) => group.length));
  const pool = new Float64Array(largest * filled.length);
  return percentiles(options, () => {
    let size = 0;
    for (let draw = 0; draw < filled.length; draw++) {
      const group = filled[options.random.integer(filled.length)];
      pool.set(group, size);
      size += group.length;
    }
    return statistic(pool.subarray(0, size));
  });
}

function nonEmpty(groups: readonly (readonly number[])[]): readonly (readonly number[])[] {
  const filled = groups.filter((group) => group.length > 0);
  if (filled.length === 0) throw new RangeError("an interval needs at least one value");
  return filled;
}

function percentiles(options: BootstrapOptions, resample: () => number): Interval {
  const { resamples = 10_000, level = 0.95 } = options;
  const statistics = Float64Array.from({ length: resamples }, resample).sort();
  const tail = (1 - level) / 2;
  return [simple.quantileSorted(statistics, tail), simple.quantileSorted(statistics, 1 - tail)];
}

/** A mean with its 95% interval, over `n` values. */
export interface Estimate {
  /** The mean. */
  mean: number;
  /** Its 95% interval. */
  ci95: Interval;
  /** Number of values. */
  n: number;
}

/**
 * The mean of a[i] - b[i] with its 95% bootstrap interval. Where pairs depend on each other,
 * `clusters[i]` names what pair i belongs to (a passage, a seed), and whole clusters are drawn.
 * Throws a RangeError for lists of different lengths or none.
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  random: Random,
  clusters: readonly (string | number)[] = a.map((_, i) => i),
): Estimate {
  if (a.length !== b.length || a.length !== clusters.length) {
    throw new RangeError(
      `pairs need lists of one length: ${a.length}, ${b.length}, ${clusters.length}`,
    );
  }
  const differences = a.map((value, i) => value - b[i]);
  const groups = new Map<string | number, number[]>();
  clusters.forEach((cluster, i) => {
    const group = groups.get(cluster);
    if (group) group.push(differences[i]);
    else groups.set(cluster, [differences[i]]);
  });
  const ci95 = clusterMeanInterval([...groups.values()], { random });
  return { mean: mean(differences), ci95, n: differences.length };
}

/** The standard normal distribution's 97.5% point. */
const Z_975 = 1.959963984540054;

/** Wilson's 95% score interval for a proportion of `successes` in `trials`. Throws a RangeError for impossible counts. */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (!(trials > 0 && successes >= 0 && successes <= trials)) {
    throw new RangeError(`no proportion: ${successes} of ${trials}`);
  }
  const z = Z_975;
  const share = successes / trials;
  const scale = 1 / (1 + z ** 2 / trials);
  const centre = scale * (share + z ** 2 / (2 * trials));
  const half = scale * z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  // Exactly 0 and 1 at the ends, where rounding would leave 1e-17.
  return [successes === 0 ? 0 : centre - half, successes === trials ? 1 : centre + half];
}

/**
 * Cohen's kappa of two raters' labels for the same items: agreement beyond chance, 1 if complete.
 * NaN where both give one and the same label throughout, which leaves nothing to agree on.
 */
export function cohenKappa(a: readonly string[], b: readonly string[]): number {
  if (a.length !== b.length || a.length === 0) {
    throw new RangeError(`kappa needs two lists of one length: ${a.length}, ${b.length}`);
  }
  const share = (labels: readonly string[], label: string): number =>
    labels.filter((other) => other === label).length / labels.length;
  const observed = a.filter((label, i) => label === b[i]).length / a.length;
  const chance = simple.sum([...new Set(a)].map((label) => share(a, label) * share(b, label)));
  return (observed - chance) / (1 - chance);
}

/** A straight line through points; the slope's 95% interval takes their scatter around it as independent and normal. */
export interface FittedLine {
  slope: number;
  intercept: number;
  ci95: Interval;
  n: number;
}

/** Least squares with Student's interval of the slope. Throws a RangeError for fewer than five points or one x alone. */
export function fitLine(x: readonly number[], y: readonly number[]): FittedLine {
  const n = x.length;
  if (n !== y.length || n < 5) throw new RangeError(`a line needs five points: ${n}, ${y.length}`);
  const [meanX, meanY] = [mean(x), mean(y)];
  const spread = simple.sum(x.map((value) => (value - meanX) ** 2));
  if (spread === 0) throw new RangeError("a line needs different x");
  const slope = simple.sum(x.map((value, i) => (value - meanX) * (y[i] - meanY))) / spread;
  const intercept = meanY - slope * meanX;
  const errors = simple.sum(x.map((value, i) => (y[i] - intercept - slope * value) ** 2));
  const half = studentPoint(n - 2) * Math.sqrt(errors / (n - 2) / spread);
  return { slope, intercept, ci95: [slope - half, slope + half], n };
}

/**
 * Student's 97.5% point by its expansion around the normal's (Abramowitz and Stegun, 26.7.5);
 * within 0.2% from three degrees of freedom on.
 */
function studentPoint(degrees: number): number {
  const z = Z_975;
  const terms = [
    z,
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160,
  ];
  return simple.sum(terms.map((term, power) => term / degrees ** power));
}
