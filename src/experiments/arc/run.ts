/**
 * Few-shot ARC (paper, section 4.1): for every task the model writes a recipe, an adapter is trained by it on variations
 * of the task's demonstrations, and the test is answered by votes; ReST-EM keeps the recipes that solved their task.
 */
import { disposeModel, loadModel, type Model } from "../../model/load";
import { disposeWeights } from "../../model/weights";
import { generate } from "../../lora/generate";
import { createProgress, downloadProgress, type Progress } from "../../messages/progress";
import { createRandom } from "../../statistics/random";
import { fineTunePolicy, type PolicyExample } from "../../restem/policy";
import { selectCandidates, type SelectionRule } from "../../restem/select";
import { allowedRecipeTokens } from "../../tasks/arc/constrained";
import type { ArcTask } from "../../tasks/arc/grids";
import { recipePrompt } from "../../tasks/arc/messages";
import { checkRecipe, parseRecipe, type ParsedRecipe } from "../../tasks/arc/recipe";
import { randomRecipe } from "../../tasks/arc/world-words";
import { arcReport, type ArcRollout } from "./report";
import { scoreRecipes, type ArcCandidate, type ArcPlace } from "./score";
import { openArcTasks, taskCounts, type ArcParts } from "./source";
import { ARC_ROUNDS, type ArcArm, type ArcVariant } from "./variant";
import { mapGroups } from "../../run/at-once";
import {
  checkpointOf,
  once,
  requireSameInputs,
  type ExperimentContext,
  type Outcome,
} from "../../run/experiment";

/** Runs every seed and reports them together. */
export async function runArc(variant: ArcVariant, context: ExperimentContext): Promise<Outcome> {
  const source = await openArcTasks(variant);
  context.log(`Loading ${variant.model}`);
  const onProgress = downloadProgress(variant.model, { quiet: context.quiet });
  const model = await loadModel(variant.model, { onProgress });
  const inputs = [...model.inputs, ...source.inputs];
  const total = variant.seeds.length * arcCandidates(variant).total;
  const progress = createProgress("recipes tried", total, { quiet: context.quiet });
  const rollouts: ArcRollout[] = [];
  const tasks: ArcTask[] = [];
  let generateSeconds = 0;
  try {
    await requireSameInputs(context, inputs);
    for (const seed of variant.seeds) {
      const parts = source.draw(seed);
      const run = new ArcSeed(variant, context, model, parts, seed, progress);
      rollouts.push(...(await run.all()));
      tasks.push(...parts.evaluate.filter((task) => !tasks.includes(task)));
      generateSeconds += run.generateSeconds;
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
  return arcReport(variant, tasks, rollouts, inputs, generateSeconds);
}

/** How often a task is tried: by recipes of the model's own or by lot, by given recipes, without any; and what is written for it. */
export interface ArcTries {
  readonly own: number;
  readonly fixed: number;
  readonly plain: number;
  readonly written: number;
}

/** How often each training task and each evaluated task of a seed is tried. */
export function arcTries({ arms, rounds, sampling, recipes }: ArcVariant): {
  train: ArcTries;
  evaluate: ArcTries;
} {
  const has = (arm: ArcArm): number => (arms.includes(arm) ? 1 : 0);
  const lines = arms.filter((arm) => ARC_ROUNDS.includes(arm)).length;
  const listed = has("chosen recipe") * Object.keys(recipes).length;
  const written = sampling.evaluate * (has("untrained self-edits") + lines * rounds);
  return {
    train: {
      own: has("SEAL") * rounds * sampling.train,
      fixed: listed,
      plain: 0,
      // All lines begin with the same self-edits.
      written: sampling.train * (lines > 0 ? 1 + lines * (rounds - 1) : 0),
    },
    evaluate: {
      own: written + sampling.evaluate * has("random recipes"),
      fixed: has("fixed recipe") + listed,
      plain: has("in context"),
      written,
    },
  };
}

/** Numbers of candidates of one seed, by purpose. */
export function arcCandidates(variant: ArcVariant): {
  untrained: number;
  rewards: number;
  evaluations: number;
  total: number;
} {
  const tasks = taskCounts(variant.data);
  const { train, evaluate } = arcTries(variant);
  const untrained = tasks.evaluate * evaluate.plain;
  const rewards = tasks.train * (train.own + train.fixed);
  const evaluations = tasks.evaluate * (evaluate.own + evaluate.fixed);
  return { untrained, rewards, evaluations, total: untrained + rewards + evaluations };
}

/** One seed: its policies and arms. */
class ArcSeed {
  generateSeconds = 0;
  /** Self-edits that "SEAL" kept in each round. */
  private readonly keptCounts: number[] = [];

  constructor(
    private readonly variant: ArcVariant,
    private readonly context: ExperimentContext,
    private readonly base: Model,
    private readonly parts: ArcParts,
    private readonly seed: number,
    private readonly progress: Progress,
  ) {}

  async all(): Promise<ArcRollout[]> {
    const rollouts: ArcRollout[] = [];
    for (const arm of this.variant.arms) rollouts.push(...(await this.arm(arm)));
    return rollouts;
  }

  private arm(arm: ArcArm): Promise<ArcRollout[]> {
    const place: ArcPlace = { arm, round: 0, part: "evaluate" };
    switch (arm) {
      case "in context":
        return this.score(this.base, place, this.each());
      case "fixed recipe": {
        const fixed = checkRecipe(this.variant.recipe, this.variant.limits);
        return this.score(this.base, place, this.each(fixed));
      }
      case "chosen recipe":
        return this.chosen();
      case "random recipes":
        return this.score(this.base, place, this.byLot());
      case "untrained self-edits":
        return this.sampleAndScore(this.base, place);
      default:
        return this.rounds(arm);
    }
  }

  /** Every evaluated task once, with this recipe or none. */
  private each(parsed?: ParsedRecipe, part: ArcPlace["part"] = "evaluate"): ArcCandidate[] {
    return this.parts[part].map((task) => ({ task, index: 0, ...(parsed ? { parsed } : {}) }));
  }

  private byLot(): ArcCandidate[] {
    const random = createRandom(`${this.seed}/random recipes`);
    return this.parts.evaluate.flatMap((task) =>
      Array.from({ length: this.variant.sampling.evaluate }, (_, index): ArcCandidate => {
        const parsed = checkRecipe(randomRecipe(random), this.variant.limits);
        return { task, index, parsed };
      }),
    );
  }

  /** Every listed recipe on all tasks; the one that solves most training tasks is the arm's, ties in the order given. */
  private async chosen(): Promise<ArcRollout[]> {
    const { recipes, limits } = this.variant;
    const tried: ArcRollout[][] = [];
    for (const [label, recipe] of Object.entries(recipes)) {
      const parsed = checkRecipe(recipe, limits);
      const own: ArcRollout[] = [];
      for (const part of ["train", "evaluate"] as const) {
        const place: ArcPlace = { arm: "chosen recipe", round: 0, part };
        own.push(...(await this.score(this.base, place, this.each(parsed, part), label)));
      }
      tried.push(own.map((rollout) => ({ ...rollout, label })));
    }
    const solved = tried.map(
      (own) => own.filter(({ part, solved: right }) => part === "train" && right).length,
    );
    const best = solved.indexOf(Math.max(...solved));
    return tried.flatMap((own, i) => own.map((rollout) => ({ ...rollout, chosen: i === best })));
  }

  /** ReST-EM: sample, score, keep, fine-tune, evaluate; the controls need no scores. Where nothing is kept the policy stays as it is. */
  private async rounds(arm: ArcArm): Promise<ArcRollout[]> {
    const rollouts: ArcRollout[] = [];
    let policy = this.base;
    for (let round = 1; round <= this.variant.rounds; round++) {
      const place: ArcPlace = { arm, round, part: "train" };
      const written = await this.write(policy, place);
      const scored = arm === "SEAL" ? await this.score(policy, place, written) : [];
      const kept = arm === "SEAL" ? this.keep(scored) : this.keepUnscored(arm, round, written);
      this.context.log(
        `Seed ${this.seed}, ${arm}, round ${round}: ${kept.length} of ${written.length} self-edits kept${kept.length === 0 ? "; the model stays as it is" : ""}`,
      );
      if (kept.length > 0) {
        const settings = { ...this.variant.fineTuning, seed: `${this.seed}/${round}` };
        const checkpoint = checkpointOf(this.context, `${this.seed}/${arm}/${round}`);
        const next = await fineTunePolicy(policy, kept, settings, checkpoint);
        if (policy !== this.base) disposeWeights(policy.weights);
        policy = next;
      }
      const evaluated: ArcPlace = { arm, round, part: "evaluate" };
      rollouts.push(...scored, ...(await this.sampleAndScore(policy, evaluated)));
    }
    if (policy !== this.base) disposeWeights(policy.weights);
    return rollouts;
  }

  private keep(scored: readonly ArcRollout[]): PolicyExample[] {
    const { keep } = this.variant;
    const groups = this.parts.train.map((task) => scored.filter((r) => r.task === task.id));
    // Solved ones have reward 1 whatever the variant's own measure is.
    const rule: SelectionRule =
      keep === "solved" ? { kind: "above", score: 0.5 } : { kind: "best", count: keep };
    const rewarded = groups.map((group) =>
      group.map((r) => (keep === "solved" ? { ...r, reward: r.solved ? 1 : 0 } : r)),
    );
    const kept = selectCandidates(rewarded, rule).flatMap((indices, g) =>
      indices.map((i) => example(this.parts.train[g], groups[g][i].completion)),
    );
    this.keptCounts.push(kept.length);
    return kept;
  }

  /** Valid self-edits, whatever they do: all of them, or by lot as many as "SEAL" kept in this round. */
  private keepUnscored(
    arm: ArcArm,
    round: number,
    written: readonly ArcCandidate[],
  ): PolicyExample[] {
    const valid = written.filter(({ parsed }) => parsed?.status === "ok");
    const all = createRandom(`${this.seed}/${arm}/${round}/kept`).shuffle(valid);
    const kept = arm === "random selection" ? all.slice(0, this.keptCounts[round - 1]) : all;
    return kept.map(({ task, completion }) => example(task, completion));
  }

  /** Recipes written for each task of the part, then tried. */
  private async sampleAndScore(policy: Model, place: ArcPlace): Promise<ArcRollout[]> {
    return this.score(policy, place, await this.write(policy, place));
  }

  /** Recipes written for each task of the part. */
  private async write(policy: Model, place: ArcPlace): Promise<ArcCandidate[]> {
    const { constrained, train, evaluate, ...drawing } = this.variant.sampling;
    const count = place.part === "train" ? train : evaluate;
    const tasks = this.parts[place.part];
    // Round 1 of all lines draws the same self-edits from the same model.
    const first = place.round === 1 && place.part === "train";
    const key = this.keyOf(first ? { ...place, arm: "SEAL" } : place, "self-edits");
    const written = await once(this.context.journal, key, async () => {
      const started = performance.now();
      const prompts = tasks.flatMap((task) =>
        Array.from({ length: count }, () => recipePrompt(task)),
      );
      const { text, config } = policy;
      const generated = await generate(policy, prompts, {
        ...drawing,
        seed: key,
        batchRows: 256,
        ...(constrained && text
          ? { allowed: allowedRecipeTokens(text.tokenizer, config.eosTokenIds, constrained) }
          : {}),
      });
      return {
        texts: generated.map((one) => one.text),
        seconds: (performance.now() - started) / 1000,
      };
    });
    this.generateSeconds += written.seconds;
    return written.texts.map((completion, i): ArcCandidate => {
      const parsed = parseRecipe(completion, this.variant.limits);
      return { task: tasks[Math.floor(i / count)], index: i % count, completion, parsed };
    });
  }

  /** Trains and asks for every candidate, a journalled group at a time. */
  private async score(
    model: Model,
    place: ArcPlace,
    candidates: readonly ArcCandidate[],
    label = "",
  ): Promise<ArcRollout[]> {
    const { journal, executor } = this.context;
    const groups = { size: this.variant.concurrency, limit: executor?.groupsAtOnce ?? 1 };
    return mapGroups(candidates, groups, async (group, start) => {
      const key = this.keyOf(place, `${label}${label && "/"}${start}`);
      const finished = await once(journal, key, () =>
        scoreRecipes(model, this.variant, this.seed, place, group, executor),
      );
      this.progress.advance(group.length, describe(place, finished));
      return finished;
    });
  }

  private keyOf({ arm, round, part }: ArcPlace, what: string): string {
    return `${this.seed}/${arm}/${round}/${part}/${what}`;
  }
}

function example(task: ArcTask, completion = ""): PolicyExample {
  return { prompt: recipePrompt(task), completion };
}

function describe({ arm, round, part }: ArcPlace, rollouts: readonly ArcRollout[]): string {
  const where = round > 0 ? `${arm}, round ${round}, ${part}` : arm;
  if (rollouts.length > 8) {
    const solved = rollouts.filter((rollout) => rollout.solved).length;
    return `${where}: ${solved} of ${rollouts.length} solved`;
  }
  const rewards = rollouts.map(({ reward, status }) =>
    reward === undefined ? status : reward.toFixed(2),
  );
  return `${where}: ${rewards.join(" ")}`;
}
