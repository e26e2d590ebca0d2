/** A config that ties the head, and weights that hold one: kept where it differs, dropped where not. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withStoredHead } from "../../src/model/tied-head";
import type { ModelConfig, WeightSource } from "../../src/model/types";

const test = suite("tied head");
const EMBEDDING = "model.embed_tokens.weight";
const config = { tiedHead: true } as ModelConfig;

function weights(stored: Record<string, readonly number[]>): WeightSource {
  const tensors = Object.entries(stored).map(([name, values]) => {
    return [name, { name, dtype: "F32", shape: [values.length, 1] }] as const;
  });
  return {
    tensors: new Map(tensors),
    read: (name) => Promise.resolve(Float32Array.from(stored[name])),
    close: () => Promise.resolve(),
  };
}

/** What is written to stderr meanwhile. */
async function warnings(work: () => Promise<void>): Promise<string> {
  const write = process.stderr.write.bind(process.stderr);
  let text = "";
  process.stderr.write = (part: string | Uint8Array) => {
    text += String(part);
    return true;
  };
  try {
    await work();
  } finally {
    process.stderr.write = write;
  }
  return text;
}

test("a different head unties the model, with a warning", async () => {
  const source = weights({ [EMBEDDING]: [1, 2], "lm_head.weight": [1, 3] });
  const said = await warnings(async () => {
    const found = await withStoredHead({ config, source }, "file:x");
    assert.is(found.config.tiedHead, false);
    assert.is(found.source, source);
  });
  assert.match(said, /^warning: file:x: config\.json ties lm_head .* different lm_head\.weight/);
});

test("an equal head, none, or an untied model: nothing changes, without a word", async () => {
  const equal = { [EMBEDDING]: [1, 2], "lm_head.weight": [1, 2] };
  for (const [stored, tiedHead] of [
    [equal, true],
    [{ [EMBEDDING]: [1, 2] }, true],
    [{ ...equal, "lm_head.weight": [1, 3] }, false],
  ] as const) {
    const given = { config: { ...config, tiedHead }, source: weights(stored) };
    const said = await warnings(async () => {
      assert.equal(await withStoredHead(given, "x"), given);
    });
    assert.is(said, "");
  }
});

test("a head alone is the embedding too", async () => {
  const found = await withStoredHead(
    { config, source: weights({ "lm_head.weight": [4, 5] }) },
    "x",
  );
  assert.is(found.config.tiedHead, true);
  assert.equal([...(await found.source.read(EMBEDDING))], [4, 5]);
  assert.is(found.source.tensors.get(EMBEDDING)?.name, EMBEDDING);
});

test.run();
