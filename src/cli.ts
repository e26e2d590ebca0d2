#!/usr/bin/env node
/** The `seal` command: one thin verb per line; the work is in src/commands and below. */
import { Command } from "commander";
import { addAdaptCommand } from "./commands/adapt";
import { addBenchCommand } from "./commands/bench";
import { addExperimentCommands } from "./commands/experiments";
import { addJudgeCommand } from "./commands/judge";
import { addMachineCommands } from "./commands/machine";
import { addModelCommands } from "./commands/model";
import { addQueueCommands } from "./commands/queue";
import { UserError } from "./messages/errors";

async function main(): Promise<void> {
  const program = new Command("seal");
  program
    .description("SEAL Lab: language models that write their own training data")
    .showHelpAfterError("(--help shows what there is)")
    .exitOverride((error) => {
      process.exit(error.exitCode === 0 ? 0 : 2);
    });
  addExperimentCommands(program);
  addModelCommands(program);
  addAdaptCommand(program);
  addJudgeCommand(program);
  addMachineCommands(program);
  addBenchCommand(program);
  addQueueCommands(program);
  await program.parseAsync(process.argv);
}

main().catch((error: unknown) => {
  if (error instanceof UserError) {
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
