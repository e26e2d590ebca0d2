/** The import paths of the built package, as another program's folder sees them: required, imported, and read for types. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import ts from "typescript";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { complaints, type Compiler } from "./compile";

const test = suite("import paths");
const root = path.resolve(__dirname, "../..");
if (!existsSync(path.join(root, "dist/index.d.ts")))
  throw new Error("Run `npm run build` first: the built package is tested.");

const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | { types: string; default: string }>;
  typesVersions: Record<string, Record<string, string[]>>;
};
const domains = readdirSync(path.join(root, "src/api"))
  .map((file) => path.basename(file, ".ts"))
  .sort();
const paths = ["seal-lab", ...domains.map((domain) => `seal-lab/${domain}`)];

/** A program's folder with spaces in its name, in which the package is installed. */
const consumer = mkdtempSync(path.join(os.tmpdir(), "seal consumer "));
mkdirSync(path.join(consumer, "node_modules"));
symlinkSync(root, path.join(consumer, "node_modules/seal-lab"), "junction");
writeFileSync(path.join(consumer, "package.json"), JSON.stringify({ name: "consumer" }));
test.after(() => rmSync(consumer, { recursive: true }));

const required = createRequire(path.join(consumer, "program.js"));
const namesOf = (name: string): string[] => Object.keys(required(name) as object).sort();

test("package.json names every file of src/api, for old and for new resolution", () => {
  const entry = (file: string): object => ({
    types: `./dist/${file}.d.ts`,
    default: `./dist/${file}.js`,
  });
  assert.equal(manifest.exports, {
    ".": entry("index"),
    ...Object.fromEntries(domains.map((domain) => [`./${domain}`, entry(`api/${domain}`)])),
    "./package.json": "./package.json",
  });
  assert.equal(manifest.typesVersions, {
    "*": Object.fromEntries(domains.map((domain) => [domain, [`./dist/api/${domain}.d.ts`]])),
  });
});

/** Names that programs rely on at the root, though they are at home on a subpath. */
const GUESTS: Readonly<Record<string, string[]>> = {
  "seal-lab/arc": [
    "arcMessages",
    "augmentTask",
    "figureArcTask",
    "figureGrids",
    "figureVotes",
    "parseRecipe",
    "readArc",
    "voteGrids",
  ],
  "seal-lab/notebook": ["show", "showDiff", "showGrid", "showSelfEdit", "showTable"],
  "seal-lab/plot": ["figureBars", "figureCurves", "figureHeatmap", "figureLines"],
};

test("a name is at home on one path; seal-lab also gives the names that programs rely on there, the same things", () => {
  const core = required("seal-lab") as Record<string, unknown>;
  for (const domain of paths.slice(1)) {
    const own = required(domain) as Record<string, unknown>;
    const shared = namesOf(domain).filter((name) => name in core);
    assert.equal(shared, GUESTS[domain] ?? [], domain);
    for (const name of shared) assert.is(own[name], core[name], name);
  }
  const domainNames = paths.slice(1).flatMap(namesOf);
  assert.is(new Set(domainNames).size, domainNames.length);
  for (const name of ["loadModel", "generate", "trainAdapters", "selectCandidates", "runVariant"])
    assert.type(core[name], "function");
});

test("every path is found by require and by import, with the same names; others are not", () => {
  const program = `
    const names = {};
    for (const path of ${JSON.stringify(paths)}) names[path] = Object.keys(await import(path)).filter((name) => name !== "default" && name !== "module.exports").sort();
    process.stdout.write(JSON.stringify(names));`;
  const options = { cwd: consumer, encoding: "utf8" as const };
  const imported = JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "-e", program], options),
  ) as Record<string, string[]>;
  for (const name of paths) {
    assert.ok(namesOf(name).length > 2, name);
    assert.equal(
      imported[name].filter((own) => own !== "__esModule"),
      namesOf(name),
      name,
    );
  }
  assert.throws(() => required("seal-lab/model/load") as object, /not defined by "exports"/);
});

/** A source that fails to compile where a path has no types, or `any` in their place. */
const source = `
  ${paths.map((name, i) => `import * as path${i} from "${name}";`).join("\n  ")}
  type IsAny<T> = 0 extends 1 & T ? true : false;
  export const any: [${paths.map((_, i) => `IsAny<(typeof path${i})[keyof typeof path${i}]>`).join(", ")}] = [${paths.map(() => "false").join(", ")}];
  import type { LoraSettings, RunRecord, TrainingOptions } from "seal-lab";
  import { readArc, type ArcTask } from "seal-lab/arc";
  export const types: [IsAny<LoraSettings["rank"]>, IsAny<RunRecord["rows"]>, IsAny<ArcTask["train"]>, IsAny<ReturnType<typeof readArc>>] = [false, false, false, false];
  export const options: TrainingOptions = { concurrency: 3 };`;
const missing = `import { nothing } from "seal-lab/arc"; export { nothing };`;
const misspelt = `import { figureBars } from "seal-lab/plot";
  export const figure = figureBars([], { title: "", axisTitle: "", format: String, larges: 1 });`;

const kernel = createRequire(path.join(root, "node_modules/tslab/package.json"))(
  "@tslab/typescript-for-tslab",
) as Compiler;
const { ModuleKind: Module, ModuleResolutionKind: Resolution } = ts;
const node10 = { module: Module.CommonJS, moduleResolution: Resolution.Node10 };

for (const [name, compiler, options] of [
  ["node10", ts, { ...node10, ignoreDeprecations: "5.0" }],
  ["node10 in the notebooks' TypeScript 5.0", kernel, node10],
  ["node16", ts, { module: Module.Node16, moduleResolution: Resolution.Node16 }],
  ["nodenext", ts, { module: Module.NodeNext, moduleResolution: Resolution.NodeNext }],
  ["bundler", ts, { module: Module.ESNext, moduleResolution: Resolution.Bundler }],
] as const)
  test(`types of every path with moduleResolution ${name}`, () => {
    const ends = name === "node16" || name === "nodenext" ? ["ts", "mts", "cts"] : ["ts"];
    const sources = Object.fromEntries(ends.map((end) => [`right.${end}`, source]));
    const said = complaints(compiler, options, consumer, {
      ...sources,
      "missing.ts": missing,
      "misspelt.ts": misspelt,
    });
    for (const end of ends) assert.equal(said[`right.${end}`], [], end);
    assert.match(said["missing.ts"].join(), /has no exported member/);
    assert.match(said["misspelt.ts"].join(), /'larges' does not exist/);
  });

test.run();
