"""repvgg-hw: from a trained RepVGG to a streaming int8 accelerator, proven bit for bit."""

__version__ = "0.1.0"
