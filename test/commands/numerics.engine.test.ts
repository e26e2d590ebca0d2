/** score, train and generate through the command line, against the reference numbers. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readShared, sharedPath, testWithShared } from "../shared";
import { seal } from "./run-cli";
import { temporaryFolder } from "../run/temporary";

interface Expected {
  input_ids: number[][];
  logits: number[][][];
  greedy: number[];
  train_sequences: number[][];
  losses: number[];
  grad_norms: number[];
}

const full = JSON.parse(
  readFileSync(path.join(__dirname, "../fixtures/full/numbers.json"), "utf8"),
) as {
  goldens: Record<string, { sequences: number[][]; losses: number[]; norms: number[] }>;
};
const test = suite("numerics by command");
const folder = temporaryFolder(test, "numerics");

const idsFile = (name: string, rows: number[][]): string => {
  const file = path.join(folder, name);
  writeFileSync(file, JSON.stringify(rows));
  return file;
};

for (const family of ["llama", "qwen2"]) {
  const model = sharedPath("goldens", family, "model");
  const needed = `goldens/${family}`;
  const expected = (): Expected => readShared<Expected>("goldens", family, "expected.json");

  testWithShared(test, needed, `${family}: seal score gives -log softmax of the logits`, () => {
    const { input_ids, logits } = expected();
    const row = input_ids[0];
    const result = seal("score", "--model", model, "--ids", idsFile("score.json", [row]), "--json");
    assert.is(result.code, 0, result.stderr);
    const { rows } = JSON.parse(result.stdout) as { rows: { nll: number[] }[] };
    row.slice(1).forEach((id, t) => {
      const values = logits[0][t];
      const most = Math.max(...values);
      const total = values.reduce((sum, value) => sum + Math.exp(value - most), 0);
      const want = most + Math.log(total) - values[id];
      assert.ok(Math.abs(rows[0].nll[t] - want) < 1e-4, `token ${t + 1}`);
    });
  });

  testWithShared(test, needed, `${family}: seal train gives the losses and norms`, () => {
    const { train_sequences, losses, grad_norms } = expected();
    const ids = idsFile("train.json", train_sequences);
    const out = path.join(folder, family);
    const result = seal(
      ...["train", "--model", model, "--ids", ids, "--out", out, "--json"],
      ...["--init-adapter", sharedPath("goldens", family, "adapter_init"), "--epochs", "3"],
      ...["--batch-size", "1", "--lr", "0.01", "--schedule", "linear", "--no-shuffle"],
    );
    assert.is(result.code, 0, result.stderr);
    const got = JSON.parse(result.stdout) as { losses: number[]; gradientNorms: number[] };
    assert.is(got.losses.length, losses.length);
    losses.forEach((loss, i) => assert.ok(Math.abs(got.losses[i] / loss - 1) < 1e-4, `loss ${i}`));
    grad_norms.forEach((norm, i) =>
      assert.ok(Math.abs(got.gradientNorms[i] / norm - 1) < 1e-3, `norm ${i}`),
    );
    const config = JSON.parse(
      readFileSync(path.join(out, "adapter_config.json"), "utf8"),
    ) as Record<string, unknown>;
    const start = readShared<Record<string, unknown>>(
      ...["goldens", family, "adapter_init", "adapter_config.json"],
    );
    for (const key of ["r", "lora_alpha", "peft_type"]) assert.is(config[key], start[key]);
    const targets = (of: Record<string, unknown>): string[] =>
      [...(of.target_modules as string[])].sort();
    assert.equal(targets(config), targets(start));
  });

  testWithShared(test, needed, `${family}: seal train --full does what PyTorch does`, () => {
    const { sequences, losses, norms } = full.goldens[family];
    const ids = idsFile("full.json", sequences);
    const out = path.join(folder, `${family} full`);
    const result = seal(
      ...["train", "--full", "--model", model, "--ids", ids, "--out", out, "--json"],
      ...["--no-shuffle", "--epochs", "4", "--batch-size", "2", "--lr", "0.0005"],
      ...["--weight-decay", "0.05"],
    );
    assert.is(result.code, 0, result.stderr);
    const got = JSON.parse(result.stdout) as { losses: number[]; gradientNorms: number[] };
    losses.forEach((loss, i) => assert.ok(Math.abs(got.losses[i] - loss) < 1e-4, `loss ${i}`));
    norms.forEach((norm, i) =>
      assert.ok(Math.abs(got.gradientNorms[i] / norm - 1) < 1e-4, `norm ${i}`),
    );
    const mean = (of: string): number => {
      const scored = seal("score", "--model", `file:${of}`, "--ids", ids, "--json");
      const { rows } = JSON.parse(scored.stdout) as { rows: { nll: number[] }[] };
      const all = rows.flatMap(({ nll }) => nll);
      return all.reduce((sum, value) => sum + value, 0) / all.length;
    };
    assert.ok(mean(out) < mean(model) - 0.5, "the folder holds the trained model");
  });

  testWithShared(test, needed, `${family}: greedy tokens, also beside a shorter prompt`, () => {
    const { input_ids, greedy } = expected();
    const start = input_ids[0].findIndex((_, t) => greedy[t] !== input_ids[0][t]);
    const length = start < 0 ? input_ids[0].length : start;
    const prompts = [greedy.slice(0, length), input_ids[1].slice(0, 5)];
    const ids = idsFile("prompts.json", prompts);
    const count = String(greedy.length - length);
    const result = seal(
      ...["generate", "--model", model, "--ids", ids, "--max-tokens", count, "--json"],
    );
    assert.is(result.code, 0, result.stderr);
    const { rows } = JSON.parse(result.stdout) as { rows: { tokens: number[] }[] };
    assert.equal(rows[0].tokens, greedy.slice(length));
  });
}

test.run();
