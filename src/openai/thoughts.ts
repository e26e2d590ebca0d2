/** What a thinking model answers once its thoughts, which some servers leave in the reply, are cut off. */

/** How thoughts are marked: DeepSeek-R1's and Qwen3's tags and their kin, Magistral's, Kimi's, Sky-T1's and gpt-oss's. */
const MARKS: readonly [open: string, close: string][] = [
  [
    "<(?:seed:)?(?:think|thinking|thoughts?|reasoning)(?:\\s[^<>]*)?>",
    "</(?:seed:)?(?:think|thinking|thoughts?|reasoning)\\s*>",
  ],
  ["\\[THINK\\]", "\\[/THINK\\]"],
  ["◁think▷", "◁/think▷"],
  ["<\\|begin_of_thought\\|>", "<\\|end_of_thought\\|>"],
  ["<\\|channel\\|>analysis<\\|message\\|>", "<\\|channel\\|>final<\\|message\\|>"],
];
const OPEN = MARKS.map(([open]) => open).join("|");
const CLOSE = MARKS.map(([, close]) => close).join("|");

/** A reply without its thoughts. */
export interface Answer {
  /** The reply as it is where it holds no thoughts; "" where it is not known which part is the answer. */
  readonly text: string;
  /** Whether there were thoughts. */
  readonly thought: boolean;
  /** Why there is no answer, as words after "the reply". */
  readonly problem?: string;
}

/**
 * The answer is what follows the last closing mark, also where the opening one is missing (some templates have written it
 * already). A thought that does not end has no answer after it; and an opening mark within a line of text begins no
 * thought, so that nobody knows what is thought and what answer.
 */
export function withoutThoughts(reply: string): Answer {
  const marks = [...reply.matchAll(new RegExp(`(${OPEN})|${CLOSE}`, "gi"))];
  const none = (problem: string): Answer => ({ text: "", thought: true, problem });
  let [end, open] = [0, false];
  for (const { 0: mark, 1: opening, index } of marks) {
    const from = Math.max(end, reply.lastIndexOf("\n", index) + 1);
    open = opening !== undefined;
    if (!open) end = index + mark.length;
    else if (reply.slice(from, index).trim() !== "")
      return none("has a mark of thoughts within its text");
  }
  if (open) return none("ends in the middle of a thought");
  return marks.length > 0
    ? { text: reply.slice(end).trim(), thought: true }
    : { text: reply, thought: false };
}
