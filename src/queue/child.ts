/**
 * A worker's training process: loads the model named in its first argument, then executes one group after the other.
 * It may block its event loop for as long as a native kernel takes: its parent keeps the job's lock, and this process
 * knows nothing of queues.
 */
import { errorMessage, UserError } from "../messages/errors";
import { mergeAdapter } from "../lora/files";
import { disposeModel, loadModel, type Model } from "../model/load";
import { sha256OfWeights } from "../model/weights";
import { executeGroup } from "../restem/group";
import { readAdapterFiles, type AdapterFiles } from "./adapters";
import type { ChildMessage, GroupRequest } from "./child-messages";
import { thisMachine } from "./machine";
import { weightsHash } from "./messages";

const ALIVE_MS = 2000;

function tell(message: ChildMessage): void {
  process.send?.(message);
}

async function main(): Promise<void> {
  // Without its parent nobody would take the result.
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches the whole group of processes; the parent decides when to end.
  process.on("SIGINT", () => undefined);
  let base: Model;
  try {
    base = await loadModel(process.argv[2] ?? "");
    tell({ kind: "ready", machine: await thisMachine(), weights: weightsHash(base) });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    tell({ kind: "refused", message: error.message });
    return;
  }
  setInterval(() => tell({ kind: "alive" }), ALIVE_MS);
  let policy = base;
  process.on("message", (request: GroupRequest) => {
    void (async () => {
      try {
        if (request.adapters) {
          if (policy !== base) disposeModel(policy);
          policy = base;
          policy = await merged(base, request.adapters);
          if (request.policy && (await sha256OfWeights(policy.weights)) !== request.policy)
            return tell({
              kind: "refused",
              message: "the policy made here is not the run's to the last bit",
            });
        }
        tell({ kind: "done", result: await executeGroup(policy, request.work) });
      } catch (error) {
        tell({ kind: "failed", message: errorMessage(error) });
      }
    })();
  });
}

/** The base with the adapters merged in, one after the other, as the run has done it. */
async function merged(base: Model, adapters: readonly AdapterFiles[]): Promise<Model> {
  let model = base;
  for (const files of adapters) {
    const next = mergeAdapter(model, await readAdapterFiles(model.config, files));
    if (model !== base) disposeModel(model);
    model = next;
  }
  return model;
}

void main();
