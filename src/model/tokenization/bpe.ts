/** Byte-pair encoding: the pair of tokens whose merge comes first in the list is put together, until there is none. */
import { UserError } from "../../messages/errors";
import { tokenizersLibrary } from "../hugging-face";
import { byId, byteIds, type EncodingModel, unknownPiece } from "./encoding-model";
import type { BpeJson } from "./json";

/**
 * The model of tokenizer.json. The library merges; what becomes of characters that the vocabulary lacks is done here, as in Rust.
 * Throws UserError for merges of tokens that there are not.
 */
export function bpeModel(json: BpeJson): EncodingModel {
  const merges = checkedMerges(json);
  const library = new tokenizersLibrary.BPE({ type: "BPE", vocab: json.vocab, merges });
  const ids = library.tokens_to_ids;
  const { fuse_unk, byte_fallback, ignore_merges } = json;
  const unknown = json.unk_token ?? undefined;
  const unknownId = unknown === undefined ? undefined : ids.get(unknown);
  const bytesOf = (token: string): readonly number[] | undefined =>
    byte_fallback ? byteIds(token, ids) : undefined;
  const isLost = (token: string): boolean => !ids.has(token) && bytesOf(token) === undefined;

  const encode = (piece: string): readonly number[] => {
    const found: number[] = [];
    let pending = false;
    const flush = (): void => {
      if (pending) found.push(unknownId!);
      pending = false;
    };
    const tokens = library.bpe(piece);
    for (const token of tokens) {
      const id = ids.get(token);
      const known = id === undefined ? bytesOf(token) : [id];
      if (known) {
        // As in the reference, bytes come before what is unknown in front of them.
        if (id !== undefined) flush();
        found.push(...known);
      } else if (unknown === undefined) {
        // It is left out, and what stands around it may be merged.
        return encode(
          Array.from(piece)
            .filter((character) => !isLost(character))
            .join(""),
        );
      } else {
        if (unknownId === undefined) throw unknownPiece();
        if (!fuse_unk) flush();
        pending = true;
      }
    }
    flush();
    return found;
  };
  return {
    ids,
    tokens: byId(ids),
    size: ids.size,
    encode(piece) {
      const whole = ignore_merges ? ids.get(piece) : undefined;
      return whole === undefined ? encode(piece) : [whole];
    },
  };
}

/** Merges as pairs, all of tokens that the vocabulary has. */
function checkedMerges({ vocab, merges }: BpeJson): [string, string][] {
  const known = (token: string): boolean => Object.hasOwn(vocab, token);
  const pairs: [string, string][] = [];
  for (const merge of merges) {
    if (typeof merge === "string" && merge.startsWith("#version")) continue;
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    const [left, right] = parts;
    if (parts.length !== 2 || !known(left) || !known(right) || !known(left + right))
      throw new UserError(
        `the merge ${JSON.stringify(parts.join(" "))} is not of tokens that the vocabulary has`,
      );
    pairs.push([left, right]);
  }
  return pairs;
}
