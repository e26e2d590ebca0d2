/** What every model does, and how it deals with what its vocabulary lacks. */
import { UserError } from "../../messages/errors";

/** Turns pieces into ids. */
export interface EncodingModel {
  /** Each token's id. */
  readonly ids: ReadonlyMap<string, number>;
  /** The token of each id, where there is one. */
  readonly tokens: readonly (string | undefined)[];
  /** How many tokens there are; added ones are numbered from here on. */
  readonly size: number;
  /** The ids of a piece that is not empty. Throws UserError where the vocabulary has none. */
  encode(piece: string): readonly number[];
}

/** The error for a piece that has no id. */
export function unknownPiece(): UserError {
  return new UserError("the vocabulary has no token for a part of the text");
}

/** The ids of a text's UTF-8 bytes, if the vocabulary has a token such as <0xE2> for each. */
export function byteIds(
  text: string,
  ids: ReadonlyMap<string, number>,
): readonly number[] | undefined {
  const found: number[] = [];
  for (const byte of Buffer.from(text, "utf8")) {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id === undefined) return undefined;
    found.push(id);
  }
  return found;
}

/** The token of each id. */
export function byId(ids: ReadonlyMap<string, number>): readonly (string | undefined)[] {
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of ids) tokens[id] = token;
  return tokens;
}
