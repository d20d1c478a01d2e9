// SPDX-License-Identifier: Apache-2.0
// words: how lanes lie in stream words and weights in ROM rows.
//
// A stream word packs its lanes with lane 0 in the low bits. A ROM row is an array of 64-bit chunks, each with
// as many whole weights as fit; weight 0 is in the low bits of chunk 0.

#ifndef REPVGG_WORDS_HPP
#define REPVGG_WORDS_HPP

#ifndef AP_INT_MAX_W
#define AP_INT_MAX_W 4096  // the vendor's default of 1024 bits is too narrow for some stream words
#endif
#include <ap_int.h>
#include <hls_stream.h>
#include <stdint.h>

namespace repvgg {

constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Unsigned and signed integers of BITS bits under one name.
template <int BITS, bool SIGNED>
struct Integer {
  typedef ap_uint<BITS> type;
};
template <int BITS>
struct Integer<BITS, true> {
  typedef ap_int<BITS> type;
};

// The bits of lane `index`, as they lie in the word.
template <int BITS, int WIDTH>
ap_uint<BITS> get_lane(const ap_uint<WIDTH> &word, int index) {
#pragma HLS INLINE
  return word.range((index + 1) * BITS - 1, index * BITS);
}

template <int BITS, int WIDTH>
void set_lane(ap_uint<WIDTH> &word, int index, const ap_uint<BITS> &value) {
#pragma HLS INLINE
  word.range((index + 1) * BITS - 1, index * BITS) = value;
}

// Lane `index` as a number: two's complement where SIGNED.
template <int BITS, bool SIGNED, int WIDTH>
typename Integer<BITS, SIGNED>::type lane_value(const ap_uint<WIDTH> &word, int index) {
#pragma HLS INLINE
  typename Integer<BITS, SIGNED>::type value = 0;
  value.range(BITS - 1, 0) = get_lane<BITS>(word, index);
  return value;
}

// Chunks of a ROM row of `count` weights.
constexpr int rom_chunks(int count, int bits) { return ceil_div(count, 64 / bits); }

// Weight `index` of ROM row `row`.
template <int BITS, int ROWS, int CHUNKS>
ap_int<BITS> rom_weight(const uint64_t (&rom)[ROWS][CHUNKS], int row, int index) {
#pragma HLS INLINE
  static_assert(BITS <= 32, "a weight has at most 32 bits");
  const int per_chunk = 64 / BITS;
  const uint64_t chunk = rom[row][index / per_chunk] >> (index % per_chunk * BITS);
  ap_int<BITS> weight = 0;
  weight.range(BITS - 1, 0) = ap_uint<BITS>(static_cast<uint32_t>(chunk & ((uint64_t(1) << BITS) - 1)));
  return weight;
}

// Whether a read or a write may be tried now. In hardware a process that fills a buffer and reads it goes on with one
// side while the other waits. In C simulation a stream is never full, and its producer has already finished, so an
// empty stream can only be a missing beat: the blocking read that follows reports it, where waiting would hang.
template <typename T>
bool may_read(hls::stream<T> &in) {
#pragma HLS INLINE
#ifdef __SYNTHESIS__
  return !in.empty();
#else
  static_cast<void>(in);
  return true;
#endif
}
template <typename T>
bool may_write(hls::stream<T> &out) {
#pragma HLS INLINE
#ifdef __SYNTHESIS__
  return !out.full();
#else
  static_cast<void>(out);
  return true;
#endif
}

}  // namespace repvgg

#endif
