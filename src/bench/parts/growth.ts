/** (f) Growth: speed and memory against the length of a sequence, and memory over many jobs in one process. */
import { createRandom } from "../../statistics/random";
import { fitLine } from "../../statistics/statistics";
import { inChild } from "../child-process";
import type { BenchPart } from "../context";
import { compare, ours, type MeasuredRow, type MemorySample } from "../rows";

/**
 * Jobs before the first sample that counts. All later ones repeat these, so that what grows then is a leak, and not the room for
 * a step larger than any before.
 */
const WARM_UP = 200;
const SAMPLE_EVERY = 50;

/** The part. */
export const growth: BenchPart = {
  title: "growth",
  async rows({ given: { modelId, quick } }) {
    const rows: MeasuredRow[] = [];
    for (const length of quick ? [64, 512] : [32, 128, 512, 2048])
      rows.push(...(await lengthRows(modelId, length)));
    if (!quick) rows.push(...(await lengthRows(modelId, 2048, true)));
    const first = smallJobs(WARM_UP);
    const jobs = Array.from({ length: quick ? 500 : 1200 }, (_, i) => first[i % WARM_UP]);
    const { samples } = await inChild({
      ...{ model: modelId, jobs, concurrency: 10, sampleEvery: SAMPLE_EVERY },
    });
    return [...rows, growthRow(samples)];
  },
};

async function lengthRows(
  model: string,
  length: number,
  gradientCheckpointing = false,
): Promise<MeasuredRow[]> {
  const steps = Math.max(2, Math.ceil(1024 / length));
  const job = new Array<number>(steps).fill(length);
  const task = { model, jobs: [job], concurrency: 1, repeats: 2, gradientCheckpointing };
  const found = await inChild(task);
  const how = gradientCheckpointing ? ", gradient checkpointing" : "";
  const what = `one sequence of ${length} tokens a step${how}`;
  return [
    compare(what, "tokens/s", ours("fp32", (steps * length) / found.seconds)),
    compare(`${what}, peak memory`, "GB", ours("fp32", found.peakBytes / 1e9)),
  ];
}

/** Jobs of one or two sequences of 4 to 20 tokens, the same in every run. */
export function smallJobs(count: number): number[][] {
  const random = createRandom(0);
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.integer(2) }, () => 4 + random.integer(17)),
  );
}

/** The slope of memory over jobs, in MB for 100 of them, from the warm-up's end on. */
export function growthRow(samples: readonly MemorySample[]): MeasuredRow {
  const warm = samples.filter(({ jobs }) => jobs >= WARM_UP);
  const { slope, ci95 } = fitLine(
    warm.map(({ jobs }) => jobs / 100),
    warm.map(({ bytes }) => bytes / 1e6),
  );
  const what = `growth of memory in 100 jobs, from the ${WARM_UP}th to the ${warm.at(-1)!.jobs}th`;
  const more = { aim: "1 MB", ci95, samples };
  return compare(what, "MB", ours("fp32", slope), undefined, more);
}
