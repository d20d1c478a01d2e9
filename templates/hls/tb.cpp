// SPDX-License-Identifier: Apache-2.0
// Test bench: the frames of <vectors>/input.dat through repvgg_top, its output compared with <vectors>/output.dat.
//
//   tb [vectors folder, default "vectors"] [frames per call, default all]
//
// Files hold a number per line: maps by frame, row, column, channel; logits by frame, class.
// With REPVGG_TRACE defined, every layer's output is appended to trace/<layer>.dat, the design's to trace/m_axis.dat.
// Returns 0 where every value is equal, 1 at a mismatch (the first is printed), 2 where a file is unusable.

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "../src/repvgg_top.hpp"

typedef repvgg::Port<config::first>::Beat PixelBeat;

static const int PIXELS = config::first::HEIGHT * config::first::WIDTH;
static const int CHANNELS = config::first::C_IN;
static const int VALUES = Output::BEATS * Output::LANES;  // of a frame's output

static std::vector<int> read_numbers(const std::string &path) {
  std::ifstream file(path.c_str());
  std::vector<int> numbers;
  for (int number; file >> number;) numbers.push_back(number);
  if (numbers.empty() || !file.eof()) {
    std::fprintf(stderr, "%s: no numbers, or something else between them\n", path.c_str());
    std::exit(2);
  }
  return numbers;
}

static PixelBeat pixel_beat(const int *x, bool last) {
  const int bits = config::first::IN_BITS;
  PixelBeat beat;
  beat.data = 0;
  for (int c = 0; c < CHANNELS; ++c) {
    const unsigned lane = static_cast<unsigned>(x[c]) & ((1u << bits) - 1u);
    repvgg::set_lane<bits>(beat.data, c, ap_uint<bits>(lane));
  }
  beat.keep = ~decltype(beat.keep)(0);
  beat.strb = ~decltype(beat.strb)(0);
  beat.last = last;
  return beat;
}

// Value `lane` of a beat: its only logit, or the byte of a channel.
inline int value(const ap_int<repvgg::LOGIT_BITS> &data, int) { return data.to_int(); }
template <int WIDTH>
inline int value(const ap_uint<WIDTH> &data, int lane) {
  return repvgg::get_lane<8>(data, lane).to_int();
}

static int run(const std::string &folder, int per_call) {
  const std::vector<int> input = read_numbers(folder + "/input.dat");
  const std::vector<int> expected = read_numbers(folder + "/output.dat");
  const int frames = static_cast<int>(expected.size()) / VALUES;
  if (expected.size() != static_cast<std::size_t>(frames) * VALUES ||
      input.size() != static_cast<std::size_t>(frames) * PIXELS * CHANNELS) {
    std::fprintf(stderr, "%s: input.dat and output.dat are not of the same whole frames\n", folder.c_str());
    return 2;
  }
  if (per_call <= 0) per_call = frames;

  int wrong = 0;
  for (int first = 0; first < frames; first += per_call) {
    const int count = per_call < frames - first ? per_call : frames - first;
    hls::stream<PixelBeat> s_axis("s_axis");
    hls::stream<Output::Beat> m_axis("m_axis");
    for (int i = 0; i < count * PIXELS; ++i) {
      const std::size_t at = static_cast<std::size_t>(first * PIXELS + i) * CHANNELS;
      s_axis.write(pixel_beat(&input[at], i % PIXELS == PIXELS - 1));
    }
    repvgg_top(s_axis, m_axis, count);
#ifdef REPVGG_TRACE
    std::ofstream trace("trace/m_axis.dat", std::ios::app);
#endif
    for (int i = 0; i < count * Output::BEATS; ++i) {
      const Output::Beat beat = m_axis.read();
      const bool last = beat.last == 1, want_last = i % Output::BEATS == Output::BEATS - 1;
      for (int lane = 0; lane < Output::LANES; ++lane) {
        const int at = i * Output::LANES + lane, got = value(beat.data, lane);
#ifdef REPVGG_TRACE
        trace << got << "\n";
#endif
        const int want = expected[static_cast<std::size_t>(first) * VALUES + static_cast<std::size_t>(at)];
        if (got == want && last == want_last) continue;
        if (wrong++ == 0)
          std::printf("frame %d, value %d: expected %d (last %d), got %d (last %d)\n", first + at / VALUES, at % VALUES,
                      want, want_last, got, last);
      }
    }
    if (!m_axis.empty()) {
      std::printf("more than %d values per frame\n", VALUES);
      return 1;
    }
  }
  std::printf("%d frames, %d values, %d wrong\n", frames, frames * VALUES, wrong);
  return wrong == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  try {
    return run(argc > 1 ? argv[1] : "vectors", argc > 2 ? std::atoi(argv[2]) : 0);
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
