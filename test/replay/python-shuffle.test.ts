import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pythonShuffled } from "../../src/replay/python-shuffle";

const test = suite("Python's shuffle");

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

// Expected orders: random.seed(seed); random.shuffle(list(range(n))) of CPython 3.
test("the order is CPython's", () => {
  assert.equal(pythonShuffled(upTo(10), 42), [7, 3, 2, 8, 5, 6, 9, 4, 0, 1]);
  assert.equal(pythonShuffled(upTo(10), 0), [7, 8, 1, 5, 3, 4, 2, 0, 9, 6]);
  assert.equal(pythonShuffled(upTo(7), 4294967295), [0, 3, 2, 6, 1, 4, 5]);
  // More draws than the generator's 624 words.
  const long = pythonShuffled(upTo(1000), 43);
  assert.equal(long.slice(0, 5), [64, 461, 401, 241, 916]);
  assert.equal(long.slice(-3), [712, 292, 39]);
});

test("a copy with the same items; short lists stay", () => {
  const items = ["a", "b", "c"];
  assert.equal(pythonShuffled(items, 1).sort(), items);
  assert.equal(items, ["a", "b", "c"]);
  assert.equal(pythonShuffled([], 42), []);
  assert.equal(pythonShuffled(["a"], 42), ["a"]);
});

test.run();
