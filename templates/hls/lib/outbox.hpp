// SPDX-License-Identifier: Apache-2.0
// Outbox: the beats between the read of a memory and the stream that takes them.
//
// Whether a stream is full is a question for the pipeline stage that writes, and there the answer comes too late for
// the stage that reads the memory, some cycles before. So a read first takes a place here; its beat always finds one,
// and leaves when the stream has room. Places come back SETTLE iterations later: there are as many as a beat per
// iteration needs. A full stream then stops nothing but the reads: a process goes on to fill its memory.
//
// No process can wait for ever on that account: processes form a chain, and a beat that holds a place waits for the
// stream alone, which the process behind empties without asking anything of this one.

#ifndef REPVGG_OUTBOX_HPP
#define REPVGG_OUTBOX_HPP

#include "settling.hpp"

namespace repvgg {

template <typename T>
struct Outbox {
  static const int PLACES = SETTLE + 1;
  T beats[PLACES];  // the first leaves next
  int held;         // beats
  int spare;        // places that no read has taken, less one: a sign tells whether there is one
  bool sent;        // a beat, in this iteration
  Settling returns;

  void start() {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable=beats complete
    held = 0;
    spare = PLACES - 1;
    sent = false;
    returns.start();
  }
  bool may_send() const { return spare >= 0; }
  bool empty() const { return held == 0; }
  void send(const T &beat) {
#pragma HLS INLINE
    sent = true;
    for (int i = 0; i < PLACES; ++i) {
#pragma HLS UNROLL
      if (i == held) beats[i] = beat;
    }
    ++held;
  }
  // Ends an iteration.
  void settle(hls::stream<T> &out) {
#pragma HLS INLINE
    const bool leaves = held > 0 && may_write(out);
    if (leaves) {
      out.write(beats[0]);
      for (int i = 0; i + 1 < PLACES; ++i) {
#pragma HLS UNROLL
        if (i + 1 < held) beats[i] = beats[i + 1];
      }
      --held;
    }
    const int returned = returns.pass(leaves ? 1 : 0);
    spare += sent ? returned - 1 : returned;
    sent = false;
  }
};

}  // namespace repvgg

#endif
