/** Builds safetensors files byte by byte, sound or not, for tests. */

/** A file with this header text and data; `length` overrides the header's length. */
export function safetensorsBytes(
  header: string | Buffer,
  data: Buffer = Buffer.alloc(0),
  length?: bigint,
): Buffer {
  const prefix = Buffer.alloc(8);
  const bytes = Buffer.from(header);
  prefix.writeBigUInt64LE(length ?? BigInt(bytes.length));
  return Buffer.concat([prefix, bytes, data]);
}
