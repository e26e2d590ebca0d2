/** What a model is shown: a task as a conversation, and the request for a recipe. What becomes of the answers is elsewhere. */
import { UserError } from "../../messages/errors";
import type { ChatMessage } from "../../model/types";
import { gridText, type ArcTask, type Grid } from "./grids";

const INTRODUCTION =
  "Figure out the underlying transformation in the following examples and apply it to the test case. Here are some examples from this transformation, your answer must follow the format.\nThe input-output grids are provided as python arrays:\n";

/**
 * A task as a conversation: demonstrations (system), a test's input (user) and, where it is known, its output (assistant).
 * Equal, character by character, to the released code's GPTTextMessageRepresenterV2 with python arrays.
 */
export function arcMessages(task: ArcTask, test = 0): ChatMessage[] {
  if (!task.test[test]) throw new UserError(`The task ${task.id ?? ""} has no test ${test + 1}.`);
  const { input, output } = task.test[test];
  const shown = task.train.map((pair) => `${asked(pair.input)}${answered(pair.output)}\n`);
  return [
    { role: "system", content: INTRODUCTION + shown.join("") },
    { role: "user", content: asked(input) },
    ...(output ? [{ role: "assistant" as const, content: answered(output) }] : []),
  ];
}

/** The conversation before the answer: what a model is given to continue. */
export function arcPrompt(task: ArcTask, test = 0): ChatMessage[] {
  return arcMessages(task, test).filter(({ role }) => role !== "assistant");
}

const asked = (input: Grid): string => `${gridText(input)} -> `;

/** An answer as the model is to write it. */
export function answered(output: Grid): string {
  return `${gridText(output)}#`;
}

const REQUEST = `Choose how a model should be trained on variations of the examples above before it answers the test.
Answer with one JSON object and nothing else, in this form:
{"data_generation": {"use_basic_augmentations": true or false, "use_size_augmentations": true or false, "use_chain_augmentations": true or false, "use_repeat_augmentations": true or false}, "training": {"strategy": "train_using_all_tokens" or "train_using_output_tokens", "learning_rate": a number, "num_train_epochs": a whole number}}`;

/** The request for a recipe: the demonstrations as plain rows of digits, and what may be chosen; in this project's words. */
export function recipePrompt(task: ArcTask): ChatMessage[] {
  const rows = (grid: Grid): string => grid.map((row) => row.join(" ")).join("\n");
  const shown = task.train.map(
    ({ input, output }) => `Input:\n${rows(input)}\n\nOutput:\n${rows(output)}\n\n`,
  );
  return [{ role: "user", content: `${shown.join("")}------\n\n${REQUEST}` }];
}
