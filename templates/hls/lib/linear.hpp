// SPDX-License-Identifier: Apache-2.0
// global_sum and linear: the end of the network.
//
//   sums[c] = sum over the map of x[c],  logits[o] = sum over c of weight[o][c] * sums[c] + bias[o]
//
// Golden    : repvgg_hw/golden.py, global_sum() and linear().
// Shape     : in HEIGHT x WIDTH x C_IN, IN_LANES channels per beat; out sets of PO logits without bias.
// Throughput: global_sum one beat per cycle; linear C_IN/PI * C_OUT/PO cycles per frame.

#ifndef REPVGG_LINEAR_HPP
#define REPVGG_LINEAR_HPP

#include "resize.hpp"

namespace repvgg {

constexpr int bit_length(long long n) { return n == 0 ? 0 : 1 + bit_length(n / 2); }

template <class L>
struct Linear {
  static const int SUM_BITS = bit_length(static_cast<long long>(L::HEIGHT) * L::WIDTH * ((1 << L::IN_BITS) - 1));
  static const int BEATS = L::C_IN / L::IN_LANES;  // of a pixel
  static const int WORDS = L::C_IN / L::PI;
  static const int SETS = L::C_OUT / L::PO;
  static const int CHUNKS = rom_chunks(L::PO * L::PI, L::WEIGHT_BITS);
  typedef ap_uint<L::IN_LANES * L::IN_BITS> Beat;
  typedef ap_uint<L::IN_LANES * SUM_BITS> SumBeat;
  typedef ap_uint<L::PI * SUM_BITS> Word;
  struct Logits {
    ap_int<L::ACC_BITS> lane[L::PO];
  };
};

// One beat of channels per iteration, added to the sums of the pixels before.
template <class L>
void sum_pixels(hls::stream<typename Linear<L>::Beat> &in, hls::stream<typename Linear<L>::SumBeat> &out, int frames,
                ap_uint<Linear<L>::SUM_BITS> (&sums)[Linear<L>::BEATS][L::IN_LANES]) {
#pragma HLS INLINE
  typedef Linear<L> D;
  REPVGG_COUNT_LOOP("global_sum", out, D::BEATS);
  for (int frame = 0; frame < frames; ++frame) {
    for (int pixel = 0; pixel < L::HEIGHT * L::WIDTH; ++pixel) {
      for (int beat = 0; beat < D::BEATS; ++beat) {
#pragma HLS PIPELINE II=1
        REPVGG_COUNT_INITIATION();
        const typename D::Beat x = in.read();
        typename D::SumBeat total = 0;
        for (int i = 0; i < L::IN_LANES; ++i) {
#pragma HLS UNROLL
          ap_uint<D::SUM_BITS> sum = get_lane<L::IN_BITS>(x, i);
          if (pixel > 0) sum += sums[beat][i];
          sums[beat][i] = sum;
          set_lane<D::SUM_BITS>(total, i, sum);
        }
        if (pixel == L::HEIGHT * L::WIDTH - 1) out.write(total);
      }
    }
  }
}

// A sum comes back after BEATS iterations. Where these are enough for a memory to be read, added to and written, it
// is one, and the pragma says so; where they are few, the sums are registers.
template <class L>
void global_sum(hls::stream<typename Linear<L>::Beat> &in, hls::stream<typename Linear<L>::SumBeat> &out, int frames) {
  typedef Linear<L> D;
  if (D::BEATS >= 4) {
    ap_uint<D::SUM_BITS> sums[D::BEATS][L::IN_LANES];
#pragma HLS ARRAY_RESHAPE variable=sums complete dim=2
#pragma HLS BIND_STORAGE variable=sums type=ram_2p
#pragma HLS DEPENDENCE variable=sums type=inter direction=RAW distance=4 dependent=true
    sum_pixels<L>(in, out, frames, sums);
  } else {
    ap_uint<D::SUM_BITS> few[D::BEATS][L::IN_LANES];
#pragma HLS ARRAY_PARTITION variable=few complete dim=0
    sum_pixels<L>(in, out, frames, few);
  }
}

template <class L>
void linear(hls::stream<typename Linear<L>::Word> &in, hls::stream<typename Linear<L>::Logits> &out,
            const uint64_t (&weights)[Linear<L>::SETS * Linear<L>::WORDS][Linear<L>::CHUNKS], int frames) {
#pragma HLS ARRAY_RESHAPE variable=weights complete dim=2
  typedef Linear<L> D;
  REPVGG_COUNT_LOOP("linear", out, D::SETS);
  typename D::Word sums[D::WORDS];  // filled while the first set is computed, read again for the others
  typename D::Logits logits;
  for (int frame = 0; frame < frames; ++frame) {
    for (int set = 0; set < D::SETS; ++set) {
      for (int word = 0; word < D::WORDS; ++word) {
#pragma HLS PIPELINE II=1
        REPVGG_COUNT_INITIATION();
        typename D::Word x;
        if (set == 0) {
          x = in.read();
          sums[word] = x;
        } else {
          x = sums[word];
        }
        const int row = set * D::WORDS + word;
        for (int p = 0; p < L::PO; ++p) {
#pragma HLS UNROLL
          ap_int<L::ACC_BITS> sum = 0;
          for (int i = 0; i < L::PI; ++i) {
#pragma HLS UNROLL
            sum += rom_weight<L::WEIGHT_BITS>(weights, row, p * L::PI + i) * get_lane<D::SUM_BITS>(x, i);
          }
          if (word == 0) {
            logits.lane[p] = sum;
          } else {
            logits.lane[p] += sum;
          }
        }
        if (word == D::WORDS - 1) out.write(logits);
      }
    }
  }
}

}  // namespace repvgg

#endif
