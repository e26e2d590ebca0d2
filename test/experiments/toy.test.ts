/** To add an experiment is to add a folder and a line: a toy one is checked, planned, run and resumed like the others. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { experiments } from "../../src/experiments/registry";
import { parseVariantOf, planVariantOf, runVariantOf } from "../../src/experiments/variants";
import { UserError } from "../../src/messages/errors";
import { withFolder } from "../run/temporary";
import { toy } from "./toy";

const test = suite("a new experiment");
const known = [...experiments, toy];

test("its variants are checked beside the others'", () => {
  const variant = parseVariantOf(known, { experiment: "toy", name: "two" });
  assert.equal(variant, {
    ...{ experiment: "toy", name: "two", description: "", model: "tiny:biographies" },
    ...{ seeds: [1], texts: 2 },
  });
  assert.throws(
    () => parseVariantOf(known, { experiment: "toy", name: "two", text: 3 }),
    (error: Error) => error instanceof UserError && /"text".*texts/.test(error.message),
  );
  assert.throws(
    () => parseVariantOf(experiments, { experiment: "toy", name: "two" }),
    /must be one/,
  );
});

test("it is planned", async () => {
  const variant = parseVariantOf(known, { experiment: "toy", name: "two", seeds: [1, 2, 3] });
  const plan = await planVariantOf(known, variant);
  assert.equal([plan.trainings, plan.generations, plan.tokens.generated], [0, 6, 24]);
});

test("it is run: journal, record, rollouts, figures; a finished run is found again", () =>
  withFolder(async (output) => {
    const variant = parseVariantOf(known, { experiment: "toy", name: "two", seeds: [4, 5] });
    const lines: string[] = [];
    const options = { output, quiet: true, log: (line: string) => lines.push(line) };
    const { record, directory } = await runVariantOf(known, variant, options);
    assert.is(path.basename(directory), "toy--two");
    assert.equal([record.name, record.rows[0].n, record.seeds], ["toy--two", 4, [4, 5]]);
    assert.equal(record.config, variant);
    const rollouts = readFileSync(path.join(directory, "rollouts.jsonl"), "utf8")
      .trim()
      .split("\n");
    assert.is(rollouts.length, 4);
    assert.ok(existsSync(path.join(directory, "figures", "words.png")));
    assert.equal(
      lines.filter((line) => line.startsWith("seed")),
      ["seed 4: 2 texts", "seed 5: 2 texts"],
    );
    assert.ok((await runVariantOf(known, variant, options)).alreadyComplete);
    const other = { ...variant, seeds: [4] };
    await runVariantOf(known, other, options).then(
      () => assert.unreachable("another variant of the same name"),
      (error: Error) => assert.match(error.message, /other settings/),
    );
  }));

test("what cannot be handed out is refused before any work", () =>
  withFolder(async (output) => {
    const variant = parseVariantOf(known, { experiment: "toy", name: "two" });
    await runVariantOf(known, variant, { output, processes: 2 }).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /--processes.*"toy" cannot be handed out/),
    );
    assert.not(existsSync(path.join(output, ".partial")));
  }));

test.run();
