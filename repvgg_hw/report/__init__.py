"""What was planned, emitted and simulated, for people and for programs."""

from repvgg_hw.report.summary import FILE, LayerRow, Summary, summarize, write_html

__all__ = ["FILE", "LayerRow", "Summary", "summarize", "write_html"]
