// What the C library does with memory that has been freed. Only glibc's needs to be told, and nothing is done with another.
#pragma once
#include <climits>
#include <cstdlib>

#include "tensorflow.h"
#if defined(__GLIBC__)
#include <malloc.h>
#endif

// A step frees what the next one takes again, and new pages cost more than the products that fill them save: so nothing goes back on
// the way, but for pieces of over 32 MB, the most that glibc lets one keep.
inline void keepMemory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

// All pages that are free go back to the system; whether there were any.
inline void* giveBackMemory(void* env, void*) {
  bool given = false;
#if defined(__GLIBC__)
  given = malloc_trim(0) == 1;
#endif
  void* result = nullptr;
  napi_get_boolean(env, given, &result);
  return result;
}
