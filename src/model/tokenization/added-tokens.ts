/** Tokens that are found in a text before the model sees the rest: special ones, and those that were added to a vocabulary. */
import { UserError } from "../../messages/errors";
import type { EncodingModel } from "./encoding-model";
import type { AddedToken } from "./json";
import type { Normalizer } from "./normalizers";
import { eachPrefix, type Trie, trieOf } from "./trie";
import { forPatterns, wordCharacter } from "./unicode";

/** Added tokens with their ids. */
export interface AddedVocabulary {
  readonly ids: ReadonlyMap<string, number>;
  /** The text that stands for an id in decoding, if it is an added token's. */
  textOf(id: number): string | undefined;
  isSpecial(text: string): boolean;
  /** Cuts a text, not yet normalized, at the tokens that are found in it as it stands. */
  splitPlain(text: string): readonly Section[];
  /** Cuts a normalized text at the tokens that are found in such. */
  splitNormalized(text: string): readonly Section[];
}

/** A part of a text: an added token, or what lies between; `start` is where it begins. */
export type Section = { readonly id: number } | { readonly text: string; readonly start: number };

interface Known extends AddedToken {
  readonly id: number;
  /** What is looked for in the text. */
  readonly sought: string;
  /** What it is in decoded text, before the decoder. */
  readonly shown: string;
}

/**
 * The added tokens of a vocabulary, numbered as the reference numbers them: by the vocabulary where it has the token, else from its
 * end on. With `split`, special tokens are text like any other.
 * Throws UserError where a file says another id, or where two tokens look alike.
 */
export function addedVocabulary(
  tokens: readonly AddedToken[],
  vocabulary: Pick<EncodingModel, "ids" | "size">,
  normalizer: Normalizer | undefined,
  split: boolean,
): AddedVocabulary {
  const ids = numbered(tokens, vocabulary);
  const known = new Map<number, Known>();
  for (const token of tokens) {
    const { content } = token;
    const id = ids.get(content)!;
    const normalized = token.normalized ?? !token.special;
    const form = normalized && normalizer ? normalizer.normalize(content) : content;
    // As in the reference, what a normalizer once made of a token stays where the token is defined again.
    const shown = form === content ? (known.get(id)?.shown ?? content) : form;
    known.set(id, { ...token, normalized, id, shown, sought: normalized ? shown : content });
  }
  const special = new Set(tokens.filter((token) => token.special).map(({ content }) => content));
  const all = [...known.values()];
  const plain = treeOf(all.filter(({ normalized }) => !normalized));
  const normalizedTree = treeOf(all.filter(({ normalized }) => normalized));
  const ignored = (token: Known): boolean => split && special.has(token.content);
  return {
    ids,
    textOf: (id) => known.get(id)?.shown,
    isSpecial: (text) => special.has(text),
    splitPlain: (text) => sections(text, plain, ignored),
    splitNormalized: (text) => sections(text, normalizedTree, ignored),
  };
}

function numbered(
  tokens: readonly AddedToken[],
  vocabulary: Pick<EncodingModel, "ids" | "size">,
): Map<string, number> {
  const ids = new Map<string, number>();
  let next = vocabulary.size;
  for (const { content, id: declared } of tokens) {
    const id = ids.get(content) ?? vocabulary.ids.get(content) ?? next++;
    if (declared !== undefined && declared !== id)
      throw new UserError(
        `the added token ${JSON.stringify(content)} is said to have id ${declared}, but by the vocabulary it is ${id}`,
      );
    ids.set(content, id);
  }
  return ids;
}

/** Throws UserError for two tokens that are looked for alike, of which the reference takes either by chance, and for one that is nothing. */
function treeOf(tokens: readonly Known[]): Trie<Known> {
  const seen = new Map<string, Known>();
  for (const token of tokens) {
    const other = seen.get(token.sought);
    if (token.sought === "")
      throw new UserError(
        `the added token ${JSON.stringify(token.content)} is nothing when normalized`,
      );
    if (other)
      throw new UserError(
        `the added tokens ${JSON.stringify(other.content)} and ${JSON.stringify(token.content)} are the same when normalized`,
      );
    seen.set(token.sought, token);
  }
  return trieOf(seen);
}

const wordBefore = new RegExp(`${wordCharacter}$`, "u");
const wordBehind = new RegExp(`^${wordCharacter}`, "u");
const spaceAt = (text: string, index: number): boolean => /\p{White_Space}/u.test(text[index]);

/** Cuts a text at the tokens of a tree: the first one, of those the longest, and on behind it. */
function sections(text: string, tree: Trie<Known>, ignored: (token: Known) => boolean): Section[] {
  const result: Section[] = [];
  let done = 0;
  const upTo = (end: number): void => {
    if (done < end) result.push({ text: text.slice(done, end), start: done });
  };
  for (let at = 0; at < text.length;) {
    const match = longestAt(tree, text, at);
    if (match === undefined) {
      at++;
      continue;
    }
    const { token, end } = match;
    const [found, stop] = [at, end];
    // What is rejected is not looked at again, as in the reference.
    at = end;
    if (ignored(token) || (token.single_word && !standsAlone(text, found, stop))) continue;
    let [from, to] = [found, stop];
    while (token.lstrip && from > done && spaceAt(text, from - 1)) from--;
    while (token.rstrip && to < text.length && spaceAt(text, to)) to++;
    // Spaces that the token before has taken: as in the reference, one that may take spaces too has nothing left.
    if (token.lstrip) from = Math.max(from, done);
    upTo(from);
    if (from < to) result.push({ id: token.id });
    done = to;
  }
  upTo(text.length);
  return result;
}

function longestAt(
  tree: Trie<Known>,
  text: string,
  start: number,
): { token: Known; end: number } | undefined {
  let longest: { token: Known; end: number } | undefined;
  eachPrefix(tree, text, start, (token, end) => (longest = { token, end }));
  return longest;
}

function standsAlone(text: string, start: number, end: number): boolean {
  // Two units are enough for a character.
  const before = forPatterns(text.slice(Math.max(0, start - 2), start));
  const behind = forPatterns(text.slice(end, end + 2));
  return !wordBefore.test(before) && !wordBehind.test(behind);
}
