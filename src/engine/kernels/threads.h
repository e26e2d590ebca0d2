// The threads that share the loops of an operation.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

typedef int64_t Index;

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
