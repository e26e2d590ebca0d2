// Matrix products of fp32 numbers, and the threads that share them. Blocks of the right factor are copied into the cache one
// after another in the order in which they are read, which costs little: every number of them is used for many rows.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
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
constexpr int64_t DEPTH = 1024;
typedef float Vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

// Threads that wait for a share of a loop; the caller works too.
class Threads {
 public:
  static Threads& get() {
    static Threads* threads = new Threads();  // Never destroyed: threads may still wait when the process ends.
    return *threads;
  }
  // Calls work(i) for every i below count, on all threads.
  void run(int64_t count, const std::function<void(int64_t)>& work) {
    if (count <= 1 || size_ == 1) {
      for (int64_t i = 0; i < count; i++) work(i);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      count_ = count;
      next_ = 0;
      busy_ = size_ - 1;
      round_++;
    }
    wake_.notify_all();
    share();
    for (int spin = 0; busy_.load(std::memory_order_acquire) > 0; spin++) spin < 20000 ? pause() : std::this_thread::yield();
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
    for (int64_t i; (i = next_.fetch_add(1)) < count_;) (*work_)(i);
  }
  void loop() {
    uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < 20000 && round_.load() == seen; spin++) pause();
      if (round_.load() == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_.load() != seen; });
      }
      { std::lock_guard<std::mutex> lock(mutex_); seen = round_.load(); }
      share();
      busy_.fetch_sub(1, std::memory_order_release);
    }
  }
  int size_ = 1;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> round_{0};
  std::atomic<int64_t> next_{0};
  std::atomic<int> busy_{0};
  int64_t count_ = 0;
  const std::function<void(int64_t)>* work_ = nullptr;

 public:
  int size() const { return size_; }
};

// A matrix in memory: element (r, c) is at data[r * row + c * column].
struct Matrix {
  const float* data;
  int64_t row, column;
  Matrix transposed() const { return {data, column, row}; }
};

// Memory of a thread's own, kept from call to call.
inline float* scratch(int slot, int64_t count) {
  static thread_local std::vector<float> kept[8];
  if ((int64_t)kept[slot].size() < count) kept[slot].resize(count);
  return kept[slot].data();
}

// COLUMNS columns of b from c, depth rows from k, side by side; columns beyond the last are zero.
inline void pack(const Matrix& b, int64_t k, int64_t depth, int64_t c, int64_t columns, float* to) {
  if (columns < COLUMNS) std::memset(to, 0, depth * COLUMNS * sizeof(float));
  const float* from = b.data + k * b.row + c * b.column;
  if (b.column == 1) {
    if (columns == COLUMNS)
      for (int64_t i = 0; i < depth; i++) std::memcpy(to + i * COLUMNS, from + i * b.row, COLUMNS * sizeof(float));
    else
      for (int64_t i = 0; i < depth; i++)
        for (int64_t j = 0; j < columns; j++) to[i * COLUMNS + j] = from[i * b.row + j];
    return;
  }
  constexpr int64_t TILE = 16;
  for (int64_t i = 0; i < depth; i += TILE) {
    const int64_t end = std::min(depth, i + TILE);
    for (int64_t j = 0; j < columns; j++)
      for (int64_t l = i; l < end; l++) to[l * COLUMNS + j] = from[l * b.row + j * b.column];
  }
}

// R rows of c times COLUMNS columns: c = (add ? c : 0) + scale * a b, b packed.
template <int R>
inline void tile(const float* a, int64_t row, int64_t step, const float* b, int64_t depth, float* c, int64_t stride,
                 int64_t columns, float scale, bool add) {
  Vector sum[R][2] = {};
  for (int64_t k = 0; k < depth; k++) {
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
      for (int64_t j = 0; j < columns; j++) to[j] = from[j] * scale + (add ? to[j] : 0);
    }
  }
}

template <int R>
inline void tiles(int rows, const float* a, int64_t row, int64_t step, const float* b, int64_t depth, float* c, int64_t stride,
                  int64_t columns, float scale, bool add) {
  if (rows == R) return tile<R>(a, row, step, b, depth, c, stride, columns, scale, add);
  if constexpr (R > 1) tiles<R - 1>(rows, a, row, step, b, depth, c, stride, columns, scale, add);
}

// c[rows, columns] = (add ? c : 0) + scale * a[rows, inner] b[inner, columns], for one block of columns, on this thread.
inline void panel(const Matrix& a, const Matrix& b, int64_t rows, int64_t inner, int64_t column, int64_t columns, float* c,
                  int64_t stride, float scale, bool add) {
  float* packed = scratch(0, std::min(inner, DEPTH) * COLUMNS);
  for (int64_t k = 0; k < inner; k += DEPTH) {
    const int64_t depth = std::min(DEPTH, inner - k);
    pack(b, k, depth, column, columns, packed);
    for (int64_t r = 0; r < rows; r += ROWS)
      tiles<ROWS>((int)std::min<int64_t>(ROWS, rows - r), a.data + r * a.row + k * a.column, a.row, a.column, packed, depth,
                  c + r * stride + column, stride, columns, scale, add || k > 0);
  }
}

// The whole product on this thread.
inline void product(const Matrix& a, const Matrix& b, int64_t rows, int64_t inner, int64_t columns, float* c, int64_t stride,
                    float scale = 1, bool add = false) {
  for (int64_t j = 0; j < columns; j += COLUMNS)
    panel(a, b, rows, inner, j, std::min<int64_t>(COLUMNS, columns - j), c, stride, scale, add);
}

// The whole product, shared by all threads.
inline void sharedProduct(const Matrix& a, const Matrix& b, int64_t rows, int64_t inner, int64_t columns, float* c,
                          int64_t stride) {
  const int64_t panels = (columns + COLUMNS - 1) / COLUMNS;
  Threads::get().run(panels, [&](int64_t p) {
    const int64_t j = p * COLUMNS;
    panel(a, b, rows, inner, j, std::min<int64_t>(COLUMNS, columns - j), c, stride, 1, false);
  });
}
