/** Builds GGUF files byte by byte, sound or not, for tests; nothing of the reader is used. */

/** A metadata entry: key, GGUF's type id, the value's bytes. */
export type Entry = readonly [key: string, type: number, value: Buffer];

/** A tensor as the header has it; dimensions in GGUF's order, fastest first. */
export interface TensorSpec {
  readonly name: string;
  readonly dimensions: readonly (number | bigint)[];
  readonly type?: number;
  readonly offset?: number | bigint;
  readonly data?: Buffer;
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const u64 = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

export const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};

/** Length, then the bytes of a string. */
export const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
};

export const floats = (values: readonly number[]): Buffer => Buffer.concat(values.map(f32));

/** A whole file, and how long its header is. Tensors follow one another at multiples of 32 unless `offset` says otherwise. */
export function ggufBytes(
  entries: readonly Entry[],
  tensors: readonly TensorSpec[],
  changes: { magic?: string; version?: number; tensorCount?: bigint; entryCount?: bigint } = {},
): { bytes: Buffer; headerBytes: number } {
  const data: Buffer[] = [];
  let end = 0;
  const infos = tensors.map(({ name, dimensions, type = 0, offset, data: values }) => {
    const padded = Buffer.alloc(Math.ceil((values?.length ?? 0) / 32) * 32);
    values?.copy(padded);
    data.push(padded);
    const info = [
      text(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset ?? end),
    ];
    end += padded.length;
    return Buffer.concat(info);
  });
  const header = Buffer.concat([
    Buffer.from(changes.magic ?? "GGUF"),
    u32(changes.version ?? 3),
    u64(changes.tensorCount ?? tensors.length),
    u64(changes.entryCount ?? entries.length),
    ...entries.map(([key, type, value]) => Buffer.concat([text(key), u32(type), value])),
    ...infos,
  ]);
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32);
  return { bytes: Buffer.concat([header, padding, ...data]), headerBytes: header.length };
}

/** The metadata of a model with hidden size 4, one layer, one head, 3 tokens. */
export function modelEntries(architecture: string): Entry[] {
  const number = (key: string, value: number): Entry => [`${architecture}.${key}`, 4, u32(value)];
  return [
    ["general.architecture", 8, text(architecture)],
    number("block_count", 1),
    number("context_length", 64),
    number("embedding_length", 4),
    number("feed_forward_length", 2),
    number("attention.head_count", 1),
    [`${architecture}.attention.layer_norm_rms_epsilon`, 6, f32(2 ** -20)],
    [`${architecture}.rope.freq_base`, 6, f32(500000)],
    ["tokenizer.ggml.bos_token_id", 4, u32(1)],
    ["tokenizer.ggml.eos_token_id", 4, u32(2)],
  ];
}

/** Some tensors of that model; the rows of q and k are numbered, times 10, plus the column. */
export function modelTensors(): TensorSpec[] {
  const rows = (count: number): Buffer =>
    floats(Array.from({ length: count * 4 }, (_, i) => 10 * Math.floor(i / 4) + (i % 4)));
  return [
    { name: "token_embd.weight", dimensions: [4, 3], data: rows(3) },
    { name: "blk.0.attn_q.weight", dimensions: [4, 4], data: rows(4) },
    { name: "blk.0.attn_k.weight", dimensions: [4, 4], data: rows(4) },
    { name: "blk.0.attn_v.weight", dimensions: [4, 4], data: rows(4) },
    { name: "blk.0.ffn_up.weight", dimensions: [4, 2], data: rows(2) },
    { name: "output_norm.weight", dimensions: [4], data: rows(1) },
  ];
}
