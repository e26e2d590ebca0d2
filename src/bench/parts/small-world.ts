/** (e) The inner loop of the small world, with and without the fused kernels. */
import { inChild } from "../child-process";
import type { BenchPart } from "../context";
import { compare, ours, type MeasuredRow } from "../rows";

const JOBS = Array.from({ length: 100 }, (_, k) =>
  Array.from({ length: 1 + (k % 6) }, (__, s) => 8 + ((k + s) % 5)),
);

/** The part. */
export const smallWorld: BenchPart = {
  title: "the small world's inner loop",
  async rows() {
    const task = { model: "tiny:biographies", jobs: JOBS, concurrency: 50, epochs: 10, rank: 8 };
    const rows: MeasuredRow[] = [];
    for (const kernels of [true, false]) {
      const { seconds } = await inChild({ ...task, questions: 6, repeats: 3 }, kernels);
      const what = `100 adapters trained and asked, ${kernels ? "with" : "without"} fused kernels`;
      rows.push(compare(what, "s", ours("fp32", seconds)));
    }
    return rows;
  },
};
