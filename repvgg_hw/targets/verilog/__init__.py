"""The Verilog target: the block diagram of a plan, its tables and files, and their proof in simulation."""
