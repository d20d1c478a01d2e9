"""What is known of each layer of a design, kept on disk while its layers are proven one by one.

`build/layers/state.json`, for people and for the next run:

    fingerprint, images, stalls   of what this is the state
    passed, failed                a result for each layer that has been proven or refuted
    open                          the layers of which nothing is known yet
    seconds                       layer -> [to build its simulator, to run it], wall clock
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design, results
from repvgg_hw.design.results import LayerResult
from repvgg_hw.files import sim_dir, write_if_changed
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.simulate import layer_shapes


@dataclass(frozen=True)
class LayerProof:
    """What the proof of one layer found, and the seconds of wall clock that it took.

    build_seconds is next to nothing where an alike layer has built the same simulator before.
    """

    layer: LayerResult
    build_seconds: float = 0.0
    run_seconds: float = 0.0


class State:
    """Of which layers what is known, for one design, one set of images and one seed of stalls."""

    def __init__(
        self,
        design: Design[Plan],
        images: NDArray[np.int8],
        stalls: int,
        extremes: bool = False,
        *,
        fresh: bool = False,
    ) -> None:
        """Read what an earlier run left, if it was of the same and not fresh. images (N, C, H, W)."""
        self.path = design.directory / "build" / "layers" / "state.json"
        self.about = {
            "fingerprint": _fingerprint(design, images, stalls, extremes),
            "images": len(images),
            "stalls": stalls,
        }
        self.names = tuple(layer_shapes(design.plan))
        self.proofs: dict[str, LayerProof] = {}
        if fresh:
            self.path.unlink(missing_ok=True)
        try:
            content = json.loads(self.path.read_text())
            if content["fingerprint"] == self.about["fingerprint"]:
                self.proofs = dict(_proofs(content))
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ):  # none yet, or not one of this version
            pass

    @property
    def passed(self) -> dict[str, LayerProof]:
        """The layers that have been proven."""
        return {name: proof for name, proof in self.proofs.items() if proof.layer.passed}

    def record(self, proof: LayerProof) -> None:
        """Remember a layer's proof; the file is whole at any time."""
        self.proofs[proof.layer.name] = proof
        known = [self.proofs[name] for name in self.names if name in self.proofs]
        content = self.about | {
            "passed": [dataclasses.asdict(one.layer) for one in known if one.layer.passed],
            "failed": [dataclasses.asdict(one.layer) for one in known if not one.layer.passed],
            "open": [name for name in self.names if name not in self.proofs],
            "seconds": {one.layer.name: [one.build_seconds, one.run_seconds] for one in known},
        }
        write_if_changed(self.path, json.dumps(content, indent=1) + "\n")


def _fingerprint(design: Design[Plan], images: NDArray[np.int8], stalls: int, extremes: bool) -> str:
    """Of all that a layer's proof depends on."""
    digest = hashlib.sha256(f"{stalls} {extremes} {images.shape}".encode() + images.tobytes())
    folders = [design.directory / name for name in ("rtl", "mem", "sim")]
    own = [design.directory / name for name in ("design.json", "network.npz")]
    for path in (*own, *(path for folder in (*folders, sim_dir()) for path in sorted(folder.glob("*.*")))):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _proofs(content: dict[str, Any]) -> list[tuple[str, LayerProof]]:
    layers = [results.layer_from_json(layer) for layer in (*content["passed"], *content["failed"])]
    return [(layer.name, LayerProof(layer, *content["seconds"][layer.name])) for layer in layers]
