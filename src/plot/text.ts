/** Text as the pictures' font sets it: widths, wrapping, escaping. The font comes with a package, not from the machine. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse, type Font } from "opentype.js";

/** Verdana has the metrics of DejaVu Sans, for browsers that lack the latter. */
export const FONT_FAMILY = "DejaVu Sans, Verdana, sans-serif";
/** Font size of all texts but titles and notes, in pixels. */
export const FONT_SIZE = 13;

/** Height of a line of text, in units of its font size. */
export const LINE_HEIGHT = 1.3;

const fontFolder = path.join(path.dirname(require.resolve("dejavu-fonts-ttf/package.json")), "ttf");

/** The font files that pictures are made with, so that they look the same on a machine without fonts. */
export const FONT_FILES = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) =>
  path.join(fontFolder, file),
);

const fonts = new Map<string, Font>();

function fontAt(file: string): Font {
  const known = fonts.get(file);
  if (known) return known;
  const bytes = readFileSync(file);
  const font = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  fonts.set(file, font);
  return font;
}

/** Width in pixels of one line of plain text at a font size in pixels; kerning, which only narrows, is left out. */
export function textWidth(text: string, size = FONT_SIZE, bold = false): number {
  const font = fontAt(FONT_FILES[bold ? 1 : 0]);
  let units = 0;
  for (const letter of text) units += font.charToGlyph(letter).advanceWidth ?? 0;
  return (units / font.unitsPerEm) * size;
}

/** Keeps the words on both sides on one line. */
export const NO_BREAK_SPACE = "\u00a0";

/**
 * Breaks plain text between words so that no line is wider than `width` pixels; words that are wider are cut.
 * A no-break space does not break, and becomes a plain space.
 */
export function wrapText(text: string, width: number, size = FONT_SIZE, bold = false): string[] {
  return text
    .split("\n")
    .flatMap((paragraph) => wrapParagraph(paragraph, width, size, bold))
    .map((line) => line.replaceAll(NO_BREAK_SPACE, " "));
}

function wrapParagraph(text: string, width: number, size: number, bold: boolean): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/[ \t]+/).flatMap((word) => cutWord(word, width, size, bold))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer, size, bold) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

function cutWord(word: string, width: number, size: number, bold: boolean): string[] {
  const pieces: string[] = [];
  let piece = "";
  for (const letter of word) {
    if (piece !== "" && textWidth(piece + letter, size, bold) > width) {
      pieces.push(piece);
      piece = "";
    }
    piece += letter;
  }
  return [...pieces, piece];
}

/** Plain text made safe for HTML, SVG and Plotly's labels. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}
