/** Unigram: of all ways to cut a piece into tokens, the one whose scores have the largest sum (Viterbi). */
import { UserError } from "../../messages/errors";
import { byteIds, type EncodingModel, unknownPiece } from "./encoding-model";
import type { UnigramJson } from "./json";
import { eachPrefix, type Trie, trieOf } from "./trie";

/** What an unknown character scores below the worst token. */
const unknownPenalty = 10;
const longestKept = 256;
const mostKept = 50_000;

/** A token's score, by its text in a tree and by its id. */
interface Scored {
  readonly tree: Trie<number>;
  readonly scores: readonly number[];
  readonly unknownId: number | undefined;
  readonly unknownScore: number;
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly unknown: boolean;
}

/** The model of tokenizer.json. Throws UserError for one that contradicts itself. */
export function unigramModel(json: UnigramJson): EncodingModel {
  const { vocab, byte_fallback } = json;
  const unknownId = json.unk_id ?? undefined;
  if (unknownId !== undefined && unknownId >= vocab.length)
    throw new UserError(`unk_id is ${unknownId}, but there are ${vocab.length} tokens`);
  const ids: ReadonlyMap<string, number> = new Map(vocab.map(([token], id) => [token, id]));
  const scores = vocab.map(([, score]) => score);
  const least = scores.reduce((least, score) => Math.min(least, score), Infinity);
  const scored = { tree: trieOf(ids), scores, unknownId, unknownScore: least - unknownPenalty };

  const idsOf = (text: string): readonly number[] => {
    const id = ids.get(text);
    if (id !== undefined) return [id];
    const bytes = byte_fallback ? byteIds(text, ids) : undefined;
    if (bytes) return bytes;
    if (unknownId === undefined) throw unknownPiece();
    return [unknownId];
  };
  const kept = new Map<string, readonly number[]>();
  return {
    ids,
    tokens: vocab.map(([token]) => token),
    size: vocab.length,
    encode(piece) {
      const known = kept.get(piece);
      if (known) return known;
      const cuts = withoutUnknownRuns(bestCutting(piece, scored));
      const found = cuts.flatMap(({ start, end }) => idsOf(piece.slice(start, end)));
      if (piece.length < longestKept) {
        if (kept.size >= mostKept) kept.clear();
        kept.set(piece, found);
      }
      return found;
    },
  };
}

/** The tokens of the best cutting, in order. Throws UserError for an unknown character where there is no unknown token. */
function bestCutting(piece: string, { tree, scores, unknownId, unknownScore }: Scored): Cut[] {
  // By where a token ends: the best sum so far, where its last token begins, and which that is.
  const best = new Float64Array(piece.length + 1);
  const from = new Int32Array(piece.length + 1).fill(-1);
  const last = new Int32Array(piece.length + 1);
  const offer = (id: number, start: number, end: number, score: number): void => {
    const sum = score + best[start];
    if (from[end] >= 0 && sum <= best[end]) return;
    [best[end], from[end], last[end]] = [sum, start, id];
  };
  for (let start = 0; start < piece.length;) {
    const next = start + (piece.codePointAt(start)! > 0xffff ? 2 : 1);
    let single = false;
    eachPrefix(tree, piece, start, (id, end) => {
      offer(id, start, end, scores[id]);
      single ||= end === next;
    });
    if (!single) {
      if (unknownId === undefined) throw unknownPiece();
      offer(unknownId, start, next, unknownScore);
    }
    start = next;
  }
  const cuts: Cut[] = [];
  for (let end = piece.length; end > 0; end = from[end])
    cuts.push({ start: from[end], end, unknown: last[end] === unknownId });
  return cuts.reverse();
}

/** Unknown characters beside one another are one. */
function withoutUnknownRuns(cuts: readonly Cut[]): Cut[] {
  const joined: Cut[] = [];
  for (const cut of cuts) {
    const before = joined.at(-1);
    if (cut.unknown && before?.unknown) joined[joined.length - 1] = { ...before, end: cut.end };
    else joined.push(cut);
  }
  return joined;
}
