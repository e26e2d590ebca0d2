/** The gradients by hand against finite differences of the loss, for every target of every layer. */
import * as tf from "@tensorflow/tfjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { startEngine } from "../../src/engine";
import { scoped } from "../../src/engine/scope";
import { createRandom } from "../../src/statistics/random";
import { createAdapter, type Adapter } from "../../src/lora/adapter";
import { layerAdapters, stackScaling, stackAdapters, stackShape } from "../../src/lora/stack";
import { TARGET_NAMES } from "../../src/model/adapters";
import { createLayout, disposeLayout } from "../../src/model/layout";
import { lossAndGradients, lossIndex, type Network } from "../../src/model/transformer";
import { randomNetwork, smallConfig } from "../model/random-network";

const test = suite("gradients");
const rows = [[[5, 9, 1, 30, 7, 7, 12]], [[3, 8, 22]]];

/** Weighted loss of both rows, and the gradients of both adapters' matrices as flat lists. */
async function evaluate(
  network: Network,
  adapters: Adapter[],
): Promise<{ loss: number; gradients: Float32Array[] }> {
  const shape = stackShape(network.config, adapters);
  const weights: number[] = [];
  const { losses, stacked } = scoped(() => {
    const stack = stackAdapters(shape, adapters);
    const scaling = stackScaling(adapters);
    const views = network.weights.layers.map((_, l) => layerAdapters(shape, stack, scaling, l));
    const layout = createLayout(rows);
    const tokens = rows.flatMap(([row], k) =>
      row.slice(1).map((label, t) => ({
        index: lossIndex(layout, k, t + 1),
        label,
        weight: 1 / (row.length - 1),
      })),
    );
    const parts: tf.Tensor[][] = [];
    const losses = lossAndGradients(network, views, layout, tokens, (gradients, layer) => {
      parts[layer] = Object.values(gradients)
        .flat()
        .flatMap((branch) => [branch.a, ...branch.b]);
    });
    disposeLayout(layout);
    weights.push(...tokens.map((token) => token.weight));
    return { losses, stacked: parts[0].map((_, i) => tf.stack(parts.map((layer) => layer[i]))) };
  });
  const values = await losses.data();
  const gradients = await Promise.all(stacked.map((gradient) => gradient.data<"float32">()));
  tf.dispose([losses, ...stacked]);
  return { loss: weights.reduce((sum, weight, i) => sum + weight * values[i], 0), gradients };
}

test("every target's gradient equals the slope of the loss", async () => {
  await startEngine();
  const network = randomNetwork({ ...smallConfig, queryKeyValueBias: false });
  const random = createRandom("gradients");
  const adapters = [0, 1].map(() => {
    const fresh = createAdapter(
      network.config,
      { rank: 2, alpha: 3, dropout: 0, targets: TARGET_NAMES },
      random,
    );
    const filled = [...fresh.tensors].map(
      ([name, { shape, values }]) =>
        [name, { shape, values: values.map(() => 0.3 * random.normal()) }] as const,
    );
    return { ...fresh, tensors: new Map(filled) };
  });
  const { gradients } = await evaluate(network, adapters);
  const direction = adapters.map(({ tensors }) =>
    [...tensors].map(([name, { values }]) => [name, values.map(() => random.normal())] as const),
  );
  // On a GPU's driver in software every product takes long: one target of attention, one of the rest.
  const targets: readonly string[] =
    process.env.SEAL_ENGINE === "webgpu" ? ["q_proj", "down_proj"] : TARGET_NAMES;
  for (const target of targets)
    for (const matrix of ["A", "B"]) {
      const moved = async (step: number): Promise<number> => {
        const there = adapters.map((adapter, k) => {
          const tensors = new Map(adapter.tensors);
          for (const [name, slope] of direction[k])
            if (name.includes(`${target}.lora_${matrix}`)) {
              const old = adapter.tensors.get(name);
              if (old)
                tensors.set(name, {
                  ...old,
                  values: old.values.map((v, i) => v + step * slope[i]),
                });
            }
          return { ...adapter, tensors };
        });
        return (await evaluate(network, there)).loss;
      };
      const slope = ((await moved(1e-3)) - (await moved(-1e-3))) / 2e-3;
      const along = dotAlong(network, adapters, direction, gradients, target, matrix);
      assert.ok(
        Math.abs(slope - along) < 1e-2 * Math.max(1, Math.abs(along)),
        `${target} ${matrix}: slope ${slope}, gradient ${along}`,
      );
    }
});

/** Gradient times direction over one target's matrices, the direction stacked in the gradients' own layout. */
function dotAlong(
  network: Network,
  adapters: Adapter[],
  direction: (readonly (readonly [string, Float32Array])[])[],
  gradients: Float32Array[],
  target: string,
  matrix: string,
): number {
  const masked = adapters.map((adapter, k) => ({
    ...adapter,
    tensors: new Map(
      direction[k].map(([name, values]) => {
        const { shape } = adapter.tensors.get(name) ?? { shape: [] };
        const used = name.includes(`${target}.lora_${matrix}`);
        return [name, { shape, values: used ? values : values.map(() => 0) }] as const;
      }),
    ),
  }));
  const stack = stackAdapters(stackShape(network.config, adapters), masked);
  const total = stack.reduce((sum, tensor, i) => {
    // Never computed with, so it can be read at once.
    const slope = Array.from(tensor.dataSync());
    return sum + slope.reduce((part, value, j) => part + value * gradients[i][j], 0);
  }, 0);
  tf.dispose(stack);
  return total;
}

test.run();
