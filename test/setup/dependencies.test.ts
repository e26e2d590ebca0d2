/** What is installed is pinned to the byte, comes from the public registry, and runs nothing while it is installed. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("dependencies");
const root = path.join(__dirname, "../..");
const json = (name: string): Record<string, Record<string, unknown>> =>
  JSON.parse(readFileSync(path.join(root, name), "utf8")) as Record<
    string,
    Record<string, unknown>
  >;

test("package.json names exact versions", () => {
  const { dependencies, devDependencies, optionalDependencies } = json("package.json");
  const versions = Object.entries({
    ...dependencies,
    ...devDependencies,
    ...optionalDependencies,
  });
  assert.ok(versions.length > 20);
  for (const [name, version] of versions)
    assert.match(String(version), /^(npm:[^@]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/, name);
});

test("every locked package has its hash, and no other source than the public registry", () => {
  const packages = Object.entries(json("package-lock.json").packages);
  assert.ok(packages.length > 300);
  for (const [name, entry] of packages) {
    if (name === "") continue;
    const { integrity, resolved, inBundle, link } = entry as Record<string, unknown>;
    assert.not(link, name);
    if (inBundle) continue;
    assert.match(String(integrity), /^sha512-/, name);
    // Without a source it is the registry that the user's npm is set to, and the hash decides.
    assert.match(
      typeof resolved === "string" ? resolved : "https://registry.npmjs.org/",
      /^https:\/\/registry\.npmjs\.org\//,
      name,
    );
  }
});

test("install scripts are off", () => {
  assert.match(readFileSync(path.join(root, ".npmrc"), "utf8"), /^ignore-scripts=true$/m);
});

test.run();
