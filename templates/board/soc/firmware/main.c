/* SPDX-License-Identifier: Apache-2.0 */
/* Classifies the images that start.S has in ROM: each alone, then all in one run. Prints, line by line:
 *
 *     result IMAGE CYCLES WORD...        words of its result, signed: logits, then classes
 *     batch IMAGE WORD...                the same of the run of all
 *     cycles RUN OF_THE_RUN UPTIME       of the accelerator, and of the system since reset
 *     end                                or: error, and what it is
 */
#include <generated/csr.h>
#include <generated/mem.h>
#include <generated/sdram_phy.h>
#include <stdint.h>
#include <system.h>

#include "rvg.h"

#define RESULT_WORDS (RVG_DESIGN_RESULT_BYTES / 4)
#define FRAME_ROOM ((RVG_DESIGN_FRAME_BYTES + 3u) / 4u * 4u)
#define POLLS 10000000u
#define END_OF_TRANSMISSION 4

extern const uint8_t images[];

static void put(char c) {
  while (uart_txfull_read()) {
  }
  uart_rxtx_write((uint8_t)c);
}

static void say(const char *text) {
  while (*text) put(*text++);
}

static void number(uint32_t value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) put(digits[--count]);
}

static void word(int32_t value) {
  say(value < 0 ? " -" : " ");
  number(value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

static void end(void) {
  put(END_OF_TRANSMISSION);
  for (;;) {
  }
}

void trapped(uint32_t cause, uint32_t at) {
  say("error: trap");
  word((int32_t)cause);
  word((int32_t)at);
  say("\n");
  end();
}

static void check(int code) {
  if (code == RVG_OK) return;
  say("error: ");
  say(rvg_text(code));
  say("\n");
  end();
}

static uint32_t uptime(void) {
  timer0_uptime_latch_write(1);
  return (uint32_t)timer0_uptime_cycles_read();
}

/* Memory is the DRAM: pixels of all images, behind them the results. */
static uint8_t *const pixels = (uint8_t *)MAIN_RAM_BASE;
static int32_t *const results = (int32_t *)(MAIN_RAM_BASE + FRAME_ROOM * IMAGES);

static void load(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) to[i] = from[i];
}

static void run(const rvg_t *rvg, const uint8_t *from, uint32_t frames) {
  for (uint32_t i = 0; i < frames * RESULT_WORDS; i++) results[i] = (int32_t)0xdeadbeef;
  check(rvg_run(rvg, (uint32_t)(uintptr_t)from, (uint32_t)(uintptr_t)results, frames, POLLS));
  flush_cpu_dcache();
}

static void words(const int32_t *result) {
  for (uint32_t i = 0; i < RESULT_WORDS; i++) word(result[i]);
  say("\n");
}

int main(void) {
  rvg_t rvg;
  init_sequence();
  sdram_dfii_control_write(0x1); /* the controller's hardware has the DRAM from now on */
  check(rvg_open(&rvg, RVG_BASE, CSR_RVG_BASE));
  for (uint32_t i = 0; i < IMAGES; i++) {
    load(pixels, images + i * RVG_DESIGN_FRAME_BYTES, RVG_DESIGN_FRAME_BYTES);
    run(&rvg, pixels, 1);
    say("result");
    word((int32_t)i);
    word((int32_t)RVG_READ(rvg.accelerator + RVG_CYCLES_LOW));
    words(results);
  }
  load(pixels, images, IMAGES * RVG_DESIGN_FRAME_BYTES);
  run(&rvg, pixels, IMAGES);
  for (uint32_t i = 0; i < IMAGES; i++) {
    say("batch");
    word((int32_t)i);
    words(results + i * RESULT_WORDS);
  }
  say("cycles");
  word((int32_t)RVG_READ(rvg.accelerator + RVG_CYCLES_LOW));
  word((int32_t)uptime());
  say("\nend\n");
  end();
}
