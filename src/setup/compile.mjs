/** Compiles tfjs-node's binding with node-gyp; where its headers and libraries come from is `native.mjs`'s matter. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import location from "./location.cjs";
import { execute, failure, removeOnInterrupt, removeScratch } from "./support.mjs";

/** A folder with the binding's sources for node-gyp; without spaces, which make and gyp cannot cope with. */
function prepareBuild(root, deps) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "seal-build-"));
  removeOnInterrupt(folder);
  if (/\s/.test(folder)) {
    throw failure(`make needs a path without spaces, not ${folder}.`, "Set TMPDIR.");
  }
  const source = path.join(root, "node_modules/@tensorflow/tfjs-node-gpu");
  for (const name of ["binding", "binding.gyp", "package.json"]) {
    fs.cpSync(path.join(source, name), path.join(folder, name), { recursive: true });
  }
  fs.symlinkSync(deps, path.join(folder, "deps"));
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  return folder;
}

/** Node's headers from beside the running node, linked into `folder`; none where they are not, so that node-gyp gets them. */
function nodeHeaders(folder) {
  const prefix = path.resolve(fs.realpathSync(process.execPath), "../..");
  if (!fs.existsSync(path.join(prefix, "include/node/node_api.h"))) return [];
  const link = path.join(folder, "node");
  fs.symlinkSync(prefix, link);
  return [`--nodedir=${link}`];
}

/** Runs node-gyp in `folder`; links stay links, so that no path has a space. */
function runGyp(folder, args, context) {
  const script = path.join(folder, "node_modules/node-gyp/bin/node-gyp.js");
  const flags = ["--preserve-symlinks", "--preserve-symlinks-main"];
  const env = { ...process.env, PYTHON: context.tools.python, NODE_OPTIONS: "" };
  return execute(process.execPath, [...flags, script, ...args], {
    log: context.log,
    cwd: folder,
    env,
  });
}

/** Compiles the binding and puts it into the staging folder. */
export async function compile(root, deps, context) {
  const folder = prepareBuild(root, deps);
  const headers = nodeHeaders(folder);
  const variables = ["module_name=tfjs_binding", "module_path=lib/napi-v8", "napi_build_version=8"];
  const defines = variables.map((variable) => `-D${variable}`);
  if ((await runGyp(folder, ["configure", ...headers, "--", ...defines], context)) !== 0) {
    const remedy = headers.length > 0 ? "See the log." : "Node's headers could not be downloaded?";
    throw failure("node-gyp configure failed.", remedy, context);
  }
  if ((await runGyp(folder, ["build", "--jobs=max"], context)) !== 0) {
    throw failure("the compiler failed.", "A C++17 compiler (g++ 9, clang 10) is needed.", context);
  }
  const target = location.bindingFile(context.staging);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.copyFileSync(path.join(folder, "lib/napi-v8/tfjs_binding.node"), target);
  if (process.platform === "darwin") {
    const runPath = ["-add_rpath", "@loader_path/../../deps/lib", target];
    await execute("install_name_tool", runPath, { log: context.log });
    await execute("codesign", ["-f", "-s", "-", target], { log: context.log });
  }
  removeScratch(folder);
}
