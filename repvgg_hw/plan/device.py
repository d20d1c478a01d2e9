"""Limits of a device that a plan must keep."""

from __future__ import annotations

import re

from repvgg_hw.errors import InputError

DEFAULT_PART = "xczu7ev-ffvc1156-2-e"
SMALLEST_PORT, LARGEST_PORT = 9, 64  # 8 bits and a sign; beyond 64 no device has one
DEFAULT_DSP = (27, 18)  # widths of the signed ports of a DSP48E2's multiplier


def parse_dsp(text: str) -> tuple[int, int]:
    """Widths of a multiplier's two signed ports: "27x18" -> (27, 18). Raises InputError for anything else."""
    match = re.fullmatch("([1-9][0-9]?)x([1-9][0-9]?)", text)
    ports = (int(match[1]), int(match[2])) if match else (0, 0)
    if not SMALLEST_PORT <= min(ports) <= max(ports) <= LARGEST_PORT:
        raise InputError(
            f"--dsp is the widths of a multiplier's two signed ports, {SMALLEST_PORT} to {LARGEST_PORT} bits "
            f"each, as 27x18, not {text!r}"
        )
    return ports


def check_part(name: str) -> str:
    """A device's name, as it may stand in a Tcl script or a project's file; InputError for anything else.

    AMD's names begin with xc, xa (automotive) or xq (defence).
    """
    if re.fullmatch("[xX][aAcCqQ][A-Za-z0-9._-]{2,61}", name) is None:
        raise InputError(
            f"--part is a device's name, which begins with xc, xa or xq and has letters, digits and . _ -, "
            f"as {DEFAULT_PART}, not {name!r}"
        )
    return name
