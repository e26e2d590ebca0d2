/** node-llama-cpp, for information beside the decoding: its package in the user's cache, and its process. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../files/cache";
import { errorMessage } from "../messages/errors";
import { resolveModel } from "../model/sources";
import { startProcess, type Peer } from "./peer-process";

const VERSION = "3.22.1";
const SCRIPT = path.join(__dirname, "../../experiments/bench/llama.mjs");

/** What it says of itself. */
export interface LlamaHello {
  readonly version: string;
  /** The weights that it multiplies, as it names the file's. */
  readonly weights: string;
}

/** Starts it on the model's GGUF file; undefined, with a note why, where there is none or it cannot be had. */
export async function startLlama(
  modelId: string,
  threads: number,
  note: (text: string) => void,
): Promise<Peer<LlamaHello> | undefined> {
  const files = await resolveModel(modelId);
  if (files.kind !== "gguf") return undefined;
  try {
    const entry = await install(note);
    const args = [SCRIPT, entry, files.path, String(threads)];
    const started = await startProcess<{ weights: string }>(process.execPath, args);
    return { ...started, hello: { version: VERSION, ...started.hello } };
  } catch (error) {
    note(`without llama.cpp, which is for information: ${errorMessage(error).split("\n")[0]}`);
    return undefined;
  }
}

/** The package's main module, installed in the user's cache on first use (85 MB: the processor's binaries alone). */
async function install(note: (text: string) => void): Promise<string> {
  const folder = path.join(cacheDirectory(), "bench", `node-llama-cpp-${VERSION}`);
  const done = path.join(folder, "done");
  if (!existsSync(done)) {
    note(`installing node-llama-cpp ${VERSION} for information (85 MB, once)`);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "package.json"), "{}");
    const packages = ["node-llama-cpp", `@node-llama-cpp/${platformName()}`];
    const flags = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
    const npm = process.env.npm_execpath ?? "";
    const [command, ...first] = npm.endsWith("npm-cli.js") ? [process.execPath, npm] : ["npm"];
    const named = packages.map((name) => `${name}@${VERSION}`);
    const args = [...first, "install", "--prefix", folder, ...flags, ...named];
    await promisify(execFile)(command, args, { cwd: folder, maxBuffer: 1e8 });
    await writeFile(done, "");
  }
  return path.join(folder, "node_modules", "node-llama-cpp", "dist", "index.js");
}

/** As the package names the platforms of its binaries. */
function platformName(): string {
  const { platform, arch } = process;
  if (platform === "darwin") return arch === "arm64" ? "mac-arm64-metal" : "mac-x64";
  return `${platform === "win32" ? "win" : platform}-${arch}`;
}
