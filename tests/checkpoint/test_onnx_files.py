"""ONNX files that are damaged, hostile, or keep their weights in a second file."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from click.testing import CliRunner
from onnx import TensorProto, external_data_helper, helper, numpy_helper
from onnx_graphs import W0, logits, network, numbers

from repvgg_hw.checkpoint import import_network
from repvgg_hw.checkpoint.run import outputs
from repvgg_hw.cli import main
from repvgg_hw.errors import InputError


def changed(path: Path, change: Callable[[onnx.ModelProto], object]) -> Path:
    model = onnx.load(network(path))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


MODELS: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "two outputs": (lambda m: m.graph.output.append(m.graph.output[0]), "2 outputs"),
    "two inputs": (
        lambda m: m.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])),
        "2 inputs",
    ),
    "whole input": (
        lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.UINT8),
        "not floating point",
    ),
    "two tensors of one name": (
        lambda m: m.graph.initializer.append(numpy_helper.from_array(numbers(4), "c1")),
        "two tensors of one name",
    ),
    "two nodes of one output": (lambda m: m.graph.node.append(m.graph.node[0]), "two nodes write t0"),
    "functions": (
        lambda m: m.functions.append(helper.make_function("mine", "Relu", ["a"], ["a"], [], m.opset_import)),
        "functions of its own",
    ),
    "infinite weight": (
        lambda m: m.graph.initializer[0].CopyFrom(numpy_helper.from_array(W0 * np.inf, "c0")),
        "c0 is not finite",
    ),
    "text for weights": (
        lambda m: m.graph.initializer[0].CopyFrom(
            TensorProto(name="c0", data_type=TensorProto.STRING, dims=[1], string_data=[b"a"])
        ),
        "not understood",
    ),
    "weight of another size": (
        lambda m: m.graph.initializer[0].CopyFrom(numpy_helper.from_array(W0[:, :2], "c0")),
        "over 3 channels",
    ),
    "huge claim": (lambda m: m.graph.initializer[0].dims.extend([1 << 40]), "not understood"),
    "subgraph": (
        lambda m: m.graph.node[1].CopyFrom(
            helper.make_node("If", ["t0"], ["t1"], then_branch=m.graph, else_branch=m.graph)
        ),
        r"\(If\)",
    ),
    "no path": (lambda m: m.graph.node[2].input.__setitem__(0, "nowhere"), "not"),
}


@pytest.mark.parametrize("case", MODELS)
def test_malformed_graphs_end_in_one_line(case: str, tmp_path: Path) -> None:
    change, message = MODELS[case]
    with pytest.raises(InputError, match=message) as error:
        import_network(changed(tmp_path / "net.onnx", change))
    assert "\n" not in str(error.value)


def test_random_changes_are_read_or_refused(tmp_path: Path) -> None:
    """Nodes rewired at random: what is still read was proven by the evaluator."""
    rng, path, read = random.Random(0), tmp_path / "net.onnx", 0
    for _ in range(150):
        model = onnx.load(network(path))
        names = [n for node in model.graph.node for n in (*node.input, *node.output)]
        node = rng.choice(model.graph.node)
        match rng.randrange(3):
            case 0:
                node.input[rng.randrange(len(node.input))] = rng.choice(names)
            case 1:
                node.op_type = rng.choice(model.graph.node).op_type
            case 2:
                model.graph.node.remove(node)
        path.write_bytes(model.SerializeToString())
        try:
            imported = import_network(path)
        except InputError:
            continue
        read += 1
        assert imported.provenance["reference_evaluator"]["relative"] < 1e-9
    assert read < 75


# --- weights in a second file ----------------------------------------------------------------------------


def external(folder: Path, location: str = "weights.bin") -> Path:
    """The network, its weights in a second file of the same folder."""
    folder.mkdir(exist_ok=True)
    model = onnx.load(network(folder / "net.onnx"))
    external_data_helper.convert_model_to_external_data(model, location=location, size_threshold=0)
    onnx.save(model, folder / "net.onnx")
    return folder / "net.onnx"


def rewritten(path: Path, **entries: str | None) -> None:
    """Other entries for the first tensor's external data."""
    model = onnx.load(path, load_external_data=False)
    tensor = model.graph.initializer[0]
    kept = {e.key: e.value for e in tensor.external_data} | entries
    del tensor.external_data[:]
    for key, value in kept.items():
        if value is not None:
            tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


def moved_behind_a_link(path: Path, target: Path) -> None:
    path.rename(target)
    path.symlink_to(target)


def test_weights_in_a_second_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, x = external(tmp_path / "net"), np.random.default_rng(0).standard_normal((1, 3, 8, 9))
    assert (tmp_path / "net" / "weights.bin").stat().st_size > 1000
    np.testing.assert_allclose(outputs(import_network(path), x), logits(x), rtol=1e-9)
    rewritten(path, length=None)  # it follows from the shape
    np.testing.assert_allclose(outputs(import_network(path), x), logits(x), rtol=1e-9)
    monkeypatch.chdir(tmp_path)  # the graph's folder counts, not the current one
    np.testing.assert_allclose(outputs(import_network("net/net.onnx"), x), logits(x), rtol=1e-9)


LOCATIONS = (
    "../weights.bin",
    "/etc/hostname",
    "a/../../weights.bin",
    "..\\weights.bin",
    "C:weights.bin",
    "",
    "a\0b",
)


@pytest.mark.parametrize("location", LOCATIONS)
def test_weights_outside_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    path = external(tmp_path / "net")
    (tmp_path / "weights.bin").write_bytes((tmp_path / "net" / "weights.bin").read_bytes())
    rewritten(path, location=location)
    with pytest.raises(InputError, match="outside its folder"):
        import_network(path)


SECOND_FILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (
        lambda p: (p.parent / "weights.bin").unlink(),
        "weights.bin, which is not there; keep it beside",
    ),
    "folder": (lambda p: rewritten(p, location="."), "outside its folder|not there"),
    "too short": (lambda p: os.truncate(p.parent / "weights.bin", 100), "which has 100"),
    "beyond its end": (lambda p: rewritten(p, offset="999999"), "at 999999 of weights.bin"),
    "before its start": (lambda p: rewritten(p, offset="-4"), "at -4 of weights.bin"),
    "another length": (lambda p: rewritten(p, length="8"), r"the graph says 8\)"),
    "no number": (lambda p: rewritten(p, offset="zero"), "are not understood"),
    "a link outside": (
        lambda p: moved_behind_a_link(p.parent / "weights.bin", p.parent.parent / "w"),
        "a link to outside its folder",
    ),
}


@pytest.mark.parametrize("case", SECOND_FILE)
def test_a_second_file_that_is_wrong_ends_in_one_line(case: str, tmp_path: Path) -> None:
    change, message = SECOND_FILE[case]
    path = external(tmp_path / "net")
    change(path)
    result = CliRunner().invoke(main, ["fuse", str(path), "-o", str(tmp_path / "out.safetensors")])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    with pytest.raises(InputError, match=message):
        import_network(path)
