"""Simulators of Verilog: built once, run within a time limit."""
