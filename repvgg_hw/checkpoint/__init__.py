"""Read a trained RepVGG from a file: naming, architecture, fusion, proof. Entry: `import_network`."""

from repvgg_hw.checkpoint.expect import Expectation, load_expectation
from repvgg_hw.checkpoint.files import Checkpoint, load_checkpoint, load_state, save_state
from repvgg_hw.checkpoint.findings import Finding, findings
from repvgg_hw.checkpoint.imported import Imported, fused_state, save_fused, stride_metadata
from repvgg_hw.checkpoint.importer import import_network, import_state, load_fused
from repvgg_hw.checkpoint.modules import from_torch
from repvgg_hw.checkpoint.random import random_model, random_network

__all__ = [
    "Checkpoint",
    "Expectation",
    "Finding",
    "Imported",
    "findings",
    "from_torch",
    "fused_state",
    "import_network",
    "import_state",
    "load_checkpoint",
    "load_expectation",
    "load_fused",
    "load_state",
    "random_model",
    "random_network",
    "save_fused",
    "save_state",
    "stride_metadata",
]
