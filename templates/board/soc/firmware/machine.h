/* SPDX-License-Identifier: Apache-2.0 */
/* What main.c needs of an accelerator; stream/machine.c and engine/machine.c have it. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

/* See that the accelerator is there, and make it ready. */
void machine_open(void);

/* Put so many images where a run finds them. */
void machine_load(const uint8_t *images, uint32_t count);

/* Run them. */
void machine_run(uint32_t frames);

/* Cycles that the accelerator took. */
uint32_t machine_cycles(void);

/* Print a frame's result, word by word: logits, then classes. */
void machine_words(uint32_t frame);

/* Of main.c: print a number behind a space; end with an error where the code says one. */
void word(int32_t value);
void check(int code);

#endif
