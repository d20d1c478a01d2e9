"""repvgg-hw: from a trained RepVGG to a streaming int8 accelerator, proven bit for bit.

The Python interface is below, in `__all__`: docs/api.md. Its parts are imported when they are first asked
for, so that `import repvgg_hw` takes no time and needs no torch.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repvgg_hw.api import BoardProject as BoardProject
    from repvgg_hw.api import EvaluatedNetwork as EvaluatedNetwork
    from repvgg_hw.api import FineTunedNetwork as FineTunedNetwork
    from repvgg_hw.api import GeneratedDesign as GeneratedDesign
    from repvgg_hw.api import LoadedNetwork as LoadedNetwork
    from repvgg_hw.api import PlannedDesign as PlannedDesign
    from repvgg_hw.api import QuantizedNetwork as QuantizedNetwork
    from repvgg_hw.api import SimulatedDesign as SimulatedDesign
    from repvgg_hw.api import SynthesisedDesign as SynthesisedDesign
    from repvgg_hw.api import TrainedCheckpoint as TrainedCheckpoint
    from repvgg_hw.api import latency as latency
    from repvgg_hw.api import load as load
    from repvgg_hw.api import load_integers as load_integers
    from repvgg_hw.api import open_design as open_design
    from repvgg_hw.api import random_network as random_network
    from repvgg_hw.api import sweep as sweep
    from repvgg_hw.api import train as train
    from repvgg_hw.checkpoint import from_torch as from_torch
    from repvgg_hw.errors import CheckFailed as CheckFailed
    from repvgg_hw.errors import InputError as InputError

__version__ = "0.1.0"
GENERATOR = f"repvgg-hw {__version__}"  # as what is generated says

_API = "repvgg_hw.api"
_PLACES = {  # where each name is from
    "BoardProject": _API,
    "CheckFailed": "repvgg_hw.errors",
    "EvaluatedNetwork": _API,
    "FineTunedNetwork": _API,
    "GeneratedDesign": _API,
    "InputError": "repvgg_hw.errors",
    "LoadedNetwork": _API,
    "PlannedDesign": _API,
    "QuantizedNetwork": _API,
    "SimulatedDesign": _API,
    "SynthesisedDesign": _API,
    "TrainedCheckpoint": _API,
    "from_torch": "repvgg_hw.checkpoint",
    "latency": _API,
    "load": _API,
    "load_integers": _API,
    "open_design": _API,
    "random_network": _API,
    "sweep": _API,
    "train": _API,
}

__all__ = [
    "BoardProject",
    "CheckFailed",
    "EvaluatedNetwork",
    "FineTunedNetwork",
    "GeneratedDesign",
    "InputError",
    "LoadedNetwork",
    "PlannedDesign",
    "QuantizedNetwork",
    "SimulatedDesign",
    "SynthesisedDesign",
    "TrainedCheckpoint",
    "__version__",
    "from_torch",
    "latency",
    "load",
    "load_integers",
    "open_design",
    "random_network",
    "sweep",
    "train",
]


def __getattr__(name: str) -> object:
    """A part of the interface, imported when first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
