"""From a checkpoint to a fused network with its proof: the one entry of generate, evaluate and fuse."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from repvgg_hw.checkpoint.blocks import RawBlock
from repvgg_hw.checkpoint.complete import require_complete, require_first_block, require_no_shortcut
from repvgg_hw.checkpoint.decisions import Decisions, names
from repvgg_hw.checkpoint.expect import Expectation, require
from repvgg_hw.checkpoint.files import Checkpoint, load_checkpoint
from repvgg_hw.checkpoint.findings import findings
from repvgg_hw.checkpoint.hub import fetch
from repvgg_hw.checkpoint.imported import METADATA, Imported, assemble
from repvgg_hw.checkpoint.naming import NamedNetwork, read_names
from repvgg_hw.checkpoint.onnx_graph import import_onnx
from repvgg_hw.checkpoint.shapes import BlockShape, chain_shapes, read_shapes
from repvgg_hw.checkpoint.strides import infer_strides
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import sha256
from repvgg_hw.fuse.block import AVERAGE_READINGS, Block, read_block, require_alike
from repvgg_hw.fuse.proof import LIMIT
from repvgg_hw.network import FusedNetwork

_log = logging.getLogger(__name__)
HEADS = ("linear", "none")
DEFAULT_EPS = 1e-5  # torch's; the YOLO families train with 1e-3
_USUAL_EPS = (1e-3, 1e-5, 1e-4, 1e-6, 0.0)


def import_network(
    path: str | os.PathLike[str],
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    assume: Mapping[str, str] | None = None,
    head: str | None = None,
    check: bool = True,
    expect: Expectation | None = None,
) -> Imported:
    """Read a checkpoint file (.pth, .safetensors), infer its architecture, fuse it and prove the fusion.

    eps      of every batch normalization; not stored in files, 1e-5 unless given
    strides  one per stage or one per layer, where the rule (strides.STRIDE_RULE) does not fit
    groups   one per layer, where a plain chain's shapes would have to be guessed from
    assume   what else the file does not say (decisions.CHOICES), such as {"order": "file"}
    head     "none": the last block's map is the output, and linear layers are left out, if there are any;
             "linear" (default, unless a file that `fuse` wrote has no head): one linear layer is needed
    check    require the proof, refuse foreign keys in blocks, warn; without it all three are only recorded
    expect   images and what another framework gave for them: the network read must give the same;
             what was compared is in provenance["expect"]
    A path of the form hf://owner/name[@revision][/file] is fetched from the Hugging Face hub; a .onnx file
    is read by its graph, which carries strides, groups and eps.
    Raises InputError for what cannot be read or leaves room for two networks, CheckFailed if trained and
    fused differ by more than 1e-6 or if expect does not hold.
    """
    source, path = os.fspath(path), fetch(path)
    if path.suffix == ".onnx":
        if eps is not None or strides is not None or groups is not None or assume:
            raise InputError(
                f"{path}: an ONNX graph carries eps and strides itself, and all else; leave them out"
            )
        imported = import_onnx(path, prove=check, head=_head(head))
        imported = checked(imported) if check else imported
    else:
        with context(str(path)):
            decisions = Decisions(assume)
        checkpoint = load_checkpoint(path, decisions)
        imported = import_state(
            checkpoint,
            eps=eps,
            strides=strides,
            groups=groups,
            decisions=decisions,
            head=head,
            check=check,
        )
        if expect is not None:
            options = {"strides": strides, "groups": groups, "assume": assume, "head": head}
            expect = replace(expect, others=partial(_with_other_eps, path, imported.eps, options))
    if expect is not None:
        imported = imported.recording(expect=require(imported, expect).to_json())
    name = source if source.startswith("hf:/") else path.name  # no folder of this machine
    return imported.recording(source=name, sha256=sha256(path))


def _with_other_eps(path: Path, eps: float, options: dict[str, Any]) -> Iterator[tuple[str, Imported]]:
    """The same file with other eps, and the words for it, for where an expectation does not hold."""
    for other in _USUAL_EPS:
        if other != eps:
            yield f"it does with --eps {other:g}", import_network(path, eps=other, check=False, **options)


def import_state(
    checkpoint: Checkpoint,
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    assume: Mapping[str, str] | None = None,
    decisions: Decisions | None = None,
    head: str | None = None,
    check: bool = True,
) -> Imported:
    """import_network for a checkpoint that is already in memory.

    decisions  in place of assume, where decisions were made before
    """
    with context(checkpoint.source):
        decisions = decisions or Decisions(assume)
        eps_given, eps = eps is not None, DEFAULT_EPS if eps is None else eps
        if not 0 <= eps < 1:
            raise InputError(f"eps is a small number such as 1e-5, not {eps}")
        stored = _stored(checkpoint.metadata)
        kind = _head(head, stored.head)
        named = read_names(checkpoint.state, decisions, ordered=checkpoint.ordered, head=kind)
        _check_numbers(checkpoint.state, ignore=named.unused)
        if groups is None and stored.groups is not None:
            shapes = _shapes(named, stored.groups, Decisions())  # the file's own word is no decision
        else:
            shapes = _shapes(named, groups, decisions)
        if stored.strides is None:
            require_first_block(named, shapes[0].c_in, decisions)
            require_no_shortcut(named, shapes, decisions)
        known = stored.strides if strides is None else strides
        inferred = infer_strides(named, shapes, known, decisions)
        blocks = _fuse(named, shapes, inferred, eps, decisions)
        if check:
            _refuse_foreign_keys(named, blocks)
        try:
            require_alike([(raw.prefix, block) for raw, block in zip(named.blocks, blocks, strict=True)])
        except InputError as error:
            either = "either it was trained so, or keys are missing"
            said = str(error).replace("keys are missing", either)
            decisions.need("missing", said, first="nothing", subject="fewer keys than in other blocks")
        require_complete(named, shapes, blocks, inferred, decisions)
        if not eps_given and any(block.norms for block in blocks):
            decisions.record("eps", f"{eps:g}", "torch's default; the YOLO families train with --eps 1e-3")
        decisions.record("activation", "ReLU behind each block", "a state dict shows none")
        decisions.record("convolutions", "zero padding of half the kernel, no dilation", "no key shows it")
        if named.linear is not None:
            decisions.record(
                "head", "global average pooling, then the linear layer", "pooling leaves no keys"
            )
        else:
            left_out = f"; left out: {names(named.left_out)}" if named.left_out else ""
            rule = "the file says so" if head is None else "--head none"
            last = named.blocks[-1].prefix
            decisions.record("head", f"none, the map of {last} is the output{left_out}", rule)
        decisions.require_all_needed()
        imported = assemble(checkpoint.source, named, shapes, inferred, blocks, eps, tuple(decisions.made))
        return checked(imported) if check else imported


def checked(imported: Imported) -> Imported:
    """imported, its proof required and what looks wrong with it logged as warnings."""
    imported.proof.require(LIMIT)
    for finding in findings(imported.convs, imported.blocks):
        _log.warning("warning: %s: %s", imported.source, finding.line())
    return imported


def load_fused(
    path: str | os.PathLike[str],
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    assume: Mapping[str, str] | None = None,
    head: str | None = None,
    expect: Expectation | None = None,
) -> FusedNetwork:
    """import_network(...).fused: the network that quantization reads."""
    return import_network(
        path, eps=eps, strides=strides, groups=groups, assume=assume, head=head, expect=expect
    ).fused


def _head(given: str | None, stored: str | None = None) -> str:
    """What is behind the last block: as given, else as a file that `fuse` wrote says, else a linear layer."""
    head = given or stored or "linear"
    if head not in HEADS:
        raise InputError(f"head is {' or '.join(HEADS)}, not {head!r}")
    return head


@dataclass(frozen=True)
class _Stored:
    """What a file that `fuse` wrote says of itself; nothing where another program wrote it."""

    strides: list[int] | None = None
    groups: list[int] | None = None
    head: str | None = None


def _stored(metadata: Mapping[str, str]) -> _Stored:
    try:
        content = json.loads(metadata[METADATA]) if METADATA in metadata else {}
        lists = {key: [int(n) for n in content[key]] for key in ("strides", "groups") if key in content}
        return _Stored(**lists, head=content.get("head"))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError("the file's own stride metadata is damaged; give the strides") from error


def _shapes(named: NamedNetwork, groups: Sequence[int] | None, decisions: Decisions) -> list[BlockShape]:
    blocks = [RawBlock(block.prefix, block.state) for block in named.blocks]
    return chain_shapes(
        read_shapes(blocks),
        blocks,
        None if named.linear is None else (named.linear.key, named.linear.weight.shape[1]),
        staged=named.staged,
        groups=groups,
        decisions=decisions,
    )


def _fuse(
    named: NamedNetwork,
    shapes: Sequence[BlockShape],
    strides: Sequence[int],
    eps: float,
    decisions: Decisions,
) -> list[Block]:
    """Every block, read and fused; where an average branch is possible, once more when it is decided."""

    def read(average: bool | None) -> list[Block]:
        blocks = []
        for raw, shape, stride in zip(named.blocks, shapes, strides, strict=True):
            with context(raw.prefix):
                blocks.append(
                    read_block(raw.state, groups=shape.groups, stride=stride, eps=eps, average=average)
                )
        return blocks

    blocks = read(None)
    unknown = [raw.prefix for raw, b in zip(named.blocks, blocks, strict=True) if b.average_unknown]
    if not unknown:
        return blocks
    answer = decisions.need("average-branch", f"{unknown[0]}: {AVERAGE_READINGS}", first="no")
    return read(answer == "yes")


def _refuse_foreign_keys(named: NamedNetwork, blocks: Sequence[Block]) -> None:
    for raw, block in zip(named.blocks, blocks, strict=True):
        with context(raw.prefix):
            block.refuse_foreign_keys()


def _check_numbers(state: Mapping[str, np.ndarray], ignore: Sequence[str]) -> None:
    for key, value in state.items():
        if key in ignore or key.endswith("num_batches_tracked"):
            continue
        if value.dtype.kind != "f":
            raise InputError(f"{key} is {value.dtype}, not floating point; give the float checkpoint")
        if not np.isfinite(value).all():
            where = np.unravel_index(int(np.argmin(np.isfinite(value))), value.shape)
            raise InputError(f"{key} is not finite ({value[where]} at {tuple(int(i) for i in where)})")
