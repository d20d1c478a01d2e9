"""State dicts that leave room for two networks: one line with both readings and the option that decides."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trained_blocks as blocks
from click.testing import CliRunner
from named_chains import State, named_chain, read, renamed, without
from plain_networks import Plain
from torch import nn

from repvgg_hw.cli import main
from repvgg_hw.errors import InputError

STAGES = ["stage0", "stage1.0", "stage1.1", "stage1.2", "stage2.0"]
WIDTHS, STRIDES = [3, 8, 8, 8, 8, 12], [2, 2, 1, 1, 2]


def chain(
    family: type[nn.Module] = blocks.RepVGG,
    names: list[str] = STAGES,
    widths: list[int] = WIDTHS,
    strides: list[int] = STRIDES,
    groups: int = 1,
) -> State:
    return named_chain(family, names, widths, strides, [1, *[groups] * (len(names) - 1)])


def plain(change: Callable[[nn.Sequential], list[nn.Module]] = list) -> State:
    """conv, BN, ReLU three times, pooling, Flatten, linear: of torch's own layers, numbered 0 to 11."""
    torch.manual_seed(0)
    return dict(nn.Sequential(*change(Plain())).state_dict())


def inserted(at: int, layer: nn.Module) -> Callable[[nn.Sequential], list[nn.Module]]:
    return lambda net: [*list(net)[:at], layer, *list(net)[at:]]


FLAT = [f"body.{i}" for i in range(5)]

# what is refused -> (state, what the line names, the options that decide; None: nothing does)
TWO_READINGS: dict[str, tuple[State, str, dict[str, Any] | None]] = {
    "order without numbers": (
        dict(sorted(chain(names=["inlet", "up", "down", "left", "outlet"]).items())),
        "the order of the blocks is not clear.*inlet.*Plausible are .* and .*--assume order=",
        {"assume": {"order": "inlet,up,down,left,outlet"}},
    ),
    "order against the numbers": (
        chain(names=["part3", "part0", "part1", "part2", "part4"], widths=[8] * 6, strides=[1] * 5),
        "by their numbers they are part0, part1.*but the file.*has part3, part0.*--assume order=",
        {"assume": {"order": "file", "input-channels": "8"}},
    ),
    "doubled width in a plain chain": (
        chain(blocks.RepOpt, FLAT, groups=2),
        r"body\.1 reads 4 channels where the layer before it gives 8: either it has 2 groups, or .*--groups",
        {"groups": (1, 2, 2, 2, 2), "strides": STRIDES},
    ),
    "one channel behind many": (
        chain(blocks.RepOpt, FLAT, [1, 8, 8, 8, 8, 12]) | {"body.2.conv.weight": torch.randn(8, 1, 3, 3)},
        r"body\.2 reads 1 channels where .* gives 8: either it has 8 groups, or another.*--groups",
        {"groups": (1, 1, 8, 1, 1), "strides": STRIDES},
    ),
    "average branch": (
        chain(blocks.QARepVGG),
        r"stage1\.1: .*either the input is added.*or the input and its 3x3 average.*average-branch=yes\|no",
        {"assume": {"average-branch": "no"}},
    ),
    "pair of convolutions of one width": (
        without(chain(blocks.RepConv, strides=STRIDES), "stage0.", "stage2.", "fc.")
        | {"stage0.conv.weight": torch.randn(8, 3, 3, 3), "stage0.conv.bias": torch.randn(8)}
        | {"fc.weight": torch.randn(4, 8), "fc.bias": torch.randn(4)},
        r"conv1 \(3x3\) and conv2 \(1x1\).*either they are added.*or one follows.*pair=added\|chained",
        {"assume": {"pair": "added"}},
    ),
    "pair of other names": (
        renamed(chain(blocks.RepConv), (r"\.conv1\.", ".wide."), (r"\.conv2\.", ".narrow.")),
        r"wide \(3x3\) and narrow \(1x1\).*either they are added.*or one follows.*pair=added\|chained",
        {"assume": {"pair": "added"}},
    ),
    "body of a residual block": (
        chain(names=["inlet", "part1.conv1", "part1.conv2", "part2.conv1", "part2.conv2"]),
        r"part1 holds conv1, conv2 and keeps the width: .* chain, or its input is added.*shortcut=none",
        {"assume": {"shortcut": "none"}, "strides": STRIDES},
    ),
    "linear layer without bias": (
        without(chain(), "fc.bias"),
        r"fc\.bias is not there: .* has no bias, or the key is missing.*linear-bias=none",
        {"assume": {"linear-bias": "none"}},
    ),
    "first block that reads no image": (
        without(renamed(chain(), ("^stage0", "inlet"), ("^stage", "part")), "inlet."),
        r"part1\.0 reads 8 channels: either images have so many, or .* is missing.*input-channels=N",
        {"assume": {"input-channels": "8"}, "strides": STRIDES[1:]},
    ),
    "stage without a stem": (
        without(chain(), "stage0."),
        r"stage1\.0 reads 8 channels: either images have so many, or stage0 or stem is missing",
        {"assume": {"input-channels": "8"}},
    ),
    "middle block of a stage": (
        without(chain(), "stage1.1."),
        r"stage1: 1 numbers without keys between 0 and 2: either .*, or blocks are missing.*between=relu",
        {"assume": {"between": "relu"}},
    ),
    "middle stage": (
        without(chain(widths=[3, 8, 8, 8, 8, 8]) | {"stage3.0.x": torch.ones(1)}, "stage1.", "stage3."),
        r"stage1 is not there: either it is a layer without parameters, or a block is missing",
        {"assume": {"between": "relu"}},
    ),
    "middle block of a chain": (
        without(chain(names=FLAT), "body.2."),
        r"body: 1 numbers without keys between 1 and 3: .*blocks are missing.*between=relu",
        {"assume": {"between": "relu"}, "strides": [2, 2, 1, 2]},
    ),
    "first block of a chain": (
        without(chain(names=FLAT, widths=[3, 3, 8, 8, 8, 8]), "body.0."),
        r"body: the first number is 1, not 0: either .* or a block is missing",
        {"assume": {"between": "relu"}},
    ),
    "identity inside a stage": (
        without(chain(), "stage1.1.rbr_identity."),
        r"stage1\.1: equal widths and no identity branch inside a stage: either .* 2, or.*--strides",
        {"strides": [2, 2, 2, 1, 2]},
    ),
    "no identity in a plain chain": (
        without(chain(names=FLAT), "body.2.rbr_identity.", "body.3.rbr_identity."),
        r"body\.1: equal widths and no identity branch: either its stride is 2, or it is 1.*--strides",
        {"strides": STRIDES},
    ),
    "width kept where a part begins": (
        chain(blocks.InsertedBN, ["inlet", "part1.0", "part1.1", "part1.2", "part2.0"]),
        r"part1\.0: it begins part1 and keeps the width: its stride may be 1 or 2.*--strides",
        {"strides": STRIDES},
    ),
    "bias of one convolution": (
        without(chain(blocks.Plain, [f"{name}.conv" for name in STAGES]), "stage1.1.conv.bias"),
        r"stage1\.1.* (no|neither) bias",
        None,
    ),
    "BN weight": (
        without(chain(), "stage1.1.rbr_dense.bn.weight"),
        r"stage1\.1: .*bn\.weight is missing",
        None,
    ),
    "BN weight and bias": (
        without(chain(), "stage1.1.rbr_dense.bn.weight", "stage1.1.rbr_dense.bn.bias"),
        r"stage1\.1: .*rbr_dense\.bn has no weight and bias",
        None,
    ),
    "one of several branches": (
        without(chain(blocks.MobileOne), "stage1.1.rbr_conv.2."),
        r"stage1\.1 has no rbr_conv\.2.*which .* has: .* trained so, or keys are missing.*missing=nothing",
        {"assume": {"missing": "nothing"}},
    ),
    "branch of a RepConv": (
        without(chain(blocks.RepConv), "stage1.1.conv2."),
        r"stage1\.1\.conv1 stands alone, but in .* its like is a part of a block.*missing=nothing",
        {"assume": {"missing": "nothing"}},
    ),
    "stages in two places": (
        renamed(chain(), ("^stage0", "left.stage0"), ("^stage", "right.stage")),
        "stages stand in several places.*left.*right",
        None,
    ),
    "branches by name": (
        chain(blocks.RepOpt, ["inlet", "body.0.branches.0", "body.0.branches.1", "outlet"], [3, 8, 8, 8, 8]),
        r"body\.0\.branches holds 0, 1: by its name they are branches side by side",
        None,
    ),
    "ReLU before BN": (
        plain(lambda net: [net[i] for i in (0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 10, 11)]),
        "batch normalization 2 is not directly behind a convolution",
        None,
    ),
    "BN before the linear layer": (
        plain(inserted(11, nn.BatchNorm1d(8))),
        "batch normalization 11 is not directly behind a convolution .in front of the linear layer 12",
        None,
    ),
    "BN defined before its convolution": (
        {"bn.weight": torch.ones(8), "bn.bias": torch.ones(8), "bn.running_mean": torch.ones(8)}
        | {"bn.running_var": torch.ones(8), "conv.weight": torch.randn(8, 3, 3, 3)}
        | {"fc.weight": torch.randn(4, 8), "fc.bias": torch.randn(4)},
        "batch normalization bn is not directly behind a convolution",
        None,
    ),
    "pooling in a gap": (
        plain(inserted(6, nn.MaxPool2d(2))),
        "2 numbers without keys between 4 and 7: either .* a ReLU and no more, or another.*between=relu",
        {"assume": {"between": "relu"}, "strides": [2, 2, 2]},
    ),
    "no room for a ReLU": (
        plain(lambda net: [layer for i, layer in enumerate(net) if i != 5]),
        "no number is free for a ReLU between 4 and 5: either it is applied elsewhere, or there is none",
        {"assume": {"between": "relu"}, "strides": [2, 2, 2]},
    ),
    "pooling before the head": (
        plain(inserted(9, nn.MaxPool2d(2))),
        "4 numbers without keys between the last block 6 and the linear layer 12: either.*or another layer",
        {"assume": {"between": "relu"}, "strides": [2, 2, 2]},
    ),
    "layers of another kind": (
        chain() | {"head.norm.weight": torch.ones(12), "head.norm.bias": torch.ones(12)},
        r"keys that belong to no block: head\.norm\.weight, head\.norm\.bias",
        None,
    ),
}


@pytest.mark.parametrize("case", TWO_READINGS)
def test_two_readings_are_refused_in_one_line(case: str) -> None:
    state, message, decided = TWO_READINGS[case]
    ordered = list(state) != sorted(state)
    with pytest.raises(InputError, match=message) as refused:
        read(state, ordered=ordered)
    assert "\n" not in str(refused.value)
    if decided is None:
        return
    got = read(state, ordered=ordered, **decided)
    for name, value in decided.get("assume", {}).items():
        assert any(f"--assume {name}={value}" in made.rule for made in got.assumptions)


def test_an_option_decides_which_network_it_is() -> None:
    """The two readings are two networks: the option is no formality."""

    def first_kernels(state: State, **options: Any) -> list[np.ndarray]:
        return [conv.weight for conv in read(state, **options).convs]

    average, order = TWO_READINGS["average branch"][0], TWO_READINGS["order without numbers"][0]
    yes, no = (first_kernels(average, assume={"average-branch": answer}) for answer in ("yes", "no"))
    assert np.abs(yes[2] - no[2]).max() > 0.01
    one, other = "inlet,up,down,left,outlet", "inlet,up,left,down,outlet"
    a, b = (first_kernels(order, ordered=False, assume={"order": text}) for text in (one, other))
    assert np.abs(a[2] - b[2]).max() > 0.01


@pytest.mark.parametrize(
    ("assume", "message"),
    [
        ({"order": "file"}, "--assume order=file decides nothing here: leave it out"),
        ({"ordre": "file"}, "--assume ordre: unknown; there are order=.*weights=KEY"),
        ({"average-branch": "maybe"}, r"average-branch=maybe: the value is yes\|no"),
        ({"order": "stage0,stage9"}, "there is no block or module stage9"),
        ({"order": "stage0"}, r"stage1\.0 is missing; every block is needed once"),
    ],
)
def test_assumptions_that_decide_nothing_are_refused(assume: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(chain(), assume=assume)


def test_options_of_the_command_line(tmp_path: Path) -> None:
    torch.save(without(chain(), "fc.bias"), tmp_path / "net.pth")
    command = ["fuse", str(tmp_path / "net.pth"), "-o", str(tmp_path / "out.safetensors")]

    def run(*more: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, [*command, *more])
        return result.exit_code, result.output

    code, output = run()
    assert (code, output.count("\n")) == (2, 1)
    assert "--assume linear-bias=none" in output
    assert not (tmp_path / "out.safetensors").exists()
    for wrong in (
        ("--assume", "linear-bias"),
        ("--assume", "linear-bias=none", "--assume", "linear-bias=none"),
    ):
        assert run(*wrong)[0] == 2
    assert run("--groups", "1,x")[0] == 2
    code, output = run("--assume", "linear-bias=none")
    assert code == 0, output
    assert "assumed: bias of the linear layer: none (--assume linear-bias=none)" in output


def test_steps_and_constants_may_be_missing() -> None:
    """Counters of BN and OREPA's constants say nothing of a network."""
    for state in (chain(), chain(blocks.OREPA)):
        expected = read(state)
        kept = {k: v for k, v in state.items() if not re.search(r"num_batches|id_tensor|avg_avg|prior", k)}
        assert len(kept) < len(state)
        for ours, theirs in zip(read(kept).convs, expected.convs, strict=True):
            np.testing.assert_allclose(
                ours.weight, theirs.weight, atol=1e-7
            )  # constants are stored in float32
