"""Models of cells against Yosys' own, and the faults of Yosys that the library is written around."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repvgg_hw.files import sim_dir
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.synth.netlist import write_netlist
from repvgg_hw.targets.verilog.simulator import verilator

yosys = pytest.importorskip("repvgg_hw.synth.yosys")
pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")
HERE = Path(__file__).parent


def differing(folder: Path, dsp48e2: Path) -> dict[str, int]:
    """Cycles in which each pair of cells.sv differs."""
    folder.mkdir()
    given = HERE / "yosys_faults.v"
    nets = [
        write_netlist(folder, FAMILIES["xc7"], [given], name, {}, f"net_{name}", cells=None)
        for name in ("sign_lost", "packed_twice")
    ]
    cells = yosys.share() / "xilinx" / "cells_sim.v"
    publish = folder / "publish.vlt"
    publish.write_text('`verilator_config\npublic_flat_rw -module "cells" -var "*"\n')
    sources = [publish, cells, dsp48e2, given, *nets, HERE / "cells.sv"]
    verilator.build(sources, "cells", folder / "build", arguments=["-Wno-lint"], optimize="-O0")
    found = folder / "found.json"
    environment = {"CELLS_FOUND": str(found)}
    assert verilator.run(
        folder / "build", "cells", "tb_cells", modules_path=HERE, work=folder, environment=environment
    )
    counted: dict[str, int] = json.loads(found.read_text())
    return counted


@pytest.mark.slow
def test_cells(tmp_path: Path) -> None:
    """Where a fault of Yosys is gone, this test says so: then what goes around it can go, too."""
    model = sim_dir() / "cells" / "DSP48E2.sv"
    found = differing(tmp_path / "sound", model)
    assert found["models_differ"] == 0
    assert found["sign_differs"] > 100, "Yosys no longer loses the sign: family.py, `explicit`"
    assert found["packing_differs"] > 100, "Yosys no longer packs twice: family.py, `explicit`"
    faulty = tmp_path / "DSP48E2.sv"
    text = model.read_text()
    assert text.count("AREG == 2 ? a_1") == 1
    faulty.write_text(text.replace("AREG == 2 ? a_1", "AREG == 1 ? a_1"))
    assert differing(tmp_path / "faulty", faulty)["models_differ"] != 0
