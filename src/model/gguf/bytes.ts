/** A bounded reader of GGUF's primitive values; what they mean is header.ts's part. */
import { isUtf8 } from "node:buffer";
import { UserError } from "../../messages/errors";

/** The bytes at hand end before the header does; the file may have more. */
export class OutOfBytes extends Error {
  override readonly name = "OutOfBytes";
}

const maximumStringBytes = 2 ** 24;
/** Over the whole header; far above the largest vocabulary with its merges, scores and types. */
const maximumArrayElements = 2 ** 23;

/** Reads little-endian values one after another. Every method throws UserError for what is absurd, OutOfBytes at the end of the bytes. */
export class ByteReader {
  /** The next byte to read. */
  position = 0;
  private arrayElements = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly fileSize: number,
    private readonly where: string,
  ) {}

  /** Throws UserError: the file's name, then `why`. */
  refuse(why: string): never {
    throw new UserError(`${this.where}${why.startsWith(":") ? "" : " "}${why}`);
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.take(4));
  }

  u64(): bigint {
    return this.bytes.readBigUInt64LE(this.take(8));
  }

  /** A 64-bit count of at most `limit` things, none of which could be smaller than a byte. */
  count(limit: number, what: string): number {
    const value = this.u64();
    if (value > limit) this.refuse(`has ${value} ${what}, more than the ${limit} allowed`);
    return Number(value);
  }

  /** The length of an array; all arrays of a header together are limited. */
  arrayLength(): number {
    const length = this.count(maximumArrayElements, "values in an array");
    this.arrayElements += length;
    if (this.arrayElements > maximumArrayElements) this.refuse("has too many values in arrays");
    return length;
  }

  string(limit: number = maximumStringBytes): string {
    const length = this.count(limit, "bytes in a string");
    const start = this.take(length);
    const bytes = this.bytes.subarray(start, start + length);
    if (!isUtf8(bytes)) this.refuse("has text that is not valid UTF-8");
    return bytes.toString("utf8");
  }

  /** A value of one of GGUF's metadata types but the array (9). */
  scalar(type: number): string | number | bigint | boolean {
    const { bytes } = this;
    switch (type) {
      case 0:
        return bytes.readUInt8(this.take(1));
      case 1:
        return bytes.readInt8(this.take(1));
      case 2:
        return bytes.readUInt16LE(this.take(2));
      case 3:
        return bytes.readInt16LE(this.take(2));
      case 4:
        return this.u32();
      case 5:
        return bytes.readInt32LE(this.take(4));
      case 6:
        return bytes.readFloatLE(this.take(4));
      case 7:
        return this.boolean();
      case 8:
        return this.string();
      case 10:
        return exact(this.u64());
      case 11:
        return exact(bytes.readBigInt64LE(this.take(8)));
      case 12:
        return bytes.readDoubleLE(this.take(8));
      default:
        return this.refuse(`has metadata of the unknown type ${type}`);
    }
  }

  private boolean(): boolean {
    const value = this.bytes.readUInt8(this.take(1));
    if (value > 1) this.refuse(`has ${value} where true or false is expected`);
    return value === 1;
  }

  /** Moves on by `length` bytes; where they start. */
  private take(length: number): number {
    const start = this.position;
    const end = start + length;
    if (end > this.fileSize) this.refuse("is cut short: it ends within its header");
    if (end > this.bytes.length) throw new OutOfBytes();
    this.position = end;
    return start;
  }
}

function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
