/** What the tests of weight files share: temporary files, and the form of every refusal. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import type { Random } from "../../src/statistics/random";

/** A new empty folder; `remove` deletes it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), "seal weights "));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Asserts that `attempt` throws a UserError of one line that matches, within seconds and 64 MB of memory. */
export async function assertRefused(
  attempt: () => unknown,
  message: RegExp,
  label: string,
): Promise<void> {
  const before = process.memoryUsage();
  const start = performance.now();
  const error = await caught(attempt);
  assert.ok(error instanceof UserError, `${label}: ${describe(error)}`);
  assert.match(error.message, message, label);
  assert.not.match(error.message, /\n/, label);
  assert.ok(error.message.length < 400, label);
  assert.ok(performance.now() - start < 5000, `${label}: slow`);
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  assert.ok(arrayBuffers - before.arrayBuffers < 64e6, `${label}: buffers`);
  assert.ok(heapUsed - before.heapUsed < 64e6, `${label}: heap`);
}

/** Whatever `attempt` throws; undefined where it does not. */
export async function caught(attempt: () => unknown): Promise<unknown> {
  try {
    await attempt();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** The message of the UserError that `work` rejects with; any other end fails. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, UserError);
    return (error as UserError).message;
  }
  throw new Error("this was accepted");
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name} ${error.message}` : "nothing thrown";

const interesting = [0, 1, 2, 0x7f, 0x80, 0xff, 0x22, 0x7b, 0x7d, 0x2c, 0x39];

/** A damaged copy: bytes changed, and sometimes cut, repeated, inserted or deleted. */
export function mutate(bytes: Buffer, within: number, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const changes = 1 + random.integer(4);
  for (let i = 0; i < changes; i++) {
    const value = random.next() < 0.5 ? random.pick(interesting) : random.integer(256);
    copy[random.integer(within)] = value;
  }
  const at = random.integer(within);
  switch (random.integer(8)) {
    case 0:
      return copy.subarray(0, random.integer(copy.length));
    case 1:
      return Buffer.concat([
        copy.subarray(0, at),
        Buffer.alloc(1 + random.integer(8)),
        copy.subarray(at),
      ]);
    case 2:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + random.integer(8))]);
    default:
      return copy;
  }
}

/**
 * Tries `attempt` on `rounds` damaged copies of `bytes`, written to `file`. Fails on anything thrown that is no
 * one-line UserError; returns how many copies were refused.
 */
export async function fuzz(
  bytes: Buffer,
  headerBytes: number,
  file: string,
  rounds: number,
  random: Random,
  attempt: () => Promise<void>,
): Promise<number> {
  let refused = 0;
  for (let i = 0; i < rounds; i++) {
    writeFileSync(file, mutate(bytes, headerBytes, random));
    const error = await caught(attempt);
    if (error === undefined) continue;
    assert.ok(error instanceof UserError, `round ${i}: ${describe(error)}`);
    assert.not.match(error.message, /\n/, `round ${i}`);
    refused++;
  }
  return refused;
}
