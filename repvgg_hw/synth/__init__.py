"""Synthesis of emitted Verilog with open tools: netlists by Yosys, for ECP5 a routed clock by nextpnr.

The tools come with the extra `synth`: pip install repvgg-hw[synth].
"""
