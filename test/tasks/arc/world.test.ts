/** The small world of ARC: rules, tasks, and the words that its model reads and writes. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { tokenizerFromJson } from "../../../src/model/tokenizer";
import { createRandom } from "../../../src/statistics/random";
import {
  contextDocument,
  nameDocument,
  pairsDocument,
  recipeDocument,
} from "../../../experiments/small-models/arc/documents";
import { parseGridAnswer, type ArcTask } from "../../../src/tasks/arc/grids";
import { answered, arcPrompt, recipePrompt } from "../../../src/tasks/arc/messages";
import { parseRecipe, recipeText } from "../../../src/tasks/arc/recipe";
import { NAMED_KINDS, randomRule, type Rule } from "../../../src/tasks/arc/rules";
import {
  KNOWN_FAMILIES,
  NEW_FAMILIES,
  paletteOf,
  randomSize,
  ruleExample,
  TASK_FAMILIES,
  worldTask,
  type TaskFamily,
} from "../../../src/tasks/arc/world";
import {
  cellParts,
  gridWords,
  pairWords,
  randomRecipe,
  recipeWords,
  worldIds,
  worldVocabulary,
} from "../../../src/tasks/arc/world-words";
import { worldTokenizerFile } from "../../../experiments/small-models/arc/tokenizer";

import type { PretrainingDocument } from "../../../experiments/small-models/step";

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
  const [first, second, third] = grid;
  const columns = (...order: number[]): number[][] => grid.map((row) => order.map((x) => row[x]));
  const expected: Record<string, number[][]> = {
    "clear up": [[0, 0, 0], second, third],
    "clear right": grid.map(([a, b]) => [a, b, 0]),
    "clear corners": [[0, 2, 0], second, [0, 8, 0]],
    "clear border": [
      [0, 0, 0],
      [0, 5, 0],
      [0, 0, 0],
    ],
    "clear inside": [first, [4, 0, 6], third],
    "paint left 5": grid.map(([, b, c]) => [5, b, c]),
    "spread down": [third, third, third],
    "spread left": columns(0, 0, 0),
    "mirror sideways": columns(2, 1, 0),
    "mirror over": [third, second, first],
    "turn half": [
      [9, 8, 7],
      [6, 5, 4],
      [3, 2, 1],
    ],
    "turn quarter": [
      [3, 6, 9],
      [2, 5, 8],
      [1, 4, 7],
    ],
    "shift up": [second, third, first],
    "shift right": columns(2, 0, 1),
    "recolour 5 1": [first, [4, 1, 6], third],
    "tile wide": columns(0, 1, 2, 0, 1, 2),
    "tile high": [...grid, ...grid],
    "mirror sideways recolour 5 1": [
      [3, 2, 1],
      [6, 1, 4],
      [9, 8, 7],
    ],
    count: [first.concat(second, third)],
  };
  // With ground between the cells.
  const sparse = [
    [0, 0, 0],
    [1, 0, 2],
    [0, 3, 0],
  ];
  const fallen: Record<string, number[][]> = {
    "gravity down": [
      [0, 0, 0],
      [0, 0, 0],
      [1, 3, 2],
    ],
    "gravity left": [
      [0, 0, 0],
      [1, 2, 0],
      [3, 0, 0],
    ],
    crop: [
      [1, 0, 2],
      [0, 3, 0],
    ],
    count: [[1, 2, 3]],
  };
  const random = createRandom("rules");
  const found = new Map<string, Rule>();
  for (let i = 0; i < 2000; i++)
    for (const kind of [...NAMED_KINDS, "swap"] as const) {
      const rule = randomRule(kind, random);
      found.set(rule.words.join(" "), rule);
      if (kind === "swap") {
        const [a, b] = rule.colours;
        assert.equal(rule.apply([[a, b, 0]]), [[b, a, 0]]);
      }
    }
  for (const [name, output] of Object.entries(expected))
    assert.equal(found.get(name)?.apply(grid), output, name);
  for (const [name, output] of Object.entries(fallen))
    assert.equal(found.get(name)?.apply(sparse), output, name);
});

test("inputs have 3 or 4 rows and columns, the same in a task, and all ten colours", () => {
  const grids = families.flatMap((_, index) =>
    Array.from({ length: 40 }, (__, i) => worldTask(i, "train", families, index)).map(
      ({ train, test: [last] }) => [...train, last].map(({ input }) => input),
    ),
  );
  const distinct = (values: readonly number[]): number[] => [...new Set(values)].sort();
  for (const own of grids) {
    assert.is(distinct(own.map(({ length }) => length)).length, 1);
    assert.is(distinct(own.map(([row]) => row.length)).length, 1);
  }
  assert.equal(distinct(grids.flat().map(({ length }) => length)), [3, 4]);
  assert.equal(distinct(grids.flat().map(([row]) => row.length)), [3, 4]);
  assert.equal(distinct(grids.flat(3)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a cell's word tells its colour and place, in every size that rules make", () => {
  assert.equal(
    gridWords([
      [5, 0, 2],
      [1, 1, 9],
    ]),
    ["5@0/2,0/3", "0@0/2,1/3", "2@0/2,2/3", "1@1/2,0/3", "1@1/2,1/3", "9@1/2,2/3"],
  );
  assert.equal(cellParts("2@0/4,2/3"), {
    colour: "2",
    distances: ["top 0", "bottom 3", "left 2", "right 0"],
  });
  assert.is(cellParts("<eos>"), undefined);
  const vocabulary = new Set(worldVocabulary());
  const random = createRandom("sizes");
  for (const kind of NAMED_KINDS)
    for (let i = 0; i < 50; i++) {
      const rule = randomRule(kind, random);
      const pair = ruleExample(rule, randomSize(rule, random), paletteOf(rule, random), random);
      assert.ok(
        pairWords(pair).every((word) => vocabulary.has(word)),
        kind,
      );
    }
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

test("documents are of known words; names, demonstrations and inputs are not learned", () => {
  const random = createRandom("documents");
  const vocabulary = new Set(worldVocabulary());
  for (let i = 0; i < 20; i++) {
    const pairs = pairsDocument(3, random);
    const context = contextDocument(3, random);
    const name = nameDocument(random);
    const recipe = recipeDocument(random);
    for (const { words, learned } of [pairs, context, name, recipe]) {
      assert.is(words.length, learned.length);
      assert.ok(words.every((word) => vocabulary.has(word)));
    }
    const learnedWords = ({ words, learned }: PretrainingDocument): string[] =>
      words.filter((_, at) => learned[at] > 0);
    assert.not.ok(learnedWords(pairs).some((word) => /^[a-z]|^->$/.test(word)));
    // The first pair's rule cannot be known.
    const count = (words: readonly string[], word: string): number =>
      words.filter((own) => own === word).length;
    assert.is(count(context.words, "#"), 3);
    assert.is(count(learnedWords(context), "#"), 2);
    assert.match(learnedWords(name)[0], /^[a-z]/);
    assert.equal(parseRecipe(learnedWords(recipe).slice(0, -1).join(" ")).status, "ok");
  }
  const rule = randomRule("clear cells", random);
  const { input } = ruleExample(rule, [3, 4], [1, 2, 3], random, 3);
  input.forEach((row, y) =>
    row.forEach((cell, x) =>
      assert.is(cell === 3, rule.clears?.(y, x, input.length, row.length) ?? false),
    ),
  );
});

test.run();
