/** The word-level vocabulary of the small world and its tokenizer.json. */
import {
  attributes,
  attributeValues,
  firstNames,
  introductions,
  lastNames,
  roleWords,
  vagueRemarks,
  wordings,
} from "../../../src/tasks/biographies/words";

/** Every word of the world; the index is the token id. The role words come first (`<pad>` is 0). */
export function vocabulary(): string[] {
  const texts = [
    ...introductions,
    ...vagueRemarks,
    ...attributes.flatMap((attribute) => {
      const { passage, statement, pronoun, question } = wordings[attribute];
      return [...passage, ...statement, ...pronoun, question];
    }),
  ];
  const plain = texts.flatMap((text) => text.split(" ")).filter((word) => !word.startsWith("{"));
  const names = [...firstNames.female, ...firstNames.male, ...lastNames];
  const values = attributes.flatMap((attribute) => attributeValues[attribute]);
  const pronouns = ["She", "she", "Her", "her", "He", "he", "His", "his"];
  const all = [...pronouns, ...plain, ...names, ...values];
  return [...new Set([...Object.values(roleWords), ...[...new Set(all)].sort()])];
}

/**
 * A Hugging Face tokenizer.json: whole words between spaces; unknown words are `<unk>`; decoding joins with spaces.
 * It is a WordPiece model without pieces, since the JavaScript library has no WordLevel.
 */
export function tokenizerFile(): object {
  const words = vocabulary();
  const special = Object.values(roleWords).map((content) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: true,
    rstrip: true,
    normalized: false,
    special: true,
  }));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordPiece",
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      unk_token: roleWords.unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
    },
  };
}
