/** The header of a GGUF file from its bytes, with limits against hostile input; the tensors' data is read elsewhere. */
import { quoteName } from "../files";
import { elementCount } from "../floats";
import { ByteReader } from "./bytes";
import { ggmlTypes } from "./types";

/** A metadata value: 64-bit integers are numbers where that is exact, else bigint. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[];

/** What the header says of one tensor, in GGUF's own terms but with the shape row-major. */
export interface GgufTensor {
  readonly name: string;
  /** E.g. `Q4_1`. */
  readonly dtype: string;
  /** Row-major: GGUF's dimensions reversed. */
  readonly shape: readonly number[];
  readonly elements: number;
  /** From the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** A whole header. */
export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const magic = 0x46554747;
const maximumEntries = 65536;
const maximumDimensions = 4;
const maximumDepth = 3;

/**
 * Parses a header from the file's first bytes; `fileSize` bounds the tensors.
 * Throws OutOfBytes (see bytes.ts) where `bytes` ends before the header does, UserError for anything else wrong.
 */
export function parseGgufHeader(bytes: Buffer, fileSize: number, where: string): GgufHeader {
  const reader = new ByteReader(bytes, fileSize, where);
  if (reader.u32() !== magic) reader.refuse("is not a GGUF file: its first bytes are not GGUF");
  const version = reader.u32();
  if (version !== 2 && version !== 3) {
    reader.refuse(`has GGUF version ${version}; only little-endian versions 2 and 3 are supported`);
  }
  const tensorCount = reader.count(maximumEntries, "tensors");
  const entryCount = reader.count(maximumEntries, "metadata entries");
  const metadata = readMetadata(reader, entryCount);
  const infos = readTensorInfos(reader, tensorCount);
  const alignment = alignmentOf(metadata, reader);
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  return { metadata, tensors: placeTensors(infos, alignment, dataStart, fileSize, reader) };
}

function readMetadata(reader: ByteReader, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = reader.string(65535);
    if (metadata.has(key)) reader.refuse(`has the key ${quoteName(key)} twice`);
    metadata.set(key, readValue(reader, reader.u32(), 0));
  }
  return metadata;
}

function readValue(reader: ByteReader, type: number, depth: number): GgufValue {
  if (type === 9) return readArray(reader, depth + 1);
  return reader.scalar(type);
}

function readArray(reader: ByteReader, depth: number): GgufValue[] {
  if (depth > maximumDepth) reader.refuse("nests arrays too deeply");
  const type = reader.u32();
  const length = reader.arrayLength();
  const values: GgufValue[] = [];
  for (let i = 0; i < length; i++) values.push(readValue(reader, type, depth));
  return values;
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, reader: ByteReader): number {
  const alignment = metadata.get("general.alignment") ?? 32;
  const powerOfTwo = typeof alignment === "number" && Number.isInteger(Math.log2(alignment));
  if (powerOfTwo && alignment >= 1 && alignment <= 2 ** 20) return alignment;
  return reader.refuse("has a general.alignment that is no power of two up to 2^20");
}

type TensorInfo = Omit<GgufTensor, "offset"> & { readonly relativeOffset: number };

function readTensorInfos(reader: ByteReader, count: number): TensorInfo[] {
  const infos = new Map<string, TensorInfo>();
  for (let i = 0; i < count; i++) {
    const info = readTensorInfo(reader);
    if (infos.has(info.name)) reader.refuse(`has the tensor ${quoteName(info.name)} twice`);
    infos.set(info.name, info);
  }
  return [...infos.values()];
}

function readTensorInfo(reader: ByteReader): TensorInfo {
  const name = reader.string(256);
  const refuse = (why: string): never => reader.refuse(`: tensor ${quoteName(name)} ${why}`);
  const dimensions = reader.u32();
  if (dimensions < 1 || dimensions > maximumDimensions) refuse(`has ${dimensions} dimensions`);
  const sizes = Array.from({ length: dimensions }, () => Number(reader.u64()));
  const typeId = reader.u32();
  const type = ggmlTypes.get(typeId);
  if (!type) return refuse(`has the unknown type ${typeId}`);
  const elements = elementCount(sizes);
  if (!elements) return refuse("has dimensions that are zero or overflow");
  const { blockElements, blockBytes } = type;
  if (sizes[0] % blockElements !== 0) refuse(`has rows that are not whole ${type.name} blocks`);
  const bytes = (elements / blockElements) * blockBytes;
  const relativeOffset = Number(reader.u64());
  return { name, dtype: type.name, shape: sizes.reverse(), elements, bytes, relativeOffset };
}

/** Places the tensors in the file: aligned, within it, none over another. */
function placeTensors(
  infos: readonly TensorInfo[],
  alignment: number,
  dataStart: number,
  fileSize: number,
  reader: ByteReader,
): Map<string, GgufTensor> {
  const placed = infos.map(({ relativeOffset, ...info }) => {
    const offset = dataStart + relativeOffset;
    const why =
      relativeOffset % alignment !== 0
        ? "is not aligned"
        : offset + info.bytes > fileSize
          ? "ends beyond the end of the file, which is damaged or cut short"
          : undefined;
    if (why) reader.refuse(`: tensor ${quoteName(info.name)} ${why}`);
    return { ...info, offset };
  });
  let end = dataStart;
  for (const tensor of [...placed].sort((a, b) => a.offset - b.offset)) {
    if (tensor.offset < end) reader.refuse(`: tensor ${quoteName(tensor.name)} overlaps another`);
    end = tensor.offset + tensor.bytes;
  }
  return new Map(placed.map((tensor) => [tensor.name, tensor]));
}
