// Matrix products of fp32 numbers. Blocks of the right factor are copied into the cache one after another in the order in which
// they are read, which costs little: every number of them is used for many rows. Frozen weights lie in such blocks already.
#pragma once
#include "bfloat16.h"

// R rows of c times COLUMNS columns: c = (add ? c : 0) + scale * a b.
template <int R>
inline void tile(const float* a, Index row, Index step, const Block& b, Index depth, float* c, Index stride,
                 Index columns, float scale, bool add) {
  Vector sum[R][2] = {};
  for (Index k = 0; k < depth; k++) {
    const Vector b0 = *(const Vector*)(b.data + k * b.row), b1 = *(const Vector*)(b.data + k * b.row + LANES);
    const float* ak = a + k * step;
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const float value = ak[r * row];
      sum[r][0] += value * b0;
      sum[r][1] += value * b1;
    }
  }
  for (int r = 0; r < R; r++) {
    float* to = c + r * stride;
    if (columns == COLUMNS) {
      Vector* out = (Vector*)to;
      out[0] = sum[r][0] * scale + (add ? out[0] : Vector{});
      out[1] = sum[r][1] * scale + (add ? out[1] : Vector{});
    } else {
      float from[COLUMNS];
      std::memcpy(from, sum[r], sizeof(from));
      for (Index j = 0; j < columns; j++) to[j] = from[j] * scale + (add ? to[j] : 0);
    }
  }
}

template <int R>
inline void tiles(int rows, const float* a, Index row, Index step, const Block& b, Index depth, float* c, Index stride,
                  Index columns, float scale, bool add) {
  if (rows == R) return tile<R>(a, row, step, b, depth, c, stride, columns, scale, add);
  if constexpr (R > 1) tiles<R - 1>(rows, a, row, step, b, depth, c, stride, columns, scale, add);
}

// c[rows, columns] = (add ? c : 0) + scale * a[rows, inner] b[inner, columns], for one block of columns, on this thread.
inline void panel(const Matrix& a, const Right& b, Index rows, Index inner, Index column, Index columns, float* c,
                  Index stride, float scale, bool add) {
  float* space = scratch(0, std::min(inner, DEPTH) * COLUMNS);
  for (Index k = 0; k < inner; k += DEPTH) {
    const Index depth = std::min(DEPTH, inner - k);
    const Block block = b.block(k, depth, column, columns, space);
    for (Index r = 0; r < rows; r += ROWS)
      tiles<ROWS>((int)std::min<Index>(ROWS, rows - r), a.data + r * a.row + k * a.column, a.row, a.column, block, depth,
                  c + r * stride + column, stride, columns, scale, add || k > 0);
  }
}

constexpr Index FEW = 4;       // Rows at which the right factor is read as it lies, each number for all of them.
constexpr Index STREAM = 512;  // Columns of it that are taken together.

// As panel, for few rows and a right factor whose rows lie one after another.
template <int R>
inline void stream(const Matrix& a, const Matrix& b, Index inner, Index column, Index columns, float* c, Index stride, bool add) {
  float sums[R][STREAM];
  for (int r = 0; r < R && !add; r++) std::memset(c + r * stride + column, 0, columns * sizeof(float));
  for (Index from = 0; from < inner; from += DEPTH) {
    std::memset(sums, 0, sizeof(sums));
    for (Index k = from; k < std::min(inner, from + DEPTH); k++) {
      const float* row = b.data + k * b.row + column;
      for (int r = 0; r < R; r++) {
        const float value = a.data[r * a.row + k * a.column];
        for (Index j = 0; j < columns; j++) sums[r][j] += value * row[j];
      }
    }
    for (int r = 0; r < R; r++)
      for (Index j = 0; j < columns; j++) c[r * stride + column + j] += sums[r][j];
  }
}

// The whole product on this thread.
inline void product(const Matrix& a, const Right& b, Index rows, Index inner, Index columns, float* c, Index stride,
                    float scale = 1, bool add = false) {
  for (Index j = 0; j < columns; j += COLUMNS)
    panel(a, b, rows, inner, j, std::min<Index>(COLUMNS, columns - j), c, stride, scale, add);
}

// c [rows, columns] (+)= a [rows, inner] b, shared by all threads; b is most often a frozen weight.
inline void sharedProduct(const float* left, const Right& b, Index rows, Index inner, Index columns, float* c, bool add = false) {
  if (b.words) return halfProduct(left, b.words, rows, inner, columns, c, add);
  const Matrix a{left, inner, 1};
  const bool few = rows <= FEW && !b.panels && b.plain.column == 1;
  const Index size = few ? std::min<Index>(STREAM, (columns / Threads::get().size() + LANES) / LANES * LANES) : COLUMNS;
  Threads::get().run((columns + size - 1) / size, [&](Index p) {
    const Index j = p * size, own = std::min(size, columns - j);
    if (!few) return panel(a, b, rows, inner, j, own, c, columns, 1, add);
    if (rows == 1) return stream<1>(a, b.plain, inner, j, own, c, columns, add);
    if (rows == 2) return stream<2>(a, b.plain, inner, j, own, c, columns, add);
    if (rows == 3) return stream<3>(a, b.plain, inner, j, own, c, columns, add);
    stream<4>(a, b.plain, inner, j, own, c, columns, add);
  });
}
