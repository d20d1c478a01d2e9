/* SPDX-License-Identifier: Apache-2.0 */
  .section .rodata
  .global engine_image
  .balign 4
engine_image:
  .incbin "engine.bin"
