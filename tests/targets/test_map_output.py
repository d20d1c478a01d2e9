"""Networks that end with a map: both targets stream it, bit-exact, in the order and at the rate planned."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hls_networks import Layer, hls_design, random_images, random_network
from quick import some

from repvgg_hw import design as designs
from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import emit as emit_hls
from repvgg_hw.targets.hls.simulate import simulate_project
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.layers import layerwise
from repvgg_hw.targets.verilog.simulate import simulate_network

FRAMES = 4

# Layers, input shape (C, H, W), bits of the last map.
CHAINS: dict[str, tuple[list[Layer], tuple[int, int, int], int]] = {
    "direct, odd sizes": ([Layer(8, stride=2, pi=3, po=2), Layer(6, pi=2, po=3)], (3, 11, 7), 8),
    "one beat per pixel": ([Layer(4, pi=3), Layer(4, pi=4, po=4)], (3, 6, 5), 8),
    "stride 2 last, groups": ([Layer(8, pi=3), Layer(8, stride=2, groups=2, pi=4, po=2)], (3, 7, 9), 8),
    "narrow activations": ([Layer(6, stride=2, pi=3, po=3), Layer(6, pi=2, po=6)], (3, 8, 8), 5),
    "a map of one pixel": ([Layer(4, stride=2, pi=3), Layer(4, stride=2)], (3, 3, 4), 8),
    "Winograd last": ([Layer(4, pi=3, po=2), Layer(6, pi=2, m=4)], (3, 10, 7), 8),
    "Winograd in phases": ([Layer(4, pi=3, m=2), Layer(4, stride=2, m=2)], (3, 9, 10), 8),
}


def make(chain: str) -> tuple[IntegerNetwork, Plan]:
    layers, in_shape, bits = CHAINS[chain]
    return random_network(layers, in_shape=in_shape, linear=None, out_bits=bits, seed=5)


def write(folder: Path, network: IntegerNetwork, plan: Plan) -> Design[Plan]:
    design = Design(folder, Request("verilog"), network, plan, {})
    emit.emit(design)
    designs.save(design)
    return design


@pytest.mark.parametrize("chain", CHAINS)
def test_golden_and_plan_agree_on_the_output(chain: str) -> None:
    network, plan = make(chain)
    last = golden.forward(random_images(network, 2), network)
    assert last.shape[1:] == plan.output.shape
    assert last.max() <= (1 << network.convs[-1].out_bits) - 1
    assert plan.output.beats * plan.output.lanes == np.prod(plan.output.shape)
    assert (plan.output.bits, plan.output.signed) == (8, False)
    assert plan.frame_interval == max(plan.in_cycles, *(conv.cycles for conv in plan.convs))


@pytest.mark.parametrize("chain", some(CHAINS, 3))
def test_verilog(tmp_path: Path, chain: str) -> None:
    """Back to back at the planned interval, then stalled."""
    network, plan = make(chain)
    design = write(tmp_path / "design", network, plan)
    images = random_images(network, FRAMES)
    result = simulate_network(design, images)
    assert result.passed, result.problems
    assert (result.limits, result.limits_summary, result.notes) == ({}, "", ())  # said under stalls alone
    assert "limits" not in result.to_json()
    assert result.frame_interval == plan.frame_interval
    assert [layer.name for layer in result.layers] == [conv.name for conv in plan.convs]
    assert result.layers[-1].values == FRAMES * np.prod(plan.output.shape)
    held = simulate_network(design, images, stalls=3)
    assert held.passed, held.problems
    assert held.bit_exact == FRAMES
    assert held.limits_not_reached == []
    assert {name.split(": ")[0] for name in held.limits} == {conv.name for conv in plan.convs}


def test_layers_alone(sound: Design[Plan]) -> None:
    result = layerwise.prove_layers(sound, random_images(sound.network, FRAMES), jobs=1)
    assert result.passed, result.problems
    assert [layer.name for layer in result.layers] == ["stage0.0", "stage1.0"]


@pytest.mark.parametrize("chain", some(CHAINS, 3))
def test_hls(tmp_path: Path, chain: str) -> None:
    network, plan = make(chain)
    design = hls_design(tmp_path, network, plan)
    emit_hls.emit(design)
    images = random_images(network, FRAMES)
    result = simulate_project(design, images, flags=("-O0",))
    assert result.passed, result.problems
    assert result.bit_exact == FRAMES
    assert result.frame_interval == emit_hls.interval(plan)
    assert result.frame_interval <= plan.frame_interval
    assert [layer.name for layer in result.layers] == [conv.name for conv in plan.convs]
    alone = simulate_project(design, images, layer=plan.convs[-1].name, flags=("-O0",))
    assert alone.passed, alone.problems
    assert alone.layers[0].values == result.layers[-1].values == FRAMES * np.prod(plan.output.shape)


def test_the_streams_bytes_are_the_map(tmp_path: Path) -> None:
    """What the vectors hold, by the formula of the documentation, against golden's map."""
    network, plan = make("direct, odd sizes")
    emit_hls.emit(hls_design(tmp_path, network, plan))
    values = [int(line) for line in (tmp_path / "vectors" / "output.dat").read_text().split()]
    pixels = [int(line) for line in (tmp_path / "vectors" / "input.dat").read_text().split()]
    images = np.array(pixels, np.int8).reshape(-1, 11, 7, 3).transpose(0, 3, 1, 2)
    c, h, w = plan.output.shape
    expected = golden.forward(images, network)
    for n, k, y, x in np.ndindex(expected.shape):
        beat, lane = divmod((y * w + x) * c + k, plan.output.lanes)
        assert values[n * c * h * w + beat * plan.output.lanes + lane] == expected[n, k, y, x]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    return write(tmp_path_factory.mktemp("map") / "design", *make("narrow activations"))


@pytest.fixture
def faulty(sound: Design[Plan], tmp_path: Path) -> Design[Plan]:
    shutil.copytree(sound.directory, tmp_path / "faulty")
    return replace(sound, directory=tmp_path / "faulty")


def run(design: Design[Plan], stalls: int = 0) -> SimulationResult:
    return simulate_network(design, random_images(design.network, FRAMES), stalls=stalls)


def test_a_flipped_weight_of_the_last_layer_is_placed(faulty: Design[Plan]) -> None:
    """Layer, image, channel, row and column: where golden first differs with the same flipped weight."""
    path = faulty.directory / "mem" / "stage1_0_weights_0.mem"
    words = path.read_text().splitlines()
    words[0] = words[0][:-2] + f"{int(words[0][-2], 16) ^ 4:x}" + words[0][-1]  # bit 6 of the first weight
    path.write_text("\n".join(words) + "\n")
    last = faulty.network.convs[-1]
    weight = last.weight.copy()
    weight[0, 0, 0, 0] = np.int8(np.uint8(weight[0, 0, 0, 0]) ^ np.uint8(64))
    wrong = replace(faulty.network, convs=(*faulty.network.convs[:-1], replace(last, weight=weight)))
    images = random_images(faulty.network, FRAMES)
    right, got = golden.forward(images, faulty.network), golden.forward(images, wrong)
    n, y, x, k = np.argwhere(np.moveaxis(right != got, 1, 3))[0]  # first in the stream's order
    assert set(np.argwhere(right != got)[:, 1]) == {0}
    result = run(faulty)
    assert result.problems[0].startswith("stage1.0: mem/stage1_0_weights_0.mem, word 0 is not the network's")
    assert result.problems[1] == (
        f"stage1.0: image {n}, channel {k}, row {y}, column {x}: "
        f"expected {right[n, k, y, x]}, got {got[n, k, y, x]}"
    )


RTL_FAULTS = {
    "tlast": ("COUNT_W'(BEATS - 1);", "COUNT_W'(BEATS - 2);", "tlast is wrong at beat"),
    "order of channels": ("[X_W*i +: X_W])", "[X_W*(LANES-1-i) +: X_W])", "channel 0, row 0"),
    "sign instead of zeros": (
        "8'(beat_tdata[X_W*i +: X_W])",
        "8'($signed(beat_tdata[X_W*i +: X_W]))",
        "got 2",
    ),
}


@pytest.mark.parametrize("fault", some(RTL_FAULTS, 2))
def test_a_fault_behind_the_last_layer_is_found(faulty: Design[Plan], fault: str) -> None:
    """The map is compared where it leaves the design."""
    old, new, message = RTL_FAULTS[fault]
    path = faulty.directory / "rtl" / "rvg_output_map.sv"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    (problem,) = run(faulty).problems
    assert problem.startswith("stage1.0: ")
    assert message in problem


SENT = "m_axis.write(beat);\n    }\n  }\n}\n\n// The network's"  # by send_map, not by send
HLS_FAULTS = {
    "tlast": ("beat.last = i == P::BEATS - 1", "beat.last = i == 0", "the test bench fails"),
    "order of channels": ("(beat.data, lane, ap", "(beat.data, P::LANES - 1 - lane, ap", "row 0"),
    "a beat twice": (SENT, f"if (i == 3) {{ m_axis.write(beat); }}\n      {SENT}", "row"),
}  # fmt: skip


@pytest.mark.parametrize("fault", some(HLS_FAULTS, 2))
def test_a_fault_behind_the_last_layer_is_found_in_hls(tmp_path: Path, fault: str) -> None:
    design = hls_design(tmp_path, *make("narrow activations"))
    emit_hls.emit(design)
    old, new, message = HLS_FAULTS[fault]
    path = tmp_path / "src" / "lib" / "axis.hpp"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    result = simulate_project(design, random_images(design.network, 2), flags=("-O0",))
    assert message in result.problems[0]
