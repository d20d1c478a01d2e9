// hls_stream.h for a scheduler's look at the processes: streams and the mark of a pipelined loop are calls from outside.

#ifndef REPVGG_TEST_SCHEDULER_STREAM_H
#define REPVGG_TEST_SCHEDULER_STREAM_H

extern "C" bool stream_empty(const void *stream);
extern "C" bool stream_full(const void *stream);
extern "C" void stream_read(void *stream, void *beat);
extern "C" void stream_write(void *stream, const void *beat);
extern "C" void pipelined();

namespace hls {

template <typename T>
class stream {
 public:
  explicit stream(const char *) {}
  bool empty() const { return stream_empty(this); }
  bool full() const { return stream_full(this); }
  T read() {
    T beat;
    stream_read(this, &beat);
    return beat;
  }
  void write(const T &beat) {
    const T copy = beat;  // whose address alone is given away
    stream_write(this, &copy);
  }

 private:
  int place_;
};

}  // namespace hls

#endif
