// SPDX-License-Identifier: Apache-2.0
// receive and send: the AXI4-Stream ports of the design.
//
// receive: one pixel per beat, channel 0 in the low bits, each beat widened to whole bytes; TLAST is not read,
//          because a frame is HEIGHT x WIDTH beats.
// send   : one logit per beat, bias added, as a 32-bit signed number; TLAST with the last of a frame.
// send_map: in a network that ends with a map, its channels a byte each; TLAST with the last beat of a frame.

#ifndef REPVGG_AXIS_HPP
#define REPVGG_AXIS_HPP

#include "linear.hpp"

#include <ap_axi_sdata.h>  // after ap_int.h with its AP_INT_MAX_W

namespace repvgg {

static const int LOGIT_BITS = 32;

template <class L>
struct Port {  // of the network's first layer
  static const int PIXEL_BITS = L::C_IN * L::IN_BITS;
  typedef ap_uint<PIXEL_BITS> Pixel;
  typedef ap_axiu<ceil_div(PIXEL_BITS, 8) * 8, 0, 0, 0> Beat;
};
typedef ap_axis<LOGIT_BITS, 0, 0, 0> LogitBeat;

template <class L>
struct LogitPort {  // of the linear layer
  static const int LANES = 1;         // values per beat
  static const int BEATS = L::C_OUT;  // per frame
  typedef LogitBeat Beat;
};

template <class L>
struct MapPort {  // of the last convolution, where its map is the output
  static const int LANES = L::OUT_LANES;
  static const int PIXELS = ((L::HEIGHT - 1) / L::STRIDE + 1) * ((L::WIDTH - 1) / L::STRIDE + 1);
  static const int BEATS = PIXELS * (L::C_OUT / LANES);
  typedef ap_axiu<LANES * 8, 0, 0, 0> Beat;
};

template <class L>
void receive(hls::stream<typename Port<L>::Beat> &s_axis, hls::stream<typename Port<L>::Pixel> &out, int frames) {
  REPVGG_COUNT_LOOP("receive", out, L::HEIGHT * L::WIDTH);
  for (int frame = 0; frame < frames; ++frame) {
    for (int pixel = 0; pixel < L::HEIGHT * L::WIDTH; ++pixel) {
#pragma HLS PIPELINE II=1
      REPVGG_COUNT_INITIATION();
      const typename Port<L>::Beat beat = s_axis.read();
      typename Port<L>::Pixel x = 0;
      for (int i = 0; i < L::C_IN; ++i) {
#pragma HLS UNROLL
        set_lane<L::IN_BITS>(x, i, get_lane<L::IN_BITS>(beat.data, i));
      }
      out.write(x);
    }
  }
}

template <class L>
void send(hls::stream<typename Linear<L>::Logits> &in, hls::stream<LogitBeat> &m_axis,
          const int32_t (&bias)[L::C_OUT], int frames) {
  REPVGG_COUNT_LOOP("send", m_axis, L::C_OUT);
  typename Linear<L>::Logits logits;
  for (int frame = 0; frame < frames; ++frame) {
    for (int set = 0; set < Linear<L>::SETS; ++set) {
      for (int p = 0; p < L::PO; ++p) {
#pragma HLS PIPELINE II=1
        REPVGG_COUNT_INITIATION();
        if (p == 0) logits = in.read();
        LogitBeat beat;
        beat.data = logits.lane[0] + ap_int<32>(bias[set * L::PO + p]);
        beat.keep = ~ap_uint<LOGIT_BITS / 8>(0);
        beat.strb = ~ap_uint<LOGIT_BITS / 8>(0);
        beat.last = set == Linear<L>::SETS - 1 && p == L::PO - 1;
        m_axis.write(beat);
        for (int i = 0; i + 1 < L::PO; ++i) {
#pragma HLS UNROLL
          logits.lane[i] = logits.lane[i + 1];
        }
      }
    }
  }
}

template <class L>
void send_map(hls::stream<ap_uint<L::OUT_LANES * L::OUT_BITS> > &in, hls::stream<typename MapPort<L>::Beat> &m_axis,
              int frames) {
  typedef MapPort<L> P;
  REPVGG_COUNT_LOOP("send_map", m_axis, P::BEATS);
  for (int frame = 0; frame < frames; ++frame) {
    for (int i = 0; i < P::BEATS; ++i) {
#pragma HLS PIPELINE II=1
      REPVGG_COUNT_INITIATION();
      const ap_uint<L::OUT_LANES * L::OUT_BITS> x = in.read();
      typename P::Beat beat;
      beat.data = 0;
      for (int lane = 0; lane < P::LANES; ++lane) {
#pragma HLS UNROLL
        set_lane<8>(beat.data, lane, ap_uint<8>(get_lane<L::OUT_BITS>(x, lane)));
      }
      beat.keep = ~ap_uint<P::LANES>(0);
      beat.strb = ~ap_uint<P::LANES>(0);
      beat.last = i == P::BEATS - 1;
      m_axis.write(beat);
    }
  }
}

// The network's end: global average pooling, whose division is folded away, the linear layer and the port.
template <class L>
void classify(hls::stream<typename Linear<L>::SumBeat> &in, hls::stream<LogitBeat> &m_axis,
              const uint64_t (&weights)[Linear<L>::SETS * Linear<L>::WORDS][Linear<L>::CHUNKS],
              const int32_t (&bias)[L::C_OUT], int frames) {
#pragma HLS INLINE
  hls::stream<typename Linear<L>::Word> words("linear words");
  hls::stream<typename Linear<L>::Logits> logits("logits");
#pragma HLS STREAM variable=words depth=2
#pragma HLS STREAM variable=logits depth=2
  resize_lanes<L::IN_LANES, L::PI, Linear<L>::SUM_BITS, L::C_IN, 1>(in, words, frames);
  linear<L>(words, logits, weights, frames);
  send<L>(logits, m_axis, bias, frames);
}

}  // namespace repvgg

#endif
