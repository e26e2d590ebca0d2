/**
 * What `npm start`, `npm test`, `npm run seal` and `npm run notebooks` do first: the locked packages, the
 * compiled sources, the native engine, Jupyter; then the program itself. Only Node is needed to begin with.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import location from "./location.cjs";
import { catchSignals, execute, handOver, say, SetupError, step, withLock } from "./support.mjs";

const OLDEST_NODE = 20;
const root = fileURLToPath(new URL("../..", import.meta.url));
const inRoot = (...parts) => path.join(root, ...parts);
const readText = (file) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
const hashOf = (text) => createHash("sha256").update(text).digest("hex");

/** Whether what npm noted at the end of an install is what the lock asks for. */
function matchesLock(lock) {
  const installed = readText(inRoot("node_modules/.package-lock.json"));
  if (!installed) return false;
  const found = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(lock).packages).every(
    ([place, wanted]) =>
      place === "" || wanted.optional || found[place]?.version === wanted.version,
  );
}

/** Installs the locked packages unless they are there; the stamp is written when all of them are. */
async function ensurePackages() {
  const lock = readText(inRoot("package-lock.json"));
  const stamp = inRoot("node_modules/.seal-lock");
  const current = () => readText(stamp) === hashOf(lock);
  if (current()) return;
  await withLock(lockFile("packages"), async () => {
    if (current()) return;
    if (!matchesLock(lock)) await installPackages();
    fs.writeFileSync(stamp, hashOf(lock));
  });
}

async function installPackages() {
  const why = fs.existsSync(inRoot("node_modules")) ? "differ from package-lock.json" : "missing";
  const npm = process.env.npm_execpath ?? "";
  const command = npm.endsWith("npm-cli.js") ? [process.execPath, npm] : ["npm"];
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-fund", "--no-audit"];
  const code = await step(`installing packages with npm ci (node_modules: ${why})`, () =>
    execute(command[0], [...command.slice(1), ...args], { cwd: root }),
  ).catch((error) => error.message);
  if (code !== 0) {
    throw new SetupError(
      `npm ci failed (${code}); what it said is above.\nCheck the network, npm's registry setting and free disk space, then run again.`,
    );
  }
}

/** Lets the package import itself by name, as notebooks do; `npm ci` removes the link. */
function ensureLink() {
  const link = inRoot("node_modules/seal-lab");
  if (fs.existsSync(link) && fs.realpathSync(link) === fs.realpathSync(root)) return;
  fs.rmSync(link, { recursive: true, force: true });
  try {
    // Windows makes junctions without special rights, and only with whole paths.
    const target = process.platform === "win32" ? inRoot() : "..";
    fs.symlinkSync(target, link, "junction");
  } catch (error) {
    // Another set-up was faster.
    if (error.code !== "EEXIST") throw error;
  }
}

/** A lock for this checkout, kept in the cache since `npm ci` empties node_modules. */
function lockFile(name) {
  return path.join(location.cacheRoot(), "locks", `${hashOf(root).slice(0, 16)}-${name}.lock`);
}

/** Every source with its size and time of change: equal text, equal build. */
function sourceState() {
  const sources = fs
    .readdirSync(inRoot("src"), { recursive: true })
    .filter((name) => /\.(ts|json|cts)$/.test(name))
    .sort()
    .map((name) => path.join("src", name));
  return [...sources, "tsconfig.json", "tsconfig.build.json", "package-lock.json"]
    .map((name) => {
      const { size, mtimeMs } = fs.statSync(inRoot(name));
      return `${name} ${size} ${mtimeMs}`;
    })
    .join("\n");
}

/** Removes compiled files whose source is gone. */
function removeStale() {
  if (!fs.existsSync(inRoot("dist"))) return;
  for (const name of fs.readdirSync(inRoot("dist"), { recursive: true })) {
    const source = /^(.*?)(\.d\.ts|\.js)$/.exec(name)?.[1];
    if (source && !fs.existsSync(inRoot("src", `${source}.ts`))) fs.rmSync(inRoot("dist", name));
  }
}

/** Compiles src/ into dist/ if a source changed since the last time. */
async function ensureBuild() {
  const stamp = inRoot("dist/.seal-build");
  const current = () => readText(stamp) === sourceState();
  if (current()) return;
  await withLock(lockFile("build"), async () => {
    if (current()) return;
    const state = sourceState();
    removeStale();
    const compiler = inRoot("node_modules/typescript/bin/tsc");
    const code = await step("compiling the sources", () =>
      execute(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: root }),
    );
    if (code !== 0) throw new SetupError("The sources do not compile; the errors are above.");
    fs.writeFileSync(stamp, state);
  });
}

/** Whether these arguments need no engine: help, and verbs that only read files. */
function needsNoEngine(args) {
  const light = ["doctor", "figures", "compare", "pull"];
  return (
    ["--help", "-h", "--version", "-V"].some((flag) => args.includes(flag)) ||
    light.includes(args[0])
  );
}

/** Sets up the native engine unless the user wants another one; says why where there is none. */
async function ensureEngine() {
  if ((process.env.SEAL_ENGINE ?? "tensorflow") !== "tensorflow") return;
  const { ensureNative } = await import("./native.mjs");
  const reason = await ensureNative(root);
  if (reason) say(`set-up: ${reason}; the wasm engine is used`);
}

/** Sets up Jupyter and opens it, or executes the notebooks. */
async function notebooks(args) {
  const command = inRoot("dist/notebook/command.js");
  if (args.includes("--help") || args.includes("-h")) return handOver([command, ...args]);
  const { ensureJupyter, offerKernel } = await import("./jupyter.mjs");
  process.env.SEAL_JUPYTER_PYTHON = await ensureJupyter(root);
  if (!args.includes("--execute")) offerKernel(root);
  if (args.includes("--setup")) return 0;
  return handOver([command, ...args], root);
}

async function main([verb, ...rest]) {
  if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
    throw new SetupError(`Node ${OLDEST_NODE} or newer is needed, this is ${process.version}.`);
  }
  const args = rest.filter((argument) => argument !== "--no-native");
  if (args.length < rest.length && (process.env.SEAL_ENGINE ?? "tensorflow") === "tensorflow") {
    process.env.SEAL_ENGINE = "wasm";
  }
  catchSignals();
  await ensurePackages();
  ensureLink();
  // The test command counts a failing build among its failures and so does it itself.
  if (verb !== "test") await ensureBuild();
  if (verb === "build") return 0;
  if (verb === "setup" || !needsNoEngine(verb === "start" ? ["start", ...args] : args)) {
    await ensureEngine();
  }
  if (verb === "setup") return 0;
  if (verb === "start") return handOver([inRoot("dist/cli.js"), "start", ...args]);
  if (verb === "notebooks") return notebooks(args);
  if (verb === "seal") return handOver([inRoot("dist/cli.js"), ...args]);
  if (verb === "test") {
    return handOver(["-r", "tsx/cjs", inRoot("test/run.ts"), "--checks", ...args], root);
  }
  throw new SetupError(
    `Unknown verb "${verb}": one of start, test, seal, notebooks, setup, build.`,
  );
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    say(error instanceof SetupError ? error.message : (error.stack ?? String(error)));
    process.exit(error instanceof SetupError ? 2 : 1);
  },
);
