"""The HLS target: a plan as a project for the vendor's HLS tool. `emit` writes it."""

from repvgg_hw.emit_hls.project import emit, interval

__all__ = ["emit", "interval"]
