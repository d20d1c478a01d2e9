"""The engine in Verilog: its constant networks and its emission."""
