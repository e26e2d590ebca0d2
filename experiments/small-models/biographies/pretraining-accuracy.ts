/** What pretraining is watched and reported by: accuracies on known and on new people. */
import * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "../../../src/model/types";
import { createRandom, type Random } from "../../../src/statistics/random";
import { logitsOf, withBatch, type Variables } from "../network";
import { idsOf } from "./pretraining";
import {
  biographySelfEditPrompt,
  questionPrompt,
  questionsAbout,
  writePassage,
} from "../../../src/tasks/biographies/texts";
import { newPeople, worldSizes, type World } from "../../../src/tasks/biographies/world";

/** Share of prompts after which the most likely word is the answer. */
export function nextWordAccuracy(
  config: ModelConfig,
  variables: Variables,
  cases: readonly { readonly prompt: string; readonly answer: string }[],
  batchSize = 60,
): number {
  let correct = 0;
  for (let start = 0; start < cases.length; start += batchSize) {
    const batch = cases.slice(start, start + batchSize);
    const rows = batch.map(({ prompt }) => idsOf(prompt.split(" ")));
    const best = withBatch(config, rows, (context) =>
      tf.tidy(() => {
        const { time } = context.layout;
        const places = Int32Array.from(rows, (row, r) => r * time + row.length - 1);
        return tf.argMax(logitsOf(config, variables, context, places), 1).dataSync();
      }),
    );
    correct += batch.filter(({ answer }, i) => best[i] === idsOf([answer])[0]).length;
  }
  return correct / cases.length;
}

/** What the card reports, measured on `count` known and `count` new people. */
export interface PretrainingAccuracy {
  /** Questions about known people, without a passage. */
  readonly known: number;
  /** The same about known people whose questions were never shown, only statements. */
  readonly transferred: number;
  /** Questions about new people, with their passage in context. */
  readonly openBook: number;
  /** First and last names copied rightly into a self-edit about new people. */
  readonly names: number;
  /** Questions about new people, without: chance is 1 in 20. */
  readonly untouched: number;
}

/** Measures the three accuracies. */
export function pretrainingAccuracy(
  config: ModelConfig,
  world: World,
  variables: Variables,
  count: number,
): PretrainingAccuracy {
  const random: Random = createRandom("pretraining accuracy");
  const strangers = newPeople(world, "pretraining accuracy", count).map((person) => ({
    name: person.name.split(" "),
    passage: writePassage(person, random).text,
    questions: questionsAbout(person),
  }));
  const closed = (questions: ReturnType<typeof questionsAbout>) =>
    questions.map(({ text, answer }) => ({ prompt: questionPrompt(text), answer }));
  const accuracy = (cases: { prompt: string; answer: string }[]): number =>
    nextWordAccuracy(config, variables, cases);
  const ofKnown = (from: number): number =>
    accuracy(world.known.slice(from, from + count).flatMap((p) => closed(questionsAbout(p))));
  return {
    known: ofKnown(0),
    transferred: ofKnown(worldSizes.knownWithQuestions),
    openBook: accuracy(
      strangers.flatMap(({ passage, questions }) =>
        questions.map(({ text, answer }) => ({ prompt: questionPrompt(text, passage), answer })),
      ),
    ),
    names: accuracy(
      strangers.flatMap(({ name: [first, last], passage }) => {
        const prompt = `${biographySelfEditPrompt(passage)} The pet of`;
        return [
          { prompt, answer: first },
          { prompt: `${prompt} ${first}`, answer: last },
        ];
      }),
    ),
    untouched: accuracy(strangers.flatMap(({ questions }) => closed(questions))),
  };
}
