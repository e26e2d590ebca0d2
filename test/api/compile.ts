/** What a TypeScript compiler says of sources that lie in a folder, but on no disk. */
import path from "node:path";
import type TypeScript from "typescript";

/** A compiler of any version. */
export type Compiler = typeof TypeScript;

/** The messages of each source, by its name in `folder`. */
export function complaints(
  ts: Compiler,
  options: TypeScript.CompilerOptions,
  folder: string,
  sources: Readonly<Record<string, string>>,
): Record<string, string[]> {
  const texts = new Map(
    Object.entries(sources).map(([name, text]) => [path.join(folder, name), text]),
  );
  const all: TypeScript.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts"],
    esModuleInterop: true,
    skipLibCheck: true,
    noEmit: true,
    strict: true,
    types: [],
    ...options,
  };
  const host = ts.createCompilerHost(all);
  const fileExists = host.fileExists.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (name) => texts.has(path.normalize(name)) || fileExists(name);
  host.getSourceFile = (name, version) => {
    const text = texts.get(path.normalize(name));
    return text === undefined
      ? getSourceFile(name, version)
      : ts.createSourceFile(name, text, version);
  };
  const program = ts.createProgram([...texts.keys()], all, host);
  const messages = [...texts.keys()].map((file) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(file))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
  );
  return Object.fromEntries(Object.keys(sources).map((name, i) => [name, messages[i]]));
}
