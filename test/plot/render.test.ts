import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { figureAccuracyByArm } from "../../src/plot/bars";
import type { Figure } from "../../src/plot/figure";
import { renderFigure } from "../../src/plot/render";
import { figureToSvg } from "../../src/plot/svg";
import { htmlTable, renderTable, tableToSvg, type Table } from "../../src/plot/table";
import { withFolder } from "../run/temporary";

const test = suite("render");

const figure: Figure = figureAccuracyByArm(
  [
    { arm: "passage only", round: 0, n: 40, accuracy: 0.26, ci95: [0.2, 0.33] },
    { arm: "</script><b>odd</b> & name", round: 0, n: 40, accuracy: 0.43, ci95: [0.4, 0.5] },
  ],
  { title: "Self-edits help" },
);

/** Width and height from a PNG's header. */
function pngSize(bytes: Buffer): [number, number] {
  assert.is(bytes.subarray(0, 8).toString("hex"), "89504e470d0a1a0a");
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}

test("a figure becomes four files; the SVG has the labels and is the same every time", () =>
  withFolder(async (folder) => {
    const paths = await renderFigure(figure, path.join(folder, "figures", "arms"));
    assert.equal(
      paths.map((file) => path.basename(file)),
      ["arms.json", "arms.html", "arms.svg", "arms.png"],
    );
    assert.is((await readdir(path.join(folder, "figures"))).length, 4);
    const [json, html, svg, png] = await Promise.all(paths.map((file) => readFile(file)));
    assert.equal(JSON.parse(json.toString()), JSON.parse(JSON.stringify(figure)));
    for (const label of [
      "Self-edits help",
      "passage only (n = 40)",
      "26.0%",
      "Questions answered correctly (%)",
    ]) {
      assert.ok(svg.includes(label), label);
    }
    assert.is(await figureToSvg(figure), svg.toString());
    assert.equal(pngSize(png), [1600, 2 * figure.height]);
    assert.is(html.toString().match(/<\/script>/g)?.length, 2, "no label ends a script");
    assert.not.match(html.toString(), /<script[^>]+src=/);
  }));

const table: Table = {
  title: "One person",
  columns: [
    { title: "Question", share: 1 },
    { title: "Answer", share: 2 },
  ],
  rows: [["Where was she born?", { text: "<Tromsø>", tone: "right" }]],
};

test("a table as page and picture", () =>
  withFolder(async (folder) => {
    const paths = await renderTable(table, path.join(folder, "person"));
    assert.equal(
      paths.map((file) => path.extname(file)),
      [".json", ".html", ".svg", ".png"],
    );
    assert.match(htmlTable(table), '<td class="right">✓ &lt;Tromsø&gt;</td>');
    assert.match(tableToSvg(table), "✓ &lt;Tromsø&gt;</text>");
    const height = Number(/height="(\d+)"/.exec(tableToSvg(table))?.[1]);
    assert.equal(pngSize(await readFile(paths[3])), [1600, 2 * height]);
  }));

test("a longer text makes the table's row higher, not wider", () => {
  const height = (text: string): number =>
    Number(/height="(\d+)"/.exec(tableToSvg({ ...table, rows: [["a", text]] }))?.[1]);
  assert.is(height("word\nword") - height("word"), 17);
  assert.ok(height("word ".repeat(200)) > height("word ".repeat(100)));
});

test.run();
