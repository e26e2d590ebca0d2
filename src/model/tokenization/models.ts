/** The models that turn a piece of text into ids. */
import { tokenizersLibrary } from "../hugging-face";
import { bpeModel } from "./bpe";
import { byId, type EncodingModel, unknownPiece } from "./encoding-model";
import type { BpeJson, UnigramJson, WordPieceJson } from "./json";
import { unigramModel } from "./unigram";

/** The model of tokenizer.json. Throws UserError for one that cannot be had. */
export function compileModel(json: BpeJson | WordPieceJson | UnigramJson): EncodingModel {
  if ("merges" in json) return bpeModel(json as BpeJson);
  return Array.isArray(json.vocab)
    ? unigramModel(json as UnigramJson)
    : wordPieceModel(json as WordPieceJson);
}

/** Words, each as the longest tokens it begins with, one after another; by the library. */
function wordPieceModel(json: WordPieceJson): EncodingModel {
  const library = new tokenizersLibrary.WordPiece(json);
  const ids = library.tokens_to_ids;
  return {
    ids,
    tokens: byId(ids),
    size: ids.size,
    encode: (piece) =>
      library.encode([piece]).map((token) => {
        const id = ids.get(token);
        if (id === undefined) throw unknownPiece();
        return id;
      }),
  };
}
