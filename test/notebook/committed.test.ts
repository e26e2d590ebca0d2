/** The notebooks as committed: made from their text forms, executed, readable without running, and fit to be published. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { mean } from "../../src/statistics/statistics";
import { parseNotebook, parseText, whyStale } from "../../src/notebook/document";

const test = suite("committed notebooks");
const folder = path.join(__dirname, "../../notebooks");
const names = readdirSync(folder)
  .filter((file) => /^\d\d_.*\.md$/.test(file))
  .map((file) => file.slice(0, -".md".length))
  .sort();

test("there are nine, in order, each with its text form", () => {
  assert.equal(
    names.map((name) => name.slice(0, 2)),
    ["01", "02", "03", "04", "05", "06", "07", "08", "09"],
  );
  const files = readdirSync(folder).filter((file) => file.endsWith(".ipynb"));
  assert.equal(
    files.sort(),
    names.map((name) => `${name}.ipynb`),
  );
});

for (const name of names) {
  const text = readFileSync(path.join(folder, `${name}.md`), "utf8");

  test(`${name}: executed as its text form is now, by "npm run notebooks -- --execute"`, () => {
    const json = readFileSync(path.join(folder, `${name}.ipynb`), "utf8");
    assert.is(whyStale(parseNotebook(json, name), text), undefined);
  });

  test(`${name}: small, nothing on stderr, no path of a machine, a picture beside each Plotly figure`, () => {
    const json = readFileSync(path.join(folder, `${name}.ipynb`), "utf8");
    assert.ok(Buffer.byteLength(json) < 1e6);
    const outputs = parseNotebook(json, name).cells.flatMap((cell) => cell.outputs ?? []);
    for (const output of outputs) {
      assert.is.not(output.output_type, "error");
      assert.is.not(output.name, "stderr");
      const forms = Object.keys((output.data as object | undefined) ?? {});
      if (forms.includes("application/vnd.plotly.v1+json"))
        assert.ok(forms.includes("image/svg+xml"));
      assert.not.match(JSON.stringify(output), /\/(home|root|Users|tmp)\/|[A-Z]:\\\\Users/);
    }
    assert.ok(outputs.some(({ data }) => data !== undefined));
  });

  test(`${name}: a title, ten to twenty-five cells of some lines each, a summary, three exercises`, () => {
    const cells = parseText(text);
    assert.match(cells[0].source, new RegExp(`^# ${name.slice(0, 2)} `));
    assert.ok(cells.length >= 10 && cells.length <= 25, String(cells.length));
    const code = cells.filter(({ kind }) => kind === "code");
    const lines = code.map(({ source }) => source.split("\n").length);
    assert.ok(mean(lines) <= 8 && Math.max(...lines) <= 15, lines.join(" "));
    const end = cells.at(-1)?.source ?? "";
    assert.match(end, /## Summary\n[\s\S]*## Exercises\n/);
    assert.is(end.split("## Exercises")[1].match(/^\d\. /gm)?.length, 3);
  });
}

test.run();
