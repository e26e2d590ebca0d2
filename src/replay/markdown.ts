/** Numbers and tables in Markdown. */
import type { Estimate } from "./accuracy";

/** 0.327 -> "32.7". */
export const percent = (share: number): string => (100 * share).toFixed(1);
/** 0.007 -> "+0.7", in points; what rounds to 0 has no sign. */
export const signed = (share: number): string => {
  const size = Math.abs(100 * share).toFixed(1);
  return size === "0.0" ? size : `${share > 0 ? "+" : "−"}${size}`;
};
/** The ends of an interval. */
export const interval = ({ low, high }: Estimate, format = percent): string =>
  `${format(low)} to ${format(high)}`;

/** A table with its header. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
