"""Read a trained RepVGG from a file: naming, architecture, fusion, proof. Entry: `import_network`."""

from repvgg_hw.checkpoint.files import Checkpoint, load_checkpoint, load_state, save_state
from repvgg_hw.checkpoint.importer import (
    Imported,
    fused_state,
    import_network,
    import_state,
    load_fused,
    save_fused,
)
from repvgg_hw.checkpoint.random import random_model, random_network

__all__ = [
    "Checkpoint",
    "Imported",
    "fused_state",
    "import_network",
    "import_state",
    "load_checkpoint",
    "load_fused",
    "load_state",
    "random_model",
    "random_network",
    "save_fused",
    "save_state",
]
