/** What a front end is told of a notebook's imports: completion, documentation, type errors, a user's mistake. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { jupyterPython, testWithJupyter } from "./jupyter";

const test = suite("the kernel");

interface Ran {
  status: string;
  printed: string;
}

interface Answers {
  imported: Ran;
  inspected: string;
  documented: Record<string, string>;
  completed: string[];
  keys: string[];
  mistyped: Ran;
  mistaken: Ran;
}

testWithJupyter(
  test,
  "types and documentation of imports; errors without a stack trace where the user is wrong",
  async () => {
    const script = path.join(__dirname, "kernel.py");
    const folder = path.join(__dirname, "../../notebooks");
    const everything = Object.keys(createRequire(__filename)("seal-lab") as object);
    const args = [script, folder, JSON.stringify(everything)];
    const { stdout } = await promisify(execFile)(jupyterPython, args);
    const answers = JSON.parse(stdout) as Answers;
    assert.equal(answers.imported, { status: "ok", printed: "" });
    assert.match(
      answers.inspected,
      /function trainAdapters\(model: Model, jobs: readonly AdapterJob\[\]/,
    );
    assert.match(answers.inspected, /Trains one adapter for each job, several at once/);
    for (const name of ["loadModel", "generate", "trainAdapters", "frame", "show"])
      assert.ok(everything.includes(name), name);
    // Its type without "any", a line that says where it comes from, then what it is.
    for (const name of everything) {
      const [type, ...text] = answers.documented[name].split("\n\n");
      assert.match(type, new RegExp(`^\\(alias\\) (function|const|class) ${name}\\b`), name);
      assert.not.match(type, /\bany\b/, name);
      assert.ok(text.join(" ").length > 20, `${name} has no documentation`);
    }
    assert.equal(answers.completed, ["trainAdapters"]);
    assert.equal(answers.keys, ["sequences"]);
    assert.is(answers.mistyped.status, "error");
    assert.match(answers.mistyped.printed, /Argument of type 'number' is not assignable/);
    assert.is(answers.mistaken.printed.trim(), "UserError: said in one line");
  },
);

test.run();
