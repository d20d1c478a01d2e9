"""What happens to a state dict on its way: harmless things, and damage that an import must not read over."""

from __future__ import annotations

import random

import numpy as np
import trained_blocks as blocks
from random_checkpoints import KNOWN, LAYOUTS, Network


def prefixed(rng: random.Random, network: Network) -> None:
    """A prefix before the blocks, or before everything."""
    prefix = rng.choice(("backbone.", "encoder.", "timm_model.", "module.net.", "model.", "a.b."))
    inside = rng.random() < 0.5
    head = network.history[0]
    network.state = {
        prefix + key if inside or not key.startswith(head) else key: value
        for key, value in network.state.items()
    }
    network.names = [prefix + name for name in network.names]
    network.history.append(f"prefix {prefix} {'on all' if inside else 'on blocks'}")
    if inside:
        network.history[0] = prefix + head


def reordered(rng: random.Random, network: Network) -> None:
    """Sorted as safetensors does, sorted in a pickle, shuffled, or turned round."""
    kind = rng.choice(("safetensors", "sorted", "shuffled", "reversed"))
    keys = list(network.state)
    if kind == "shuffled":
        rng.shuffle(keys)
    elif kind == "reversed":
        keys.reverse()
    else:
        keys.sort()
    network.ordered = network.ordered and kind != "safetensors"
    network.state = {key: network.state[key] for key in keys}
    network.history.append(kind)


def blocks_reordered(rng: random.Random, network: Network) -> None:
    """Whole blocks in another order: harmless where their names carry numbers."""
    if network.layout in ("words", "halves", "levels"):
        return  # there the file's order is all that there is
    rng.shuffle(shuffled := list(network.names))
    keys = [key for name in shuffled for key in network.state if key.startswith(f"{name}.")]
    keys += [key for key in network.state if key not in set(keys)]
    network.state = {key: network.state[key] for key in keys}
    network.history.append("blocks in another order")


def with_passengers(rng: random.Random, network: Network) -> None:
    """What counters and averages leave in a state dict."""
    names = {key.rpartition(".")[0] for key in network.state}
    extra = {f"{name}.total_ops": np.zeros(1) for name in sorted(names)}
    network.state |= extra | {"n_averaged": np.zeros((), np.int64)}
    network.history.append("passengers")


def dropped_key(rng: random.Random, network: Network) -> None:
    """One array is lost."""
    key = rng.choice(sorted(network.state))
    del network.state[key]
    network.history.append(f"without {key}")


def dropped_branch(rng: random.Random, network: Network) -> None:
    """All arrays of one part of a block are lost, where that can be seen: see UNSEEN in the test."""
    index = rng.randrange(len(network.names))
    name = network.names[index]
    parts = {
        key.removeprefix(f"{name}.").split(".")[0] for key in network.state if key.startswith(f"{name}.")
    }
    part = rng.choice(sorted(parts)) if len(parts) > 1 else ""
    if not part or _unseen_branch(network, index, part):
        return
    keys = [k for k in network.state if k == f"{name}.{part}" or k.startswith(f"{name}.{part}.")]
    network.state = {key: value for key, value in network.state.items() if key not in keys}
    network.history.append(f"without {name}.{part}")


def _unseen_branch(network: Network, index: int, part: str) -> bool:
    """Is what is left a network of the same family, with another stride or no identity?"""
    identities = ("rbr_identity", "rbr_skip", "bn_identity", "scale_identity")
    is_identity = part in identities or (network.family is blocks.RepConvIdentity and part == "bn")
    return is_identity and (
        network.layout not in KNOWN or network.family is blocks.RepConvIdentity or _begins(network, index)
    )


def _begins(network: Network, index: int) -> bool:
    return index == 0 or network.stages[index - 1] != network.stages[index]


def dropped_block(rng: random.Random, network: Network) -> None:
    """A block is lost from the middle of a numbered sequence."""
    if network.layout.startswith(("attributes,", "residual")):
        return
    removable = [i for i in range(len(network.names)) if not _unseen_block(network, i)]
    if not removable:
        return
    name = network.names[rng.choice(removable)]
    network.state = {k: v for k, v in network.state.items() if not k.startswith(f"{name}.")}
    network.history.append(f"without {name}")


def _unseen_block(network: Network, index: int) -> bool:
    """Do numbers go on without it, as if it had never been?"""
    last_of_stage = index + 1 == len(network.names) or _begins(network, index + 1)
    if network.layout in ("words", "halves"):
        return True
    if network.layout not in LAYOUTS:
        return False  # a Sequential's layers, the last ones left out
    if network.layout in ("flat", "attributes"):
        return index + 1 == len(network.names) or (index == 0 and network.layout == "attributes")
    return last_of_stage or (index == 0 and network.layout == "levels")


MUTATIONS = (
    prefixed,
    reordered,
    blocks_reordered,
    with_passengers,
    dropped_key,
    dropped_branch,
    dropped_block,
)
