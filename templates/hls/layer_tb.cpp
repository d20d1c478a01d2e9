// SPDX-License-Identifier: Apache-2.0
// Runs one layer alone, named by the macro LAYER (config.hpp): input from <vectors>/input.dat, output appended to
// trace/<layer>.dat, a number per line in the order of the streams (lib/observe.hpp). LAYER=linear is the pool and the linear layer.
//
// UNIT is the layer's function: conv3x3 or winograd3x3.
//
//   g++ -DLAYER=stage0 -DUNIT=conv3x3 -DREPVGG_TRACE ...;  layer_tb <vectors folder> <frames>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>

#include "../src/repvgg_top.hpp"

#include "../src/constants.hpp"
#include "../src/lib/conv3x3.hpp"
#include "../src/lib/observe.hpp"
#include "../src/lib/winograd.hpp"
#include "../src/winograd_matrices.hpp"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define QUOTE_(a) #a
#define QUOTE(a) QUOTE_(a)
#define TABLE(suffix) JOIN(LAYER, suffix)

typedef config::LAYER Layer;
static const int BITS = Layer::IN_BITS;
typedef ap_uint<Layer::IN_LANES * BITS> InBeat;

static void read_input(const std::string &path, int frames, hls::stream<InBeat> &in) {
  std::ifstream file(path.c_str());
  const int beats = frames * Layer::HEIGHT * Layer::WIDTH * (Layer::C_IN / Layer::IN_LANES);
  for (int i = 0; i < beats; ++i) {
    InBeat beat = 0;
    for (int j = 0; j < Layer::IN_LANES; ++j) {
      int x = 0;
      if (!(file >> x)) {
        std::fprintf(stderr, "%s: fewer numbers than %d frames need\n", path.c_str(), frames);
        std::exit(2);
      }
      repvgg::set_lane<BITS>(beat, j, ap_uint<BITS>(static_cast<unsigned>(x) & ((1u << BITS) - 1u)));
    }
    in.write(beat);
  }
}

#ifdef LAYER_IS_LINEAR
static void run(hls::stream<InBeat> &in, int frames) {
  hls::stream<repvgg::Linear<Layer>::SumBeat> pool("pool");
  hls::stream<repvgg::LogitBeat> logits("linear");
  repvgg::global_sum<Layer>(in, pool, frames);
  REPVGG_OBSERVE(repvgg::Linear<Layer>::SUM_BITS, pool, "pool");
  repvgg::classify<Layer>(pool, logits, TABLE(_weights), TABLE(_bias), frames);
  REPVGG_OBSERVE_LOOPS("linear");
  std::ofstream file("trace/linear.dat", std::ios::app);
  while (!logits.empty()) file << logits.read().data.to_int() << "\n";
}
#else
static void run(hls::stream<InBeat> &in, int frames) {
  hls::stream<ap_uint<Layer::OUT_LANES * Layer::OUT_BITS> > out(QUOTE(LAYER));
  repvgg::UNIT<Layer>(in, out, TABLE(_weights), TABLE(_bias), TABLE(_multiplier), frames);
  REPVGG_OBSERVE(Layer::OUT_BITS, out, QUOTE(LAYER));
  while (!out.empty()) out.read();
}
#endif

int main(int argc, char **argv) {
  try {
    const int frames = argc > 2 ? std::atoi(argv[2]) : 1;
    hls::stream<InBeat> in("input");
    read_input(std::string(argc > 1 ? argv[1] : "vectors") + "/input.dat", frames, in);
    run(in, frames);
  } catch (const std::exception &error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  return 0;
}
