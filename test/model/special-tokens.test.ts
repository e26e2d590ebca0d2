/** The named special tokens of a folder, against transformers' AutoTokenizer. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { endTokenOf } from "../../src/model/load";
import { specialTokensOf } from "../../src/model/special-tokens";
import type { TextFormat } from "../../src/model/text-format";
import type { ModelConfig, Tokenizer } from "../../src/model/types";

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

test("a completion ends with the tokenizer's own end token, else with the first of config.json's", () => {
  const config = { eosTokenIds: [5, 6, 1] } as unknown as ModelConfig;
  const text = (eosToken?: string): TextFormat => ({
    tokenizer: { idOf: (token: string) => (token === "<e>" ? 1 : undefined) } as Tokenizer,
    ...(eosToken === undefined ? {} : { eosToken }),
  });
  assert.is(endTokenOf({ config, text: text("<e>") }), 1);
  assert.is(endTokenOf({ config, text: text("<not in the vocabulary>") }), 5);
  assert.is(endTokenOf({ config, text: text() }), 5);
  assert.is(endTokenOf({ config }), 5);
  assert.is(endTokenOf({ config: { ...config, eosTokenIds: [] } }), undefined);
});

test.run();
