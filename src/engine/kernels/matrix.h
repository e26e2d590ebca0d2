// Matrices in memory, and blocks of a right factor as products read them: COLUMNS columns side by side.
#pragma once
#include <cstring>
#include <vector>

#include "threads.h"

#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 12;
#elif defined(__AVX2__)
constexpr int LANES = 8, ROWS = 6;
#else
constexpr int LANES = 4, ROWS = 8;
#endif
constexpr int COLUMNS = 2 * LANES;
constexpr Index DEPTH = 1024;  // Of the inner size that is taken at once; even.
typedef float Vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

// A matrix in memory: element (r, c) is at data[r * row + c * column].
struct Matrix {
  const float* data;
  Index row, column;
  Matrix transposed() const { return {data, column, row}; }
};

// Memory of a thread's own, kept from call to call.
inline float* scratch(int slot, Index count) {
  static thread_local std::vector<float> kept[17];
  if ((Index)kept[slot].size() < count) kept[slot].resize(count);
  return kept[slot].data();
}

// Four rows of four numbers, turned about: from[i * stride + j] becomes to[j * COLUMNS + i].
inline void turnFour(const float* from, Index stride, float* to) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
  typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));
  const Four a = *(const Four*)from, b = *(const Four*)(from + stride), c = *(const Four*)(from + 2 * stride),
             d = *(const Four*)(from + 3 * stride);
  const Four p = __builtin_shufflevector(a, b, 0, 4, 1, 5), q = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four r = __builtin_shufflevector(c, d, 0, 4, 1, 5), s = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(Four*)to = __builtin_shufflevector(p, r, 0, 1, 4, 5);
  *(Four*)(to + COLUMNS) = __builtin_shufflevector(p, r, 2, 3, 6, 7);
  *(Four*)(to + 2 * COLUMNS) = __builtin_shufflevector(q, s, 0, 1, 4, 5);
  *(Four*)(to + 3 * COLUMNS) = __builtin_shufflevector(q, s, 2, 3, 6, 7);
  return;
#endif
#endif
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) to[j * COLUMNS + i] = from[i * stride + j];
}

// COLUMNS columns of b from c, depth rows from k, side by side; columns beyond the last are zero.
inline void pack(const Matrix& b, Index k, Index depth, Index c, Index columns, float* to) {
  if (columns < COLUMNS) std::memset(to, 0, depth * COLUMNS * sizeof(float));
  const float* from = b.data + k * b.row + c * b.column;
  if (b.column == 1) {
    if (columns == COLUMNS)
      for (Index i = 0; i < depth; i++) std::memcpy(to + i * COLUMNS, from + i * b.row, COLUMNS * sizeof(float));
    else
      for (Index i = 0; i < depth; i++)
        for (Index j = 0; j < columns; j++) to[i * COLUMNS + j] = from[i * b.row + j];
    return;
  }
  constexpr Index TILE = 16;  // A cache line of each column at a time.
  if (b.row == 1 && columns % 4 == 0 && depth % TILE == 0) {
    for (Index i = 0; i < depth; i += TILE)
      for (Index j = 0; j < columns; j += 4)
        for (Index l = i; l < i + TILE; l += 4) turnFour(from + j * b.column + l, b.column, to + l * COLUMNS + j);
    return;
  }
  for (Index i = 0; i < depth; i += TILE) {
    const Index end = std::min(depth, i + TILE);
    for (Index j = 0; j < columns; j++)
      for (Index l = i; l < end; l++) to[l * COLUMNS + j] = from[l * b.row + j * b.column];
  }
}

// COLUMNS columns side by side, the next row of them `row` numbers on.
struct Block {
  const float* data;
  Index row;
};

constexpr Index SHALLOW = 64;  // Rows up to which copying a block costs more than it saves.

// A right factor [inner, columns]: as it lies in memory, or a frozen weight kept in panels, [panels][height][COLUMNS], whose element
// (k, c) is at panels[(c / COLUMNS * height + k) * COLUMNS + c % COLUMNS]; or the transpose of such a weight; or one in bfloat16.
struct Right {
  Matrix plain{nullptr, 0, 0};
  const uint32_t* words = nullptr;
  const float* panels = nullptr;
  Index height = 0;
  bool turned = false;
  Right(const Matrix& matrix) : plain(matrix) {}
  Right(const float* data, Index row, Index column) : plain{data, row, column} {}
  static Right inPanels(const float* panels, Index height, bool turned) {
    Right right(nullptr, 0, 0);
    right.panels = panels, right.height = height, right.turned = turned;
    return right;
  }
  static Right inWords(const float* words) {
    Right right(nullptr, 0, 0);
    right.words = (const uint32_t*)words;
    return right;
  }
  // `depth` rows from k of the COLUMNS columns from c, side by side: where they are, or copied to `space`.
  Block block(Index k, Index depth, Index c, Index columns, float* space) const {
    if (panels && !turned) return {panels + (c * height) + k * COLUMNS, COLUMNS};
    if (!panels && depth <= SHALLOW && plain.column == 1 && columns == COLUMNS) return {plain.data + k * plain.row + c, plain.row};
    if (!panels) pack(plain, k, depth, c, columns, space);
    else turnPanels(k, depth, c, columns, space);
    return {space, COLUMNS};
  }

 private:
  void turnPanels(Index k, Index depth, Index c, Index columns, float* space) const {
    if (columns < COLUMNS) std::memset(space, 0, depth * COLUMNS * sizeof(float));
    for (Index i = 0; i < depth; i += COLUMNS) {
      const float* from = panels + ((k + i) * height) + c * COLUMNS;
      float* to = space + i * COLUMNS;
      const Index own = std::min<Index>(COLUMNS, depth - i);
      if (own == COLUMNS && columns == COLUMNS)
        for (Index j = 0; j < COLUMNS; j += 4)
          for (Index l = 0; l < COLUMNS; l += 4) turnFour(from + j * COLUMNS + l, COLUMNS, to + l * COLUMNS + j);
      else
        for (Index j = 0; j < columns; j++)
          for (Index l = 0; l < own; l++) to[l * COLUMNS + j] = from[j * COLUMNS + l];
    }
  }
};
