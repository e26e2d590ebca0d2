import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

const noDefaultExports = {
  selector: "ExportDefaultDeclaration",
  message: "Use named exports.",
};

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", ".venv/", "results/", "**/*.mjs"] },
  eslint.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: "./tsconfig.json" } },
    rules: {
      "no-restricted-syntax": ["error", noDefaultExports],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/require-await": "off",
      eqeqeq: "error",
    },
  },
);
