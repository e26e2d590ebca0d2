/** Passages with questions from files and the embedded articles; in what forms is squad-forms.ts's, asking and judging are elsewhere. */
import { createHash } from "node:crypto";
import path from "node:path";
import { z } from "zod";
import { isJsonLines, parseJson, parseJsonLines, readJson, readText } from "../files/text";
import { UserError } from "../messages/errors";
import { isParquet, readSquadParquet } from "./parquet";
import {
  passagesOf,
  rowsOf,
  title,
  type FormProblem,
  type QuestionKind,
  type RawPassage,
  type Split,
} from "./squad-forms";

/** A question and what counts as its answer. */
export interface Question {
  /** The file's, or its passage's id with its place there. */
  readonly id: string;
  /** The question. */
  readonly question: string;
  /** Gold answers without repeats, at least one; the first is the reference. */
  readonly answers: readonly string[];
  /** How the question was made (embedded articles only). */
  readonly kind?: QuestionKind;
}

/** A passage and the questions about it. */
export interface Passage {
  /** The file's, or the title with its place in the file. */
  readonly id: string;
  /** Of the article. */
  readonly title: string;
  /** The text. */
  readonly passage: string;
  /** Empty where a SQuAD v2 passage has only questions without an answer. */
  readonly questions: readonly Question[];
}

/** `data[0].paragraphs[2].context` from zod's path. */
function place(keys: readonly PropertyKey[]): string {
  const joined = keys
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("");
  return joined.replace(/^\./, "") || "the top level";
}

const EXPECTED =
  "Expected SQuAD (data, paragraphs, qas), rows of a question each (title, context, question, answers), or a list of {title, context, questions: [{question, answer}]}.";

/** Ids where they are missing: `{title}/{position}` of the passage under its title, and the question's position after that, from 0. */
function identify(raw: readonly RawPassage[]): (Passage & { split?: Split })[] {
  const countByTitle = new Map<string, number>();
  return raw.map((passage) => {
    const position = countByTitle.get(passage.title) ?? 0;
    countByTitle.set(passage.title, position + 1);
    const id = passage.id ?? `${passage.title}/${position}`;
    const questions = passage.questions.map(({ id: own, question, answers, kind }, index) => ({
      id: own ?? `${id}/${index}`,
      question,
      answers: [...new Set(answers)],
      ...(kind === undefined ? {} : { kind }),
    }));
    return { id, title: passage.title, passage: passage.passage, questions, split: passage.split };
  });
}

function refuseRepeatedIds(passages: readonly Passage[], file: string): void {
  const questions = passages.flatMap((passage) => passage.questions);
  for (const items of [passages, questions]) {
    const seen = new Set<string>();
    for (const { id } of items) {
      if (seen.has(id))
        throw new UserError(
          `${file}: the id "${id}" occurs twice; ids must differ: change one, or leave all ids out.`,
        );
      seen.add(id);
    }
  }
}

async function readRaw(file: string): Promise<RawPassage[]> {
  if (isParquet(file)) {
    const rows = rowsOf(await readSquadParquet(file));
    return inFile(rows, ([row, ...keys]) => `${file}: row ${Number(row) + 1}: ${place(keys)}`);
  }
  const text = await readText(file, { name: `the passages in ${file}` });
  if (!isJsonLines(file))
    return inFile(passagesOf(parseJson(text, file)), (keys) => `${file}: ${place(keys)}`);
  const lines = parseJsonLines(text, file);
  const values = lines.map(({ value }) => value);
  return inFile(passagesOf(values), ([l, ...keys]) => `${lines[Number(l)].where}: ${place(keys)}`);
}

function inFile(
  read: RawPassage[] | FormProblem,
  where: (place: readonly PropertyKey[]) => string,
): RawPassage[] {
  if (Array.isArray(read)) return read;
  throw new UserError(`${where(read.place)}: ${read.message}\n${EXPECTED}`);
}

/** Options of `readSquad`. */
export interface SquadOptions {
  /** Only articles whose key `split` has this value; all unless told. */
  readonly split?: Split;
}

/**
 * Reads passages in the file's order from SQuAD v1.1 JSON (v2 too: questions without an answer are left out), from
 * rows of a question each (the hub's Parquet, or JSON and JSON lines), or from SEAL's released list form. `split` keeps the articles whose key `split` has that value.
 * Throws UserError, naming file and place, for anything else, for repeated ids and for a file without that split.
 */
export async function readSquad(file: string, options: SquadOptions = {}): Promise<Passage[]> {
  const all = identify(await readRaw(file));
  refuseRepeatedIds(all, file);
  const kept = all.filter(
    (passage) => options.split === undefined || passage.split === options.split,
  );
  if (options.split !== undefined && kept.length === 0) {
    throw new UserError(
      `${file}: no article has "split": "${options.split}"; leave the split out or mark the articles`,
    );
  }
  return kept.map(({ id, title, passage, questions }) => ({ id, title, passage, questions }));
}

/** The embedded data set: articles about invented things (experiments/knowledge/articles.md). */
export const articlesPath = path.join(__dirname, "../../experiments/knowledge/articles.json");

/** The embedded articles, all or those of one split. */
export async function readArticles(split?: Split): Promise<Passage[]> {
  return readSquad(articlesPath, { split });
}

/**
 * A passage by its article and its place there (passages of one title are counted from 0 in the file's order), or by the
 * SHA-256 of its text.
 */
export type PassagePlace =
  | {
      /** The article's. */
      readonly title: string;
      /** Its place among the article's passages, from 0. */
      readonly position: number;
    }
  | {
      /** The article's. */
      readonly title: string;
      /** Of its text, in hexadecimal. */
      readonly sha256: string;
    };

/**
 * Which passages to take: those at `places`, in that order, or those under `titles` (default all); of these `count`
 * (default the rest) from position `start` (default 0) on.
 */
export interface PassageSelection {
  /** These passages, in this order; any unless told. */
  readonly places?: readonly PassagePlace[];
  /** Only passages of these articles; any unless told. */
  readonly titles?: readonly string[];
  /** Position among those to begin at, 0 unless told. */
  readonly start?: number;
  /** How many from there on, the rest unless told. */
  readonly count?: number;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Chooses passages. Throws UserError for a title or place that is not there and for a range beyond the passages. */
export function selectPassages(
  passages: readonly Passage[],
  selection: PassageSelection,
): Passage[] {
  const { places, titles, start = 0 } = selection;
  const missing = titles?.find((wanted) => !passages.some((passage) => passage.title === wanted));
  if (missing !== undefined) throw new UserError(`no passage has the title "${missing}"`);
  const candidates = places ? atPlaces(passages, places) : passages;
  const found = candidates.filter((passage) => titles?.includes(passage.title) ?? true);
  const count = selection.count ?? Math.max(0, found.length - start);
  if (!isCount(start) || !isCount(count) || start + count > found.length) {
    throw new UserError(
      `cannot take ${count} passages from position ${start} on: there are ${found.length}`,
    );
  }
  return found.slice(start, start + count);
}

function atPlaces(passages: readonly Passage[], places: readonly PassagePlace[]): Passage[] {
  const byTitle = new Map<string, Passage[]>();
  for (const passage of passages) {
    const own = byTitle.get(passage.title);
    if (own) own.push(passage);
    else byTitle.set(passage.title, [passage]);
  }
  return places.map((place) => {
    const own = byTitle.get(place.title);
    if (!own) throw new UserError(`no passage has the title "${place.title}"`);
    const passage =
      "position" in place
        ? own[place.position]
        : own.find((candidate) => sha256Of(candidate.passage) === place.sha256);
    if (passage) return passage;
    const where = "position" in place ? `at position ${place.position}` : "with that SHA-256";
    throw new UserError(`"${place.title}" has ${own.length} passages; there is none ${where}`);
  });
}

function sha256Of(passage: string): string {
  return createHash("sha256").update(passage).digest("hex");
}

const placesSchema = z.object({
  passages: z
    .array(
      z.union([
        z.object({ title, position: z.int().min(0) }),
        z.object({ title, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      ]),
    )
    .min(1)
    .max(1_000_000),
});

/** Reads a choice of passages: `{passages: [{title, position}]}`, or `sha256` in place of `position`. Throws UserError naming file and place. */
export async function readPlaces(file: string): Promise<PassagePlace[]> {
  const result = placesSchema.safeParse(await readJson(file));
  if (result.success) return result.data.passages;
  const [issue] = result.error.issues;
  throw new UserError(
    `${file}: ${place(issue.path)}: ${issue.message}\nExpected {"passages": [{"title": …, "position": 0}, …]}.`,
  );
}
