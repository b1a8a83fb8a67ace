"""Samples that were written, and the list of the faults that were planted in them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

FAULT_COLUMNS = ("file", "sheet", "row", "column", "fault", "expected", "needs_boundaries")


@dataclass(frozen=True)
class Fault:
    """A fault that was planted: where, and how the pipeline is to answer.

    `expected`: `quarantine`, `finding`, `held` or `refused`. `row` is the row that a person sees, empty for the whole file.
    """

    file: str
    sheet: str
    row: int | None
    column: str
    fault: str
    expected: str
    needs_boundaries: bool = False


@dataclass
class Samples:
    """What was written."""

    folder: Path
    deliveries: list[Path] = field(default_factory=list)
    planted: list[Fault] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return len(self.planted)

    @property
    def fault_list(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}_planted_faults.csv")

    def write_faults(self) -> None:
        """Write the list of the faults beside the folder."""
        with self.fault_list.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(FAULT_COLUMNS)
            writer.writerows([getattr(f, c) for c in FAULT_COLUMNS] for f in self.planted)
