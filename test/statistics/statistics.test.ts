import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "../../src/statistics/random";
import * as statistics from "../../src/statistics/statistics";

const test = suite("statistics");

/** A generator whose `integer` goes through a list of draws. */
function scripted(draws: number[]): Random {
  let at = 0;
  return { ...createRandom(0), integer: () => draws[at++ % draws.length] };
}

const near = (actual: number, expected: number, tolerance: number): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

test("mean of a sample", () => {
  assert.is(statistics.mean([1, 2, 6]), 3);
});

test("correlation of pairs", () => {
  // Deviations (-1, 0, 1) and (-2, 1, 1): products 2 + 0 + 1 = 3; squares 2 and 6; 3 / sqrt(12).
  near(statistics.correlation([1, 2, 3], [0, 3, 3]), 3 / Math.sqrt(12), 1e-12);
  near(statistics.correlation([1, 2, 3], [3, 2, 1]), -1, 1e-12);
  assert.throws(() => statistics.correlation([1, 2], [1]), RangeError);
});

test("the interval is made of percentiles of the resampled means", () => {
  // Two values, four resamples: (0,0), (0,1), (1,0), (1,1) have means 0, 5, 5, 10.
  const random = scripted([0, 0, 0, 1, 1, 0, 1, 1]);
  const half = statistics.meanInterval([0, 10], { random, resamples: 4, level: 0.5 });
  // The quartiles lie at positions 0.75 and 2.25 of 0, 5, 5, 10, between neighbours.
  assert.equal(half, [3.75, 6.25]);
});

test("the interval of many values is the normal one", () => {
  const random = createRandom("values");
  const values = Array.from({ length: 400 }, () => random.normal());
  const [low, high] = statistics.meanInterval(values, { random });
  const centre = statistics.mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  const half = (1.96 * Math.sqrt(squares / 399)) / 20;
  near(low, statistics.mean(values) - half, 0.01);
  near(high, statistics.mean(values) + half, 0.01);
});

test("the same seed gives the same interval", () => {
  const interval = (seed: number): statistics.Interval =>
    statistics.meanInterval([1, 5, 2, 8, 3], { random: createRandom(seed) });
  assert.equal(interval(1), interval(1));
});

test("values that depend on each other widen the interval", () => {
  const groups = Array.from({ length: 20 }, (_, i) => new Array<number>(10).fill(i % 2));
  // Means of 20 or 200 fair coins; the binomial's 2.5% and 97.5% points are 6 and 14 of 20, 86 and 114 of 200.
  const [low, high] = statistics.clusterMeanInterval(groups, { random: createRandom(1) });
  near(low, 0.3, 1e-9);
  near(high, 0.7, 1e-9);
  const [alone, aloneHigh] = statistics.meanInterval(groups.flat(), { random: createRandom(1) });
  near(alone, 0.43, 0.0051);
  near(aloneHigh, 0.57, 0.0051);
});

test("any statistic can be bootstrapped by cluster", () => {
  const groups = [[1, 2, 3], [], [4], [10, 20]];
  const options = (): statistics.BootstrapOptions => ({ random: createRandom(3), resamples: 500 });
  const byHand = (values: Float64Array): number => statistics.mean([...values]);
  const [low, high] = statistics.clusterBootstrap(groups, byHand, options());
  const [meanLow, meanHigh] = statistics.clusterMeanInterval(groups, options());
  near(low, meanLow, 1e-12);
  near(high, meanHigh, 1e-12);
  const largest = statistics.clusterBootstrap(groups, (values) => Math.max(...values), options());
  assert.equal(largest, [3, 20]);
});

test("paired difference: what pairs share cancels", () => {
  const b = [0, 100, 200, 300];
  const a = b.map((value) => value + 2);
  assert.equal(statistics.pairedDifference(a, b, createRandom(1)), { mean: 2, ci95: [2, 2], n: 4 });
});

test("paired difference by cluster", () => {
  const a = [1, 1, 1, 0, 0, 0];
  const b = [0, 0, 0, 0, 0, 0];
  const clusters = ["x", "x", "x", "y", "y", "y"];
  const { mean, ci95, n } = statistics.pairedDifference(a, b, createRandom(1), clusters);
  assert.is(mean, 0.5);
  assert.is(n, 6);
  // With two clusters a quarter of the resamples has only x, a quarter only y.
  assert.equal(ci95, [0, 1]);
  assert.throws(() => statistics.pairedDifference([1], [1, 2], createRandom(1)), /one length/);
});

test("Wilson's interval", () => {
  // Wilson for 8 of 10 (as in Agresti and Coull's formula): centre (8 + z2/2) / (10 + z2), z2 = 3.8415.
  const [low, high] = statistics.wilsonInterval(8, 10);
  near(low, 0.4902, 2e-4);
  near(high, 0.9433, 2e-4);
  // 0 of n: [0, z2 / (n + z2)].
  const [none, upper] = statistics.wilsonInterval(0, 20);
  near(none, 0, 1e-12);
  near(upper, 3.8415 / 23.8415, 2e-4);
  assert.throws(() => statistics.wilsonInterval(3, 2), RangeError);
});

test("Cohen's kappa", () => {
  // Both yes 20, both no 15, only a 5, only b 10: agreement 0.7; chance 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
  const repeat = (label: string, times: number): string[] => new Array<string>(times).fill(label);
  const a = [...repeat("yes", 25), ...repeat("no", 25)];
  const b = [...repeat("yes", 20), ...repeat("no", 5), ...repeat("yes", 10), ...repeat("no", 15)];
  near(statistics.cohenKappa(a, b), 0.4, 1e-12);
  assert.is(statistics.cohenKappa(a, a), 1);
});

test("no values are an error, not a number", () => {
  assert.throws(() => statistics.meanInterval([], { random: createRandom(1) }), RangeError);
  assert.throws(() => statistics.cohenKappa([], []), RangeError);
});

test("a share of nothing right is not certain: Wilson's interval, z^2 / (n + z^2) at most", () => {
  const [low, high] = statistics.clusterShareInterval([[0, 0], [0]], { random: createRandom(1) });
  assert.is(low, 0);
  near(high, 3.841459 / 6.841459, 1e-6);
  const mixed = [[1, 0], [0]];
  assert.equal(
    statistics.clusterShareInterval(mixed, { random: createRandom(2) }),
    statistics.clusterMeanInterval(mixed, { random: createRandom(2) }),
  );
});

test("a fitted line and its slope's 95% interval, by hand", () => {
  // Means 3 and 4; sum of products 6, of squares 10: slope 0.6, intercept 2.2. Errors -0.8, 0.6, 1, -0.6, -0.2: squares
  // 2.4, over 3 degrees of freedom 0.8; the slope's error sqrt(0.8 / 10); Student's point for 3 is 3.1824 in tables.
  const fitted = statistics.fitLine([1, 2, 3, 4, 5], [2, 4, 5, 4, 5]);
  near(fitted.slope, 0.6, 1e-12);
  near(fitted.intercept, 2.2, 1e-12);
  const half = 3.1824 * Math.sqrt(0.08);
  near(fitted.ci95[0], 0.6 - half, 2e-3);
  near(fitted.ci95[1], 0.6 + half, 2e-3);
  assert.is(fitted.n, 5);
  // 21 points whose errors are 1 and -1 in turn: the point for 19 degrees is 2.0930.
  const x = Array.from({ length: 21 }, (_, i) => i - 10);
  const scattered = statistics.fitLine(
    x,
    [...x.keys()].map((i) => (i % 2 ? -1 : 1)),
  );
  near(scattered.slope, 0, 1e-12);
  // The mean is 1 / 21, so that squares of errors are 21 - 1 / 21; the squares of x are 770.
  near(scattered.ci95[1], 2.093 * Math.sqrt((21 - 1 / 21) / 19 / 770), 1e-5);
  assert.throws(() => statistics.fitLine([1, 2, 3, 4], [1, 2, 3, 4]), RangeError);
  assert.throws(() => statistics.fitLine([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]), RangeError);
});

test.run();
