"""Waves: a dump of the streams is small, and its layout names every signal in it, streams first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import waves_reader
from hls_networks import Layer, random_images, random_network

from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets import registry
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.simulator import fst, recording

DUMP = """$timescale 1ps $end
$scope module bench $end
 $var wire 1 a outside $end
 $scope module u_dut $end
  $var wire 1 b clk $end
  $var wire 8 c m_axis_tdata [7:0] $end
  $var wire 1 d m_axis_tvalid $end
  $var wire 1 e m_axis_tready $end
  $var wire 9 f a_weight_addr [8:0] $end
  $var wire 8 g a_tdata [7:0] $end
  $var wire 1 h a_tvalid $end
  $var wire 1 i a_tready $end
  $var wire 1 j s_axis_tvalid $end
  $var wire 1 k s_axis_tready $end
  $var wire 1 l lonely_valid $end
  $scope module u_unit $end
   $var wire 1 b clk $end
  $upscope $end
 $upscope $end
$upscope $end
$enddefinitions $end
#0
"""


def test_groups_in_the_order_of_the_data(tmp_path: Path) -> None:
    dump = tmp_path / "streams.vcd"
    dump.write_text(DUMP)
    recording.lay_out(dump, recording.TOP, ["a"])
    found = waves_reader.check(dump, "bench.u_dut")
    names = {title: [path.removeprefix("bench.u_dut.") for path in paths] for title, paths in found.items()}
    assert names == {
        "clock and control": ["clk", "lonely_valid"],
        "streams": [
            *("s_axis_tvalid", "s_axis_tready", "a_tdata[7:0]", "a_tvalid", "a_tready"),
            *("m_axis_tdata[7:0]", "m_axis_tvalid", "m_axis_tready"),
        ],
        "a": ["a_weight_addr[8:0]"],
        "u_unit": ["u_unit.clk"],
    }


def test_a_layout_of_another_dump_is_seen(tmp_path: Path) -> None:
    dump = tmp_path / "streams.vcd"
    dump.write_text(DUMP)
    recording.lay_out(dump, recording.TOP)
    dump.write_text(DUMP.replace(" a_tdata ", " b_tdata "))
    with pytest.raises(AssertionError):
        waves_reader.check(dump, "bench.u_dut")


CHANGES = """b1 f
0b
xd
b0x1 c
#3
1b
#7
bz c
b111100001 f
0b
1d
#9
b101"""


def test_an_fst_says_what_the_vcd_says(tmp_path: Path) -> None:
    """Written by libfst and read by it; the VCD's side is written down here, by the standard's rules."""
    dump = tmp_path / "streams.vcd"
    dump.write_text(DUMP + CHANGES)
    made = fst.compressed(dump)
    assert made == tmp_path / "streams.fst"
    assert {path.name for path in tmp_path.iterdir()} == {"streams.vcd", "streams.fst"}
    ours, theirs = (waves_reader.declared(file) for file in (made, dump))
    assert {name.replace(" ", ""): bits for name, bits in ours.items()} == theirs
    found = {name.removeprefix("bench.u_dut."): all_ for name, all_ in waves_reader.values(made).items()}
    assert found["clk"] == found["u_unit.clk"] == [(0, "0"), (3, "1"), (7, "0")]
    assert found["a_weight_addr [8:0]"] == [(0, "000000001"), (7, "111100001")]
    assert found["m_axis_tdata [7:0]"] == [(0, "000000x1"), (7, "zzzzzzzz")]
    assert found["m_axis_tvalid"] == [(0, "x"), (7, "1")]


def test_without_the_library_a_dump_stays_a_vcd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pylibfst", None)
    dump = tmp_path / "streams.vcd"
    dump.write_text(DUMP + CHANGES)
    assert f"in {dump}, laid out" in recording.finish(dump, (0, 9))
    waves_reader.check(dump, "bench.u_dut")
    assert {path.name for path in tmp_path.iterdir()} == {"streams.vcd", "streams.gtkw"}


FULL = """
import resource, sys
from pathlib import Path
from repvgg_hw.targets.verilog.simulator import fst
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
print(fst.compressed(Path(sys.argv[1])).name)
"""


@pytest.mark.parametrize("missing", [0, 1, 10, 200, 3_000, 9_000])
def test_a_full_disk_leaves_the_vcd(tmp_path: Path, missing: int) -> None:
    """The library says nothing of it, and would leave a file that was cut."""
    data = np.random.default_rng(0).integers(0, 256, 10_000).tolist()
    dump = tmp_path / "streams.vcd"
    dump.write_text(DUMP + "".join(f"#{time}\nb{value:08b} c\n" for time, value in enumerate(data, 1)))
    size = fst.compressed(dump).stat().st_size
    dump.with_suffix(".fst").unlink()
    words = [sys.executable, "-c", FULL, str(dump), str(size - missing)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ("streams.vcd" if missing else "streams.fst")
    assert {path.name for path in tmp_path.iterdir()} == {"streams.vcd", done.stdout.strip()}


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    dump = tmp_path / "streams.vcd"
    dump.write_text(DUMP + CHANGES)
    (tmp_path / "streams.fst.part").mkdir()
    with pytest.raises(InputError, match=r"streams\.fst: cannot be written"):
        fst.compressed(dump)


def test_a_window_has_an_end() -> None:
    assert recording.limited((5, None), 100) == (5, 105)
    assert recording.limited((5, 9), 100) == (5, 9)


def test_nothing_was_recorded(tmp_path: Path) -> None:
    said = recording.finish(tmp_path / "streams.vcd", (1_000, 2_000))
    assert said == "no waves: the simulation ended before cycle 1,000"
    assert not list(tmp_path.iterdir())


def test_the_streams_of_a_design(tmp_path: Path) -> None:
    network, plan = random_network([Layer(4, pi=1, po=2), Layer(4, pi=2, po=2)], in_shape=(2, 5, 5))
    design: Design[Plan] = Design(tmp_path / "design", Request("verilog", plan.budget), network, plan, {})
    write(design)
    (tmp_path / "design/build").mkdir()
    for suffix in ("vcd", "fst"):
        (tmp_path / f"design/build/streams.{suffix}").write_text("of an earlier run")
    options = ProofOptions(waves=(20, 60))
    result = registry.get("verilog").prove(design, random_images(network, 1), options)
    assert result.passed, result.problems
    dump = tmp_path / "design/build/streams.fst"
    assert not dump.with_suffix(".vcd").exists()
    assert result.notes == (f"waves of cycles 20 to 60 in {dump}, laid out for GTKWave in streams.gtkw",)
    found = waves_reader.check(dump, "bench.u_dut")
    titles = list(found)
    assert titles[:2] == ["clock and control", "streams"]
    assert set(titles[2:]) == {layer.ident for layer in plan.layers} & set(titles[2:])
    streams = [path.removeprefix("bench.u_dut.") for path in found["streams"]]
    assert streams[0].startswith("s_axis_")
    assert streams[-1].startswith("m_axis_")
    for layer in (*(conv.ident for conv in plan.convs), "pool"):
        assert {f"{layer}_tvalid", f"{layer}_tready"} <= set(streams)
    assert not any(".u_" in path.removeprefix("bench.u_dut") for path in waves_reader.declared(dump))
    moments = waves_reader.times(dump)
    assert moments[0] > 0  # not what came before the window
    assert 40 <= len(moments) <= 2 * 42  # both edges of each cycle
    assert len(waves_reader.recorded(dump)) > 100
