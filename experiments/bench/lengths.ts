/**
 * Counts the tokens of SEAL's released self-edits, as its inner loop trains on them, and keeps the numbers alone.
 *
 *     node -r tsx/cjs experiments/bench/lengths.ts rank_iter0.json
 *
 * The file is SEAL's (github.com/Continual-Intelligence/SEAL, knowledge-incorporation/results): 50 passages with 5 completions each.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { writeFileAtomic } from "../../src/files/files";
import { openGguf } from "../../src/model/gguf/model";
import { defaultModel, resolveModel } from "../../src/model/sources";
import { tokenizerFromGguf } from "../../src/model/tokenizer";
import { trainingSequences } from "../../src/selfedit/sequences";

interface Released {
  articles: { title: string; context: string; completions: { text: string }[] }[];
}

async function main(file: string): Promise<void> {
  const files = await resolveModel(defaultModel);
  if (files.kind !== "gguf") throw new Error(`${defaultModel} is not a GGUF file`);
  const source = await openGguf(files.path);
  const { tokenizer } = tokenizerFromGguf(source.metadata);
  await source.close();
  const { articles } = JSON.parse(readFileSync(file, "utf8")) as Released;
  const jobs = articles.flatMap(({ title, context, completions }) =>
    completions.map(({ text }) =>
      trainingSequences(text, { title, passage: context, splitLines: true }).map(
        (sequence) => tokenizer.encode(sequence, { addSpecial: true }).length,
      ),
    ),
  );
  const target = path.join(__dirname, "lengths.json");
  await writeFileAtomic(target, `[\n${jobs.map((job) => JSON.stringify(job)).join(",\n")}\n]\n`);
}

void main(process.argv[2]);
