"""docs/api.md: its examples are run, in order, on the digits network, and give what the page says."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the images need scikit-learn: pip install 'repvgg-hw[example]'")

from examples.digits import data
from repvgg_hw.api import cache

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "cache")
    data.write(tmp_path)
    shutil.copy(ROOT / "examples/digits/digits.safetensors", tmp_path)
    page = ROOT / "docs/api.md"
    examples = "".join(BLOCK.findall(page.read_text(encoding="utf-8")))
    assert examples.count(">>> ") > 20
    test = doctest.DocTestParser().get_doctest(examples, {}, "docs/api.md", str(page), 0)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
    assert (tmp_path / "build/digits/report.html").is_file()
