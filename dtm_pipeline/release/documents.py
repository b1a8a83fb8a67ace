"""Writes the data dictionary of docs/ from the contracts, or checks that the committed one is current."""

from __future__ import annotations

import sys
from pathlib import Path

from dtm_pipeline.contracts.derive import dictionary_csv, dictionary_markdown
from dtm_pipeline.contracts.registry import TABLES, published_tables

FOLDER = Path("docs/data_dictionary")


def documents() -> dict[Path, str]:
    """Path and content of every generated file."""
    everything = tuple(TABLES.values())
    return {
        FOLDER / "published.md": dictionary_markdown(published_tables()),
        FOLDER / "warehouse.md": dictionary_markdown(tuple(t for t in everything if t.layer != "out")),
        FOLDER / "all.csv": dictionary_csv(everything),
    }


def main(arguments: list[str]) -> int:
    """Write the files; with `--check` only compare them. 1 when a file is not what the contracts say."""
    stale = []
    for path, content in documents().items():
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != content:
            stale.append(path)
    for path in stale:
        sys.stderr.write(f"{path} is not what the contracts say; run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
