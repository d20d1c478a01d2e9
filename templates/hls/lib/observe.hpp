// observe: in C simulation, with REPVGG_TRACE defined, appends what a stream holds to trace/<name>.dat, a number
// per lane and line in the stream's order, and leaves the stream as it was. Nothing otherwise.

#ifndef REPVGG_OBSERVE_HPP
#define REPVGG_OBSERVE_HPP

#include "words.hpp"

#if defined(REPVGG_TRACE) && !defined(__SYNTHESIS__)

#include <cstdio>
#include <cstdlib>
#include <string>

namespace repvgg {

template <int BITS, int WIDTH>
void observe(hls::stream<ap_uint<WIDTH> > &stream, const char *name) {
  const std::string path = std::string("trace/") + name + ".dat";
  std::FILE *file = std::fopen(path.c_str(), "a");
  if (file == 0) {
    std::fprintf(stderr, "cannot write %s: run in a folder that has a folder `trace`\n", path.c_str());
    std::exit(2);
  }
  const std::size_t beats = stream.size();
  for (std::size_t i = 0; i < beats; ++i) {
    const ap_uint<WIDTH> beat = stream.read();
    for (int j = 0; j < WIDTH / BITS; ++j) std::fprintf(file, "%d\n", get_lane<BITS>(beat, j).to_int());
    stream.write(beat);
  }
  std::fclose(file);
}

}  // namespace repvgg

#define REPVGG_OBSERVE(BITS, stream, name) repvgg::observe<BITS>(stream, name)
#else
#define REPVGG_OBSERVE(BITS, stream, name)
#endif

#endif
