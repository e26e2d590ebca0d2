/** Writes a figure as JSON, self-contained HTML, SVG and PNG. No browser and no network is needed. */
import { Resvg } from "@resvg/resvg-js";
import { writeFileAtomic } from "../files/files";
import type { Figure } from "./figure";
import { figureToSvg, plotlySource } from "./svg";
import { escapeMarkup, FONT_FAMILY, FONT_FILES } from "./text";

/** Pixels of the PNG for each pixel of the figure. */
const PNG_SCALE = 2;

/** Writes `base`.json, .html, .svg and .png, each atomically; returns the four paths. */
export async function renderFigure(figure: Figure, base: string): Promise<string[]> {
  const svg = await figureToSvg(figure);
  return writeAll(base, {
    json: `${JSON.stringify(figure, null, 1)}\n`,
    html: figureHtml(figure),
    svg,
    png: svgToPng(svg),
  });
}

/** Writes one file per ending; returns the paths in that order. */
export async function writeAll(
  base: string,
  contents: Readonly<Record<string, string | Uint8Array>>,
): Promise<string[]> {
  const paths: string[] = [];
  for (const [ending, content] of Object.entries(contents)) {
    paths.push(`${base}.${ending}`);
    await writeFileAtomic(`${base}.${ending}`, content);
  }
  return paths;
}

/** The picture of an SVG on white, at twice its size, with the package's font. */
export function svgToPng(svg: string): Uint8Array {
  const picture = new Resvg(svg, {
    font: { loadSystemFonts: false, fontFiles: FONT_FILES, defaultFontFamily: "DejaVu Sans" },
    fitTo: { mode: "zoom", value: PNG_SCALE },
    background: "white",
  });
  return picture.render().asPng();
}

/** A page with the interactive figure and Plotly itself. */
function figureHtml(figure: Figure): string {
  const { data, layout, width, height } = figure;
  // "<" would let a label end the script element.
  const json = JSON.stringify({ data, layout: { ...layout, width, height } }).replace(
    /</g,
    "\\u003c",
  );
  return htmlPage(
    figure.title,
    `<div id="figure"></div>
<script>${plotlySource()}</script>
<script>Plotly.newPlot("figure", ${json});</script>`,
  );
}

/** A complete page in the common look. */
export function htmlPage(title: string, body: string, style = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>body { font-family: ${FONT_FAMILY}; margin: 16px; color: #222; background: white; } ${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}
