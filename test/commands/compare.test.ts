/** `seal compare`: the paper's figure stands beside the round that it is of, in the committed results. */
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seal } from "./run-cli";

const test = suite("compare");
const results = (name: string): string => path.join(__dirname, "../../results", name);

/** Arm, round and the paper's value of the printed rows that have one. */
function besidePaper(name: string): string[][] {
  const { code, stdout } = seal("compare", results(name));
  assert.is(code, 0);
  return stdout
    .split("\n")
    .map((line) => line.trim().split(/ {2,}/))
    .filter((cells) => cells.length >= 8 && cells.at(-1)?.endsWith("%"))
    .map((cells) => [cells[0], cells[1], cells.at(-1) ?? ""]);
}

test("SQuAD: 47.0 is of two rounds, and stands beside round 2 of three", () => {
  assert.equal(besidePaper("knowledge--biographies"), [
    ["untouched", "0", "32.7%"],
    ["passage only", "0", "33.5%"],
    ["untrained self-edits", "0", "39.7%"],
    ["best of K", "2", "47.0%"],
  ]);
});

test("ARC: 72.5 is of the one round that the released commands run", () => {
  assert.equal(besidePaper("arc--small-world"), [
    ["in context", "0", "0.0%"],
    ["untrained self-edits", "0", "20.0%"],
    ["SEAL", "1", "72.5%"],
  ]);
});

test.run();
