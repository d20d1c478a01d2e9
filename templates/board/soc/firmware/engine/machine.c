/* SPDX-License-Identifier: Apache-2.0 */
/* An engine: its image, from ROM, and room for maps, inputs and outputs lie in the DRAM. */
#include "machine.h"

#include <generated/csr.h>
#include <generated/mem.h>
#include <generated/soc.h>
#include <system.h>

#include "rvg.h"

#define ROOM(bytes) (((bytes) + 63u) / 64u * 64u)
#define IMAGE_BASE MAIN_RAM_BASE
#define MAPS_BASE (IMAGE_BASE + ROOM(RVG_DESIGN_IMAGE_BYTES))
#define INPUT_BASE (MAPS_BASE + ROOM(RVG_DESIGN_MAPS_BYTES))
#define OUTPUT_BASE (INPUT_BASE + ROOM(IMAGES * RVG_DESIGN_INPUT_BYTES))
#define POLLS 10000000u

extern const uint32_t engine_image[];

static rvg_t rvg;

/* What the CPU has written goes to the DRAM, and what it reads comes from there: as LiteX's flush_l2_cache, by
 * reading what takes every line of the cache. */
static void flush(void) {
  flush_cpu_dcache();
#ifdef CONFIG_L2_SIZE
  for (uint32_t i = 0; i < 2 * CONFIG_L2_SIZE; i += 4) {
    (void)*(volatile uint32_t *)(MAIN_RAM_BASE + MAIN_RAM_SIZE / 2 + i);
  }
  flush_cpu_dcache();
#endif
}

void machine_open(void) {
  volatile uint32_t *to = (volatile uint32_t *)IMAGE_BASE;
  check(rvg_open(&rvg, RVG_BASE, IMAGE_BASE, MAPS_BASE));
  check(rvg_check_image((const uint8_t *)engine_image));
  for (uint32_t i = 0; i < RVG_DESIGN_IMAGE_BYTES / 4; i++) to[i] = engine_image[i];
}

void machine_load(const uint8_t *images, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    rvg_input((uint8_t *)(INPUT_BASE + i * RVG_DESIGN_INPUT_BYTES),
              images + i * RVG_DESIGN_HEIGHT * RVG_DESIGN_WIDTH * RVG_DESIGN_CHANNELS);
  }
}

static int32_t *output(uint32_t frame) { return (int32_t *)(OUTPUT_BASE + frame * RVG_DESIGN_OUTPUT_BYTES); }

void machine_run(uint32_t frames) {
  for (uint32_t i = 0; i < frames * RVG_DESIGN_OUTPUT_BYTES / 4; i++) output(0)[i] = (int32_t)0xdeadbeef;
  flush();
  check(rvg_run(&rvg, INPUT_BASE, OUTPUT_BASE, frames, POLLS));
  flush();
}

uint32_t machine_cycles(void) { return RVG_READ(rvg.accelerator + RVG_CYCLES_LOW); }

void machine_words(uint32_t frame) {
  for (uint32_t i = 0; i < RVG_DESIGN_LOGITS; i++) word(output(frame)[i]);
  word((int32_t)rvg_class(output(frame)));
}
