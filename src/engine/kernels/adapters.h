// A projection by a frozen weight with K stacked LoRA adapters beside it, and the gradients of both.
#pragma once
#include <functional>
#include <vector>

#include "call.h"

constexpr Index CHUNK = 8 * COLUMNS;  // Columns of an adapter's product that a thread takes at once.
inline Index chunks(Index columns) { return (columns + CHUNK - 1) / CHUNK; }

// What the adapters of all projections share: scaling [k], ranges [k + 1] of tokens.
struct Ranges {
  const float* scaling;
  const int32_t* ranges;
  Index tokens(Index k) const { return ranges[k + 1] - ranges[k]; }
};

// The adapters of one projection in one layer. Inputs of the call from `at` on: columns [targets] where each target's outputs begin,
// A [layers, k, in, targets rank], for each target B [layers, k, rank, out]; `at` is moved behind them.
struct Adapters {
  Ranges shared;
  Index layer, targets, count = 0, inputs = 0, width = 0, rank = 0;
  const int32_t* columns = nullptr;
  float* a = nullptr;
  std::vector<float*> b;
  std::vector<Index> outputs;

  Adapters(Call& call, const Attributes& attributes, int projection, const Ranges& ranges, int& at)
      : shared(ranges), layer(attributes.layer), targets(attributes.targets[projection]) {
    if (targets > 0) {
      count = call.dim(at + 1, -3), inputs = call.dim(at + 1, -2), width = call.dim(at + 1, -1), rank = width / targets;
      columns = call.ints(at);
    }
    at++;
    readMatrices(call, at);
  }
  // Where the gradients go: from `at` on a matrix as A, and for each target one as B.
  Adapters gradients(Call& call, int& at) const {
    Adapters found = *this;
    found.readMatrices(call, at);
    return found;
  }
  // Calls work(k, target, first column, columns) for chunks of all targets' outputs of all adapters, after more(task) for `extra` tasks.
  template <typename More, typename Work>
  void outputChunks(Index extra, More more, Work work) const {
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

 private:
  void readMatrices(Call& call, int& at) {
    b.clear(), outputs.clear();
    if (targets > 0) a = call.floats(at) + layer * count * inputs * width;
    at++;
    for (Index t = 0; t < targets; t++, at++) {
      outputs.push_back(call.dim(at, -1));
      b.push_back(call.floats(at) + layer * count * rank * outputs[t]);
    }
  }
};

// A frozen weight: [in, out], in panels [panels, in, COLUMNS] (matrix.h), or in bfloat16 [2, panels, in / 2, COLUMNS] (bfloat16.h).
struct Weight {
  const float* data;
  Index in, out;
  int dims;
  Weight(Call& call, int i, Index out) : data(call.floats(i)), out(out), dims(call.dims(i)) {
    in = dims == 4 ? 2 * call.dim(i, 2) : call.dim(i, dims - 2);
  }
  Right forward() const {
    return dims == 4 ? Right::inWords(data) : dims == 3 ? Right::inPanels(data, in, false) : Right(data, out, 1);
  }
  Right back() const {
    return dims == 4 ? Right::inWords(data + in * out / 2) : dims == 3 ? Right::inPanels(data, in, true) : Right(data, 1, out);
  }
};

// y [n, out] (+)= x W + scaling (x A) B; x A goes to hidden [n, targets rank].
inline void project(const float* x, Index n, const Weight& w, const Adapters& l, float* hidden, float* y, bool add = false) {
  sharedProduct(x, w.forward(), n, w.in, w.out, y, add);
  if (!l.targets) return;
  const Index panels = (l.width + COLUMNS - 1) / COLUMNS;
  Threads::get().run(l.count * panels, [&](Index task) {
    const Index k = task / panels, column = task % panels * COLUMNS, first = l.shared.ranges[k];
    panel({x + first * w.in, w.in, 1}, {l.a + k * w.in * l.width, l.width, 1}, l.shared.tokens(k), w.in, column,
          std::min<Index>(COLUMNS, l.width - column), hidden + first * l.width, l.width, 1, false);
  });
  l.outputChunks(0, [](Index) {}, [&](Index k, Index t, Index column, Index columns) {
    const Index first = l.shared.ranges[k], outputs = l.outputs[t];
    product({hidden + first * l.width + t * l.rank, l.width, 1}, {l.b[t] + k * l.rank * outputs + column, outputs, 1},
            l.shared.tokens(k), l.rank, columns, y + first * w.out + l.columns[t] + column, w.out, l.shared.scaling[k], true);
  });
}

// For the gradient g of y: the gradient of x [n, in], where it is wanted, and those of A and B.
inline void projectGradient(const float* g, const float* x, Index n, const Weight& w, const Adapters& l, const Adapters& gradients,
                            const float* hidden, float* dx) {
  if (dx) sharedProduct(g, w.back(), n, w.out, w.in, dx);
  if (!l.targets) return;
  const Index in = w.in, out = w.out;
  float* dh = scratch(9, n * l.width);
  const auto hiddenTask = [&](Index task) {
    const Index k = task / l.targets, t = task % l.targets, first = l.shared.ranges[k], outputs = l.outputs[t];
    product({g + first * out + l.columns[t], out, 1}, {l.b[t] + k * l.rank * outputs, 1, outputs}, l.shared.tokens(k), outputs, l.rank,
            dh + first * l.width + t * l.rank, l.width, l.shared.scaling[k]);
  };
  l.outputChunks(l.count * l.targets, hiddenTask, [&](Index k, Index t, Index column, Index columns) {
    const Index first = l.shared.ranges[k], outputs = l.outputs[t];
    product({hidden + first * l.width + t * l.rank, 1, l.width}, {g + first * out + l.columns[t] + column, out, 1}, l.rank,
            l.shared.tokens(k), columns, gradients.b[t] + k * l.rank * outputs + column, outputs, l.shared.scaling[k]);
  });
  const Index parts = chunks(in);
  Threads::get().run(l.count * parts * 2, [&](Index task) {
    const Index k = task / 2 / parts, column = task / 2 % parts * CHUNK, columns = std::min(CHUNK, in - column);
    const Index first = l.shared.ranges[k], tokens = l.shared.tokens(k);
    if (task % 2 == 0)
      product({x + first * in + column, 1, in}, {dh + first * l.width, l.width, 1}, columns, tokens, l.width,
              gradients.a + k * in * l.width + column * l.width, l.width);
    else if (dx)
      product({dh + first * l.width, l.width, 1}, {l.a + k * in * l.width + column * l.width, 1, l.width}, tokens, l.width, columns,
              dx + first * in + column, in, 1, true);
  });
}
