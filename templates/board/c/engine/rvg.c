/* SPDX-License-Identifier: Apache-2.0 */
#include "rvg.h"

/* Of the image's header: where the engine's identity lies, and the network's. */
#define HEADER_ENGINE 8
#define HEADER_NETWORK 36

static uint32_t get(const rvg_t *rvg, uint32_t offset) { return RVG_READ(rvg->accelerator + offset); }
static void put(const rvg_t *rvg, uint32_t offset, uint32_t value) { RVG_WRITE(rvg->accelerator + offset, value); }

int rvg_open(rvg_t *rvg, uintptr_t accelerator, uint32_t image, uint32_t maps) {
  rvg->accelerator = accelerator;
  rvg->image = image;
  rvg->maps = maps;
  if (get(rvg, RVG_ID) != RVG_MAGIC) return RVG_NO_DESIGN;
  if (get(rvg, RVG_VERSION) != RVG_MAP_VERSION) return RVG_OTHER_MAP;
  if (get(rvg, RVG_ENGINE) != RVG_DESIGN_ENGINE) return RVG_OTHER_DESIGN;
  return RVG_OK;
}

static uint32_t word(const uint8_t *at) {
  return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t digit(char letter) { return (uint32_t)(letter <= '9' ? letter - '0' : letter - 'a' + 10); }

int rvg_check_image(const uint8_t *image) {
  static const char network[] = RVG_DESIGN_NETWORK;
  uint32_t i;
  if (word(image) != RVG_MAGIC || word(image + HEADER_ENGINE) != RVG_DESIGN_ENGINE) return RVG_OTHER_IMAGE;
  for (i = 0; i + 1 < sizeof network; i += 2) {
    if (image[HEADER_NETWORK + i / 2] != (digit(network[i]) << 4 | digit(network[i + 1]))) return RVG_OTHER_IMAGE;
  }
  return RVG_OK;
}

void rvg_input(uint8_t *input, const uint8_t *pixels) {
  const uint32_t fold = RVG_DESIGN_FOLD, height = (RVG_DESIGN_HEIGHT + fold - 1) / fold;
  uint32_t channel, row, column, i;
  for (i = 0; fold > 1 && i < RVG_DESIGN_INPUT_BYTES; i++) input[i] = 0; /* beyond an odd edge */
  for (channel = 0; channel < RVG_DESIGN_CHANNELS; channel++) {
    for (row = 0; row < RVG_DESIGN_HEIGHT; row++) {
      for (column = 0; column < RVG_DESIGN_WIDTH; column++) {
        uint8_t pixel = pixels[(row * RVG_DESIGN_WIDTH + column) * RVG_DESIGN_CHANNELS + channel];
        uint32_t plane = (row % fold * fold + column % fold) * RVG_DESIGN_CHANNELS + channel;
        uint32_t line = (plane * height + row / fold) * RVG_DESIGN_PITCH;
        input[line + column / fold] = (uint8_t)RVG_DESIGN_TABLE[channel][pixel];
      }
    }
  }
}

int rvg_abort(const rvg_t *rvg, uint32_t polls) {
  put(rvg, RVG_CONTROL, RVG_CONTROL_ABORT_MASK);
  while (get(rvg, RVG_STATUS) & RVG_STATUS_BUSY_MASK) {
    if (polls-- == 0) return RVG_TIMEOUT;
  }
  return RVG_OK;
}

static int finish(const rvg_t *rvg, uint32_t polls) {
  for (; polls != 0; polls--) {
    uint32_t status = get(rvg, RVG_STATUS);
    if (status & RVG_STATUS_DONE_MASK) return (int)((status & RVG_STATUS_ERROR_MASK) >> RVG_STATUS_ERROR_SHIFT);
  }
  return RVG_TIMEOUT;
}

int rvg_run(const rvg_t *rvg, uint32_t input, uint32_t output, uint32_t frames, uint32_t polls) {
  int code;
  if (get(rvg, RVG_STATUS) & RVG_STATUS_BUSY_MASK) return RVG_IN_USE;
  put(rvg, RVG_STATUS, 0xffffffffu); /* what is left of an earlier run */
  put(rvg, RVG_IMAGE, rvg->image);
  put(rvg, RVG_MAPS, rvg->maps);
  put(rvg, RVG_INPUT, input);
  put(rvg, RVG_OUTPUT, output);
  put(rvg, RVG_INPUT_STRIDE, RVG_DESIGN_INPUT_BYTES);
  put(rvg, RVG_OUTPUT_STRIDE, RVG_DESIGN_OUTPUT_BYTES);
  put(rvg, RVG_FRAMES, frames);
  put(rvg, RVG_CONTROL, RVG_CONTROL_START_MASK);
  code = finish(rvg, polls);
  if (code == RVG_TIMEOUT) (void)rvg_abort(rvg, polls);
  return code;
}

uint32_t rvg_class(const int32_t *output) {
  uint32_t best = 0, i;
  for (i = 1; i < RVG_DESIGN_LOGITS; i++) {
    if (output[i] > output[best]) best = i;
  }
  return best;
}

const char *rvg_text(int code) {
  switch (code) {
    case RVG_OK: return "no error";
    case RVG_NO_DESIGN: return "no engine at the address: wrong bitstream or address";
    case RVG_OTHER_MAP: return "registers of another version: take driver and bitstream from one folder";
    case RVG_OTHER_DESIGN: return "another engine: take driver, image and bitstream from one folder";
    case RVG_IN_USE: return "the engine is busy: another program runs it, or rvg_abort first";
    case RVG_TIMEOUT: return "no end within the polls that were allowed";
    case RVG_OTHER_IMAGE: return "the image of another network or engine: take driver and image from one folder";
    case RVG_ERROR_ABORT: return "the run was aborted";
    case RVG_ERROR_WEIGHT_READ: return "a read through the weight port failed";
    case RVG_ERROR_DATA_READ: return "a read through the data port failed";
    case RVG_ERROR_DATA_WRITE: return "a write through the data port failed";
    case RVG_ERROR_MAGIC: return "there is no engine's image at the image's address";
    case RVG_ERROR_VERSION: return "the image is of another version of the format";
    case RVG_ERROR_ENGINE: return "the image is for another engine";
    case RVG_ERROR_PROGRAM: return "the image's program has an unknown instruction, no end, or data left over";
    case RVG_ERROR_WATCHDOG: return "nothing moved for as long as the watchdog allows";
    case RVG_ERROR_BUS: return "a transfer never ended: no run begins before it does, or before a reset";
    case RVG_ERROR_ADDRESS: return "an address of the run is not a multiple of the bytes in a beat of its port";
    default: return "an unknown error of the engine";
  }
}
