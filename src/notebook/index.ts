/** What notebooks take beside the rest of the package; re-exported by `src/index.ts`. */
export { askAbout, askQuestions, judgeAnswers } from "./ask";
export type { AskOptions, JudgedQuestion } from "./ask";
export { display, inNotebook } from "./display";
export type { Output } from "./display";
export { frame, readMetrics, readRollouts, resultFolder } from "./frame";
export type { FrameOptions, Rollout } from "./frame";
export { progress } from "./progress";
export { show, showDiff, showGrid, showSelfEdit, showTable } from "./show";
export type { ShownAnswer, ShowTableOptions } from "./show";
export { notebookSize } from "./short";
