/* SPDX-License-Identifier: Apache-2.0 */
#include "rvg.h"
#include "rvg_dma.h"

static uint32_t get(const rvg_t *rvg, uint32_t offset) { return RVG_READ(rvg->accelerator + offset); }
static void put(const rvg_t *rvg, uint32_t offset, uint32_t value) { RVG_WRITE(rvg->accelerator + offset, value); }

int rvg_open(rvg_t *rvg, uintptr_t accelerator, uintptr_t dma) {
  rvg->accelerator = accelerator;
  rvg->dma = dma;
  if (get(rvg, RVG_ID) != RVG_MAGIC) return RVG_NO_DESIGN;
  if (get(rvg, RVG_VERSION) != RVG_MAP_VERSION) return RVG_OTHER_MAP;
  if (get(rvg, RVG_NETWORK) != RVG_DESIGN_NETWORK) return RVG_OTHER_DESIGN;
  return RVG_OK;
}

int rvg_abort(const rvg_t *rvg, uint32_t polls) {
  put(rvg, RVG_CONTROL, RVG_CONTROL_ABORT_MASK);
  while (get(rvg, RVG_STATUS) & RVG_STATUS_BUSY_MASK) {
    if (polls-- == 0) return RVG_TIMEOUT;
  }
  rvg_dma_reset(rvg);
  while (rvg_dma_resetting(rvg)) {
    if (polls-- == 0) return RVG_TIMEOUT;
  }
  return RVG_OK;
}

static int finish(const rvg_t *rvg, uint32_t bytes, uint32_t polls) {
  int ended = 0;
  for (; polls != 0; polls--) {
    uint32_t dma = rvg_dma_state(rvg), status = get(rvg, RVG_STATUS);
    if (dma & RVG_DMA_FAILED) return RVG_DMA_ERROR;
    if (status & RVG_STATUS_DONE_MASK) {
      int code = (int)((status & RVG_STATUS_ERROR_MASK) >> RVG_STATUS_ERROR_SHIFT);
      if (code != RVG_OK) return code;
      ended = 1;
    }
    if (ended && (dma & RVG_DMA_SENT) && (dma & RVG_DMA_RECEIVED)) {
      return rvg_dma_received(rvg) == bytes ? RVG_OK : RVG_WRONG_SIZE;
    }
  }
  return RVG_TIMEOUT;
}

int rvg_run(const rvg_t *rvg, uint32_t pixels, uint32_t results, uint32_t frames, uint32_t polls) {
  int code;
  if (get(rvg, RVG_STATUS) & RVG_STATUS_BUSY_MASK) return RVG_IN_USE;
  put(rvg, RVG_STATUS, 0xffffffffu); /* what is left of an earlier run */
  put(rvg, RVG_FRAMES, frames);
  rvg_dma_receive(rvg, results, frames * RVG_DESIGN_RESULT_BYTES);
  put(rvg, RVG_CONTROL, RVG_CONTROL_START_MASK);
  rvg_dma_send(rvg, pixels, frames * RVG_DESIGN_FRAME_BYTES);
  code = finish(rvg, frames * RVG_DESIGN_RESULT_BYTES, polls);
  if (code != RVG_OK && rvg_abort(rvg, polls) != RVG_OK) return RVG_TIMEOUT;
  return code;
}

const char *rvg_text(int code) {
  switch (code) {
    case RVG_OK: return "no error";
    case RVG_NO_DESIGN: return "no streaming design at the address: wrong bitstream or address";
    case RVG_OTHER_MAP: return "registers of another version: take driver and bitstream from one folder";
    case RVG_OTHER_DESIGN: return "the bitstream of another design: take driver and bitstream from one folder";
    case RVG_IN_USE: return "the accelerator is busy: another program runs it, or rvg_abort first";
    case RVG_TIMEOUT: return "no end within the polls that were allowed";
    case RVG_DMA_ERROR: return "the DMA failed: is there memory at both addresses?";
    case RVG_WRONG_SIZE: return "another number of results came than the run has";
    case RVG_ERROR_ABORT: return "the run was aborted";
    case RVG_ERROR_WATCHDOG: return "no beat came or went for as long as the watchdog allows";
    case RVG_ERROR_SHORT: return "the input's packet ended within a frame";
    case RVG_ERROR_LONG: return "the input's packet did not end with the run's last frame";
    case RVG_ERROR_KEEP: return "the input's bytes were not consecutive, or no whole number of pixels";
    default: return "an unknown error of the accelerator";
  }
}
