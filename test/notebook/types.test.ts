/** The built package's types, read as the notebooks' kernel reads them: TypeScript 5.0, Node10 resolution. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { complaints, type Compiler } from "../api/compile";

const test = suite("types in the kernel");
const root = path.resolve(__dirname, "../..");

const right = `
  import { generate, loadModel, parseVariant, readRecord, REWARDS, runVariant, selectByReward, trainAdapters } from "seal-lab";
  import { frame, show } from "seal-lab/notebook";
  import { figureBars, figureCurves, type Curve } from "seal-lab/plot";
  import type { Figure, RewardKind, RunRecord, Variant, Verdict } from "seal-lab";
  type IsAny<T> = 0 extends 1 & T ? true : false;
  type Result = Awaited<ReturnType<typeof trainAdapters>>[number];
  const a: [IsAny<Result>, IsAny<RunRecord["rows"][number]["accuracy"]>, IsAny<Verdict>] = [false, false, false];
  const b: [IsAny<ReturnType<typeof frame>["columns"]>, IsAny<Parameters<typeof show>[0]["data"]>] = [false, false];
  const model = await loadModel("tiny:biographies");
  const text: string = (await generate(model, ["a"], { maximumTokens: 3 }))[0].text;
  const record = await readRecord("x");
  const share: number = record.rows[0].accuracy;
  const curve: Curve = { label: "a", points: [{ x: 1, value: 2, interval: [1, 3] }] };
  const drawn: Figure = figureCurves([curve], { title: "", xTitle: "", yTitle: "", format: String });
  const bars: Figure = figureBars([{ label: "a", value: 1 }], { title: "", axisTitle: "", format: String });
  const kind: RewardKind = REWARDS[0];
  const kept: number[][] = selectByReward(kind, [[{ status: "ok", reward: 1 }]], 1);
  const variant: Variant = parseVariant({ experiment: "pretraining", name: "x" });
  const { record: own } = await runVariant(variant, { quiet: true });
  export { a, b, text, share, drawn, bars, kept, own };`;
const wrong = `import { frame } from "seal-lab/notebook"; export const n: number = frame([]);`;
const misspelt = `import { generate, type Model } from "seal-lab";
  export const f = (model: Model) => generate(model, [""], { maximumToken: 3 });`;

const built = existsSync(path.join(root, "dist/index.d.ts"));
const linked = existsSync(path.join(root, "node_modules/seal-lab"));
if (!built || !linked) throw new Error("Run `npm run build` first: the built package is tested.");

test("imports have their types and none of them is any; a wrong type and a misspelt option are told", () => {
  const ts = createRequire(path.join(root, "node_modules/tslab/package.json"))(
    "@tslab/typescript-for-tslab",
  ) as Compiler;
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    types: ["node"],
    typeRoots: [path.join(root, "node_modules/@types")],
  };
  const sources = { "right.ts": right, "wrong.ts": wrong, "misspelt.ts": misspelt };
  const said = complaints(ts, options, path.join(root, "notebooks"), sources);
  assert.equal(said["right.ts"], []);
  assert.match(said["wrong.ts"][0], /Type 'DataFrame' is not assignable to type 'number'/);
  assert.match(said["misspelt.ts"][0], /'maximumToken' does not exist|maximumTokens/);
});

test.run();
