/** Jupyter's set-up with a stand-in for Python: what it says where something is missing, and that it can be interrupted. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { temporaryFolder } from "../run/temporary";

const test = suite("Jupyter's set-up");
const root = path.resolve(__dirname, "../..");
const scratch = temporaryFolder(test, "jupyter");

/** Notes its calls; makes itself the Python of a virtual environment; does what `body` says first. */
function fakePython(name: string, body = ""): { file: string; calls: () => string[] } {
  const [file, log] = [path.join(scratch, name), path.join(scratch, `${name}.log`)];
  writeFileSync(log, "");
  writeFileSync(
    file,
    `#!/bin/sh
echo "$*" >> "${log}"
${body}
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
`,
    { mode: 0o755 },
  );
  return { file, calls: () => readFileSync(log, "utf8").split("\n").slice(0, -1) };
}

function ensure(env: NodeJS.ProcessEnv): { status: number | null; stdout: string; stderr: string } {
  const url = pathToFileURL(path.join(root, "src/setup/jupyter.mjs")).href;
  const text = `import { ensureJupyter, offerKernel } from ${JSON.stringify(url)};
    const root = ${JSON.stringify(root)};
    try { console.log(await ensureJupyter(root)); offerKernel(root); }
    catch (error) { console.error(error.message); process.exitCode = 2; }`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", text], {
    env: { ...process.env, JUPYTER_DATA_DIR: path.join(scratch, "data"), ...env },
    encoding: "utf8",
  });
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";

test("without Python, or without venv: one line that says what to do", () => {
  const none = ensure({ PATH: "/nowhere", PYTHON: "", SEAL_CACHE: path.join(scratch, "a") });
  assert.is(none.status, 2);
  assert.is(
    none.stderr.trim(),
    "The notebooks need Python 3.10 or newer (python3), which was not found. Install it and run again.",
  );
  const body = `if [ "$2" = venv ]; then echo "No module named venv" >&2; exit 1; fi`;
  const { file } = fakePython("no-venv", body);
  const broken = ensure({ PYTHON: file, SEAL_CACHE: path.join(scratch, "b") });
  assert.match(lastLine(broken.stderr), /^Jupyter could not be set up: .*python3-venv.*log: /);
});

test("set up once, again after an interruption; the kernel is described to Jupyter and to other front ends", () => {
  const cache = path.join(scratch, "c");
  const { file, calls } = fakePython("works");
  const env = { PYTHON: file, SEAL_CACHE: cache };
  const python = lastLine(ensure(env).stdout);
  const folder = path.resolve(python, "../..");
  const installs = (): number => calls().filter((call) => call.includes("pip install")).length;
  assert.is(installs(), 1);
  ensure(env);
  assert.is(installs(), 1);
  rmSync(path.join(folder, "complete"));
  ensure(env);
  assert.is(installs(), 2);
  for (const kernels of [
    path.join(folder, "share/jupyter/kernels"),
    path.join(scratch, "data/kernels"),
  ]) {
    const kernel = JSON.parse(readFileSync(path.join(kernels, "tslab/kernel.json"), "utf8")) as {
      argv: string[];
      language: string;
    };
    assert.equal(kernel.argv, [process.execPath, "{resource_dir}/kernel.cjs", "{connection_file}"]);
    assert.is(kernel.language, "typescript");
    assert.ok(existsSync(path.join(kernels, "tslab/kernel.cjs")));
  }
});

test("a kernel of that name that is not ours stays as it is", () => {
  const file = path.join(scratch, "data/kernels/tslab/kernel.json");
  writeFileSync(file, '{"argv": ["tslab"]}');
  const { file: python } = fakePython("again");
  ensure({ PYTHON: python, SEAL_CACHE: path.join(scratch, "c") });
  assert.is(readFileSync(file, "utf8"), '{"argv": ["tslab"]}');
});

test.run();
