/** (d) Loading the model, in a process of its own. */
import { inChild } from "../child-process";
import type { BenchPart } from "../context";
import { compare, ours } from "../rows";

/** The part. */
export const loading: BenchPart = {
  title: "loading the model",
  async rows({ given: { modelId, rounds, peer } }) {
    const seconds: number[] = [];
    for (let i = 0; i < rounds; i++)
      seconds.push((await inChild({ model: modelId, jobs: [], concurrency: 1 })).loadSeconds);
    const theirs = { who: "transformers", precision: "fp32", value: peer?.hello.load ?? NaN };
    return [compare("loading the model", "s", ours("fp32", Math.min(...seconds)), theirs)];
  },
};
