"""What is kept of a broken run, and when it counts again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from layer_provers import LAYERS, Prover, names, state_file
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.layers import layerwise
from repvgg_hw.targets.verilog.layers.state import LayerProof, State


def test_a_killed_run_leaves_a_readable_state_and_goes_on_where_it_ended(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = State.record

    def record_until_killed(state: State, proof: LayerProof) -> None:
        if proof.layer.name == "stage2.0":
            raise KeyboardInterrupt
        record(state, proof)

    monkeypatch.setattr(State, "record", record_until_killed)
    with pytest.raises(KeyboardInterrupt):
        layerwise.prove_layers(design, images)
    monkeypatch.setattr(State, "record", record)
    left = state_file(design)
    assert (left["images"], left["stalls"], left["failed"]) == (2, 0, [])
    assert names(left["passed"]) == LAYERS[:2]
    assert left["open"] == LAYERS[2:]
    assert left["seconds"] == {name: [1.5, 2.5] for name in LAYERS[:2]}
    prover.calls()
    result = layerwise.prove_layers(design, images)
    assert result.passed
    assert prover.calls() == LAYERS[2:]
    assert [layer.name for layer in result.layers] == LAYERS
    assert result.notes == ("2 layers had passed in an earlier run",)
    assert state_file(design)["open"] == []
    assert layerwise.prove_layers(design, images).passed
    assert prover.calls() == []


def test_a_failing_layer_is_recorded_and_proven_again(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    prover.failing = {"stage1.0"}
    result = layerwise.prove_layers(design, images)
    assert result.problems == ("stage1.0: expected 1, got 2",)
    left = state_file(design)
    assert names(left["failed"]) == ["stage1.0"]
    assert left["failed"][0]["problem"] == "stage1.0: expected 1, got 2"
    assert names(left["passed"]) == [name for name in LAYERS if name != "stage1.0"]
    assert prover.calls() == LAYERS
    assert not layerwise.prove_layers(design, images).passed, "a failure must not turn green by waiting"
    assert prover.calls() == ["stage1.0"]
    prover.failing = set()
    assert layerwise.prove_layers(design, images).passed
    assert state_file(design)["failed"] == []


def change_weights(design: Design[Plan]) -> None:
    path = design.directory / "mem" / "stage1_0_weights.mem"
    path.write_text(path.read_text().translate(str.maketrans("0123456789abcdef", "1032547698badcfe")))


def change_rtl(design: Design[Plan]) -> None:
    path = design.directory / "rtl" / "rvg_requant_relu.sv"
    path.write_text(path.read_text() + "// another\n")


def change_network(design: Design[Plan]) -> None:
    (design.directory / "network.npz").write_bytes(b"of another network")


@pytest.mark.parametrize("change", [change_weights, change_rtl, change_network])
def test_the_state_of_another_design_is_not_used(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover, change: Callable[[Design[Plan]], None]
) -> None:
    layerwise.prove_layers(design, images)
    prover.calls()
    change(design)
    layerwise.prove_layers(design, images)
    assert prover.calls() == LAYERS


def test_fresh_forgets_what_has_passed(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    layerwise.prove_layers(design, images)
    prover.calls()
    prover.failing = {"stage1.0"}
    result = layerwise.prove_layers(design, images, fresh=True)
    assert prover.calls() == LAYERS
    assert not result.passed
    assert result.notes == ()


def test_the_state_of_other_images_or_stalls_is_not_used(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover
) -> None:
    layerwise.prove_layers(design, images)
    other = images.copy()
    other[1, 0, 0, 0] ^= 1
    for arguments in ({"images": other}, {"images": images[:1]}, {"images": images, "stalls": 7}):
        prover.calls()
        layerwise.prove_layers(design, **{"stalls": 0, **arguments})
        assert prover.calls() == LAYERS, arguments.keys()


@pytest.mark.parametrize(
    "text", ["", '{"fingerprint": ', "[]", "null", '{"fingerprint": "%s", "passed": [1]}']
)
def test_a_state_that_cannot_be_read_is_no_state(
    design: Design[Plan], images: NDArray[np.int8], prover: Prover, text: str
) -> None:
    state = State(design, images, 0)
    state.path.parent.mkdir(parents=True)
    state.path.write_text(text.replace("%s", str(state.about["fingerprint"])))
    assert layerwise.prove_layers(design, images).passed
    assert prover.calls() == LAYERS
