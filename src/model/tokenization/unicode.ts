/**
 * What the reference, Hugging Face's library in Rust, takes characters for, whatever Unicode this Node knows (20 knows 15.0, later
 * ones more): its patterns know 16.0, its digits 17.0, its normal forms 10.0, its punctuation 8.0. The tables are printed by
 * test/fixtures/tokenizer/unicode.py, which asks the reference itself.
 */

/**
 * Characters that patterns take for something else than some Node does: those younger than Unicode 15.0 (and two that changed).
 * Each row's are read as an older one of their kind and length in UTF-16, or as none at all where patterns know none.
 */
const youngCharacters: readonly (readonly [standIn: number, ranges: string])[] = [
  [0xb7, "1b4e-1b4f 1b7f"],
  [0x100, "a7cb-a7cc a7da a7dc"],
  [0x101, "295 a7cd a7db"],
  [0x400, "1c89"],
  [0x450, "1c8a"],
  [0x898, "897"],
  [0x2400, "2427-2429 2ffc-2fff 31e4-31e5 31ef"],
  [
    0xfdd0,
    "558 58b-58c 5c8-5c9 88f b53-b54 c5c cdc 1acf-1af0 208f 209d-209f 20c1-20c4 2b96 " +
      "2e60-2e63 a7ce-a7cf a7d2 a7d4 a7dd-a7f1 ab6c-ab6d fbc3-fbd2 fd90-fd91 fdc8-fdce",
  ],
  [
    0x10000,
    "105c0-105f3 10d4a-10d4d 10d4f 11380-11389 1138b 1138e 11390-113b5 113b7 113d1 113d3 " +
      "11bc0-11be0 13460-143fa 16100-1611d 16d43-16d6a 18cff 1e5d0-1e5ed 1e5f0",
  ],
  [0x10100, "113d4-113d5 113d7-113d8 11be1 16d6d-16d6f 1e5ff"],
  [
    0x10137,
    "1cc00-1ccef 1cd00-1ceb3 1f8b2-1f8bb 1f8c0-1f8c1 1fa89 1fa8f 1fabe 1fac6 1fadc 1fadf " +
      "1fae9 1fbcb-1fbef",
  ],
  [
    0x101fd,
    "10d69-10d6d 113bb-113c0 113ce 113d0 113d2 113e1-113e2 11f5a 1611e-16129 1612d-1612f " +
      "1e5ee-1e5ef",
  ],
  [0x10400, "10d50-10d65"],
  [0x10428, "10d70-10d85"],
  [0x104a0, "10d40-10d49 116d0-116e3 11bf0-11bf9 16130-16139 16d70-16d79 1ccf0-1ccf9 1e5f1-1e5fa"],
  [0x10ead, "10d6e"],
  [0x10efd, "10efc"],
  [0x11000, "113b8-113ba 113c2 113c5 113c7-113ca 113cc-113cd 113cf 1171e 1612a-1612c"],
  [0x16b40, "10d4e 10d6f 16d40-16d42 16d6b-16d6c"],
  [0x1d6c1, "10d8e-10d8f"],
  [0x1ee00, "10ec2-10ec4"],
  [
    0x1fffe,
    "107bb-107bf 10940-10959 10ec5-10efb 11b0a-11b67 11db0-11df1 1246f 12475-1247f " +
      "12550-12686 16ea0-16ed3 16ff2-16ff6 187f8-187ff 18cd6-18cda 18d09-191d2 1b123-1b128 " +
      "1b168 1ccfa-1ccfc 1ceba-1cefd 1d127-1d128 1d1eb-1d1ff 1d250-1d281 1d6a6 1db00-1db1c " +
      "1df1f-1df24 1df2b-1dfff 1e6c0-1e6ff 1f1ae 1f6d8-1f6d9 1f777-1f77a 1f7da-1f7db " +
      "1f7f1-1f7ff 1f8d0-1f8d8 1fa54-1fa57 1fa8a-1fa8e 1fac8-1facd 1fadd 1faea-1faef " +
      "1faf9-1fafa 1fbfa 2b73a-2b73f 2b81e 2cea2-2cead 323b0-3fc3f",
  ],
  [0x20000, "2ebf0-2ee5d"],
];

/** Where a normal form begins anew: the reference has nothing to compose, reorder or replace here. */
const inertCharacters =
  "558 58b-58c 5c8-5c9 7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1af0 1df6-1dfa " +
  "209d-209f 32ff a7f1-a7f4 a82c ab69 105c9 105d2 105da 105e4 10781-10785 10787-107b0 " +
  "107b2-107bf 10d24-10d27 10d69-10d6d 10eab-10eac 10ecb-10ecf 10ef0-10efb 10efd-10eff " +
  "10f46-10f50 10f82-10f85 11070 1133b 11382-11385 1138b 1138e 11390-11391 113c2 113c5 " +
  "113c7-113c8 113ce-113d0 1145e 11839-1183a 11935 11938 1193d-1193e 11943 119e0 11a34 " +
  "11a47 11a99 11d42 11d44-11d45 11d97 11f41-11f42 1611e 16121-16129 1612f 16d63 " +
  "16d67-16d6a 16ff0-16ff1 1b123-1b126 1ccd6-1ccf9 1d127-1d128 1d250-1d252 1d25b-1d25c " +
  "1d25f 1d280-1d281 1d6a6 1df95 1dfcd-1dfff 1e030-1e06d 1e08f 1e130-1e136 1e2ae " +
  "1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1e6e3 1e6e6 1e6ee-1e6ef 1e6f5 1f16c 1fbf0-1fbf9";

/** Digits younger than Unicode 15.0. */
const youngDigits =
  "10d40-10d49 116d0-116e3 11bf0-11bf9 11de0-11de9 16130-16139 16d70-16d79 16ff4-16ff6 " +
  "1ccf0-1ccf9 1e5f1-1e5fa";

/** What Unicode calls punctuation and the reference does not. */
const notPunctuation =
  "61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 2e60-2e63 10d6e 10ead 10ed0 " +
  "10f55-10f59 10f86-10f89 113d4-113d5 113d7-113d8 1144b-1144f 1145a-1145b 1145d " +
  "11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c 11a9e-11aa2 " +
  "11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 " +
  "16d6d-16d6f 16e97-16e9a 16fe2 1e5ff 1e95e-1e95f";

/** What the reference calls punctuation and Unicode does not. */
const formerPunctuation = "166d 111c9";

/** Capitals younger than Unicode 15.0, and how far behind them their small letters are. */
const youngCapitals: readonly (readonly [ranges: string, distance: number])[] = [
  ["1c89 a7cc a7ce a7d2 a7d4 a7da", 1],
  ["a7cb", 0x264 - 0xa7cb],
  ["a7dc", 0x19b - 0xa7dc],
  ["10d50-10d65", 32],
  ["16ea0-16eb8", 27],
];

/** "1c89 a7cb-a7cc" as the inside of a character class. */
function inClass(ranges: string): string {
  return ranges.replace(/[0-9a-f]+/g, (point) => `\\u{${point}}`).replaceAll(" ", "");
}

/** A character that `Digits` cuts off (Rust's `char::is_numeric`), for a pattern with the flag u. */
export const digit = `[\\p{N}${inClass(youngDigits)}]`;

/** A character that `Punctuation` cuts off. */
export const punctuation = `(?:(?![${inClass(notPunctuation)}])[\\p{P}!-/:-@[-\`{-~]|[${inClass(formerPunctuation)}])`;

/** A character of a word, as Rust's patterns have it; to be matched in what `forPatterns` gives. */
export const wordCharacter = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]";

const anyYoung = new RegExp(
  `[${youngCharacters.map(([, ranges]) => inClass(ranges)).join("")}]`,
  "gu",
);
const standIns = youngCharacters.map(([standIn, ranges]) => ({
  pattern: new RegExp(`[${inClass(ranges)}]`, "u"),
  standIn: String.fromCodePoint(standIn),
}));

/** The text with young characters as older ones that patterns treat alike; as long as before. */
export function forPatterns(text: string): string {
  return text.replace(
    anyYoung,
    (character) => standIns.find(({ pattern }) => pattern.test(character))?.standIn ?? character,
  );
}

const inert = new RegExp(`([${inClass(inertCharacters)}])`, "u");

/** A Unicode normal form, with the reference's tables. */
export function normalForm(text: string, form: "NFC" | "NFD" | "NFKC" | "NFKD"): string {
  if (!inert.test(text)) return text.normalize(form);
  const parts = text.split(inert);
  return parts.map((part, index) => (index % 2 === 1 ? part : part.normalize(form))).join("");
}

const smallOfYoung = youngCapitals.map(([ranges, distance]) => ({
  pattern: new RegExp(`[${inClass(ranges)}]`, "gu"),
  small: (capital: string) => String.fromCodePoint(capital.codePointAt(0)! + distance),
}));

/** Small letters, character by character: a sigma that ends a word is no other sigma. */
export function lowerCase(text: string): string {
  const older = smallOfYoung.reduce(
    (result, { pattern, small }) => result.replace(pattern, small),
    text,
  );
  return older.replaceAll("Σ", "σ").toLowerCase();
}

/** Lone halves of surrogate pairs, which UTF-8 cannot hold, as U+FFFD. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
