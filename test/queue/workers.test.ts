/**
 * Real worker processes at a real Redis server: one killed, one frozen, the server restarted; a frozen training process;
 * workers that must be refused. The results are the in-process ones, every candidate once.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { trainAdapters } from "../../src/lora/train";
import { mergeAdapter } from "../../src/lora/files";
import { loadModel, type Model } from "../../src/model/load";
import { openQueueExecutor, type QueueExecutor } from "../../src/queue/executor";
import { queueStatus } from "../../src/queue/status";
import { inProcess, type GroupResult, type GroupWork } from "../../src/restem/group";
import type { PolicyModel } from "../../src/restem/policy";
import { findRedis, RedisServer, testWithRedis } from "./redis";
import { smallGroup, writeSmallModel } from "./small-model";

const test = suite("workers");
const root = path.join(__dirname, "../..");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal queue "));
const modelFolder = path.join(folder, "model");
const modelId = `file:${modelFolder}`;
process.env.SEAL_ENGINE = "wasm";

interface Worker {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output: string;
}

const workers: Worker[] = [];
const servers: RedisServer[] = [];
test.after(async () => {
  for (const { child } of workers) child.kill("SIGKILL");
  for (const server of servers) await server.stop("SIGKILL");
  rmSync(folder, { recursive: true });
});

async function newServer(program: string): Promise<RedisServer> {
  const server = await RedisServer.start(program, path.join(folder, `redis ${servers.length}`));
  servers.push(server);
  return server;
}

function startWorker(address: string, more: string[] = [], environment = {}): Worker {
  const args = ["-r", "tsx/cjs", path.join(root, "src/cli.ts"), "worker", "--queue", address];
  const child = spawn(process.execPath, [...args, "--model", modelId, ...more], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const worker: Worker = { child, ended, output: "" };
  const collect = (part: Buffer): void => void (worker.output += part.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  workers.push(worker);
  return worker;
}

/** Ends a worker as a user does. */
async function endWorker({ child, ended }: Worker): Promise<number | null> {
  child.kill("SIGTERM");
  return ended;
}

/** The training process below a worker. */
function trainingProcess(worker: Worker): number {
  const parent = String(worker.child.pid);
  const found = readdirSync("/proc").find((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8")
        .split(")")
        .at(-1)
        ?.trim()
        .split(" ");
      return fields?.[1] === parent && readFileSync(`/proc/${name}/cmdline`).includes("child.ts");
    } catch {
      return false;
    }
  });
  assert.ok(found, "the worker has a training process");
  return Number(found);
}

const WAIT_MINUTES = 8;

/** Looks until it holds; a busy machine may take minutes over what a quiet one does in a second. */
async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 60_000 * WAIT_MINUTES;
  while (!(await holds())) {
    if (Date.now() > end)
      throw new Error(
        `not within ${WAIT_MINUTES} minutes: ${what}\n${workers.map((w) => w.output).join("")}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until a worker has told of itself at the queue, or until it is at a group. */
function untilSeen(address: string, { child }: Worker, busyOnly: boolean): Promise<void> {
  return until(`worker ${child.pid} is ${busyOnly ? "busy" : "there"}`, async () => {
    // A server that is slow to answer is one to be asked again.
    const status = await queueStatus(address).catch(() => undefined);
    return (status?.workers ?? []).some(
      ({ pid, busy }) => pid === child.pid && (busy || !busyOnly),
    );
  });
}

/** What does not depend on the clock. */
const timeless = ({ candidates }: GroupResult): unknown =>
  candidates.map(({ status, reason, answers, training }) => ({
    status,
    reason,
    answers,
    training,
  }));

async function expected(model: Model, groups: readonly GroupWork[]): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const group of groups) results.push(timeless(await inProcess.execute(model, group)));
  return results;
}

async function withExecutor(
  address: string,
  more: Partial<Parameters<typeof openQueueExecutor>[0]>,
  body: (executor: QueueExecutor) => Promise<void>,
): Promise<void> {
  const executor = await openQueueExecutor({ queue: address, name: "test", ...more });
  try {
    await body(executor);
  } finally {
    await executor.close();
  }
}

const main = async (): Promise<void> => {
  const redis = await findRedis();
  await writeSmallModel(modelFolder);

  testWithRedis(
    test,
    redis,
    "killed, frozen, server restarted: the in-process results",
    async (program) => {
      const server = await newServer(program);
      const model = await loadModel(modelId);
      const groups = Array.from({ length: 14 }, (_, g) => smallGroup(g, 60));
      const first = await expected(model, groups);
      await withExecutor(server.address, { total: 28 }, async (executor) => {
        const doomed = [0, 1].map(() => startWorker(server.address, ["--lock", "3"]));
        for (const worker of doomed) await untilSeen(server.address, worker, false);
        // So that each is in the middle of a group, however long this process is kept waiting.
        const stopped = doomed.map(trainingProcess);
        for (const pid of stopped) process.kill(pid, "SIGSTOP");
        let finished = 0;
        const running = Promise.all(
          groups.map(async (group) => {
            const result = await executor.execute(model, group);
            finished++;
            return timeless(result);
          }),
        );
        for (const worker of doomed) await untilSeen(server.address, worker, true);
        const [killed, frozen] = doomed;
        for (const pid of [Number(killed.child.pid), stopped[0]]) process.kill(pid, "SIGKILL");
        for (const pid of [Number(frozen.child.pid), stopped[1]]) process.kill(pid, "SIGSTOP");
        assert.is(finished, 0);
        const steady = startWorker(server.address, ["--lock", "3"]);
        await until("some groups are done", () => finished >= 2);
        await server.stop("SIGKILL");
        await new Promise((resolve) => setTimeout(resolve, 500));
        await server.start();
        const results = await running;
        assert.equal(results, first);
        assert.is(finished, 14);
        assert.is(
          executor.machines().reduce((sum, { groups }) => sum + groups, 0),
          14,
        );
        const { runs, queues } = await queueStatus(server.address);
        assert.is(queues[0].waiting + queues[0].active, 0);
        assert.is(queues[0].completed, 14);
        assert.is(queues[0].failed, 0);
        assert.is(runs[0].total, 28);
        // Thawed, it finds its lock lost, changes nothing and goes on.
        for (const pid of [stopped[1], Number(frozen.child.pid)]) process.kill(pid, "SIGCONT");
        await until("it finds its lock lost", () =>
          /group [0-9a-f]{12}: .*|queue: .*lock/i.test(frozen.output),
        );
        const again = await executor.execute(model, smallGroup(99));
        assert.equal(timeless(again), (await expected(model, [smallGroup(99)]))[0]);
        assert.equal(await Promise.all([frozen, steady].map(endWorker)), [0, 0]);
        assert.ok(!/\n\s+at /.test(steady.output), steady.output);
      });
    },
  );
  testWithRedis(test, redis, "a fine-tuned policy travels as its adapters", async (program) => {
    const server = await newServer(program);
    const base = await loadModel(modelId);
    const settings = { rank: 2, alpha: 4, epochs: 3, learningRate: 0.05 };
    let policy: PolicyModel = { ...base, merged: [] };
    for (const ids of [
      [5, 6, 7, 8],
      [9, 4, 3, 8],
    ]) {
      const [{ adapter }] = await trainAdapters(policy, [{ sequences: [{ ids }], settings }]);
      assert.ok(adapter);
      policy = { ...mergeAdapter(policy, adapter), merged: [...policy.merged, adapter] };
    }
    const group = smallGroup(1, 5);
    const [own, ownBase] = [
      (await expected(policy, [group]))[0],
      (await expected(base, [group]))[0],
    ];
    assert.not.equal(own, ownBase);
    const blobs = path.join(folder, "shared blobs");
    await withExecutor(server.address, { blobs }, async (executor) => {
      const worker = startWorker(server.address, ["--blobs", blobs]);
      assert.equal(timeless(await executor.execute(policy, group)), own);
      assert.equal(timeless(await executor.execute(base, group)), ownBase);
      assert.equal(
        timeless(await executor.execute(policy, smallGroup(2, 5))),
        (await expected(policy, [smallGroup(2, 5)]))[0],
      );
      // Two adapters of two files and a manifest, and three groups with their results.
      assert.is(readdirSync(blobs).length, 2 * 3 - 1 + 3 * 2);
      assert.is(await endWorker(worker), 0);
    });
  });

  testWithRedis(test, redis, "a training process that is frozen is replaced", async (program) => {
    const server = await newServer(program);
    const model = await loadModel(modelId);
    const group = smallGroup(3);
    // A new process that a busy machine lets wait for so long is replaced, too.
    await withExecutor(server.address, { attempts: 10 }, async (executor) => {
      const worker = startWorker(server.address, ["--silence", "5"]);
      await untilSeen(server.address, worker, false);
      const frozen = trainingProcess(worker);
      process.kill(frozen, "SIGSTOP");
      const result = await executor.execute(model, group);
      assert.match(worker.output, /no sign of life for 5 s/);
      assert.equal(timeless(result), (await expected(model, [group]))[0]);
      assert.not.equal(trainingProcess(worker), frozen);
      assert.is(await endWorker(worker), 0);
    });
  });

  testWithRedis(
    test,
    redis,
    "other weights and another engine are refused, the latter or recorded",
    async (program) => {
      const server = await newServer(program);
      const model = await loadModel(modelId);
      const other = path.join(folder, "other model");
      await writeSmallModel(other, 2);
      const refusal = async (worker: Worker, message: RegExp): Promise<void> => {
        assert.is(await worker.ended, 2, worker.output);
        assert.match(worker.output, message);
        assert.ok(!/\n\s+at /.test(worker.output), worker.output);
      };
      await withExecutor(server.address, {}, async (executor) => {
        const waiting = executor.execute(model, smallGroup(4));
        await until(
          "the run is announced",
          async () => (await queueStatus(server.address)).runs.length > 0,
        );
        const engine = startWorker(server.address, [], { SEAL_ENGINE: "cpu" });
        await refusal(engine, /Refused by the run test: the engine here is cpu .*, the run's wasm/);
        rmSync(modelFolder, { recursive: true });
        await writeSmallModel(modelFolder, 2);
        await refusal(startWorker(server.address), /Refused by the run test: other weights here/);
        rmSync(modelFolder, { recursive: true });
        await writeSmallModel(modelFolder, 1);
        const right = startWorker(server.address);
        assert.equal(timeless(await waiting), (await expected(model, [smallGroup(4)]))[0]);
        assert.is(await endWorker(right), 0);
      });
      await withExecutor(server.address, { otherWorkers: "record" }, async (executor) => {
        startWorker(server.address, [], { SEAL_ENGINE: "cpu" });
        await executor.execute(model, smallGroup(5));
        assert.equal(
          executor.machines().map(({ machine, groups }) => [machine.engine, groups]),
          [["cpu", 1]],
        );
      });
    },
  );
  test.run();
};
void main();
