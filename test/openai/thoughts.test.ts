/** What is the answer and what the thought: by hand, for every way in which models mark their thoughts. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { asSelfEdit } from "../../src/openai/author";
import { withoutThoughts } from "../../src/openai/thoughts";

const test = suite("thoughts");

const answers: [reply: string, answer: string][] = [
  ["yes", "yes"],
  [" as it is \n", " as it is \n"],
  ["<think>\nIs it? no.\n</think>\n\nyes", "yes"],
  ["<think>no</think> yes", "yes"],
  ["<think></think>yes", "yes"],
  ["<thinking>no</thinking>\nyes", "yes"],
  ["<Think >no</Think >\nyes", "yes"],
  ['<think duration="3">no</think>yes', "yes"],
  ["<seed:think>no</seed:think>yes", "yes"],
  ["<reasoning>no</reasoning>yes", "yes"],
  ["[THINK]no[/THINK]yes", "yes"],
  ["◁think▷no◁/think▷yes", "yes"],
  ["<|begin_of_thought|>no<|end_of_thought|>yes", "yes"],
  [
    "<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>yes",
    "yes",
  ],
  // Begins in the middle of a thought: the prompt's template has written the opening mark.
  ["it may be no.\n</think>\nyes", "yes"],
  // Several, one in another, and one that speaks of its own end.
  ["<think>no</think><think>no</think>yes", "yes"],
  ["<think>no</think>\nno, wait:\n<think>hm</think>\nyes", "yes"],
  ["<think>\n<think>no\n</think>\nno\n</think>yes", "yes"],
  ["<think>I end with </think> and say no. </think> yes", "yes"],
  // Words, not marks.
  ["I think <b>yes</b>; </thinker>", "I think <b>yes</b>; </thinker>"],
];
for (const [reply, answer] of answers)
  test(`the answer of ${JSON.stringify(reply)}`, () => {
    const { text, problem } = withoutThoughts(reply);
    assert.equal([text, problem], [answer, undefined]);
  });

const problems: [reply: string, problem: RegExp][] = [
  ["<think>\nno match? Let me", /in the middle of a thought/],
  ["<think>no</think>\n<think>yes", /in the middle of a thought/],
  ["no</think>\n<think>yes", /in the middle of a thought/],
  ["yes\n<think>no", /in the middle of a thought/],
  ["It writes <think> and </think> around its thoughts.", /within its text/],
  ["Well. <think>no", /within its text/],
];
for (const [reply, problem] of problems)
  test(`no answer in ${JSON.stringify(reply)}`, () => {
    const read = withoutThoughts(reply);
    assert.is(read.text, "");
    assert.match(read.problem ?? "", problem);
  });

test("a completion from a file is a self-edit without its thoughts, or failed", () => {
  assert.equal(asSelfEdit("<think>Hm.</think>\n1. It is deep."), {
    status: "ok",
    text: "1. It is deep.",
  });
  assert.equal(asSelfEdit("1. It is deep.\n"), { status: "ok", text: "1. It is deep.\n" });
  assert.equal(asSelfEdit(" \n"), { status: "failed", reason: "the completion is empty" });
  assert.equal(asSelfEdit("<think>Hm."), {
    status: "failed",
    reason: "the completion ends in the middle of a thought",
  });
});

test.run();
