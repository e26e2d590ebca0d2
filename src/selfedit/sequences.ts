/** A completion becomes training sequences, as SEAL's released code does it; what the model was asked is in prompts.ts. */

/** What of an article enters the training sequences, and how the completion is cut. */
export interface SequenceOptions {
  /** Stands before each sequence. */
  readonly title: string;
  /** The last sequence. */
  readonly passage: string;
  /** SEAL's `split_newlines`: each line (or question-answer pair) is a sequence of its own. On in its main results, off in continued pretraining. */
  readonly splitLines: boolean;
}

// Python's str.strip() and \s take other characters for white space than JavaScript's trim() and \s:
// also U+001C to U+001F and U+0085, but not U+FEFF.
const space =
  "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const leadingSpace = new RegExp(`^${space}+`);
const questionHead = `Question${space}+\\p{Nd}+:`;
const hasQuestion = new RegExp(questionHead, "u");
const hasAnswer = new RegExp(`Answer${space}*:`);
const beforeQuestion = new RegExp(`\\n(?=${questionHead})`, "u");
// The line ends of Python's str.splitlines().
const lineEndCharacters = "\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029";
const lineEnd = new RegExp(`\\r\\n|[${lineEndCharacters}]`);
const isSpace = new RegExp(space);

/** Python's `str.strip()`. Scans from the end, as a pattern for trailing space takes quadratic time. */
function strip(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text.charAt(end - 1))) end--;
  return text.slice(0, end).replace(leadingSpace, "");
}

function stripAll(parts: readonly string[]): string[] {
  return parts.map(strip).filter((part) => part !== "");
}

/** Question-answer text: cut before each "Question N:"; the first may lack its heading, since SEAL's prompt ends with it. */
function questionAnswerPairs(completion: string): string[] {
  const [first, ...rest] = strip(completion).split(beforeQuestion);
  const headed = first.replace(leadingSpace, "").startsWith("Question");
  return [headed ? first : `Question 1: ${strip(first)}`, ...rest];
}

/** Lists: every line that is not blank; a first line before "1." is an introduction such as "Sure, here is a list:". */
function listLines(segments: readonly string[]): string[] {
  const lines = segments.flatMap((segment) => stripAll(segment.split(lineEnd)));
  return lines.length > 1 && lines[1].startsWith("1.") ? lines.slice(1) : lines;
}

/** The texts to train on, before the title is put in front. */
function completionTexts(completion: string, splitLines: boolean): string[] {
  if (splitLines && hasQuestion.test(completion) && hasAnswer.test(completion)) {
    return questionAnswerPairs(completion);
  }
  const segments = stripAll(completion.split("---"));
  // Where nothing but separators is left, the released code takes the completion as it is, be it "---" or blank.
  const kept = segments.length > 0 ? segments : [strip(completion)];
  return splitLines ? listLines(kept) : kept;
}

/**
 * The sequences that the inner loop trains on: `"{title}\n{text}"` for each part of the completion, the passage always last.
 *
 * Equal, character by character, to `build_train_sequences` of github.com/Continual-Intelligence/SEAL
 * (knowledge-incorporation/src/utils.py, June 2025), whose rules are: "---" separates sequences; with `splitLines`
 * each line is one, except that text with "Question N:" and "Answer:" is cut before each question ("---" then stays);
 * a line before one that begins with "1." is dropped, only if it is the first; the title is used as it is given.
 */
export function trainingSequences(completion: string, options: SequenceOptions): string[] {
  const texts = [...completionTexts(completion, options.splitLines), strip(options.passage)];
  return texts.map((text) => `${options.title}\n${text}`);
}
