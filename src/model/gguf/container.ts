/** An open GGUF file: metadata and tensors under GGUF's own names; what they mean to a model is model.ts's part. */
import { UserError } from "../../messages/errors";
import { openForReading, quoteName, quotePath, readInto, type OpenFile } from "../files";
import { floatCodecs, readStored } from "../floats";
import { OutOfBytes } from "./bytes";
import { parseGgufHeader, type GgufHeader, type GgufTensor, type GgufValue } from "./header";
import { quantCodecs } from "./quants";

/** A tensor as fp32, row-major. */
export interface RawTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The file as it is, of any architecture. */
export interface GgufContainer {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** By GGUF name; shapes are row-major. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** A tensor dequantized, by GGUF name. Throws UserError for an unknown name, an unsupported type, a cut file. */
  readRaw(ggufName: string): Promise<RawTensor>;
  close(): Promise<void>;
}

const firstBytes = 2 ** 20;
const maximumHeaderBytes = 2 ** 26;

/** Opens a GGUF file of any architecture and checks its header. Throws UserError for a missing, damaged or hostile file. */
export async function openGgufContainer(path: string): Promise<GgufContainer> {
  const file = await openForReading(path);
  try {
    return container(file, await readHeader(file));
  } catch (error) {
    await file.handle.close();
    throw error;
  }
}

/** The header's length is known only once it is parsed: read more of the file until it is all there. */
async function readHeader(file: OpenFile): Promise<GgufHeader> {
  const where = quotePath(file.path);
  for (let wanted = firstBytes; wanted <= maximumHeaderBytes; wanted *= 4) {
    const bytes = Buffer.alloc(Math.min(wanted, file.size));
    await readInto(file, bytes, 0);
    try {
      return parseGgufHeader(bytes, file.size, where);
    } catch (error) {
      if (!(error instanceof OutOfBytes)) throw error;
    }
  }
  throw new UserError(`${where} has a header of more than ${maximumHeaderBytes} bytes`);
}

function container(file: OpenFile, header: GgufHeader): GgufContainer {
  return {
    path: file.path,
    ...header,
    async readRaw(ggufName) {
      const tensor = header.tensors.get(ggufName);
      if (!tensor) {
        throw new UserError(`${quotePath(file.path)} has no tensor ${quoteName(ggufName)}`);
      }
      const codec = floatCodecs.get(tensor.dtype) ?? quantCodecs.get(tensor.dtype);
      if (codec) return { shape: tensor.shape, values: await readStored(file, tensor, codec) };
      const readable = [...floatCodecs.keys(), ...quantCodecs.keys()].join(", ");
      throw new UserError(
        `${quotePath(file.path)}: tensor ${quoteName(ggufName)} is ${tensor.dtype}; only ${readable} can be read`,
      );
    },
    close: () => file.handle.close(),
  };
}
