/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming accelerator without an operating system: registers and the board's DMA (rvg_dma.c), by polling.
 *
 * Memory of pixels and results is the caller's, and so are its caches: write pixels back before rvg_run, discard
 * results behind it. Addresses are those that the DMA sees. Needs no library; 32-bit registers only.
 */
#ifndef RVG_H
#define RVG_H

#include <stdint.h>

#include "rvg_design.h"
#include "rvg_registers.h"

/* How a register is reached: define both before this header for another way than a pointer. */
#ifndef RVG_READ
#define RVG_READ(address) (*(volatile uint32_t *)(address))
#define RVG_WRITE(address, value) (*(volatile uint32_t *)(address) = (value))
#endif

typedef struct {
  uintptr_t accelerator; /* base addresses of the registers */
  uintptr_t dma;
} rvg_t;

/* What a call returns: 0, the accelerator's own RVG_ERROR_* (below 256), or one of these. */
enum {
  RVG_OK = 0,
  RVG_NO_DESIGN = 256, /* no streaming design at the address */
  RVG_OTHER_MAP,       /* registers of another version */
  RVG_OTHER_DESIGN,    /* the bitstream of another design */
  RVG_IN_USE,          /* a run is at work already */
  RVG_TIMEOUT,         /* no end within so many polls */
  RVG_DMA_ERROR,       /* the DMA reported an error: usually no memory at an address */
  RVG_WRONG_SIZE       /* fewer or more results than the run has */
};

/* See that the design of rvg_design.h is there. */
int rvg_open(rvg_t *rvg, uintptr_t accelerator, uintptr_t dma);

/* A run: frames * RVG_DESIGN_FRAME_BYTES bytes of pixels (rows, columns, channels) at `pixels`, frames *
 * RVG_DESIGN_RESULT_BYTES of results to `results`. After an error the next run may succeed. */
int rvg_run(const rvg_t *rvg, uint32_t pixels, uint32_t results, uint32_t frames, uint32_t polls);

/* End a run that is at work and the DMA's transfers; RVG_OK or RVG_TIMEOUT. */
int rvg_abort(const rvg_t *rvg, uint32_t polls);

#if RVG_DESIGN_TOP
/* The likeliest class of a frame, from its result. */
static inline uint32_t rvg_class(const int32_t *result) { return (uint32_t)result[RVG_DESIGN_LOGITS]; }
#else
/* A value of a frame's map, from its result. */
static inline uint8_t rvg_value(const void *result, uint32_t channel, uint32_t row, uint32_t column) {
  return ((const uint8_t *)result)[(row * RVG_DESIGN_MAP_WIDTH + column) * RVG_DESIGN_MAP_CHANNELS + channel];
}
#endif

/* What a returned number means, as one line. */
const char *rvg_text(int code);

#endif
