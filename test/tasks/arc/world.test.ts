/** The small world of ARC: rules, tasks, and the words that its model reads and writes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tokenizerFromJson } from "../../../src/model/tokenizer";
import { createRandom } from "../../../src/random";
import { pairsDocument, recipeDocument } from "../../../src/tasks/arc/documents";
import { parseGridAnswer, type ArcTask } from "../../../src/tasks/arc/grids";
import { answered, arcPrompt, recipePrompt } from "../../../src/tasks/arc/messages";
import { parseRecipe, recipeText } from "../../../src/tasks/arc/recipe";
import { randomRule, NAMED_KINDS } from "../../../src/tasks/arc/rules";
import {
  KNOWN_FAMILIES,
  NEW_FAMILIES,
  ruleExample,
  TASK_FAMILIES,
  worldTask,
  type TaskFamily,
} from "../../../src/tasks/arc/world";
import {
  gridWords,
  pairWords,
  randomRecipe,
  recipeWords,
  worldIds,
  worldTokenizerFile,
  worldVocabulary,
} from "../../../src/tasks/arc/world-words";

const test = suite("small world of ARC");
const families = Object.keys(TASK_FAMILIES) as TaskFamily[];
const tokenizer = tokenizerFromJson(
  JSON.parse(JSON.stringify(worldTokenizerFile())),
  {},
  "small world",
);
const text = (task: ArcTask): string =>
  arcPrompt(task)
    .map(({ content }) => content)
    .join("");

test("rules do what their names say", () => {
  const grid = [
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
  ];
  const expected: Record<string, number[][]> = {
    "clear top": [[0, 0, 0], grid[1], grid[2]],
    "clear right": [
      [1, 2, 0],
      [4, 5, 0],
      [7, 8, 0],
    ],
    "clear corners": [
      [0, 2, 0],
      [4, 5, 6],
      [0, 8, 0],
    ],
    "clear edges": [
      [1, 0, 3],
      [0, 5, 0],
      [7, 0, 9],
    ],
    "clear centre": [
      [1, 2, 3],
      [4, 0, 6],
      [7, 8, 9],
    ],
    "spread bottom": [grid[2], grid[2], grid[2]],
    "spread left": [
      [1, 1, 1],
      [4, 4, 4],
      [7, 7, 7],
    ],
  };
  const random = createRandom("rules");
  const found = new Map<string, number[][]>();
  for (let i = 0; i < 400; i++)
    for (const kind of [...NAMED_KINDS, "swap"] as const) {
      const { words, apply } = randomRule(kind, random);
      const [verb, , colour] = words;
      const output = apply(grid) as number[][];
      found.set(words.join(" "), output);
      const flat = grid.flat();
      const changed = output.flat().filter((cell, at) => cell !== flat[at]).length;
      if (kind === "swap") assert.is(changed, 2);
      if (verb === "paint")
        assert.ok(output.flat().filter((cell) => cell === Number(colour)).length >= 1);
    }
  for (const [name, output] of Object.entries(expected))
    assert.equal(found.get(name), output, name);
});

test("a task depends on its seed alone, and every pair is changed by its rule", () => {
  for (const [index, family] of families.entries()) {
    const task = worldTask(7, "held-out", families, index);
    assert.is(task.family, family);
    assert.equal(task, worldTask(7, "held-out", families, index));
    assert.not.equal(task, worldTask(8, "held-out", families, index));
    assert.is(task.train.length, 3);
    for (const { input, output } of [...task.train, ...task.test]) assert.not.equal(input, output);
  }
  assert.equal([...KNOWN_FAMILIES, ...NEW_FAMILIES].sort(), [...families].sort());
});

test("in marked demonstrations one colour explains what is cleared, in the test it does not", () => {
  let failing = 0;
  for (let index = 0; index < 60; index++) {
    const { train, test: tests } = worldTask(
      index,
      "train",
      ["marked cells", "marked line"],
      index,
    );
    const cleared = train.map(({ input, output }) =>
      input.flatMap((row, y) => row.filter((_, x) => output[y][x] === 0)),
    );
    const [mark] = cleared[0];
    assert.ok(cleared.flat().every((colour) => colour === mark));
    for (const { input, output } of train)
      assert.equal(
        input.map((row) => row.map((cell) => (cell === mark ? 0 : cell))),
        output,
      );
    const [{ input, output }] = tests;
    const byColour = input.map((row) => row.map((cell) => (cell === mark ? 0 : cell)));
    if (JSON.stringify(byColour) !== JSON.stringify(output)) failing++;
  }
  assert.ok(failing >= 58, String(failing));
});

test("the project's prompts become a word a cell, and answers are read back", () => {
  for (const [index] of families.entries()) {
    const task = worldTask(1, "train", families, index);
    const shown = task.train.flatMap(pairWords);
    const [{ input, output = [] }] = task.test;
    assert.equal(tokenizer.encode(text(task)), worldIds([...shown, ...gridWords(input), "->"]));
    const answer = tokenizer.encode(answered(output));
    assert.equal(answer, worldIds([...gridWords(output), "#"]));
    assert.equal(parseGridAnswer(tokenizer.decode(answer)), { grid: output });
    assert.equal(tokenizer.encode(recipePrompt(task)[0].content), worldIds([...shown, "<recipe>"]));
  }
});

test("recipes are valid JSON word by word, and the same words again", () => {
  const random = createRandom("recipes");
  for (let i = 0; i < 50; i++) {
    const recipe = randomRecipe(random);
    const ids = worldIds(recipeWords(recipe));
    const written = tokenizer.decode(ids);
    assert.equal(parseRecipe(written), { status: "ok", recipe });
    assert.equal(tokenizer.encode(written), ids);
    assert.equal(tokenizer.encode(recipeText(recipe)), ids);
  }
});

test("documents are of known words; names and inputs are not learned", () => {
  const random = createRandom("documents");
  const vocabulary = new Set(worldVocabulary());
  for (let i = 0; i < 20; i++)
    for (const { words, learned } of [pairsDocument(3, random), recipeDocument(random)]) {
      assert.is(words.length, learned.length);
      assert.ok(words.every((word) => vocabulary.has(word)));
      words.forEach((word, at) => {
        if (/^(clear|paint|spread|->|<recipe>)$/.test(word)) assert.is(learned[at], 0);
      });
    }
  const rule = randomRule("clear cells", random);
  const { input } = ruleExample(rule, [1, 2, 3], random, 3);
  input.forEach((row, y) =>
    row.forEach((cell, x) => assert.is(cell === 3, rule.clears?.(y, x) ?? false)),
  );
});

test.run();
