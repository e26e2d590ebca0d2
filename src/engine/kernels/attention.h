// Causal grouped-query attention with rotary positions, over a flat list of tokens, and its gradient.
#pragma once
#include "pointwise.h"

constexpr Index QUERIES = 64;  // Query tokens of a block.

// What attention works on: qkv [n, (heads + 2 keyHeads) size], cos and sin [positions, size], rows [rows, 4] (first token, tokens,
// position of the first, keys that may be read). In decoding keys and values [rows, keyHeads, time, size] are read and the new
// tokens' put in place; without, every row begins at position 0 and is whole.
struct Attention {
  Index n, heads, keyHeads, size, rows;
  const float *qkv, *cos, *sin;
  const int32_t* row;
  float *keys = nullptr, *values = nullptr;
  Index time = 0;

  Index width() const { return (heads + 2 * keyHeads) * size; }
  Index group() const { return heads / keyHeads; }

  // Calls work(row, key head) on all threads.
  template <typename Work>
  void forHeads(Work work) const {
    Threads::get().run(rows * keyHeads, [&](Index task) { work(row + task / keyHeads * 4, task % keyHeads); });
  }

  // The rotated keys [time, size] of a row's head, and its values.
  const float* readKeys(const int32_t* r, Index g) const {
    float* to = keys ? keys + placeOf(r, g) : scratch(8, r[1] * size);
    for (Index t = 0; t < r[1]; t++) {
      const Index place = r[2] + t;
      rotate(qkv + (r[0] + t) * width() + (heads + g) * size, cos + place * size, sin + place * size, size, 1, 1, to + place * size);
    }
    return to;
  }
  Matrix readValues(const int32_t* r, Index g) const {
    const float* from = qkv + r[0] * width() + (heads + keyHeads + g) * size;
    if (!values) return {from, width(), 1};
    float* to = values + placeOf(r, g);
    for (Index t = 0; t < r[1]; t++) std::memcpy(to + (r[2] + t) * size, from + t * width(), size * 4);
    return {to, size, 1};
  }

  // The heads of one block of queries below one another, rotated and scaled, and their attention weights.
  void weights(const int32_t* r, Index g, Index first, Index count, const float* k, float* q, float* p, Index keysSeen) const {
    const float scale = 1 / std::sqrt((float)size);
    for (Index h = 0; h < group(); h++)
      for (Index t = 0; t < count; t++) {
        const Index place = r[2] + first + t;
        rotate(qkv + (r[0] + first + t) * width() + (g * group() + h) * size, cos + place * size, sin + place * size, size, 1, scale,
               q + (h * count + t) * size);
      }
    product({q, size, 1}, {k, 1, size}, group() * count, size, keysSeen, p, keysSeen);
    for (Index i = 0; i < group() * count; i++) {
      float *s = p + i * keysSeen, most = -1e30f, sum = 0;
      const Index seen = std::min<Index>(r[2] + first + i % count + 1, r[3]);
      for (Index j = 0; j < seen; j++) most = std::max(most, s[j]);
      for (Index j = 0; j < seen; j++) s[j] = exponential(s[j] - most);
      for (Index j = 0; j < seen; j++) sum += s[j];
      const float share = 1 / sum;
      for (Index j = 0; j < seen; j++) s[j] *= share;
      for (Index j = seen; j < keysSeen; j++) s[j] = 0;
    }
  }

 private:
  Index placeOf(const int32_t* r, Index g) const { return ((r - row) / 4 * keyHeads + g) * time * size; }
};

// -> out [n, heads size]
inline void attend(const Attention& a, float* out) {
  a.forHeads([&](const int32_t* r, Index g) {
    const Index size = a.size, group = a.group();
    const float* k = a.readKeys(r, g);
    const Matrix v = a.readValues(r, g);
    for (Index first = 0; first < r[1]; first += QUERIES) {
      const Index count = std::min<Index>(QUERIES, r[1] - first), seen = r[2] + first + count;
      float *q = scratch(1, group * count * size), *p = scratch(2, group * count * seen);
      a.weights(r, g, first, count, k, q, p, seen);
      product({p, seen, 1}, v, group * count, seen, size, q, size);
      for (Index h = 0; h < group; h++)
        for (Index t = 0; t < count; t++)
          std::memcpy(out + ((r[0] + first + t) * a.heads + g * group + h) * size, q + (h * count + t) * size, size * 4);
    }
  });
}

// gradient [n, heads size] -> gradient of qkv, for whole rows
inline void attendGradient(const Attention& a, const float* gradient, float* out) {
  a.forHeads([&](const int32_t* r, Index g) {
    const Index size = a.size, group = a.group(), width = a.width();
    const float *k = a.readKeys(r, g), scale = 1 / std::sqrt((float)size);
    const Matrix v = a.readValues(r, g);
    float *keyGradient = scratch(6, r[1] * size), *valueGradient = scratch(7, r[1] * size);
    std::memset(keyGradient, 0, r[1] * size * 4);
    std::memset(valueGradient, 0, r[1] * size * 4);
    for (Index first = 0; first < r[1]; first += QUERIES) {
      const Index count = std::min<Index>(QUERIES, r[1] - first), rows = group * count, seen = first + count;
      float *q = scratch(1, rows * size), *p = scratch(2, rows * seen), *o = scratch(3, rows * size);
      float *s = scratch(4, rows * seen), *queryGradient = scratch(5, rows * size);
      a.weights(r, g, first, count, k, q, p, seen);
      for (Index h = 0; h < group; h++)
        for (Index t = 0; t < count; t++)
          std::memcpy(o + (h * count + t) * size, gradient + ((r[0] + first + t) * a.heads + g * group + h) * size, size * 4);
      product({o, size, 1}, v.transposed(), rows, size, seen, s, seen);
      product({p, 1, seen}, {o, size, 1}, seen, rows, size, valueGradient, size, 1, true);
      for (Index i = 0; i < rows; i++) {
        float *si = s + i * seen, *pi = p + i * seen, along = 0;
        for (Index j = 0; j < seen; j++) along += si[j] * pi[j];
        for (Index j = 0; j < seen; j++) si[j] = pi[j] * (si[j] - along);
      }
      product({s, seen, 1}, {k, size, 1}, rows, seen, size, queryGradient, size);
      product({s, 1, seen}, {q, size, 1}, seen, rows, size, keyGradient, size, 1, true);
      for (Index h = 0; h < group; h++)
        for (Index t = 0; t < count; t++) {
          const float *cos = a.cos + (first + t) * size, *sin = a.sin + (first + t) * size;
          rotate(queryGradient + (h * count + t) * size, cos, sin, size, -1, scale,
                 out + (r[0] + first + t) * width + (g * group + h) * size);
        }
    }
    for (Index t = 0; t < r[1]; t++) {
      float* to = out + (r[0] + t) * width + (a.heads + g) * size;
      rotate(keyGradient + t * size, a.cos + t * size, a.sin + t * size, size, -1, 1, to);
      std::memcpy(to + a.keyHeads * size, valueGradient + t * size, size * 4);
    }
  });
}
