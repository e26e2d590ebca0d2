/**
 * Jupyter in a virtual environment in the user's cache, with a kernel for TypeScript (tslab). Plain
 * JavaScript; runs after `npm ci`. What is then done with it is `src/notebook/command.ts`.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import location from "./location.cjs";
import { execute, SetupError, step, withLock, works } from "./support.mjs";

const OLDEST_PYTHON = "3.10";
const KERNEL = "tslab";

/** Python's executable in a virtual environment. */
function pythonOf(folder) {
  return process.platform === "win32"
    ? path.join(folder, "Scripts", "python.exe")
    : path.join(folder, "bin", "python");
}

function findPython() {
  const check = `import sys; sys.exit(sys.version_info < (${OLDEST_PYTHON.replace(".", ", ")}))`;
  const python = [process.env.PYTHON, "python3", "python"]
    .filter(Boolean)
    .find((name) => works(name, ["-c", check]));
  if (!python) {
    throw new SetupError(
      `The notebooks need Python ${OLDEST_PYTHON} or newer (python3), which was not found. Install it and run again.`,
    );
  }
  return python;
}

function explain(logFile) {
  const log = fs.readFileSync(logFile, "utf8").slice(-20_000);
  if (/No space left/i.test(log)) return "the disk is full; make room and run again";
  if (/ensurepip|No module named (venv|pip)/i.test(log))
    return "this Python has no venv or no pip; install them (Debian: apt install python3-venv)";
  if (/Connection|Max retries|resolve|Proxy|timed out|No matching distribution/i.test(log))
    return "pip cannot get the packages; check the network and pip's index setting";
  return "see the log";
}

async function build(folder, requirements) {
  const python = findPython();
  const logFile = `${folder}.log`;
  fs.rmSync(folder, { recursive: true, force: true });
  const log = fs.openSync(logFile, "w");
  try {
    const run = async (command, ...args) => {
      if ((await execute(command, args, { log })) === 0) return;
      throw new SetupError(`Jupyter could not be set up: ${explain(logFile)} (log: ${logFile})`);
    };
    await step("installing Jupyter in a virtual environment (about 150 MB)", async () => {
      await run(python, "-m", "venv", folder);
      const flags = ["--progress-bar=off", "--disable-pip-version-check", "--no-input"];
      await run(pythonOf(folder), "-m", "pip", "install", ...flags, "-r", requirements);
    });
  } finally {
    fs.closeSync(log);
  }
}

/** Writes a kernel specification: Node runs a launcher that lies beside it and finds tslab from the notebook's folder. */
function writeKernel(kernels, root) {
  const folder = path.join(kernels, KERNEL);
  const specification = {
    argv: [process.execPath, "{resource_dir}/kernel.cjs", "{connection_file}"],
    display_name: "TypeScript (tslab)",
    language: "typescript",
    interrupt_mode: "signal",
    env: { SEAL_LAB_ROOT: root },
  };
  const text = `${JSON.stringify(specification, null, 1)}\n`;
  fs.mkdirSync(folder, { recursive: true });
  fs.copyFileSync(path.join(root, "src/notebook/kernel.cjs"), path.join(folder, "kernel.cjs"));
  fs.writeFileSync(path.join(folder, "kernel.json"), text);
}

/** Jupyter's folder of the user, where VS Code and other front ends look for kernels. */
function userKernels() {
  const { env, platform } = process;
  if (env.JUPYTER_DATA_DIR) return path.join(env.JUPYTER_DATA_DIR, "kernels");
  if (platform === "darwin") return path.join(os.homedir(), "Library", "Jupyter", "kernels");
  if (platform === "win32" && env.APPDATA) return path.join(env.APPDATA, "jupyter", "kernels");
  const data = env.XDG_DATA_HOME || path.join(os.homedir(), ".local", "share");
  return path.join(data, "jupyter", "kernels");
}

/** Lets other front ends (VS Code) find the kernel; a kernel of that name that is not ours is left alone. */
export function offerKernel(root) {
  const file = path.join(userKernels(), KERNEL, "kernel.json");
  if (fs.existsSync(file) && !fs.readFileSync(file, "utf8").includes("SEAL_LAB_ROOT")) return;
  writeKernel(userKernels(), root);
}

/** Makes sure that Jupyter and the kernel are there; returns Jupyter's Python. Throws SetupError where they cannot be. */
export async function ensureJupyter(root) {
  const requirements = path.join(root, "src/setup/jupyter-requirements.txt");
  const hash = createHash("sha256").update(fs.readFileSync(requirements)).digest("hex");
  const folder = path.join(location.cacheRoot(), "jupyter", hash.slice(0, 12));
  const stamp = path.join(folder, "complete");
  await withLock(`${folder}.lock`, async () => {
    // A Python that was upgraded away leaves a virtual environment that does not start.
    if (!fs.existsSync(stamp) || !works(pythonOf(folder), ["--version"])) {
      await build(folder, requirements);
      fs.writeFileSync(stamp, "");
    }
    writeKernel(path.join(folder, "share", "jupyter", "kernels"), root);
  });
  return pythonOf(folder);
}
