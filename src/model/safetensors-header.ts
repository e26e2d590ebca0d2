/** The header of one safetensors file, checked as the reference implementation does; the values are read elsewhere. */
import { z } from "zod";
import { UserError } from "../messages/errors";
import { decodeUtf8, quoteName, quotePath, readInto, type OpenFile } from "./files";
import { elementCount, type Stored } from "./floats";
import { parseStrictJson } from "./json";
import type { TensorInfo } from "./types";

/** The reference implementation's limit. */
const maximumHeaderBytes = 100_000_000;

/** Bytes of an element; types that cannot be read to fp32 may still lie in a file, unread. */
const elementBytes: ReadonlyMap<string, number> = new Map([
  ["BOOL", 1],
  ["U8", 1],
  ["I8", 1],
  ["F8_E5M2", 1],
  ["F8_E4M3", 1],
  ["F8_E8M0", 1],
  ["I16", 2],
  ["U16", 2],
  ["F16", 2],
  ["BF16", 2],
  ["I32", 4],
  ["U32", 4],
  ["F32", 4],
  ["I64", 8],
  ["U64", 8],
  ["F64", 8],
  ["C64", 8],
]);

/** A tensor of the file: what it is and where it lies. */
export interface SafetensorsEntry extends TensorInfo, Stored {
  readonly bytes: number;
}

/**
 * The tensors of an open file by name. Throws a one-line UserError for a header that is damaged or hostile:
 * too long, not UTF-8, duplicate keys, unknown types, shapes or offsets that do not fit one another or the file.
 */
export async function readSafetensorsHeader(
  file: OpenFile,
): Promise<Map<string, SafetensorsEntry>> {
  const where = quotePath(file.path);
  if (file.size < 8) throw new UserError(`${where} is too short to be a safetensors file`);
  const prefix = Buffer.alloc(8);
  await readInto(file, prefix, 0);
  const length = prefix.readBigUInt64LE();
  if (length > maximumHeaderBytes || Number(length) > file.size - 8) {
    throw new UserError(
      `${where}: a header of ${length} bytes does not fit; it is no safetensors file, or cut short`,
    );
  }
  const header = Buffer.alloc(Number(length));
  await readInto(file, header, 8);
  const text = decodeUtf8(header, `the header of ${where}`);
  if (!text.startsWith("{")) throw new UserError(`the header of ${where} is not a JSON object`);
  const json = parseStrictJson(text, `the header of ${where}`) as object;
  return parseEntries(json, 8 + header.length, file);
}

const metadataSchema = z.record(z.string(), z.string());
const entrySchema = z.looseObject({
  dtype: z.string(),
  shape: z.array(z.number().int().min(0)),
  data_offsets: z.tuple([z.number().int().min(0), z.number().int().min(0)]),
});

/** Tensors by name; `dataStart` is the first byte after the header. */
function parseEntries(
  json: object,
  dataStart: number,
  file: OpenFile,
): Map<string, SafetensorsEntry> {
  const where = quotePath(file.path);
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(json)) {
    if (name !== "__metadata__") entries.set(name, parseEntry(name, value, dataStart, where));
    else if (!metadataSchema.safeParse(value).success) {
      throw new UserError(`${where}: "__metadata__" must map strings to strings`);
    }
  }
  checkLayout([...entries.values()], dataStart, file);
  return entries;
}

function parseEntry(
  name: string,
  value: unknown,
  dataStart: number,
  where: string,
): SafetensorsEntry {
  const refuse = (why: string): never => {
    throw new UserError(`${where}: tensor ${quoteName(name)} ${why}`);
  };
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) return refuse("has no valid dtype, shape and data_offsets");
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const size = elementBytes.get(dtype);
  if (size === undefined) return refuse(`has the unknown dtype ${quoteName(dtype)}`);
  const elements = elementCount(shape);
  if (elements === undefined) return refuse("has a shape whose product overflows");
  const bytes = offsets[1] - offsets[0];
  if (bytes !== elements * size) return refuse("has data_offsets that do not match its shape");
  return { name, dtype, shape, elements, bytes, offset: dataStart + offsets[0] };
}

/** Every byte after the header belongs to exactly one tensor: no holes, no overlaps, nothing beyond the end. */
function checkLayout(entries: SafetensorsEntry[], dataStart: number, file: OpenFile): void {
  let end = dataStart;
  for (const entry of entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (entry.offset !== end) {
      const what = entry.offset < end ? "overlaps the one before it" : "leaves a hole before it";
      throw new UserError(`${quotePath(file.path)}: tensor ${quoteName(entry.name)} ${what}`);
    }
    end += entry.bytes;
  }
  if (end !== file.size) {
    const what = end > file.size ? "is cut short" : "goes on after its last tensor";
    throw new UserError(
      `${quotePath(file.path)} ${what}: ${file.size} bytes where its header says ${end}`,
    );
  }
}
