/**
 * Tasks of ARC, their augmentations, recipes (ARC's self-edits), votes, scores and pictures.
 *
 * @module seal-lab/arc
 */

// Tasks and grids
export { arcFiles, readArc } from "../tasks/arc/read";
export { gridText, parseGridAnswer } from "../tasks/arc/grids";
export type { ArcExample, ArcTask, ArcTest, Grid, GridAnswer } from "../tasks/arc/grids";
export { augmentTask, inverseOf } from "../tasks/arc/augment";

// Prompts and recipes
export { arcMessages, arcPrompt, recipePrompt } from "../tasks/arc/messages";
export { AUGMENTATION_GROUPS, parseRecipe, RECIPE_LIMITS, recipeText } from "../tasks/arc/recipe";
export type { AugmentationGroup, ParsedRecipe, Recipe, RecipeLimits } from "../tasks/arc/recipe";
export { leaveOut, trainingTasks } from "../tasks/arc/training";
export type { TrainingTaskOptions } from "../tasks/arc/training";

// Answers, votes and scores
export { arcQueries, invertAnswer } from "../tasks/arc/queries";
export type { ArcQuery, QueryOptions } from "../tasks/arc/queries";
export { voteCounts, voteGrids } from "../tasks/arc/vote";
export type { Vote, VoteCount } from "../tasks/arc/vote";
export { judgeTask, submission } from "../tasks/arc/scoring";
export type { Submission, SubmittedTest, TaskAttempts } from "../tasks/arc/scoring";

// Pictures
export { ARC_PALETTE, figureArcTask, figureGrids, figureVotes } from "../plot/grids";
export type { ArcTaskPicture, GridPanel, VotedGrid } from "../plot/grids";
