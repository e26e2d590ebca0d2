/**
 * What a notebook shows and asks. Outside a notebook the same calls print, or write files.
 *
 * @module seal-lab/notebook
 */
export { askAbout, askQuestions, judgeAnswers } from "../notebook/ask";
export type { AskOptions, JudgedQuestion } from "../notebook/ask";
export { show, showDiff, showGrid, showSelfEdit, showTable } from "../notebook/show";
export type { ShownAnswer, ShowTableOptions } from "../notebook/show";
export { frame, readMetrics, readRollouts, resultFolder } from "../notebook/frame";
export type { FrameOptions, Rollout } from "../notebook/frame";
export { display, inNotebook } from "../notebook/display";
export type { Output } from "../notebook/display";
export { progress } from "../notebook/progress";
export type { Progress } from "../messages/progress";
export { notebookSize } from "../notebook/short";
