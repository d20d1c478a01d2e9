/* SPDX-License-Identifier: Apache-2.0 */
/* The DMA of rvg_litex; rvg->dma is CSR_RVG_BASE of LiteX's csr.h. Memory is what the SoC's bus reaches. */
#include "rvg_dma.h"

#define SEND 0x00u /* of each transfer, as rvg_litex/dma.py declares its CSRs */
#define RECEIVE 0x18u
#define BASE 0x00u
#define LENGTH 0x04u
#define ENABLE 0x08u
#define ACTIVE 0x0cu
#define DONE 0x10u
#define COUNT 0x14u

static void transfer(const rvg_t *rvg, uint32_t which, uint32_t address, uint32_t bytes) {
  RVG_WRITE(rvg->dma + which + ENABLE, 0);
  RVG_WRITE(rvg->dma + which + BASE, address);
  RVG_WRITE(rvg->dma + which + LENGTH, bytes);
  RVG_WRITE(rvg->dma + which + ENABLE, 1);
}

void rvg_dma_send(const rvg_t *rvg, uint32_t address, uint32_t bytes) { transfer(rvg, SEND, address, bytes); }

void rvg_dma_receive(const rvg_t *rvg, uint32_t address, uint32_t bytes) { transfer(rvg, RECEIVE, address, bytes); }

uint32_t rvg_dma_state(const rvg_t *rvg) {
  return (RVG_READ(rvg->dma + SEND + DONE) ? RVG_DMA_SENT : 0) |
         (RVG_READ(rvg->dma + RECEIVE + DONE) ? RVG_DMA_RECEIVED : 0);
}

uint32_t rvg_dma_received(const rvg_t *rvg) { return RVG_READ(rvg->dma + RECEIVE + COUNT); }

void rvg_dma_reset(const rvg_t *rvg) {
  RVG_WRITE(rvg->dma + SEND + ENABLE, 0);
  RVG_WRITE(rvg->dma + RECEIVE + ENABLE, 0);
}

int rvg_dma_resetting(const rvg_t *rvg) {
  return RVG_READ(rvg->dma + SEND + ACTIVE) != 0 || RVG_READ(rvg->dma + RECEIVE + ACTIVE) != 0;
}
