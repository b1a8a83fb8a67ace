"""The examples in docstrings and method pages run and give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(
    ".".join(f.relative_to(ROOT).with_suffix("").parts)
    for f in (ROOT / "dtm_pipeline").rglob("*.py")
    if ">>> " in f.read_text(encoding="utf-8")
)
PAGES = sorted(p for p in (ROOT / "docs/method").glob("*.md") if ">>> " in p.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_hold(module: str) -> None:
    told = doctest.testmod(importlib.import_module(module))
    assert told.attempted > 0
    assert told.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_examples_of_a_method_page_hold(page: Path) -> None:
    told = doctest.testfile(str(page), module_relative=False)
    assert told.attempted > 0
    assert told.failed == 0
