"""The FPGA families that netlists are made for: how Yosys is called, and what each of its cells counts as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repvgg_hw.files import templates_dir
from repvgg_hw.plan.memory_map import LOGIC_PRICE_ROM, deep_roms

# Yosys 0.70 hands logic to ABC in a new way that loses drivers, which it then resolves by constants: a wrong
# netlist of rvg_engine_input for xc7. This is its switch for the old way (YosysHQ/yosys issue 6237).
OLD_XAIGER = "scratchpad -set abc9.xaiger 1"
# An instruction's bits go through several modules: what is unread in one is unread in the one before.
ACROSS = ("opt_hier", "opt_expr -mux_undef -noclkinv", "opt_clean") * 4


@dataclass(frozen=True)
class Family:
    """A family of FPGAs, as Yosys knows it.

    command   of Yosys
    cells     resource -> cell -> how many of the resource one such cell takes; block RAMs in units of 18 kbit
    models    of the cells, for simulation: Yosys' own files, relative to its folder of shared files
    own       models of ours, in sim/cells: of cells for which Yosys has none
    memories  the command's stage that maps memories
    deep_roms commands before it: ROMs that are deeper than a block RAM
    explicit  added to the command where multipliers are already cells of the family. On xc7: no inference at
              all, since Yosys 0.70 packs what follows a DSP48E1 into it even where its registers are in use
    """

    name: str
    command: str
    cells: Mapping[str, Mapping[str, int]]
    models: tuple[str, ...]
    memories: str
    deep_roms: tuple[str, ...]
    own: tuple[str, ...] = ()
    explicit: str = ""

    def script(
        self, top: str, *, inferred: bool = False, apart: bool = False, uram: bool = False
    ) -> list[str]:
        """Yosys' commands that make a netlist of module `top`, which has been read.

        inferred  multipliers are not cells yet
        uram      memories that ask for UltraRAM get it; without, Yosys has none and refuses them
        apart     modules beside memories keep their place in the hierarchy: what nobody reads of their ports,
                  and what is constant, is told from one to the other when all is gates, so that registers and
                  memories between two lose what is unread, too
        """
        options = ("" if inferred else self.explicit, "-uram" if uram else "")
        command = f"{self.command} {' '.join(options)} -top {top}"
        stages = [f"{command} -run begin:{self.memories}", *self.deep_roms]
        if apart:
            stages += [f"{command} -run {self.memories}:map_ffs", *ACROSS, f"{command} -run map_ffs:check"]
        else:
            stages += [f"{command} -run {self.memories}:check"]
        # Without the command's last stage: there Yosys 0.70 builds modules anew that have cells with
        # parameters, when what they were made of is gone. Of that stage, names and checks remain.
        return [
            OLD_XAIGER,
            *stages,
            "autoname",
            "check -noinit -assert",
            "blackbox =A:whitebox",
        ]


def _deep_roms(family: str, shapes: str, cells: str) -> tuple[str, ...]:
    """Each bit of a deep ROM is in one block RAM, where that takes few more of them: no multiplexer."""
    deep = [f"r:SIZE>={sizes.start} r:SIZE<{sizes.stop} %i" for sizes in deep_roms(family)]
    roms = f"t:$mem_v2 r:WR_PORTS=0 %i {' '.join(deep)} {'%u ' * (len(deep) - 1)}%i"
    path = templates_dir() / "verilog" / "cells" / shapes
    price = f"-logic-cost-rom {LOGIC_PRICE_ROM[family]}"
    return f'memory_libmap -lib "{path}" {price} {roms}', f"techmap -map +/{cells}"


RESOURCES = ("dsp", "bram", "lut", "ff", "carry", "uram")
_XILINX_LUTS = {  # RAM and shift registers in LUTs: how many of them each takes
    **{f"LUT{n}": 1 for n in range(1, 7)},
    "INV": 1,
    "SRL16E": 1,
    "SRLC32E": 1,
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
}
_XILINX_FF = {"FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1, "FDRE_1": 1}

FAMILIES = {
    family.name: family
    for family in (
        Family(
            name="xc7",
            command="synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
            cells={
                "dsp": {"DSP48E1": 1},
                "bram": {"RAMB36E1": 2, "RAMB18E1": 1},
                "lut": _XILINX_LUTS,
                "ff": _XILINX_FF,
                "carry": {"CARRY4": 1},
                "uram": {},
            },
            models=("xilinx/cells_sim.v",),
            explicit="-nodsp",
            memories="map_memory",
            deep_roms=_deep_roms("xc7", "xilinx_deep_roms.txt", "xilinx/brams_xc6v_map.v"),
        ),
        Family(
            name="xcup",
            command="synth_xilinx -family xcup -flatten -noiopad -noclkbuf",
            cells={
                "dsp": {"DSP48E2": 1},
                "bram": {"RAMB36E2": 2, "RAMB18E2": 1},
                "lut": _XILINX_LUTS,
                "ff": _XILINX_FF,
                "carry": {"CARRY4": 1},  # of which Yosys makes them here, too
                "uram": {"URAM288": 1},
            },
            models=("xilinx/cells_sim.v",),
            own=("DSP48E2.sv",),
            memories="map_memory",
            deep_roms=_deep_roms("xcup", "xilinx_deep_roms.txt", "xilinx/brams_xcu_map.v"),
        ),
        Family(
            name="ecp5",
            command="synth_ecp5",
            cells={
                "dsp": {"MULT18X18D": 1},
                "bram": {"DP16KD": 1},
                "lut": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4, "DPR16X4C": 4},
                "ff": {"TRELLIS_FF": 1},
                "carry": {"CCU2C": 1},
                "uram": {},
            },
            models=("ecp5/cells_sim.v",),
            own=("MULT18X18D.sv",),
            memories="map_ram",
            deep_roms=_deep_roms("ecp5", "ecp5_deep_roms.txt", "lattice/brams_map_16kd.v"),
        ),
    )
}
