/** What the authors of self-edits wrote for the evaluation's passages: how long, and how varied, by prompt and round. Numbers only. */
import { diversityOf, type Diversity } from "../selfedit/diversity";
import { createRandom } from "../statistics/random";
import { bootstrapMean, type Estimate } from "./accuracy";
import type { ReleasedLog } from "./released";
import { PROMPTS, ROUND_NAMES, ROUNDS } from "./tables";

/** Variety within a text, at equal length. */
export interface Variety {
  /** Share of distinct trigrams. */
  readonly trigrams?: Estimate;
  /** Deflated bytes over bytes. */
  readonly compression?: Estimate;
}

/** Length and variety of one author's texts, one for each passage. */
export interface WrittenRecord {
  /** What was asked for. */
  readonly prompt: string;
  /** Who wrote. */
  readonly author: string;
  /** The log that has the texts. */
  readonly log: string;
  /** Mean characters of a text. */
  readonly length: Estimate;
  /** All texts together, as they are. */
  readonly together: Diversity;
  /**
   * Mean over passages of a text alone, cut to the length of the shortest text that any author has for that passage by
   * that prompt: only equal amounts can be compared. Texts without anything to count (no trigram, no character) are left
   * out, and what no text has is absent.
   */
  readonly equalLength: Variety;
}

/** What two rounds of training change in the texts of one prompt: paired by passage, round 2 minus untrained. */
export interface WrittenChange extends Variety {
  /** What was asked for. */
  readonly prompt: string;
  /** Mean characters of a text. */
  readonly length: Estimate;
}

interface Author {
  readonly author: string;
  readonly log: string;
}

const LAST_ROUND = ROUND_NAMES[ROUND_NAMES.length - 1];

const byRounds = (logOf: (round: string) => string): Author[] =>
  ROUNDS.map((round, i) => ({ author: ROUND_NAMES[i], log: logOf(round) }));

/** Prompt -> who wrote by it. */
const FAMILIES: Readonly<Record<string, readonly Author[]>> = {
  implications: [
    ...byRounds((round) => `eval/${round}`),
    { author: "GPT-4.1", log: "eval/gpt4_1" },
  ],
  ...Object.fromEntries(
    PROMPTS.map((prompt) => [
      prompt,
      [
        ...byRounds((round) => `eval-prompts/${round}_prompt-${prompt}`),
        { author: "GPT-4.1", log: `eval-prompts/openai_prompt-${prompt}` },
      ],
    ]),
  ),
  "chain of thought": [{ author: ROUND_NAMES[0], log: "eval-prompts/base_prompt-cot" }],
  "implications, 3B": byRounds((round) => `eval-3B/${round}`),
};

interface Texts extends Author {
  /** By passage. */
  readonly texts: readonly string[];
  /** By passage, at equal length. */
  readonly cut: readonly Diversity[];
}

interface Family {
  readonly prompt: string;
  readonly authors: readonly Texts[];
}

function families(logs: ReadonlyMap<string, ReleasedLog>): Family[] {
  return Object.entries(FAMILIES).map(([prompt, authors]) => {
    const own = authors.flatMap((author) => {
      const log = logs.get(author.log);
      return log ? [{ ...author, texts: log.completions.map(([{ text }]) => text) }] : [];
    });
    const shortest = (passage: number): number =>
      Math.min(...own.map(({ texts }) => texts[passage].length));
    return {
      prompt,
      authors: own.map((author) => ({
        ...author,
        cut: author.texts.map((text, p) => diversityOf([text.slice(0, shortest(p))])),
      })),
    };
  });
}

/** By passage, the mean of what there is of each measure. */
function varietyOf(
  of: (measure: "distinctTrigrams" | "compression") => readonly number[],
  seed: string,
): Variety {
  const estimate = (measure: "distinctTrigrams" | "compression"): Estimate | undefined => {
    const values = of(measure).filter((value) => !Number.isNaN(value));
    return values.length > 0 ? bootstrapMean(values, createRandom(seed)) : undefined;
  };
  const [trigrams, compression] = [estimate("distinctTrigrams"), estimate("compression")];
  return { ...(trigrams && { trigrams }), ...(compression && { compression }) };
}

/** A record for each author whose log is there, and the change of each prompt of which both ends are. */
export function writtenSummary(
  logs: ReadonlyMap<string, ReleasedLog>,
  seed: string,
): { records: WrittenRecord[]; changes: WrittenChange[] } {
  const own = families(logs);
  return {
    records: own.flatMap((family) => family.authors.map((texts) => recordOf(family, texts, seed))),
    changes: own.flatMap((family) => changeOf(family, seed)),
  };
}

function recordOf(
  { prompt }: Family,
  { author, log, texts, cut }: Texts,
  seed: string,
): WrittenRecord {
  return {
    ...{ prompt, author, log },
    length: bootstrapMean(
      texts.map(({ length }) => length),
      createRandom(seed),
    ),
    together: diversityOf(texts),
    equalLength: varietyOf((measure) => cut.map((text) => text[measure]), seed),
  };
}

function changeOf({ prompt, authors }: Family, seed: string): WrittenChange[] {
  const [first, last] = [ROUND_NAMES[0], LAST_ROUND].map((round) =>
    authors.find(({ author }) => author === round),
  );
  if (!first || !last) return [];
  const lengths = first.texts.map(({ length }, p) => last.texts[p].length - length);
  return [
    {
      prompt,
      length: bootstrapMean(lengths, createRandom(seed)),
      ...varietyOf(
        (measure) => first.cut.map((text, p) => last.cut[p][measure] - text[measure]),
        seed,
      ),
    },
  ];
}
