/**
 * Fits the local judge's trees to GPT-4.1's verdicts in SEAL's released logs and writes src/judge/model.json (numbers only).
 * Run: node -r tsx/cjs src/replay/fit-judge.ts DATA-DIRECTORY
 */
import path from "node:path";
import { errorMessage, UserError } from "../messages/errors";
import { writeFileAtomic } from "../files/files";
import { FEATURE_NAMES, judgeFeatures } from "../judge/features";
import { fitTrees, sigmoid, treeLogOdds, type TreeSettings } from "../judge/trees";
import { localFiles, type LogFiles } from "../tasks/seal-files";
import { fittedArticle, FITTED_LOGS } from "./fitted";
import { readLog } from "./released";

const FOLDS = 5;
const SETTINGS: TreeSettings = { trees: 240, depth: 3, rate: 0.08, leafWeight: 8, penalty: 6 };

interface Sample {
  readonly title: string;
  readonly x: readonly number[];
  readonly correct: boolean;
}

/** Each different answer once: the same greedy answer stands in several logs, and counting it often would drown the rest. */
async function readSamples(files: LogFiles): Promise<Sample[]> {
  const samples = new Map<string, Sample>();
  for (const name of FITTED_LOGS) {
    const log = await readLog(files, `${name}.json`);
    if (!log) {
      throw new UserError(
        `${name}.json is missing, and the judge is fitted on it too.\n` +
          "Give a full checkout of github.com/Continual-Intelligence/SEAL.",
      );
    }
    for (const row of [...log.baseline, ...log.adapter]) {
      const title = log.titles[row.article];
      if (row.answer.trim() === "" || !fittedArticle(name, title)) continue;
      const key = JSON.stringify([row.text, row.gold, row.answer.trim()]);
      const x = judgeFeatures(row.text, row.gold, row.answer);
      if (!samples.has(key)) samples.set(key, { title, x, correct: row.correct });
    }
  }
  return [...samples.values()];
}

const fit = (samples: readonly Sample[]): ReturnType<typeof fitTrees> =>
  fitTrees(
    samples.map(({ x }) => x),
    samples.map(({ correct }) => correct),
    samples.map(() => 1),
    SETTINGS,
  );

/** Log-odds of each sample from trees fitted without its article. */
function outOfFold(samples: readonly Sample[]): number[] {
  const titles = [...new Set(samples.map(({ title }) => title))].sort();
  const foldOf = (sample: Sample): number => titles.indexOf(sample.title) % FOLDS;
  const odds = new Array<number>(samples.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const model = fit(samples.filter((sample) => foldOf(sample) !== fold));
    samples.forEach((sample, i) => {
      if (foldOf(sample) === fold) odds[i] = treeLogOdds(model, sample.x);
    });
  }
  return odds;
}

/** The probability above which as many are called correct as GPT-4.1 called correct. */
function unbiasedThreshold(odds: readonly number[], samples: readonly Sample[]): number {
  const correct = samples.filter((sample) => sample.correct).length;
  return sigmoid([...odds].sort((a, b) => b - a)[correct]);
}

const short = (value: number): number => Number(value.toPrecision(5));

async function main(directory: string | undefined): Promise<void> {
  if (!directory) throw new UserError("Name the folder of the released logs.");
  const samples = await readSamples(localFiles(directory));
  const odds = outOfFold(samples);
  const threshold = unbiasedThreshold(odds, samples);
  const right = odds.filter((o, i) => sigmoid(o) > threshold === samples[i].correct).length;
  console.log(
    `${samples.length} answers; agreement across ${FOLDS} folds of articles ${(right / samples.length).toFixed(4)}`,
  );
  const { bias, trees } = fit(samples);
  const model = {
    about: "Boosted trees over judgeFeatures; made by src/replay/fit-judge.ts, see there.",
    fittedOn: FITTED_LOGS,
    answers: samples.length,
    features: FEATURE_NAMES,
    threshold: short(threshold),
    bias: short(bias),
    trees: trees.map(({ feature, value }) => ({ feature, value: value.map(short) })),
  };
  await writeFileAtomic(path.join(__dirname, "../judge/model.json"), `${JSON.stringify(model)}\n`);
}

if (require.main === module) {
  main(process.argv[2]).catch((error: unknown) => {
    console.error(errorMessage(error));
    process.exitCode = error instanceof UserError ? 2 : 1;
  });
}
