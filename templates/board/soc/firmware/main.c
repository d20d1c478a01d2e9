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

#include "machine.h"
#include "rvg.h"

#define FRAME_BYTES (RVG_DESIGN_HEIGHT * RVG_DESIGN_WIDTH * RVG_DESIGN_CHANNELS)
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

void word(int32_t value) {
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

void check(int code) {
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

int main(void) {
  init_sequence();
  sdram_dfii_control_write(0x1); /* the controller's hardware has the DRAM from now on */
  machine_open();
  for (uint32_t i = 0; i < IMAGES; i++) {
    machine_load(images + i * FRAME_BYTES, 1);
    machine_run(1);
    say("result");
    word((int32_t)i);
    word((int32_t)machine_cycles());
    machine_words(0);
    say("\n");
  }
  machine_load(images, IMAGES);
  machine_run(IMAGES);
  for (uint32_t i = 0; i < IMAGES; i++) {
    say("batch");
    word((int32_t)i);
    machine_words(i);
    say("\n");
  }
  say("cycles");
  word((int32_t)machine_cycles());
  word((int32_t)uptime());
  say("\nend\n");
  end();
}
