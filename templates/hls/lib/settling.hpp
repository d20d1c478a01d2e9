// SPDX-License-Identifier: Apache-2.0
// Settling: counts on their way from one side of a memory to the other.

#ifndef REPVGG_SETTLING_HPP
#define REPVGG_SETTLING_HPP

#include "words.hpp"

namespace repvgg {

// Iterations that pass at least between the write of a word and its first read, and between its last read and its
// overwriting: more than the stages by which a tool may separate the two ports in the pipeline. This is what makes
// DEPENDENCE dependent=false true of the memories whose sides give way to each other through Settling.
static const int SETTLE = 4;

// Carries counts from one side of a memory to the other: each arrives SETTLE iterations later.
struct Settling {
  int line[SETTLE];
  void start() {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable=line complete
    for (int i = 0; i < SETTLE; ++i) {
#pragma HLS UNROLL
      line[i] = 0;
    }
  }
  // What `pass` will return.
  int arriving() const { return line[SETTLE - 1]; }
  // Once per iteration: takes this one's count and returns the one of SETTLE iterations ago.
  int pass(int count) {
#pragma HLS INLINE
    const int settled = line[SETTLE - 1];
    for (int i = SETTLE - 1; i > 0; --i) {
#pragma HLS UNROLL
      line[i] = line[i - 1];
    }
    line[0] = count;
    return settled;
  }
};

}  // namespace repvgg

#endif
