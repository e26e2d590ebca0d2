/** The files that SEAL released, by name: found in the folder that SEAL_DATA names, or refused in a line or two. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { UserError } from "../../src/messages/errors";
import { resolveData } from "../../src/tasks/data-source";
import { resolveSealFile } from "../../src/tasks/seal-files";
import { writeLogs } from "../replay/logs";

const test = suite("released files");
const folder = mkdtempSync(path.join(os.tmpdir(), "seal files "));
const before = process.env.SEAL_DATA;
test.after(() => {
  if (before === undefined) delete process.env.SEAL_DATA;
  else process.env.SEAL_DATA = before;
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

test("a folder without them and a name that is none are refused", async () => {
  process.env.SEAL_DATA = path.join(folder, "nowhere");
  assert.match(await refusal(resolveSealFile("seal:eval/base.json")), "SEAL_DATA");
  for (const wrong of ["seal:", "seal:../secret.json", "seal:/etc/x.json", "seal:eval/base.txt"])
    assert.match(await refusal(resolveSealFile(wrong)), "no released file of SEAL");
});

test.run();
