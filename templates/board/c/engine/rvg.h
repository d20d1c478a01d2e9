/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without an operating system: registers by polling, memory that it reads and writes by itself.
 *
 * Memory of image, maps, inputs and outputs is the caller's, and so are its caches: write image and inputs back before
 * rvg_run, discard outputs behind it. Addresses are those that the engine sees, multiples of 64, below 4 GiB. Needs no
 * library; 32-bit registers only.
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
  uintptr_t accelerator; /* base address of the registers */
  uint32_t image;        /* RVG_DESIGN_IMAGE_BYTES of the network's .engine.bin */
  uint32_t maps;         /* RVG_DESIGN_MAPS_BYTES of room */
} rvg_t;

/* What a call returns: 0, the engine's own RVG_ERROR_* (below 256), or one of these. */
enum {
  RVG_OK = 0,
  RVG_NO_DESIGN = 256, /* no engine at the address */
  RVG_OTHER_MAP,       /* registers of another version */
  RVG_OTHER_DESIGN,    /* another engine */
  RVG_IN_USE,          /* a run is at work already */
  RVG_TIMEOUT,         /* no end within so many polls */
  RVG_OTHER_IMAGE      /* the image is not the one that rvg_design.h is of */
};

/* See that the engine of rvg_design.h is there. */
int rvg_open(rvg_t *rvg, uintptr_t accelerator, uint32_t image, uint32_t maps);

/* See that these bytes begin an image of the network and the engine of rvg_design.h. */
int rvg_check_image(const uint8_t *image);

/* A frame's pixels (rows, columns, channels) as the engine's input, RVG_DESIGN_INPUT_BYTES. */
void rvg_input(uint8_t *input, const uint8_t *pixels);

/* A run: frames * RVG_DESIGN_INPUT_BYTES at `input`, frames * RVG_DESIGN_OUTPUT_BYTES to `output`. After an error the next
 * run may succeed. */
int rvg_run(const rvg_t *rvg, uint32_t input, uint32_t output, uint32_t frames, uint32_t polls);

/* End a run that is at work; RVG_OK or RVG_TIMEOUT. */
int rvg_abort(const rvg_t *rvg, uint32_t polls);

/* The likeliest class of a frame's output, the lower one among equals. */
uint32_t rvg_class(const int32_t *output);

/* What a returned number means, as one line. */
const char *rvg_text(int code);

#endif
