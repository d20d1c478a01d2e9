"""Faults in an HLS project, each of which must turn the simulation red."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hls_networks import hls_design, random_images
from hls_projects import QUICK, patch
from quick import some

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import simulate as simulate_hls
from repvgg_hw.targets.hls.csim import run_bench
from repvgg_hw.targets.hls.emit import emit, vector_files
from repvgg_hw.targets.hls.simulate import simulate_project

WINOGRAD_FAULTS = {
    "input transform": ("winograd_input.hpp", "sum += Coefficient(T::data(i, j)) * leaving[p][k][j];",
                        "sum += Coefficient(T::data(i, j)) * leaving[p][j][k];"),
    "part of a word": ("winograd_input.hpp", "at.part);", "0);"),
    "padding": ("winograd_input.hpp", "if (!inside_x || ", "if ("),
    "replayed words": ("winograd_input.hpp", "settled -= C::WORDS;", "settled -= C::WORDS - 1;"),
    "accumulation": ("winograd_output.hpp", "sums.value[p][at] += sum;", "sums.value[p][at] = sum;"),
    "one bit of the sums": ("winograd_output.hpp", "ap_int<L::SUM_BITS> sum", "ap_int<L::SUM_BITS - 8> sum"),
    "division": ("winograd_output.hpp", "shifted * inverse", "shifted * ap_uint<L::ACC_BITS>(inverse + 2)"),
    "low bits": ("winograd_shape.hpp", "L::ACC_BITS + 2 * T::E", "L::ACC_BITS + 2 * T::E - 1"),
    "transposed output": ("winograd_output.hpp", "i * C::K + at]", "at * C::K + i]"),
    "last column": ("winograd_output.hpp", "if (at >= C::K) continue;", "if (at >= C::K - 1) continue;"),
    "raster order": ("winograd_output.hpp", "sub * L::LANES + lane, get_lane",
                     "L::OUT_LANES - 1 - (sub * L::LANES + lane), get_lane"),
    "dropped row": ("winograd_output.hpp", "out.write(pixels);", "if (set != 2) out.write(pixels);"),
}  # fmt: skip


@pytest.mark.parametrize("fault", some(WINOGRAD_FAULTS, 4))
def test_a_fault_in_the_winograd_unit_is_found(
    tiled: tuple[Path, IntegerNetwork, Plan], tmp_path: Path, fault: str
) -> None:
    """Every step from tile to raster."""
    folder, network, plan = tiled
    shutil.copytree(folder, tmp_path / "project", ignore=shutil.ignore_patterns("csim_build"))
    name, old, new = WINOGRAD_FAULTS[fault]
    patch(tmp_path / "project" / "src" / "lib" / name, old, new)
    broken = hls_design(tmp_path / "project", network, plan)
    result = simulate_project(broken, random_images(network, 2), layer="stage0.0", flags=QUICK)
    assert re.search(r"^stage0\.0: .*(got \d|does not fit|missing)", result.problems[0])


LIBRARY_FAULTS = {
    "rounding term": ("requantize.hpp", "(ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1))", "0", r"got \d+"),
    "rounding of ties": ("requantize.hpp", "(ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1));",
                         "(ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1)) - 1;", r"channel [0-5]"),
    "shift": ("requantize.hpp", "rounded >> L::SHIFT", "rounded >> (L::SHIFT + 1)", r"got \d+"),
    "bias": ("requantize.hpp", "acc + ap_int<32>(bias)", "acc + ap_int<32>(bias + 900)", r"got \d+"),
    "no ReLU": ("requantize.hpp", "if (y < 0) return 0;", "", "does not fit ap_uint<8>"),
    "no upper clamp": ("requantize.hpp", "(y > highest)", "(y > highest + 999)", "does not fit ap_uint<8>"),
    "padding left": ("line_buffer.hpp", "{at.x != 0, true,", "{true, true,", r"column 0: expected"),
    "padding below": ("ring.hpp", "top + offset < G::HEIGHT;", "true;", r"row 4, column"),
    "swapped channels": ("requantize.hpp", "i, requantize<L>(sums.lane[i],",
                         "L::OUT_LANES - 1 - i, requantize<L>(sums.lane[i],", r"channel 0"),
    "dropped window": ("line_buffer.hpp", "box.send(window);", "if (at.x != 1) box.send(window);",
                       "a beat is missing"),
    "dropped beat": ("requantize.hpp", "out.write(beat);", "if (pixel != 3) out.write(beat);", "got"),
    "repeated beat": ("requantize.hpp", "out.write(beat);",
                      "out.write(beat); if (pixel == 3) out.write(beat);", "got"),
    "accumulator a bit too narrow": ("shape.hpp", "ap_int<L::ACC_BITS> lane[L::PO];",
                                     "ap_int<L::ACC_BITS - 8> lane[L::PO];", "does not fit ap_int<"),
    "accumulator not cleared": ("convolution.hpp", "if (word == 0)", "if (word == 0 && set == 0)",
                                r"got \d+"),
}  # fmt: skip


@pytest.mark.parametrize("fault", some(LIBRARY_FAULTS, 5))
def test_a_fault_in_a_unit_is_found(project: tuple[Path, IntegerNetwork, Plan], fault: str) -> None:
    """Each unit's arithmetic, padding, order and handshake; the message names layer and place."""
    folder, network, plan = project
    name, old, new, expected = LIBRARY_FAULTS[fault]
    patch(folder / "src" / "lib" / name, old, new)
    result = simulate_project(
        hls_design(folder, network, plan), random_images(network, 8), layer="stage1.0", flags=QUICK
    )
    assert re.search(rf"^stage1\.0: .*{expected}", result.problems[0])
    assert result.bit_exact < 8


@pytest.mark.parametrize("field", ["weight", "bias", "multiplier", "shift"])
def test_a_fault_in_a_number_is_computed(
    project: tuple[Path, IntegerNetwork, Plan], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even without the check of the tables, the outputs give a wrong constant away."""
    folder, network, plan = project
    conv = network.convs[1]
    if field == "shift":
        wrong = replace(conv, shift=conv.shift + 1)
    else:
        values = getattr(conv, field).copy()
        values.flat[5] = values.flat[5] // 2 + (20 if field == "weight" else 0)
        wrong = replace(conv, **{field: values})
    emit(hls_design(folder, replace(network, convs=(network.convs[0], wrong, network.convs[2])), plan))
    monkeypatch.setattr(simulate_hls, "differing_tables", lambda _: [])
    result = simulate_project(
        hls_design(folder, network, plan), random_images(network, 2), layer="stage1.0", flags=QUICK
    )
    place = r"stage1\.0: image \d, channel \d, row \d, column \d: expected \d+, got \d+"
    assert re.fullmatch(place, result.problems[0])


def test_the_whole_chain_reports_its_first_divergence(project: tuple[Path, IntegerNetwork, Plan]) -> None:
    """Every layer is wrong, and the first is named first."""
    folder, network, plan = project
    patch(folder / "src" / "lib" / "requantize.hpp", "acc + ap_int<32>(bias)", "acc + ap_int<32>(bias + 900)")
    result = simulate_project(hls_design(folder, network, plan), random_images(network, 2), flags=QUICK)
    assert [layer.passed for layer in result.layers][:2] == [False, False]
    assert result.problems[0].startswith("stage0.0: image 0")
    assert result.bit_exact == 0


def test_wrong_logits_fail_the_bench(small: tuple[Path, IntegerNetwork, Plan], tmp_path: Path) -> None:
    """The emitted test bench returns non-zero at a mismatch and where its files are unusable."""
    folder, network, plan = small
    images = random_images(network, 2)
    simulate_project(hls_design(folder, network, plan), images, flags=QUICK)
    build = tmp_path / "build"
    build.mkdir()
    shutil.copy(folder / "csim_build" / "tb.out", build)
    good = dict(vector_files(images, network))
    assert run_bench(build, "tb.out", iter(good.items()), []) == ""
    first, rest = good["output.dat"].split("\n", 1)
    wrong = {**good, "output.dat": f"{int(first) + 1}\n{rest}"}
    assert "frame 0, value 0: expected" in run_bench(build, "tb.out", iter(wrong.items()), [])
    assert "no numbers" in run_bench(build, "tb.out", iter({**good, "input.dat": "x"}.items()), [])
