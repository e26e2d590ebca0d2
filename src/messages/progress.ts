/** A line of progress with the time left, on stderr. What is done is decided by the caller. */
import { SingleBar } from "cli-progress";

/** A progress line that is shown until `stop`. */
export interface Progress {
  /** Counts finished items (1 if not given); the note is shown after the time left. */
  advance(count?: number, note?: string): void;
  /** Ends the line. */
  stop(): void;
}

/** Where and whether progress is shown. */
export interface ProgressOptions {
  /** Shows nothing, as with `--json`. */
  quiet?: boolean;
  stream?: NodeJS.WriteStream;
  /** The time in milliseconds. */
  now?: () => number;
}

/** Milliseconds between two lines where the stream is not a terminal. */
const LINE_INTERVAL = 10_000;

/** Starts a progress line for `total` items: a bar on a terminal, else a plain line at most every 10 seconds. */
export function createProgress(
  label: string,
  total: number,
  { quiet = false, stream = process.stderr, now = Date.now }: ProgressOptions = {},
): Progress {
  if (quiet) return { advance: () => undefined, stop: () => undefined };
  return stream.isTTY
    ? barProgress(label, total, stream, now)
    : lineProgress(label, total, stream, now);
}

type StartProgress = (
  label: string,
  total: number,
  stream: NodeJS.WriteStream,
  now: () => number,
) => Progress;

const barProgress: StartProgress = (label, total, stream, now) => {
  const start = now();
  const format = "{label} {bar} {value}/{total} {left} {note}";
  const bar = new SingleBar({ stream, format, hideCursor: true, gracefulExit: false, barsize: 24 });
  let done = 0;
  bar.start(total, 0, { label, left: "", note: "" });
  return {
    advance: (count = 1, note) => {
      done += count;
      const left = timeLeft(done, total, now() - start);
      bar.increment(count, { left, ...(note !== undefined && { note }) });
    },
    stop: () => bar.stop(),
  };
};

const lineProgress: StartProgress = (label, total, stream, now) => {
  const start = now();
  let done = 0;
  let shown = start;
  let unseen = "";
  const show = (line: string): void => {
    stream.write(`${line}\n`);
    shown = now();
    unseen = "";
  };
  return {
    advance: (count = 1, note = "") => {
      done += count;
      const left = timeLeft(done, total, now() - start);
      unseen = [`${label} ${done}/${total}`, left, note].filter((part) => part !== "").join(", ");
      if (now() - shown >= LINE_INTERVAL) show(unseen);
    },
    stop: () => {
      if (unseen !== "") show(unseen);
    },
  };
};

/** "2 min 5 s left", from the mean time of the items that are done; empty when nothing is known or left. */
export function timeLeft(done: number, total: number, elapsed: number): string {
  if (done <= 0 || done >= total) return "";
  const seconds = Math.round(((elapsed / done) * (total - done)) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min left`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
}

/** A progress line in megabytes for downloads, started with the first bytes: `(received, total) => …`. */
export function downloadProgress(
  label: string,
  options: ProgressOptions = {},
): (received: number, total?: number) => void {
  let line: Progress | undefined;
  let shown = 0;
  return (received, total) => {
    const megabytes = Math.floor(received / 1e6);
    line ??= createProgress(
      `downloading ${label} (MB)`,
      Math.ceil((total ?? received) / 1e6),
      options,
    );
    if (megabytes > shown) line.advance(megabytes - shown);
    shown = Math.max(shown, megabytes);
    if (total === undefined || received < total) return;
    line.stop();
    line = undefined;
    shown = 0;
  };
}
