/** Progress in a notebook: one output that is replaced in place. Outside one it is the command line's progress line. */
import { createProgress, timeLeft, type Progress } from "../messages/progress";
import { updatingOutput } from "./display";

/** Milliseconds between two updates; each is a message to the front end. */
const UPDATE_INTERVAL = 250;

/** Starts the progress of `total` items. The output that remains after `stop` names no times, so that a notebook run twice is the same. */
export function progress(label: string, total: number): Progress {
  const line = (done: number, rest: string): { "text/plain": string } => ({
    "text/plain": [`${label}: ${done}/${total}`, rest].filter((part) => part !== "").join(", "),
  });
  const output = updatingOutput(line(0, ""));
  if (!output) return createProgress(label, total);
  const start = Date.now();
  let [done, shown] = [0, start];
  return {
    advance: (count = 1, note = "") => {
      done += count;
      if (Date.now() - shown < UPDATE_INTERVAL) return;
      shown = Date.now();
      const left = timeLeft(done, total, shown - start);
      output.update(line(done, [left, note].filter((part) => part !== "").join(", ")));
    },
    stop: () => output.update(line(done, "")),
  };
}
