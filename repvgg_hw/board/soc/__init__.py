"""A whole system, simulated: LiteX, a RISC-V CPU, DRAM, the accelerator, and firmware in C that runs it."""
