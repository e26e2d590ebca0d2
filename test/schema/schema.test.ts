/** One-line complaints about data, with the nearest known key. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { z } from "zod";
import { UserError } from "../../src/messages/errors";
import { checkData, nearest } from "../../src/schema/schema";

const test = suite("schema");

const schema = z.strictObject({
  name: z.string(),
  sampling: z
    .strictObject({
      temperature: z.number().min(0).default(1),
      maximumTokens: z.int().default(64),
    })
    .prefault({}),
  inner: z.strictObject({ learningRate: z.number() }).optional(),
  arms: z.array(z.strictObject({ label: z.string(), count: z.int() })).default([]),
  data: z
    .union([z.strictObject({ source: z.string() }), z.array(z.strictObject({ places: z.int() }))])
    .optional(),
});

function complaint(data: unknown): string {
  try {
    checkData(schema, data, "variant.json");
  } catch (error) {
    assert.instance(error, UserError);
    assert.not.match((error as UserError).message, /\n/);
    return (error as UserError).message;
  }
  return "";
}

test("defaults are filled in", () => {
  assert.equal(checkData(schema, { name: "a", sampling: { temperature: 0 } }, "here"), {
    name: "a",
    sampling: { temperature: 0, maximumTokens: 64 },
    arms: [],
  });
});

test("an unknown key is named with its place and the nearest known one", () => {
  const cases: [data: object, key: string, near: string][] = [
    [{ nmae: "a" }, "nmae", "name"],
    [{ smapling: {} }, "smapling", "sampling"],
    [{ sampling: { temprature: 1 } }, "sampling.temprature", "temperature"],
    [{ sampling: { maxTokens: 1 } }, "sampling.maxTokens", "maximumTokens"],
    [{ inner: { learningRate: 1, learningrate: 1 } }, "inner.learningrate", "learningRate"],
    [{ arms: [{ label: "a", count: 1, cuont: 2 }] }, "arms.0.cuont", "count"],
    [{ data: { sourec: "a" } }, "data.sourec", "source"],
    [{ data: [{ places: 1, palces: 2 }] }, "data.0.palces", "places"],
  ];
  for (const [data, key, near] of cases)
    assert.is(
      complaint({ name: "a", ...data }),
      `variant.json: there is no setting "${key}"; did you mean "${near}"?`,
    );
});

test("a key like none of the known ones gets no suggestion", () => {
  assert.is(complaint({ name: "a", zzzzzzzz: 1 }), 'variant.json: there is no setting "zzzzzzzz"');
});

test("a wrong value is named with its place", () => {
  assert.match(complaint({ name: 3 }), /^variant\.json: name: .*string/);
  assert.match(
    complaint({ name: "a", sampling: { temperature: -1 } }),
    /: sampling\.temperature: /,
  );
  assert.match(complaint({ name: "a", arms: [{ label: "b", count: 0.5 }] }), /: arms\.0\.count: /);
  assert.match(complaint({ name: "a", data: [{ places: "one" }] }), /: data\.0\.places: .*number/);
  assert.match(complaint({ name: "a", data: 7 }), /: data: /);
  assert.match(complaint([]), /^variant\.json: .*object/);
});

test("nearest: the fewest edits, the first of equals, none where too far", () => {
  assert.is(nearest("rnak", ["alpha", "rank", "range"]), "rank");
  assert.is(nearest("alhpa", ["alpha", "rank"]), "alpha");
  assert.is(nearest("bat", ["cat", "hat"]), "cat");
  assert.is(nearest("epochs", ["epochs"]), "epochs");
  assert.is(nearest("seed", ["temperature"]), undefined);
  assert.is(nearest("seed", []), undefined);
});

test.run();
