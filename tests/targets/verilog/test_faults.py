"""Single faults, in tables and in RTL: each must turn a run red and name the layer.

A proof that no fault can break proves nothing.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network
from quick import some

from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.simulate import simulate_network
from repvgg_hw.targets.verilog.tables import layer_of

# Small, but with every unit at work: groups, stride 2, several words and lanes, converters up and down.
LAYERS = [
    Layer(8, stride=2, pi=1, po=4),
    Layer(6, groups=2, pi=4, po=3),
    Layer(4),  # the slowest: layers before it wait for it
]
IMAGES = 2


@dataclass(frozen=True)
class RtlFault:
    """One replacement in one library file; `layer` is the first that must be named."""

    file: str
    old: str
    new: str
    layer: str
    stalls: int = 0


RTL_FAULTS = {
    "rounding term": RtlFault("rvg_requant_relu", "(Y_W + 1)'(halves_q[0])", "(Y_W + 1)'(1'b0)", "stage0.0"),
    "ReLU's clamp": RtlFault("rvg_requant_relu", "if (below_q) ", "if (1'b0) ", "stage0.0"),
    "saturation": RtlFault(
        "rvg_requant_relu", "above_q || rounded[Y_W]", "above_q || rounded[Y_W-1]", "stage0.0"
    ),
    "swapped channels": RtlFault(
        "rvg_requant_relu", "acc_i   = acc_q[ACC_W*i +:", "acc_i   = acc_q[ACC_W*(LANES-1-i) +:",
        "stage0.0",
    ),
    "padding row above": RtlFault("rvg_window_buffer", "row != '0 && row <=", "row <=", "stage0.0"),
    "padding row below": RtlFault("rvg_window_buffer", "row <= ROW_W'(HEIGHT) && col_q", "col_q", "stage1.0"),
    "padding column left": RtlFault("rvg_window_buffer", "col_q != '0 && col_q", "col_q", "stage1.0"),
    "padding column right": RtlFault("rvg_window_buffer", " && col_q <= COL_W'(WIDTH)", "", "stage1.0"),
    "ring of rows": RtlFault(
        "rvg_window_rows", "bank_addr_q  <= wr_addr_q;", "bank_addr_q  <= wr_addr_q ^ 1'b1;",
        "stage0.0",
    ),
    "accumulator's reset": RtlFault(
        "rvg_dot_accumulate", "(first ? '0 : sum) + products", "sum + products", "stage0.0",
    ),
    "order of groups": RtlFault(
        "rvg_issue", "      weight_addr <= '0;", "      weight_addr <= ADDR_W'(ADDRS / 2);", "stage0.0",
    ),
    "FIFO's depth": RtlFault(
        "rvg_credit_fifo", ".DEPTH(DEPTH)) u_fifo", ".DEPTH(SET)) u_fifo", "stage1.0", stalls=1
    ),
    "beat dropped under stall": RtlFault(
        "rvg_stream_reg", "skid_valid_q  <= 1'b1;", "skid_valid_q  <= 1'b0;", "stage0.0", stalls=1
    ),
    "order of gathered beats": RtlFault(
        "rvg_stream_upsize", "gather_q[IN_W*i ", "gather_q[IN_W*(RATIO-1-i) ", "stage1.0"
    ),
    "sum not cleared": RtlFault("rvg_global_sum", "first_pixel ? '0 : sums", "1'b0 ? '0 : sums", "pool"),
    "tlast": RtlFault("rvg_linear", "COUNT_W'(C_OUT - 1);", "COUNT_W'(C_OUT - 2);", "linear"),
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    """The design without a fault."""
    network, plan = random_network(LAYERS, in_shape=(3, 12, 8), classes=5, seed=3)
    design = Design(
        tmp_path_factory.mktemp("sound") / "design", Request("verilog", plan.budget), network, plan, {}
    )
    write(design)
    return design


@pytest.fixture
def faulty(sound: Design[Plan], tmp_path: Path) -> Design[Plan]:
    """A copy to break."""
    directory = tmp_path / "faulty"
    shutil.copytree(sound.directory, directory)
    return Design(directory, Request("verilog", sound.plan.budget), sound.network, sound.plan, {})


def run(design: Design[Plan], stalls: int = 0) -> SimulationResult:
    """Simulate random images."""
    shape = (IMAGES, *design.network.in_shape)
    images = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    return simulate_network(design, images, stalls=stalls)


def run_command(design: Design[Plan], *options: str) -> Result:
    return CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", str(IMAGES), *options])


def change_digit(path: Path, line: int = 0, digit: int = -1) -> None:
    """Flip the lowest bit of one hexadecimal digit."""
    lines = path.read_text().splitlines()
    digits = list(lines[line])
    digits[digit] = f"{int(digits[digit], 16) ^ 1:x}"
    lines[line] = "".join(digits)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("stalls", [0, 1])
def test_without_a_fault_the_run_is_green(sound: Design[Plan], stalls: int) -> None:
    result = run(sound, stalls)
    assert result.passed, result.problems
    assert result.bit_exact == IMAGES


@pytest.mark.parametrize("name", some(RTL_FAULTS, 3))
def test_fault_in_rtl(faulty: Design[Plan], name: str) -> None:
    fault = RTL_FAULTS[name]
    path = faulty.directory / "rtl" / f"{fault.file}.sv"
    text = path.read_text()
    assert text.count(fault.old) == 1, "the fault no longer fits the source"
    path.write_text(text.replace(fault.old, fault.new))
    result = run(faulty, fault.stalls)
    assert not result.passed
    assert result.problems[0].startswith(f"{fault.layer}: "), result.problems
    wrong = {layer.name for layer in result.layers if layer.problem}
    assert fault.layer in wrong


# What stands in the last or first digits of the first word of each kind of table.
TABLE_FAULTS = {
    "weight": ("stage0_0_weights.mem", 0, -1),
    "bias": ("stage1_0_affine.mem", 0, -1),
    "multiplier": ("stage1_0_affine.mem", 0, 2),
    "shift": ("stage2_0_shift.mem", 0, -1),
    "logits' weight": ("linear_weights.mem", 0, -1),
    "logits' bias": ("linear_bias.mem", 0, -1),
}


def test_fault_in_a_table(sound: Design[Plan], tmp_path: Path) -> None:
    """Each through the command: exit 1 and the layer named; and the RTL's output is wrong, too."""
    assert run(sound).passed  # leaves a simulator that the copies share
    for kind, (file, line, digit) in TABLE_FAULTS.items():
        directory = tmp_path / file.replace(".", "_") / kind.replace(" ", "_").replace("'", "")
        shutil.copytree(sound.directory, directory)
        design = Design(directory, Request("verilog", sound.plan.budget), sound.network, sound.plan, {})
        change_digit(directory / "mem" / file, line, digit)
        layer = file.rsplit("_", 1)[0].replace("_", ".")
        done = run_command(design)
        assert done.exit_code == 1, (kind, done.output)
        assert f"FAILED {layer}: mem/{file}, word {line} " in done.output, kind
        result = run(design)
        wrong = [one.name for one in result.layers if one.problem]
        assert wrong[:1] == [layer], f"{kind}: {result.problems}"


def test_any_digit_of_any_table_is_noticed(faulty: Design[Plan]) -> None:
    """Without simulating: what is on disk is compared with the network."""
    files = sorted((faulty.directory / "mem").glob("*.mem"))
    assert len(files) == 3 * len(LAYERS) + 2 + 1  # the second layer's weights are in two banks
    assert emit.differing_tables(faulty) == []
    rng = np.random.default_rng(1)
    for path in files:
        before = path.read_text()
        words = before.splitlines()
        line = int(rng.integers(len(words)))
        change_digit(path, line, int(rng.integers(len(words[line]))))
        layer = layer_of(path.name).replace("_", ".")
        assert emit.differing_tables(faulty) == [
            (layer, f"mem/{path.name}, word {line} is not the network's")
        ]
        path.write_text(before)


def test_a_missing_table_is_noticed(faulty: Design[Plan]) -> None:
    (faulty.directory / "mem" / "linear_bias.mem").unlink()
    assert [layer for layer, _ in emit.differing_tables(faulty)] == ["linear"]
    done = run_command(faulty, "--layers")
    assert done.exit_code == 2
    assert "linear_bias.mem is missing or no file: generate the design again" in done.output


def test_a_design_of_an_earlier_library_is_refused(faulty: Design[Plan]) -> None:
    """Its ROMs would not find their bytes, and every output would be wrong."""
    path = faulty.directory / "rtl" / "rvg_rom.sv"
    path.write_text(path.read_text().replace("RVG_BINARY_TABLES", "RVG_OTHER"))
    for options in ((), ("--layers",)):
        done = run_command(faulty, *options)
        assert done.exit_code == 2
        assert "rvg_rom.sv is of an earlier version: generate the design again" in done.output
