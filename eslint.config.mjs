import eslint from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const noDefaultExports = {
  selector: "ExportDefaultDeclaration",
  message: "Use named exports.",
};

/** What Node gives the set-up's plain JavaScript files. */
const nodeGlobals = Object.fromEntries(
  ["process", "Buffer", "URL", "console", "setTimeout", "setInterval", "clearInterval"].map(
    (name) => [name, "readonly"],
  ),
);
const commonJsGlobals = { require: "readonly", module: "writable", __dirname: "readonly" };

export default defineConfig(
  { ignores: ["dist/", "node_modules/", ".venv/", "results/", "**/*.d.cts"] },
  eslint.configs.recommended,
  // Control characters in patterns are meant: Python's line ends are among them.
  {
    rules: { eqeqeq: "error", "no-control-regex": "off" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
  },
  { files: ["**/*.mjs"], languageOptions: { globals: nodeGlobals } },
  {
    files: ["**/*.cjs"],
    languageOptions: { sourceType: "commonjs", globals: { ...nodeGlobals, ...commonJsGlobals } },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "no-restricted-syntax": ["error", noDefaultExports],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/require-await": "off",
      // An interface gives a schema's inferred type a name that messages and hovers use.
      "@typescript-eslint/no-empty-object-type": [
        "error",
        { allowInterfaces: "with-single-extends" },
      ],
      // It objects to type arguments and casts that say which rank a tensor has.
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
    },
  },
);
