/** Unigram: of all ways to cut a piece into tokens, the one whose scores have the largest sum (Viterbi). */
import { UserError } from "../../messages/errors";
import { byteIds, type EncodingModel, unknownPiece } from "./encoding-model";
import type { UnigramJson } from "./json";
import { eachPrefix, trieOf } from "./trie";

/** What an unknown character scores below the worst token. */
const unknownPenalty = 10;
const longestKept = 256;
const mostKept = 50_000;

/** The model of tokenizer.json. Throws UserError for one that contradicts itself. */
export function unigramModel(json: UnigramJson): EncodingModel {
  const { vocab, byte_fallback } = json;
  const unknownId = json.unk_id ?? undefined;
  if (unknownId !== undefined && unknownId >= vocab.length)
    throw new UserError(`unk_id is ${unknownId}, but there are ${vocab.length} tokens`);
  const ids: ReadonlyMap<string, number> = new Map(vocab.map(([token], id) => [token, id]));
  const tree = trieOf(ids);
  const scores = vocab.map(([, score]) => score);
  const unknownScore =
    scores.reduce((least, score) => Math.min(least, score), Infinity) - unknownPenalty;

  /** Where the best cutting's tokens begin and end, and whether each is unknown. */
  const bestCutting = (piece: string): { start: number; end: number; unknown: boolean }[] => {
    const best = new Float64Array(piece.length + 1);
    const from = new Int32Array(piece.length + 1).fill(-1);
    const token = new Int32Array(piece.length + 1);
    const offer = (id: number, start: number, end: number, score: number): void => {
      const sum = score + best[start];
      if (from[end] >= 0 && sum <= best[end]) return;
      [best[end], from[end], token[end]] = [sum, start, id];
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
    const cutting: { start: number; end: number; unknown: boolean }[] = [];
    for (let end = piece.length; end > 0; end = from[end])
      cutting.push({ start: from[end], end, unknown: token[end] === unknownId });
    return cutting.reverse();
  };

  const idsOf = (text: string): readonly number[] => {
    const id = ids.get(text);
    if (id !== undefined) return [id];
    const bytes = byte_fallback ? byteIds(text, ids) : undefined;
    if (bytes) return bytes;
    if (unknownId === undefined) throw unknownPiece();
    return [unknownId];
  };

  const compute = (piece: string): readonly number[] => {
    const found: number[] = [];
    let unknownFrom = -1;
    const flush = (end: number): void => {
      if (unknownFrom >= 0) for (const id of idsOf(piece.slice(unknownFrom, end))) found.push(id);
      unknownFrom = -1;
    };
    for (const { start, end, unknown } of bestCutting(piece)) {
      if (unknown) {
        if (unknownFrom < 0) unknownFrom = start;
        continue;
      }
      flush(start);
      found.push(...idsOf(piece.slice(start, end)));
    }
    flush(piece.length);
    return found;
  };

  const kept = new Map<string, readonly number[]>();
  return {
    ids,
    tokens: vocab.map(([token]) => token),
    size: vocab.length,
    encode(piece) {
      const known = kept.get(piece);
      if (known) return known;
      const found = compute(piece);
      if (piece.length < longestKept) {
        if (kept.size >= mostKept) kept.clear();
        kept.set(piece, found);
      }
      return found;
    },
  };
}
