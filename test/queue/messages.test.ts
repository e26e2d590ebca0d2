/** What the queue's ends accept: addresses, passwords, TLS, blobs, messages; and nothing else. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { createServer, type Server } from "node:tls";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { loadModel } from "../../src/model/load";
import { blobName, folderBlobs, redisBlobs, type BlobStore } from "../../src/queue/blobs";
import { connectionOptions, connectQueue, PREFIX } from "../../src/queue/connection";
import { openQueueExecutor } from "../../src/queue/executor";
import { thisMachine, type Machine } from "../../src/queue/machine";
import {
  groupAnswerSchema,
  groupJobSchema,
  mismatch,
  queueName,
  weightsHash,
} from "../../src/queue/messages";
import { runWorker } from "../../src/queue/worker";
import { findRedis, RedisServer, testWithRedis } from "./redis";
import { smallGroup, writeSmallModel } from "./small-model";

const test = suite("queue messages");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal messages "));
const servers: RedisServer[] = [];
process.env.SEAL_ENGINE = "wasm";
const closers: (() => Promise<unknown>)[] = [];
test.after(async () => {
  for (const close of closers) await close();
  for (const server of servers) await server.stop("SIGKILL");
  rmSync(folder, { recursive: true });
});

async function newServer(program: string, ...more: string[]): Promise<RedisServer> {
  const place = path.join(folder, `redis ${servers.length}`);
  const server = await RedisServer.start(program, place, ...more);
  servers.push(server);
  return server;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, UserError);
    const { message } = error as UserError;
    assert.is(message.split("\n").length, 1);
    return message;
  }
  throw new Error("it was not refused");
}

test("addresses", () => {
  const plain = connectionOptions("redis://host");
  assert.equal([plain.host, plain.port, plain.db, plain.tls], ["host", 6379, 0, undefined]);
  const full = connectionOptions("rediss://me:a%40b@host:7000/3");
  assert.equal([full.username, full.password, full.port, full.db], ["me", "a@b", 7000, 3]);
  assert.equal(full.tls, { servername: "host" });
  process.env.SEAL_QUEUE_PASSWORD = "hidden";
  assert.is(connectionOptions("redis://host").password, "hidden");
  delete process.env.SEAL_QUEUE_PASSWORD;
  for (const wrong of [
    "host",
    "http://host",
    "redis://",
    "redis://host/a",
    "redis://x:secret@h/p/q",
  ])
    assert.throws(
      () => connectionOptions(wrong),
      (error: Error) => error instanceof UserError && !error.message.includes("secret"),
    );
});

test("machines that agree and that do not", () => {
  const here: Machine = { version: "1", engine: "wasm", engineVersion: "4", threads: 1, cpu: "x" };
  const { cpu, ...exactly } = here;
  assert.is(cpu, "x");
  assert.is(mismatch(here, exactly), undefined);
  assert.is(mismatch(here, undefined), undefined);
  for (const change of [
    { version: "2" },
    { engine: "cpu" },
    { engineVersion: "5" },
    { threads: 2 },
  ])
    assert.type(mismatch({ ...here, ...change }, exactly), "string");
});

test("jobs and results of the schema, and what is not", () => {
  const job = {
    schema: 1,
    model: { id: "tiny:biographies", weights: "a".repeat(64), merged: [] },
    work: smallGroup(1),
  };
  assert.ok(groupJobSchema.safeParse(job).success);
  const wrongJobs = [
    { ...job, schema: 2 },
    { ...job, more: 1 },
    { ...job, model: { ...job.model, weights: "../../etc/passwd" } },
    { ...job, work: { ...job.work, concurrency: 1e9 } },
    { ...job, work: { ...job.work, candidates: [{ settings: { rank: { a: 1 } }, prompts: [] }] } },
    { ...job, work: { ...job.work, candidates: [{ settings: {}, prompts: [[0.5]] }] } },
    { ...job, work: { ...job.work, candidates: [{ settings: {}, prompts: [{ role: "x" }] }] } },
  ];
  wrongJobs.forEach((wrong, i) => assert.not(groupJobSchema.safeParse(wrong).success, `job ${i}`));
  const seconds = { train: 1, answer: 1 };
  const candidate = { status: "ok", answers: ["a"], seconds };
  const answer = { schema: 1, job: "b".repeat(64), result: { candidates: [candidate] } };
  assert.ok(groupAnswerSchema.safeParse(answer).success);
  for (const change of [
    { status: "great" },
    { answers: [1] },
    { reward: 1 },
    { seconds: { train: -1, answer: 0 } },
  ]) {
    const result = { candidates: [{ ...candidate, ...change }] };
    assert.not(groupAnswerSchema.safeParse({ ...answer, result }).success, JSON.stringify(change));
  }
});

async function checkBlobs(store: BlobStore): Promise<void> {
  // More than two pieces of 4 MiB.
  const bytes = new Uint8Array(9_000_001).map((_, i) => (i * 7 + (i >> 9)) & 255);
  const hash = await store.put(bytes);
  assert.is(hash, blobName(bytes));
  assert.is(await store.put(bytes), hash);
  assert.ok(Buffer.from(await store.get(hash)).equals(bytes));
  const empty = await store.put(new Uint8Array());
  assert.is((await store.get(empty)).length, 0);
  const error = async (name: string): Promise<string> =>
    store.get(name).then(
      () => "",
      (e: Error) => e.message,
    );
  assert.match(await error("0".repeat(64)), /missing/);
  assert.match(await error("../x"), /not a SHA-256/);
}

test("blobs in a folder, and one that was changed there", async () => {
  const place = path.join(folder, "blobs");
  const store = folderBlobs(place);
  await checkBlobs(store);
  const hash = await store.put(Buffer.from("right"));
  writeFileSync(path.join(place, hash), "wrong");
  assert.match((await store.get(hash).catch((e: Error) => e.message)) as string, /damaged/);
  await store.put(Buffer.from("right"));
  assert.is(Buffer.from(await store.get(hash)).toString(), "right");
});

test("nobody there: one line, without the password", async () => {
  const message = await refusal(connectQueue("redis://me:secret@127.0.0.1:1"));
  assert.match(message, /^No queue at redis:\/\/…@127\.0\.0\.1:1: .*ECONNREFUSED/);
});

/** TLS in front of a server, with a certificate made for the test. */
async function tlsBefore(port: number): Promise<{ server: Server; port: number; ca: string }> {
  const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", "-nodes", ...made, ...subject, ...files], {
    stdio: "ignore",
  });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    const inner = connect(port, "127.0.0.1");
    socket.on("error", () => inner.destroy());
    inner.on("error", () => socket.destroy());
    socket.pipe(inner).pipe(socket);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address ? address.port : 0, ca: cert };
}

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const main = async (): Promise<void> => {
  const redis = await findRedis();

  testWithRedis(test, redis, "blobs in Redis, and one that was changed there", async (program) => {
    const server = await newServer(program);
    const client = await connectQueue(server.address);
    closers.push(() => client.quit());
    const store = redisBlobs(client);
    await checkBlobs(store);
    const hash = await store.put(Buffer.from("right"));
    await client.hset(`${PREFIX}:blob:${hash}`, "0", "wrong");
    assert.match((await store.get(hash).catch((e: Error) => e.message)) as string, /damaged/);
    await client.hset(`${PREFIX}:blob:${hash}`, "length", "99999999999");
    assert.match((await store.get(hash).catch((e: Error) => e.message)) as string, /at most/);
  });

  testWithRedis(
    test,
    redis,
    "a password is asked for, and keys that may be dropped are refused",
    async (program) => {
      const server = await newServer(program, "--requirepass", "open sesame");
      const at = (user: string): string => server.address.replace("//", `//${user}`);
      assert.match(await refusal(connectQueue(server.address)), /NOAUTH/);
      assert.match(await refusal(connectQueue(at(":wrong@"))), /WRONGPASS/);
      await (await connectQueue(at(":open%20sesame@"))).quit();
      const dropping = await newServer(program, "--maxmemory-policy", "allkeys-lru");
      assert.match(await refusal(connectQueue(dropping.address)), /noeviction/);
    },
  );

  const tls = "TLS, with an authority of one's own";
  if (!hasOpenssl()) {
    console.log(`skipped: ${tls} (no openssl to make a certificate)`);
    test.skip(tls);
  } else
    testWithRedis(test, redis, tls, async (program) => {
      const { server, port, ca } = await tlsBefore((await newServer(program)).port);
      const address = `rediss://localhost:${port}`;
      assert.match(await refusal(connectQueue(address)), /self-signed certificate/);
      process.env.SEAL_QUEUE_CA = ca;
      const client = await connectQueue(address);
      assert.is(await client.ping(), "PONG");
      await client.quit();
      delete process.env.SEAL_QUEUE_CA;
      server.close();
    });

  testWithRedis(
    test,
    redis,
    "a worker is sent rubbish, and so is a run; both go on",
    async (program) => {
      const server = await newServer(program);
      const place = path.join(folder, "model");
      await writeSmallModel(place);
      const model = await loadModel(`file:${place}`);
      const name = queueName(weightsHash(model));
      const queue = new Queue(name, {
        connection: connectionOptions(server.address),
        prefix: PREFIX,
      });
      const client = new Redis(server.port, "127.0.0.1");
      closers.push(
        () => queue.close(),
        () => client.quit(),
      );
      const blobs = redisBlobs(client);
      const rubbish = [
        {},
        { job: "x" },
        { job: await blobs.put(Buffer.from("{")) },
        { job: await blobs.put(Buffer.from(`{"schema":1,"file":"/etc/passwd"}`)) },
        { job: await blobs.put(Buffer.from([0xff, 0xfe])) },
        { job: await blobs.put(Buffer.from("[]")), code: "require('fs')" },
      ];
      for (const data of rubbish) await queue.add("group", data, { attempts: 3 });
      await client.hset(`${PREFIX}:runs`, "x", "{", "y", `{"id":1}`);
      await client.hset(`${PREFIX}:workers`, "z", "null");
      const executor = await openQueueExecutor({
        queue: server.address,
        name: "test",
        attempts: 2,
      });
      const stop = new AbortController();
      closers.unshift(() => executor.close());
      const working = runWorker({
        queue: server.address,
        model: `file:${place}`,
        signal: stop.signal,
      });
      assert.is((await executor.execute(model, smallGroup(1))).candidates[0].status, "ok");
      assert.is(await queue.getFailedCount(), rubbish.length);
      for (const job of await queue.getFailed()) assert.is(job.attemptsMade, 1, job.failedReason);
      stop.abort();
      await working;
      // A worker that answers with rubbish: refused as often as a group may be tried, then its candidates have failed.
      const group = smallGroup(2);
      const forged = executor.execute(model, group);
      const machine = await thisMachine();
      const { Worker } = await import("bullmq");
      const wrong = [
        { result: "x", machine },
        { result: await blobs.put(Buffer.from("{}")), machine },
      ];
      const liar = new Worker(name, async () => wrong.shift(), {
        connection: connectionOptions(server.address),
        prefix: PREFIX,
      });
      const result = await forged;
      assert.equal(
        result.candidates.map(({ status, answers }) => [status, answers.length]),
        [
          ["failed", 0],
          ["failed", 0],
        ],
      );
      assert.match(result.candidates[0].reason ?? "", /a result was refused/);
      assert.is(wrong.length, 0);
      await liar.close();
    },
  );
  test.run();
};
void main();
