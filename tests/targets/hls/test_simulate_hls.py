"""C simulation of emitted projects: equality over random shapes, and faults that must turn it red."""

from __future__ import annotations

import importlib.util
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hls_networks import Layer, hls_design, random_images, random_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import csim
from repvgg_hw.targets.hls import simulate as simulate_hls
from repvgg_hw.targets.hls.csim import run_bench
from repvgg_hw.targets.hls.emit import emit, interval
from repvgg_hw.targets.hls.simulate import simulate
from repvgg_hw.winograd.matrices import STRIDES, TILES

QUICK = ("-O0", "-Werror")
SANITIZERS = ("-O0", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@st.composite
def networks(draw: st.DrawFn) -> tuple[IntegerNetwork, Plan]:
    """Chains of three layers: strides, groups, odd maps down to one pixel, any folding and algorithm."""
    c_in = channels = draw(st.integers(1, 4))
    layers = []
    for _ in range(3):
        c_out = draw(st.sampled_from([2, 3, 4, 6, 8, 12]))
        groups = draw(st.sampled_from([g for g in divisors(channels) if c_out % g == 0]))
        layers.append(
            Layer(
                c_out,
                stride=draw(st.sampled_from([1, 2])),
                groups=groups,
                pi=draw(st.sampled_from(divisors(channels // groups))),
                po=draw(st.sampled_from(divisors(c_out // groups))),
                m=draw(st.sampled_from([None, *TILES])),
            )
        )
        channels = c_out
    classes = draw(st.integers(2, 6))
    return random_network(
        layers,
        in_shape=(c_in, draw(st.integers(1, 14)), draw(st.integers(1, 14))),
        classes=classes,
        linear=(draw(st.sampled_from(divisors(channels))), draw(st.sampled_from(divisors(classes)))),
        seed=draw(st.integers(0, 2**32 - 1)),
    )


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    print_blob=True,
)
@given(case=networks())
def test_every_layer_equals_golden_under_sanitizers(
    tmp_path: Path, case: tuple[IntegerNetwork, Plan]
) -> None:
    """Any shape and folding, three frames without a gap, no undefined behaviour, no lost bit or cycle."""
    network, plan = case
    emit(hls_design(tmp_path, network, plan))
    images = random_images(network, 3)
    result = simulate(hls_design(tmp_path, network, plan), images, flags=SANITIZERS)
    assert result.passed, result.problems
    assert [check.name for check in result.layers] == [*(c.name for c in plan.convs), "pool", "linear"]
    assert result.bit_exact == 3
    sizes = [value[0].size for _, value in golden.trace(images, network)]
    assert [layer.values for layer in result.layers] == [3 * size for size in sizes]
    assert result.problems == ()
    assert result.frame_interval == interval(plan)


@pytest.mark.parametrize("stride", STRIDES)
def test_every_tile_equals_golden(tmp_path: Path, stride: int) -> None:
    """F(2) to F(7), stride 1 and in phases, sanitized, layer after layer; a map that no tile divides."""
    layers = [Layer(2, stride, pi=1, po=2, m=m) for m in TILES]
    network, plan = random_network(layers, in_shape=(2, 17 * stride, 9), classes=2)
    emit(hls_design(tmp_path, network, plan))
    images = random_images(network, 2)
    result = simulate(hls_design(tmp_path, network, plan), images, flags=SANITIZERS)
    assert result.passed, result.problems


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IntegerNetwork, Plan]:
    """A project of three layers that is never changed."""
    layers = [Layer(4, stride=2, po=2), Layer(6, groups=2, pi=2, po=3), Layer(6, stride=2, pi=3, po=6)]
    network, plan = random_network(layers, in_shape=(3, 9, 12), classes=4, linear=(3, 2))
    folder = tmp_path_factory.mktemp("small")
    emit(hls_design(folder, network, plan))
    return folder, network, plan


@pytest.fixture
def project(small: tuple[Path, IntegerNetwork, Plan], tmp_path: Path) -> tuple[Path, IntegerNetwork, Plan]:
    """A copy of it, to be broken."""
    folder, network, plan = small
    shutil.copytree(folder, tmp_path / "project", ignore=shutil.ignore_patterns("csim_build"))
    return tmp_path / "project", network, plan


def patch(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))


def test_compiles_once_and_layers_run_alone(small: tuple[Path, IntegerNetwork, Plan]) -> None:
    """A second run does not compile; one layer runs on golden's input; names are checked."""
    folder, network, plan = small
    images = random_images(network, 5)
    seen = []
    first = simulate(
        hls_design(folder, network, plan), images, flags=QUICK, progress=lambda *done: seen.append(done)
    )
    assert first.build_seconds > 0
    assert seen == [(5, 5)]
    assert simulate(hls_design(folder, network, plan), images[:1], flags=QUICK).build_seconds == 0
    for layer in ("stage1.0", "pool"):
        alone = simulate(hls_design(folder, network, plan), images, layer=layer, flags=QUICK)
        assert layer in [check.name for check in alone.layers]
    with pytest.raises(InputError, match=r"stage9.*stage1\.0"):
        simulate(hls_design(folder, network, plan), images, layer="stage9")


def test_large_tables_are_compiled_apart(
    project: tuple[Path, IntegerNetwork, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers in translation units of their own; new weights compile theirs again, and no other."""
    folder, network, plan = project
    monkeypatch.setattr(csim, "APART_NUMBERS", 12)
    images = random_images(network, 1)
    simulate(hls_design(folder, network, plan), images, flags=QUICK)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "csim_build").rglob("*.o")}
    assert "stage1_0_weights.o" in before
    assert "stage1_0_bias.o" not in before
    weight = network.convs[1].weight.copy()
    weight.flat[3] ^= 1
    convs = (network.convs[0], replace(network.convs[1], weight=weight), network.convs[2])
    network = replace(network, convs=convs)
    emit(hls_design(folder, network, plan))
    result = simulate(hls_design(folder, network, plan), images, flags=QUICK)
    assert result.passed, result.problems
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "csim_build").rglob("*.o")}
    assert {name for name in after if after[name] != before[name]} == {"stage1_0_weights.o"}


@pytest.mark.parametrize("kind", ["small", "tiled"])
def test_against_the_open_vendor_types(kind: str, request: pytest.FixtureRequest) -> None:
    """The same sources with another implementation of ap_int and hls::stream agree in every layer."""
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs the open ap_types headers: pip install --no-deps hls4ml==1.3.0")
    include = Path(spec.submodule_search_locations[0]) / "templates" / "vivado" / "ap_types"
    folder, network, plan = request.getfixturevalue(kind)
    images = random_images(network, 2)
    no_own = "-DREPVGG_CSIM_AP_INT_H"  # our ap_int.h, taken by mistake, would be empty
    result = simulate(hls_design(folder, network, plan), images, include=include, flags=("-O0", no_own))
    assert result.passed, result.problems


WINOGRAD_FAULTS = {
    "input transform": ("winograd_input.hpp", "sum += Coefficient(T::data(i, j)) * leaving[p][k][j];",
                        "sum += Coefficient(T::data(i, j)) * leaving[p][j][k];"),
    "padding": ("winograd_input.hpp", "if (!inside_x || ", "if ("),
    "replayed words": ("winograd_input.hpp", "settled -= C::WORDS;", "settled -= C::WORDS - 1;"),
    "accumulation": ("winograd_output.hpp", "sums.value[p][at] += sum;", "sums.value[p][at] = sum;"),
    "one bit of the sums": ("winograd_output.hpp", "ap_int<L::SUM_BITS> sum", "ap_int<L::SUM_BITS - 8> sum"),
    "division": ("winograd_output.hpp", "shifted * inverse", "shifted * ap_uint<L::ACC_BITS>(inverse + 2)"),
    "low bits": ("winograd_shape.hpp", "L::ACC_BITS + 2 * T::E", "L::ACC_BITS + 2 * T::E - 1"),
    "transposed output": ("winograd_output.hpp", "i * C::K + k]", "k * C::K + i]"),
    "raster order": ("winograd_output.hpp", "sub * L::LANES + lane, get_lane",
                     "L::OUT_LANES - 1 - (sub * L::LANES + lane), get_lane"),
    "dropped row": ("winograd_output.hpp", "out.write(pixels);", "if (set != 2) out.write(pixels);"),
}  # fmt: skip


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IntegerNetwork, Plan]:
    """A project whose layer is computed by F(4)."""
    network, plan = random_network([Layer(4, pi=1, po=4, m=4)], in_shape=(3, 9, 10), classes=2)
    folder = tmp_path_factory.mktemp("tiled")
    emit(hls_design(folder, network, plan))
    return folder, network, plan


@pytest.mark.parametrize("fault", WINOGRAD_FAULTS)
def test_a_fault_in_the_winograd_unit_is_found(
    tiled: tuple[Path, IntegerNetwork, Plan], tmp_path: Path, fault: str
) -> None:
    """Every step from tile to raster."""
    folder, network, plan = tiled
    shutil.copytree(folder, tmp_path / "project", ignore=shutil.ignore_patterns("csim_build"))
    name, old, new = WINOGRAD_FAULTS[fault]
    patch(tmp_path / "project" / "src" / "lib" / name, old, new)
    broken = hls_design(tmp_path / "project", network, plan)
    result = simulate(broken, random_images(network, 2), layer="stage0.0", flags=QUICK)
    assert re.search(r"^stage0\.0: .*(got \d|does not fit|missing)", result.problems[0])


LIBRARY_FAULTS = {
    "rounding term": ("requantize.hpp", "(ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1))", "0", r"got \d+"),
    "rounding of ties": ("requantize.hpp", "(ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1));",
                         "(ap_int<PRODUCT_BITS>(1) << (L::SHIFT - 1)) - 1;", r"channel [0-5]"),
    "shift": ("requantize.hpp", "rounded >> L::SHIFT", "rounded >> (L::SHIFT + 1)", r"got \d+"),
    "bias": ("requantize.hpp", "acc + ap_int<32>(bias)", "acc + ap_int<32>(bias + 900)", r"got \d+"),
    "no ReLU": ("requantize.hpp", "if (y < 0) return 0;", "", "does not fit ap_uint<8>"),
    "no upper clamp": ("requantize.hpp", "(y > highest)", "(y > highest + 999)", "does not fit ap_uint<8>"),
    "padding left": ("line_buffer.hpp", "{at.x > 0, true,", "{true, true,", r"column 0: expected"),
    "padding below": ("ring.hpp", "slot * G::STEP + offset < G::HEIGHT;", "true;", r"row 4, column"),
    "swapped channels": ("requantize.hpp", "i, requantize<L>(sums.lane[i],",
                         "L::OUT_LANES - 1 - i, requantize<L>(sums.lane[i],", r"channel 0"),
    "dropped window": ("line_buffer.hpp", "out.write(window);", "if (at.x != 1) out.write(window);",
                       "a beat is missing"),
    "dropped beat": ("requantize.hpp", "out.write(beat);", "if (pixel != 3) out.write(beat);", "got"),
    "repeated beat": ("requantize.hpp", "out.write(beat);",
                      "out.write(beat); if (pixel == 3) out.write(beat);", "got"),
    "accumulator a bit too narrow": ("shape.hpp", "ap_int<L::ACC_BITS> lane[L::PO];",
                                     "ap_int<L::ACC_BITS - 8> lane[L::PO];", "does not fit ap_int<"),
    "accumulator not cleared": ("convolution.hpp", "if (word == 0)", "if (word == 0 && set == 0)",
                                r"got \d+"),
}  # fmt: skip


@pytest.mark.parametrize("fault", LIBRARY_FAULTS)
def test_a_fault_in_a_unit_is_found(project: tuple[Path, IntegerNetwork, Plan], fault: str) -> None:
    """Each unit's arithmetic, padding, order and handshake; the message names layer and place."""
    folder, network, plan = project
    name, old, new, expected = LIBRARY_FAULTS[fault]
    patch(folder / "src" / "lib" / name, old, new)
    result = simulate(
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
    result = simulate(
        hls_design(folder, network, plan), random_images(network, 2), layer="stage1.0", flags=QUICK
    )
    place = r"stage1\.0: image \d, channel \d, row \d, column \d: expected \d+, got \d+"
    assert re.fullmatch(place, result.problems[0])


def test_the_whole_chain_reports_its_first_divergence(project: tuple[Path, IntegerNetwork, Plan]) -> None:
    """Every layer is wrong, and the first is named first."""
    folder, network, plan = project
    patch(folder / "src" / "lib" / "requantize.hpp", "acc + ap_int<32>(bias)", "acc + ap_int<32>(bias + 900)")
    result = simulate(hls_design(folder, network, plan), random_images(network, 2), flags=QUICK)
    assert [layer.passed for layer in result.layers][:2] == [False, False]
    assert result.problems[0].startswith("stage0.0: image 0")
    assert result.bit_exact == 0


def test_wrong_logits_fail_the_bench(small: tuple[Path, IntegerNetwork, Plan], tmp_path: Path) -> None:
    """The emitted test bench returns non-zero at a mismatch and where its files are unusable."""
    folder, network, plan = small
    images = random_images(network, 2)
    simulate(hls_design(folder, network, plan), images, flags=QUICK)
    build = tmp_path / "build"
    build.mkdir()
    shutil.copy(folder / "csim_build" / "tb.out", build)
    good = dict(simulate_hls.vector_files(images, network))
    assert run_bench(build, "tb.out", iter(good.items()), []) == ""
    first, rest = good["logits.dat"].split("\n", 1)
    wrong = {**good, "logits.dat": f"{int(first) + 1}\n{rest}"}
    assert "frame 0, class 0: expected" in run_bench(build, "tb.out", iter(wrong.items()), [])
    assert "no numbers" in run_bench(build, "tb.out", iter({**good, "input.dat": "x"}.items()), [])


def test_no_compiler_is_an_input_error(
    small: tuple[Path, IntegerNetwork, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says what to install."""
    folder, network, plan = small
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"install g\+\+ or clang\+\+"):
        simulate(hls_design(folder, network, plan), random_images(network, 1))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="no-such-compiler"):
        simulate(hls_design(folder, network, plan), random_images(network, 1))
