// What the operation GnrAllReduce needs of the addon that carries data between the ranks.
#pragma once
#include <stddef.h>
#include <stdint.h>

/** The place of a call in a step: the calls of a step travel in the order of their places, in which not all ranks may make them. */
struct GnrPlace {
  /** Tells the calls of one step from those of another. */
  int64_t step;
  /** From 0 without gaps; negative for a call that travels in the order of calls. */
  int64_t index;
};

struct GnrCollectives {
  /**
   * Replaces `count` vectors by their average over all ranks and returns at once. Every rank makes the same calls. `done` is
   * called on another thread, with nullptr or the reason of a failure.
   */
  void (*average)(float* const* parts, const size_t* sizes, size_t count, GnrPlace place,
                  void (*done)(void* context, const char* failure), void* context);
  /** Ends the calls of a step that wait for earlier ones, which will not come because the step has failed. */
  void (*cancel)(int64_t step);
};
