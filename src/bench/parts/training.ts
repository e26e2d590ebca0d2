/** (a) Adapters trained, K at once, beside PEFT's one after another. */
import { adaptersPerMinute } from "../arithmetic";
import type { Bench, BenchPart } from "../context";
import { compare, ours, type MeasuredRow } from "../rows";
import { EPOCHS, fill, SINGLE, TARGETS, tokensOf, type Lengths, type Precision } from "../workload";

/** On which matrices. */
type Targets = keyof typeof TARGETS;
const ALL = Object.keys(TARGETS) as Targets[];

/** The part. */
export const training: BenchPart = {
  title: "adapters trained",
  async measure(bench, precision) {
    for (const targets of ALL) await measureTargets(bench, precision, targets);
  },
  rows: async (bench) =>
    bench.given.precisions.flatMap((precision) =>
      ALL.flatMap((targets) => rowsOf(bench, precision, targets)),
    ),
};

/** Tokens a second of whole adapters of ours, K = `count` at once. NaN where it was not measured. */
export function ownSpeed(bench: Bench, precision: Precision, targets: Targets, count = 5): number {
  const what = `a ${targets} ${count}`;
  return wholeSpeed(bench, precision, what, `${what} start`, jobsFor(bench, count));
}

/** The same of PEFT's, one at a time. */
export function peerSpeed(bench: Bench, precision: Precision, targets: Targets): number {
  const what = `a peer ${targets}`;
  return wholeSpeed(bench, precision, what, `${what} start`, jobsFor(bench, 1));
}

/** K of them at once; two, one after another, where K is 1. */
function jobsFor({ jobs }: Bench, count: number): readonly Lengths[] {
  return count > jobs.length ? fill(count, 8) : jobs.slice(0, Math.max(2, count));
}

/** Making and storing an adapter is timed with one short step. */
function startsOf(jobs: readonly Lengths[]): Lengths[] {
  return jobs.map(() => [8]);
}

/** Making and storing adapters once, and ten epochs, which were timed as one. */
function wholeSpeed(
  bench: Bench,
  precision: Precision,
  name: string,
  start: string,
  jobs: readonly Lengths[],
): number {
  const [once, all] = [bench.seconds(start, precision), bench.seconds(name, precision)];
  return (EPOCHS * tokensOf(jobs)) / (once + EPOCHS * (all - once));
}

async function measureTargets(bench: Bench, precision: Precision, name: Targets): Promise<void> {
  const targets = TARGETS[name];
  const request = (jobs: readonly Lengths[]): object => bench.trainRequest(jobs, targets);
  const single = jobsFor(bench, 1);
  await bench.timePeer(`a peer ${name}`, precision, request(single));
  await bench.timePeer(`a peer ${name} start`, precision, request(startsOf(single)));
  const { counts, fullSteps } = precision;
  for (const count of new Set([...counts, ...fullSteps.map(([rows]) => rows)]))
    await bench.time(`a ${name} ${count} start`, precision, () =>
      bench.train(precision, startsOf(jobsFor(bench, count)), count, targets),
    );
  for (const count of counts)
    await bench.time(`a ${name} ${count}`, precision, () =>
      bench.train(precision, jobsFor(bench, count), count, targets),
    );
  for (const [rows, length] of fullSteps)
    await bench.time(`a ${name} ${rows}x${length}`, precision, () =>
      bench.train(precision, fill(rows, length), rows, targets),
    );
}

function rowsOf(bench: Bench, precision: Precision, targets: Targets): MeasuredRow[] {
  const bound = bench.bound(TARGETS[targets]);
  const peft = (of: Precision): { who: string; precision: string; value: number } => ({
    ...{ who: "PEFT", precision: of.name, value: peerSpeed(bench, of, targets) },
  });
  const perMinute = (speed: number): number => adaptersPerMinute(speed, bench.meanTokens, EPOCHS);
  const compared = precision.counts.flatMap((count) => {
    const what = `K = ${count}, ${targets}`;
    const own = ours(precision.name, ownSpeed(bench, precision, targets, count));
    const peer = peft(precision);
    const aim = count === 5 ? { aim: "ratio 2" } : count === 1 ? { aim: "ratio 1" } : {};
    const share = { shareOfPeak: own.value / bound, ...aim };
    const minutes = [own, peer].map((side) => ({ ...side, value: perMinute(side.value) }));
    return [
      compare(what, "tokens/s", own, peer, share),
      ...(precision.name === "fp32" ? [] : [compare(what, "tokens/s", own, peft(SINGLE))]),
      compare(`${what}, adapters a minute`, "1/min", minutes[0], minutes[1]),
    ];
  });
  const full = precision.fullSteps.map(([rows, length]) => {
    const name = `a ${targets} ${rows}`;
    const steps = fill(rows, length);
    const speed = wholeSpeed(bench, precision, `${name}x${length}`, `${name} start`, steps);
    const aim = rows * length === 160 ? "65% of peak" : "80% of peak";
    const more = { shareOfPeak: speed / bound, aim };
    const what = `${rows * length} tokens a step, ${targets}`;
    return compare(what, "tokens/s", ours(precision.name, speed), undefined, more);
  });
  return [...compared, ...full];
}
