/** Stored numbers to fp32, block by block; F32, F16 and BF16 here, the GGUF quantizations beside them in gguf/quants. */
import { UserError } from "../messages/errors";
import { quoteName, quotePath, readInto, type OpenFile } from "./files";

/** How a stored type becomes fp32. Bytes are little-endian, as both file formats and all of Node's machines have them. */
export interface Codec {
  /** Elements in a block; a tensor is a whole number of blocks. */
  readonly blockElements: number;
  /** Bytes in a block. */
  readonly blockBytes: number;
  /** Decodes whole blocks; `out` has room for exactly their elements. */
  decode(bytes: Buffer, out: Float32Array): void;
}

/** Bits of the fp32 number that equals each fp16 number (NaN payloads are kept). Indexed by the fp16 bits. */
const halfBits = buildHalfBits();
/** The same as numbers. */
export const halfToFloat = new Float32Array(halfBits.buffer);

function buildHalfBits(): Uint32Array {
  const table = new Uint32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    table[half] = sign | magnitudeBits(exponent, fraction);
  }
  return table;
}

function magnitudeBits(exponent: number, fraction: number): number {
  if (exponent === 31) return 0x7f800000 | (fraction << 13);
  if (exponent > 0) return ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return 0;
  // A subnormal: shift the leading one out of the fraction.
  const shift = Math.clz32(fraction) - 21;
  return ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13);
}

const f32: Codec = {
  blockElements: 1,
  blockBytes: 4,
  decode: (bytes, out) => new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes),
};

const f16: Codec = {
  blockElements: 1,
  blockBytes: 2,
  decode: (bytes, out) => {
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < bits.length; i++)
      bits[i] = halfBits[bytes[2 * i] | (bytes[2 * i + 1] << 8)];
  },
};

const bf16: Codec = {
  blockElements: 1,
  blockBytes: 2,
  decode: (bytes, out) => {
    const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < bits.length; i++) bits[i] = (bytes[2 * i] << 16) | (bytes[2 * i + 1] << 24);
  },
};

/** The plain floating-point types, by their name in safetensors and in GGUF. */
export const floatCodecs: ReadonlyMap<string, Codec> = new Map([
  ["F32", f32],
  ["F16", f16],
  ["BF16", bf16],
]);

/** Product of the dimensions; undefined where it, or one of them, is no whole number below 2^53. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Where a tensor lies in its file. */
export interface Stored {
  readonly name: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly elements: number;
}

const maximumElements = 2 ** 31;
const chunkElements = 2 ** 20;

/**
 * A stored tensor as fp32, decoded in chunks so that little beside the result is in memory.
 * Throws UserError for more than 2^31 elements or a file that ends too early.
 */
export async function readStored(
  file: OpenFile,
  stored: Stored,
  codec: Codec,
): Promise<Float32Array> {
  if (stored.elements > maximumElements) {
    throw new UserError(
      `${quotePath(file.path)}: tensor ${quoteName(stored.name)} has more than 2^31 elements`,
    );
  }
  const values = new Float32Array(stored.elements);
  const bytesFor = (elements: number): number =>
    (elements / codec.blockElements) * codec.blockBytes;
  const buffer = Buffer.allocUnsafeSlow(bytesFor(Math.min(chunkElements, stored.elements)));
  for (let start = 0; start < stored.elements; start += chunkElements) {
    const out = values.subarray(start, start + chunkElements);
    const bytes = buffer.subarray(0, bytesFor(out.length));
    await readInto(file, bytes, stored.offset + bytesFor(start));
    codec.decode(bytes, out);
  }
  return values;
}
