/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's AXI DMA in simple mode, PG021: memory to stream at 0x00, stream to memory at 0x30. */
#include "rvg_dma.h"

#define TO_DEVICE 0x00u
#define FROM_DEVICE 0x30u
#define CONTROL 0x00u
#define STATUS 0x04u
#define ADDRESS 0x18u
#define LENGTH 0x28u
#define RUN 0x1u
#define RESET 0x4u
#define IDLE 0x2u
#define ERRORS 0x70u

static void transfer(const rvg_t *rvg, uint32_t channel, uint32_t address, uint32_t bytes) {
  RVG_WRITE(rvg->dma + channel + CONTROL, RUN);
  RVG_WRITE(rvg->dma + channel + ADDRESS, address);
  RVG_WRITE(rvg->dma + channel + LENGTH, bytes);
}

void rvg_dma_send(const rvg_t *rvg, uint32_t address, uint32_t bytes) { transfer(rvg, TO_DEVICE, address, bytes); }

void rvg_dma_receive(const rvg_t *rvg, uint32_t address, uint32_t bytes) {
  transfer(rvg, FROM_DEVICE, address, bytes);
}

uint32_t rvg_dma_state(const rvg_t *rvg) {
  uint32_t in = RVG_READ(rvg->dma + TO_DEVICE + STATUS), out = RVG_READ(rvg->dma + FROM_DEVICE + STATUS);
  return (in & IDLE ? RVG_DMA_SENT : 0) | (out & IDLE ? RVG_DMA_RECEIVED : 0) |
         ((in | out) & ERRORS ? RVG_DMA_FAILED : 0);
}

uint32_t rvg_dma_received(const rvg_t *rvg) { return RVG_READ(rvg->dma + FROM_DEVICE + LENGTH); }

void rvg_dma_reset(const rvg_t *rvg) { RVG_WRITE(rvg->dma + TO_DEVICE + CONTROL, RESET); } /* of both */

int rvg_dma_resetting(const rvg_t *rvg) { return (RVG_READ(rvg->dma + TO_DEVICE + CONTROL) & RESET) != 0; }
