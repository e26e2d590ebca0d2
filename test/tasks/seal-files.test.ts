/** The files that SEAL released, by name: found in the folder that SEAL_DATA names, or refused in a line or two. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { resolveData } from "../../src/tasks/data-source";
import { localFiles, resolveSealFile } from "../../src/tasks/seal-files";
import { placesOf, SEAL_MARKS } from "../../src/tasks/seal-layouts";
import { passagesOf } from "../../src/tasks/seal-passages";
import { readSquad } from "../../src/tasks/squad";
import { makeLog, writeLogs } from "../replay/logs";
import { readShared, sharedPath, testWithShared } from "../shared";

const test = suite("released files");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal files "));
const before = { ...process.env };
process.env.SEAL_CACHE = path.join(folder, "cache");
test.after(() => {
  for (const name of ["SEAL_DATA", "SEAL_CACHE"]) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  rmSync(folder, { recursive: true });
});

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  const { message } = error as UserError;
  assert.ok(message.split("\n").length <= 2, message);
  return message;
}

test("a checkout and a folder of the same files are both read", async () => {
  const inside = "knowledge-incorporation/results/query_server/eval";
  const checkout = path.join(folder, "checkout");
  await writeLogs(checkout, {
    [`${inside}/base.json`]: {},
    [`${inside}/gpt4_1.json`]: {},
    "knowledge-incorporation/data/squad_val.json": [],
  });
  process.env.SEAL_DATA = checkout;
  assert.is(
    await resolveSealFile("seal:eval/gpt4_1.json"),
    path.join(checkout, inside, "gpt4_1.json"),
  );
  assert.equal(await resolveData("seal:squad_val.json"), {
    file: path.join(checkout, "knowledge-incorporation/data/squad_val.json"),
    source: "seal:squad_val.json",
  });
  const plain = path.join(folder, "plain");
  await writeLogs(plain, { "eval/base.json": {}, "squad_val.json": [] });
  process.env.SEAL_DATA = plain;
  assert.is(await resolveSealFile("seal:squad_val.json"), path.join(plain, "squad_val.json"));
  assert.match(
    await refusal(resolveSealFile("seal:eval/iter9.json")),
    /iter9\.json: there is no such file/,
  );
});

/** The same files in each layout: name -> content, told apart by the content. */
const JUNE: Record<string, string> = {
  "eval/base.json": "results/query_server/eval/base.json",
  "eval-prompts/base_prompt-long.json":
    "results/query_server/alternate_prompts/eval/base_prompt-long.json",
  "train/rank_iter0.json": "results/query_server/train/rank_iter0.json",
  "cpt/cpt_base.json": "results/cpt/cpt_base.json",
  "continual/overall_results.json": "results/continual_self_edits/overall_results.json",
  "squad_val.json": "data/squad_val.json",
  "arc/arc-agi_training_challenges.json": "../few-shot/data/arc-agi_training_challenges.json",
};
const LATER: Record<string, string> = {
  ...JUNE,
  "cpt/cpt_base.json": "results/cpt/old/cpt_base.json",
  "cpt/generative-adapter.json": "results/cpt/generative-adapter.json",
  "cpt-200/enti-pair+triple_200.json": "results/cpt/200/enti-pair+triple_200.json",
  "cpt-2067/base_2067.json": "results/cpt/2067/base_2067.json",
  "eval-3B/base.json": "results/query_server/3B/eval/base.json",
  "train-3B/rank_iter0.json": "results/query_server/3B/train/rank_iter0.json",
};

test("both layouts, at a checkout's root and in its folder: every file where the authors keep it", async () => {
  for (const [inside, places] of [
    ["knowledge-incorporation", JUNE],
    ["general-knowledge", LATER],
  ] as const) {
    const checkout = path.join(folder, `whole ${inside}`);
    await writeLogs(
      path.join(checkout, inside),
      Object.fromEntries(Object.entries(places).map(([name, place]) => [place, name])),
    );
    for (const directory of [checkout, path.join(checkout, inside)]) {
      const files = localFiles(directory);
      for (const [name, place] of Object.entries(places)) {
        assert.is(await files.find(name), path.join(checkout, inside, place), name);
        assert.is(await files.read(name), JSON.stringify(name));
      }
      assert.is(await files.find("eval/iter9.json"), undefined);
    }
  }
});

test("a part of a release will do: any one of the marks, in either layout or by our names", async () => {
  for (const mark of SEAL_MARKS) {
    for (const place of [mark, ...placesOf(mark), `general-knowledge/${placesOf(mark)[0]}`]) {
      const part = path.join(folder, "parts", place.replaceAll("/", " "));
      await writeLogs(part, { [place]: {} });
      assert.is(await localFiles(part).find(mark), path.join(part, place));
    }
  }
});

test("a folder of neither layout is refused in one line that says what was looked for", async () => {
  const other = path.join(folder, "other");
  // A project of its own may well have folders of these names.
  await writeLogs(other, { "results/record.json": {}, "data/notes.json": {}, "train/x.json": {} });
  for (const wrong of [other, path.join(folder, "nowhere")]) {
    process.env.SEAL_DATA = wrong;
    const message = await refusal(resolveSealFile("seal:eval/base.json"));
    assert.is(message.split("\n").length, 1);
    for (const part of [wrong, "results/query_server/eval/base.json", "general-knowledge/"])
      assert.match(message, part);
    assert.match(message, /knowledge-incorporation\/.*SEAL_DATA/);
  }
});

test("a name that is none is refused", async () => {
  for (const wrong of ["seal:", "seal:../secret.json", "seal:/etc/x.json", "seal:eval/base.txt"])
    assert.match(await refusal(resolveSealFile(wrong)), "no released file of SEAL");
});

test("the passages of a round come from a log of that round, each question once", async () => {
  const log = makeLog(
    [
      [
        ["10", "11"],
        ["00", "01"],
      ],
      [["1", "1"]],
    ],
    0.5,
  );
  const checkout = path.join(folder, "rounds");
  await writeLogs(checkout, {
    "general-knowledge/results/query_server/train/rank_iter0.json": log,
    "general-knowledge/results/query_server/3B/train/rank_iter1.json": log,
  });
  process.env.SEAL_DATA = checkout;
  for (const round of [1, 2]) {
    const { file, source } = await resolveData(`seal:train/passages_round${round}.json`);
    assert.is(source, `seal:train/passages_round${round}.json`);
    const passages = await readSquad(file);
    assert.equal(
      passages.map(({ passage, questions }) => [
        passage,
        ...questions.map(({ question, answers }) => `${question} ${answers.join()}`),
      ]),
      [
        ["Passage 0.", "What is number 0.0? Gold00", "What is number 0.1? Gold01"],
        ["Passage 1.", "What is number 1.0? Gold10"],
      ],
    );
  }
  process.env.SEAL_DATA = path.join(folder, "plain");
  assert.match(
    await refusal(resolveData("seal:train/passages_round2.json")),
    "there is no such file",
  );
});

testWithShared(
  test,
  "data/seal-later",
  "round 1's passages from the later release's log are those of the list",
  async () => {
    const text = await localFiles(sharedPath("data/seal-later")).read("train/rank_iter0.json");
    assert.ok(text);
    const passages = passagesOf(text, "train/rank_iter0.json");
    assert.is(passages.length, 50);
    assert.equal(passages, readShared("data/seal/train/passages_round1.json"));
  },
);

test.run();
