/** Plotly figure -> SVG text, without a browser: Plotly in jsdom, which has no layout, so boxes are computed here. */
import { readFileSync } from "node:fs";
import { JSDOM, VirtualConsole } from "jsdom";
import { createRandom } from "../statistics/random";
import type { Figure } from "./figure";
import { FONT_SIZE, LINE_HEIGHT, textWidth } from "./text";

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

interface PlotlyWindow {
  eval(source: string): unknown;
  Math: Math;
  Plotly: {
    newPlot(target: unknown, figure: object): Promise<unknown>;
    toImage(target: unknown, options: object): Promise<string>;
  };
}

/** Plotly's own source text, for pages that must not need a network. */
export function plotlySource(): string {
  return readFileSync(require.resolve("plotly.js"), "utf8");
}

/** Draws a figure; the same figure gives the same text, byte for byte. What measures curves or paints pixels (violins, Plotly's heat maps) cannot be drawn. */
export async function figureToSvg(figure: Figure): Promise<string> {
  const dom = new JSDOM("<!doctype html><div id='plot'></div>", {
    runScripts: "outside-only",
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(),
  });
  try {
    const window = dom.window as unknown as PlotlyWindow & typeof dom.window;
    provideLayout(window);
    const random = createRandom("figure");
    window.Math.random = () => random.next();
    window.eval(plotlySource());
    const target = window.document.getElementById("plot");
    // Plotly writes into what it is given, and compares with `instanceof` of its own window.
    const copy = window.JSON.parse(JSON.stringify(figure)) as Figure;
    const { data, layout, width, height } = copy;
    await window.Plotly.newPlot(target, {
      data,
      layout: { ...layout, width, height },
      config: { staticPlot: true },
    });
    const size = { width, height };
    return await window.Plotly.toImage(target, { format: "svg", imageDataOnly: true, ...size });
  } finally {
    dom.window.close();
  }
}

function provideLayout(window: JSDOM["window"]): void {
  const rectangle = (element: Element): object => {
    const { left, top, right, bottom } = boxInPage(element);
    const [width, height] = [right - left, bottom - top];
    return { left, top, right, bottom, width, height, x: left, y: top };
  };
  Object.assign(window.Element.prototype, {
    getBoundingClientRect(this: Element) {
      return rectangle(this);
    },
  });
  Object.assign(window.SVGElement.prototype, {
    getBBox(this: Element) {
      return rectangle(this);
    },
    getComputedTextLength(this: Element) {
      return runWidth(this);
    },
  });
  Object.assign(window, { TextDecoder, TextEncoder });
  Object.assign(window.URL, {
    createObjectURL: () => "blob:none",
    revokeObjectURL: () => undefined,
  });
  Object.assign(window.HTMLCanvasElement.prototype, { getContext: () => null });
}

const EMPTY: Box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };

function union(a: Box, b: Box): Box {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

function boxInPage(element: Element): Box {
  let box = boxWithin(element);
  if (box.left > box.right) box = { left: 0, top: 0, right: 0, bottom: 0 };
  for (let at: Element | null = element; at; at = at.parentElement) box = transformed(box, at);
  return box;
}

/** The box in the element's own coordinates. */
function boxWithin(element: Element): Box {
  const tag = element.tagName.toLowerCase();
  if (tag === "text") return textBox(element);
  if (tag === "rect") {
    const [left, top] = [numberOf(element, "x"), numberOf(element, "y")];
    const [width, height] = [numberOf(element, "width"), numberOf(element, "height")];
    return { left, top, right: left + width, bottom: top + height };
  }
  if (tag !== "g" && tag !== "svg") return EMPTY;
  let box = EMPTY;
  for (const child of element.children) {
    const inner = boxWithin(child);
    if (inner.left <= inner.right) box = union(box, transformed(inner, child));
  }
  return box;
}

function numberOf(element: Element, name: string): number {
  return Number.parseFloat(element.getAttribute(name) ?? "") || 0;
}

/** Applies the element's `transform` attribute (translate, rotate, scale) to a box. */
function transformed(box: Box, element: Element): Box {
  const steps = [...(element.getAttribute("transform") ?? "").matchAll(/(\w+)\(([^)]*)\)/g)];
  return steps.reverse().reduce((inner, [, kind, list]) => {
    const values = list.split(/[\s,]+/).map(Number);
    const corners = [inner.left, inner.right].flatMap((x) =>
      [inner.top, inner.bottom].map((y) => transformPoint(x, y, kind, values)),
    );
    return corners.map(([x, y]) => ({ left: x, right: x, top: y, bottom: y })).reduce(union);
  }, box);
}

function transformPoint(x: number, y: number, kind: string, values: number[]): [number, number] {
  const [a, b = kind === "scale" ? a : 0, c = 0] = values;
  if (kind === "translate") return [x + a, y + b];
  if (kind === "scale") return [x * a, y * b];
  if (kind !== "rotate") return [x, y];
  const [sine, cosine] = [Math.sin((a * Math.PI) / 180), Math.cos((a * Math.PI) / 180)];
  return [b + (x - b) * cosine - (y - c) * sine, c + (x - b) * sine + (y - c) * cosine];
}

/** The box of a text of one or more lines, by the font's own metrics. */
function textBox(element: Element): Box {
  const lines = element.querySelectorAll("tspan.line");
  const size = fontOf(element).size;
  const anchor = inherited(element, "text-anchor");
  const shift = anchor === "middle" ? 0.5 : anchor === "end" ? 1 : 0;
  return [...(lines.length > 0 ? lines : [element])].reduce((box, line, index) => {
    const width = runWidth(line);
    if (width === 0) return box;
    const left = numberOf(element, "x") - shift * width;
    const baseline = numberOf(element, "y") + index * LINE_HEIGHT * size;
    return union(box, {
      left,
      top: baseline - 0.93 * size,
      right: left + width,
      bottom: baseline + 0.24 * size,
    });
  }, EMPTY);
}

function runWidth(node: Element): number {
  let width = 0;
  for (const child of node.childNodes) {
    if (child.nodeType === 1) width += runWidth(child as Element);
    else if (child.nodeType === 3) {
      const font = fontOf(node);
      width += textWidth(child.textContent ?? "", font.size, font.bold);
    }
  }
  return width;
}

function fontOf(element: Element): { size: number; bold: boolean } {
  const weight = inherited(element, "font-weight");
  return {
    size: Number.parseFloat(inherited(element, "font-size")) || FONT_SIZE,
    bold: weight === "bold" || Number(weight) >= 600,
  };
}

function inherited(element: Element, property: string): string {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const own = (at as HTMLElement).style?.getPropertyValue(property) || at.getAttribute(property);
    if (own && own !== "inherit") return own;
  }
  return "";
}
