/** Ten notes never seen, each learned with `adaptToPassage` and its defaults: was the answer wrong before, is it right after? */
import { existsSync, readFileSync } from "node:fs";
import { appendFile, readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { adaptToPassage, defaultModel, judgeAnswer, loadModel } from "../../src/index";

const casesSchema = z.object({
  cases: z.array(
    z.object({
      title: z.string(),
      passage: z.string(),
      question: z.string(),
      answers: z.array(z.string()).min(1),
    }),
  ),
});
const outcomeSchema = z.object({
  title: z.string(),
  before: z.string(),
  after: z.string(),
  rightBefore: z.boolean(),
  rightAfter: z.boolean(),
  /** Whether the note was known by heart in the end. */
  byHeart: z.boolean(),
  seconds: z.number(),
});
type Outcome = z.output<typeof outcomeSchema>;

/** Finished cases are lines of the file given, and are not run again. */
async function main([file]: readonly string[]): Promise<void> {
  if (!file) throw new Error("usage: run-cases.ts OUTCOMES.jsonl");
  const data: unknown = JSON.parse(await readFile(path.join(__dirname, "cases.json"), "utf8"));
  const { cases } = casesSchema.parse(data);
  const done = outcomesIn(file);
  const model = await loadModel(defaultModel);
  for (const { title, passage, question, answers: gold } of cases) {
    if (done.some((outcome) => outcome.title === title)) continue;
    const adapted = await adaptToPassage(model, { title, passage }, { questions: [question] });
    const [{ before, after }] = adapted.answers;
    const right = (answer: string): boolean =>
      judgeAnswer({ question, gold, answer }) === "correct";
    const { write, train, answer } = adapted.seconds;
    const outcome: Outcome = {
      title,
      before,
      after,
      rightBefore: right(before),
      rightAfter: right(after),
      byHeart: adapted.unsure === 0,
      seconds: write + train + answer,
    };
    await appendFile(file, `${JSON.stringify(outcome)}\n`);
    done.push(outcome);
    console.log(`${title}: ${before} -> ${after} (${outcome.rightAfter ? "right" : "wrong"})`);
  }
  const wrongBefore = done.filter(({ rightBefore }) => !rightBefore);
  const learned = wrongBefore.filter(({ rightAfter }) => rightAfter);
  console.log(`${learned.length} of ${wrongBefore.length} that were wrong before are right after`);
}

function outcomesIn(file: string): Outcome[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => outcomeSchema.parse(JSON.parse(line)));
}

void main(process.argv.slice(2));
