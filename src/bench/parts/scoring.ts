/** (b) Self-edits scored: an adapter trained for ten epochs, at (a)'s speed, then asked all questions. */
import { generateGroups } from "../../lora/generate";
import type { Bench, BenchPart } from "../context";
import { compare, ours, type Side } from "../rows";
import * as work from "../workload";
import { ownSpeed, peerSpeed } from "./training";

const COUNT = 5;
const ON = "q and v";

/** The part. */
export const scoring: BenchPart = {
  title: "self-edits scored: trained, then asked",
  needs: ["a"],
  async measure(bench, precision) {
    const prompts = work.promptsOf(work.QUESTIONS, bench.given.model.config.vocabularySize);
    const jobs = bench.jobs.slice(0, COUNT).map(() => [8]);
    const trained = await bench.train(precision, jobs, COUNT, work.TARGETS[ON]);
    const groups = trained.map(({ adapter }) => ({ adapter, prompts }));
    await bench.time("b answer", precision, () =>
      generateGroups(bench.endless(precision), groups, { maximumTokens: work.ANSWER_TOKENS }),
    );
    const answer = await bench.given.peer?.ask({
      ...bench.trainRequest([[8], [8]], work.TARGETS[ON]),
      bfloat16: precision === work.HALF,
      do: "score",
      prompts: [prompts, prompts],
      tokens: work.ANSWER_TOKENS,
    });
    if (answer) bench.keep("b peer answer", precision, answer.seconds.answer / 2);
  },
  rows: async (bench) =>
    bench.given.precisions.flatMap((precision) => {
      const own = ours(
        precision.name,
        perMinute(
          bench,
          ownSpeed(bench, precision, ON),
          bench.seconds("b answer", precision) / COUNT,
        ),
      );
      const row = (peer: Side, aim = {}): ReturnType<typeof compare> =>
        compare(`K = ${COUNT}, ${ON}, scored`, "1/min", own, peer, aim);
      const same = row(peft(bench, precision), { aim: "ratio 2.5" });
      return precision.name === "fp32" ? [same] : [same, row(peft(bench, work.SINGLE))];
    }),
};

function peft(bench: Bench, precision: work.Precision): Side {
  const answering = bench.seconds("b peer answer", precision);
  const value = perMinute(bench, peerSpeed(bench, precision, ON), answering);
  return { who: "PEFT", precision: precision.name, value };
}

/** Self-edits a minute, at a speed of training in tokens a second and with seconds of answering for each. */
function perMinute({ meanTokens }: Bench, speed: number, answering: number): number {
  return 60 / ((work.EPOCHS * meanTokens) / speed + answering);
}
