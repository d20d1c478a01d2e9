"""From a checkpoint to a fused network with its proof: the one entry of generate, evaluate and fuse."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from repvgg_hw.checkpoint.expect import Expectation, require
from repvgg_hw.checkpoint.files import Checkpoint, load_checkpoint
from repvgg_hw.checkpoint.findings import findings
from repvgg_hw.checkpoint.hub import fetch
from repvgg_hw.checkpoint.imported import METADATA, Imported, assemble
from repvgg_hw.checkpoint.infer import BlockShape, apply_strides, infer_strides
from repvgg_hw.checkpoint.naming import NamedNetwork, read_names
from repvgg_hw.checkpoint.onnx_graph import import_onnx
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.block import Block, block_shape, read_block
from repvgg_hw.fuse.proof import LIMIT
from repvgg_hw.network import FusedNetwork

_log = logging.getLogger(__name__)
DEFAULT_EPS = 1e-5  # torch's; the YOLO families train with 1e-3


def import_network(
    path: str | os.PathLike[str],
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    check: bool = True,
    expect: Expectation | None = None,
) -> Imported:
    """Read a checkpoint file (.pth, .safetensors), infer its architecture, fuse it and prove the fusion.

    eps      of every batch normalization; not stored in files, 1e-5 unless given
    strides  one per stage or one per layer, where the rule (infer.STRIDE_RULE) does not fit
    check    require the proof, refuse foreign keys in blocks, warn; without it all three are only recorded
    expect   images and what another framework gave for them: the network read must give the same;
             what was compared is in provenance["expect"]
    A path of the form hf://owner/name[@revision][/file] is fetched from the Hugging Face hub; a .onnx file
    is read by its graph, which carries strides and eps.
    Raises InputError for what cannot be read, CheckFailed if trained and fused differ by more than 1e-6 or if
    expect does not hold.
    """
    path = fetch(path)
    if path.suffix == ".onnx":
        if eps is not None or strides is not None:
            raise InputError(f"{path}: an ONNX graph carries eps and strides itself; leave them out")
        imported = checked(import_onnx(path)) if check else import_onnx(path, prove=False)
    else:
        imported = import_state(load_checkpoint(path), eps=eps, strides=strides, check=check)
    return imported if expect is None else imported.recording(expect=require(imported, expect).to_json())


def import_state(
    checkpoint: Checkpoint,
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    check: bool = True,
) -> Imported:
    """import_network for a checkpoint that is already in memory."""
    with _context(checkpoint.source):
        eps = DEFAULT_EPS if eps is None else eps
        if not 0 <= eps < 1:
            raise InputError(f"eps is a small number such as 1e-5, not {eps}")
        named = read_names(checkpoint.state)
        _check_numbers(checkpoint.state, ignore=named.unused)
        shapes = _shapes(named)
        found = infer_strides(shapes, named.blocks)
        given = strides if strides is not None else _stored_strides(checkpoint.metadata)
        if given is not None:
            found = apply_strides(given, found, shapes, named.blocks)
        imported = _fuse(checkpoint.source, named, shapes, found, eps, strict=check)
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
    expect: Expectation | None = None,
) -> FusedNetwork:
    """import_network(...).fused: the network that quantization reads."""
    return import_network(path, eps=eps, strides=strides, expect=expect).fused


def _stored_strides(metadata: Mapping[str, str]) -> list[int] | None:
    try:
        stored = json.loads(metadata[METADATA])["strides"] if METADATA in metadata else None
        return None if stored is None else [int(stride) for stride in stored]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError("the file's own stride metadata is damaged; give the strides") from error


def _shapes(named: NamedNetwork) -> list[BlockShape]:
    """Channels and groups of every block, the chain checked."""
    shapes: list[BlockShape] = []
    for block in named.blocks:
        with _context(block.prefix):
            shape = block_shape(block.state)
            c_in = shapes[-1].c_out if shapes else shape.c_in_per_group
            if c_in % shape.c_in_per_group or shape.c_out % (c_in // shape.c_in_per_group):
                raise InputError(
                    f"the layer before gives {c_in} channels, this one reads {shape.c_in_per_group} "
                    f"per group and gives {shape.c_out}"
                )
            groups = c_in // shape.c_in_per_group
            shapes.append(BlockShape(c_in, shape.c_out, groups, shape.identity))
    features = named.linear_weight.shape[1]
    if features != shapes[-1].c_out:
        raise InputError(
            f"{named.linear_key}.weight reads {features} features, the last block gives {shapes[-1].c_out}"
        )
    return shapes


def _fuse(
    source: str,
    named: NamedNetwork,
    shapes: Sequence[BlockShape],
    strides: Sequence[int],
    eps: float,
    *,
    strict: bool,
) -> Imported:
    blocks: list[Block] = []
    for named_block, shape, stride in zip(named.blocks, shapes, strides, strict=True):
        with _context(named_block.prefix):
            block = read_block(named_block.state, groups=shape.groups, stride=stride, eps=eps)
            if strict:
                block.refuse_foreign_keys()
            blocks.append(block)
    return assemble(source, named, shapes, strides, blocks, eps)


def _check_numbers(state: Mapping[str, np.ndarray], ignore: Sequence[str]) -> None:
    for key, value in state.items():
        if key in ignore or key.endswith("num_batches_tracked"):
            continue
        if value.dtype.kind != "f":
            raise InputError(f"{key} is {value.dtype}, not floating point; give the float checkpoint")
        if not np.isfinite(value).all():
            where = np.unravel_index(int(np.argmin(np.isfinite(value))), value.shape)
            raise InputError(f"{key} is not finite ({value[where]} at {tuple(int(i) for i in where)})")


@contextmanager
def _context(where: str) -> Iterator[None]:
    """Put the file's or the block's name in front of an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") if where else error from error
