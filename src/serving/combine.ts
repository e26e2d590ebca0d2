/** Several adapters as one: for servers that add a single adapter to the weights that they were started with. */
import {
  adapterTensorName,
  moduleMatrices,
  orderedTargets,
  type Adapter,
  type HostTensor,
} from "../lora/adapter";
import { targetShape } from "../model/adapters";
import type { ModelConfig } from "../model/types";

/**
 * The adapter whose change of the weights is the sum of the others': A matrices under one another, B matrices side by
 * side with their scaling in them; ranks add up, and alpha is the rank, so that its own scaling is 1.
 */
export function combinedAdapter(config: ModelConfig, adapters: readonly Adapter[]): Adapter {
  // Servers do not read PEFT's patterns.
  if (adapters.length === 1 && !adapters[0].modules) return adapters[0];
  const rank = adapters.reduce((sum, adapter) => sum + adapter.rank, 0);
  const targets = orderedTargets([...new Set(adapters.flatMap((adapter) => adapter.targets))]);
  const tensors = new Map<string, HostTensor>();
  for (let layer = 0; layer < config.layerCount; layer++)
    for (const target of targets) {
      const { input, output } = targetShape(config, target);
      const a = new Float32Array(rank * input);
      const b = new Float32Array(output * rank);
      let start = 0;
      for (const adapter of adapters) {
        const own = moduleMatrices(adapter, layer, target);
        if (own) {
          a.set(own.a.values, start * input);
          for (let row = 0; row < output; row++)
            for (let r = 0; r < own.rank; r++)
              b[row * rank + start + r] = own.scaling * own.b.values[row * own.rank + r];
        }
        start += adapter.rank;
      }
      tensors.set(adapterTensorName(layer, target, "A"), { shape: [rank, input], values: a });
      tensors.set(adapterTensorName(layer, target, "B"), { shape: [output, rank], values: b });
    }
  return { rank, alpha: rank, dropout: 0, targets, tensors };
}
