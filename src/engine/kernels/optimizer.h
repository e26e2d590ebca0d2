// Sums of squares and AdamW steps of stacked adapters, in place; and the loss of a row of logits.
#pragma once
#include "call.h"
#include "pointwise.h"

// [layers, k, rows, columns] -> sum of squares of each k
inline void squares(Call& call, const Attributes&) {
  const Index layers = call.dim(0, 0), count = call.dim(0, 1), size = call.dim(0, 2) * call.dim(0, 3);
  const float* x = call.floats(0);
  float* out = call.output(0, {count});
  std::vector<double> sums(layers * count);
  Threads::get().run(layers * count, [&](Index task) {
    float parts[64] = {};
    const float* from = x + task * size;
    for (Index i = 0; i + 64 <= size; i += 64)
      for (Index j = 0; j < 64; j++) parts[j] += from[i + j] * from[i + j];
    double sum = 0;
    for (Index i = size / 64 * 64; i < size; i++) sum += from[i] * from[i];
    for (float part : parts) sum += part;
    sums[task] = sum;
  });
  for (Index k = 0; k < count; k++) {
    double sum = 0;
    for (Index l = 0; l < layers; l++) sum += sums[l * count + k];
    out[k] = (float)sum;
  }
}

// parameter, first and second moment in place, gradient, factors [k, 4] (gradient, parameter, rate, epsilon): see optimizer.ts
inline void adam(Call& call, const Attributes&) {
  const Index layers = call.dim(0, 0), count = call.dim(0, 1), size = call.dim(0, 2) * call.dim(0, 3);
  float *parameter = call.floats(0), *first = call.floats(1), *second = call.floats(2);
  const float *gradient = call.floats(3), *factors = call.floats(4);
  call.output(0, {0});
  Threads::get().run(layers * count, [=](Index task) {
    const float *f = factors + task % count * 4, scale = f[0], keep = f[1], rate = f[2], epsilon = f[3];
    float *p = parameter + task * size, *m = first + task * size, *v = second + task * size;
    const float* g = gradient + task * size;
    for (Index i = 0; i < size; i++) {
      const float x = g[i] * scale;
      m[i] = m[i] * 0.9f + x;
      v[i] = v[i] * 0.999f + x * x;
      p[i] = p[i] * keep - m[i] / (std::sqrt(v[i]) + epsilon) * rate;
    }
  });
}

// logits [n, vocabulary], in place turned into the gradient of weight times loss; labels [n], weights [n] -> losses [n]
inline void crossEntropy(Call& call, const Attributes&) {
  const Index n = call.dim(0, 0), size = call.dim(0, 1);
  float* logits = call.floats(0);
  const int32_t* labels = call.ints(1);
  const float* weights = call.floats(2);
  float* losses = call.output(0, {n});
  Threads::get().run(n, [=](Index r) {
    float *x = logits + r * size, most = -INFINITY, sum = 0;
    for (Index i = 0; i < size; i++) most = x[i] > most ? x[i] : most;
    const float own = x[labels[r]] - most;
    for (Index i = 0; i < size; i++) x[i] = exponential(x[i] - most);
    for (Index i = 0; i < size; i++) sum += x[i];
    losses[r] = std::log(sum) - own;
    const float share = weights[r] / sum;
    for (Index i = 0; i < size; i++) x[i] *= share;
    x[labels[r]] -= weights[r];
  });
}
