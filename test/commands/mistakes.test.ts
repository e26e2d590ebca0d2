/** A user's mistakes: one or two lines, exit code 2, nothing written. */
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seal } from "./run-cli";
import { temporaryFolder } from "../run/temporary";

const test = suite("mistakes");
const folder = temporaryFolder(test, "mistakes");

const file = (name: string, content: string): string => {
  const target = path.join(folder, name);
  writeFileSync(target, content);
  return target;
};

const variant = (changes: object): string =>
  JSON.stringify({ experiment: "knowledge", name: "x", model: "file:/nowhere", ...changes });

const out = path.join(folder, "out");

const cases: [name: string, args: () => string[], message: RegExp][] = [
  [
    "no such variant",
    () => ["run", path.join(folder, "none.json")],
    /Cannot read the variant .*none\.json/,
  ],
  [
    "asking a folder in which nothing was kept (told before the model is looked for)",
    () => ["adapt", "--model", "file:/nowhere", "--keep", out, "--ask", "Who?"],
    /Nothing was learned in .*out; give --passage FILE first/,
  ],
  ["a variant that is not JSON", () => ["run", file("a.json", "{")], /a\.json is not JSON/],
  [
    "an unknown experiment",
    () => ["run", file("b.json", `{"experiment": "x"}`)],
    /"experiment" must be one of/,
  ],
  [
    "a misspelt key",
    () => ["run", file("c.json", variant({ inerLoop: {} }))],
    /no setting "inerLoop"; did you mean "innerLoop"\?/,
  ],
  [
    "a misspelt key further in",
    () => ["run", file("d.json", variant({ innerLoop: { learningrate: 1 } }))],
    /no setting "innerLoop\.learningrate"; did you mean "learningRate"\?/,
  ],
  [
    "a billion epochs",
    () => ["run", file("e.json", variant({ innerLoop: { epochs: 1e9 } }))],
    /innerLoop\.epochs/,
  ],
  [
    "extends in a circle",
    () => ["run", file("f.json", `{"extends": "f.json"}`)],
    /goes round in a circle/,
  ],
  [
    "no model there",
    () => ["score", "--model", "file:/nowhere", "--ids", file("i.json", "[[1,2]]")],
    /nowhere/,
  ],
  [
    "an unknown model form",
    () => ["score", "--model", "ftp:x", "--ids", file("j.json", "[[1,2]]")],
    /hub:owner\/name/,
  ],
  ["ids that are none", () => ["score", "--ids", file("k.json", `[["a"]]`)], /rows of token ids/],
  [
    "text and ids",
    () => ["train", "--out", out, "--text", "a", "--ids", file("l.json", "[[1,2]]")],
    /Cannot read a|either/,
  ],
  ["neither text nor ids", () => ["train", "--out", out], /either --text FILE or --ids FILE/],
  [
    "an absurd rate",
    () => ["train", "--out", out, "--ids", file("m.json", "[[1,2]]"), "--lr", "1e9"],
    /learningRate/,
  ],
  [
    "a word for a number",
    () => ["train", "--out", out, "--epochs", "many"],
    /--epochs needs a whole number/,
  ],
  [
    "an unknown target",
    () => ["train", "--out", out, "--targets", "lm_head", "--ids", file("n.json", "[[1,2]]")],
    /targets/,
  ],
  [
    "LoRA's rank where all weights are trained",
    () => ["train", "--full", "--out", out, "--ids", file("o.json", "[[1,2]]"), "--rank", "4"],
    /there is no setting "rank"/,
  ],
  [
    "an adapter where all weights are trained",
    () => [
      ...["train", "--full", "--out", out, "--ids", file("p.json", "[[1,2]]")],
      ...["--init-adapter", "a"],
    ],
    /leave out --init-adapter/,
  ],
  ["an unknown verb", () => ["dance"], /unknown command/],
];

for (const [name, args, message] of cases)
  test(name, () => {
    const { code, stdout, stderr } = seal(...args());
    assert.is(code, 2, `${stdout}${stderr}`);
    assert.match(stderr, message);
    assert.ok(!/\n\s+at /.test(stderr), stderr);
    assert.ok(stderr.trim().split("\n").length <= 2, stderr);
    assert.not(existsSync(out));
  });

test.run();
