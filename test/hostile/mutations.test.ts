/**
 * Seeded damage to good files of every kind that is read: a typed error in two lines or none, no crash, no hang over a
 * second, no growth. MUTATIONS=100000 is the whole check; SEED draws other damage.
 */
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import v8 from "node:v8";
import vm from "node:vm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { createRandom } from "../../src/statistics/random";
import { temporaryFolder } from "../model/refusal";
import { damaged } from "./mutations";
import { hostileTargets, type Target } from "./targets";

const test = suite("hostile files");
const total = Number(process.env.MUTATIONS ?? 3000);
const seed = process.env.SEED ?? "0";
const folder = temporaryFolder();
process.env.SEAL_ENGINE = "cpu";
test.after(folder.remove);

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc") as () => void;

/** Megabytes of the process after its garbage is collected. */
function megabytes(): number {
  collectGarbage();
  return process.memoryUsage.rss() / 1e6;
}

/** Files that this process has open, where the system tells. */
function openFiles(): number {
  return process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
}

/** The CPU time that `body` took, in seconds: another process's work does not count as a hang. */
async function cpuSeconds(body: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Reads so many damaged copies; gives how many were refused and the longest time of one, in seconds. */
async function attack(
  target: Target,
  count: number,
): Promise<{ refused: number; longest: number }> {
  const random = createRandom(`hostile/${seed}/${target.name}`);
  const file = path.join(folder.path, `damaged${target.name === "parquet" ? ".parquet" : ".json"}`);
  let refused = 0;
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const bytes = damaged(target.good, target.header, random);
    writeFileSync(file, bytes);
    const keep = (why: string): string => {
      const kept = path.join("/tmp", `seal-${target.name.replace(/\W/g, "-")}-${i}`);
      writeFileSync(kept, bytes);
      return `${target.name}, copy ${i}: ${why} (kept as ${kept})`;
    };
    const seconds = await cpuSeconds(async () => {
      try {
        await target.read(file, bytes);
      } catch (error) {
        if (!(error instanceof UserError)) assert.unreachable(keep(String(error)));
        else if (error.message.split("\n").length > 2) assert.unreachable(keep(error.message));
        refused++;
      }
    });
    if (seconds > 1) assert.unreachable(keep(`${seconds} s`));
    longest = Math.max(longest, seconds);
  }
  return { refused, longest };
}

test(`${total} damaged files`, async () => {
  const targets = await hostileTargets(folder.path);
  const each = Math.ceil(total / targets.length);
  for (const target of targets) {
    writeFileSync(path.join(folder.path, "damaged.json"), target.good);
    await attack(target, 20);
    const [before, files] = [megabytes(), openFiles()];
    const { refused, longest } = await attack(target, each);
    const growth = megabytes() - before;
    console.log(
      `${target.name}: ${refused} of ${each} refused, ${longest.toFixed(2)} s at most, ${growth.toFixed(1)} MB more`,
    );
    assert.ok(growth < 64, `${target.name}: ${growth} MB`);
    // Fewer is no leak: what another part of the process had open may close meanwhile.
    assert.ok(openFiles() <= files, `${target.name}: ${openFiles()} open files, before ${files}`);
    const answersAnything = /arc (answers|recipes)|self-edits/.test(target.name);
    assert.ok(answersAnything ? refused === 0 : refused > each / 10, `${target.name}: ${refused}`);
  }
});

test("the good files are read", async () => {
  const good = temporaryFolder();
  for (const { name, good: bytes, read } of await hostileTargets(good.path)) {
    const file = path.join(good.path, `good.${name === "parquet" ? "parquet" : "json"}`);
    writeFileSync(file, bytes);
    await read(file, bytes);
  }
  good.remove();
});

test.run();
