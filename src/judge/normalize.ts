/** Text to comparable words: case, accents, numbers, units, spelling and endings. What the words prove is judged elsewhere. */

/** A word of a text, in a form that can be compared. */
export interface Word {
  /** Lower case, no accents, numbers as digits, units and spellings unified. */
  readonly form: string;
  /** `form` without its grammatical ending. */
  readonly stem: string;
  /** The value, where the word is a number (ordinals too). */
  readonly value?: number;
  /** Written with a capital (names; also the first word of a sentence). */
  readonly capital: boolean;
  /** An article, preposition, auxiliary or pronoun, which carries no answer. */
  readonly empty: boolean;
}

const RAMBLE = /\n\s*(?:q\s*:|question|you are|answer this|\n)|\bq:|human:|assistant:/i;

/** The answer before any rambling: models go on with questions of their own. */
export function answerHead(answer: string): string {
  return answer.trim().split(RAMBLE)[0].trim() || answer.trim();
}

/** The question without the "Topic:" line that SEAL's have. */
export function plainQuestion(question: string): string {
  return question.replace(/^Topic:.*\n/, "");
}

const EMPTY = new Set(
  (
    "a an the of in on at to for by with and or is was are were be been being it its their his her he she they that " +
    "this these those as from into than then there which who whom what when where how why did does do had has have " +
    "also such some any s t would could will can may might about around approximately very more most only just so " +
    "per each both during after before because due between"
  ).split(" "),
);

const SMALL_NUMBERS = (
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen " +
  "sixteen seventeen eighteen nineteen"
).split(" ");
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const ORDINALS = (
  "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth " +
  "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split(" ");
const SCALES: Readonly<Record<string, number>> = {
  hundred: 1e2,
  thousand: 1e3,
  million: 1e6,
  billion: 1e9,
  trillion: 1e12,
};

const NUMBERS = new Map<string, number>([
  ...SMALL_NUMBERS.map((word, i): [string, number] => [word, i]),
  ...TENS.map((word, i): [string, number] => [word, 20 + 10 * i]),
  ...ORDINALS.map((word, i): [string, number] => [word, i]),
  ["once", 1],
  ["twice", 2],
  ["thrice", 3],
  ["dozen", 12],
  ["half", 0.5],
]);

/** Words that mean the same: units, months, spellings, a few names. Pairs `from:to`. */
const SAME = new Map(
  (
    "%:percent percentage:percent km:kilometer kilometre:kilometer kilometres:kilometer kms:kilometer m:meter " +
    "metre:meter metres:meter ft:foot feet:foot mi:mile lb:pound lbs:pound kg:kilogram kgs:kilogram " +
    "°c:celsius °f:fahrenheit c:celsius $:dollar usd:dollar €:euro £:pound jan:january feb:february mar:march " +
    "apr:april jun:june jul:july aug:august sep:september sept:september oct:october nov:november dec:december " +
    "centre:center theatre:theater defence:defense colour:color labour:labor favour:favor honour:honor " +
    "harbour:harbor neighbour:neighbor programme:program grey:gray uk:britain usa:us america:us american:us " +
    "americans:us men:man women:woman children:child people:person persons:person teeth:tooth mice:mouse " +
    "died:death die:death dead:death began:begin begun:begin started:begin start:begin became:become made:make " +
    "built:build grew:grow rose:rise fell:fall held:hold led:lead lost:lose won:win wrote:write written:write " +
    "chose:choose chosen:choose taught:teach sold:sell gave:give given:give took:take taken:take kept:keep " +
    "large:big larger:big largest:big biggest:big bigger:big great:big greater:big greatest:big huge:big " +
    "significant:big substantial:big considerable:big decreased:decrease reduce:decrease reduced:decrease " +
    "reducing:decrease reduction:decrease decline:decrease declined:decrease lower:decrease lowered:decrease " +
    "low:decrease less:decrease fewer:decrease increase:rise increased:rise increasing:rise higher:rise " +
    "growth:rise germany:german france:french spain:spanish england:english italy:italian china:chinese " +
    "poland:polish turkey:turkish netherlands:dutch holland:dutch greece:greek sweden:swedish " +
    "&:and no:not none:not never:not cannot:not without:not nobody:not nothing:not nor:not"
  )
    .split(" ")
    .map((pair): [string, string] => {
      const cut = pair.lastIndexOf(":");
      return [pair.slice(0, cut), pair.slice(cut + 1)];
    }),
);

const PATTERN =
  /[$€£%&]|°\s?[cf]\b|\d+(?:\.\d+)?(?:st|nd|rd|th|s|bn|m|km|kg|%)?(?![\p{L}\d])|(?:\p{L}\.){2,}\p{L}?|[\p{L}\p{N}]+/giu;

/** The words of `text`, in order; numbers written in words are joined ("five hundred" is 500). */
export function wordsOf(text: string): Word[] {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[’‘`]/g, "'")
    .replace(/n't\b/gi, " not")
    .replace(/'s\b/gi, "")
    .replace(/(\d),(?=\d{3})/g, "$1")
    .replace(/\bunited states(?: of america)?\b/gi, "US")
    .replace(/\bunited kingdom\b/gi, "UK");
  return joinNumbers((plain.match(PATTERN) ?? []).map(knownWord));
}

const wordsByText = new Map<string, Word>();

function knownWord(raw: string): Word {
  let word = wordsByText.get(raw);
  if (!word) {
    word = toWord(raw);
    if (wordsByText.size > 50_000) wordsByText.clear();
    wordsByText.set(raw, word);
  }
  return word;
}

/** The words that carry meaning; all of them where there are no others. */
export function contentWords(words: readonly Word[]): readonly Word[] {
  const content = words.filter((word) => !word.empty);
  return content.length > 0 ? content : words;
}

function toWord(raw: string): Word {
  const capital = /^\p{Lu}/u.test(raw);
  const lower = raw.toLowerCase().replace(/(?<=\p{L})\./gu, "");
  const digits = /^(\d+(?:\.\d+)?)/.exec(lower);
  const value = digits ? Number(digits[1]) : NUMBERS.get(lower);
  if (value !== undefined) {
    return { form: String(value), stem: String(value), value, capital: false, empty: false };
  }
  const form = SAME.get(lower) ?? lower;
  return { form, stem: stemOf(form), capital, empty: EMPTY.has(form) };
}

/** "twenty" "five" -> 25; "2.5" "million" -> 2500000. */
function joinNumbers(words: readonly Word[]): Word[] {
  const joined: Word[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    const scale = SCALES[word.form];
    const before = last?.value;
    if (scale !== undefined) {
      if (before !== undefined) joined.pop();
      joined.push(numberWord((before ?? 1) * scale));
    } else if (isUnitAfterTens(before, word.value)) {
      joined.pop();
      joined.push(numberWord((before as number) + (word.value as number)));
    } else joined.push(word);
  }
  return joined;
}

function isUnitAfterTens(before: number | undefined, value: number | undefined): boolean {
  if (before === undefined || value === undefined) return false;
  return before >= 20 && before < 100 && before % 10 === 0 && value > 0 && value < 10;
}

function numberWord(value: number): Word {
  return { form: String(value), stem: String(value), value, capital: false, empty: false };
}

const ENDINGS =
  /(?:ations?|ational|ators?|atively|ative|ities|ity|iveness|ively|ives?|ments?|ness|ions?|ional|ingly|edly|ing|ings|ized|ised|izes?|ises?|izing|ising|ization|isation|ally|ical|ics?|als?|ers?|ors?|est|ies|ied|ian|ians|ist|ists|ism|ance|ence|ant|ent|ate|ated|ates|ous|ously|ful|able|ible|ly|ed|es|ts|s|e|y)$/;

/** A short common root; coarse on purpose ("fragmented" and "fragmentation" agree). */
export function stemOf(form: string): string {
  if (form.length <= 3) return form;
  let stem = form;
  for (let pass = 0; pass < 2; pass++) {
    const shorter = stem.replace(ENDINGS, "");
    if (shorter.length < 4) break;
    stem = shorter;
  }
  return stem === form && form.length > 3 ? form.replace(/s$/, "") : stem;
}

/** How alike two words are, in [0, 1]: same stem 1, a shared beginning or shared letter triples less; numbers only if equal. */
export function likeness(a: Word, b: Word): number {
  if (a.value !== undefined || b.value !== undefined) return a.value === b.value ? 1 : 0;
  if (a.form === b.form) return 1;
  if (a.stem === b.stem) return 0.95;
  const prefix = commonPrefix(a.form, b.form) / Math.max(a.form.length, b.form.length);
  const shared = shareOfTriples(a.form, b.form);
  const alike = Math.max(prefix, shared);
  return alike >= 0.5 ? 0.9 * alike : 0;
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length >= 4 ? length : 0;
}

const triplesByForm = new Map<string, ReadonlySet<string>>();

/** Kept between calls: the same words come again and again, and this is where the judge's time goes. */
function triplesOf(form: string): ReadonlySet<string> {
  let triples = triplesByForm.get(form);
  if (!triples) {
    const padded = `^${form}$`;
    triples = new Set(Array.from({ length: form.length }, (_, i) => padded.slice(i, i + 3)));
    if (triplesByForm.size > 50_000) triplesByForm.clear();
    triplesByForm.set(form, triples);
  }
  return triples;
}

function shareOfTriples(a: string, b: string): number {
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  if (shorter.length < 4 || longer.length > 3 * shorter.length) return 0;
  const [left, right] = [triplesOf(shorter), triplesOf(longer)];
  let shared = 0;
  for (const triple of left) if (right.has(triple)) shared++;
  return (2 * shared) / (left.size + right.size);
}
