/**
 * The small world: invented people, passages and questions about them, and self-edits in its words.
 *
 * @module seal-lab/biographies
 */
export { createWorld, newPeople } from "../tasks/biographies/world";
export type { Person, PersonName, World } from "../tasks/biographies/world";
export {
  biographySelfEditPrompt,
  judgeValue,
  questionPrompt,
  questionsAbout,
  writePassage,
} from "../tasks/biographies/texts";
export type { Passage, Question } from "../tasks/biographies/texts";
export {
  biographySequences,
  describeSelfEdit,
  oracleSelfEdit,
  selfEditLines,
  selfEditStyles,
} from "../tasks/biographies/selfedits";
export type { SelfEditContent, SelfEditStyle } from "../tasks/biographies/selfedits";
export { attributes } from "../tasks/biographies/words";
export type { Attribute } from "../tasks/biographies/words";
