/** Notebooks run by the real kernel: good ones, deliberately broken ones, and what the kernel says of types. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cellsToExecute, executeAll, findNotebooks } from "../../src/notebook/command";
import { makeNotebook } from "../../src/notebook/document";
import { executeNotebook, type Executed } from "../../src/notebook/execute";
import { jupyterPython, testWithJupyter } from "./jupyter";

const test = suite("executing notebooks");
// Inside the project, so that the kernel finds "seal-lab" as notebooks do.
const folder = mkdtempSync(path.join(__dirname, "../../node_modules/.seal-notebook-test-"));
test.after(() => rmSync(folder, { recursive: true }));

const code = (...blocks: string[]): string =>
  blocks.map((block) => `\`\`\`typescript\n${block}\n\`\`\`\n`).join("\n");
const run = (...blocks: string[]): Promise<Executed> =>
  executeNotebook({
    notebook: makeNotebook(code(...blocks)),
    folder,
    python: jupyterPython,
    cellSeconds: 60,
  });

testWithJupyter(
  test,
  "a cell that throws fails the run and is named, with what it said",
  async () => {
    const { problem, notebook } = await run("const a = 1;", 'throw new Error("on purpose");', "a;");
    assert.match(
      problem ?? "",
      /^cell 2 failed:\n {4}throw new Error\("on purpose"\);\n.*on purpose/s,
    );
    assert.equal(
      notebook.cells.map(({ execution_count }) => execution_count),
      [1, 2, null],
    );
  },
);

testWithJupyter(
  test,
  "a type error fails the run; so does a promise that nobody waits for",
  async () => {
    const mistyped = await run('const a: number = "text";');
    assert.match(mistyped.problem ?? "", /Type 'string' is not assignable to type 'number'/);
    const floating = await run(
      'void Promise.reject(new Error("lost"));\nawait new Promise((resolve) => setTimeout(resolve, 200));',
    );
    assert.match(floating.problem ?? "", /^cell 1 failed:.*UnhandledPromiseRejection.*lost/s);
  },
);

testWithJupyter(
  test,
  "names of earlier cells in short forms, which tslab alone gets wrong",
  async () => {
    const { problem, notebook } = await run(
      "const mean = 2;\nlet first = 0;",
      "const made = { mean };\n[{ mean: 5 }].map(({ mean: value }) => made.mean + value)[0];",
      "({ first } = { first: made.mean });\nfirst;",
    );
    assert.is(problem, undefined);
    const printed = notebook.cells.map(({ outputs }) => JSON.stringify(outputs));
    assert.match(printed[1], /7\\n/);
    assert.match(printed[2], /2\\n/);
  },
);

testWithJupyter(
  test,
  "all of a folder: results are kept, a broken one fails, an edited file is refused",
  async () => {
    const file = (name: string): string => path.join(folder, name);
    writeFileSync(file("01_good.md"), `# Good\n\n${code("const seven = 3 + 4;\nseven;")}`);
    writeFileSync(file("02_broken.md"), code("throw 1;"));
    const lines: string[] = [];
    const failed = await executeAll(folder, [], jupyterPython, (line) => lines.push(line));
    assert.is(failed, 1);
    assert.match(lines[0], /^ok +01_good \(\d+\.\d s\)$/);
    assert.match(lines[1], /^FAILED +02_broken/);
    const [good, broken] = await findNotebooks(folder, []);
    assert.match(JSON.stringify(good.notebook?.cells[1].outputs), /7\\n/);
    assert.is(broken.notebook, undefined);
    const edited = readFileSync(file("01_good.ipynb"), "utf8").replace("3 + 4", "3 + 5");
    writeFileSync(file("01_good.ipynb"), edited);
    const [found] = await findNotebooks(folder, ["good"]);
    assert.throws(() => cellsToExecute(found), /01_good\.ipynb: its cells were edited/);
    let message = "";
    await findNotebooks(folder, ["nothing"]).catch((error: Error) => (message = error.message));
    assert.match(message, /No notebook is named "nothing"; there are 01_good, 02_broken/);
  },
);

test.run();
