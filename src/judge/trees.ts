/** Gradient-boosted trees for a yes/no label: prediction, and a small deterministic trainer. What the inputs mean is elsewhere. */

/** A tree in arrays: node n goes to 2n+1 where x[feature] <= threshold, else to 2n+2; feature -1 marks a leaf of that value. */
export interface Tree {
  readonly feature: readonly number[];
  /** The threshold of a split; the value (log-odds) of a leaf. */
  readonly value: readonly number[];
}

/** A sum of trees on the log-odds scale. */
export interface TreeModel {
  readonly bias: number;
  readonly trees: readonly Tree[];
}

/** How to grow the trees. */
export interface TreeSettings {
  readonly trees: number;
  readonly depth: number;
  readonly rate: number;
  /** Smallest sum of second derivatives (p(1-p)) in a leaf. */
  readonly leafWeight: number;
  /** L2 penalty on leaf values. */
  readonly penalty: number;
}

/** The log-odds of the label for one feature vector. */
export function treeLogOdds(model: TreeModel, x: readonly number[]): number {
  return model.trees.reduce((sum, tree) => {
    let node = 0;
    while (tree.feature[node] >= 0) {
      node = 2 * node + (x[tree.feature[node]] <= tree.value[node] ? 1 : 2);
    }
    return sum + tree.value[node];
  }, model.bias);
}

/** 1 / (1 + exp(-x)). */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

const BINS = 32;

/** Fits by Newton boosting on binned features. rows [n][features], labels [n], weights [n]. */
export function fitTrees(
  rows: readonly (readonly number[])[],
  labels: readonly boolean[],
  weights: readonly number[],
  settings: TreeSettings,
): TreeModel {
  const cuts = rows[0].map((_, f) => quantileCuts(rows.map((row) => row[f])));
  const binned = cuts.map((cut, f) => Uint8Array.from(rows, (row) => binOf(cut, row[f])));
  const share = sumOf(weights.map((w, i) => (labels[i] ? w : 0))) / sumOf(weights);
  const bias = Math.log(share / (1 - share));
  const odds = Float64Array.from(rows, () => bias);
  const trees: Tree[] = [];
  for (let t = 0; t < settings.trees; t++) {
    const slope = Float64Array.from(odds, (o, i) => weights[i] * (Number(labels[i]) - sigmoid(o)));
    const bend = Float64Array.from(odds, (o) => sigmoid(o) * (1 - sigmoid(o))).map(
      (b, i) => b * weights[i],
    );
    const tree = growTree(binned, cuts, slope, bend, settings);
    trees.push(tree);
    rows.forEach((row, i) => (odds[i] += treeLogOdds({ bias: 0, trees: [tree] }, row)));
  }
  return { bias, trees };
}

function growTree(
  binned: readonly Uint8Array[],
  cuts: readonly (readonly number[])[],
  slope: Float64Array,
  bend: Float64Array,
  settings: TreeSettings,
): Tree {
  const feature: number[] = [];
  const value: number[] = [];
  const grow = (node: number, members: readonly number[], depth: number): void => {
    const g = sumOf(members.map((i) => slope[i]));
    const h = sumOf(members.map((i) => bend[i]));
    const split =
      depth < settings.depth ? bestSplit(binned, members, slope, bend, g, h, settings) : undefined;
    feature[node] = split ? split.feature : -1;
    value[node] = split
      ? cuts[split.feature][split.bin]
      : (settings.rate * g) / (h + settings.penalty);
    if (!split) return;
    const left = (i: number): boolean => binned[split.feature][i] <= split.bin;
    grow(2 * node + 1, members.filter(left), depth + 1);
    grow(
      2 * node + 2,
      members.filter((i) => !left(i)),
      depth + 1,
    );
  };
  grow(0, Array.from(slope.keys()), 0);
  return {
    feature: Array.from(feature, (f) => f ?? -1),
    value: Array.from(value, (v) => v ?? 0),
  };
}

function bestSplit(
  binned: readonly Uint8Array[],
  members: readonly number[],
  slope: Float64Array,
  bend: Float64Array,
  g: number,
  h: number,
  { leafWeight, penalty }: TreeSettings,
): { feature: number; bin: number } | undefined {
  const score = (a: number, b: number): number => (a * a) / (b + penalty);
  let found: { feature: number; bin: number } | undefined;
  let most = score(g, h) + 1e-6;
  binned.forEach((bins, feature) => {
    const [gs, hs] = [new Float64Array(BINS), new Float64Array(BINS)];
    for (const i of members) {
      gs[bins[i]] += slope[i];
      hs[bins[i]] += bend[i];
    }
    let [gl, hl] = [0, 0];
    for (let bin = 0; bin < BINS - 1; bin++) {
      gl += gs[bin];
      hl += hs[bin];
      if (hl < leafWeight) continue;
      if (h - hl < leafWeight) break;
      const gain = score(gl, hl) + score(g - gl, h - hl);
      if (gain > most) [most, found] = [gain, { feature, bin }];
    }
  });
  return found;
}

function quantileCuts(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const distinct = [...new Set(sorted)];
  const edges =
    distinct.length <= BINS
      ? distinct.slice(0, -1).map((value, i) => (value + distinct[i + 1]) / 2)
      : [
          ...new Set(
            Array.from(
              { length: BINS - 1 },
              (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)],
            ),
          ),
        ];
  return edges.map((edge) => Number(edge.toFixed(4)));
}

function binOf(cuts: readonly number[], value: number): number {
  let bin = 0;
  while (bin < cuts.length && value > cuts[bin]) bin++;
  return bin;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
