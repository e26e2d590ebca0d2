/** The small world of ARC from variant to record: all arms, two rounds, two seeds, a handful of tasks. */
import { existsSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ArcRollout } from "../../../src/experiments/arc/rollout";
import { ARC_ARMS } from "../../../src/experiments/arc/variant";
import { runVariant, parseVariant } from "../../../src/experiments/variants";
import { KNOWN_FAMILIES, NEW_FAMILIES } from "../../../src/tasks/arc/world";
import { temporaryFolder } from "../../run/temporary";
import { resultLines } from "../tiny-loop";

const test = suite("the small world of ARC");
const folder = temporaryFolder(test, "arc world");

const recipe = {
  augmentations: { basic: false, size: false, chain: false, repeat: true },
  ...{ strategy: "output tokens", learningRate: 0.003, epochs: 1 },
};
const variant = parseVariant({
  ...{ experiment: "arc", name: "tiny-world", model: "tiny:arc", seeds: [1, 2], rounds: 2 },
  data: { world: "small", train: 3, known: 2, new: 1 },
  arms: [...ARC_ARMS],
  sampling: { train: 2, evaluate: 1, temperature: 1, maximumTokens: 20 },
  limits: { samples: 2, sampleTokens: 72 },
  recipe,
  recipes: { one: recipe, other: { ...recipe, epochs: 2 } },
  innerLoop: { rank: 2, targets: ["q_proj"] },
  queries: { limit: 2 },
  answers: { maximumTokens: 20 },
  // So that there is something to learn from, whatever the recipes do.
  ...{ reward: "cells", keep: 1 },
  fineTuning: { rank: 2, targets: ["q_proj"], epochs: 1 },
  concurrency: 16,
});

test("every arm and round has its tasks of known and of new families", async () => {
  const options = { output: path.join(folder, "results"), quiet: true };
  const { record, directory } = await runVariant(variant, options);
  const rollouts = resultLines<ArcRollout>(directory);

  // 5 arms without rounds and 3 with two, for known and for new families.
  assert.is(record.rows.length, 2 * (5 + 3 * 2));
  for (const { arm, n, unparsable, diverged, rejected = 0, tooCostly = 0 } of record.rows) {
    const tasks = arm.endsWith("new families") ? 1 : 2;
    assert.is(n + unparsable + diverged + rejected + tooCostly, 2 * tasks, arm);
  }
  const differences = record.comparisons!.map(({ difference }) => difference);
  assert.ok(differences.includes("SEAL, round 2 - untrained self-edits"));
  assert.ok(record.comparisons!.every(({ n }) => n <= 4));

  const written = (arm: string, round: number, part: string): ArcRollout[] =>
    rollouts.filter((r) => r.arm === arm && r.round === round && r.part === part);
  // Only "SEAL" tries recipes on training tasks: 2 seeds x 3 tasks x 2 recipes in each round.
  for (const round of [1, 2]) assert.is(written("SEAL", round, "train").length, 12);
  assert.is(written("random selection", 1, "train").length, 0);
  for (const { family, part, task } of rollouts) {
    const families: readonly string[] = task.startsWith("new") ? NEW_FAMILIES : KNOWN_FAMILIES;
    assert.ok(families.includes(family!), `${part} ${family}`);
  }
  // Of the listed recipes one is chosen in each seed.
  const chosen = rollouts.filter((r) => r.chosen === true && r.part === "evaluate");
  assert.is(chosen.length, 2 * 3);
  for (const name of ["success", "success-new", "settings", "families", "choices", "recipes"])
    assert.ok(existsSync(path.join(directory, "figures", `${name}.svg`)), name);
});

test.run();
