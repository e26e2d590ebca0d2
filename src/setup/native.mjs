/**
 * Compiles the native engine into the user's cache: tfjs-node's own N-API binding against the
 * libtensorflow of a Python wheel (or the user's own). Plain JavaScript; runs after `npm ci`.
 * Choosing and starting an engine is `src/engine`'s work.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { compile } from "./compile.mjs";
import { ensureKernels } from "./kernels.mjs";
import location from "./location.cjs";
import { openWheel } from "./wheel.mjs";
import {
  duration,
  execute,
  failure,
  isAlive,
  removeOnInterrupt,
  removeScratch,
  step,
  withLock,
  works,
} from "./support.mjs";

/** Whole wheels of the fixed Python version, whatever the one that runs pip. */
const PIP_FLAGS = [
  "--no-deps",
  "--only-binary=:all:",
  "--implementation=cp",
  `--python-version=${location.WHEEL_PYTHON}`,
  "--no-cache-dir",
  "--progress-bar=off",
  "--disable-pip-version-check",
];
/** The headers that the binding includes, in the folders that the wheel spreads them over. */
const HEADER =
  /^tensorflow\/include\/(tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.*\.h$/;
const LIBRARY = /^tensorflow\/libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/;

/** Finds Python, pip, a C++ compiler and make before anything large is fetched. */
function findTools(target) {
  const python = [process.env.PYTHON, "python3", "python"]
    .filter(Boolean)
    .find((name) => works(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]));
  const pip =
    python && works(python, ["-m", "pip", "--version"])
      ? [python, "-m", "pip"]
      : ["pip3", "pip"].filter((name) => works(name, ["--version"])).slice(0, 1);
  const compiler = [process.env.CXX?.split(" ")[0], "g++", "c++", "clang++"].filter(Boolean);
  const missing = [
    python ? [] : ["Python 3.8 or newer (python3)"],
    pip.length > 0 || target.custom ? [] : ["pip (python3 -m pip)"],
    compiler.some((name) => works(name, ["--version"])) ? [] : ["a C++ compiler (g++ or clang++)"],
    works("make", ["--version"]) ? [] : ["make"],
  ].flat();
  if (missing.length > 0) {
    throw failure(`not found: ${missing.join(", ")}.`, "Install what is missing and run again.");
  }
  return { python, pip };
}

function folderBytes(folder) {
  let total = 0;
  for (const entry of fs.readdirSync(folder, { recursive: true })) {
    total += fs.statSync(path.join(folder, entry), { throwIfNoEntry: false })?.size ?? 0;
  }
  return total;
}

/** What went wrong with pip, from the end of its log. */
function explainPip(context) {
  const log = fs.readFileSync(context.logFile, "utf8").slice(-20_000);
  if (/No space left/i.test(log)) return ["no space left on the disk.", "Make room and run again."];
  if (/NewConnectionError|ConnectTimeout|Max retries|resolve|Connection|Proxy|timed out/i.test(log))
    return ["pip cannot reach its package index.", "Check the network and pip's index setting."];
  if (/No matching distribution|Could not find a version/i.test(log))
    return [
      "pip found no such wheel, or could not reach its package index.",
      "Check the network and pip's index setting.",
    ];
  return ["pip failed.", "See the log."];
}

/** Downloads wheels with pip into `folder`; `requirements` as pip names them. */
async function download(requirements, platforms, folder, context) {
  fs.mkdirSync(path.join(folder, "tmp"), { recursive: true });
  const [command, ...first] = context.tools.pip;
  const tags = platforms.map((platform) => `--platform=${platform}`);
  const args = [...first, "download", ...PIP_FLAGS, ...tags, "--dest", folder, ...requirements];
  const env = { ...process.env, TMPDIR: path.join(folder, "tmp") };
  const code = await execute(command, args, { log: context.log, env });
  if (code !== 0) throw failure(...explainPip(context), context);
  return fs
    .readdirSync(folder)
    .filter((name) => name.endsWith(".whl"))
    .map((name) => path.join(folder, name));
}

async function checkHash(file, expected, context) {
  const hash = createHash("sha256");
  await pipeline(fs.createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found === expected) return;
  throw failure(
    `${path.basename(file)} has SHA-256 ${found} instead of ${expected}.`,
    "The package index gives another file than pypi.org: use another one.",
    context,
  );
}

/** Fetches the wheel and takes its headers and two libraries, and with CUDA the NVIDIA wheels' libraries. */
async function fromWheel({ kind, wheel }, deps, context) {
  const folder = path.join(context.staging, "wheels");
  const requirement = `${wheel.package}==${location.TENSORFLOW_VERSION}`;
  const bytes = () => `, ${Math.round(folderBytes(folder) / 1e6)} MB`;
  const [file] = await step(
    `downloading ${requirement} with pip (about ${kind === "cuda" ? 570 : 280} MB)`,
    () => download([requirement], wheel.platforms, folder, context),
    bytes,
  );
  await checkHash(file, wheel.sha256, context);
  const metadata = await step("unpacking headers and libraries", () =>
    openWheel(file, (name) => {
      if (HEADER.test(name)) return path.join(deps, name.slice("tensorflow/".length));
      return LIBRARY.test(name) ? path.join(deps, "lib", path.basename(name)) : undefined;
    }),
  );
  fs.rmSync(file);
  if (kind === "cuda") await addCuda(metadata, folder, deps, context, bytes);
  fs.rmSync(folder, { recursive: true });
}

/** The NVIDIA libraries that the wheel itself names, put where its libraries' run path looks: beside deps/lib. */
async function addCuda(metadata, folder, deps, context, bytes) {
  const requirements = [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;]+);.*and-cuda/gm)].map(
    (match) => match[1].trim(),
  );
  const platforms = [17, 24, 27, 28].map((minor) => `manylinux_2_${minor}_x86_64`);
  const files = await step(
    "downloading NVIDIA's CUDA libraries with pip (about 2.5 GB)",
    () => download(requirements, [...platforms, "manylinux2014_x86_64"], folder, context),
    bytes,
  );
  await step("unpacking the CUDA libraries", async () => {
    for (const file of files) {
      await openWheel(file, (name) =>
        /^nvidia\/[^/]+\/(lib\/.*\.so|bin\/|nvvm\/)/.test(name) ? path.join(deps, name) : undefined,
      );
    }
  });
}

/** Links the user's own libraries and headers into `deps`. */
function fromCustom({ custom }, deps) {
  const include = path.join(custom.root, "include");
  if (custom.names.length === 0 || !fs.existsSync(path.join(include, "tensorflow/c/c_api.h"))) {
    throw failure(
      `SEAL_LIBTENSORFLOW=${custom.root} has not got lib/libtensorflow* and include/tensorflow/c/c_api.h.`,
      "Name a folder that has both.",
    );
  }
  fs.symlinkSync(include, path.join(deps, "include"));
  for (const name of custom.names) {
    fs.symlinkSync(path.join(custom.libraries, name), path.join(deps, "lib", name));
  }
}

/** Gives the libraries the names that the binding's build links against. */
function linkNames(libraries, context) {
  const names = fs.readdirSync(libraries);
  const mac = process.platform === "darwin";
  for (const stem of ["libtensorflow", "libtensorflow_framework"]) {
    const link = mac ? `${stem}.2.dylib` : `${stem}.so`;
    if (names.includes(link)) continue;
    const accepted = new RegExp(`^${stem}(_cc)?\\.(so|[0-9.]*dylib)`);
    const library = names.filter((name) => accepted.test(name)).sort()[0];
    if (!library) throw failure(`no ${stem} found.`, "Use another libtensorflow.", context);
    fs.symlinkSync(library, path.join(libraries, link));
  }
}

async function build(root, target, context) {
  const started = Date.now();
  const deps = path.join(context.staging, "deps");
  fs.mkdirSync(path.join(deps, "lib"), { recursive: true });
  if (target.custom) fromCustom(target, deps);
  else await fromWheel(target, deps, context);
  linkNames(path.join(deps, "lib"), context);
  await step("compiling the binding with node-gyp", () => compile(root, deps, context));
  await step("checking a product and a gradient", async () => {
    const script = fileURLToPath(new URL("./verify.cjs", import.meta.url));
    const code = await execute(process.execPath, [script, context.staging], { log: context.log });
    if (code !== 0) throw failure("its results are wrong or it crashed.", "See the log.", context);
  });
  fs.rmSync(path.join(deps, "include"), { recursive: true });
  const manifest = {
    kind: target.kind,
    binding: location.BINDING_VERSION,
    wheel: target.wheel,
    custom: target.custom?.root,
    built: new Date().toISOString(),
  };
  fs.writeFileSync(
    path.join(context.staging, "engine.json"),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
  fs.rmSync(target.folder, { recursive: true, force: true });
  fs.renameSync(context.staging, target.folder);
  return Date.now() - started;
}

/** Removes what set-ups that were killed left behind. */
function removeLeftovers(folder) {
  for (const name of fs.readdirSync(folder)) {
    const pid = /^\.building-(\d+)$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) {
      fs.rmSync(path.join(folder, name), { recursive: true, force: true });
    }
  }
}

/**
 * Makes sure that the best native engine for this machine is in the cache, with fused kernels where they can be compiled.
 * Returns undefined where it is, or a reason why this platform has none; throws SetupError where it should be had and cannot.
 */
export async function ensureNative(root) {
  const [target] = location.nativeTargets();
  if (!target) return `no native engine is known for ${process.platform} on ${process.arch}`;
  await ensureEngine(root, target);
  await ensureKernels(target);
  return undefined;
}

async function ensureEngine(root, target) {
  if (location.isComplete(target)) return;
  const tools = findTools(target);
  const folder = path.dirname(target.folder);
  await withLock(`${target.folder}.lock`, async () => {
    if (location.isComplete(target)) return;
    removeLeftovers(folder);
    const staging = path.join(folder, `.building-${process.pid}`);
    removeOnInterrupt(staging);
    const logFile = `${target.folder}.log`;
    const log = fs.openSync(logFile, "w");
    try {
      const time = await build(root, target, { staging, tools, log, logFile });
      process.stderr.write(`set-up: the native engine is ready (${duration(time)})\n`);
    } finally {
      fs.closeSync(log);
      removeScratch(staging);
    }
  });
}
