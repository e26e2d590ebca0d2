/** (h) Against SEAL's own way: every sequence padded to 2048, one adapter at a time. */
import type { BenchPart } from "../context";
import { compare, ours } from "../rows";
import { PAD_TO, SINGLE, TARGETS } from "../workload";
import { ownSpeed, peerSpeed } from "./training";

/** The part. */
export const ownWay: BenchPart = {
  title: "against SEAL's own way",
  needs: ["a"],
  /** SEAL's way is timed once, on two sequences of the peer's. */
  async rows(bench) {
    const precision = bench.given.precisions.find(({ name }) => name === "fp32") ?? SINGLE;
    const request = bench.trainRequest([bench.jobs[0]], TARGETS["q and v"]);
    await bench.timePeer("h", precision, { ...request, padTo: PAD_TO, steps: 2 });
    const { tokens, sequences, useful } = bench.padding;
    const value = tokens / sequences / (bench.seconds("h", precision) / 2);
    const seal = {
      who: `SEAL's way (PEFT, padded to ${PAD_TO}, one at a time)`,
      precision: "fp32",
      value,
    };
    const own = ours("fp32", ownSpeed(bench, precision, "q and v"));
    const peft = {
      who: "PEFT unpadded",
      precision: "fp32",
      value: peerSpeed(bench, precision, "q and v"),
    };
    return [
      compare("K = 5, q and v", "tokens/s", own, seal, { aim: "ratio 20" }),
      compare("of that, from leaving out the padding", "tokens/s", peft, seal),
      { name: "useful share of what SEAL's way computes", unit: "share", ours: useful },
    ];
  },
};
