/** What the small world of ARC adds to few-shot ARC's report: known and new families apart, comparisons, heat maps. Pure. */
import type { Figure } from "../../plot/figure";
import { figureHeatmap } from "../../plot/heatmap";
import { AUGMENTATION_GROUPS, type Recipe } from "../../tasks/arc/recipe";
import { KNOWN_FAMILIES, NEW_FAMILIES } from "../../tasks/arc/world";
import type { ArcRollout } from "./rollout";
import { arcCells, type ArcVariant } from "./variant";
import type { Comparison } from "../../run/record";
import type { Cell } from "../../run/rollout";
import { cellName, cellsOf, comparisonOf, inCell, meanOrNull, type Marked } from "../../run/rows";

/** Whether a rollout's task is of a family that no training task was of. */
export function isNew({ family = "" }: Pick<ArcRollout, "family">): boolean {
  return (NEW_FAMILIES as readonly string[]).includes(family);
}

/** The differences that the claims are about, on held-out tasks of known and of new families; those of arms that were run. */
export function worldComparisons(
  variant: ArcVariant,
  evaluated: readonly ArcRollout[],
): Comparison[] {
  if (!variant.arms.includes("SEAL")) return [];
  const others = arcCells(variant).filter(({ arm }) => arm !== "SEAL");
  const pairs = cellsOf([{ arm: "SEAL", rounds: variant.rounds }]).flatMap((cell) =>
    others.map(({ arm, rounds }): [Cell, Cell] => [
      cell,
      { arm, round: rounds > 0 ? cell.round : 0 },
    ]),
  );
  return [false, true].flatMap((unseen) => {
    const own = evaluated.filter((rollout) => isNew(rollout) === unseen);
    return pairs.flatMap(([a, b]) => compare(own, a, b, unseen ? ", new families" : ""));
  });
}

/** The paired difference of two arms' shares of solving recipes, over tasks; none where no task has both. */
function compare(rollouts: readonly ArcRollout[], a: Cell, b: Cell, where: string): Comparison[] {
  const tasks = (cell: Cell): Marked[] =>
    inCell(rollouts, cell)
      .filter(({ solved }) => solved !== undefined)
      .map((rollout) => ({
        key: rollout.task,
        marks: solvedMarks(rollout),
        // A task's id has its seed's number: part-seed-index.
        seed: rollout.task.split("-").at(-2) ?? "",
      }));
  return comparisonOf(`${cellName(a)} - ${cellName(b)}${where}`, tasks(a), tasks(b));
}

/** 1 for a solved task, 0 for another; none where it is ungraded. */
export function solvedMarks({ solved }: ArcRollout): number[] {
  return solved === undefined ? [] : [solved ? 1 : 0];
}

const FAMILIES = [...KNOWN_FAMILIES, ...NEW_FAMILIES] as const;

/** Family x listed recipe: share of tasks solved; undefined where no recipes were listed. */
export function familiesFigure(rollouts: readonly ArcRollout[]): Figure | undefined {
  const listed = rollouts.filter(({ label }) => label !== undefined);
  const labels = [...new Set(listed.map(({ label }) => label ?? ""))];
  if (labels.length === 0) return undefined;
  const chosen = listed.filter((rollout) => rollout.chosen).map(({ label }) => label);
  return figureHeatmap({
    title: "Which recipe helps depends on the rule",
    note: `Share of tasks solved, training and held-out tasks of all seeds together. Most often chosen as the best single recipe: ${mostFrequent(chosen)}.`,
    rows: FAMILIES.map((family) => (isNew({ family }) ? `${family} (new)` : family)),
    columns: labels,
    values: FAMILIES.map((family) =>
      labels.map((label) =>
        meanOrNull(
          listed.filter((r) => r.label === label && r.family === family).flatMap(solvedMarks),
        ),
      ),
    ),
    format: percentage,
  });
}

/** What can be said of a recipe, yes or no. */
const CHOICES: readonly (readonly [title: string, holds: (recipe: Recipe) => boolean])[] = [
  ...AUGMENTATION_GROUPS.map(
    (group) => [group, ({ augmentations }: Recipe) => augmentations[group]] as const,
  ),
  ["output tokens", ({ strategy }) => strategy === "output tokens"],
  ["rate 0.01 or 0.03", ({ learningRate }) => learningRate === 0.01 || learningRate === 0.03],
  ["4 or 8 epochs", ({ epochs }) => epochs >= 4],
];

/** Share of written recipes with each setting, by family, untrained and after the last round; undefined without rounds. */
export function choicesFigure(evaluated: readonly ArcRollout[]): Figure | undefined {
  const last = Math.max(0, ...evaluated.map((r) => (r.arm === "SEAL" ? r.round : 0)));
  if (last === 0) return undefined;
  const cells: [string, Cell][] = [
    ["untrained", { arm: "untrained self-edits", round: 0 }],
    [`round ${last}`, { arm: "SEAL", round: last }],
  ];
  const families: [string, (rollout: ArcRollout) => boolean][] = [
    ...KNOWN_FAMILIES.map((family): [string, (rollout: ArcRollout) => boolean] => [
      family,
      (rollout) => rollout.family === family,
    ]),
    ["all new families", isNew],
  ];
  const rows = families.flatMap(([family, belongs]) =>
    cells.map(([when, cell]) => ({
      title: `${family}: ${when}`,
      recipes: inCell(evaluated, cell).flatMap((r) => (belongs(r) && r.recipe ? [r.recipe] : [])),
    })),
  );
  return figureHeatmap({
    title: "What the model chooses, by family of rules",
    note: "Share of the valid recipes written for held-out tasks with each setting.",
    rows: rows.map(({ title }) => title),
    columns: CHOICES.map(([title]) => title),
    values: rows.map(({ recipes }) =>
      CHOICES.map(([, holds]) =>
        recipes.length > 0 ? recipes.filter(holds).length / recipes.length : null,
      ),
    ),
    format: percentage,
  });
}

const percentage = (share: number): string => `${(100 * share).toFixed(0)}%`;

function mostFrequent(names: readonly (string | undefined)[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name ?? "", (counts.get(name ?? "") ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).at(0)?.[0] ?? "none";
}
