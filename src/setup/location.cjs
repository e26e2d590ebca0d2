/**
 * Where things are kept for each user and what the native engine is made from. Plain JavaScript:
 * the set-up reads it before any package is installed, and `src/engine` finds the engine by it.
 */
"use strict";
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const TENSORFLOW_VERSION = "2.21.0";
/** Fixed, so that the user's own Python does not matter: only headers and libraries are used. */
const WHEEL_PYTHON = "3.12";
const BINDING_VERSION = require("../../package.json").dependencies["@tensorflow/tfjs-node-gpu"];

/** The wheels that hold libtensorflow, by `platform-arch[-cuda]`, with their SHA-256 from pypi.org. */
const WHEELS = {
  "linux-x64": {
    package: "tensorflow-cpu",
    platforms: ["manylinux_2_27_x86_64"],
    sha256: "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb",
  },
  "linux-x64-cuda": {
    package: "tensorflow",
    platforms: ["manylinux_2_27_x86_64"],
    sha256: "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0",
  },
  "linux-arm64": {
    package: "tensorflow",
    platforms: ["manylinux_2_27_aarch64"],
    sha256: "b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552",
  },
  "darwin-arm64": {
    package: "tensorflow",
    platforms: ["macosx_12_0_arm64"],
    sha256: "56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712",
  },
};

/** The per-user cache directory, the same as `src/files/cache.ts` names; that one needs a package, this one none. */
function cacheRoot(env = process.env) {
  if (env.SEAL_CACHE) return path.resolve(env.SEAL_CACHE);
  const home = os.homedir();
  if (process.platform === "darwin") return path.join(home, "Library", "Caches", "seal-lab");
  if (process.platform === "win32") {
    const local = env.LOCALAPPDATA || path.join(home, "AppData", "Local");
    return path.join(local, "seal-lab", "Cache");
  }
  return path.join(env.XDG_CACHE_HOME || path.join(home, ".cache"), "seal-lab");
}

/** Whether an NVIDIA driver is here and the user has not hidden its GPUs. */
function hasNvidiaDriver(env = process.env) {
  if (["", "-1"].includes(env.CUDA_VISIBLE_DEVICES)) return false;
  if (fs.existsSync("/proc/driver/nvidia/version")) return true;
  const folders = (env.PATH || "").split(path.delimiter).filter(Boolean);
  return folders.some((folder) => fs.existsSync(path.join(folder, "nvidia-smi")));
}

/** The user's own libtensorflow: its libraries' folder and a short hash of what they are. */
function customLibrary(folder) {
  const root = path.resolve(folder);
  for (const libraries of [path.join(root, "lib"), root]) {
    const names = fs.existsSync(libraries)
      ? fs.readdirSync(libraries).filter((name) => /^libtensorflow.*\.(so|dylib)/.test(name))
      : [];
    if (names.length === 0) continue;
    const hash = createHash("sha256").update(root);
    for (const name of names.sort()) {
      const { mtimeMs, size } = fs.statSync(path.join(libraries, name));
      hash.update(`\n${name} ${mtimeMs} ${size}`);
    }
    return { root, libraries, names, hash: hash.digest("hex").slice(0, 12) };
  }
  return { root, libraries: root, names: [], hash: "missing" };
}

/**
 * The native engines that suit this machine, best first; the first is the one to set up.
 * Each is `{ kind, folder, key, wheel?, custom? }`; none where no wheel is known for the platform.
 */
function nativeTargets(env = process.env) {
  const platform = `${process.platform}-${process.arch}`;
  const target = (kind, source, rest) => {
    const key = `${source}-${platform}-binding-${BINDING_VERSION}`;
    return { kind, key, folder: path.join(cacheRoot(env), "engine", key), ...rest };
  };
  if (env.SEAL_LIBTENSORFLOW) {
    const custom = customLibrary(env.SEAL_LIBTENSORFLOW);
    return [target("custom", `custom-${custom.hash}`, { custom })];
  }
  const fromWheel = (kind, wheel) =>
    wheel ? [target(kind, `${wheel.package}-${TENSORFLOW_VERSION}`, { wheel })] : [];
  const cuda = hasNvidiaDriver(env) ? fromWheel("cuda", WHEELS[`${platform}-cuda`]) : [];
  return [...cuda, ...fromWheel("cpu", WHEELS[platform])];
}

/** Whether a native engine is complete: the manifest is written last, before the folder gets its name. */
function isComplete(target) {
  return fs.existsSync(path.join(target.folder, "engine.json"));
}

/** The compiled binding below an engine's folder. */
function bindingFile(folder) {
  return path.join(folder, "lib", "napi-v8", "tfjs_binding.node");
}

const KERNELS = path.join(__dirname, "../../src/engine/kernels");
const KERNEL_SOURCES = fs
  .readdirSync(KERNELS)
  .sort()
  .map((name) => path.join(KERNELS, name));

/** What the processor is and can do. Virtual machines give one name to several generations; Linux lists the instructions. */
function processor() {
  const info = "/proc/cpuinfo";
  const flags =
    fs.existsSync(info) && /^(flags|Features)\s*:.*/m.exec(fs.readFileSync(info, "utf8"));
  return `${os.cpus()[0]?.model ?? ""}\n${flags ? flags[0] : ""}`;
}

/** The compiled fused kernels below an engine's folder: another file for other sources, or another processor. */
function kernelsFile(folder) {
  const hash = createHash("sha256").update(processor());
  for (const source of KERNEL_SOURCES) hash.update(fs.readFileSync(source));
  return path.join(folder, `kernels-${hash.digest("hex").slice(0, 16)}.node`);
}

/**
 * What must be set before the binding is loaded: quiet logs, GPU memory as needed instead of all of
 * it, and the two functions of `util` that Node 23 took away and tfjs-node still calls.
 */
function prepareProcess(env = process.env) {
  env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  const util = require("node:util");
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

module.exports = {
  TENSORFLOW_VERSION,
  WHEEL_PYTHON,
  BINDING_VERSION,
  WHEELS,
  cacheRoot,
  hasNvidiaDriver,
  nativeTargets,
  isComplete,
  bindingFile,
  KERNEL_SOURCES,
  kernelsFile,
  prepareProcess,
};
