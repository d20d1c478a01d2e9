// SPDX-License-Identifier: Apache-2.0
// observe: what C simulation records, with REPVGG_TRACE defined, into a folder `trace`. Nothing otherwise.
//
//   REPVGG_OBSERVE(bits, stream, name)   appends what the stream holds to trace/<name>.dat, a number per lane and
//                                        line in the stream's order, and leaves the stream as it was; then
//                                        REPVGG_OBSERVE_LOOPS
//   REPVGG_OBSERVE_LOOPS(name)           appends to trace/<name>.loops the slowest pipelined loop since the last
//                                        call, and its initiations up to the last beats of the last two frames
//   REPVGG_COUNT_LOOP(loop, out, beats)  before a pipelined loop that writes so many beats of `out` per frame
//   REPVGG_COUNT_INITIATION()            first in its body
//
// The difference is the loop's initiations per frame: at II = 1, and where no stream makes it wait, the cycles from
// frame to frame.

#ifndef REPVGG_OBSERVE_HPP
#define REPVGG_OBSERVE_HPP

#include "words.hpp"

#if defined(REPVGG_TRACE) && !defined(__SYNTHESIS__)

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace repvgg {

inline std::FILE *open_trace(const char *name, const char *suffix) {
  const std::string path = std::string("trace/") + name + suffix;
  std::FILE *file = std::fopen(path.c_str(), "a");
  if (file == 0) {
    std::fprintf(stderr, "cannot write %s: run in a folder that has a folder `trace`\n", path.c_str());
    std::exit(2);
  }
  return file;
}

struct Loop {
  const char *name;
  long before, end;  // initiations at which the last two frames ended; 0 where there were not two
};
inline Loop &slowest_loop() {
  static Loop slowest = {"", 0, 0};
  return slowest;
}

template <class Stream>
class LoopCount {
 public:
  LoopCount(const char *name, Stream &out, int beats)
      : out_(out), beats_(static_cast<std::size_t>(beats)), frame_end_(out.size() + beats_), ends_{name, 0, 0} {}
  ~LoopCount() {
    if (out_.size() >= frame_end_) frame_ended();
    Loop &slowest = slowest_loop();
    if (ends_.before > 0 && ends_.end - ends_.before > slowest.end - slowest.before) slowest = ends_;
  }
  void initiation() {
    look();
    ++initiations_;
  }

 private:
  void look() {
    if (out_.size() != size_) {
      size_ = out_.size();
      progress_ = initiations_;
    } else if (initiations_ - progress_ > STUCK) {
      throw std::runtime_error(std::string(ends_.name) + " waits for ever");
    }
    if (size_ < frame_end_) return;
    frame_ended();
  }
  void frame_ended() {
    frame_end_ += beats_;
    ends_.before = ends_.end;
    ends_.end = initiations_;
  }
  static const long STUCK = 1 << 24;  // initiations without a beat: far more than any buffer takes to fill
  Stream &out_;
  std::size_t beats_, size_ = 0, frame_end_;
  long initiations_ = 0, progress_ = 0;
  Loop ends_;
};

inline void observe_loops(const char *name) {
  Loop &slowest = slowest_loop();
  if (slowest.end > 0) {
    std::FILE *file = open_trace(name, ".loops");
    std::fprintf(file, "%s %ld %ld\n", slowest.name, slowest.before, slowest.end);
    std::fclose(file);
  }
  slowest = Loop{"", 0, 0};
}

template <int BITS, int WIDTH>
void observe(hls::stream<ap_uint<WIDTH> > &stream, const char *name) {
  std::FILE *file = open_trace(name, ".dat");
  const std::size_t beats = stream.size();
  for (std::size_t i = 0; i < beats; ++i) {
    const ap_uint<WIDTH> beat = stream.read();
    for (int j = 0; j < WIDTH / BITS; ++j) std::fprintf(file, "%d\n", get_lane<BITS>(beat, j).to_int());
    stream.write(beat);
  }
  std::fclose(file);
  observe_loops(name);
}

}  // namespace repvgg

#define REPVGG_OBSERVE(BITS, stream, name) repvgg::observe<BITS>(stream, name)
#define REPVGG_OBSERVE_LOOPS(name) repvgg::observe_loops(name)
#define REPVGG_COUNT_LOOP(loop, out, beats) \
  repvgg::LoopCount<typename std::remove_reference<decltype(out)>::type> loop_count(loop, out, beats)
#define REPVGG_COUNT_INITIATION() loop_count.initiation()
#else
#define REPVGG_OBSERVE(BITS, stream, name)
#define REPVGG_OBSERVE_LOOPS(name)
#define REPVGG_COUNT_LOOP(loop, out, beats)
#define REPVGG_COUNT_INITIATION()
#endif

#endif
