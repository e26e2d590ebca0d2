/**
 * A plugin of TypeDoc that writes the reference (`npm run reference`): a page for each subpath, and one for each section of
 * `seal-lab` itself. Sections and order are those of the path's own file (`src/index.ts`, `src/api/*.ts`); what is said of
 * an export comes from its docstring.
 */
import fs from "node:fs";
import path from "node:path";
import { format } from "prettier";
import { ReflectionKind } from "typedoc";

/** What TypeDoc calls when it loads the plugin. */
export function load(app) {
  app.outputs.addOutput("pages", async (folder, project) => {
    const pages = project.children.flatMap(pagesOf);
    const places = new Map(pages.flatMap(placesOn));
    fs.mkdirSync(folder, { recursive: true });
    const old = fs.readdirSync(folder).filter((name) => name.endsWith(".md"));
    for (const name of old) fs.rmSync(path.join(folder, name));
    for (const page of pages)
      fs.writeFileSync(path.join(folder, page.file), await pageText(page, places));
    fs.writeFileSync(path.join(folder, "README.md"), overview(project.children, pages, places));
  });
  app.outputs.setDefaultOutputName("pages");
}

/** The pages of an import path. */
function pagesOf(module) {
  const sections = sectionsOf(module);
  if (module.name !== "seal-lab") {
    const introduction = commentText(module.comment);
    const file = `${path.basename(module.name)}.md`;
    return [{ module, file, title: `\`${module.name}\``, introduction, sections }];
  }
  return sections
    .filter(({ own }) => own.length > 0)
    .map(({ heading, own }) => {
      const file = `${heading.toLowerCase().replace(/\W+/g, "-")}.md`;
      const introduction = `Part of \`${module.name}\`.`;
      return { module, file, title: heading, introduction, sections: [{ own }] };
    });
}

/** What stands under each `// heading` of the path's file: exports at home there (`own`), and those `elsewhere`. */
function sectionsOf(module) {
  const name = path.basename(module.name);
  const file = name === "seal-lab" ? "src/index.ts" : `src/api/${name}.ts`;
  // With one capture group, split gives text and heading by turns.
  const parts = fs.readFileSync(file, "utf8").split(/^\/\/ (.*)\n/m);
  return parts.flatMap((text, i) => {
    const exports = i % 2 === 0 ? namesIn(text).map((own) => module.getChildByName(own)) : [];
    const own = exports.filter(({ variant }) => variant === "declaration");
    const elsewhere = exports.filter(({ variant }) => variant === "reference");
    return exports.length > 0 ? [{ heading: parts[i - 1], own, elsewhere }] : [];
  });
}

/** The names that a stretch of an entry file exports, in its order. */
function namesIn(text) {
  const lists = [...text.matchAll(/export (?:type )?\{([^}]*)\}/g)].map(([, list]) =>
    list.split(","),
  );
  return lists.flat().flatMap((item) => item.trim().split(" as ").at(-1) || []);
}

/** Where each export of a page is found: `[export, { file, anchor }]`, with the names that GitHub gives to headings. */
function placesOn({ file, title, sections }) {
  const seen = new Map();
  const anchorOf = (heading) => {
    const text = heading
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-");
    const before = seen.get(text) ?? 0;
    seen.set(text, before + 1);
    return before === 0 ? text : `${text}-${before}`;
  };
  anchorOf(title);
  return sections.flatMap(({ heading = "", own }) => {
    anchorOf(heading);
    return own.map((child) => [child, { file, anchor: anchorOf(child.name) }]);
  });
}

async function pageText({ title, introduction, sections }, places) {
  const parts = [`# ${title}`, introduction];
  for (const { heading, own } of sections) {
    if (heading !== undefined) parts.push(`## ${heading}`);
    parts.push(own.map((child) => `[${child.name}](#${places.get(child).anchor})`).join(" · "));
    for (const child of own) parts.push(...(await entry(child)));
  }
  return joined(parts);
}

/** The first page: every import path with its pages and what they hold. */
function overview(modules, pages, places) {
  const link = (child) => {
    const { file, anchor } = places.get(child);
    return `[${child.name}](${file}#${anchor})`;
  };
  const parts = [
    "# Reference",
    "Every export of every import path, made from the docstrings by `npm run reference`; do not edit. A setting that is left out has the value that its row names (“unless told”).",
  ];
  for (const module of [...modules].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    parts.push(`## \`${module.name}\``, commentText(module.comment));
    const lists = pages
      .filter((page) => page.module === module)
      .map(({ title, file, sections }) => {
        const names = sections.flatMap(({ own }) => own.map(link));
        return `- [${title}](${file}): ${names.join(", ")}`;
      });
    parts.push(lists.join("\n"));
    const guests = sectionsOf(module).flatMap(({ elsewhere }) => elsewhere);
    const names = guests.map((child) => link(child.getTargetReflectionDeep()));
    if (names.length > 0)
      parts.push(
        `Here too, since programs rely on them, but at home on a subpath: ${names.join(", ")}.`,
      );
  }
  return joined(parts);
}

const joined = (parts) => `${parts.filter(Boolean).join("\n\n")}\n`;

/** One export: its heading, how it is declared, what its docstring says, and its keys where it has some. */
async function entry(child) {
  const { name, signatures = [], comment, type } = child;
  const members = type?.type === "union" ? innerRows(type).rows : membersOf(child);
  return [
    `### ${name}`,
    await declaration(child),
    ...[comment, ...signatures.map((own) => own.comment)].map(commentText),
    members.length > 0 && table(members),
  ];
}

/** The export as TypeScript; nothing for an interface or an object type, whose keys say all. */
async function declaration({ name, kind, signatures = [], type, extendedTypes }) {
  const lines = signatures.map((signature) => `function ${name}${signatureText(signature)};`);
  if (kind === ReflectionKind.Variable) lines.push(`declare const ${name}: ${type};`);
  if (kind === ReflectionKind.Class) lines.push(`class ${name} extends ${extendedTypes} {}`);
  if (kind === ReflectionKind.TypeAlias && !objectType(type)?.children)
    lines.push(`type ${name} = ${type};`);
  if (lines.length === 0) return "";
  const text = await format(lines.join("\n"), { parser: "typescript", printWidth: 100 });
  return `\`\`\`ts\n${text}\`\`\``;
}

/** `(a: string, b?: number): void`, or with another sign before what is returned. */
function signatureText({ typeParameters = [], parameters = [], type }, sign = ": ") {
  const given = parameters.map(({ name, flags, defaultValue, type: own }) => {
    const dots = flags.isRest ? "..." : "";
    // TypeDoc writes "..." for what is not short.
    const known = defaultValue !== undefined && !["...", "{}"].includes(defaultValue);
    const mark = !known && (flags.isOptional || defaultValue !== undefined) ? "?" : "";
    return `${dots}${name.replace("__namedParameters", /Options/.test(own) ? "options" : "given")}${mark}: ${own}${known ? ` = ${defaultValue}` : ""}`;
  });
  const generic = typeParameters.map((own) => own.name + (own.type ? ` extends ${own.type}` : ""));
  return `${generic.length > 0 ? `<${generic.join(", ")}>` : ""}(${given.join(", ")})${sign}${type}`;
}

/** The keys of an interface or an object type, those of inner objects after their own: `[key, type, meaning]`. */
function membersOf({ kind, children = [], type }) {
  if (kind === ReflectionKind.Class) return [];
  return (objectType(type)?.children ?? children).flatMap((member) => {
    const { name, flags, signatures, comment, type: whole } = member;
    const inner = signatures ? { rows: [] } : innerRows(whole);
    const calls = signatures ?? objectType(whole)?.signatures ?? [];
    const text = calls.length > 0 ? calls.map((own) => signatureText(own, " => ")) : [inner.text];
    const said = [comment, ...calls.map((own) => own.comment)].map(commentText);
    return [
      [name + (flags.isOptional ? "?" : ""), text.join("; "), said.filter(Boolean).join(" ")],
      ...inner.rows.map(([key, ...rest]) => [`${name}${inner.list ? "[]" : ""}.${key}`, ...rest]),
    ];
  });
}

/** An object type that is written in place, not by its name. */
const objectType = (type) => (type?.type === "reflection" ? type.declaration : undefined);

/** What a key's type is called, and the rows of the objects in it. */
function innerRows(whole) {
  const type = whole?.type === "typeOperator" ? whole.target : whole;
  const list = type?.type === "array";
  const item = list ? type.elementType : type;
  const alternatives = item?.type === "union" ? item.types : [item];
  const named = partOfInterface(objectType(item)?.children ?? []);
  const rows = named
    ? []
    : alternatives.flatMap((own, i) => {
        const [first, ...more] = membersOf({ type: own });
        // Its first key, which tells the alternatives apart, has the docstring of the whole.
        const summary = plain(item.elementSummaries?.[i] ?? []);
        return first ? [[first[0], first[1], first[2] || summary], ...more] : [];
      });
  if (rows.length === 0) return { text: named ?? String(whole), rows };
  const texts = alternatives.map((own) => {
    if (objectType(own)) return "object";
    return objectType(own.elementType) ? "object[]" : String(own);
  });
  const text = [...new Set(texts)].join(" | ");
  return { text: list ? (/\W/.test(text) ? `(${text})[]` : `${text}[]`) : text, rows, list };
}

/** `Omit<Settings, "seed">`, where many keys written in place are all but these of an interface that has a name. */
function partOfInterface(members) {
  if (members.length < 10) return undefined;
  const names = members.map(({ name }) => name);
  const known = members[0].project.getReflectionsByKind(ReflectionKind.Interface);
  const whole = known.find(({ children = [] }) =>
    names.every((name) => children.some((child) => child.name === name)),
  );
  const left = whole?.children.filter(({ name }) => !names.includes(name));
  return whole && `Omit<${whole.name}, ${left.map(({ name }) => `"${name}"`).join(" | ")}>`;
}

function table(rows) {
  const cell = (text) => text.replace(/\|/g, "\\|").replace(/\s*\n\s*/g, " ");
  const lines = rows.map(
    ([key, type, text]) => `| \`${key}\` | \`${cell(type)}\` | ${cell(text)} |`,
  );
  return ["| key | type | what it is |", "| --- | --- | --- |", ...lines].join("\n");
}

const plain = (parts) =>
  parts
    .map(({ text }) => text)
    .join("")
    .trim();

/** A docstring's text, with what it says of errors. */
function commentText(comment) {
  const thrown = comment?.blockTags.filter(({ tag }) => tag === "@throws") ?? [];
  return joined([
    plain(comment?.summary ?? []),
    ...thrown.map(({ content }) => `Throws ${plain(content)}`),
  ]).trim();
}
