/** The named special tokens of a folder, against transformers' AutoTokenizer. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { specialTokensOf } from "../../src/model/special-tokens";

const test = suite("special tokens");

interface Case {
  readonly model: string;
  readonly byteLevel: boolean;
  readonly config: object;
  readonly map: object | null;
  readonly tokens: Record<string, string>;
}

test("are those of transformers for every tokenizer class and every file that may name them", () => {
  const file = path.join(__dirname, "../fixtures/special-tokens/cases.json");
  const cases = JSON.parse(readFileSync(file, "utf8")) as Case[];
  const differences = cases.filter(({ model, byteLevel, config, map, tokens }) => {
    const step = byteLevel ? { type: "ByteLevel" } : { type: "Metaspace" };
    const got = specialTokensOf({
      config: { model_type: model },
      tokenizer: { pre_tokenizer: step, decoder: step },
      tokenizerConfig: config,
      specialTokensMap: map ?? undefined,
    });
    const sorted = (record: object): unknown => Object.entries(record).sort();
    try {
      assert.equal(sorted(got), sorted(tokens));
      return false;
    } catch {
      return true;
    }
  });
  console.log(`${cases.length} folders: ${differences.length} differences`);
  assert.equal(differences, []);
});

test.run();
