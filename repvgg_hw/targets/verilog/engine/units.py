"""The units of an engine as the library's modules: what synthesis counts apart, and can make alone."""

from __future__ import annotations

# Unit -> its modules; those of one module are in an engine once. What is left of the top is REST: queues of
# instructions in front of the units, a register slice in front of the weights, and wires.
UNITS = {
    "input": ("rvg_engine_input",),
    "words": ("rvg_engine_words",),
    "weights": ("rvg_engine_weights",),
    "array": ("rvg_engine_array",),
    "output": ("rvg_engine_output",),
    "store": ("rvg_engine_store",),
    "pool": ("rvg_engine_pool",),
    "linear": ("rvg_engine_linear",),
    "fetch": ("rvg_engine_fetch",),
    "check": ("rvg_engine_check",),
    "sequencer": ("rvg_engine_sequencer",),
    "control": ("rvg_engine_control",),
    "registers": ("rvg_engine_registers",),
    "ports": ("rvg_axi_read", "rvg_axi_write", "rvg_engine_write_mux"),
}
REST = "queues"
ALONE = tuple(unit for unit, modules in UNITS.items() if len(modules) == 1)
