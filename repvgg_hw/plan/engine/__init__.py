"""The engine's planner: one unit that runs all layers of a network, weights and maps in DRAM."""
