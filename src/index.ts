/**
 * All that SEAL itself needs, in the order of the algorithm: models, adapters, generation, self-edits, the two loops,
 * judging, runs, and figures of their results. What belongs to one domain is on a subpath (`src/api`).
 *
 * @module seal-lab
 */

// Engine, seeds, errors
export { doctor, engineInfo, ENGINE_NAMES, formatDoctor, startEngine } from "./engine";
export type { DoctorReport, EngineInfo, EngineName, EngineReport } from "./engine";
export { UserError } from "./messages/errors";
export { createRandom } from "./statistics/random";
export type { Random, RandomState } from "./statistics/random";

// Models
export { disposeModel, loadModel } from "./model/load";
export type { LoadOptions, Model } from "./model/load";
export type { TextFormat } from "./model/text-format";
export { defaultModel, resolveModel } from "./model/sources";
export type { Progress as DownloadProgress } from "./files/download";
export type { GgufFile, ModelFiles, ModelFolder, ResolveOptions } from "./model/sources";
export type { ModelInput } from "./model/store";
export type {
  ChatMessage,
  LinearRopeScaling,
  Llama3RopeScaling,
  ModelConfig,
  Tokenizer,
} from "./model/types";

// Adapters
export { TARGET_NAMES } from "./model/adapters";
export type { TargetName } from "./model/adapters";
export { trainAdapters, trainCandidates } from "./lora/train";
export type { AdapterJob, CompletionSequence, Sequence } from "./lora/train";
export type { TokenSequence } from "./lora/plan";
export type { TrainingOptions, TrainingResult } from "./lora/trainer";
export { parseLoraSettings } from "./lora/settings";
export type { LoraSettings } from "./lora/settings";
export type { Adapter, HostTensor, ModuleForm } from "./lora/adapter";
export { loadAdapter, mergeAdapter, saveAdapter } from "./lora/files";
export { saveMerged, saveModel } from "./lora/save-merged";
export { trainFull } from "./full/train";
export type { FullJob, FullOptions, FullResult } from "./full/train";
export type { ChosenSettings, FullSettings } from "./full/settings";

// Generation
export { generate, generateGroups } from "./lora/generate";
export type { Generated, GenerateOptions, Prompt, PromptGroup } from "./lora/generate";
export type { FinishReason } from "./model/generation";
export { scoreRows, scoreRowsLater } from "./lora/score";
export type { GivenAdapter } from "./lora/score";

// Self-edits
export { answerPrompt, openBookPrompt, selfEditKinds, selfEditPrompt } from "./selfedit/prompts";
export type { Article, SelfEditKind } from "./selfedit/prompts";
export { trainingSequences } from "./selfedit/sequences";
export type { SequenceOptions } from "./selfedit/sequences";

// Outer loop
export { outerLoop } from "./restem/outer-loop";
export type { Example, Kept, OuterLoop, Round } from "./restem/outer-loop";
export { fineTunePolicy, sampleSelfEdits } from "./restem/policy";
export type { PolicyExample, PolicyModel, SelfEditSampling } from "./restem/policy";
export type { CheckpointOptions } from "./lora/checkpoint";
export { runInnerLoop } from "./restem/inner-loop";
export type {
  InnerLoopCandidate,
  InnerLoopOptions,
  InnerLoopQuestion,
  InnerLoopResult,
} from "./restem/inner-loop";
export { REWARDS, rewardOf, selectByReward } from "./restem/rewards";
export type { RewardKind } from "./restem/rewards";
export { selectCandidates } from "./restem/select";
export type { Candidate, CandidateStatus, RewardVariances, SelectionRule } from "./restem/select";

// Passages and judging
export { readArticles, readSquad, selectPassages } from "./tasks/squad";
export type {
  Passage,
  PassagePlace,
  PassageSelection,
  Question,
  SquadOptions,
} from "./tasks/squad";
export type { QuestionKind, Split } from "./tasks/squad-forms";
export { judgeAnswer, judgeProbability } from "./judge/lexical";
export type { JudgeInput } from "./judge/lexical";
export { accuracy } from "./judge/verdict";
export type { AccuracySummary, Verdict } from "./judge/verdict";

// Your own passage
export { adaptSettings, adaptToPassage } from "./adapt/adapt";
export type { Adaptation, AdaptOptions, Lesson } from "./adapt/adapt";

// Runs
export { parseVariant, planVariant, readVariant, runVariant } from "./experiments/variants";
export type { Variant } from "./experiments/registry";
export type { KnowledgeVariant } from "./experiments/knowledge/variant";
export type { BiographiesVariant } from "./experiments/biographies/variant";
export type { ContinualVariant } from "./experiments/continual/variant";
export type { PretrainingVariant } from "./experiments/pretraining/variant";
export type { ArcVariant } from "./experiments/arc/variant";
export type { Plan, PlanOptions } from "./run/plan";
export type { RunOptions, RunResult } from "./run/runner";
export type { QueueOptions } from "./queue/executor";
export type { ServerOptions } from "./serving/server";
export { readRecord } from "./run/record";
export type { RunRecord } from "./run/record";

// Figures
export { figureAccuracyByArm } from "./plot/bars";
export type { AccuracyByArmOptions } from "./plot/bars";
export {
  figureAccuracyByRound,
  figureRewardDistribution,
  figureSelfEditStyles,
} from "./plot/rounds";
export type {
  AccuracyByRoundOptions,
  RewardDistributionOptions,
  RoundRewards,
  RoundStyles,
} from "./plot/rounds";
export { figureForgetting } from "./plot/forgetting";
export type { AccuracyRow, Figure, FigureOptions, PaperRow } from "./plot/figure";

// At home on a subpath, and here too, since programs rely on them
export { arcMessages, augmentTask, parseRecipe, readArc, voteGrids } from "./api/arc";
export { figureArcTask, figureGrids, figureVotes } from "./api/arc";
export { figureBars, figureCurves, figureHeatmap, figureLines } from "./api/plot";
export { show, showDiff, showGrid, showSelfEdit, showTable } from "./api/notebook";
