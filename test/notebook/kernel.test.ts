/** What a front end is told of a notebook's imports: completion, documentation, type errors, a user's mistake. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
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
  documented: Record<string, Record<string, string>>;
  settings: string[];
  completed: string[];
  keys: string[];
  mistyped: Ran;
  mistaken: Ran;
}

/** Settings as they are written in a cell, the cursor at "|", and what is said of them. */
const SETTINGS: [code: string, said: RegExp][] = [
  [
    'await trainAdapters(model, [{ sequences: ["a"], settings: { ra|nk: 4 } }]);',
    /rank\?: number.*Rank of the two matrices \(PEFT's r\), 32 unless told\./s,
  ],
  [
    'await trainAdapters(model, [{ sequences: ["a"] }], { concurr|ency: 2 });',
    /Adapters trained at once, 8 unless told\./,
  ],
  [
    'await generate(model, ["a"], { maximum|Tokens: 3 });',
    /Most new tokens of an answer, 64 unless told\./,
  ],
  [
    'await adaptToPassage(model, { title: "", passage: "" }, { extra|Rounds: 3 });',
    /8 unless told/,
  ],
  ["showTable(frame([{ a: 1 }]), { deci|mals: 1 });", /3 unless told/],
  ['(await readRecord("x")).rows[0].accu|racy;', /Share of these answered/],
];

testWithJupyter(
  test,
  "types and documentation of imports; errors without a stack trace where the user is wrong",
  async () => {
    const script = path.join(__dirname, "kernel.py");
    const folder = path.join(__dirname, "../../notebooks");
    const { exports } = JSON.parse(readFileSync(path.join(folder, "../package.json"), "utf8")) as {
      exports: Record<string, unknown>;
    };
    const paths = Object.keys(exports)
      .filter((name) => !name.endsWith(".json"))
      .map((name) => name.replace(/^\./, "seal-lab"));
    const everything = Object.fromEntries(
      paths.map((name) => [name, Object.keys(createRequire(__filename)(name) as object)]),
    );
    const codes = SETTINGS.map(([code]) => code);
    const args = [script, folder, JSON.stringify(everything), JSON.stringify(codes)];
    const { stdout } = await promisify(execFile)(jupyterPython, args);
    const answers = JSON.parse(stdout) as Answers;
    assert.equal(answers.imported, { status: "ok", printed: "" });
    assert.match(
      answers.inspected,
      /function trainAdapters\(model: Model, jobs: readonly AdapterJob\[\]/,
    );
    assert.match(answers.inspected, /Trains one adapter for each job, several at once/);
    // Its type without "any", a line that says where it comes from, then what it is.
    for (const names of Object.values(answers.documented))
      for (const [name, documentation] of Object.entries(names)) {
        const [type, ...text] = documentation.split("\n\n");
        assert.match(type, new RegExp(`^\\(alias\\) (function|const|class) ${name}\\b`), name);
        assert.not.match(type, /\bany\b/, name);
        assert.ok(text.join(" ").length > 20, `${name} has no documentation`);
      }
    SETTINGS.forEach(([code, said], i) => assert.match(answers.settings[i], said, code));
    assert.equal(answers.completed, ["trainAdapters"]);
    assert.equal(answers.keys, ["sequences"]);
    assert.is(answers.mistyped.status, "error");
    assert.match(answers.mistyped.printed, /Argument of type 'number' is not assignable/);
    assert.is(answers.mistaken.printed.trim(), "UserError: said in one line");
  },
);

test.run();
