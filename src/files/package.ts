/** Where this package's own files are, whether it runs from src/ or from dist/. */
import path from "node:path";

/** The package's own folder. */
export const packageRoot = path.resolve(__dirname, "../..");

/** A path in this package. */
export function packagePath(...parts: string[]): string {
  return path.join(packageRoot, ...parts);
}
