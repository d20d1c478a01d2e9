"""C simulation of emitted projects: equality over random shapes, and faults that must turn it red."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
from hls_networks import Layer, hls_design, random_images, random_network
from hls_projects import QUICK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quick import some

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import csim
from repvgg_hw.targets.hls.emit import emit, interval
from repvgg_hw.targets.hls.simulate import simulate_project
from repvgg_hw.winograd.matrices import STRIDES, TILES

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
    result = simulate_project(hls_design(tmp_path, network, plan), images, flags=SANITIZERS)
    assert result.passed, result.problems
    assert [check.name for check in result.layers] == [*(c.name for c in plan.convs), "pool", "linear"]
    assert result.bit_exact == 3
    sizes = [value[0].size for _, value in golden.trace(images, network)]
    assert [layer.values for layer in result.layers] == [3 * size for size in sizes]
    assert result.problems == ()
    assert result.frame_interval == interval(plan)


@pytest.mark.parametrize("stride", some(STRIDES, 1))
def test_every_tile_equals_golden(tmp_path: Path, stride: int) -> None:
    """F(2) to F(7), stride 1 and in phases, sanitized, layer after layer; a map that no tile divides."""
    layers = [Layer(2, stride, pi=1, po=2, m=m) for m in TILES]
    network, plan = random_network(layers, in_shape=(2, 17 * stride, 9), classes=2)
    emit(hls_design(tmp_path, network, plan))
    images = random_images(network, 2)
    result = simulate_project(hls_design(tmp_path, network, plan), images, flags=SANITIZERS)
    assert result.passed, result.problems


def test_compiles_once_and_layers_run_alone(small: tuple[Path, IntegerNetwork, Plan]) -> None:
    """A second run does not compile; one layer runs on golden's input; names are checked."""
    folder, network, plan = small
    images = random_images(network, 5)
    seen = []
    first = simulate_project(
        hls_design(folder, network, plan), images, flags=QUICK, progress=lambda *done: seen.append(done)
    )
    assert first.build_seconds > 0
    assert seen == [(0.0, "compiling"), (1.0, "5 of 5 images")]
    assert simulate_project(hls_design(folder, network, plan), images[:1], flags=QUICK).build_seconds == 0
    for layer in ("stage1.0", "pool"):
        alone = simulate_project(hls_design(folder, network, plan), images, layer=layer, flags=QUICK)
        assert layer in [check.name for check in alone.layers]
    with pytest.raises(InputError, match=r"stage9.*stage1\.0"):
        simulate_project(hls_design(folder, network, plan), images, layer="stage9")


def test_large_tables_are_compiled_apart(
    project: tuple[Path, IntegerNetwork, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers in translation units of their own; new weights compile theirs again, and no other."""
    folder, network, plan = project
    monkeypatch.setattr(csim, "APART_NUMBERS", 12)
    images = random_images(network, 1)
    simulate_project(hls_design(folder, network, plan), images, flags=QUICK)
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "csim_build").rglob("*.o")}
    assert "stage1_0_weights.o" in before
    assert "stage1_0_bias.o" not in before
    weight = network.convs[1].weight.copy()
    weight.flat[3] ^= 1
    convs = (network.convs[0], replace(network.convs[1], weight=weight), network.convs[2])
    network = replace(network, convs=convs)
    emit(hls_design(folder, network, plan))
    result = simulate_project(hls_design(folder, network, plan), images, flags=QUICK)
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
    result = simulate_project(
        hls_design(folder, network, plan), images, include=include, flags=("-O0", no_own)
    )
    assert result.passed, result.problems


def test_no_compiler_is_an_input_error(
    small: tuple[Path, IntegerNetwork, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says what to install."""
    folder, network, plan = small
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match=r"install g\+\+ or clang\+\+"):
        simulate_project(hls_design(folder, network, plan), random_images(network, 1))
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError, match="no-such-compiler"):
        simulate_project(hls_design(folder, network, plan), random_images(network, 1))
