/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming design: pixels of all images lie in the DRAM, behind them the results. */
#include "machine.h"

#include <generated/csr.h>
#include <generated/mem.h>
#include <system.h>

#include "rvg.h"

#define RESULT_WORDS (RVG_DESIGN_RESULT_BYTES / 4)
#define FRAME_ROOM ((RVG_DESIGN_FRAME_BYTES + 3u) / 4u * 4u)
#define POLLS 10000000u

static rvg_t rvg;
static uint8_t *const pixels = (uint8_t *)MAIN_RAM_BASE;
static int32_t *const results = (int32_t *)(MAIN_RAM_BASE + FRAME_ROOM * IMAGES);

void machine_open(void) { check(rvg_open(&rvg, RVG_BASE, CSR_RVG_BASE)); }

void machine_load(const uint8_t *images, uint32_t count) {
  for (uint32_t i = 0; i < count * RVG_DESIGN_FRAME_BYTES; i++) pixels[i] = images[i];
}

void machine_run(uint32_t frames) {
  for (uint32_t i = 0; i < frames * RESULT_WORDS; i++) results[i] = (int32_t)0xdeadbeef;
  check(rvg_run(&rvg, (uint32_t)(uintptr_t)pixels, (uint32_t)(uintptr_t)results, frames, POLLS));
  flush_cpu_dcache();
}

uint32_t machine_cycles(void) { return RVG_READ(rvg.accelerator + RVG_CYCLES_LOW); }

void machine_words(uint32_t frame) {
  for (uint32_t i = 0; i < RESULT_WORDS; i++) word(results[frame * RESULT_WORDS + i]);
}
