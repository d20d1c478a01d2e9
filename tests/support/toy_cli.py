"""repvgg-hw with one more architecture and one more target: `python -m toy_cli ...`. Two lines add them."""

from repvgg_hw.plan import registry as planners
from repvgg_hw.targets import registry as targets

planners.MODULES["toy"] = "toy_planner"
targets.MODULES["toy"] = "toy_target"

from repvgg_hw.cli import main  # noqa: E402, after they are registered

if __name__ == "__main__":
    main()
