/* SPDX-License-Identifier: Apache-2.0 */
/* What rvg.c asks of a DMA: rvg_dma.c answers it for the DMA of this folder's board, at rvg->dma. */
#ifndef RVG_DMA_H
#define RVG_DMA_H

#include "rvg.h"

#define RVG_DMA_SENT 1u     /* all pixels have been read from memory */
#define RVG_DMA_RECEIVED 2u /* all results have been written to memory */
#define RVG_DMA_FAILED 4u

/* Begin a packet of so many bytes: memory to accelerator, accelerator to memory. */
void rvg_dma_send(const rvg_t *rvg, uint32_t address, uint32_t bytes);
void rvg_dma_receive(const rvg_t *rvg, uint32_t address, uint32_t bytes);

/* The bits above that hold. */
uint32_t rvg_dma_state(const rvg_t *rvg);

/* Bytes that the last packet of results had. */
uint32_t rvg_dma_received(const rvg_t *rvg);

/* Break both transfers off; nothing is left of them once rvg_dma_resetting is 0. */
void rvg_dma_reset(const rvg_t *rvg);
int rvg_dma_resetting(const rvg_t *rvg);

#endif
