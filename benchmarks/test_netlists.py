"""Netlists of units for all three families under the units' own benches; and the digits network's, whole.

Part of `make test-long`: every case is a run of Yosys, every network a simulator of its own.
"""

from __future__ import annotations

from pathlib import Path

import netlist_faults
import pytest
import test_arithmetic_units as arithmetic
import test_axi as axi
import test_engine_compute_units as compute
import test_engine_input as inputs
import test_stream_units as streams
import test_window_buffer as window
import test_winograd_units as winograd
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network
from netlists import check_netlists, some
from units import Fault, Trials

from examples.digits import data
from repvgg_hw.cli import main
from repvgg_hw.design import Design, folder
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.request import Request
from repvgg_hw.synth import circuit
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.targets.generate import write

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

DEVICES = ("pynq-z2", "kv260", "ulx3s-85f")  # one of each family
DIGITS = Path(data.__file__).with_name("digits.safetensors")


def array(n: int) -> dict[str, int | bool]:
    """One lane of an array with n products a cycle."""
    widths = {"X_W": 8, "X_SIGNED": n % 2 == 0, "W_W": 8, "ACC_W": 26}
    return {"N": n, "PO": 1, "WORDS": 2, "ADDRS": 2, "OUT_LANES": 1, **widths}


# Of each unit several parameters, and a fault that its bench finds in the netlist, too.
UNITS = {
    "arrays": {
        "rvg_mac_array": Trials({f"n{n}": array(n) for n in (1, 2, 9, 18, 27, 72)}),
        "rvg_multiply": some(arithmetic.multiply(), ("a9b8p16", "a16b18p30", "a25b18p43"), ()),
    },
    "requantization": {
        "rvg_requant_relu": some(
            arithmetic.requant_relu(), ("one", "lanes", "wide", "nibble"), ("ties_go_down",)
        ),
    },
    "windows": {
        "rvg_window_buffer": some(
            window.of_3x3(), ("s1_5x7", "s1_4x5_w2", "s1_1x1", "s2_5x6_w3"), ("twice",)
        ),
        "rvg_replay": some(streams.replay(), ("w1r3", "w3r2"), ("lost",)),
    },
    "windows in parts": {
        "rvg_window_buffer": some(
            window.of_parts(), ("s1_5x7", "s2_2x6_w2", "f2_6x7_by_2", "f4_9x8_by_3_w2"), ("wrong_part",)
        ),
    },
    "head": {
        "rvg_global_sum": some(arithmetic.global_sum(), ("l1w5p4", "l3w2p49"), ("twice",)),
        "rvg_linear": some(arithmetic.linear(), ("c8k10pi1po1", "c6k10pi6po2"), ("wrong_last",)),
    },
    "tiles": {
        "rvg_winograd_input_transform": some(winograd.input_transform(), ("m2",), ("narrow_rows",)),
        "rvg_winograd_mac": some(winograd.mac_array(), ("m2", "spaced"), ("lost",)),
        "rvg_winograd_output_transform": some(winograd.output_transform(), ("m2", "one"), ("lost",)),
        "rvg_tile_to_raster": some(winograd.tile_to_raster(), ("m4", "m2", "two"), ("lost",)),
    },
    "sums": {
        "rvg_product_add": Trials(
            some(arithmetic.product_add(), ("n1", "n2"), ()).cases,
            {"not_cleared": Fault("n1", ".b_late, .c, .clear,", ".b_late, .c, .clear(1'b0),")},
        ),
        "rvg_engine_array": some(compute.array_trials(3), ("two", "pair", "many"), ("wrong_tile",)),
    },
    "engine": {"rvg_engine_input": some(inputs.five(), ("one", "tight"), ("left",))},
    "masters": {
        "rvg_axi_read": some(axi.read(), ("single",), ()),
        "rvg_axi_write": some(axi.write(), ("w64", "single"), ("wlast",)),
    },
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("units", UNITS)
def test_units(units: str, family: str, tmp_path: Path) -> None:
    check_netlists(tmp_path, [FAMILIES[family]], UNITS[units])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["-q", *map(str, arguments)])


def synthesised(directory: Path, device: str) -> None:
    """Make a design's netlist; one that is too large for the device can be simulated as well."""
    routed = devices.get(device).part.nextpnr is not None
    done = run("synth", directory, "--device", device, *(("--no-route",) if routed else ()))
    assert done.exit_code == 0 or "does not fit" in done.output, done.output


@pytest.fixture(scope="module", params=[("--multipliers", 128), ("--multipliers", 256, "--winograd", "auto")])
def digits(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained network, direct and with tiles of Winograd's."""
    place = tmp_path_factory.mktemp("digits")
    paths = data.write(place)
    images = ("--calibration", paths["calibration"], "--mean", data.MEAN, "--std", data.STD)
    options = ("--weights", DIGITS, "--input-size", data.SIZE, *images, *request.param)
    done = run("generate", *options, "-o", place / "net")
    assert done.exit_code == 0, done.output
    return place


@pytest.mark.parametrize("device", DEVICES)
def test_digits(digits: Path, device: str) -> None:
    """The whole network's netlist: every value of every layer, and the planned interval."""
    synthesised(digits / "net", device)
    test = ("--images", digits / "test.npz", "--limit", 3)
    done = run("simulate", digits / "net", "--netlist", device, *test)
    assert done.exit_code == 0, done.output


@pytest.fixture(scope="module", params=DEVICES)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small network's netlist, and its device."""
    network, plan = random_network([Layer(2), Layer(2)], in_shape=(1, 4, 4), linear=None)
    directory = tmp_path_factory.mktemp("small") / "net"
    write(Design(directory, Request("verilog", plan.budget), network, plan, {}))
    synthesised(directory, request.param)
    return directory, request.param


@pytest.mark.parametrize("fault", netlist_faults.FAULTS)
def test_faults(small: tuple[Path, str], fault: str) -> None:
    directory, device = small
    netlist = circuit.place(directory, devices.get(device)) / "netlist.v"
    sound = netlist.read_text()
    try:
        netlist.write_text(netlist_faults.FAULTS[fault](sound))
        circuit.record(netlist.parent, folder.fingerprint(directory))
        done = run("simulate", directory, "--netlist", device)
        assert done.exit_code == 1, done.output
        assert "FAILED stage" in done.output
    finally:
        netlist.write_text(sound)
