/* SPDX-License-Identifier: Apache-2.0 */
/* Reset: stack, zeroed variables, main. A trap is told by `trapped`. No variable has a value from the start. */
  .section .text.start
  .global _start
_start:
  la sp, _stack
  la t0, trap
  csrw mtvec, t0
  la t0, _bss
  la t1, _bss_end
1:
  beq t0, t1, 2f
  sw zero, 0(t0)
  addi t0, t0, 4
  j 1b
2:
  call main
3:
  j 3b

  .balign 4
trap:
  csrr a0, mcause
  csrr a1, mepc
  call trapped
  j 3b

  .section .rodata
  .global images
  .balign 4
images:
  .incbin "images.bin"
