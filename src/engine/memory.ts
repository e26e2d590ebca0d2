/**
 * When the memory goes back to the system that the engine has freed. The next step takes it again, and new pages are dear (0.2 s for
 * ten adapters of SmolLM2), so it is kept as long as there is work, and given back once the process pauses.
 */
import { performance } from "node:perf_hooks";
import { giveBackMemory, hasFusedKernels } from "./fused";

/** Milliseconds from one look to the next. */
const LOOK_EVERY = 50;
/** Share of the time between two looks from which on the process is at work. */
const AT_WORK = 0.9;

let waiting = false;

/** Gives freed memory back as soon as the event loop has been idle for a while. Keeps no process alive. */
export function giveBackWhenIdle(): void {
  if (waiting || !hasFusedKernels()) return;
  waiting = true;
  const before = performance.eventLoopUtilization();
  setTimeout(() => {
    waiting = false;
    if (performance.eventLoopUtilization(before).utilization < AT_WORK) giveBackMemory();
    else giveBackWhenIdle();
  }, LOOK_EVERY).unref();
}
