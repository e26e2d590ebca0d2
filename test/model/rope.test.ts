/** Rotary frequencies with and without scaling, by hand. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { inverseFrequencies } from "../../src/model/rope";
import type { ModelConfig } from "../../src/model/types";

const test = suite("rope");

const frequencies = (ropeScaling?: ModelConfig["ropeScaling"]): number[] =>
  inverseFrequencies({
    headDim: 4,
    ropeTheta: 10_000,
    ...(ropeScaling && { ropeScaling }),
  } as ModelConfig);

test("plain, and linear: every frequency divided by the factor", () => {
  assert.equal(frequencies(), [1, Math.fround(0.01)]);
  assert.equal(frequencies({ type: "linear", factor: 4 }), [0.25, Math.fround(0.0025)]);
});

test("llama3: short waves as they are, long ones divided", () => {
  const scaling = {
    type: "llama3",
    factor: 8,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalMaximumPositions: 100,
  } as const;
  // Wavelengths 2 pi, below 100 / 4, and 628, above 100 / 1.
  assert.equal(frequencies(scaling), [1, Math.fround(0.01) / 8]);
});

test.run();
