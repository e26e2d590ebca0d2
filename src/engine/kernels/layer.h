// A whole transformer layer with K stacked adapters, forward and back. What the way back can quickly make again (norms, the gated
// unit, rotated keys) is not kept.
#pragma once
#include "adapters.h"
#include "attention.h"

// A layer's inputs, from `at` on in this order; both operations have them. scratch slots 10 to 16 are the layer's.
struct Layer {
  const float *inputNorm, *bias, *outputNorm;
  Index hidden;  // Numbers of a token's state.
  Weight queryKeyValue, output, down, gateUp;
  Attention attention;
  Ranges ranges;
  std::vector<Adapters> adapters;
  Index n, width = 0;  // Tokens, and the numbers of the x A's of each.
  float epsilon;

  Layer(Call& call, const Attributes& attributes, Index n, int& at)
      : inputNorm(call.floats(at)),
        bias(call.dim(at + 2, 0) > 0 ? call.floats(at + 2) : nullptr),
        outputNorm(call.floats(at + 4)),
        hidden(call.dim(at, 0)),
        queryKeyValue(call, at + 1, (attributes.heads + 2 * attributes.keyHeads) * call.dim(at + 7, 1)),
        output(call, at + 3, hidden),
        down(call, at + 6, hidden),
        gateUp(call, at + 5, 2 * down.in),
        ranges{call.floats(at + 12), call.ints(at + 13)},
        n(n),
        epsilon(attributes.epsilon) {
    attention.n = n, attention.heads = attributes.heads, attention.keyHeads = attributes.keyHeads;
    attention.cos = call.floats(at + 7), attention.sin = call.floats(at + 8), attention.size = call.dim(at + 7, 1);
    attention.row = call.ints(at + 9), attention.rows = call.dim(at + 9, 0);
    if (call.dim(at + 10, 0) > 0) {
      attention.keys = call.floats(at + 10), attention.values = call.floats(at + 11), attention.time = call.dim(at + 10, 2);
    }
    at += 14;
    for (int p = 0; p < PROJECTIONS; p++) {
      adapters.emplace_back(call, attributes, p, ranges, at);
      width += adapters[p].width;
    }
  }
};

// x [n, h], then a layer's inputs -> its output [n, h], and where `keep` is set what the way back needs: 1 / rms [n], qkv,
// attended, the state between [n, h], 1 / rms, gate beside up, x A of all projections (one after another) [n, width].
inline void layerForward(Call& call, const Attributes& attributes) {
  const Index n = call.dim(0, 0);
  const float* x = call.floats(0);
  int at = 1;
  Layer l(call, attributes, n, at);
  const Index h = l.hidden, m = l.down.in, kept = attributes.keep ? n : 0;
  float* out = call.output(0, {n, h});
  const auto saved = [&](int i, Index width, int slot) {
    float* place = call.output(i, {kept, width});
    return attributes.keep ? place : scratch(slot, n * width);
  };
  float *inverse = saved(1, 1, 10), *qkv = saved(2, l.queryKeyValue.out, 11), *attended = saved(3, l.output.in, 12);
  float *middle = saved(4, h, 13), *outputInverse = saved(5, 1, 10), *gateUp = saved(6, 2 * m, 16), *hidden = saved(7, l.width, 14);
  float* y = scratch(15, n * std::max(h, m));
  norm(x, l.inputNorm, n, h, l.epsilon, y, inverse);
  project(y, n, l.queryKeyValue, l.adapters[0], hidden, qkv);
  if (l.bias)
    forTokens(n, [&](Index t) {
      for (Index i = 0; i < l.queryKeyValue.out; i++) qkv[t * l.queryKeyValue.out + i] += l.bias[i];
    });
  l.attention.qkv = qkv;
  attend(l.attention, attended);
  std::memcpy(middle, x, n * h * 4);
  project(attended, n, l.output, l.adapters[1], hidden += n * l.adapters[0].width, middle, true);
  norm(middle, l.outputNorm, n, h, l.epsilon, y, outputInverse);
  project(y, n, l.gateUp, l.adapters[2], hidden += n * l.adapters[1].width, gateUp);
  gated(gateUp, n, m, y);
  std::memcpy(out, middle, n * h * 4);
  project(y, n, l.down, l.adapters[3], hidden += n * l.adapters[2].width, out, true);
}

// Gradient of the output, x, what was kept, a layer's inputs, then for each projection where the gradients of A and the B's go ->
// gradient of x, or of no size without `keep`.
inline void layerGradient(Call& call, const Attributes& attributes) {
  const Index n = call.dim(0, 0), h = call.dim(0, 1);
  const float *g = call.floats(0), *x = call.floats(1), *qkv = call.floats(3), *attended = call.floats(4), *middle = call.floats(5);
  const float *gateUp = call.floats(7), *hidden = call.floats(8);
  float *inverse = call.floats(2), *outputInverse = call.floats(6);
  int at = 9;
  Layer l(call, attributes, n, at);
  l.attention.qkv = qkv;
  std::vector<Adapters> into;
  std::vector<const float*> hiddens{hidden};
  for (const Adapters& own : l.adapters) {
    into.push_back(own.gradients(call, at));
    hiddens.push_back(hiddens.back() + n * own.width);
  }
  const Index m = l.down.in, wide = std::max(std::max(h, 2 * m), l.queryKeyValue.out);
  float *y = scratch(10, n * std::max(h, m)), *a = scratch(11, n * wide), *b = scratch(12, n * wide), *between = scratch(13, n * h);
  // What a projection read is only needed for the gradient of its A.
  if (l.adapters[3].targets) gated(gateUp, n, m, y);
  projectGradient(g, y, n, l.down, l.adapters[3], into[3], hiddens[3], a);
  gatedGradient(a, gateUp, n, m, b);
  if (l.adapters[2].targets) norm(middle, l.outputNorm, n, h, l.epsilon, y, outputInverse, true);
  projectGradient(b, y, n, l.gateUp, l.adapters[2], into[2], hiddens[2], a);
  std::memcpy(between, g, n * h * 4);
  normGradient(a, middle, outputInverse, l.outputNorm, n, h, between);
  projectGradient(between, attended, n, l.output, l.adapters[1], into[1], hiddens[1], a);
  attendGradient(l.attention, a, b);
  if (l.adapters[0].targets) norm(x, l.inputNorm, n, h, l.epsilon, y, inverse, true);
  projectGradient(b, y, n, l.queryKeyValue, l.adapters[0], into[0], hiddens[0], attributes.keep ? a : nullptr);
  float* dx = call.output(0, {attributes.keep ? n : 0, h});
  if (!attributes.keep) return;
  std::memcpy(dx, between, n * h * 4);
  normGradient(a, x, inverse, l.inputNorm, n, h, dx);
}
