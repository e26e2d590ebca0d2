/**
 * What `adaptToPassage` learned, kept in a folder, and questions answered from it.
 *
 * @module seal-lab/memory
 */
export { readMemory, topicsOf, writeMemory, writeMerged } from "../adapt/memory";
export type { Memory } from "../adapt/memory";
export { recallAnswers } from "../adapt/recital";
export type { Recalled, RecallOptions, Recital, Topic } from "../adapt/recital";
