/* A board for the C driver: the accelerator's registers and the DMA's as their descriptions say, and faults to choose. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t fake_read(uintptr_t address);
static void fake_write(uintptr_t address, uint32_t value);
#define RVG_READ(address) fake_read(address)
#define RVG_WRITE(address, value) fake_write((address), (value))
#include "rvg.c"
#include "rvg_dma.c"

#define ACCELERATOR 0x40000000u
#define DMA 0x41000000u

static const char *fault;
static uint32_t status, frames, length[2], address[2], dma_status[2] = {1, 1}, running[2], polls_left;
static int busy;

static int is(const char *name) { return strcmp(fault, name) == 0; }

static uint32_t fake_read(uintptr_t at) {
  if (at >= DMA) {
    uint32_t channel = at - DMA >= 0x30, place = (uint32_t)(at - DMA) - 0x30 * channel;
    if (place == 0x00) return running[channel];
    if (place == 0x04) return dma_status[channel];
    if (place == 0x28) return length[channel] - (channel && is("short_results") ? 4 : 0);
    return address[channel];
  }
  switch (at - ACCELERATOR) {
    case RVG_ID: return is("no_design") ? 0 : RVG_MAGIC;
    case RVG_VERSION: return RVG_MAP_VERSION + is("other_map");
    case RVG_NETWORK: return RVG_DESIGN_NETWORK ^ (uint32_t)is("other_design");
    case RVG_STATUS:
      if (busy && length[0] && length[1] && !is("stuck") && polls_left-- == 0) {
        busy = 0;
        status = RVG_STATUS_DONE_MASK | (is("long") ? (uint32_t)RVG_ERROR_LONG << RVG_STATUS_ERROR_SHIFT : 0);
        dma_status[0] |= 2;
        dma_status[1] |= 2;
      }
      return status | (busy || is("busy") ? RVG_STATUS_BUSY_MASK : 0);
    default: printf("read of 0x%lx\n", (unsigned long)at); exit(3);
  }
}

static void fake_write(uintptr_t at, uint32_t value) {
  if (at >= DMA) {
    uint32_t channel = at - DMA >= 0x30, place = (uint32_t)(at - DMA) - 0x30 * channel;
    if (place == 0x00 && value & 4) memset(length, 0, sizeof length), dma_status[0] = dma_status[1] = 1;
    if (place == 0x00) running[channel] = value & 1, dma_status[channel] &= value & 1 ? ~1u : ~0u;
    if (place == 0x18) address[channel] = value;
    if (place == 0x28 && running[channel]) {
      if (channel == 0 && !busy) printf("pixels before the start\n"), exit(3);
      length[channel] = value;
      dma_status[channel] &= ~2u;
      if (is("dma") && channel) dma_status[channel] |= 0x40 | 1;
    }
    return;
  }
  switch (at - ACCELERATOR) {
    case RVG_CONTROL:
      if (value & RVG_CONTROL_START_MASK) busy = 1, polls_left = 5, status = 0;
      if (value & RVG_CONTROL_ABORT_MASK && busy) busy = 0, status = RVG_STATUS_DONE_MASK | 1u << 8;
      break;
    case RVG_STATUS: status = 0; break;
    case RVG_FRAMES: frames = value; break;
    default: printf("write of 0x%lx\n", (unsigned long)at); exit(3);
  }
}

int main(int count, char **words) {
  rvg_t rvg;
  int code;
  if (count != 2) return 3;
  fault = words[1];
  code = rvg_open(&rvg, ACCELERATOR, DMA);
  if (code == RVG_OK) code = rvg_run(&rvg, 0x1000, 0x2000, 3, 50);
  printf("%d %s\n", code, rvg_text(code));
  if (code == RVG_OK) printf("%u %u %u %x %x\n", (unsigned)frames, length[0], length[1], address[0], address[1]);
  if (code != RVG_OK && code < RVG_NO_DESIGN + 3 && code >= RVG_NO_DESIGN) return 0;
  fault = "none"; /* whatever it was, the next run succeeds */
  return rvg_run(&rvg, 0x1000, 0x2000, 1, 50) == RVG_OK ? 0 : 4;
}
