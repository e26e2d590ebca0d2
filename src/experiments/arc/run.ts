/**
 * Few-shot ARC (paper, section 4.1): for every task the model writes a recipe, an adapter is trained by it on variations
 * of the task's demonstrations, and the test is answered by votes; ReST-EM keeps the recipes that solved their task.
 */
import type { Progress } from "../../messages/progress";
import type { Model } from "../../model/load";
import {
  keepByLine,
  keptOf,
  scoreByLine,
  type Line,
  type ScoredCandidate,
} from "../../restem/lines";
import { outerLoop, type Kept } from "../../restem/outer-loop";
import { selectCandidates } from "../../restem/select";
import { mapGroups } from "../../run/at-once";
import { once, onceWritten, type ExperimentContext, type Outcome } from "../../run/experiment";
import { learnPolicy } from "../../run/policy";
import { withModel } from "../../run/with-model";
import { sampleSelfEdits } from "../../restem/policy";
import { createRandom } from "../../statistics/random";
import { allowedRecipeTokens } from "../../tasks/arc/constrained";
import type { ArcTask } from "../../tasks/arc/grids";
import { recipePrompt } from "../../tasks/arc/messages";
import { checkRecipe, parseRecipe, type ParsedRecipe } from "../../tasks/arc/recipe";
import { randomRecipe } from "../../tasks/arc/world-words";
import { arcReport } from "./report";
import type { ArcRollout } from "./rollout";
import { scoreRecipes, type ArcCandidate, type ArcPlace, type ArcScoring } from "./score";
import { openArcTasks, type ArcParts } from "./source";
import { arcCandidates } from "./counts";
import { arcCells, arcLines, type ArcArm, type ArcVariant } from "./variant";

/** Runs every seed and reports them together. */
export async function runArc(variant: ArcVariant, context: ExperimentContext): Promise<Outcome> {
  const source = await openArcTasks(variant);
  context.log(`Loading ${variant.model}`);
  const total = variant.seeds.length * arcCandidates(variant).total;
  const ahead = { label: "recipes tried", total, inputs: source.inputs };
  return withModel(variant.model, context, ahead, async ({ model, progress, inputs }) => {
    const rollouts: ArcRollout[] = [];
    const tasks: ArcTask[] = [];
    let generateSeconds = 0;
    for (const seed of variant.seeds) {
      const parts = source.draw(seed);
      const run = new ArcSeed(variant, context, model, parts, seed, progress);
      rollouts.push(...(await run.all()));
      tasks.push(...parts.evaluate.filter((task) => !tasks.includes(task)));
      generateSeconds += run.generateSeconds;
    }
    return arcReport(variant, tasks, rollouts, inputs, generateSeconds);
  });
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
    const lines = arcLines(this.variant);
    for (const { arm } of arcCells(this.variant)) {
      const line = lines.find(({ name }) => name === arm);
      rollouts.push(...(await (line ? this.line(line) : this.arm(arm as ArcArm))));
    }
    return rollouts;
  }

  /** An arm that needs no rounds. */
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
      default:
        return this.sampleAndScore(this.base, place);
    }
  }

  /** Every evaluated task once, with this recipe or none. */
  private each(parsed?: ParsedRecipe, tasks = this.parts.evaluate): ArcCandidate[] {
    return tasks.map((task) => ({ task, index: 0, ...(parsed ? { parsed } : {}) }));
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
        const candidates = this.each(parsed, this.parts[part]);
        own.push(...(await this.score(this.base, place, candidates, label)));
      }
      tried.push(own.map((rollout) => ({ ...rollout, label })));
    }
    const solved = tried.map(
      (own) => own.filter(({ part, solved: right }) => part === "train" && right).length,
    );
    const best = solved.indexOf(Math.max(...solved));
    return tried.flatMap((own, i) => own.map((rollout) => ({ ...rollout, chosen: i === best })));
  }

  /** The outer loop; lines without a reward need no scores. */
  private async line(line: Line): Promise<ArcRollout[]> {
    const { context, seed, variant } = this;
    const arm = line.name;
    const rollouts: ArcRollout[] = [];
    await outerLoop<ArcTask, ScoredCandidate>({
      policy: this.base,
      tasks: this.parts.rounds,
      write: (policy, tasks, round) => this.write(policy, { arm, round, part: "train" }, tasks),
      score: async (policy, tasks, selfEdits, round) => {
        const candidates = this.candidates(tasks, selfEdits);
        if (line.reward === undefined) return unscored(tasks, candidates);
        return this.scoreLine(policy, line, round, tasks, selfEdits, candidates, rollouts);
      },
      select: (scored, round) => {
        const kept = this.select(line, scored, round);
        if (arm === "SEAL") this.keptCounts.push(kept.length);
        const nothing = kept.length === 0 ? "; the model stays as it is" : "";
        context.log(
          `Seed ${seed}, ${arm}, round ${round}: ${kept.length} of ${scored.flat().length} self-edits kept${nothing}`,
        );
        return kept;
      },
      imitate: (policy, examples, round) =>
        learnPolicy(
          context,
          policy,
          examples.map(({ task, selfEdit }) => ({
            prompt: recipePrompt(task),
            completion: selfEdit,
          })),
          { ...variant.fineTuning, seed: `${seed}/${round}` },
          `${seed}/${arm}/${round}`,
        ),
      evaluate: async (policy, { round }) => {
        rollouts.push(...(await this.sampleAndScore(policy, { arm, round, part: "evaluate" })));
      },
    });
    return rollouts;
  }

  /** Every recipe's inner loops; what they gave is added to the rollouts. */
  private async scoreLine(
    policy: Model,
    line: Line,
    round: number,
    tasks: readonly ArcTask[],
    selfEdits: readonly (readonly string[])[],
    candidates: readonly ArcCandidate[],
    rollouts: ArcRollout[],
  ): Promise<ScoredCandidate[][]> {
    // In round 1 all lines score the same self-edits by the same inner loops.
    const place: ArcPlace = { arm: round === 1 ? "SEAL" : line.name, round, part: "train" };
    const { keep } = this.variant;
    let first: ArcRollout[] = [];
    const scored = await scoreByLine(line, selfEdits, {
      run: async (repeat, decode) => {
        const label = [repeat > 0 ? `repeat ${repeat}` : "", decode ? "" : "losses"];
        const results = await this.score(
          policy,
          place,
          candidates,
          label.filter(Boolean).join(", "),
          { repeat, decode },
        );
        if (repeat === 0) first = results;
        // Solved ones have reward 1 whatever the variant's own measure is; what was not graded has none.
        return results.map((result) =>
          keep === "solved" && result.solved !== undefined
            ? { ...result, reward: result.solved ? 1 : 0 }
            : result,
        );
      },
      reference: () => this.score(policy, place, this.each(undefined, tasks), "reference"),
    });
    const flat: ScoredCandidate[] = scored.flat();
    rollouts.push(
      ...first.map((rollout, i) => ({
        ...rollout,
        arm: line.name,
        ...(line.rewardSeeds > 1 ? { rewards: flat[i].rewards ?? [] } : {}),
      })),
    );
    return scored;
  }

  /** The two controls keep by lot what is valid, whatever it does: as many as SEAL kept in this round, or all of it. */
  private select(
    line: Line,
    scored: readonly (readonly ScoredCandidate[])[],
    round: number,
  ): Kept[] {
    const arm = line.name;
    if (arm !== "random selection" && arm !== "no selection")
      return keepByLine(line, scored, `${this.seed}/${arm}/${round}/kept`);
    const valid = keptOf(selectCandidates(scored, { kind: "all" }));
    const all = createRandom(`${this.seed}/${arm}/${round}/kept`).shuffle(valid);
    return arm === "random selection" ? all.slice(0, this.keptCounts[round - 1]) : all;
  }

  /** Recipes written for each evaluated task, then tried. */
  private async sampleAndScore(policy: Model, place: ArcPlace): Promise<ArcRollout[]> {
    const tasks = this.parts.evaluate;
    const written = await this.write(policy, place, tasks);
    return this.score(policy, place, this.candidates(tasks, written));
  }

  /** Recipes written for each task, [task][index]. */
  private async write(
    policy: Model,
    place: ArcPlace,
    tasks: readonly ArcTask[],
  ): Promise<string[][]> {
    const { constrained, train, evaluate, ...drawing } = this.variant.sampling;
    const count = place.part === "train" ? train : evaluate;
    // Round 1 of all lines draws the same self-edits from the same model.
    const first = place.round === 1 && place.part === "train";
    const key = this.keyOf(first ? { ...place, arm: "SEAL" } : place, "self-edits");
    const { text, config } = policy;
    const allowed =
      constrained && text
        ? { allowed: allowedRecipeTokens(text.tokenizer, config.eosTokenIds, constrained) }
        : {};
    const sampling = { ...drawing, ...allowed, count };
    const written = await onceWritten(this.context.journal, key, () =>
      sampleSelfEdits(policy, tasks.map(recipePrompt), sampling, key),
    );
    this.generateSeconds += written.seconds;
    return written.texts;
  }

  /** Written recipes, read. */
  private candidates(
    tasks: readonly ArcTask[],
    selfEdits: readonly (readonly string[])[],
  ): ArcCandidate[] {
    return tasks.flatMap((task, t) =>
      selfEdits[t].map((completion, index) => {
        const parsed = parseRecipe(completion, this.variant.limits);
        return { task, index, completion, parsed };
      }),
    );
  }

  /** Trains and asks for every candidate, a journalled group at a time. */
  private async score(
    model: Model,
    place: ArcPlace,
    candidates: readonly ArcCandidate[],
    label = "",
    scoring: ArcScoring = {},
  ): Promise<ArcRollout[]> {
    const { journal, executor } = this.context;
    const groups = { size: this.variant.concurrency, limit: executor?.groupsAtOnce ?? 1 };
    return mapGroups(candidates, groups, async (group, start) => {
      const key = this.keyOf(place, `${label}${label && "/"}${start}`);
      const finished = await once(journal, key, () =>
        scoreRecipes(model, this.variant, this.seed, place, group, executor, scoring),
      );
      this.progress.advance(group.length, describe(place, finished));
      return finished;
    });
  }

  private keyOf({ arm, round, part }: ArcPlace, what: string): string {
    return `${this.seed}/${arm}/${round}/${part}/${what}`;
  }
}

/** Recipes of which only is known whether they are valid, and how long they are, by task. */
function unscored(
  tasks: readonly ArcTask[],
  candidates: readonly ArcCandidate[],
): ScoredCandidate[][] {
  return tasks.map((task) =>
    candidates
      .filter((candidate) => candidate.task === task)
      .map(({ parsed, completion = "" }) => ({
        status: parsed?.status ?? "failed",
        length: completion.length,
      })),
  );
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
