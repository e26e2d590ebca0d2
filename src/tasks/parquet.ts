/** SQuAD as Parquet, one question a row, as the Hugging Face hub keeps it; what the rows mean as passages is squad.ts's. */
import { readFile } from "node:fs/promises";
import type { FileMetaData, SchemaTree } from "hyparquet" with { "resolution-mode": "import" };
import { errorMessage, UserError } from "../messages/errors";

const columns = ["id", "title", "context", "question", "answers"];

/** Most rows read; SQuAD's larger half has 87,599. */
const LARGEST_TABLE = 1_000_000;

/** Whether a file's name says that it is Parquet. */
export function isParquet(file: string): boolean {
  return file.toLowerCase().endsWith(".parquet");
}

/** The rows of a Parquet file, in its order, unchecked. Throws UserError for another kind of file and missing columns. */
export async function readSquadParquet(file: string): Promise<unknown[]> {
  // hyparquet is an ES module only.
  const { parquetMetadata, parquetReadObjects, parquetSchema } = await import("hyparquet");
  try {
    // From memory: a piece outside of the file is a short one, not a rejected promise that hyparquet may not await.
    const bytes = new Uint8Array(await readFile(file)).buffer;
    const metadata = parquetMetadata(bytes);
    const rows = Number(metadata.num_rows);
    if (rows > LARGEST_TABLE)
      throw new UserError(`${file} has ${rows} rows; at most ${LARGEST_TABLE} are read.`);
    const present = new Set(metadata.schema.map(({ name }) => name));
    const missing = columns.filter((name) => !present.has(name));
    if (missing.length > 0)
      throw new UserError(
        `${file} has no column ${missing.join(", ")}; expected SQuAD's columns: ${columns.join(", ")}.`,
      );
    requireChunks(metadata, parquetSchema(metadata));
    return await parquetReadObjects({ file: bytes, metadata, columns });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`Cannot read ${file} as Parquet: ${errorMessage(error)}`);
  }
}

/**
 * Every row group must have the schema's columns, as Parquet has it: hyparquet reads others too, but does not await
 * them, and what is wrong with them would end the process.
 */
function requireChunks({ row_groups: groups }: FileMetaData, schema: SchemaTree): void {
  const leaves = ({ path, children }: SchemaTree): string[] =>
    children.length > 0 ? children.flatMap(leaves) : [path.join("\0")];
  const expected = leaves(schema).join("\n");
  const names = schema.children.map(({ element }) => element.name);
  const same = groups.every(
    (group) =>
      group.columns.map((chunk) => chunk.meta_data?.path_in_schema.join("\0")).join("\n") ===
      expected,
  );
  if (!same || new Set(names).size < names.length)
    throw new Error("its row groups do not have the columns of its schema");
}
