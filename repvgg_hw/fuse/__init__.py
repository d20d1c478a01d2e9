"""Fuse trained blocks into one 3x3 convolution each, in float64, and prove it.

`fuse_block` is the entry point for one block; whole checkpoints go through `repvgg_hw.checkpoint`.
Pure: no array or module that comes in is changed. No torch but in `forward` and `proof`.
"""

from repvgg_hw.fuse.block import Block, fuse_block, read_block

__all__ = ["Block", "fuse_block", "read_block"]
