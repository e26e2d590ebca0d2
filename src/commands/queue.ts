/** Verbs about many machines: worker, status. */
import type { Command } from "commander";
import { queueStatus, type QueueStatus } from "../queue/status";
import { runWorker } from "../queue/worker";
import { decimal } from "./input";
import { note, print, printJson, textTable } from "./output";

interface WorkerFlags {
  queue: string;
  model?: string;
  blobs?: string;
  idle?: number;
  lock?: number;
  silence?: number;
}

/** Adds the verbs. */
export function addQueueCommands(program: Command): void {
  program
    .command("worker")
    .description("train and ask what the runs at a queue hand out")
    .requiredOption("--queue <url>", "redis://[user:password@]host[:port][/db]; rediss:// for TLS")
    .option("--model <id>", "the model to serve (else that of the run, if it is the package's own)")
    .option("--blobs <dir>", "a folder that all machines see; else blobs go through Redis")
    .option("--idle <seconds>", "end after so long without work", decimal("idle"))
    .option("--lock <seconds>", "a job silent for so long goes to another (30)", decimal("lock"))
    .option(
      "--silence <seconds>",
      "a training process silent for so long is killed (600)",
      decimal("silence"),
    )
    .action(runUntilSignal);

  program
    .command("status")
    .description("runs, workers and what is left at a queue")
    .requiredOption("--queue <url>", "redis://…, as for seal run")
    .option("--json", "machine-readable")
    .action(async ({ queue, json }: { queue: string; json?: boolean }) => {
      const status = await queueStatus(queue);
      if (json) printJson(status);
      else print(formatStatus(status));
    });
}

/** The first signal lets the group that is under way be finished; the second ends everything at once. */
async function runUntilSignal(flags: WorkerFlags): Promise<void> {
  const { idle, lock, silence, ...place } = flags;
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    note("Ending after the group that is under way; once more ends at once.");
    stop.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const { groups, candidates, busySeconds } = await runWorker({
    ...place,
    idleSeconds: idle,
    lockSeconds: lock,
    silenceSeconds: silence,
    log: note,
    signal: stop.signal,
  });
  note(`${groups} groups, ${candidates} candidates, busy for ${busySeconds.toFixed(0)} s.`);
  process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
}

/** The tables of `seal status`. */
function formatStatus({ runs, workers, queues }: QueueStatus): string {
  const rate = (value: number): string => value.toFixed(1);
  const runTable = textTable(
    ["run", "model", "done", "of", "per minute", "time left"],
    runs.map((run) => [
      run.name,
      run.model,
      String(run.done),
      String(run.total ?? "?"),
      rate(run.candidatesPerMinute),
      run.secondsLeft === undefined ? "?" : duration(run.secondsLeft),
    ]),
  );
  const workerTable = textTable(
    ["worker", "engine", "threads", "state", "groups", "candidates", "per minute"],
    workers.map(({ host, pid, machine, busy, groups, candidates, candidatesPerMinute }) => [
      `${host}:${pid}`,
      `${machine.engine} ${machine.engineVersion}`,
      String(machine.threads),
      busy ? "busy" : "idle",
      String(groups),
      String(candidates),
      rate(candidatesPerMinute),
    ]),
  );
  const queueTable = textTable(
    ["groups in", "waiting", "active", "completed", "failed"],
    queues.map(({ queue, waiting, active, completed, failed }) =>
      [queue, waiting, active, completed, failed].map(String),
    ),
  );
  const total = workers.reduce((sum, worker) => sum + worker.candidatesPerMinute, 0);
  return [
    runs.length > 0 ? runTable : "No run is at this queue.",
    workers.length > 0 ? workerTable : "No worker is at this queue.",
    ...(workers.length > 0 ? [`All workers together: ${rate(total)} candidates a minute.`] : []),
    ...(queues.length > 0 ? [queueTable] : []),
  ].join("\n\n");
}

/** Seconds as 1 h 2 min, 3 min or 4 s. */
function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.round(seconds)} s`;
}
