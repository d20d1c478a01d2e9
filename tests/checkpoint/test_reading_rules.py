"""What a state dict does not say and a rule decides: the rules of docs/import.md, and that they are said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import trained_blocks as blocks
from click.testing import CliRunner
from named_chains import Fused, named_chain, read, said
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from repvgg_hw.checkpoint import Imported, import_network
from repvgg_hw.cli import main
from repvgg_hw.errors import InputError


def strides(got: Imported) -> list[int]:
    return [conv.stride for conv in got.convs]


STAGES = ["stage0", "stage1.0", "stage1.1", "stage2.0"]


@pytest.mark.parametrize("prefix", ["", "backbone.", "encoder.", "timm_model.", "module.net.a.b."])
def test_stages_are_found_behind_any_prefix(prefix: str) -> None:
    state = named_chain(Fused, [prefix + name for name in STAGES], [3, 8, 8, 8, 12])
    got = read(state)
    assert strides(got) == [2, 2, 1, 2]  # stage1.0 is as wide as stage0
    twos = ", ".join(prefix + name for name in STAGES if name != "stage1.1")
    assert f"strides: 2 in {twos}, else 1 (" in said(got, "strides")
    assert "the first block of each stage has 2" in said(got, "strides")
    assert "--strides overrides" in said(got, "strides")


def test_strides_of_a_plain_chain_follow_the_width() -> None:
    got = read(named_chain(Fused, [f"body.{i}" for i in range(4)], [3, 8, 8, 12, 12]))
    assert strides(got) == [2, 1, 2, 1]
    assert "each that changes the width" in said(got, "strides")


def test_identity_branches_show_strides() -> None:
    names, widths = [f"body.{i}" for i in range(4)], [3, 8, 8, 8, 8]
    got = read(named_chain(blocks.RepVGG, names, widths, [2, 1, 2, 1]))
    assert strides(got) == [2, 1, 2, 1]
    assert "identity" in said(got, "strides")
    staged = read(named_chain(blocks.RepVGG, STAGES, [3, 8, 8, 8, 12], [2, 1, 1, 2]))
    assert strides(staged) == [2, 1, 1, 2]  # stage1.0 shows an identity, and so stride 1


def test_eps_activation_padding_and_head_are_said() -> None:
    got = read(named_chain(blocks.RepVGG, STAGES, [3, 8, 8, 8, 12], [2, 2, 1, 2]))
    assert said(got, "eps").startswith("eps: 1e-05 (torch's default")
    assert "ReLU" in said(got, "activation")
    assert "no dilation" in said(got, "convolutions")
    assert "global average pooling" in said(got, "head")
    given = read(named_chain(blocks.RepVGG, STAGES, [3, 8, 8, 8, 12], [2, 2, 1, 2]), eps=1e-3)
    assert "eps" not in {a.subject for a in given.assumptions}
    fused = read(named_chain(Fused, STAGES, [3, 8, 8, 8, 12]))
    assert "eps" not in {a.subject for a in fused.assumptions}  # there is no BN


def test_the_file_gives_the_order_where_names_are_no_sequence() -> None:
    names = ["inlet", "level1.zero", "level1.more.0", "level1.more.1", "outlet"]
    state = named_chain(blocks.RepVGG, names, [3, 8, 8, 8, 8, 8], [2, 2, 1, 1, 1])
    got = read(state, strides=[2, 2, 1, 1, 1])
    assert list(got.prefixes) == names
    assert "as torch wrote them" in said(got, "order")
    assert "inlet" in said(got, "order")


def test_numbers_of_one_sequence_are_the_order_whatever_the_file_has() -> None:
    names = [f"body.{i}" for i in range(11)]
    state = named_chain(blocks.RepVGG, names, [3, *[8] * 11], [2, *[1] * 10])
    shuffled = {key: state[key] for key in sorted(state, key=lambda key: hash_of(key))}
    for given in (state, shuffled, dict(sorted(state.items()))):
        got = read(given)
        assert list(got.prefixes) == names  # 10 behind 9
        assert "order" not in {a.subject for a in got.assumptions}


def hash_of(text: str) -> int:
    """An order that has nothing to do with the text, the same in every run."""
    return int.from_bytes(text.encode(), "big") % 1009


def test_a_stem_stands_before_stages() -> None:
    names = ["stem", "part1.0", "part1.1", "part2.0"]
    state = named_chain(blocks.RepVGG, names, [3, 8, 8, 8, 12], [2, 2, 1, 2])
    got = read(dict(sorted(state.items())), ordered=False)
    assert list(got.prefixes) == names
    assert strides(got) == [2, 2, 1, 2]  # part1.0 begins a part, and shows no identity


def test_widths_give_the_order_where_only_one_fits() -> None:
    names = ["zebra", "yak", "ant", "bee"]
    state = dict(sorted(named_chain(blocks.RepVGG, names, [3, 4, 8, 6, 12]).items()))
    got = read(state, ordered=False)
    assert list(got.prefixes) == names
    assert "the only one whose widths fit" in said(got, "order")


def test_groups_follow_from_widths_in_stages_and_are_said() -> None:
    state = named_chain(blocks.RepOpt, STAGES, [3, 8, 8, 8, 12], groups=[1, 2, 1, 4])
    got = read(state)
    assert [conv.groups for conv in got.convs] == [1, 2, 1, 4]
    assert "stage1.0 2, stage2.0 4" in said(got, "groups")


@pytest.mark.parametrize("family", [blocks.RepVGG, blocks.DOConv, blocks.OREPA, blocks.DBB])
def test_groups_that_a_block_shows_itself_are_no_guess(family: type[nn.Module]) -> None:
    """An identity's BN, DO-Conv's D and the inner 1x1 of OREPA and DBB have a number per input channel."""
    state = named_chain(family, ["body.0", "body.1", "body.2"], [3, 8, 8, 8], [2, 1, 1], [1, 2, 4])
    got = read(state)
    assert [conv.groups for conv in got.convs] == [1, 2, 4]
    assert "groups" not in {a.subject for a in got.assumptions}


def test_groups_can_be_given() -> None:
    names = [f"body.{i}" for i in range(3)]
    state = named_chain(blocks.RepOpt, names, [3, 8, 8, 12], groups=[1, 2, 4])
    got = read(state, groups=(1, 2, 4))
    assert [conv.groups for conv in got.convs] == [1, 2, 4]
    assert "--groups" in said(got, "groups")
    for wrong, message in (
        ((1, 2), "2 groups given; needed is one per layer"),
        ((1, 1, 4), "the layer before gives 8 channels, this one reads 4"),
        ((1, 3, 4), "8 outputs cannot be divided"),
    ):
        with pytest.raises(InputError, match=message):
            read(state, groups=wrong)


def test_conv1_beside_conv2_is_one_block_and_that_is_said() -> None:
    state = named_chain(blocks.RepConv, ["model.0", "model.1", "model.2"], [1, 8, 16, 16], [2, 2, 1])
    got = read(state)
    assert [block.family for block in got.blocks] == ["RepConv"] * 3
    assert strides(got) == [2, 2, 1]  # no identity anywhere: its absence shows no stride
    assert "they are added" in said(got, "branches")


def test_decisions_are_printed_and_kept(tmp_path: Path) -> None:
    state = named_chain(blocks.RepOpt, STAGES, [3, 8, 8, 8, 12], groups=[1, 2, 1, 1])
    torch.save(state, tmp_path / "net.pth")
    out = tmp_path / "fused.safetensors"
    fused = CliRunner().invoke(main, ["fuse", str(tmp_path / "net.pth"), "-o", str(out)])
    assert fused.exit_code == 0, fused.output
    inspected = CliRunner().invoke(main, ["inspect", str(tmp_path / "net.pth"), "--json"])
    shown = json.loads(inspected.stdout)["assumptions"]
    assert {"strides", "groups", "eps", "activation", "head"} <= {made["subject"] for made in shown}
    for made in shown:
        assert re.search(rf"assumed: {made['subject']}: ", fused.output)
    with safe_open(out, "pt") as file:
        kept = json.loads(file.metadata()["repvgg_hw"])
    assert kept["assumptions"] == shown
    assert kept["groups"] == [1, 2, 1, 1]
    assert import_network(tmp_path / "net.pth").provenance["assumptions"] == shown
    again = import_network(out)
    assert [conv.groups for conv in again.convs] == [1, 2, 1, 1]
    assert not {"strides", "groups"} & {a.subject for a in again.assumptions}  # its own metadata say them


def test_a_file_without_order_is_read_like_one_with(tmp_path: Path) -> None:
    state = named_chain(blocks.RepVGG, STAGES, [3, 8, 8, 8, 12], [2, 2, 1, 2])
    save_file(state, tmp_path / "net.safetensors")
    got, expected = import_network(tmp_path / "net.safetensors"), read(state)
    for ours, theirs in zip(got.convs, expected.convs, strict=True):
        np.testing.assert_array_equal(ours.weight, theirs.weight)
