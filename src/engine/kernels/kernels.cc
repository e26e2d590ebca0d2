// TensorFlow operations for a transformer layer with K stacked LoRA adapters, for the CPU: each does in one pass over memory
// what portable operations do in many. Registered when Node loads this library; src/engine/fused.ts calls them.
// Tokens lie in one flat list, adapter by adapter and row by row. All numbers are fp32; a kernel's own inputs named "…InPlace" are
// written to.
#include <cmath>
#include <memory>
#include <string>

#include "tensorflow.h"
#include "product.h"

namespace {
// The inputs, outputs and attributes of one call.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  TF_Tensor* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    tensors_.push_back(tensor);
    return tensor;
  }
  float* floats(int i) { return (float*)TF_TensorData(input(i)); }
  const int32_t* ints(int i) { return (const int32_t*)TF_TensorData(input(i)); }
  // The size of an axis, those below 0 counted from the last.
  Index dim(int i, int axis) {
    TF_Tensor* tensor = input(i);
    return TF_Dim(tensor, axis < 0 ? TF_NumDims(tensor) + axis : axis);
  }
  float* output(int i, std::vector<int64_t> shape) {
    size_t bytes = 4;
    for (int64_t size : shape) bytes *= size;
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, 1, shape.data(), (int)shape.size(), bytes, status_);
    tensors_.push_back(tensor);
    return (float*)TF_TensorData(tensor);
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
};

struct Attributes {
  int64_t integers[2] = {0, 0};  // Named first and N.
  float real = 0;
};

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

// x [n, h], delta [n, h] or nothing, weight [h] -> x + delta, its RMSNorm times the weight, 1 / rms [n]
void norm(Call& call, const Attributes& attributes) {
  const Index n = call.dim(0, 0), h = call.dim(0, 1);
  const float *x = call.floats(0), *delta = call.dim(1, 0) > 0 ? call.floats(1) : nullptr, *weight = call.floats(2);
  float *sum = call.output(0, {n, h}), *y = call.output(1, {n, h}), *inverse = call.output(2, {n});
  const float epsilon = attributes.real;
  forTokens(n, [=](Index t) {
    const float *xt = x + t * h, *dt = delta ? delta + t * h : nullptr;
    float *st = sum + t * h, *yt = y + t * h, total = 0;
    for (Index i = 0; i < h; i++) st[i] = dt ? xt[i] + dt[i] : xt[i];
    for (Index i = 0; i < h; i++) total += st[i] * st[i];
    inverse[t] = 1 / std::sqrt(total / h + epsilon);
    for (Index i = 0; i < h; i++) yt[i] = st[i] * inverse[t] * weight[i];
  });
}

// gradient of y, x, 1 / rms, weight, residual -> residual + gradient of x
void normGradient(Call& call, const Attributes&) {
  const Index n = call.dim(0, 0), h = call.dim(0, 1);
  const float *g = call.floats(0), *x = call.floats(1), *inverse = call.floats(2), *w = call.floats(3), *r = call.floats(4);
  float* out = call.output(0, {n, h});
  forTokens(n, [=](Index t) {
    const float *gt = g + t * h, *xt = x + t * h, *rt = r + t * h, s = inverse[t];
    float *to = out + t * h, along = 0;
    for (Index i = 0; i < h; i++) along += gt[i] * w[i] * xt[i];
    along *= s * s / h;
    for (Index i = 0; i < h; i++) to[i] = rt[i] + (gt[i] * w[i] - xt[i] * along) * s;
  });
}

// [n, 2 i], gate beside up -> silu(gate) up [n, i]
void gated(Call& call, const Attributes&) {
  const Index n = call.dim(0, 0), m = call.dim(0, 1) / 2;
  const float* x = call.floats(0);
  float* out = call.output(0, {n, m});
  forTokens(n, [=](Index t) {
    const float *gate = x + t * 2 * m, *up = gate + m;
    float* to = out + t * m;
    for (Index i = 0; i < m; i++) to[i] = gate[i] / (1 + exponential(-gate[i])) * up[i];
  });
}

// gradient [n, i], [n, 2 i] -> [n, 2 i]
void gatedGradient(Call& call, const Attributes&) {
  const Index n = call.dim(0, 0), m = call.dim(0, 1);
  const float *g = call.floats(0), *x = call.floats(1);
  float* out = call.output(0, {n, 2 * m});
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

constexpr Index QUERIES = 64;  // Query tokens of a block of attention.

// What attention works on: qkv [n, (q + 2 k) size], cos and sin [positions, size], rows [rows, 4] (first token, tokens, position of
// the first, keys that may be read), keys and values in place [rows, k, time, size].
struct Attention {
  Index n, queries, keyHeads, size, width, time, rows, group;
  const float *qkv, *cos, *sin;
  const int32_t* row;
  float *keys, *values, scale;
  Attention(Call& call, const Attributes& attributes, int from) {
    queries = attributes.integers[0], keyHeads = attributes.integers[1], group = queries / keyHeads;
    n = call.dim(from, 0), width = call.dim(from, 1), size = width / (queries + 2 * keyHeads);
    rows = call.dim(from + 3, 0), time = call.dim(from + 4, 2), scale = 1 / std::sqrt((float)size);
    qkv = call.floats(from), cos = call.floats(from + 1), sin = call.floats(from + 2), row = call.ints(from + 3);
    keys = call.floats(from + 4), values = call.floats(from + 5);
  }
  // The heads of one block of queries below one another, rotated and scaled, and their attention weights.
  void weights(const int32_t* r, Index g, Index first, Index count, float* q, float* p, Index keysSeen) const {
    for (Index h = 0; h < group; h++)
      for (Index t = 0; t < count; t++) {
        const Index place = r[2] + first + t;
        rotate(qkv + (r[0] + first + t) * width + (g * group + h) * size, cos + place * size, sin + place * size, size, 1, scale,
               q + (h * count + t) * size);
      }
    const float* k = keys + ((r - row) / 4 * keyHeads + g) * time * size;
    product({q, size, 1}, {k, 1, size}, group * count, size, keysSeen, p, keysSeen);
    for (Index i = 0; i < group * count; i++) {
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
};

void attention(Call& call, const Attributes& attributes) {
  const Attention a(call, attributes, 0);
  float* out = call.output(0, {a.n, a.queries * a.size});
  Threads::get().run(a.rows * a.keyHeads, [&](Index task) {
    const Index g = task % a.keyHeads, size = a.size;
    const int32_t* r = a.row + task / a.keyHeads * 4;
    float *k = a.keys + task * a.time * size, *v = a.values + task * a.time * size;
    for (Index t = 0; t < r[1]; t++) {
      const float* from = a.qkv + (r[0] + t) * a.width + (a.queries + g) * size;
      const Index place = r[2] + t;
      rotate(from, a.cos + place * size, a.sin + place * size, size, 1, 1, k + place * size);
      std::memcpy(v + place * size, from + a.keyHeads * size, size * 4);
    }
    for (Index first = 0; first < r[1]; first += QUERIES) {
      const Index count = std::min<Index>(QUERIES, r[1] - first), seen = r[2] + first + count;
      float *q = scratch(1, a.group * count * size), *p = scratch(2, a.group * count * seen);
      a.weights(r, g, first, count, q, p, seen);
      product({p, seen, 1}, {v, size, 1}, a.group * count, seen, size, q, size);
      for (Index h = 0; h < a.group; h++)
        for (Index t = 0; t < count; t++)
          std::memcpy(out + ((r[0] + first + t) * a.queries + g * a.group + h) * size, q + (h * count + t) * size, size * 4);
    }
  });
}

// gradient [n, q size], then as attention, whose keys and values are read -> gradient of qkv
void attentionGradient(Call& call, const Attributes& attributes) {
  const Attention a(call, attributes, 1);
  const float* gradient = call.floats(0);
  float* out = call.output(0, {a.n, a.width});
  Threads::get().run(a.rows * a.keyHeads, [&](Index task) {
    const Index g = task % a.keyHeads, size = a.size;
    const int32_t* r = a.row + task / a.keyHeads * 4;
    const float *k = a.keys + task * a.time * size, *v = a.values + task * a.time * size;
    float *keyGradient = scratch(6, r[1] * size), *valueGradient = scratch(7, r[1] * size);
    std::memset(keyGradient, 0, r[1] * size * 4);
    std::memset(valueGradient, 0, r[1] * size * 4);
    for (Index first = 0; first < r[1]; first += QUERIES) {
      const Index count = std::min<Index>(QUERIES, r[1] - first), rows = a.group * count, seen = first + count;
      float *q = scratch(1, rows * size), *p = scratch(2, rows * seen), *o = scratch(3, rows * size);
      float *s = scratch(4, rows * seen), *queryGradient = scratch(5, rows * size);
      a.weights(r, g, first, count, q, p, seen);
      for (Index h = 0; h < a.group; h++)
        for (Index t = 0; t < count; t++)
          std::memcpy(o + (h * count + t) * size, gradient + ((r[0] + first + t) * a.queries + g * a.group + h) * size, size * 4);
      product({o, size, 1}, {v, 1, size}, rows, size, seen, s, seen);
      product({p, 1, seen}, {o, size, 1}, seen, rows, size, valueGradient, size, 1, true);
      for (Index i = 0; i < rows; i++) {
        float *si = s + i * seen, *pi = p + i * seen, along = 0;
        for (Index j = 0; j < seen; j++) along += si[j] * pi[j];
        for (Index j = 0; j < seen; j++) si[j] = pi[j] * (si[j] - along);
      }
      product({s, seen, 1}, {k, size, 1}, rows, seen, size, queryGradient, size);
      product({s, 1, seen}, {q, size, 1}, seen, rows, size, keyGradient, size, 1, true);
      for (Index h = 0; h < a.group; h++)
        for (Index t = 0; t < count; t++) {
          const float *cos = a.cos + (first + t) * size, *sin = a.sin + (first + t) * size;
          rotate(queryGradient + (h * count + t) * size, cos, sin, size, -1, a.scale,
                 out + (r[0] + first + t) * a.width + (g * a.group + h) * size);
        }
    }
    for (Index t = 0; t < r[1]; t++) {
      float* to = out + (r[0] + t) * a.width + (a.queries + g) * size;
      rotate(keyGradient + t * size, a.cos + t * size, a.sin + t * size, size, -1, 1, to);
      std::memcpy(to + a.keyHeads * size, valueGradient + t * size, size * 4);
    }
  });
}

// a [m, k], b [k, n] or, transposed, [n, k] -> [m, n]
void matrixProduct(Call& call, const Attributes& attributes) {
  const bool turned = attributes.integers[0] != 0;
  const Index m = call.dim(0, 0), k = call.dim(0, 1), n = call.dim(1, turned ? 0 : 1);
  const float *a = call.floats(0), *b = call.floats(1);
  sharedProduct({a, k, 1}, turned ? Matrix{b, 1, k} : Matrix{b, n, 1}, m, k, n, call.output(0, {m, n}), n);
}

constexpr Index CHUNK = 8 * COLUMNS;  // Columns of an adapter's product that a thread takes at once.
inline Index chunks(Index columns) { return (columns + CHUNK - 1) / CHUNK; }

// The adapters of one projection in one layer: scaling [k], ranges [k + 1] of tokens, columns [targets] where each target's outputs
// begin, A [layers, k, in, targets rank], for each target B [layers, k, rank, out].
struct Adapters {
  Index layer, targets, count, inputs, width, rank;
  const float *scaling, *a;
  const int32_t *ranges, *columns;
  std::vector<const float*> b;
  std::vector<Index> outputs;
  Adapters(Call& call, const Attributes& attributes, int from) {
    layer = attributes.integers[0], targets = attributes.integers[1];
    if (targets == 0) return;
    count = call.dim(from + 3, -3), inputs = call.dim(from + 3, -2), width = call.dim(from + 3, -1), rank = width / targets;
    scaling = call.floats(from), ranges = call.ints(from + 1), columns = call.ints(from + 2);
    a = call.floats(from + 3) + layer * count * inputs * width;
    for (int t = 0; t < targets; t++) {
      outputs.push_back(call.dim(from + 4 + t, -1));
      b.push_back(call.floats(from + 4 + t) + layer * count * rank * outputs[t]);
    }
  }
  Index tokens(Index k) const { return ranges[k + 1] - ranges[k]; }
  // Calls work(k, target, first column, columns) for chunks of all targets' outputs of all adapters.
  template <typename Work>
  void outputChunks(Index extra, const std::function<void(Index)>& more, Work work) const {
    std::vector<Index> starts{0};
    for (Index columns : outputs) starts.push_back(starts.back() + chunks(columns));
    const Index each = starts.back();
    Threads::get().run(extra + count * each, [&](Index task) {
      if (task < extra) return more(task);
      const Index k = (task - extra) / each, place = (task - extra) % each;
      Index t = 0;
      while (place >= starts[t + 1]) t++;
      const Index first = (place - starts[t]) * CHUNK;
      work(k, t, first, std::min(CHUNK, outputs[t] - first));
    });
  }
};

// x [n, in], W [in, out], adapters -> x W + scaling (x A) B, x A [n, targets rank]
void project(Call& call, const Attributes& attributes) {
  const Index n = call.dim(0, 0), in = call.dim(0, 1), out = call.dim(1, 1);
  const float *x = call.floats(0), *w = call.floats(1);
  const Adapters l(call, attributes, 2);
  float *y = call.output(0, {n, out}), *hidden = call.output(1, {l.targets ? n : 0, l.targets ? l.width : 0});
  sharedProduct({x, in, 1}, {w, out, 1}, n, in, out, y, out);
  if (!l.targets) return;
  const Index panels = (l.width + COLUMNS - 1) / COLUMNS;
  Threads::get().run(l.count * panels, [&](Index task) {
    const Index k = task / panels, column = task % panels * COLUMNS, first = l.ranges[k];
    panel({x + first * in, in, 1}, {l.a + k * in * l.width, l.width, 1}, l.tokens(k), in, column,
          std::min<Index>(COLUMNS, l.width - column), hidden + first * l.width, l.width, 1, false);
  });
  l.outputChunks(0, nullptr, [&](Index k, Index t, Index column, Index columns) {
    const Index first = l.ranges[k], outputs = l.outputs[t];
    product({hidden + first * l.width + t * l.rank, l.width, 1}, {l.b[t] + k * l.rank * outputs + column, outputs, 1}, l.tokens(k),
            l.rank, columns, y + first * out + l.columns[t] + column, out, l.scaling[k], true);
  });
}

// gradient [n, out], x, W, x A, adapters, gradients of A and B's in place -> gradient of x
void projectGradient(Call& call, const Attributes& attributes) {
  const Index n = call.dim(0, 0), out = call.dim(0, 1), in = call.dim(1, 1);
  const float *g = call.floats(0), *x = call.floats(1), *w = call.floats(2), *hidden = call.floats(3);
  const Adapters l(call, attributes, 4);
  float* dx = call.output(0, {n, in});
  sharedProduct({g, out, 1}, {w, 1, out}, n, out, in, dx, in);
  if (!l.targets) return;
  const int from = 4 + 4 + (int)l.targets;
  float* aGradient = call.floats(from) + l.layer * l.count * in * l.width;
  std::vector<float*> bGradients;
  for (int t = 0; t < l.targets; t++) bGradients.push_back(call.floats(from + 1 + t) + l.layer * l.count * l.rank * l.outputs[t]);
  std::vector<float> hiddenGradient(n * l.width);
  float* dh = hiddenGradient.data();
  const auto hiddenTask = [&](Index task) {
    const Index k = task / l.targets, t = task % l.targets, first = l.ranges[k], outputs = l.outputs[t];
    product({g + first * out + l.columns[t], out, 1}, {l.b[t] + k * l.rank * outputs, 1, outputs}, l.tokens(k), outputs, l.rank,
            dh + first * l.width + t * l.rank, l.width, l.scaling[k]);
  };
  l.outputChunks(l.count * l.targets, hiddenTask, [&](Index k, Index t, Index column, Index columns) {
    const Index first = l.ranges[k], outputs = l.outputs[t];
    product({hidden + first * l.width + t * l.rank, 1, l.width}, {g + first * out + l.columns[t] + column, out, 1}, l.rank,
            l.tokens(k), columns, bGradients[t] + k * l.rank * outputs + column, outputs, l.scaling[k]);
  });
  const Index parts = chunks(in);
  Threads::get().run(l.count * parts * 2, [&](Index task) {
    const Index k = task / 2 / parts, column = task / 2 % parts * CHUNK, columns = std::min(CHUNK, in - column);
    const Index first = l.ranges[k];
    if (task % 2)
      product({dh + first * l.width, l.width, 1}, {l.a + k * in * l.width + column * l.width, 1, l.width}, l.tokens(k), l.width, columns,
              dx + first * in + column, in, 1, true);
    else
      product({x + first * in + column, 1, in}, {dh + first * l.width, l.width, 1}, columns, l.tokens(k), l.width,
              aGradient + k * in * l.width + column * l.width, l.width);
  });
}

// [layers, k, rows, columns] -> sum of squares of each k
void squares(Call& call, const Attributes&) {
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
void adam(Call& call, const Attributes&) {
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

template <void (*Body)(Call&, const Attributes&)>
void compute(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  Body(call, *(const Attributes*)kernel);
}

// Reads whichever of the attributes the operation has.
void* create(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes();
  TF_Status* status = TF_NewStatus();
  TF_OpKernelConstruction_GetAttrInt64(construction, "first", &attributes->integers[0], status);
  TF_OpKernelConstruction_GetAttrInt64(construction, "N", &attributes->integers[1], status);
  TF_OpKernelConstruction_GetAttrFloat(construction, "real", &attributes->real, status);
  TF_DeleteStatus(status);
  return attributes;
}
void destroy(void* kernel) { delete (Attributes*)kernel; }

template <void (*Body)(Call&, const Attributes&)>
void add(const char* name, std::vector<const char*> inputs, std::vector<const char*> outputs, std::vector<const char*> attributes = {}) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetIsStateful(builder, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(builder, status);
  if (TF_GetCode(status) == 0)
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute<Body>, destroy), status);
  TF_DeleteStatus(status);
}

void registerAll() {
  add<norm>("SealNorm", {"x: float", "delta: float", "weight: float"}, {"sum: float", "y: float", "inverse: float"}, {"real: float"});
  add<normGradient>("SealNormGradient", {"g: float", "x: float", "inverse: float", "weight: float", "residual: float"}, {"dx: float"});
  add<gated>("SealGated", {"x: float"}, {"y: float"});
  add<gatedGradient>("SealGatedGradient", {"g: float", "x: float"}, {"dx: float"});
  add<attention>("SealAttention", {"qkv: float", "cos: float", "sin: float", "rows: int32", "keys: float", "values: float"},
                 {"y: float"}, {"first: int", "N: int"});
  add<attentionGradient>("SealAttentionGradient",
                         {"g: float", "qkv: float", "cos: float", "sin: float", "rows: int32", "keys: float", "values: float"},
                         {"dx: float"}, {"first: int", "N: int"});
  add<matrixProduct>("SealMatMul", {"a: float", "b: float"}, {"y: float"}, {"first: int"});
  add<project>("SealProject",
               {"x: float", "w: float", "scaling: float", "ranges: int32", "columns: int32", "a: float", "b: N * float"},
               {"y: float", "hidden: float"}, {"first: int", "N: int >= 0"});
  add<projectGradient>("SealProjectGradient",
                       {"g: float", "x: float", "w: float", "hidden: float", "scaling: float", "ranges: int32", "columns: int32",
                        "a: float", "b: N * float", "da: float", "db: N * float"},
                       {"dx: float"}, {"first: int", "N: int >= 0"});
  add<squares>("SealSquares", {"x: float"}, {"sums: float"});
  add<adam>("SealAdam", {"parameter: float", "m: float", "v: float", "g: float", "factors: float"}, {"done: float"});
}
}  // namespace

// Node calls this when the library is loaded. It exports "bfloat16": whether products with frozen weights are rounded to it.
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports) {
  static const bool once = (registerAll(), true);
  (void)once;
  void* half = nullptr;
  napi_get_boolean(env, halfPrecision(), &half);
  napi_set_named_property(env, exports, "bfloat16", half);
  return exports;
}
