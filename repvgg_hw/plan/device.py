"""Limits of a device that a plan must keep."""

from __future__ import annotations

from repvgg_hw.errors import InputError

DEFAULT_PART = "xczu7ev-ffvc1156-2-e"
DEFAULT_DSP = (27, 18)  # widths of the signed ports of a DSP48E2's multiplier


def parse_dsp(text: str) -> tuple[int, int]:
    """Widths of a multiplier's two signed ports: "27x18" -> (27, 18). Raises InputError for anything else."""
    try:
        ports = tuple(int(part) for part in text.split("x"))
        if len(ports) != 2 or min(ports) < 9:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--dsp is the widths of a multiplier's two signed ports, as 27x18, not {text!r}"
        ) from None
    return ports[0], ports[1]
