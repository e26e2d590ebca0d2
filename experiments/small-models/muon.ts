/** Muon for hidden matrices and AdamW (without decay) for the rest: full-weight training steps over named variables. */
import * as tf from "@tensorflow/tfjs";

/** Rates of both optimizers at their peak; `share` of them is applied in a step. */
export interface FullOptimizerSettings {
  readonly muonRate: number;
  readonly muonMomentum: number;
  readonly adamRate: number;
  readonly adamBeta1: number;
  readonly adamBeta2: number;
}

/** One optimizer state per variable: `momentum` for Muon, `first` and `second` for AdamW, by variable name. */
export type OptimizerState = Map<string, tf.Variable>;

const quintic = [3.4445, -4.775, 2.0315] as const;
const newtonSchulzSteps = 5;

/**
 * The nearest semi-orthogonal matrices, roughly: five quintic Newton-Schulz iterations
 * (Jordan et al. 2024, Muon). x [count, rows, columns] with rows <= columns.
 */
export function orthogonalize(x: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const [a, b, c] = quintic;
    const norm = tf.sqrt(tf.sum(tf.square(x), [1, 2], true));
    let y = tf.div(x, tf.add(norm, 1e-7)) as tf.Tensor3D;
    for (let i = 0; i < newtonSchulzSteps; i++) {
      const gram = tf.matMul(y, y, false, true);
      const polynomial = tf.add(tf.mul(gram, b), tf.mul(tf.matMul(gram, gram), c));
      y = tf.add(tf.mul(y, a), tf.matMul(polynomial as tf.Tensor3D, y)) as tf.Tensor3D;
    }
    return y;
  });
}

/** Whether Muon moves a variable: the matrices of the layers, not the embedding. */
export function isMuonMatrix(name: string): boolean {
  return name.includes(".layers.") && !name.includes("norm");
}

/** Zeroed states for every variable. */
export function createOptimizerState(variables: ReadonlyMap<string, tf.Variable>): OptimizerState {
  const state: OptimizerState = new Map();
  for (const [name, variable] of variables) {
    const parts = isMuonMatrix(name) ? ["momentum"] : ["first", "second"];
    for (const part of parts)
      state.set(
        `${part}:${name}`,
        tf.tidy(() => tf.variable(tf.zerosLike(variable), false)),
      );
  }
  return state;
}

/** One step of both optimizers. `step` counts from 1; `share` scales the rates (the schedule). */
export function optimizerStep(
  variables: ReadonlyMap<string, tf.Variable>,
  gradients: Readonly<Record<string, tf.Tensor>>,
  state: OptimizerState,
  settings: FullOptimizerSettings,
  step: number,
  share: number,
): void {
  tf.tidy(() => {
    muonStep(variables, gradients, state, settings, share);
    for (const [name, variable] of variables) {
      if (isMuonMatrix(name)) continue;
      adamStep(name, variable, gradients[name], state, settings, step, share);
    }
  });
}

/** Matrices of one shape are orthogonalized together, lying down ([rows <= columns]). */
function muonStep(
  variables: ReadonlyMap<string, tf.Variable>,
  gradients: Readonly<Record<string, tf.Tensor>>,
  state: OptimizerState,
  { muonMomentum, muonRate }: FullOptimizerSettings,
  share: number,
): void {
  const groups = new Map<string, { name: string; direction: tf.Tensor2D }[]>();
  for (const name of variables.keys()) {
    if (!isMuonMatrix(name)) continue;
    const momentum = state.get(`momentum:${name}`)!;
    momentum.assign(tf.add(tf.mul(momentum, muonMomentum), gradients[name]));
    const nesterov = tf.add(gradients[name], tf.mul(momentum, muonMomentum)) as tf.Tensor2D;
    const direction = isTall(nesterov) ? tf.transpose(nesterov) : nesterov;
    const key = direction.shape.join("x");
    groups.set(key, [...(groups.get(key) ?? []), { name, direction }]);
  }
  for (const group of groups.values()) {
    const stacked = tf.stack(group.map(({ direction }) => direction)) as tf.Tensor3D;
    tf.unstack(orthogonalize(stacked)).forEach((update, i) => {
      const variable = variables.get(group[i].name) as tf.Variable<tf.Rank.R2>;
      const [rows, columns] = variable.shape;
      const rate = muonRate * share * Math.sqrt(Math.max(1, rows / columns));
      const upright = isTall(variable) ? tf.transpose(update) : update;
      variable.assign(tf.sub(variable, tf.mul(upright, rate)));
    });
  }
}

function isTall(matrix: tf.Tensor2D): boolean {
  return matrix.shape[0] > matrix.shape[1];
}

function adamStep(
  name: string,
  variable: tf.Variable,
  gradient: tf.Tensor,
  state: OptimizerState,
  { adamRate, adamBeta1, adamBeta2 }: FullOptimizerSettings,
  step: number,
  share: number,
): void {
  const first = state.get(`first:${name}`)!;
  const second = state.get(`second:${name}`)!;
  first.assign(tf.add(tf.mul(first, adamBeta1), tf.mul(gradient, 1 - adamBeta1)));
  second.assign(tf.add(tf.mul(second, adamBeta2), tf.mul(tf.square(gradient), 1 - adamBeta2)));
  const scale = Math.sqrt(1 - adamBeta2 ** step) / (1 - adamBeta1 ** step);
  const change = tf.div(first, tf.add(tf.sqrt(second), 1e-8));
  variable.assign(tf.sub(variable, tf.mul(change, adamRate * share * scale)));
}
