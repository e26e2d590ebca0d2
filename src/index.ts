/** The one import path of notebooks, experiments and other programs. */
export { startEngine, engineInfo, doctor, formatDoctor } from "./engine";
export type { EngineInfo, EngineName } from "./engine";
export { UserError } from "./messages/errors";
export { createRandom } from "./statistics/random";
export type { Random } from "./statistics/random";
export { loadModel, disposeModel } from "./model/load";
export type { LoadOptions, Model } from "./model/load";
export { resolveModel, defaultModel } from "./model/sources";
export type { ChatMessage, ModelConfig, Tokenizer } from "./model/types";
export { TARGET_NAMES } from "./model/adapters";
export type { TargetName } from "./model/adapters";
export { generate, generateGroups } from "./lora/generate";
export type { Generated, GenerateOptions, Prompt, PromptGroup } from "./lora/generate";
export { scoreRows, scoreRowsLater } from "./lora/score";
export { trainAdapters, trainCandidates } from "./lora/train";
export type { AdapterJob, Sequence } from "./lora/train";
export type { TrainingOptions, TrainingResult } from "./lora/trainer";
export { parseLoraSettings } from "./lora/settings";
export type { LoraSettings } from "./lora/settings";
export type { Adapter } from "./lora/adapter";
export { loadAdapter, mergeAdapter, saveAdapter } from "./lora/files";
export { saveMerged, saveModel } from "./lora/save-merged";
export { trainFull } from "./full/train";
export type { FullJob, FullOptions, FullResult } from "./full/train";
export type { FullSettings } from "./full/settings";
export { selfEditKinds, selfEditPrompt, answerPrompt, openBookPrompt } from "./selfedit/prompts";
export type { SelfEditKind } from "./selfedit/prompts";
export { trainingSequences } from "./selfedit/sequences";
export { REWARDS, rewardOf, selectByReward } from "./restem/rewards";
export type { RewardKind } from "./restem/rewards";
export { selectCandidates } from "./restem/select";
export type { Candidate, CandidateStatus, SelectionRule } from "./restem/select";
export { adaptToPassage, adaptSettings } from "./adapt/adapt";
export type { Adaptation, AdaptOptions, Lesson } from "./adapt/adapt";
export { readMemory, topicsOf, writeMemory, writeMerged } from "./adapt/memory";
export { recallAnswers } from "./adapt/recital";
export { runInnerLoop } from "./restem/inner-loop";
export type { InnerLoopCandidate, InnerLoopResult } from "./restem/inner-loop";
export { fineTunePolicy, sampleSelfEdits } from "./restem/policy";
export { judgeAnswer, judgeProbability } from "./judge/lexical";
export { createModelJudge, gradingPrompt } from "./judge/model";
export type { ModelJudge, ModelJudgement } from "./judge/model";
export { createOpenAiClient } from "./openai/client";
export type { OpenAiClient, OpenAiOptions } from "./openai/client";
export { accuracy } from "./judge/verdict";
export type { Verdict } from "./judge/verdict";
export { readArticles, readSquad, selectPassages } from "./tasks/squad";
export type { Passage, Question } from "./tasks/squad";
export { readArc } from "./tasks/arc/read";
export { augmentTask, inverseOf } from "./tasks/arc/augment";
export { gridText, parseGridAnswer } from "./tasks/arc/grids";
export type { ArcExample, ArcTask, ArcTest, Grid } from "./tasks/arc/grids";
export { arcMessages, arcPrompt, recipePrompt } from "./tasks/arc/messages";
export { arcQueries, invertAnswer } from "./tasks/arc/queries";
export { parseRecipe, recipeText } from "./tasks/arc/recipe";
export type { ParsedRecipe, Recipe } from "./tasks/arc/recipe";
export { judgeTask, submission } from "./tasks/arc/scoring";
export { leaveOut, trainingTasks } from "./tasks/arc/training";
export { voteCounts, voteGrids } from "./tasks/arc/vote";
export { createWorld, newPeople } from "./tasks/biographies/world";
export type { Person } from "./tasks/biographies/world";
export {
  biographySelfEditPrompt,
  judgeValue,
  questionPrompt,
  questionsAbout,
  writePassage,
} from "./tasks/biographies/texts";
export {
  biographySequences,
  describeSelfEdit,
  oracleSelfEdit,
  selfEditLines,
} from "./tasks/biographies/selfedits";
export { costOf, countRequestTokens, listPrice, PRICES_AS_OF } from "./openai/prices";
export { runVariant } from "./run/runner";
export type { RunOptions, RunResult } from "./run/runner";
export { parseVariant, readVariant } from "./run/variant";
export type { Variant } from "./run/variant";
export { readRecord } from "./run/record";
export type { RunRecord } from "./run/record";
export { runReplay } from "./replay/run";
export { readReplay } from "./replay/results";
export type { ReplayResults } from "./replay/results";
export { simulatePlan } from "./replay/noise";
export type { Plan as SelectionPlan } from "./replay/noise";
export {
  clusterMeanInterval,
  clusterShareInterval,
  cohenKappa,
  correlation,
  mean,
  meanInterval,
  pairedDifference,
  wilsonInterval,
} from "./statistics/statistics";
export { figureAccuracyByArm, figureBars } from "./plot/bars";
export type { Bar, BarOptions } from "./plot/bars";
export { figureCurves } from "./plot/curves";
export type { Curve, CurveOptions } from "./plot/curves";
export {
  figureAccuracyByRound,
  figureRewardDistribution,
  figureSelfEditStyles,
} from "./plot/rounds";
export { figureLines } from "./plot/lines";
export { ARC_PALETTE, figureArcTask, figureGrids, figureVotes } from "./plot/grids";
export type { ArcTaskPicture, GridPanel } from "./plot/grids";
export { figureForgetting } from "./plot/forgetting";
export { figureHeatmap } from "./plot/heatmap";
export { renderFigure } from "./plot/render";
export { renderTable } from "./plot/table";
export type { Table } from "./plot/table";
export type { Figure } from "./plot/figure";
export {
  askAbout,
  askQuestions,
  display,
  frame,
  inNotebook,
  judgeAnswers,
  notebookSize,
  progress,
  readMetrics,
  readRollouts,
  resultFolder,
  show,
  showDiff,
  showGrid,
  showSelfEdit,
  showTable,
} from "./notebook";
export type {
  AskOptions,
  FrameOptions,
  JudgedQuestion,
  Output,
  Rollout,
  ShownAnswer,
  ShowTableOptions,
} from "./notebook";
