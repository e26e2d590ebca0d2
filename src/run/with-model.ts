/** What every experiment does around its work: loads the model, makes sure of the files, shows progress, cleans up. */
import { createProgress, downloadProgress, type Progress } from "../messages/progress";
import { disposeModel, loadModel, type Model } from "../model/load";
import { requireSameInputs, type ExperimentContext, type Outcome } from "./experiment";
import type { RunRecord } from "./record";

type Inputs = RunRecord["inputs"];

/** What is told of the work before it begins. */
export interface WorkAhead {
  /** What progress counts, and how much of it there is. */
  readonly label: string;
  readonly total: number;
  /** Files that are read beside the model's. */
  readonly inputs?: Inputs;
}

/** What the work is given. The model and the progress line are ended behind it. */
export interface WorkPlace {
  readonly model: Model;
  readonly progress: Progress;
  /** The model's files and the others. */
  readonly inputs: Inputs;
}

/** Does an experiment's work with the model of this name. Throws UserError where the run was begun with other files. */
export async function withModel(
  name: string,
  context: ExperimentContext,
  { label, total, inputs: others = [] }: WorkAhead,
  work: (place: WorkPlace) => Promise<Outcome>,
): Promise<Outcome> {
  const { quiet } = context;
  const model = await loadModel(name, { onProgress: downloadProgress(name, { quiet }) });
  const inputs = [...model.inputs, ...others];
  const progress = createProgress(label, total, { quiet });
  try {
    await requireSameInputs(context, inputs);
    return await work({ model, progress, inputs });
  } finally {
    progress.stop();
    disposeModel(model);
  }
}
