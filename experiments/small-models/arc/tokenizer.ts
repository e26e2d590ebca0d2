/** tokenizer.json of the small ARC world: the project's usual ARC texts become its words (world-words.ts), and words texts. */
import {
  cellParts,
  WORD_SIZES,
  worldVocabulary,
  worldWords,
} from "../../../src/tasks/arc/world-words";

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

type Step = object;

const replace = (pattern: string, content: string): Step => ({
  type: "Replace",
  pattern: { Regex: pattern },
  content,
});

const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

/**
 * Texts to words. First a grid in either form, python arrays or rows of digits, becomes (1 2 3;4 5 6); then each cell gets its
 * place by what stands before and after it.
 */
function normalizers(): Step[] {
  const row = "[^;()]*";
  const sides = [...new Set(WORD_SIZES.flat())];
  return [
    replace("------\\n\\nChoose[\\s\\S]*$", worldWords.request),
    replace("^Figure out [\\s\\S]*python arrays:\\n", ""),
    replace("\\n\\nOutput:\\n", `)${worldWords.arrow}(`),
    replace("(?<=[0-9])\\n\\n(?=Input|<)", `)${worldWords.pairEnd}`),
    replace("Input:\\n|\\[\\[", "("),
    replace("\\]\\]", ")"),
    replace("\\]\\n \\[|(?<=[0-9])\\n(?=[0-9])", ";"),
    // Columns, then rows in front of them.
    ...sides.flatMap((width) =>
      upTo(width).map((x) =>
        replace(
          `(?<=[(;](?:[0-9]\\S* ){${x}}[0-9])(?=(?: [0-9]){${width - 1 - x}}[;)])`,
          `,${x}/${width}`,
        ),
      ),
    ),
    ...sides.flatMap((height) =>
      upTo(height).map((y) =>
        replace(
          `(?<=\\((?:${row};){${y}}${row})(?=,)(?=${row}(?:;${row}){${height - 1 - y}}\\))`,
          `@${y}/${height}`,
        ),
      ),
    ),
  ];
}

/** tokenizer.json. */
export function worldTokenizerFile(): object {
  const words = worldVocabulary();
  const special = [worldWords.padding, worldWords.unknown, worldWords.end].map((content) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  // Longer words first: 0.001 is no 0.
  const plain = words
    .filter((word) => !cellParts(word) && !special.some(({ content }) => content === word))
    .sort((a, b) => b.length - a.length)
    .map(escaped);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: { type: "Sequence", normalizers: normalizers() },
    pre_tokenizer: {
      type: "Split",
      pattern: { Regex: ["[0-9]@[0-9]/[0-9],[0-9]/[0-9]", ...plain].join("|") },
      behavior: "Removed",
      invert: true,
    },
    post_processor: null,
    // A cell is its colour; the first one of a row begins a line.
    decoder: {
      type: "Sequence",
      decoders: [
        replace("^(?=[0-9]@[0-9]/[0-9],0/)", "\n"),
        replace("@[0-9]/[0-9],[0-9]/[0-9]$", ""),
        replace("^", " "),
      ],
    },
    model: {
      type: "WordPiece",
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      unk_token: worldWords.unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
    },
  };
}
