"""The emitted HLS project: tables, determinism, refusals."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hls_networks import Layer, hls_design, random_images, random_network
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.targets.hls.emit import differing_tables, emit, interval
from repvgg_hw.targets.hls.forms import conv_rows
from repvgg_hw.targets.hls.simulate import simulate_project
from repvgg_hw.targets.hls.tables import pack_rows

LAYERS = [Layer(4, stride=2, po=2), Layer(6, groups=2, pi=2, po=3), Layer(6, pi=3, po=2)]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@given(
    rows=st.integers(1, 3), count=st.integers(1, 70), bits=st.integers(2, 24), seed=st.integers(0, 2**32 - 1)
)
def test_packed_rows_hold_every_weight(rows: int, count: int, bits: int, seed: int) -> None:
    """Weight i of a row is field i % per of chunk i / per, as words.hpp reads it."""
    top = (1 << bits - 1) - 1
    weights = np.random.default_rng(seed).integers(-top, top + 1, (rows, count))
    packed = pack_rows(weights, bits)
    per_chunk = 64 // bits
    for row in range(rows):
        for i in range(count):
            field = int(packed[row, i // per_chunk]) >> (i % per_chunk * bits) & ((1 << bits) - 1)
            assert (field ^ (1 << bits - 1)) - (1 << bits - 1) == weights[row, i]


def test_rows_follow_the_order_of_use() -> None:
    """Row (group, repeat, word), lane (output, input, tap)."""
    network, plan = random_network(LAYERS)
    conv, weight = plan.convs[1], network.convs[1].weight
    assert isinstance(conv, ConvPlan)
    rows = conv_rows(conv, weight).reshape(2, conv.repeats, conv.words, conv.po, conv.pi, 9)
    assert rows[1, 0, 0, 2, 1, 5] == weight[3 + 2, 1, 1, 2]


def test_same_input_same_bytes_and_warm_files(tmp_path: Path) -> None:
    """Two folders are equal; a second emission touches no file."""
    network, plan = random_network(LAYERS)
    emit(hls_design(tmp_path / "a", network, plan))
    emit(hls_design(tmp_path / "b", network, plan))
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}
    emit(hls_design(tmp_path / "a", network, plan))
    assert times == {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}


def test_scripts_name_part_clock_and_files_that_exist(tmp_path: Path) -> None:
    """Both flows of the vendor."""
    network, plan = random_network(LAYERS)
    emit(hls_design(tmp_path, network, replace(plan, clock_mhz=250.0)))
    tcl, config = (tmp_path / "run_hls.tcl").read_text(), (tmp_path / "hls_config.cfg").read_text()
    for text in (tcl, config):
        assert "xczu7ev-ffvc1156-2-e" in text
        assert not re.search(r"csim/|-I\S*csim", text), "the vendor's tool refuses foreign ap_int headers"
        for path in re.findall(r"(?:src|tb)/\w+\.cpp", text):
            assert (tmp_path / path).is_file()
    assert "create_clock -period 4 " in tcl
    assert "clock=4ns" in config


def test_top_is_one_line_per_layer(tmp_path: Path) -> None:
    """The top reads as the block diagram, and its FIFOs are the plan's."""
    network, plan = random_network(LAYERS)
    emit(hls_design(tmp_path, network, plan))
    top = (tmp_path / "src" / "repvgg_top.cpp").read_text()
    for conv in plan.convs:
        assert isinstance(conv, ConvPlan)
        assert len(re.findall(rf"^  conv3x3<config::{conv.ident}>\(", top, re.MULTILINE)) == 1
        assert f"variable={conv.ident} depth={conv.fifo_depth}\n" in top


def test_vectors_are_golden(tmp_path: Path) -> None:
    """The emitted vectors are frames and their logits."""
    network, plan = random_network(LAYERS)
    emit(hls_design(tmp_path, network, plan))
    images = np.loadtxt(tmp_path / "vectors" / "input.dat", dtype=np.int8).reshape(-1, 8, 8, 3)
    logits = np.loadtxt(tmp_path / "vectors" / "output.dat", dtype=np.int64).reshape(len(images), -1)
    assert len(images) >= 2
    assert np.array_equal(logits, golden.forward(np.moveaxis(images, 3, 1), network))
    assert random_images(network, 2).shape == (2, 3, 8, 8)


def test_interval_is_the_plans() -> None:
    """The slowest process takes the plan's cycles where the array is the slowest part."""
    _, plan = random_network([Layer(8), Layer(8, stride=2, pi=2), Layer(8)], in_shape=(3, 16, 16))
    assert interval(plan) == plan.frame_interval


@pytest.mark.parametrize("kind", ["weights", "bias", "multiplier"])
def test_a_changed_digit_is_named_with_its_layer(tmp_path: Path, kind: str) -> None:
    """Any digit of any table."""
    network, plan = random_network(LAYERS)
    emit(hls_design(tmp_path, network, plan))
    design = hls_design(tmp_path, network, plan)
    assert differing_tables(design) == []
    path = tmp_path / "src" / "tables" / f"stage1_0_{kind}.inc"
    text = path.read_text()
    at = max(i for i, c in enumerate(text) if c.isdigit())
    path.write_text(text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :])
    ((layer, message),) = differing_tables(design)
    assert layer == "stage1.0"
    assert re.fullmatch(rf"src/tables/stage1_0_{kind}\.inc, line \d+ is not the network's", message)
    path.unlink()
    assert [layer for layer, _ in differing_tables(design)] == ["stage1.0"]
    with pytest.raises(InputError, match="generate"):
        simulate_project(design, random_images(network, 1))


def test_what_the_vendors_types_cannot_hold_is_refused(tmp_path: Path) -> None:
    """A stream word beyond 4096 bits; nothing is written."""
    network, plan = random_network([Layer(520), Layer(2, pi=520)])
    with pytest.raises(InputError, match=r"stage1\.0: PI = 520 .* at most 512"):
        emit(hls_design(tmp_path / "out", network, plan))
    assert not (tmp_path / "out").exists()
    network, plan = random_network([Layer(64), Layer(64, pi=32, po=32)])
    with pytest.raises(InputError, match=r"stage1\.0: .* ROM has 73728 bits; .* at most 8192 multipliers"):
        emit(hls_design(tmp_path / "out", network, plan))
    assert not (tmp_path / "out").exists()


def test_both_scripts_state_the_clock_and_its_uncertainty(tmp_path: Path) -> None:
    network, plan = random_network([Layer(2)])
    emit(hls_design(tmp_path, network, plan))
    assert plan.clock_mhz is not None
    period = f"{1000 / plan.clock_mhz:.4g}"
    tcl, cfg = ((tmp_path / name).read_text() for name in ("run_hls.tcl", "hls_config.cfg"))
    assert f"create_clock -period {period} -name default\nset_clock_uncertainty 27%\n" in tcl
    assert f"clock={period}ns\nclock_uncertainty=27%\n" in cfg
