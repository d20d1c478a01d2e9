"""Python for what the commands do: train, load, quantize, plan, design, simulate, report.

docs/api.md shows it. Each stage is a value with a method for the next one. The commands are options, progress
bars and tables over these. Importing them needs no torch; training, reading and quantizing a network do.
"""

from repvgg_hw.api.boarded import BoardProject
from repvgg_hw.api.evaluated import EvaluatedNetwork
from repvgg_hw.api.generated import GeneratedDesign, open_design
from repvgg_hw.api.loaded import DEFAULT_CLASSES, LoadedNetwork, load, random_network
from repvgg_hw.api.planned import PlannedDesign
from repvgg_hw.api.quantized import QuantizedNetwork, load_integers
from repvgg_hw.api.simulated import SimulatedDesign
from repvgg_hw.api.swept import sweep
from repvgg_hw.api.synthesised import SynthesisedDesign
from repvgg_hw.api.timed import latency
from repvgg_hw.api.trained import TrainedCheckpoint, train
from repvgg_hw.api.tuned import FineTunedNetwork

__all__ = [
    "DEFAULT_CLASSES",
    "BoardProject",
    "EvaluatedNetwork",
    "FineTunedNetwork",
    "GeneratedDesign",
    "LoadedNetwork",
    "PlannedDesign",
    "QuantizedNetwork",
    "SimulatedDesign",
    "SynthesisedDesign",
    "TrainedCheckpoint",
    "latency",
    "load",
    "load_integers",
    "open_design",
    "random_network",
    "sweep",
    "train",
]
