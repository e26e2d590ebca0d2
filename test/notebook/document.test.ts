import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  hashOfText,
  makeNotebook,
  notebookJson,
  parseNotebook,
  parseText,
  sourceOf,
  whyStale,
} from "../../src/notebook/document";

const test = suite("notebook's text form");

const text = `# Title

Words with \`code\` and

\`\`\`
a block that is only shown
\`\`\`

\`\`\`typescript
const a = 1;

a + 1;
\`\`\`

\`\`\`typescript
a;
\`\`\`
End.
`;

const executed = (): ReturnType<typeof makeNotebook> => {
  const notebook = makeNotebook(text);
  let count = 0;
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === "code" ? { ...cell, execution_count: ++count } : cell,
  );
  return { ...notebook, cells };
};

test("typescript blocks are code cells, the text between them one Markdown cell each", () => {
  assert.equal(parseText(text), [
    {
      kind: "markdown",
      source: "# Title\n\nWords with `code` and\n\n```\na block that is only shown\n```",
    },
    { kind: "code", source: "const a = 1;\n\na + 1;" },
    { kind: "code", source: "a;" },
    { kind: "markdown", source: "End." },
  ]);
});

test("a notebook has Jupyter's form: lines with their ends, ids, the kernel's name", () => {
  const { cells, metadata } = parseNotebook(JSON.stringify(makeNotebook(text)), "x");
  assert.equal(cells[1].source, ["const a = 1;\n", "\n", "a + 1;"]);
  assert.equal(
    cells.map(({ id }) => id),
    ["cell-01", "cell-02", "cell-03", "cell-04"],
  );
  assert.is((metadata.kernelspec as { name: string }).name, "tslab");
  assert.is(sourceOf(cells[1]), "const a = 1;\n\na + 1;");
});

test("stale: text changed, cell edited, not executed in order; fresh otherwise", () => {
  assert.is(whyStale(executed(), text), undefined);
  assert.match(whyStale(executed(), `${text}.`) ?? "", /text form was changed/);
  const edited = executed();
  edited.cells[2] = { ...edited.cells[2], source: "b;" };
  assert.match(whyStale(edited, text) ?? "", /edited/);
  assert.match(whyStale(makeNotebook(text), text) ?? "", /not every cell was executed/);
  assert.is(hashOfText(text).length, 16);
});

test("paths of this machine do not reach the file; what is no notebook is named", () => {
  const notebook = executed();
  notebook.cells[1].outputs = [{ output_type: "stream", name: "stdout", text: 'at "/home/me/x"' }];
  const json = notebookJson(notebook, { "/home/me": "~" });
  assert.not.match(json, /home/);
  assert.match(json, /~\/x/);
  assert.throws(() => parseNotebook('{"cells": 3}', "some.ipynb"), /some\.ipynb is not a notebook/);
});

test.run();
