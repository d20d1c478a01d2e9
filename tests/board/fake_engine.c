/* An engine for the C driver: its registers as their description says, and faults to choose. It copies an input's first bytes
 * into the output, so that tables and addresses are seen. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t fake_read(uintptr_t address);
static void fake_write(uintptr_t address, uint32_t value);
#define RVG_READ(address) fake_read(address)
#define RVG_WRITE(address, value) fake_write((address), (value))
#include "rvg.c"

#define ACCELERATOR 0x40000000u
#define IMAGE 0x1000u
#define MAPS 0x2000u
#define INPUT 0x3000u
#define OUTPUT 0x4000u

static const char *fault;
static uint32_t status, words[64], polls_left;
static int busy;

static int is(const char *name) { return strcmp(fault, name) == 0; }

static uint32_t fake_read(uintptr_t at) {
  switch (at - ACCELERATOR) {
    case RVG_ID: return is("no_design") ? 0 : RVG_MAGIC;
    case RVG_VERSION: return RVG_MAP_VERSION + is("other_map");
    case RVG_ENGINE: return RVG_DESIGN_ENGINE ^ (uint32_t)is("other_design");
    case RVG_STATUS:
      if (busy && !is("stuck") && polls_left-- == 0) {
        busy = 0;
        status = RVG_STATUS_DONE_MASK;
        if (is("data_read")) status |= (uint32_t)RVG_ERROR_DATA_READ << RVG_STATUS_ERROR_SHIFT;
        if (is("watchdog")) status |= (uint32_t)RVG_ERROR_WATCHDOG << RVG_STATUS_ERROR_SHIFT;
      }
      return status | (busy || is("busy") ? RVG_STATUS_BUSY_MASK : 0);
    default: printf("read of 0x%lx\n", (unsigned long)at); exit(3);
  }
}

static void fake_write(uintptr_t at, uint32_t value) {
  uint32_t offset = (uint32_t)(at - ACCELERATOR);
  if (offset == RVG_CONTROL) {
    if (value & RVG_CONTROL_START_MASK) busy = 1, polls_left = 5, status = 0;
    if (value & RVG_CONTROL_ABORT_MASK && busy) busy = 0, status = RVG_STATUS_DONE_MASK | 1u << RVG_STATUS_ERROR_SHIFT;
  } else if (offset == RVG_STATUS) {
    status = 0;
  } else if (offset >= RVG_IMAGE && offset <= RVG_FRAMES && !busy) {
    words[offset / 4] = value;
  } else {
    printf("write of 0x%lx\n", (unsigned long)at);
    exit(3);
  }
}

/* The image's beginning, from a file; pixels of one frame from another; prints the input that comes of them. */
static int convert(const char *image_path, const char *pixels_path) {
  static uint8_t image[128], pixels[RVG_DESIGN_HEIGHT * RVG_DESIGN_WIDTH * RVG_DESIGN_CHANNELS], input[RVG_DESIGN_INPUT_BYTES];
  FILE *file = fopen(image_path, "rb");
  uint32_t i;
  int code;
  if (file == NULL || fread(image, 1, sizeof image, file) != sizeof image) return 3;
  fclose(file);
  file = fopen(pixels_path, "rb");
  if (file == NULL || fread(pixels, 1, sizeof pixels, file) != sizeof pixels) return 3;
  fclose(file);
  code = rvg_check_image(image);
  printf("%d %s\n", code, rvg_text(code));
  rvg_input(input, pixels);
  for (i = 0; i < sizeof input; i++) printf("%u ", (unsigned)input[i]);
  return 0;
}

int main(int count, char **arguments) {
  static const int32_t output[RVG_DESIGN_LOGITS] = {-5, 7, 3, 7};
  rvg_t rvg;
  int code;
  if (count == 3) return convert(arguments[1], arguments[2]);
  if (count != 2) return 3;
  fault = arguments[1];
  code = rvg_open(&rvg, ACCELERATOR, IMAGE, MAPS);
  if (code == RVG_OK) code = rvg_run(&rvg, INPUT, OUTPUT, 3, 50);
  printf("%d %s\n", code, rvg_text(code));
  if (code == RVG_OK) {
    for (count = RVG_IMAGE / 4; count <= (int)RVG_FRAMES / 4; count++) printf("%u ", (unsigned)words[count]);
    printf("%u\n", (unsigned)rvg_class(output));
  }
  if (code >= RVG_NO_DESIGN && code < RVG_NO_DESIGN + 3) return 0;
  fault = "none"; /* whatever it was, the next run succeeds */
  return rvg_run(&rvg, INPUT, OUTPUT, 1, 50) == RVG_OK ? 0 : 4;
}
