/** Where SEAL's authors keep each released file, in both layouts of their repository. Looking there is seal-files.ts's. */

/**
 * The commit of github.com/Continual-Intelligence/SEAL whose files are fetched: the later layout (1 August 2025). It has
 * every result of the earlier one (4cb1e7d, June 2025) unchanged, and those of later experiments.
 */
export const SEAL_COMMIT = "6d9c9f9ee392c6cc618e771f399d436d190f6ca4";

/** The folder of the knowledge part: in the later layout, and in that of June 2025. */
export const SEAL_FOLDERS = ["general-knowledge", "knowledge-incorporation"] as const;

/**
 * The one table of released files: our name of a folder, or of a file -> where it lies below the knowledge folder. Of
 * several places the first is the later layout's. A folder may also have our names themselves.
 */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  eval: ["results/query_server/eval"],
  "eval-prompts": ["results/query_server/alternate_prompts/eval"],
  "eval-3B": ["results/query_server/3B/eval"],
  train: ["results/query_server/train"],
  "train-prompts": ["results/query_server/alternate_prompts/train"],
  "train-3B": ["results/query_server/3B/train"],
  // Low-rank adapters. The later layout moved these files and put fully fine-tuned runs beside them.
  cpt: ["results/cpt/old", "results/cpt"],
  "cpt-200": ["results/cpt/200"],
  "cpt-2067": ["results/cpt/2067"],
  "cpt/generative-adapter.json": ["results/cpt/generative-adapter.json"],
  continual: ["results/continual_self_edits"],
  "squad_val.json": ["data/squad_val.json"],
  arc: ["../few-shot/data"],
};

/** Any one of these shows that a folder holds released files, be it a part of them. */
export const SEAL_MARKS = [
  "eval/base.json",
  "train/rank_iter0.json",
  "eval-prompts/base_prompt-rewrite.json",
  "cpt/cpt_base.json",
  "cpt-200/base_200.json",
  "continual/overall_results.json",
  "squad_val.json",
] as const;

/** Where the file of our `name` may lie, below the knowledge folder; a name that the table lacks is a path there itself. */
export function placesOf(name: string): readonly string[] {
  const exact = PLACES[name];
  if (exact) return exact;
  const [folder, ...rest] = name.split("/");
  return (PLACES[folder] ?? [folder]).map((place) => [place, ...rest].join("/"));
}
