/** The outer loop over its rounds: accuracy, rewards of the candidates, and what the self-edits are made of. */
import {
  percent,
  type AccuracyRow,
  type Figure,
  type FigureOptions,
  type PlotlyObject,
} from "./figure";
import { axis, COLOURS, edgeLabels, makeFigure, niceTicks, SERIES, type EdgeLabel } from "./theme";

const LEFT = 66;
const BOTTOM = 58;

/** Settings of `figureAccuracyByRound`. */
export interface AccuracyByRoundOptions extends FigureOptions {
  /** Smaller, under the title; says what is drawn unless told. */
  readonly note?: string;
  /** Arms drawn as lines over rounds, with their labels; "best of K" and "random selection" unless told. */
  lines?: readonly {
    /** The arm. */
    arm: string;
    /** Written at the line's end, the arm's name unless told. */
    label?: string;
  }[];
  /** The arm whose round 0 every line starts from, "untrained self-edits" unless told. */
  start?: string;
  /** Arms drawn as horizontal lines, all the others unless told. */
  controls?: readonly string[];
}

/** Accuracy by round with 95% intervals; the arms that have no rounds are horizontal lines. */
export function figureAccuracyByRound(
  rows: readonly AccuracyRow[],
  options: AccuracyByRoundOptions,
): Figure {
  const { start = "untrained self-edits" } = options;
  const lines = options.lines ?? [{ arm: "best of K" }, { arm: "random selection" }];
  const drawn = new Set([start, ...lines.map(({ arm }) => arm)]);
  const controls =
    options.controls ?? [...new Set(rows.map(({ arm }) => arm))].filter((arm) => !drawn.has(arm));
  const series = lines.map(({ arm, label = arm }, i) => ({
    label,
    colour: SERIES[i % SERIES.length],
    rows: seriesRows(rows, arm, start),
  }));
  const levels = rows.filter(({ arm }) => controls.includes(arm));
  const shown = [...series.flatMap((line) => line.rows), ...levels];
  const high = Math.min(104, 100 * Math.max(0.05, ...shown.map(({ ci95 }) => ci95[1])) * 1.06);
  const labels: EdgeLabel[] = [
    ...series.flatMap(({ label, colour, rows: own }) => edgeLabel(own.at(-1), label, colour, high)),
    ...levels.flatMap((row) => edgeLabel(row, row.arm, COLOURS.grey, high)),
  ];
  const plotHeight = Math.max(340, 22 * labels.length);
  const { annotations, shapes, room } = edgeLabels(labels, plotHeight);
  const lastRound = Math.max(0, ...series.flatMap((line) => line.rows.map(({ round }) => round)));
  const rounds = Array.from({ length: lastRound + 1 }, (_, round) => round);
  return makeFigure({
    title: options.title,
    note: options.note ?? "Vertical bars: 95% intervals. Dashed: arms without an outer loop.",
    margin: { left: LEFT, right: room, bottom: BOTTOM },
    plotHeight,
    data: [
      ...series.map(({ label, colour, rows: own }, i) =>
        lineTrace(own, label, colour, (i - (series.length - 1) / 2) * 0.05, start),
      ),
      ...rows
        .filter((row) => row.arm === start && row.round === 0)
        .map((row) => ({
          ...lineTrace([row], start, COLOURS.ink, 0),
          marker: { color: COLOURS.ink, size: 11 },
        })),
    ],
    layout: {
      xaxis: axis("Round of ReST-EM", {
        range: [-0.15, lastRound + 0.15],
        tickvals: rounds,
        ticktext: rounds.map((round) => (round === 0 ? "0 (untrained)" : String(round))),
        showgrid: false,
      }),
      yaxis: axis("Held-out questions answered correctly (%)", {
        range: [0, high],
        tickvals: niceTicks(0, Math.min(high, 100)),
      }),
      annotations,
      shapes: [...levels.map((row) => controlLine(100 * row.accuracy)), ...shapes],
    },
  });
}

function seriesRows(rows: readonly AccuracyRow[], arm: string, start: string): AccuracyRow[] {
  const own = rows.filter((row) => row.arm === arm);
  const first = own.some(({ round }) => round === 0)
    ? []
    : rows.filter((row) => row.arm === start && row.round === 0);
  return [...first, ...own].sort((a, b) => a.round - b.round);
}

function edgeLabel(
  row: AccuracyRow | undefined,
  label: string,
  colour: string,
  high: number,
): EdgeLabel[] {
  if (!row) return [];
  return [
    { text: `${label} ${percent(row.accuracy)}`, colour, height: (100 * row.accuracy) / high },
  ];
}

function controlLine(y: number): PlotlyObject {
  return {
    type: "line",
    ...{ xref: "paper", x0: 0, x1: 1, yref: "y", y0: y, y1: y },
    layer: "below",
    line: { color: COLOURS.grey, width: 1.4, dash: "dash" },
  };
}

function lineTrace(
  rows: readonly AccuracyRow[],
  name: string,
  color: string,
  shift: number,
  start?: string,
): PlotlyObject {
  return {
    type: "scatter",
    mode: "lines+markers",
    name,
    // Side by side, so that the intervals of two lines do not cover each other; the start is shared.
    x: rows.map(({ arm, round }) => (arm === start ? round : round + shift)),
    y: rows.map(({ accuracy }) => 100 * accuracy),
    error_y: {
      type: "data",
      symmetric: false,
      array: rows.map(({ arm, accuracy, ci95 }) =>
        arm === start ? null : 100 * (ci95[1] - accuracy),
      ),
      arrayminus: rows.map(({ arm, accuracy, ci95 }) =>
        arm === start ? null : 100 * (accuracy - ci95[0]),
      ),
      ...{ color, thickness: 1.6, width: 5 },
    },
    line: { color, width: 2.5 },
    marker: { color, size: 8 },
    hovertemplate: `${name}: %{y:.1f}%<extra></extra>`,
  };
}

/** The rewards of one round's candidates, from 0 to 1. */
export interface RoundRewards {
  /** Round of the outer loop; 0 before any. */
  round: number;
  /** One of each candidate. */
  rewards: readonly number[];
}

/** Settings of `figureRewardDistribution`. */
export interface RewardDistributionOptions extends FigureOptions {
  /** Smaller, under the title; says what is drawn unless told. */
  readonly note?: string;
  /** Bins are centred on multiples of 1 / `steps`; 20 unless told. */
  readonly steps?: number;
}

/**
 * A histogram of the candidates' rewards for each round, one above the other, with the mean marked. Bins are centred on
 * multiples of 1 / `steps`: where a reward is a share of n questions, n makes every possible reward a bin of its own.
 */
export function figureRewardDistribution(
  groups: readonly RoundRewards[],
  { title, note, steps = 20 }: RewardDistributionOptions,
): Figure {
  const shares = groups.map(({ rewards }) => histogram(rewards, steps));
  const top = Math.max(1e-9, ...shares.flat()) * 1.3;
  const panel = 1 / groups.length;
  const axes: PlotlyObject = {};
  const annotations: PlotlyObject[] = [];
  const shapes: PlotlyObject[] = [];
  groups.forEach(({ round, rewards }, i) => {
    const suffix = i === 0 ? "" : String(i + 1);
    const domain = [1 - (i + 1) * panel, 1 - i * panel - 0.2 * panel];
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / Math.max(1, rewards.length);
    const last = i === groups.length - 1;
    axes[`yaxis${suffix}`] = axis("", {
      domain,
      range: [0, top],
      tickformat: ".0%",
      nticks: 4,
      anchor: "x",
    });
    shapes.push({
      type: "line",
      ...{ xref: "x", x0: mean, x1: mean, yref: `y${suffix}`, y0: 0, y1: top },
      line: { color: COLOURS.vermilion, width: 2 },
    });
    annotations.push(meanLabel(mean, `y${suffix}`, top));
    annotations.push({
      text: `<b>${round === 0 ? "untrained" : `round ${round}`}</b> (${rewards.length} candidates)`,
      ...{ xref: "paper", x: 0, xanchor: "left", xshift: 4 },
      ...{ yref: "paper", y: domain[1], yanchor: "bottom", showarrow: false },
    });
    if (last)
      axes.xaxis = axis("Reward of a candidate (share of questions right)", {
        range: [-0.6 / steps, 1 + 0.6 / steps],
        tickvals: Array.from({ length: steps + 1 }, (_, i) => i / steps),
        ticktext: Array.from({ length: steps + 1 }, (_, i) => tickLabel(i, steps)),
        anchor: `y${suffix}`,
      });
  });
  annotations.push({
    text: "Share of candidates",
    textangle: -90,
    ...{
      xref: "paper",
      x: 0,
      xshift: -54,
      xanchor: "center",
      yref: "paper",
      y: 0.5,
      yanchor: "middle",
      showarrow: false,
    },
  });
  return makeFigure({
    title,
    note: note ?? "Orange lines: means.",
    margin: { left: LEFT + 8, right: 24, bottom: BOTTOM },
    plotHeight: Math.max(200, 130 * groups.length),
    data: shares.map((values, i) => ({
      type: "bar",
      x: values.map((_, bin) => bin / steps),
      y: values,
      width: 0.9 / steps,
      xaxis: "x",
      yaxis: i === 0 ? "y" : `y${i + 1}`,
      marker: { color: COLOURS.blue, opacity: 0.7 },
      hovertemplate: "%{y:.1%}<extra></extra>",
    })),
    layout: { ...axes, annotations, shapes },
  });
}

function meanLabel(mean: number, yref: string, top: number): PlotlyObject {
  const right = mean < 0.8;
  return {
    text: `mean ${mean.toFixed(2)}`,
    font: { color: COLOURS.vermilion },
    bgcolor: "rgba(255,255,255,0.85)",
    ...{ xref: "x", x: mean, xanchor: right ? "left" : "right", xshift: right ? 4 : -4 },
    ...{ yref, y: top, yanchor: "top", showarrow: false },
  };
}

/** Few bins are labelled as shares of the questions, many only at every fifth. */
function tickLabel(bin: number, steps: number): string {
  if (bin === 0 || bin === steps) return String(bin / steps);
  if (steps <= 12) return `${bin}/${steps}`;
  return bin % Math.round(steps / 5) === 0 ? String(bin / steps) : "";
}

/** Shares of the values by nearest multiple of 1 / steps. */
function histogram(values: readonly number[], steps: number): number[] {
  const counts = new Array<number>(steps + 1).fill(0);
  for (const value of values) {
    counts[Math.min(steps, Math.max(0, Math.round(value * steps)))]++;
  }
  return counts.map((count) => count / Math.max(1, values.length));
}

/** The share of each style among one round's self-edits; the shares sum to 1. */
export interface RoundStyles {
  /** Round of the outer loop; 0 before any. */
  round: number;
  /** Share of each style. */
  shares: Readonly<Record<string, number>>;
}

/** Stacked columns: what the self-edits of each round are made of. */
export function figureSelfEditStyles(
  rounds: readonly RoundStyles[],
  { title, note }: FigureOptions,
): Figure {
  const styles = [...new Set(rounds.flatMap(({ shares }) => Object.keys(shares)))];
  const last = rounds.at(-1)?.shares ?? {};
  let below = 0;
  const labels = styles.map((style, i) => {
    const share = last[style] ?? 0;
    below += share;
    return { text: style, colour: SERIES[i % SERIES.length], height: below - share / 2 };
  });
  const plotHeight = 340;
  const { annotations, shapes, room } = edgeLabels(labels, plotHeight);
  return makeFigure({
    title,
    note,
    margin: { left: LEFT, right: room, bottom: BOTTOM },
    plotHeight,
    data: styles.map((style, i) => ({
      type: "bar",
      name: style,
      x: rounds.map((_, column) => column),
      y: rounds.map(({ shares }) => 100 * (shares[style] ?? 0)),
      width: 0.72,
      marker: { color: SERIES[i % SERIES.length], line: { color: "white", width: 1 } },
      text: rounds.map(({ shares }) =>
        (shares[style] ?? 0) >= 0.06 ? `${(100 * shares[style]).toFixed(0)}%` : "",
      ),
      textposition: "inside",
      insidetextanchor: "middle",
      textangle: 0,
      insidetextfont: { color: "white" },
      hovertemplate: `${style}: %{y:.1f}%<extra></extra>`,
    })),
    layout: {
      barmode: "stack",
      xaxis: axis("Round of ReST-EM", {
        range: [-0.5, rounds.length - 0.6],
        tickvals: rounds.map((_, column) => column),
        ticktext: rounds.map(({ round }) => (round === 0 ? "0 (untrained)" : String(round))),
        showgrid: false,
      }),
      yaxis: axis("Share of self-edits (%)", { range: [0, 100], tickvals: niceTicks(0, 100, 5) }),
      annotations,
      shapes,
    },
  });
}
