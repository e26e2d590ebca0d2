/** Few-shot ARC's rows, figures and tables from its rollouts; pure. */
import { figureArcTask, figureVotes } from "../../plot/grids";
import { paperValue, percent, type Figure } from "../../plot/figure";
import { figureBars } from "../../plot/bars";
import { figureHeatmap } from "../../plot/heatmap";
import { NO_BREAK_SPACE } from "../../plot/text";
import type { Cell as TableCell, Table } from "../../plot/table";
import { sameGrid, type ArcTask } from "../../tasks/arc/grids";
import { AUGMENTATION_GROUPS, type Recipe } from "../../tasks/arc/recipe";
import type { ArcRollout } from "./rollout";
import { arcCells, type ArcVariant } from "./variant";
import {
  choicesFigure,
  familiesFigure,
  isNew,
  solvedMarks,
  worldComparisons,
} from "./report-world";
import type { Outcome } from "../../run/experiment";
import type { RecordRow, RunRecord } from "../../run/record";
import type { Cell } from "../../run/rollout";
import { cellName, cellsOf, countStatus, inCell, rowOf, secondsOf } from "../../run/rows";
import { writingRows } from "../../run/writing";

/** The paper's section 4.1: Llama-3.2-1B-Instruct, share of self-edits that solve their task. */
const PAPER_SOURCE = "paper, section 4.1 (Llama-3.2-1B-Instruct, filtered ARC tasks)";
const PAPER = [
  { arm: "in context", accuracy: 0, source: PAPER_SOURCE },
  { arm: "fixed recipe", accuracy: 1, source: `${PAPER_SOURCE}: recipe made by hand` },
  { arm: "untrained self-edits", accuracy: 0.2, source: PAPER_SOURCE },
  // The paper does not say how many rounds; its released commands evaluate the model of the first.
  { arm: "SEAL", round: 1, accuracy: 0.725, source: PAPER_SOURCE },
];

/** Everything that is saved of a run. */
export function arcReport(
  variant: ArcVariant,
  tasks: readonly ArcTask[],
  rollouts: readonly ArcRollout[],
  inputs: RunRecord["inputs"],
  generateSeconds: number,
): Outcome {
  // Of the listed recipes only the chosen one is an arm.
  const evaluated = rollouts.filter(({ part, chosen }) => part === "evaluate" && chosen !== false);
  const newTasks = tasks.filter(isNew);
  const knownTasks = tasks.filter((task) => !isNew(task));
  const rows = [
    ...armRows(variant, knownTasks, evaluated),
    ...(newTasks.length > 0 ? armRows(variant, newTasks, evaluated, NEW) : []),
  ];
  const world = "world" in variant.data;
  const comparisons = world ? worldComparisons(variant, evaluated) : [];
  const families = familiesFigure(rollouts);
  const choices = world ? choicesFigure(evaluated) : undefined;
  const paper = PAPER.filter(({ arm }) => (variant.arms as readonly string[]).includes(arm));
  const settings = settingsFigure(evaluated);
  const best = bestRollout(evaluated);
  return {
    rows,
    ...(comparisons.length > 0 ? { comparisons } : {}),
    writing: writingRows(evaluated),
    seeds: variant.seeds,
    inputs,
    paper,
    seconds: secondsOf(generateSeconds, rollouts),
    rollouts,
    metrics: rollouts.map(({ tests, completion, ...numbers }) => ({
      ...numbers,
      unreadable: tests.flatMap(({ answers }) => answers).filter(({ problem }) => problem).length,
      characters: completion?.length ?? 0,
    })),
    figures: {
      success: successFigure(rows.filter(known), variant, knownTasks.length),
      ...(newTasks.length > 0
        ? {
            "success-new": successFigure(
              rows.filter((r) => !known(r)),
              variant,
              newTasks.length,
            ),
          }
        : {}),
      ...(settings ? { settings } : {}),
      ...(families ? { families } : {}),
      ...(choices ? { choices } : {}),
      ...(best ? pictures(best, tasks) : {}),
    },
    tables: { recipes: recipeTable(rollouts) },
  };
}

/** What is added to the names of arms on tasks of new families. */
const NEW = ", new families";
const known = ({ arm }: RecordRow): boolean => !arm.endsWith(NEW);

/** Every arm and round on these tasks. */
function armRows(
  variant: ArcVariant,
  tasks: readonly ArcTask[],
  evaluated: readonly ArcRollout[],
  suffix = "",
): RecordRow[] {
  return cellsOf(arcCells(variant)).map((cell) => {
    const row = arcRow(cell, tasks, evaluated);
    return { ...row, arm: `${cell.arm}${suffix}` };
  });
}

/** One arm's solved share: of candidates that came to an answer; all others are counted by what became of them. */
function arcRow(cell: Cell, tasks: readonly ArcTask[], rollouts: readonly ArcRollout[]): RecordRow {
  const ids = new Set(tasks.map(({ id }) => id));
  const candidates = inCell(rollouts, cell).filter(({ task }) => ids.has(task));
  const groups = tasks.map(({ id }) => candidates.filter(({ task }) => task === id));
  return {
    ...rowOf(
      cell,
      groups.map((own) => own.flatMap(solvedMarks)),
      {
        candidates,
        ungraded: candidates.filter((r) => r.status === "ok" && r.solved === undefined).length,
        seed: `arc/${cell.arm}`,
      },
    ),
    rejected: countStatus(candidates, "rejected"),
    tooCostly: countStatus(candidates, "too costly"),
  };
}

function successFigure(
  rows: readonly RecordRow[],
  { model, sampling }: ArcVariant,
  tasks: number,
): Figure {
  const several = rows.some(({ round }) => round > 1);
  const note = `${tasks} tasks, two attempts each. Points: share of n tried recipes that solved their task; lines: 95% intervals over tasks. What could not be tried is not in n.${sampling.constrained ? " Recipes were written under constraints." : ""}`;
  const title = `ARC tasks solved: ${model.replace(/^pypi:|^hub:/, "")}`;
  return figureBars(
    rows.map(({ arm, round, n, accuracy, ci95 }) => {
      const theirs = paperValue(PAPER, arm, round);
      const name = arm.endsWith(NEW) ? arm.slice(0, -NEW.length) : arm;
      const counted = `(n = ${n})`.replaceAll(" ", NO_BREAK_SPACE);
      return {
        label: `${name}${several && round > 0 ? `, round ${round}` : ""} ${counted}`,
        value: 100 * accuracy,
        interval: [100 * ci95[0], 100 * ci95[1]] as const,
        ...(theirs ? { reference: 100 * theirs.accuracy } : {}),
      };
    }),
    {
      title: rows.every(known) ? title : `${title}${NEW}`,
      note,
      axisTitle: "Recipes that solve their task (%)",
      format: (value) => percent(value / 100),
      referenceLabel: "paper (1B)",
      marks: "points",
      largest: 100,
    },
  );
}

/** What can be said of a recipe, yes or no; rates and epochs one by one where the model writes few of them. */
function settingsOf(
  recipes: readonly Recipe[],
): [label: string, holds: (recipe: Recipe) => boolean][] {
  const distinct = (of: (recipe: Recipe) => number): number[] =>
    [...new Set(recipes.map(of))].sort((a, b) => a - b);
  const rates = distinct(({ learningRate }) => learningRate);
  const epochs = distinct((recipe) => recipe.epochs);
  return [
    ...AUGMENTATION_GROUPS.map((group): [string, (recipe: Recipe) => boolean] => [
      `${group} augmentations`,
      ({ augmentations }) => augmentations[group],
    ]),
    ["loss on all tokens", ({ strategy }) => strategy === "all tokens"],
    ...(rates.length <= FEW
      ? rates.map((rate): [string, (recipe: Recipe) => boolean] => [
          `rate ${rate}`,
          ({ learningRate }) => learningRate === rate,
        ])
      : RATE_RANGES),
    ...(epochs.length <= FEW
      ? epochs.map((count): [string, (recipe: Recipe) => boolean] => [
          `${count} epoch${count === 1 ? "" : "s"}`,
          (recipe) => recipe.epochs === count,
        ])
      : EPOCH_RANGES),
  ];
}

/** Values that are listed one by one. */
const FEW = 6;
const RATE_RANGES: [string, (recipe: Recipe) => boolean][] = [
  ["rate below 1e-4", ({ learningRate }) => learningRate < 1e-4],
  ["rate 1e-4 to below 1e-3", ({ learningRate }) => learningRate >= 1e-4 && learningRate < 1e-3],
  ["rate 1e-3 or more", ({ learningRate }) => learningRate >= 1e-3],
];
const EPOCH_RANGES: [string, (recipe: Recipe) => boolean][] = [
  ["1 or 2 epochs", ({ epochs }) => epochs <= 2],
  ["3 epochs or more", ({ epochs }) => epochs >= 3],
];

/** Shares of written recipes with each setting, before and after each round; undefined where none was readable. */
function settingsFigure(evaluated: readonly ArcRollout[]): Figure | undefined {
  const written = evaluated.filter(
    ({ arm, completion, recipe }) =>
      completion !== undefined && recipe && (arm === "SEAL" || arm === "untrained self-edits"),
  );
  const rounds = [...new Set(written.map(({ round }) => round))].sort((a, b) => a - b);
  if (rounds.length === 0) return undefined;
  const recipesOf = (round: number): Recipe[] =>
    written.flatMap((r) => (r.round === round && r.recipe ? [r.recipe] : []));
  const rows = settingsOf(rounds.flatMap(recipesOf));
  return figureHeatmap({
    title: "Settings that the model chooses, before and after training on its own choices",
    note: "Share of the valid recipes written for the evaluated tasks.",
    rows: rows.map(([label]) => label),
    columns: rounds.map(
      (round) => `${round === 0 ? "untrained" : `round ${round}`} (n = ${recipesOf(round).length})`,
    ),
    values: rows.map(([, holds]) =>
      rounds.map((round) => {
        const recipes = recipesOf(round);
        return recipes.filter(holds).length / recipes.length;
      }),
    ),
    format: (share) => `${(100 * share).toFixed(0)}%`,
  });
}

/** A solved one if there is any, of the latest round; else the one of highest reward. */
function bestRollout(evaluated: readonly ArcRollout[]): ArcRollout | undefined {
  return [...evaluated]
    .filter(({ status }) => status === "ok")
    .sort(
      (a, b) =>
        Number(b.solved ?? false) - Number(a.solved ?? false) ||
        (b.reward ?? 0) - (a.reward ?? 0) ||
        b.round - a.round,
    )
    .at(0);
}

/** The task of a rollout with its attempts, and how the votes fell. */
function pictures(rollout: ArcRollout, tasks: readonly ArcTask[]): Record<string, Figure> {
  const task = tasks.find(({ id }) => id === rollout.task);
  const result = rollout.tests.at(0);
  if (!task || !result) return {};
  const { input, output } = task.test[0];
  const [first, second] = result.attempts;
  const verdict = result.verdict === "correct" ? "solved" : "not solved";
  const where = cellName(rollout);
  const labelled = result.votes.map(({ grid, count }) => ({
    grid,
    count,
    labels: [
      ...(sameGrid(grid, first) ? ["attempt 1"] : []),
      ...(sameGrid(grid, second) ? ["attempt 2"] : []),
      ...(output && sameGrid(grid, output) ? ["solution"] : []),
    ],
  }));
  const unreadable = result.answers.filter(({ problem }) => problem !== undefined).length;
  return {
    task: figureArcTask(
      {
        demonstrations: task.train,
        input,
        ...(output ? { target: output } : {}),
        predictions: sameGrid(first, second) ? [first] : [first, second],
      },
      {
        title: `Task ${task.id}: ${verdict} (${where})`,
        note: "Differences: right cells grey, wrong ones red, missing or surplus ones amber.",
      },
    ),
    votes: figureVotes(labelled, {
      title: `Task ${task.id}: how ${result.answers.length} answers voted (${where})`,
      note: `${unreadable} of the answers were no grid and did not vote. An attempt without a vote of its own is put together from rows or columns.`,
    }),
  };
}

/** Every candidate: what was chosen, and what came of it. */
function recipeTable(rollouts: readonly ArcRollout[]): Table {
  const shown = new Map<string, number>();
  const first = rollouts.filter(({ arm, round, part }) => {
    const place = `${arm}/${round}/${part}`;
    const before = shown.get(place) ?? 0;
    shown.set(place, before + 1);
    return before < 2;
  });
  return {
    title: "Recipes and what came of them",
    note: "The first two of each arm and round. Letters: basic, size, chain, repeat augmentations; o or a: loss on output or all tokens.",
    columns: [
      { title: "Task", share: 0.7 },
      { title: "Arm", share: 1.1 },
      { title: "Recipe", share: 1.6 },
      { title: "Steps", share: 0.5 },
      { title: "Loss", share: 0.9 },
      { title: "Outcome", share: 1.6 },
    ],
    rows: first.slice(0, 24).map((rollout) => {
      const { task, arm, round, part, recipe, completion = "", steps } = rollout;
      return [
        task,
        `${cellName({ arm, round })}${part === "train" ? ", training task" : ""}`,
        recipe ? shortRecipe(recipe) : completion.slice(0, 60),
        String(steps),
        rollout.firstLoss === undefined
          ? ""
          : `${rollout.firstLoss.toFixed(2)} to ${rollout.lastLoss?.toFixed(2)}`,
        outcomeCell(rollout),
      ];
    }),
  };
}

function shortRecipe({ augmentations, strategy, learningRate, epochs }: Recipe): string {
  const groups = AUGMENTATION_GROUPS.filter((group) => augmentations[group]).map((g) => g[0]);
  const letters = groups.length > 0 ? groups.join("") : "none";
  return `${letters}, ${strategy[0]}, rate ${learningRate}, ${epochs} epoch${epochs === 1 ? "" : "s"}`;
}

function outcomeCell({ status, reason, solved, reward, tests }: ArcRollout): TableCell {
  if (status !== "ok")
    return { text: `${status}: ${(reason ?? "").slice(0, 80)}`, tone: "muted" as const };
  if (solved === undefined) return { text: "ungraded", tone: "muted" as const };
  if (solved) return { text: "solved", tone: "right" as const };
  const readable = tests.flatMap(({ votes }) => votes).reduce((sum, { count }) => sum + count, 0);
  return {
    text: `not solved, reward ${(reward ?? 0).toFixed(2)}, ${readable} readable answers`,
    tone: "wrong" as const,
  };
}
