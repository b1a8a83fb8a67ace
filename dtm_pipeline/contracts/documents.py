"""Writes the data dictionary of docs/ from the contracts, or checks that the committed one is current."""

from __future__ import annotations

import sys

from dtm_pipeline.contracts.derive import dictionary_csv, dictionary_markdown
from dtm_pipeline.contracts.registry import TABLES, published_tables

FOLDER = "docs/data_dictionary"


def documents() -> dict[str, str]:
    """Path and content of every generated file."""
    everything = tuple(TABLES.values())
    return {
        f"{FOLDER}/published.md": dictionary_markdown(published_tables()),
        f"{FOLDER}/warehouse.md": dictionary_markdown(tuple(t for t in everything if t.layer != "out")),
        f"{FOLDER}/all.csv": dictionary_csv(everything),
    }


def main(arguments: list[str]) -> int:
    """Write the files; with `--check` only compare them."""
    import os

    stale = []
    for path, content in documents().items():
        if "--check" in arguments:
            try:
                with open(path, encoding="utf-8") as file:  # noqa: PTH123  contracts know no files but these
                    current = file.read()
            except FileNotFoundError:
                current = ""
            if current != content:
                stale.append(path)
        else:
            os.makedirs(FOLDER, exist_ok=True)  # noqa: PTH103
            with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
                file.write(content)
    for path in stale:
        sys.stderr.write(f"{path} is not what the contracts say; run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
