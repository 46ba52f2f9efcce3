// What the operation GnrAllReduce needs of the addon that carries data between the ranks.
#pragma once
#include <stddef.h>

struct GnrCollectives {
  /**
   * Replaces `count` vectors by their average over all ranks and returns at once. Every rank makes the same calls in the same
   * order. `done` is called on another thread, with nullptr or the reason of a failure.
   */
  void (*average)(float* const* parts, const size_t* sizes, size_t count, void (*done)(void* context, const char* failure),
                  void* context);
};
