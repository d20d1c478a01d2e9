// hls_stream.h for tests: processes run at once, a cycle per initiation, and streams hold no more than their depth.
//
// Every process is a coroutine that the scheduler resumes once per cycle; it goes on until its next initiation, or
// until a stream that is empty or full makes it wait. What is written can be read LATENCY + 1 cycles later: a
// pipeline of LATENCY stages stands before each stream, and stops with it. The cycles at which beats enter the
// stream m_axis are printed at the end. Processes that wait for each other throw.

#ifndef REPVGG_TEST_DATAFLOW_H
#define REPVGG_TEST_DATAFLOW_H

#include <ucontext.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "depths.h"  // std::size_t depth_of(const std::string &stream), from the top's pragmas

namespace dataflow {

static const long LATENCY = std::atol(std::getenv("LATENCY"));
static const long STUCK = 4000;  // cycles without any beat

struct Process {
  ucontext_t context;
  std::vector<char> stack;
  std::function<void()> body;
  bool done;
};

static std::deque<std::unique_ptr<Process>> processes;
static Process *current = nullptr;
static ucontext_t scheduler;
static long cycle = 0, last_beat = 0;
static std::vector<long> output_cycles;
static std::string failure;

inline void next_cycle() {
  if (current) swapcontext(&current->context, &scheduler);
}

inline void enter() {
  try {
    current->body();
  } catch (const std::exception &error) {
    failure = error.what();
  }
  current->done = true;
  next_cycle();
}

inline void spawn(std::function<void()> body) {
  processes.emplace_back(new Process{{}, std::vector<char>(1 << 20), std::move(body), false});
  Process &process = *processes.back();
  getcontext(&process.context);
  process.context.uc_stack.ss_sp = process.stack.data();
  process.context.uc_stack.ss_size = process.stack.size();
  process.context.uc_link = nullptr;
  makecontext(&process.context, enter, 0);
}

inline void run() {
  for (bool busy = true; busy; ++cycle) {
    busy = false;
    for (const std::unique_ptr<Process> &process : processes) {
      if (process->done) continue;
      busy = true;
      current = process.get();
      swapcontext(&scheduler, &current->context);
      current = nullptr;
      if (!failure.empty()) throw std::runtime_error(failure);
    }
    if (cycle - last_beat > STUCK) throw std::runtime_error("the processes wait for each other");
  }
  processes.clear();
  cycle += LATENCY;
  for (const long at : output_cycles) std::printf("%ld\n", at);
}

}  // namespace dataflow

namespace hls {

template <typename T>
class stream {
 public:
  explicit stream(const char *name) : name_(name), depth_(depth_of(name)) {}
  stream(const stream &) = delete;

  void write(const T &beat) {
    while (full()) dataflow::next_cycle();
    beats_.push_back({beat, dataflow::cycle + 1 + dataflow::LATENCY});
    dataflow::last_beat = dataflow::cycle;
    if (name_ == "m_axis") dataflow::output_cycles.push_back(dataflow::cycle);
  }
  T read() {
    while (empty()) dataflow::next_cycle();
    const T beat = beats_.front().value;
    beats_.pop_front();
    read_in_ = dataflow::cycle;
    return beat;
  }
  bool empty() const { return beats_.empty() || (dataflow::current && beats_.front().readable > dataflow::cycle); }

  // A beat that leaves in this cycle makes room for the next.
  bool full() const { return depth_ > 0 && beats_.size() + (read_in_ == dataflow::cycle ? 1 : 0) >= capacity(); }

 private:
  struct Beat {
    T value;
    long readable;
  };
  std::size_t capacity() const { return depth_ + static_cast<std::size_t>(dataflow::LATENCY); }
  std::string name_;
  std::size_t depth_;  // 0: without bound
  std::deque<Beat> beats_;
  long read_in_ = -1;
};

}  // namespace hls

#endif
