/** The set-up's parts as processes: exit codes, locks, and what it says where tools are missing. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../run/temporary";

const setup = suite("set-up");
const scratch = temporaryFolder(setup, "set-up");
const source = path.resolve(__dirname, "../../src/setup");
const urlOf = (name: string): string => JSON.stringify(pathToFileURL(path.join(source, name)).href);

interface Ended {
  code: number | null;
  stderr: string;
}

/** Runs a module's text in a process of its own. */
function runModule(text: string, env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", text], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => (stderr += part));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })));
}

setup("the program's exit code is passed through, a signal as 128 + its number", async () => {
  const run = (body: string): Promise<Ended> =>
    runModule(
      `import { handOver } from ${urlOf("support.mjs")};
       process.exit(await handOver(["-e", ${JSON.stringify(body)}]));`,
    );
  assert.is((await run("process.exit(7)")).code, 7);
  assert.is(
    (await run("process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 9e3)")).code,
    143,
  );
});

setup("an interrupt ends the running step with its children and removes what it made", async () => {
  const made = path.join(scratch, "made");
  const body = `
    import fs from "node:fs";
    import { catchSignals, execute, removeOnInterrupt } from ${urlOf("support.mjs")};
    catchSignals();
    fs.mkdirSync(${JSON.stringify(made)});
    removeOnInterrupt(${JSON.stringify(made)});
    setTimeout(() => process.kill(process.pid, "SIGINT"), 200);
    await execute("sleep", ["30"]);`;
  const start = Date.now();
  assert.is((await runModule(body)).code, 130);
  assert.is(existsSync(made), false);
  assert.ok(Date.now() - start < 20_000);
});

setup("two at once take turns; a lock whose owner is gone is taken over", async () => {
  const lock = path.join(scratch, "x.lock");
  const log = path.join(scratch, "log");
  writeFileSync(lock, "999999999");
  const body = `
    import fs from "node:fs";
    import { withLock } from ${urlOf("support.mjs")};
    await withLock(${JSON.stringify(lock)}, async () => {
      fs.appendFileSync(${JSON.stringify(log)}, "in ");
      await new Promise((resolve) => setTimeout(resolve, 300));
      fs.appendFileSync(${JSON.stringify(log)}, "out ");
    });`;
  const codes = [await runModule(body), ...(await Promise.all([runModule(body), runModule(body)]))];
  assert.equal(
    codes.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.is(readFileSync(log, "utf8"), "in out in out in out ");
  assert.is(existsSync(lock), false);
});

setup("without Python and a compiler it says so, and how to go on", async () => {
  const body = `
    import { ensureNative } from ${urlOf("native.mjs")};
    await ensureNative("/nowhere").catch((error) => { console.error(error.message); process.exit(9); });`;
  const env = {
    PATH: scratch,
    SEAL_CACHE: path.join(scratch, "cache"),
    SEAL_LIBTENSORFLOW: scratch,
  };
  const { code, stderr } = await runModule(body, env);
  assert.is(code, 9);
  assert.match(stderr, /not found: Python 3.8 or newer \(python3\), a C\+\+ compiler .*, make\./);
  assert.match(stderr, /--no-native/);
  assert.is(stderr.trim().split("\n").length, 2);
});

setup.run();
