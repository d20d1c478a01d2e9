"""The keys of a block: one spelling for all code bases, and which keys are a block's own."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

import numpy as np

from repvgg_hw.errors import InputError

# other code bases' spelling of a block's own keys -> the official one; applied in this order
_ALIASES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (
            r"^(reparam_conv|branch_reparam|dbb_reparam|orepa_reparam|or1x1_reparam|fused_conv|reparam)\.",
            "rbr_reparam.",
        ),
        (r"^(conv_kxk|branch_conv_list)\.(\d+)\.", r"rbr_conv.\2."),  # MobileOne in timm, in mmpretrain
        (r"^(conv_scale|branch_scale)\.", "rbr_scale."),
        (r"^(conv_kxk|branch_3x3)\.", "rbr_dense."),  # timm, mmpretrain
        (r"^branch_1x1\.", "rbr_1x1."),
        (r"^conv_1x1\.(?=(conv|bn|norm)\.)", "rbr_1x1."),  # timm; RepOpt-VGG's conv_1x1 is a bare convolution
        (r"^(identity|branch_norm)\.", "rbr_identity."),
        (r"^(rbr_dense|rbr_1x1)\.0\.", r"\1.conv."),  # YOLO's unnamed Sequential
        (r"^(rbr_dense|rbr_1x1)\.1\.", r"\1.bn."),
        (r"(^|\.)norm\.", r"\1bn."),
        (r"^attn\.fc1\.", "se.down."),
        (r"^attn\.fc2\.", "se.up."),
        (r"^se_layer\.conv1\.conv\.", "se.down."),
        (r"^se_layer\.conv2\.conv\.", "se.up."),
    )
)
_COUNTER = re.compile(r"(^|\.)num_batches_tracked$")
_SQUEEZE_EXCITE = re.compile(r"^(se|post_se)\.(down|up)\.(weight|bias)$")

# For whoever splits a network's keys into blocks: at the first component of a key from which on OWN_KEY
# matches, the block's own key begins. PAIR_KEY likewise, but only where both conv1 (3x3) and conv2 (1x1)
# of one parent are there and read the same channels: elsewhere conv1 and conv2 are names of two layers.
OWN_KEY = re.compile(
    r"""(rbr_\w+|branch_\w+|reparam|\w+_reparam|reparam_conv|fused_conv|conv_(kxk|1x1|3x3|scale)|identity
    |bn_(3x3|1x1|identity)|scale_(conv|1x1|identity)|dbb_\w+|(square|ver|hor)_(conv|bn)
    |weight_(orepa|rbr|or1x1)_\w+|vector|id_tensor|W|D|d_diag|D_diag|alpha|beta|delta|eye[\d_]+
    |conv|bn|norm|se|post_se|attn|se_layer|weight|bias|running_mean|running_var|num_batches_tracked)(\.|$)""",
    re.VERBOSE,
)
PAIR_KEY = re.compile(r"conv[12]\.(conv|bn|norm)\.")


@functools.lru_cache(maxsize=1 << 14)
def canonical(key: str) -> str:
    """A block's own key in the official spelling."""
    for pattern, replacement in _ALIASES:
        key = pattern.sub(replacement, key)
    return key


def canonical_state(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """state with official key names and without BN's step counters.

    Raises InputError if two keys are spellings of one: neither may silently win.
    """
    spelled: dict[str, str] = {}
    for key in state:
        if _COUNTER.search(key):
            continue
        if (first := spelled.setdefault(canonical(key), key)) != key:
            raise InputError(f"keys {first} and {key} are two spellings of one; leave one out")
    return {own: state[key] for own, key in spelled.items()}


def split_squeeze_excite(
    state: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(block without squeeze-and-excitation, its squeeze-and-excitation keys), of a canonical state."""
    se = {key: value for key, value in state.items() if _SQUEEZE_EXCITE.match(key)}
    return {key: value for key, value in state.items() if key not in se}, se


def some(keys: Iterable[str], limit: int = 6) -> str:
    """A few keys for a message."""
    names = sorted(keys)
    return ", ".join(names[:limit]) + (f", ... ({len(names)} in all)" if len(names) > limit else "")
