/** The models that turn a piece of text into ids. */
import { UserError } from "../../messages/errors";
import { tokenizersLibrary } from "../hugging-face";
import { bpeModel } from "./bpe";
import { byId, type EncodingModel, unknownPiece } from "./encoding-model";
import {
  bpeSchema,
  type TokenizerJson,
  unigramSchema,
  type WordPieceJson,
  wordPieceSchema,
} from "./json";
import { make, settings } from "./steps";
import { unigramModel } from "./unigram";

/** The model of tokenizer.json; older files do not name its type. Throws UserError for one that cannot be had. */
export function compileModel(model: TokenizerJson["model"]): EncodingModel {
  const type = model.type ?? formerType(model);
  return make({ ...model, type }, "model", {
    BPE: (step) => bpeModel(settings(step, "model", bpeSchema)),
    Unigram: (step) => unigramModel(settings(step, "model", unigramSchema)),
    WordPiece: (step) => wordPieceModel(settings(step, "model", wordPieceSchema)),
  });
}

function formerType(model: object): string {
  if ("merges" in model) return "BPE";
  if ("vocab" in model && Array.isArray(model.vocab)) return "Unigram";
  throw new UserError("the model has no type");
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
