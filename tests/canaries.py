"""Invented secrets, planted where deliveries hold words and numbers of people, and looked for where they must not come.

A canary stands in cells, headers, names of files, sheets and members of archives, sidecars and properties of workbooks.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl

CANARY = re.compile(rb"zqx\d{4}kv", re.IGNORECASE)
POINT = "33.7390517"
"""A latitude that no reference data has: a household's own point."""
FORMS = ("form", "choices", "local_integration")
SAID_BESIDE = ("terms", "round", "provider")


@dataclass
class Planted:
    """Where each canary stands: `cell`, `header`, `file`, `sheet`, `member`, `sidecar` or `property`."""

    where: dict[str, str] = field(default_factory=dict)

    def canary(self, where: str) -> str:
        told = f"Zqx{len(self.where):04d}kv"
        self.where[told.lower()] = where
        return told

    def of(self, *places: str) -> set[str]:
        return {c for c, where in self.where.items() if where in places}


def plant(samples: Path, inbox: Path) -> Planted:
    """Copy deliveries of every kind, each with canaries in it and about it; forms stay as they are, or no survey is read."""
    planted = Planted()
    inbox.mkdir()
    for file in sorted(f for f in samples.iterdir() if f.suffix != ".toml"):
        form = any(word in file.name for word in FORMS)
        new = inbox / (file.name if form else f"{file.stem} {planted.canary('file')}{file.suffix}")
        content = file.read_bytes() if form else _planted(file, planted)
        new.write_bytes(content)
        said = file.with_name(f"{file.name}.toml")
        lines = [said.read_text(encoding="utf-8")] if said.is_file() else []
        if not form:
            known = "".join(lines)
            lines += [f'{key} = "{planted.canary("sidecar")}"' for key in SAID_BESIDE if f"{key} =" not in known]
        if lines:
            new.with_name(f"{new.name}.toml").write_text("\n".join(lines), encoding="utf-8")
    with zipfile.ZipFile(inbox / f"sent {planted.canary('file')}.zip", "w") as archive:
        told = "Date,Border Point,Arrival / Departure,Total\n31/03/2024,{},Arrival,12\n"
        archive.writestr(f"counts {planted.canary('member')}.csv", told.format(planted.canary("cell")))
    return planted


def _planted(file: Path, planted: Planted) -> bytes:
    if file.suffix == ".json":
        content = json.loads(file.read_text(encoding="utf-8"))
        return json.dumps(_in_json(content, planted), ensure_ascii=False).encode()
    if file.suffix == ".csv":
        out = io.StringIO()
        rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
        csv.writer(out).writerows(_in_rows(rows, 0, planted))
        return out.getvalue().encode()
    book = openpyxl.load_workbook(file)
    for sheet in book.worksheets:
        rows = [list(r) for r in sheet.iter_rows(values_only=True)]
        texts = [sum(isinstance(v, str) for v in row) for row in rows[:6]]
        for number, row in enumerate(_in_rows(rows, texts.index(max(texts)), planted) if rows else [], start=1):
            for column, value in enumerate(row, start=1):
                sheet.cell(number, column, value)
        if len(book.worksheets) == 1:
            sheet.title = f"{sheet.title[:18]} {planted.canary('sheet')}"
    book.properties.creator = planted.canary("property")
    told = io.BytesIO()
    book.save(told)
    return told.getvalue()


def _in_rows(rows: list[list[Any]], head: int, planted: Planted) -> list[list[Any]]:
    """The rows, a column of canaries more, and for each column rows that have one in place of its word, and behind it."""
    more = []
    for column, header in enumerate(rows[head]):
        donor = next((r for r in rows[head + 1 :] if len(r) > column and r[column] not in (None, "")), None)
        if donor is None:
            continue
        instead = list(donor)
        instead[column] = POINT if "lat" in str(header).lower() else planted.canary("cell")
        more.append(instead)
        if isinstance(donor[column], str) and not re.fullmatch(r"[\d./-]+", donor[column]):
            behind = list(donor)
            behind[column] = f"{donor[column]} {planted.canary('cell')}"
            more.append(behind)
    width = len(rows[head])
    body = [[*r, *[None] * (width - len(r)), planted.canary("cell") if n == 0 else None] for n, r in enumerate(rows[head + 1 :])]  # fmt: skip
    return [*rows[:head], [*rows[head], planted.canary("header")], *body, *([*r, None] for r in more)]


def _in_json(content: Any, planted: Planted) -> Any:
    if isinstance(content, dict):
        return {k: _in_json(v, planted) for k, v in content.items()}
    if not (isinstance(content, list) and content and isinstance(content[0], dict)):
        return content
    first = content[0]
    words = [k for k, v in first.items() if isinstance(v, str)]
    instead = [{**first, k: planted.canary("cell")} for k in words]
    behind = [{**first, k: f"{first[k]} {planted.canary('cell')}"} for k in words]
    return [{**first, planted.canary("header"): planted.canary("cell")}, *content[1:], *instead, *behind]


def found(folder: Path) -> dict[str, set[str]]:
    """The canaries and the point in each file of a folder, compressed columns opened."""
    told = {}
    for file in (f for f in folder.rglob("*") if f.is_file()):
        content = file.read_bytes() + (_rows(file) if file.suffix == ".parquet" else b"")
        if seen := canaries_in(content):
            told[file.relative_to(folder).as_posix()] = seen
    return told


def canaries_in(content: bytes) -> set[str]:
    seen = {c.decode().lower() for c in CANARY.findall(content)}
    return seen | ({POINT} if POINT.encode() in content else set())


def _rows(file: Path) -> bytes:
    frame = pl.read_parquet(file)
    lists = [c for c, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(c).cast(pl.List(pl.String)).list.join("|") for c in lists).write_csv().encode()
