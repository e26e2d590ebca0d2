/** (g) Memory: the peak of one adapter, of ten, and what each further one takes. */
import { inChild } from "../child-process";
import type { BenchPart } from "../context";
import { compare, ours, type MeasuredRow } from "../rows";

/** The part. */
export const memory: BenchPart = {
  title: "memory",
  async rows({ given: { modelId }, jobs: all }) {
    const own = (what: string, unit: string, value: number, more = {}): MeasuredRow =>
      compare(what, unit, ours("fp32", value), undefined, more);
    const base = await inChild({ model: modelId, jobs: [[49]], concurrency: 1 });
    const rows = [own("one adapter, q and v, peak memory", "GB", base.peakBytes / 1e9)];
    for (const allTargets of [false, true]) {
      const jobs = all.map((job) => job.slice(-3));
      const task = { model: modelId, jobs, concurrency: 10, allTargets };
      const { peakBytes } = await inChild(task);
      const name = allTargets ? "all linear" : "q and v";
      const each = (peakBytes - base.peakBytes) / 9e6;
      rows.push(
        own(`ten adapters, ${name}, peak memory`, "GB", peakBytes / 1e9, { aim: "4 GB" }),
        own(`each further adapter, ${name}, memory`, "MB", each),
      );
    }
    return rows;
  },
};
