// What a layer does to one token at a time: norms, the gated unit, rotary positions, and their gradients.
#pragma once
#include <cmath>

#include "product.h"

// e^x by the polynomial of Cephes' expf (relative error 2e-7), in a form that compilers vectorise.
inline float exponential(float x) {
  x = x > 88 ? 88 : x < -87 ? -87 : x;  // What is not a number stays so.
  const float n = std::floor(x * 1.44269504f + 0.5f);
  const float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const int32_t bits = ((int32_t)n + 127) << 23;
  float power;
  std::memcpy(&power, &bits, 4);
  return (p * r * r + r + 1) * power;
}

constexpr Index GRAIN = 8;  // Tokens that a thread takes at once.
template <typename Work>
void forTokens(Index count, Work work) {
  Threads::get().run((count + GRAIN - 1) / GRAIN, [&](Index block) {
    for (Index t = block * GRAIN; t < std::min(count, (block + 1) * GRAIN); t++) work(t);
  });
}

// RMSNorm of x [n, h] times the weight [h] -> y [n, h]. `inverse` [n], 1 / rms, is written, or read where it is `known`.
inline void norm(const float* x, const float* weight, Index n, Index h, float epsilon, float* y, float* inverse, bool known = false) {
  forTokens(n, [=](Index t) {
    const float* xt = x + t * h;
    float *yt = y + t * h, total = 0;
    if (!known) {
      for (Index i = 0; i < h; i++) total += xt[i] * xt[i];
      inverse[t] = 1 / std::sqrt(total / h + epsilon);
    }
    const float s = inverse[t];
    for (Index i = 0; i < h; i++) yt[i] = xt[i] * s * weight[i];
  });
}

// to += gradient of norm's x, for the gradient of y; all [n, h].
inline void normGradient(const float* g, const float* x, const float* inverse, const float* w, Index n, Index h, float* to) {
  forTokens(n, [=](Index t) {
    const float *gt = g + t * h, *xt = x + t * h, s = inverse[t];
    float *out = to + t * h, along = 0;
    for (Index i = 0; i < h; i++) along += gt[i] * w[i] * xt[i];
    along *= s * s / h;
    for (Index i = 0; i < h; i++) out[i] += (gt[i] * w[i] - xt[i] * along) * s;
  });
}

// [n, 2 m], gate beside up -> silu(gate) up [n, m]
inline void gated(const float* x, Index n, Index m, float* out) {
  forTokens(n, [=](Index t) {
    const float *gate = x + t * 2 * m, *up = gate + m;
    float* to = out + t * m;
    for (Index i = 0; i < m; i++) to[i] = gate[i] / (1 + exponential(-gate[i])) * up[i];
  });
}

// gradient [n, m], [n, 2 m] -> [n, 2 m]
inline void gatedGradient(const float* g, const float* x, Index n, Index m, float* out) {
  forTokens(n, [=](Index t) {
    const float *gate = x + t * 2 * m, *up = gate + m, *gt = g + t * m;
    float* to = out + t * 2 * m;
    for (Index i = 0; i < m; i++) {
      const float sigmoid = 1 / (1 + exponential(-gate[i])), silu = gate[i] * sigmoid;
      to[i] = gt[i] * up[i] * (sigmoid + silu * (1 - sigmoid));
      to[m + i] = gt[i] * silu;
    }
  });
}

// Rotates a head by its position's angles (by the opposite ones with direction -1), times scale.
inline void rotate(const float* x, const float* cos, const float* sin, Index size, float direction, float scale, float* to) {
  const Index half = size / 2;
  for (Index i = 0; i < half; i++) {
    const float a = x[i], b = x[half + i], c = cos[i] * scale, s = sin[i] * scale * direction;
    to[i] = a * c - b * s;
    to[half + i] = b * c + a * s;
  }
}
