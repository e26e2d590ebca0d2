/** The knowledge experiment on the files that SEAL released, and its report: pairs of arms, numbers without texts. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../../src/messages/errors";
import { selfEditsBy } from "../../../src/experiments/knowledge/authors";
import { readPassages } from "../../../src/experiments/lessons/passages";
import { knowledgeReport, type KnowledgeRollout } from "../../../src/experiments/knowledge/report";
import { runVariant, parseVariant, readVariant } from "../../../src/experiments/variants";
import { packagePath } from "../../../src/files/package";
import type { KnowledgeVariant } from "../../../src/experiments/knowledge/variant";
import type { Variant } from "../../../src/experiments/registry";
import type { Passage } from "../../../src/tasks/squad";
import { writeByteModel } from "../../model/byte-model";
import { writeLogs } from "../../replay/logs";
import { sharedPath, testWithShared } from "../../shared";

const test = suite("knowledge");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal knowledge "));
const before = process.env.SEAL_DATA;
test.before(async () => {
  process.env.SEAL_DATA = path.join(folder, "released");
  const articles = ["The Ummer is deep.", "The Sant is old."].map((context, i) => ({
    title: `Title ${i}`,
    context,
    questions: [{ question: `Whatever is it, ${i}?`, answer: `goldword${i}` }],
  }));
  const written = (list: typeof articles): object => ({
    articles: list.map(({ context }) => ({ context, completions: [{ text: "Editword." }] })),
  });
  await writeLogs(process.env.SEAL_DATA, {
    "squad_val.json": articles,
    "eval/base.json": written(articles),
    "eval/gpt4_1.json": written(articles.slice(0, 1)),
  });
});
test.after(() => {
  if (before === undefined) delete process.env.SEAL_DATA;
  else process.env.SEAL_DATA = before;
  rmSync(folder, { recursive: true });
});

async function variantOf(count: number): Promise<Variant> {
  return parseVariant({
    experiment: "knowledge",
    name: "released",
    model: await writeByteModel(path.join(folder, "model")),
    data: { source: "seal:squad_val.json", count },
    arms: ["untouched", "untrained self-edits"],
    authors: [{ kind: "file", name: "GPT-4.1", path: "seal:eval/gpt4_1.json" }],
    sampling: { count: 1, maximumTokens: 8 },
    innerLoop: { rank: 1, epochs: 1 },
    answers: { maximumTokens: 2 },
    concurrency: 3,
    order: "passages",
    texts: false,
  });
}

test("released files are data and authors; a run goes on with fewer passages and keeps no text", async () => {
  const output = path.join(folder, "results");
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  let thrown: unknown;
  await runVariant(await variantOf(2), { output, quiet: true }).catch(
    (error: unknown) => (thrown = error),
  );
  assert.instance(thrown, UserError, "the author has no completion for the second passage");
  const { record, directory } = await runVariant(await variantOf(1), { output, quiet: true, log });
  assert.ok(lines.some((line) => line.startsWith("Resuming: ")));
  assert.equal(
    record.rows.map(({ arm, n }) => [arm, n]),
    [
      ["untouched", 1],
      ["untrained self-edits", 1],
      ["self-edits by GPT-4.1", 1],
    ],
  );
  const sources = record.inputs.map(({ source }) => source);
  assert.ok(sources.includes("seal:squad_val.json"));
  assert.ok(sources.includes("self-edits by GPT-4.1: seal:eval/gpt4_1.json"));
  assert.ok(record.seconds.total > 0 && (record.seconds.cpu ?? 0) > 0);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile() && !entry.name.endsWith(".png"))) {
    assert.not.match(file.name, "answers");
    const text = readFileSync(path.join(file.parentPath, file.name), "utf8");
    assert.not.match(text, /Ummer|Whatever|goldword|Editword/, file.name);
  }
  const rollouts = readFileSync(path.join(directory, "rollouts.jsonl"), "utf8").trim().split("\n");
  const last = JSON.parse(rollouts[2]) as { completion: object; answers: object[] };
  assert.equal(Object.keys(last.completion), ["sha256", "characters"]);
  assert.equal(
    last.answers.map((answer) => Object.keys(answer)),
    [["verdict", "exactMatch", "f1", "answerWords"]],
  );
});

testWithShared(
  test,
  "data/seal/eval/gpt4_1.json",
  "each author of smollm2-seal.json has written once about every passage that SEAL evaluates on",
  async () => {
    process.env.SEAL_DATA = sharedPath("data/seal");
    const file = packagePath("experiments", "knowledge", "smollm2-seal.json");
    const { authors, data, sampling } = (await readVariant(file)) as KnowledgeVariant;
    const { passages } = await readPassages({ data: { ...data, count: 200 } });
    assert.is(authors.length, 3);
    for (const author of authors) {
      const texts = await selfEditsBy(author, { passages, sampling, prompt: () => [] });
      assert.ok(texts.every((own) => own.length === 1 && own[0].status === "ok"));
    }
  },
);

const passages: Passage[] = ["A", "B"].map((id) => ({
  id,
  title: id,
  passage: `About ${id}.`,
  questions: [0, 1].map((q) => ({ id: `${id}${q}`, question: `${q}?`, answers: ["red bell"] })),
}));

/** One candidate; marks are 1 or 0 for each question. */
function rollout(arm: string, passage: string, marks: string, answer = "bell"): KnowledgeRollout {
  return {
    ...{ arm, passage, round: 0, part: "evaluation", seed: 1, index: 0, status: "ok" },
    ...{ sequences: 1, tokens: 1, seconds: { train: 1, answer: 1 } },
    answers: [...marks].map((mark, q) => ({
      question: `${q}?`,
      answer,
      verdict: mark === "1" ? "correct" : "wrong",
    })),
  };
}

test("arms are compared question by question; exact match and F1 stand beside the judge", () => {
  const rollouts = [
    ...[rollout("untouched", "A", "00"), rollout("untouched", "B", "00")],
    ...[rollout("passage only", "A", "10"), rollout("passage only", "B", "00")],
    ...[rollout("untrained self-edits", "A", "11"), rollout("untrained self-edits", "B", "00")],
    ...[
      rollout("self-edits by X", "A", "11", "The red bell."),
      rollout("self-edits by X", "B", "10"),
    ],
    { ...rollout("self-edits by X", "B", ""), index: 1, status: "diverged" as const },
  ];
  const variant = parseVariant({
    experiment: "knowledge",
    name: "report",
    model: "m",
  }) as KnowledgeVariant;
  const { rows, comparisons } = knowledgeReport({
    ...{ variant, passages, rollouts, inputs: [], generateSeconds: 0 },
  });
  const last = rows.at(-1);
  assert.equal([last?.accuracy, last?.n, last?.diverged], [0.75, 4, 1]);
  // "bell" shares one word of one with "red bell": 2/3; two of four answers are the whole of it.
  assert.is(last?.exactMatch, 0.5);
  assert.ok(Math.abs((last?.f1 ?? 0) - (1 + 2 / 3) / 2) < 1e-12);
  assert.equal([last?.answerWords, last?.longAnswers], [(3 + 3 + 1 + 1) / 4, 0]);
  assert.equal(
    comparisons?.map(({ difference, mean, n }) => [difference, mean, n]),
    [
      ["untrained self-edits - passage only", 0.25, 4],
      ["self-edits by X - passage only", 0.5, 4],
      ["self-edits by X - untrained self-edits", 0.25, 4],
    ],
  );
  // Whole passages are drawn: means over passages are 0.5 and 0.5, whichever are drawn.
  assert.equal(comparisons?.[1].ci95OverPeople, [0.5, 0.5]);
  assert.equal(comparisons?.[2].ci95OverPeople, [0, 0.5]);
});

test("the paper's 47.0 stands beside round 2 of three", () => {
  const rollouts = [1, 2, 3].map((round) => ({ ...rollout("best of K", "A", "10"), round }));
  const variant = parseVariant({ experiment: "knowledge", name: "r", model: "m" });
  const { figures } = knowledgeReport({
    ...{ variant: variant as KnowledgeVariant, passages, rollouts, inputs: [], generateSeconds: 0 },
  });
  const { data, layout } = figures.accuracy;
  const [, reference] = data as unknown as { x: number[]; y: number[] }[];
  const { ticktext } = (layout as { yaxis: { ticktext: string[] } }).yaxis;
  assert.equal(reference.x, [47]);
  assert.match(ticktext[Math.round(reference.y[0])], /^best of K, round 2/);
});

test.run();
