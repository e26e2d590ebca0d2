/** Compiles the project's fused kernels (src/engine/kernels) for this machine's processor, beside the native engine that loads them. */
import fs from "node:fs";
import path from "node:path";
import location from "./location.cjs";
import { execute, say, step, works } from "./support.mjs";

const FLAGS = [
  "-O3",
  "-std=c++17",
  "-fPIC",
  "-shared",
  "-pthread",
  "-fvisibility=hidden",
  // Sums in any order and no errno, so that loops vectorise; numbers that are not finite stay what they are.
  ...["-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math"],
];

/**
 * Makes sure that an engine's fused kernels are compiled. Without them everything works, slower: a failure is told and no more.
 * Only for CPUs.
 */
export async function ensureKernels(target) {
  const file = location.kernelsFile(target.folder);
  if (target.kind === "cuda" || process.platform === "win32" || fs.existsSync(file)) return;
  const compiler = [process.env.CXX?.split(" ")[0], "g++", "c++", "clang++"]
    .filter(Boolean)
    .find((name) => works(name, ["--version"]));
  if (!compiler) return say("set-up: no C++ compiler, so no fused kernels (slower)");
  const libraries = path.join(target.folder, "deps", "lib");
  const framework = fs
    .readdirSync(libraries)
    .find((name) => /^libtensorflow_framework\.(so|2\.dylib|dylib)/.test(name));
  const partial = `${file}.${process.pid}`;
  const log = fs.openSync(`${target.folder}.kernels.log`, "w");
  const native = process.arch === "arm64" ? "-mcpu=native" : "-march=native";
  const link = [path.join(libraries, framework), `-Wl,-rpath,${libraries}`];
  if (process.platform === "darwin") link.push("-Wl,-undefined,dynamic_lookup");
  const source = location.KERNEL_SOURCES.find((name) => name.endsWith(".cc"));
  const code = await step("compiling the fused kernels", () =>
    execute(compiler, [...FLAGS, native, source, "-o", partial, ...link], { log }),
  );
  fs.closeSync(log);
  if (code === 0) fs.renameSync(partial, file);
  else say("set-up: the fused kernels do not compile here; going on without (slower)");
}
