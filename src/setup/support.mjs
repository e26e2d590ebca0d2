/** What the set-up's parts share: progress lines, child processes that die with us, locks. No packages. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

/** Something the user can put right; printed without a stack trace, exit code 2. */
export class SetupError extends Error {}

const WITHOUT = "Or leave the native engine out with --no-native (slower, portable).";

/** A failure to set up the native engine: what is wrong, what to do, where the output is. */
export function failure(what, remedy, context) {
  const log = context?.logFile ? ` (log: ${context.logFile})` : "";
  return new SetupError(
    `The native engine could not be set up: ${what}${log}\n${remedy} ${WITHOUT}`,
  );
}

/** One progress line, on stderr so that a command's `--json` output stays clean. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** "12 s", or "2 min 5 s". */
export function duration(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Runs `body`, saying so; a sign of life every ten seconds (with `detail()`), the time when it took over two. */
export async function step(title, body, detail = () => "") {
  say(`set-up: ${title}`);
  const start = Date.now();
  const timer = setInterval(
    () => say(`  ... ${duration(Date.now() - start)}${detail()}`),
    10_000,
  ).unref();
  try {
    const result = await body();
    if (Date.now() - start > 2000) say(`  done in ${duration(Date.now() - start)}`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

const running = new Set();
const scratch = new Set();

/** Has `folder` removed if the set-up is interrupted. */
export function removeOnInterrupt(folder) {
  scratch.add(folder);
}

/** Removes a scratch folder now. */
export function removeScratch(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  scratch.delete(folder);
}

function endGroup(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** Stops at once on a signal: ends the children with all theirs, removes scratch folders, exits with 128 + signal. */
function interrupt(signal, number) {
  for (const child of running) endGroup(child);
  for (const folder of scratch) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  say(`\nset-up: interrupted by ${signal}; run the same command again to go on.`);
  process.exit(128 + number);
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
const handlers = Object.entries(SIGNALS).map(([signal, number]) => [
  signal,
  () => interrupt(signal, number),
]);

/** From here on signals interrupt the set-up. */
export function catchSignals() {
  for (const [signal, handler] of handlers) process.on(signal, handler);
}

/** Runs a command of the set-up to its end, in a process group of its own; output to `log` (a file descriptor) or to ours. */
export function execute(command, args, { log, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const output = log ?? "inherit";
    const child = spawn(command, args, {
      ...options,
      stdio: ["ignore", output === "inherit" ? 2 : output, output === "inherit" ? 2 : output],
      detached: process.platform !== "win32",
    });
    running.add(child);
    child.on("error", (error) => {
      running.delete(child);
      reject(error);
    });
    child.on("exit", (code, signal) => {
      running.delete(child);
      resolve(signal ? 1 : code);
    });
  });
}

/** Whether a command runs and succeeds; for finding tools. */
export function works(command, args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/**
 * Hands the terminal to the program itself and resolves to its exit code (128 + signal when killed).
 * A terminal sends Ctrl-C to the program as well; what comes otherwise is passed on.
 */
export function handOver(args, cwd = process.cwd()) {
  for (const [signal, handler] of handlers) process.off(signal, handler);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: "inherit", cwd });
    for (const signal of Object.keys(SIGNALS)) {
      process.on(signal, () => {
        if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal ? 128 + (SIGNALS[signal] ?? 9) : code));
  });
}

/** Whether a process of this number is alive. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function tryLock(file) {
  try {
    fs.writeFileSync(file, String(process.pid), { flag: "wx" });
    return undefined;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const owner = Number(fs.readFileSync(file, "utf8")) || 0;
  // An empty file is one whose owner is between creating and writing it.
  const fresh = owner === 0 && Date.now() - fs.statSync(file).mtimeMs < 5000;
  if (fresh || (owner !== 0 && isAlive(owner))) return owner;
  fs.rmSync(file, { force: true });
  return 0;
}

/** Runs `body` while no other set-up holds the lock `file`; a lock whose owner is gone is taken over. */
export async function withLock(file, body) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  for (let said = false, owner = 0; owner !== undefined;) {
    try {
      owner = tryLock(file);
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    if (owner === undefined) break;
    if (!said && owner) say(`set-up: waiting for another one (process ${owner}) to finish`);
    said ||= owner > 0;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => fs.rmSync(file, { force: true });
  process.once("exit", release);
  try {
    return await body();
  } finally {
    process.off("exit", release);
    release();
  }
}
