"""The process that Yosys runs in: `python -m repvgg_hw.synth.child SCRIPT`.

A process of its own, because Yosys is one big global state and ends the process where it meets an error. The last
line of its output says what it took at most of memory, itself or in the mapper that it starts.
"""

from __future__ import annotations

import resource
import sys

PEAK = "peak kilobytes:"


def main() -> None:
    """Run the script that is named."""
    from pyosys import libyosys

    libyosys.run_pass(f"script {sys.argv[1]}", libyosys.Design())
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(PEAK, peak, flush=True)


if __name__ == "__main__":
    main()
