// Matrix products of fp32 numbers, and the threads that share them. Blocks of the right factor are copied into the cache one
// after another in the order in which they are read, which costs little: every number of them is used for many rows.
#pragma once
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int LANES = 16, ROWS = 12;
#elif defined(__AVX2__)
constexpr int LANES = 8, ROWS = 6;
#else
constexpr int LANES = 4, ROWS = 8;
#endif
constexpr int COLUMNS = 2 * LANES;
typedef int64_t Index;
constexpr Index DEPTH = 1024;  // Of the inner size that is taken at once; even.
typedef float Vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

// Threads that wait for a share of a loop. The caller works too, and waits for none that has not begun: on a busy machine one
// may not get a core in time.
class Threads {
 public:
  static Threads& get() {
    static Threads* threads = new Threads();  // Never destroyed: threads may still wait when the process ends.
    return *threads;
  }
  // Calls work(i) for every i below count, on all threads.
  void run(Index count, const std::function<void(Index)>& work) {
    if (count <= 1 || size_ == 1) {
      for (Index i = 0; i < count; i++) work(i);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      count_ = count;
      next_ = 0;
      open_ = true;
      round_++;
    }
    wake_.notify_all();
    share();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      open_ = false;
    }
    for (int spin = 0; inside_.load(std::memory_order_acquire) > 0; spin++) spin < 20000 ? pause() : std::this_thread::yield();
  }

 private:
  Threads() {
    const char* asked = std::getenv("TF_NUM_INTRAOP_THREADS");
    int wanted = asked ? std::atoi(asked) : 0;
    size_ = wanted > 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
    for (int i = 1; i < size_; i++) std::thread([this] { loop(); }).detach();
  }
  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
  }
  void share() {
    for (Index i; (i = next_.fetch_add(1)) < count_;) (*work_)(i);
  }
  void loop() {
    uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < 20000 && round_.load() == seen; spin++) pause();
      if (round_.load() == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_.load() != seen; });
      }
      {
        std::lock_guard<std::mutex> lock(mutex_);
        seen = round_.load();
        if (!open_) continue;
        inside_++;
      }
      share();
      inside_.fetch_sub(1, std::memory_order_release);
    }
  }
  int size_ = 1;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> round_{0};
  std::atomic<Index> next_{0};
  std::atomic<int> inside_{0};
  bool open_ = false;
  Index count_ = 0;
  const std::function<void(Index)>* work_ = nullptr;

 public:
  int size() const { return size_; }
};

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

// A right factor [inner, columns]: as it lies in memory, or a frozen weight kept in panels, [panels][height][COLUMNS], whose element
// (k, c) is at panels[(c / COLUMNS * height + k) * COLUMNS + c % COLUMNS]; or the transpose of such a weight.
struct Right {
  Matrix plain{nullptr, 0, 0};
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
  // `depth` rows from k of the COLUMNS columns from c, side by side: where they are, or copied to `space`.
  const float* block(Index k, Index depth, Index c, Index columns, float* space) const {
    if (panels && !turned) return panels + (c * height) + k * COLUMNS;
    if (!panels) pack(plain, k, depth, c, columns, space);
    else turnPanels(k, depth, c, columns, space);
    return space;
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

// R rows of c times COLUMNS columns: c = (add ? c : 0) + scale * a b, b packed.
template <int R>
inline void tile(const float* a, Index row, Index step, const float* b, Index depth, float* c, Index stride,
                 Index columns, float scale, bool add) {
  Vector sum[R][2] = {};
  for (Index k = 0; k < depth; k++) {
    const Vector b0 = *(const Vector*)(b + k * COLUMNS), b1 = *(const Vector*)(b + k * COLUMNS + LANES);
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
      const float* from = (const float*)&sum[r][0];
      for (Index j = 0; j < columns; j++) to[j] = from[j] * scale + (add ? to[j] : 0);
    }
  }
}

template <int R>
inline void tiles(int rows, const float* a, Index row, Index step, const float* b, Index depth, float* c, Index stride,
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
    const float* packed = b.block(k, depth, column, columns, space);
    for (Index r = 0; r < rows; r += ROWS)
      tiles<ROWS>((int)std::min<Index>(ROWS, rows - r), a.data + r * a.row + k * a.column, a.row, a.column, packed, depth,
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

#if defined(__AVX512BF16__)
// Products in bfloat16, two to an instruction, with sums in fp32: pairs of neighbours along the inner size share a word.
constexpr bool HALF = true;
inline uint32_t rounded(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits + 0x7fff + ((bits >> 16) & 1);
}
inline uint32_t pairOf(float low, float high) { return (rounded(low) >> 16) | (rounded(high) & 0xffff0000u); }
inline __m512i roundedWords(const float* x) { return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x))); }

// Two rows of a block, each pair of numbers below one another in a word.
inline void pairRows(const float* low, const float* high, uint32_t* words) {
  for (int j = 0; j < COLUMNS; j += LANES)
    _mm512_storeu_si512(words + j, _mm512_or_si512(roundedWords(low + j), _mm512_slli_epi32(roundedWords(high + j), 16)));
}
// A row of the left factor, each pair of neighbours in a word.
inline void pairNeighbours(const float* from, Index step, Index inner, uint32_t* words) {
  Index k = 0;
  if (step == 1)
    for (; k + 2 * LANES <= inner; k += 2 * LANES)
      _mm512_storeu_si512(words + k / 2, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + k + LANES), _mm512_loadu_ps(from + k)));
  for (; k < inner; k += 2) words[k / 2] = pairOf(from[k * step], k + 1 < inner ? from[(k + 1) * step] : 0);
}

template <int R>
inline void halfTile(const uint32_t* a, Index stride, const uint32_t* b, Index pairs, float* c, Index to, Index columns, bool add) {
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
    if (columns == COLUMNS)
      for (int i = 0; i < 2; i++)
        _mm512_storeu_ps(out + i * LANES, add ? _mm512_add_ps(sum[r][i], _mm512_loadu_ps(out + i * LANES)) : sum[r][i]);
    else
      for (Index j = 0; j < columns; j++) out[j] = ((const float*)&sum[r][0])[j] + (add ? out[j] : 0);
  }
}
template <int R>
inline void halfTiles(int rows, const uint32_t* a, Index stride, const uint32_t* b, Index pairs, float* c, Index to, Index columns,
                      bool add) {
  if (rows == R) return halfTile<R>(a, stride, b, pairs, c, to, columns, add);
  if constexpr (R > 1) halfTiles<R - 1>(rows, a, stride, b, pairs, c, to, columns, add);
}

inline void halfProduct(const Matrix& a, const Right& b, Index rows, Index inner, Index columns, float* c, Index stride, bool add) {
  const Index pairs = (inner + 1) / 2, panels = (columns + COLUMNS - 1) / COLUMNS;
  static std::vector<uint32_t> left;  // Kept: only one thread makes products at a time.
  left.resize(rows * pairs);
  Threads::get().run(rows, [&](Index r) { pairNeighbours(a.data + r * a.row, a.column, inner, left.data() + r * pairs); });
  Threads::get().run(panels, [&](Index p) {
    const Index column = p * COLUMNS, own = std::min<Index>(COLUMNS, columns - column);
    float* space = scratch(0, DEPTH * COLUMNS);
    uint32_t* words = (uint32_t*)scratch(1, DEPTH / 2 * COLUMNS);
    for (Index k = 0; k < inner; k += DEPTH) {
      const Index depth = std::min(DEPTH, inner - k), half = (depth + 1) / 2;
      const float* packed = b.block(k, depth, column, own, space);
      for (Index i = 0; i < depth / 2; i++) pairRows(packed + 2 * i * COLUMNS, packed + (2 * i + 1) * COLUMNS, words + i * COLUMNS);
      if (depth % 2)
        for (Index j = 0; j < COLUMNS; j++) words[(half - 1) * COLUMNS + j] = pairOf(packed[(depth - 1) * COLUMNS + j], 0);
      for (Index r = 0; r < rows; r += ROWS)
        halfTiles<ROWS>((int)std::min<Index>(ROWS, rows - r), left.data() + r * pairs + k / 2, pairs, words, half,
                        c + r * stride + column, stride, own, add || k > 0);
    }
  });
}
#else
constexpr bool HALF = false;
inline void halfProduct(const Matrix&, const Right&, Index, Index, Index, float*, Index, bool) {}
#endif

// The whole product on this thread.
inline void product(const Matrix& a, const Right& b, Index rows, Index inner, Index columns, float* c, Index stride,
                    float scale = 1, bool add = false) {
  for (Index j = 0; j < columns; j += COLUMNS)
    panel(a, b, rows, inner, j, std::min<Index>(COLUMNS, columns - j), c, stride, scale, add);
}

// The whole product with a frozen weight on the right, shared by all threads.
inline void sharedProduct(const Matrix& a, const Right& b, Index rows, Index inner, Index columns, float* c, Index stride,
                          bool half, bool add = false) {
  if (HALF && half && rows > FEW) return halfProduct(a, b, rows, inner, columns, c, stride, add);
  const bool few = rows <= FEW && !b.panels && b.plain.column == 1;
  const Index size = few ? std::min<Index>(STREAM, (columns / Threads::get().size() + LANES) / LANES * LANES) : COLUMNS;
  Threads::get().run((columns + size - 1) / size, [&](Index p) {
    const Index j = p * size, own = std::min(size, columns - j);
    if (!few) return panel(a, b, rows, inner, j, own, c, stride, 1, add);
    if (rows == 1) return stream<1>(a, b.plain, inner, j, own, c, stride, add);
    if (rows == 2) return stream<2>(a, b.plain, inner, j, own, c, stride, add);
    if (rows == 3) return stream<3>(a, b.plain, inner, j, own, c, stride, add);
    stream<4>(a, b.plain, inner, j, own, c, stride, add);
  });
}
