// Products with frozen weights in bfloat16, where the processor has them: two to an instruction, with sums in fp32. A weight
// [inner, columns] lies in panels of words, [columns / COLUMNS][inner / 2][COLUMNS], each word a pair of numbers below one another;
// its transpose, for the way back, lies behind it in the same form. Both sizes are multiples of COLUMNS.
#pragma once
#include "matrix.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
constexpr bool HALF = true;
inline __m512i roundedWords(const float* x) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x))); }

// Two rows of a block, each pair of numbers below one another in a word.
inline void pairRows(const float* low, const float* high, uint32_t* words) {
  for (int j = 0; j < COLUMNS; j += LANES)
    _mm512_storeu_si512(words + j, _mm512_or_si512(roundedWords(low + j), _mm512_slli_epi32(roundedWords(high + j), 16)));
}
// A row of the left factor, each pair of neighbours in a word.
inline void pairNeighbours(const float* from, Index inner, uint32_t* words) {
  for (Index k = 0; k < inner; k += COLUMNS)
    _mm512_storeu_si512(words + k / 2, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + k + LANES), _mm512_loadu_ps(from + k)));
}

// R rows of c times COLUMNS columns: c (+)= a b, both in pairs.
template <int R>
inline void halfTile(const uint32_t* a, Index stride, const uint32_t* b, Index pairs, float* c, Index to, bool add) {
  __m512 sum[R][2];
  for (int r = 0; r < R; r++) sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  for (Index k = 0; k < pairs; k++) {
    const __m512bh b0 = (__m512bh)_mm512_loadu_si512(b + k * COLUMNS), b1 = (__m512bh)_mm512_loadu_si512(b + k * COLUMNS + LANES);
#pragma GCC unroll 12
    for (int r = 0; r < R; r++) {
      const __m512bh value = (__m512bh)_mm512_set1_epi32((int)a[r * stride + k]);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], value, b0);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], value, b1);
    }
  }
  for (int r = 0; r < R; r++) {
    float* out = c + r * to;
    for (int i = 0; i < 2; i++)
      _mm512_storeu_ps(out + i * LANES, add ? _mm512_add_ps(sum[r][i], _mm512_loadu_ps(out + i * LANES)) : sum[r][i]);
  }
}
template <int R>
inline void halfTiles(int rows, const uint32_t* a, Index stride, const uint32_t* b, Index pairs, float* c, Index to, bool add) {
  if (rows == R) return halfTile<R>(a, stride, b, pairs, c, to, add);
  if constexpr (R > 1) halfTiles<R - 1>(rows, a, stride, b, pairs, c, to, add);
}

// c [rows, columns] (+)= a [rows, inner] times a weight in `words`; inner and columns are multiples of COLUMNS.
inline void halfProduct(const float* a, const uint32_t* words, Index rows, Index inner, Index columns, float* c, bool add) {
  const Index pairs = inner / 2, depth = DEPTH / 2;
  static std::vector<uint32_t> left;  // Kept: only one thread makes products at a time.
  left.resize(rows * pairs);
  Threads::get().run((rows + ROWS - 1) / ROWS, [&](Index block) {
    for (Index r = block * ROWS; r < std::min<Index>(rows, (block + 1) * ROWS); r++)
      pairNeighbours(a + r * inner, inner, left.data() + r * pairs);
  });
  Threads::get().run(columns / COLUMNS, [&](Index p) {
    const uint32_t* panel = words + p * pairs * COLUMNS;
    for (Index k = 0; k < pairs; k += depth)
      for (Index r = 0; r < rows; r += ROWS)
        halfTiles<ROWS>((int)std::min<Index>(ROWS, rows - r), left.data() + r * pairs + k, pairs, panel + k * COLUMNS,
                        std::min(depth, pairs - k), c + r * columns + p * COLUMNS, columns, add || k > 0);
  });
}

// A weight in panels [columns / COLUMNS, inner, COLUMNS] -> its words, and then those of its transpose.
inline void roundWeight(const float* panels, Index inner, Index columns, uint32_t* words) {
  const auto pairPanel = [](const float* block, Index rows, uint32_t* to) {
    for (Index k = 0; k < rows; k += 2) pairRows(block + k * COLUMNS, block + (k + 1) * COLUMNS, to + k / 2 * COLUMNS);
  };
  Threads::get().run(columns / COLUMNS, [&](Index p) {
    const Index at = p * inner * COLUMNS;
    pairPanel(panels + at, inner, words + at / 2);
  });
  const Right turned = Right::inPanels(panels, inner, true);
  uint32_t* back = words + inner * columns / 2;
  Threads::get().run(inner / COLUMNS, [&](Index p) {
    float* space = scratch(0, COLUMNS * COLUMNS);
    for (Index k = 0; k < columns; k += COLUMNS)
      pairPanel(turned.block(k, COLUMNS, p * COLUMNS, COLUMNS, space).data, COLUMNS, back + (p * columns + k) / 2 * COLUMNS);
  });
}
#else
constexpr bool HALF = false;
inline void halfProduct(const float*, const uint32_t*, Index, Index, Index, float*, bool) {}
inline void roundWeight(const float*, Index, Index, uint32_t*) {}
#endif
