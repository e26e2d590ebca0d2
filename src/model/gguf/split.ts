/** GGUF models in several files, as llama.cpp splits them: `name-00001-of-0000N.gguf`, read as one. */
import { existsSync } from "node:fs";
import path from "node:path";
import { UserError } from "../../messages/errors";
import { quotePath } from "../files";
import { openGgufContainer, type GgufContainer } from "./container";
import type { GgufTensor } from "./header";

/** What the name of a part says. */
export interface SplitName {
  readonly stem: string;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
}

/** More than any model was ever split into. */
const maximumParts = 1000;

/** What a file's name (or path) says of its part; undefined for a file that is none. */
export function splitName(file: string): SplitName | undefined {
  const [, stem, part, parts] = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s.exec(file) ?? [];
  if (stem === undefined) return undefined;
  const [number, count] = [Number(part), Number(parts)];
  return number >= 1 && number <= count && count <= maximumParts
    ? { stem, part: number, parts: count }
    : undefined;
}

/** The names of all parts that belong to this one, in order; the file alone where it is no part. */
export function partsOf(file: string): string[] {
  const name = splitName(file);
  if (!name) return [file];
  const five = (number: number): string => String(number).padStart(5, "0");
  return Array.from(
    { length: name.parts },
    (_, i) => `${name.stem}-${five(i + 1)}-of-${five(name.parts)}.gguf`,
  );
}

/**
 * Opens a GGUF file of any architecture; a part of a split one, whichever, with all others, under the first one's path and
 * metadata. Throws UserError for a part that is missing or does not belong to the others, and as `openGgufContainer`.
 */
export async function openWholeGguf(file: string): Promise<GgufContainer> {
  const named = await openGgufContainer(file);
  if ((named.metadata.get("split.count") ?? 1) === 1) return named;
  await named.close();
  const opened: GgufContainer[] = [];
  try {
    for (const part of partsOf(file)) opened.push(await openPart(part, file));
    opened.forEach((part, i) => checkPart(part, i, opened.length));
    return joined(opened);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function openPart(part: string, asked: string): Promise<GgufContainer> {
  if (existsSync(part)) return openGgufContainer(part);
  throw new UserError(
    `${quotePath(asked)} is a part of a split model, but ${path.basename(part)} is missing beside it: get all parts into one folder`,
  );
}

/** By what the part says of itself; llama.cpp writes these keys into every part. */
function checkPart({ path: file, metadata }: GgufContainer, place: number, parts: number): void {
  const [number, count] = [metadata.get("split.no"), metadata.get("split.count")];
  if (number === place && count === parts) return;
  const said = `split.no ${String(number)} of split.count ${String(count)}`;
  throw new UserError(
    `${quotePath(file)} says that it is ${said}; a part's name ends in its number and their count, as -00001-of-00003.gguf for 0 of 3: give the parts their own names back`,
  );
}

function joined(parts: readonly GgufContainer[]): GgufContainer {
  const [first] = parts;
  const owners = new Map<string, GgufContainer>();
  const tensors = new Map<string, GgufTensor>();
  for (const part of parts)
    for (const [name, tensor] of part.tensors) {
      if (owners.has(name))
        throw new UserError(`${quotePath(part.path)} repeats the tensor ${name} of another part`);
      owners.set(name, part);
      tensors.set(name, tensor);
    }
  const expected = first.metadata.get("split.tensors.count") ?? tensors.size;
  if (expected !== tensors.size)
    throw new UserError(
      `${quotePath(first.path)} and its other parts hold ${tensors.size} tensors instead of ${String(expected)}: they are not of one model`,
    );
  return {
    path: first.path,
    metadata: first.metadata,
    tensors,
    readRaw: (name) => (owners.get(name) ?? first).readRaw(name),
    close: () => closeAll(parts),
  };
}

async function closeAll(parts: readonly GgufContainer[]): Promise<void> {
  await Promise.all(parts.map((part) => part.close()));
}
