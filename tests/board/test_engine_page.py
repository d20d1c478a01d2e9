"""docs/engine-registers.md is what is printed of the description; REFRESH=1 writes it."""

from __future__ import annotations

import os
from pathlib import Path

from repvgg_hw.board.register_map import ENGINE, page

PAGE = Path(__file__).parents[2] / "docs" / "engine-registers.md"


def test_page_is_the_printed_one() -> None:
    if os.environ.get("REFRESH"):
        PAGE.write_text(page(ENGINE))
    assert PAGE.read_text() == page(ENGINE)
