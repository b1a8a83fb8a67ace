"""Every message about a refused or damaged delivery, collected from the code and pinned: a change of words is seen.

To renew them: DTM_RENEW=1 pytest tests/golden/test_messages.py
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PINNED = Path(__file__).parent / "messages.txt"
SAID = {
    "DeliveryError": 3,
    "ArchiveError": 1,
    "WorkbookError": 1,
    "FetchError": 1,
    "StatementError": 1,
    "Finding": 2,
    "Reject": 2,
    "BoundaryError": 1,
    "TableError": 1,
    "CsvTableError": 1,
    "DecisionError": 1,
}
"""Calls that tell something of a delivery, and how many of their arguments are words."""


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    for folder in ("sources", "assets", "dtm_pipeline/storage", "dtm_pipeline/quality", "dtm_pipeline/places"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
                if isinstance(node, ast.Call) and name in SAID:
                    yield file.relative_to(ROOT).as_posix(), node, name


def messages() -> list[str]:
    return sorted(
        {
            f"{file}: {name}: " + " | ".join(ast.unparse(a) for a in node.args[: SAID[name]])
            for file, node, name in calls()
        }
    )


def test_every_message_is_the_one_pinned() -> None:
    text = "\n".join(messages()) + "\n"
    if os.environ.get("DTM_RENEW"):
        PINNED.write_text(text, encoding="utf-8")
    assert PINNED.read_text(encoding="utf-8") == text


def test_every_refusal_says_what_was_found_what_was_expected_and_what_to_do() -> None:
    short = [f"{file}:{node.lineno}" for file, node, name in calls() if name == "DeliveryError" and len(node.args) < 3]
    assert short == []


@pytest.mark.parametrize("name", ["ArchiveError", "FetchError"])
def test_other_refusals_say_what_to_do(name: str) -> None:
    words = ("ask", "send", "try again", "check", "unpack", "set", "nothing was written", "lists", "https://", "holds no submissions", "not followed", "raise")  # fmt: skip
    silent = [
        f"{file}:{node.lineno}"
        for file, node, called in calls()
        if called == name and not any(w in ast.unparse(node) for w in words)
    ]
    assert silent == []
