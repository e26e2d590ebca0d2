/**
 * GGUF's block quantizations to fp32, bit for bit as the `gguf` Python package does it; reading is left to others.
 *
 * Scales are fp16 (11 significant bits) and quants have at most 8, so the products with a scale, and the
 * differences and sums of those, are exact in double precision: the one rounding is the store into fp32, as it is
 * in numpy's fp32 arithmetic, where all steps but the last are exact too.
 */
import { halfToFloat, type Codec } from "../floats";

const half = (bytes: Buffer, at: number): number => halfToFloat[bytes[at] | (bytes[at + 1] << 8)];

type DecodeBlock = (bytes: Buffer, at: number, out: Float32Array, to: number) => void;

function blockCodec(blockElements: number, blockBytes: number, decodeBlock: DecodeBlock): Codec {
  return {
    blockElements,
    blockBytes,
    decode: (bytes, out) => {
      for (let at = 0, to = 0; to < out.length; at += blockBytes, to += blockElements) {
        decodeBlock(bytes, at, out, to);
      }
    },
  };
}

/** scale fp16 | 32 x int8 */
const q8_0 = blockCodec(32, 34, (bytes, at, out, to) => {
  const scale = half(bytes, at);
  for (let i = 0; i < 32; i++) out[to + i] = scale * ((bytes[at + 2 + i] << 24) >> 24);
});

/** scale fp16 | 16 bytes: low nibbles are elements 0-15, high nibbles 16-31 */
const q4_0 = blockCodec(32, 18, (bytes, at, out, to) => {
  const scale = half(bytes, at);
  for (let i = 0; i < 16; i++) {
    const packed = bytes[at + 2 + i];
    out[to + i] = scale * ((packed & 15) - 8);
    out[to + 16 + i] = scale * ((packed >> 4) - 8);
  }
});

/** scale fp16 | minimum fp16 | 16 bytes as Q4_0 */
const q4_1 = blockCodec(32, 20, (bytes, at, out, to) => {
  const scale = half(bytes, at);
  const minimum = half(bytes, at + 2);
  for (let i = 0; i < 16; i++) {
    const packed = bytes[at + 4 + i];
    out[to + i] = scale * (packed & 15) + minimum;
    out[to + 16 + i] = scale * (packed >> 4) + minimum;
  }
});

/** scale fp16 | 32 fifth bits | 16 bytes as Q4_0 */
const q5_0 = blockCodec(32, 22, (bytes, at, out, to) => {
  const scale = half(bytes, at);
  const high = bytes.readUInt32LE(at + 2);
  for (let i = 0; i < 16; i++) {
    const packed = bytes[at + 6 + i];
    out[to + i] = scale * (((packed & 15) | (((high >>> i) & 1) << 4)) - 16);
    out[to + 16 + i] = scale * (((packed >> 4) | (((high >>> (16 + i)) & 1) << 4)) - 16);
  }
});

/** scale fp16 | minimum fp16 | 32 fifth bits | 16 bytes as Q4_0 */
const q5_1 = blockCodec(32, 24, (bytes, at, out, to) => {
  const scale = half(bytes, at);
  const minimum = half(bytes, at + 2);
  const high = bytes.readUInt32LE(at + 4);
  for (let i = 0; i < 16; i++) {
    const packed = bytes[at + 8 + i];
    out[to + i] = scale * ((packed & 15) | (((high >>> i) & 1) << 4)) + minimum;
    out[to + 16 + i] = scale * ((packed >> 4) | (((high >>> (16 + i)) & 1) << 4)) + minimum;
  }
});

/** The 6-bit scale of sub-block `j` (0-7) in the 12 packed bytes of Q4_K and Q5_K. */
function scaleK(bytes: Buffer, at: number, j: number): number {
  if (j < 4) return bytes[at + j] & 63;
  return (bytes[at + 4 + j] & 15) | ((bytes[at + j - 4] >> 2) & 48);
}

/** The 6-bit minimum of sub-block `j`, beside the scale. */
function minimumK(bytes: Buffer, at: number, j: number): number {
  if (j < 4) return bytes[at + 4 + j] & 63;
  return (bytes[at + 4 + j] >> 4) | ((bytes[at + j] >> 2) & 48);
}

/** scale fp16 | minimum fp16 | 12 bytes of sub-scales | 128 bytes: each 32 hold two sub-blocks, low then high nibbles */
const q4_k = blockCodec(256, 144, (bytes, at, out, to) => {
  for (let j = 0; j < 8; j++) {
    const scale = half(bytes, at) * scaleK(bytes, at + 4, j);
    const minimum = half(bytes, at + 2) * minimumK(bytes, at + 4, j);
    const from = at + 16 + (j >> 1) * 32;
    const shift = (j & 1) * 4;
    for (let i = 0; i < 32; i++) {
      out[to + j * 32 + i] = scale * ((bytes[from + i] >> shift) & 15) - minimum;
    }
  }
});

/** As Q4_K with, before the nibbles, 32 bytes of fifth bits: bit j of byte i is for element i of sub-block j */
const q5_k = blockCodec(256, 176, (bytes, at, out, to) => {
  for (let j = 0; j < 8; j++) {
    const scale = half(bytes, at) * scaleK(bytes, at + 4, j);
    const minimum = half(bytes, at + 2) * minimumK(bytes, at + 4, j);
    const from = at + 48 + (j >> 1) * 32;
    const shift = (j & 1) * 4;
    for (let i = 0; i < 32; i++) {
      const quant = ((bytes[from + i] >> shift) & 15) | (((bytes[at + 16 + i] >> j) & 1) << 4);
      out[to + j * 32 + i] = scale * quant - minimum;
    }
  }
});

/** 128 bytes of low nibbles | 64 bytes of high bit pairs | 16 x int8 sub-scales | scale fp16 */
const q6_k = blockCodec(256, 210, (bytes, at, out, to) => {
  const blockScale = half(bytes, at + 208);
  for (let j = 0; j < 8; j++) {
    const halfBlock = j >> 2; // 128 elements, in 4 groups of 32
    const group = j & 3;
    const low = at + halfBlock * 64 + (group & 1) * 32;
    const high = at + 128 + halfBlock * 32;
    for (let i = 0; i < 32; i++) {
      const nibble = (bytes[low + i] >> ((group >> 1) * 4)) & 15;
      const quant = (nibble | (((bytes[high + i] >> (group * 2)) & 3) << 4)) - 32;
      const subScale = (bytes[at + 192 + j * 2 + (i >> 4)] << 24) >> 24;
      out[to + j * 32 + i] = blockScale * subScale * quant;
    }
  }
});

/** The quantizations that can be read, by GGML's name. */
export const quantCodecs: ReadonlyMap<string, Codec> = new Map([
  ["Q8_0", q8_0],
  ["Q4_0", q4_0],
  ["Q4_1", q4_1],
  ["Q5_0", q5_0],
  ["Q5_1", q5_1],
  ["Q4_K", q4_k],
  ["Q5_K", q5_k],
  ["Q6_K", q6_k],
]);
