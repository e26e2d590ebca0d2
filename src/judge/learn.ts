/**
 * Learns the questions of SEAL's released logs from all of them and writes questions.json (numbers only).
 * Run after fit.ts: node -r tsx/cjs src/judge/learn.ts DATA-DIRECTORY
 */
import path from "node:path";
import { errorMessage, UserError } from "../messages/errors";
import { writeFileAtomic } from "../files/files";
import { learnQuestions } from "../replay/judging";
import { readEvaluationLogs, readTrainingLogs } from "../replay/logs";
import { localFiles } from "../tasks/seal-files";

async function main(directory: string | undefined): Promise<void> {
  if (!directory) throw new UserError("Name the folder of the released logs.");
  const files = localFiles(directory);
  const logs = [...(await readEvaluationLogs(files)).values(), ...(await readTrainingLogs(files))];
  const questions = learnQuestions(logs);
  const table = {
    about: "Word weights of known questions, by hashes; made by src/judge/learn.ts, see there.",
    learnedFrom: logs.map(({ name }) => name),
    questions,
  };
  await writeFileAtomic(path.join(__dirname, "questions.json"), `${JSON.stringify(table)}\n`);
  const words = Object.values(questions).map((question) => Object.keys(question.words).length);
  const all = words.reduce((sum, count) => sum + count, 0);
  console.log(`${words.length} questions, ${all} words, from ${logs.length} logs`);
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(errorMessage(error));
  process.exitCode = error instanceof UserError ? 2 : 1;
});
