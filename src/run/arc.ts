/**
 * Few-shot ARC (paper, section 4.1): for every task the model writes a recipe, an adapter is trained by it on variations
 * of the task's demonstrations, and the test is answered by votes; ReST-EM keeps the recipes that solved their task.
 */
import { disposeModel, loadModel, type Model } from "../model/load";
import { disposeWeights } from "../model/weights";
import { generate } from "../lora/generate";
import { createProgress, downloadProgress, type Progress } from "../progress";
import { fineTunePolicy } from "../restem/policy";
import { selectCandidates, type SelectionRule } from "../restem/select";
import { allowedRecipeTokens } from "../tasks/arc/constrained";
import type { ArcTask } from "../tasks/arc/grids";
import { recipePrompt } from "../tasks/arc/messages";
import { checkRecipe, parseRecipe, type ParsedRecipe } from "../tasks/arc/recipe";
import { arcFiles, readArc } from "../tasks/arc/read";
import { arcReport, type ArcRollout } from "./arc-report";
import { scoreRecipes, type ArcCandidate, type ArcPlace } from "./arc-score";
import { tasksById } from "./arc-tasks";
import type { ARC_ARMS, ArcVariant } from "./arc-variant";
import { mapGroups } from "./at-once";
import {
  checkpointOf,
  once,
  requireSameInputs,
  type ExperimentContext,
  type Outcome,
} from "./experiment";
import { sha256OfFile } from "../files";

type Arm = (typeof ARC_ARMS)[number];

/** Runs every seed and reports them together. */
export async function runArc(variant: ArcVariant, context: ExperimentContext): Promise<Outcome> {
  const { paths, train, evaluate } = variant.data;
  const files = await arcFiles(...paths);
  const all = await readArc(...files);
  const parts = { train: tasksById(all, train), evaluate: tasksById(all, evaluate) };
  context.log(`Loading ${variant.model}`);
  const onProgress = downloadProgress(variant.model, { quiet: context.quiet });
  const model = await loadModel(variant.model, { onProgress });
  const tasks = await Promise.all(
    files.map(async (file) => {
      const name = file.replace(/^.*[/\\]/, "");
      return { name, source: "ARC-AGI", sha256: await sha256OfFile(file) };
    }),
  );
  const inputs = [...model.inputs, ...tasks];
  const total = variant.seeds.length * arcCandidates(variant).total;
  const progress = createProgress("recipes tried", total, { quiet: context.quiet });
  const rollouts: ArcRollout[] = [];
  let generateSeconds = 0;
  try {
    await requireSameInputs(context, inputs);
    for (const seed of variant.seeds) {
      const run = new ArcSeed(variant, context, model, parts, seed, progress);
      rollouts.push(...(await run.all()));
      generateSeconds += run.generateSeconds;
    }
  } finally {
    progress.stop();
    disposeModel(model);
  }
  return arcReport(variant, parts.evaluate, rollouts, inputs, generateSeconds);
}

/** Numbers of candidates of one seed, by purpose. */
export function arcCandidates({ arms, data, rounds, sampling }: ArcVariant): {
  untrained: number;
  rewards: number;
  evaluations: number;
  total: number;
} {
  const has = (arm: Arm): number => (arms.includes(arm) ? 1 : 0);
  const tasks = data.evaluate.length;
  const untrained = has("in context") * tasks;
  const rewards = has("SEAL") * rounds * data.train.length * sampling.train;
  const written = (has("untrained self-edits") + has("SEAL") * rounds) * tasks * sampling.evaluate;
  const evaluations = has("fixed recipe") * tasks + written;
  return { untrained, rewards, evaluations, total: untrained + rewards + evaluations };
}

/** One seed: its policies and arms. */
class ArcSeed {
  generateSeconds = 0;

  constructor(
    private readonly variant: ArcVariant,
    private readonly context: ExperimentContext,
    private readonly base: Model,
    private readonly parts: Readonly<Record<ArcRollout["part"], readonly ArcTask[]>>,
    private readonly seed: number,
    private readonly progress: Progress,
  ) {}

  async all(): Promise<ArcRollout[]> {
    const { evaluate } = this.parts;
    const rollouts: ArcRollout[] = [];
    const place = (arm: Arm): ArcPlace => ({ arm, round: 0, part: "evaluate" });
    const fixed = checkRecipe(this.variant.recipe, this.variant.limits);
    const each = (parsed?: ParsedRecipe): ArcCandidate[] =>
      evaluate.map((task) => ({ task, index: 0, ...(parsed ? { parsed } : {}) }));
    for (const arm of this.variant.arms) {
      if (arm === "in context") rollouts.push(...(await this.score(this.base, place(arm), each())));
      if (arm === "fixed recipe")
        rollouts.push(...(await this.score(this.base, place(arm), each(fixed))));
      if (arm === "untrained self-edits")
        rollouts.push(...(await this.sampleAndScore(this.base, place(arm))));
      if (arm === "SEAL") rollouts.push(...(await this.rounds()));
    }
    return rollouts;
  }

  /** ReST-EM: sample, score, keep, fine-tune, evaluate. Where nothing is kept the policy stays as it is. */
  private async rounds(): Promise<ArcRollout[]> {
    const rollouts: ArcRollout[] = [];
    let policy = this.base;
    for (let round = 1; round <= this.variant.rounds; round++) {
      const scored = await this.sampleAndScore(policy, { arm: "SEAL", round, part: "train" });
      const kept = this.keep(scored);
      this.context.log(
        `Round ${round}: ${kept.length} of ${scored.length} self-edits kept${kept.length === 0 ? "; the model stays as it is" : ""}`,
      );
      if (kept.length > 0) {
        const name = `${this.seed}/${round}`;
        const settings = { ...this.variant.fineTuning, seed: name };
        const checkpoint = checkpointOf(this.context, name);
        const next = await fineTunePolicy(policy, this.examples(kept), settings, checkpoint);
        if (policy !== this.base) disposeWeights(policy.weights);
        policy = next;
      }
      const place: ArcPlace = { arm: "SEAL", round, part: "evaluate" };
      rollouts.push(...scored, ...(await this.sampleAndScore(policy, place)));
    }
    if (policy !== this.base) disposeWeights(policy.weights);
    return rollouts;
  }

  private keep(scored: readonly ArcRollout[]): ArcRollout[] {
    const { keep } = this.variant;
    const groups = this.parts.train.map((task) => scored.filter((r) => r.task === task.id));
    // Solved ones have reward 1 whatever the variant's own measure is.
    const rule: SelectionRule =
      keep === "solved" ? { kind: "above", score: 0.5 } : { kind: "best", count: keep };
    const rewarded = groups.map((group) =>
      group.map((r) => (keep === "solved" ? { ...r, reward: r.solved ? 1 : 0 } : r)),
    );
    return selectCandidates(rewarded, rule).flatMap((indices, g) =>
      indices.map((i) => groups[g][i]),
    );
  }

  private examples(
    kept: readonly ArcRollout[],
  ): { prompt: ReturnType<typeof recipePrompt>; completion: string }[] {
    return kept.flatMap(({ task: id, completion }) => {
      const task = this.parts.train.find((one) => one.id === id);
      return task && completion !== undefined ? [{ prompt: recipePrompt(task), completion }] : [];
    });
  }

  /** Recipes written for each task of the part, then tried. */
  private async sampleAndScore(policy: Model, place: ArcPlace): Promise<ArcRollout[]> {
    const { constrained, train, evaluate, ...drawing } = this.variant.sampling;
    const count = place.part === "train" ? train : evaluate;
    const tasks = this.parts[place.part];
    const key = this.keyOf(place, "self-edits");
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
    const candidates = written.texts.map((completion, i): ArcCandidate => {
      const parsed = parseRecipe(completion, this.variant.limits);
      return { task: tasks[Math.floor(i / count)], index: i % count, completion, parsed };
    });
    return this.score(policy, place, candidates);
  }

  /** Trains and asks for every candidate, a journalled group at a time. */
  private async score(
    model: Model,
    place: ArcPlace,
    candidates: readonly ArcCandidate[],
  ): Promise<ArcRollout[]> {
    const { journal, executor } = this.context;
    const groups = { size: this.variant.concurrency, limit: executor?.groupsAtOnce ?? 1 };
    return mapGroups(candidates, groups, async (group, start) => {
      const finished = await once(journal, this.keyOf(place, String(start)), () =>
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

function describe({ arm, round, part }: ArcPlace, rollouts: readonly ArcRollout[]): string {
  const rewards = rollouts.map(({ reward, status }) =>
    reward === undefined ? status : reward.toFixed(2),
  );
  const where = round > 0 ? `${arm}, round ${round}, ${part}` : arm;
  return `${where}: ${rewards.join(" ")}`;
}
