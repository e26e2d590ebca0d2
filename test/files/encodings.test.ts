/** Whatever a user may have saved with a byte-order mark is read as without one; in UTF-16 it is refused, by its name. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readLessons } from "../../src/adapt/memory";
import { readIds } from "../../src/commands/input";
import { UserError } from "../../src/messages/errors";
import { readAnswers } from "../../src/tasks/answers";
import { loadModel } from "../../src/model/load";
import { modelShape } from "../../src/model/shape";
import { readRollouts } from "../../src/notebook/frame";
import { readPromptFile } from "../../src/selfedit/prompts";
import { readPlaces } from "../../src/tasks/squad";
import { hostileTargets } from "../hostile/targets";
import { writeByteModel } from "../model/byte-model";
import { temporaryFolder } from "../model/refusal";

const test = suite("byte-order marks");
process.env.SEAL_ENGINE = "cpu";
const folder = temporaryFolder();
test.after(folder.remove);

/** A file's name, its content, and what reads it. */
type Reader = readonly [name: string, good: string, read: (file: string) => unknown];

const readers: readonly Reader[] = [
  ["prompt.txt", "Of {title}: {passage}", async (file) => (await readPromptFile(file)).text],
  ["places.json", '{"passages": [{"title": "T", "position": 0}]}', readPlaces],
  ["ids.json", "[[1, 2], [3]]", readIds],
  [
    "answers.jsonl",
    '{"question": "Q?", "gold": "g", "answer": "a"}\r\n',
    (file) => readAnswers(file),
  ],
  ["lessons.jsonl", '{"title": "T", "line": "l"}\n', (file) => readLessons(path.dirname(file))],
  ["rollouts.jsonl", '{"arm": "a"}\n', (file) => readRollouts(path.dirname(file))],
];

async function refusal(work: unknown): Promise<string> {
  const error: unknown = await Promise.resolve(work).then(
    () => assert.unreachable("it was read"),
    (thrown: unknown) => thrown,
  );
  assert.instance(error, UserError);
  return (error as UserError).message;
}

async function compare([name, good, read]: Reader): Promise<void> {
  const file = path.join(folder.path, name);
  writeFileSync(file, good);
  const plain = await read(file);
  writeFileSync(file, `\ufeff${good}`);
  assert.equal(await read(file), plain);
  writeFileSync(file, Buffer.from(`\ufeff${good}`, "utf16le"));
  const message = await refusal(read(file));
  assert.match(message, /is not UTF-8 \(it looks like UTF-16\): save it as UTF-8\.$/);
  assert.match(message, name);
}

for (const reader of readers) test(reader[0], () => compare(reader));

test("passages, tasks, variants, records and adapters", async () => {
  const targets = await hostileTargets(folder.path);
  const names = ["squad json", "arc tasks", "variant", "record", "adapter_config.json"];
  for (const target of targets.filter(({ name }) => names.includes(name))) {
    // An adapter's configuration is written by its reader, under its own name.
    const read = (file: string): unknown => target.read(file, readFileSync(file));
    const file = `${target.name.replace(".json", "").replace(" ", "_")}.json`;
    await compare([file, target.good.toString(), read]);
    names.splice(names.indexOf(target.name), 1);
  }
  assert.equal(names, []);
});

test("a model's folder", async () => {
  const id = await writeByteModel(path.join(folder.path, "model"));
  const before = await loadModel(id);
  const place = id.slice("file:".length);
  for (const name of readdirSync(place).filter((one) => one.endsWith(".json"))) {
    const file = path.join(place, name);
    writeFileSync(file, `\ufeff${readFileSync(file, "utf8")}`);
  }
  const after = await loadModel(id);
  assert.equal(after.config, before.config);
  assert.equal(after.text?.tokenizer.encode("Grüße"), before.text?.tokenizer.encode("Grüße"));
  assert.is((await modelShape(id)).vocabularySize, before.config.vocabularySize);
});

test.run();
