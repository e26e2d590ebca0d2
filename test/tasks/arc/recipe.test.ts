import assert from "node:assert/strict";
import { suite } from "uvu";
import {
  checkRecipe,
  parseRecipe,
  recipeAugmentations,
  recipeCost,
  recipeText,
  type Recipe,
} from "../../../src/tasks/arc/recipe";

const test = suite("ARC recipes");

const recipe: Recipe = {
  augmentations: { basic: true, size: false, chain: false, repeat: true },
  strategy: "output tokens",
  learningRate: 1e-4,
  epochs: 2,
};
const plain = recipeText(recipe);
/** The recipe's text with one value written otherwise. */
const withRate = (text: string): string => plain.replace("0.0001", text);
const withEpochs = (text: string): string =>
  plain.replace('"num_train_epochs":2', `"num_train_epochs":${text}`);
const withStrategy = (text: string): string => plain.replace('"train_using_output_tokens"', text);
const withBasic = (text: string): string =>
  plain.replace('"use_basic_augmentations":true', `"use_basic_augmentations":${text}`);

const ok = [
  plain,
  `\n  ${plain}\n\n`,
  JSON.stringify(JSON.parse(plain), null, 2),
  withRate("1e-4"),
  withRate("0.00010000"),
  withEpochs("2.0"),
  plain.replace('"training"', '"\\u0074raining"'),
  JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(plain) as object).reverse())),
];

const unparsable = [
  "",
  "   \n\t",
  "null",
  "true",
  "3",
  '"3"',
  "[]",
  `[${plain}]`,
  "{}",
  "{",
  plain.slice(0, -1),
  `${plain}}`,
  `${plain}${plain}`,
  `Sure, here is the recipe:\n${plain}`,
  `${plain}\nI chose these because they help.`,
  `\`\`\`json\n${plain}\n\`\`\``,
  `<think>hm</think>${plain}`,
  plain.replaceAll('"', "'"),
  plain.replaceAll("true", "True"),
  `${plain.slice(0, -1)},}`,
  plain.replace("{", "{// chosen\n"),
  withRate("NaN"),
  withRate("Infinity"),
  withRate("-Infinity"),
  withRate('"0.0001"'),
  withRate("null"),
  withRate("[0.0001]"),
  withRate(".0001"),
  withRate("+1e-4"),
  withEpochs('"3"'),
  withEpochs("true"),
  withEpochs("{}"),
  withEpochs("..."),
  withStrategy('"train_using_no_tokens"'),
  withStrategy('"TRAIN_USING_ALL_TOKENS"'),
  withStrategy('["train_using_all_tokens"]'),
  withStrategy("null"),
  withBasic("1"),
  withBasic('"true"'),
  withBasic("null"),
  withBasic("true or false"),
  plain.replace('"use_size_augmentations":false,', ""),
  plain.replace("use_size_augmentations", "use_Size_augmentations"),
  plain.replace('"training":', '"extra":1,"training":'),
  plain.replace('"data_generation":{', '"data_generation":{"extra":true,'),
  plain.replace('"training":', '"__proto__":{"polluted":1},"training":'),
  plain.replace('"data_generation":{', '"data_generation":{"__proto__":{},'),
  plain.replace('"training":', '"constructor":{},"training":'),
  plain.replace('"training":{', '"training":{"learning_rate":5,'),
  plain.replace('"training":{', '"training":{"learning_rate":"a\\":",'),
  plain.replace('"training":', '"training":{},"training":'),
  "x".repeat(1_000_000),
  " ".repeat(1_000_000),
  "[".repeat(1_000_000),
  '{"a":'.repeat(200_000),
  `${plain.slice(0, -1)}${" ".repeat(1_000_000)}}`,
  "\u0000\u0001\uFFFF",
  "{\uD800}",
  "🟥🟦🟩",
];

const rejected = [
  withRate("1e9"),
  withRate("-1"),
  withRate("0"),
  withRate("-0.0"),
  withRate("1e-400"),
  withRate("1e999"),
  withRate("-1e999"),
  withRate("0.2"),
  withEpochs("0"),
  withEpochs("-3"),
  withEpochs("2.5"),
  withEpochs("1e999"),
];

const costly = [withEpochs("1e12"), withEpochs("752"), withEpochs("9007199254740993")];

test("odd self-edits: each has its status in under 50 ms", () => {
  const cases = { ok, unparsable, rejected, "too costly": costly };
  assert.ok(Object.values(cases).flat().length >= 60);
  parseRecipe(plain);
  for (const [status, texts] of Object.entries(cases))
    for (const text of texts) {
      const started = performance.now();
      const parsed = parseRecipe(text);
      const elapsed = performance.now() - started;
      assert.equal(parsed.status, status, `${text.slice(0, 200)}: ${parsed.reason}`);
      assert.ok(elapsed < 50, `${elapsed} ms for ${text.slice(0, 80)}`);
      if (status === "ok") assert.deepEqual(parsed.recipe, recipe);
      else {
        assert.equal(parsed.recipe, undefined);
        assert.ok((parsed.reason ?? "").length < 300);
      }
    }
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test("the limit on steps, as the released code counts them", () => {
  // floor(751 / 2) = 375; 3 epochs of 250 samples are 375 steps, of 251 floor(376.5) = 376.
  assert.equal(parseRecipe(withEpochs("751")).status, "ok");
  const three = { ...recipe, epochs: 3 };
  assert.equal(recipeCost(three, 250).status, "ok");
  const over = recipeCost(three, 251);
  assert.deepEqual(over, { status: "too costly", reason: "376 steps are more than 375" });
  assert.equal(recipeCost(three, 250, { learningRate: 1, steps: 374 }).status, "too costly");
  assert.equal(checkRecipe({ ...recipe, learningRate: 0.1 }).status, "ok");
});

test("what a recipe turns on", () => {
  // 11 basic ones and 3 repeats; all four groups have 11 + 3 + 6 + 3.
  assert.equal(recipeAugmentations(recipe).length, 14);
  const all = { basic: true, size: true, chain: true, repeat: true };
  assert.equal(recipeAugmentations({ ...recipe, augmentations: all }).length, 23);
  const none = { basic: false, size: false, chain: false, repeat: false };
  assert.deepEqual(recipeAugmentations({ ...recipe, augmentations: none }), []);
});

test.run();
