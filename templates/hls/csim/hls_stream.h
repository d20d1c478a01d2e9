// SPDX-License-Identifier: Apache-2.0
// hls_stream.h for C simulation only: a FIFO without bound that tolerates no lost and no invented beat.
//
// Reading an empty stream throws, and so ends a simulation whose producer dropped a beat. A stream that dies
// with beats in it ends the program, because a destructor cannot throw: its producer made beats too many.
// Never put this file on the include path of the vendor's tool, which brings its own.

#ifndef REPVGG_CSIM_HLS_STREAM_H
#define REPVGG_CSIM_HLS_STREAM_H

#include <cstddef>
#include <cstdlib>
#include <deque>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace hls {

template <typename T>
class stream {
 public:
  stream() : name_("unnamed") {}
  explicit stream(const char *name) : name_(name) {}
  stream(const stream &) = delete;
  stream &operator=(const stream &) = delete;
  ~stream() {
    if (beats_.empty() || std::uncaught_exception()) return;
    std::cerr << "stream " << name_ << ": " << beats_.size() << " beats were never read" << std::endl;
    std::_Exit(EXIT_FAILURE);
  }

  void write(const T &beat) { beats_.push_back(beat); }
  T read() {
    if (beats_.empty()) throw std::runtime_error("stream " + name_ + ": a beat is missing");
    const T beat = beats_.front();
    beats_.pop_front();
    return beat;
  }
  bool empty() const { return beats_.empty(); }
  std::size_t size() const { return beats_.size(); }

 private:
  std::string name_;
  std::deque<T> beats_;
};

}  // namespace hls

#endif
