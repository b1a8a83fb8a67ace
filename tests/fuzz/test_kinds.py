"""Damage of every sort to a delivery of every kind: one sentence or a reading, and no row lost without a trace.

50 cases a kind; `make fuzz` tries 2,000. What was found stands in docs/method/fuzzing.md.
"""

from __future__ import annotations

import csv
import io
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from dtm_pipeline.samples.kinds import MAKERS, make_kind_samples
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.reference import Reference
from dtm_pipeline.storage.snapshots import read_statement
from sources.document import DeliveryError, Document, header_key
from sources.protocol import Delivery, Reading
from sources.registry import read_delivery
from sources.xlsform import may_be_form

CASES = int(os.environ.get("DTM_FUZZ", "50"))
REFERENCE = Reference(Settings().reference)
ROWS = 8
NOISE = ["", " ", "?", "n. d.", "-5", "1.000", "1e309", "٣", "31/02/2024", "0", "999999999999999999", "#REF!", "=1+1", "\u202eabc", "Total", "a\nb", '"', ";", "NaN", "yes"]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1256", "cp1254", "latin-1"]
DAMAGES = ["shuffle", "rename", "drop", "double", "blank_rows", "blank_columns", "banner", "noise", "encode", "delimit", "cut", "flip", "fewer_fields"]  # fmt: skip

Grid = list[list[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("fuzz")
    return {k: make_kind_samples([k], ROWS, 4, folder / k, REFERENCE).deliveries for k in MAKERS}


def grid_of(file: Path) -> tuple[Grid, str]:
    """The cells of a delivery, and the name of its sheet."""
    if file.suffix == ".xlsx":
        page = load_workbook(file).worksheets[0]
        return [["" if c is None else str(c) for c in row] for row in page.iter_rows(values_only=True)], page.title
    text = file.read_bytes().decode("utf-8-sig" if b"\xef\xbb\xbf" in file.read_bytes()[:3] else "cp1256")
    return [list(row) for row in csv.reader(io.StringIO(text, newline=""))], ""


def renamed(grid: Grid, row: int, column: int, rng: random.Random) -> Grid:
    grid[min(row, 2)][column] = rng.choice(["New header", "governorate ", "Families (total)", "عدد"])
    return grid


def noisy(grid: Grid, row: int, column: int, rng: random.Random) -> Grid:
    for _ in range(rng.randint(1, 6)):
        grid[rng.randrange(len(grid))][rng.randrange(len(grid[0]))] = rng.choice(NOISE)
    return grid


def shuffled(grid: Grid, row: int, column: int, rng: random.Random) -> Grid:
    order = rng.sample(range(len(grid[0])), len(grid[0]))
    return [[r[i] for i in order] for r in grid]


CELLS: dict[str, Callable[[Grid, int, int, random.Random], Grid]] = {
    "shuffle": shuffled,
    "rename": renamed,
    "drop": lambda g, row, column, rng: [r[:column] + r[column + 1 :] for r in g] if len(g[0]) > 2 else g,
    "double": lambda g, row, column, rng: [[*r, r[column]] for r in g],
    "blank_rows": lambda g, row, column, rng: [*g[:row], *[[""] * len(g[0])] * rng.randint(1, 3), *g[row:]],
    "blank_columns": lambda g, row, column, rng: [["", *r] for r in g],
    "banner": lambda g, row, column, rng: [[rng.choice(["DTM list 31-12-2024", "Ministry", "Q9 2024"]), *[""] * (len(g[0]) - 1)], *g],
    "noise": noisy,
    "fewer_fields": lambda g, row, column, rng: [*g[:row], g[row][: max(1, column)], *g[row + 1 :]],
}  # fmt: skip
"""What each damage does to the cells, at a row and a column."""


def damaged(grid: Grid, damages: list[str], rng: random.Random) -> tuple[Grid, dict[str, str]]:
    """The cells after each damage, and how the file is to be written."""
    how = {"encoding": "utf-8", "delimiter": ","}
    for damage in damages:
        width = max(map(len, grid), default=1)
        grid = [row + [""] * (width - len(row)) for row in grid]
        if damage in CELLS:
            grid = CELLS[damage](grid, rng.randrange(len(grid)), rng.randrange(width), rng)
    how["encoding"] = rng.choice(ENCODINGS) if "encode" in damages else how["encoding"]
    how["delimiter"] = rng.choice(",;\t|") if "delimit" in damages else how["delimiter"]
    return grid, how


def written(file: Path, sheet: str, grid: Grid, how: dict[str, str], folder: Path) -> Path:
    target = folder / file.name
    if file.suffix == ".xlsx":
        book = Workbook()
        assert book.active is not None
        book.active.title = sheet
        for row in grid:
            book.active.append(
                [None if c == "" else "".join(x for x in c if x.isprintable() or x == "\n") for c in row]
            )
        book.save(target)
    else:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=how["delimiter"]).writerows(grid)
        target.write_bytes(text.getvalue().encode(how["encoding"], "replace"))
    return target


def spoiled(content: bytes, damages: list[str], rng: random.Random) -> bytes:
    if "cut" in damages and len(content) > 20:
        content = content[: rng.randrange(10, len(content))]
    if "flip" in damages:
        at = rng.randrange(len(content))
        content = content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
    return content


def check(reading: Reading, document: Document) -> None:
    """What holds of every reading: nothing is lost without a trace, and no header is guessed."""
    account = reading.account
    assert account.rows_in == account.rows_valid + account.rows_rejected
    assert account.persons_in == account.persons_valid + account.persons_rejected
    told = reading.report()
    for sheet in told.get("sheets", []):
        for header in sheet.get("headers_mapped", {}):
            if isinstance(sheet.get("header_row"), int):
                assert header_key(header), "a header that says nothing stands for nothing"
    for finding in reading.findings:
        assert finding.sentence
    if reading.kind == "xlsform" or document.format == "json":
        return
    # every row below the headers of a sheet that was read is valid, rejected, a total or a row of tags
    seen = 0
    for sheet in document.sheets:
        mine = next((s for s in told.get("sheets", []) if s.get("sheet") == sheet.name), None)
        if mine is None or "header_row" not in mine or reading.kind == "unhcr_figure":
            continue
        cells = sheet.cells
        filled = [i for i, row in enumerate(cells.rows(), start=1) if any((c or "").strip() for c in row)]
        below = len([i for i in filled if i > mine["header_row"]])
        seen += below - mine.get("totals_rows", 0) - mine.get("tag_rows", 0)
    if seen:
        assert account.rows_in == seen


def cases(rng: random.Random) -> Iterator[str]:
    yield from rng.sample(DAMAGES, rng.randint(1, 4))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_damaged_delivery_is_read_or_refused_and_nothing_is_lost(kind: str, made: dict[str, list[Path]]) -> None:
    files = made[kind]
    forms = tuple((f.name, f) for f in files if may_be_form(Document(f.name, f)))
    whole = [f for f in files if f.suffix != ".json"] or files

    @seed(20261122)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32), st.sampled_from(files))
    def one(number: int, file: Path) -> None:
        rng = random.Random(number)
        damages = list(cases(rng))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if file in whole:
                grid, sheet = grid_of(file)
                grid, how = damaged(grid, damages, rng)
                target = written(file, sheet, grid, how, folder)
            else:
                target = folder / file.name
                target.write_bytes(file.read_bytes())
            target.write_bytes(spoiled(target.read_bytes(), damages, rng))
            document = Document(target.name, target, forms)
            delivery = Delivery("0" * 64, target.name, read_statement(file))
            # a refusal is an answer; anything else that is raised is a defect
            with suppress(DeliveryError):
                check(read_delivery(document, delivery, REFERENCE), document)

    one()
