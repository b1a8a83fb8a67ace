"""Reference data in two layers: what ships, and what a home says beside it. Method: docs/method/overlay.md.

`HOME/reference/` mirrors `reference/`. A row of it stands for the shipped row of the same key, or beside all of them, and
says who wrote it and when (`by`, `on`); the same contracts judge both.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from dtm_pipeline.storage.errors import ReferenceDataError

SIGNED = ("by", "on")
KEYS: dict[str, tuple[str, ...]] = {
    "code_lists/answers.csv": ("answer_set", "alias"),
    "code_lists/categories.csv": ("dimension", "category_code"),
    "code_lists/category_headers.csv": ("dimension", "alias"),
    "code_lists/headers.csv": ("kind", "alias"),
    "code_lists/operations.csv": ("location_code", "operation"),
    "code_lists/questions.csv": ("question_code", "alias"),
    "code_lists/vocabularies.csv": ("vocabulary", "alias"),
    "code_lists/words.csv": ("list", "word"),
    "flow_calendars.csv": ("flow_point_id", "valid_from"),
    "flow_points.csv": ("location_code", "alias", "valid_from"),
    "location_links.csv": ("location_code", "place_id", "link"),
    "location_statements.csv": ("location_code", "place_id", "admin_code", "population_group", "valid_from"),
    "round_statements.csv": ("series_id", "reference_date"),
    "known_jumps.csv": ("series_id", "reference_date"),
    "admin_boundaries/crosswalk.csv": ("location_code", "admin_level", "provider_parent_code", "provider_name", "valid_from"),
    "admin_boundaries/names.csv": ("location_code", "code", "name"),
    "admin_boundaries/other_codes.csv": ("location_code", "system", "other_code"),
    "admin_boundaries/code_forms.csv": ("location_code", "system", "admin_level", "pattern"),
}  # fmt: skip
"""The tables that a home may add to, and what tells their rows apart."""
LISTS = {"series.toml": ("series", "series_id"), "survey_families.toml": ("family", "family")}
"""Files that are a list of entries: the name of the list, and what tells entries apart."""
TABLES = ("thresholds.toml",)
"""Files of tables with values: a value of the home stands for the shipped one."""
WHOLE = ("countries", "severity_models", "flow_layouts")
"""Folders of files that stand each for itself: a file of the home replaces the shipped one of its name, or is new."""
SHIPPED_SUFFIXES = (".toml", ".csv", ".geojson")


@dataclass(frozen=True)
class OverlayRow:
    """One thing that a home says beside what ships: where, its key, who and when, what it replaces."""

    file: str
    key: str
    by: str
    on: date
    replaces: bool
    content: dict[str, Any]
    shipped: dict[str, Any] | None


@dataclass(frozen=True)
class Layers:
    """The shipped reference folder, and the home's own."""

    shipped: Path
    overlay: Path | None = None

    def _own(self, name: str) -> Path | None:
        file = self.overlay / name if self.overlay else None
        return file if file is not None and file.is_file() else None

    def csv(self, name: str) -> pl.DataFrame:
        """A table as text, the home's rows in place of those of the same key and beside the others.

        Raises:
            ReferenceDataError: a row of the home is unsigned, stands twice, or has columns that the table has not.
        """
        table = pl.read_csv(self.shipped / name, infer_schema=False)
        own = self._own(name)
        if own is None:
            return table
        rows = self._signed_rows(own, name, table.columns)
        key = list(KEYS[name])
        kept = table.join(rows.select(key), on=key, how="anti", nulls_equal=True)
        return pl.concat([kept, rows.select(table.columns)])

    def _signed_rows(self, file: Path, name: str, columns: list[str]) -> pl.DataFrame:
        if name not in KEYS:
            raise _wrong(file, f"{name} can't be added to", f"one of {', '.join(KEYS)}")
        try:
            rows = pl.read_csv(file, infer_schema=False)
        except pl.exceptions.NoDataError:
            return pl.DataFrame(schema=dict.fromkeys((*columns, *SIGNED), pl.String))
        except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
            raise _wrong(
                file, "it can't be read as UTF-8 CSV", f"the columns {', '.join((*columns, *SIGNED))}"
            ) from error
        stray = [c for c in rows.columns if c not in (*columns, *SIGNED)]
        lacking = [c for c in (*KEYS[name], *SIGNED) if c not in rows.columns]
        if stray or lacking:
            found = f"the column {stray[0]!r}" if stray else f"no column {lacking[0]!r}"
            raise _wrong(file, found, f"the columns {', '.join((*columns, *SIGNED))}")
        whole = rows.with_columns(pl.lit(None, pl.String).alias(c) for c in columns if c not in rows.columns)
        for number, row in enumerate(whole.iter_rows(named=True), start=2):
            _check_signature(file, f"row {number}", row)
        twice = whole.filter(whole.select(KEYS[name]).is_duplicated())
        if not twice.is_empty():
            said = ", ".join(str(v) for v in twice.select(KEYS[name]).row(0) if v is not None)
            raise _wrong(file, f"{said} stands twice", "each key once")
        return whole

    def toml(self, name: str) -> dict[str, Any]:
        """A file of values or of a list of entries, the home's in place of those of the same name.

        Raises:
            ReferenceDataError: what the home says is unsigned, or of a part that does not exist.
        """
        told = _toml(self.shipped / name)
        own = self._own(name)
        if own is None:
            return told
        said = _toml(own)
        return _merged_list(told, said, own, *LISTS[name]) if name in LISTS else _merged_tables(told, said, own)

    def files(self, folder: str) -> list[Path]:
        """The files of a folder of WHOLE, by name; a file of the home stands for the shipped one of its name.

        Raises:
            ReferenceDataError: a file of the home is unsigned.
        """
        found = {f.name: f for f in (self.shipped / folder).glob("*.toml")}
        for own in sorted((self.overlay / folder).glob("*.toml")) if self.overlay else []:
            _check_signature(own, "the file", _toml(own))
            found[own.name] = own
        return [found[name] for name in sorted(found)]

    def rows(self) -> list[OverlayRow]:
        """Everything that the home says, with what it stands for.

        Raises:
            ReferenceDataError: a file is no part of the reference data, or what it says is unsigned.
        """
        if self.overlay is None or not self.overlay.is_dir():
            return []
        found: list[OverlayRow] = []
        for file in sorted(f for f in self.overlay.rglob("*") if f.is_file() and not f.name.startswith(".")):
            name = file.relative_to(self.overlay).as_posix()
            if name in KEYS:
                found += self._rows_of_table(file, name)
            elif name in LISTS or name in TABLES:
                found += self._rows_of_toml(file, name)
            elif name.split("/")[0] in WHOLE and file.suffix == ".toml" and name.count("/") == 1:
                said = _toml(file)
                _check_signature(file, "the file", said)
                shipped = self.shipped / name
                before = _toml(shipped) if shipped.is_file() else None
                found.append(_row(name, file.stem, said, before))
            else:
                known = [*KEYS, *LISTS, *TABLES, *(f"{folder}/NAME.toml" for folder in WHOLE)]
                raise _wrong(file, "it is no part of the reference data", f"one of {', '.join(known)}")
        return found

    def _rows_of_table(self, file: Path, name: str) -> list[OverlayRow]:
        table = pl.read_csv(self.shipped / name, infer_schema=False)
        rows = self._signed_rows(file, name, table.columns)
        known = {tuple(r[k] for k in KEYS[name]): r for r in table.iter_rows(named=True)}
        return [
            _row(name, ", ".join(str(row[k]) for k in KEYS[name] if row[k] is not None), row, known.get(tuple(row[k] for k in KEYS[name])))
            for row in rows.iter_rows(named=True)
        ]  # fmt: skip

    def _rows_of_toml(self, file: Path, name: str) -> list[OverlayRow]:
        said, told = _toml(file), _toml(self.shipped / name)
        if name in LISTS:
            part, key = LISTS[name]
            _merged_list(told, said, file, part, key)
            known = {entry[key]: entry for entry in told[part]}
            return [_row(name, entry[key], entry, known.get(entry[key])) for entry in said[part]]
        _merged_tables(told, said, file)
        return [
            _row(
                name, f"{part}.{value}", {value: content, **{s: values[s] for s in SIGNED}}, {value: told[part][value]}
            )
            for part, values in said.items()
            for value, content in values.items()
            if value not in SIGNED
        ]

    def overlay_sha256(self) -> str | None:
        """sha256 over every file of the home's layer; None without one."""
        files = _files(self.overlay) if self.overlay else []
        return _digest(self.overlay, files) if self.overlay and files else None

    def fingerprint(self) -> str:
        """sha256 over every file of both layers."""
        shipped = _digest(self.shipped, _files(self.shipped))
        own = self.overlay_sha256()
        return shipped if own is None else hashlib.sha256(f"{shipped}\n{own}".encode()).hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix in SHIPPED_SUFFIXES)


def _digest(folder: Path, files: list[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        stat = file.stat()
        total.update(file.relative_to(folder).as_posix().encode())
        total.update(_sha256(file, stat.st_mtime_ns, stat.st_size))
    return total.hexdigest()


@lru_cache(maxsize=512)
def _sha256(file: Path, changed: int, size: int) -> bytes:
    """The hash of a file as it lies now: a run asks for the fingerprint of the reference data dozens of times."""
    return hashlib.sha256(file.read_bytes()).digest()


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ReferenceDataError(f"{path}: is not readable as TOML: {error}") from error


def _wrong(file: Path, found: str, expected: str) -> ReferenceDataError:
    return ReferenceDataError(f"{file}: {found}; expected {expected}; correct the file, nothing was computed")


def _check_signature(file: Path, where: str, said: dict[str, Any]) -> None:
    """Whoever changes a figure says who and when."""
    by, on = said.get("by"), said.get("on")
    if not isinstance(by, str) or not by.strip():
        raise _wrong(file, f"{where} does not say who wrote it", 'by, a name (by = "A. Analyst")')
    try:
        day = on if isinstance(on, date) else date.fromisoformat(str(on))
    except ValueError:
        day = None
    if day is None:
        raise _wrong(file, f"{where} says on = {on!r}", "on, the day it was written, YYYY-MM-DD")


def _row(file: str, key: str, said: dict[str, Any], shipped: dict[str, Any] | None) -> OverlayRow:
    on = said["on"] if isinstance(said["on"], date) else date.fromisoformat(str(said["on"]))
    content = {k: v for k, v in said.items() if k not in SIGNED}
    return OverlayRow(file, key, str(said["by"]), on, shipped is not None, content, shipped)


def _merged_list(told: dict[str, Any], said: dict[str, Any], file: Path, part: str, key: str) -> dict[str, Any]:
    if set(said) != {part} or not isinstance(said[part], list):
        raise _wrong(file, f"the parts {', '.join(said) or 'nothing'}", f"[[{part}]] and nothing else")
    own = {}
    for entry in said[part]:
        if key not in entry:
            raise _wrong(file, f"an entry of [[{part}]] without {key}", f"{key} in every entry")
        if entry[key] in own:
            raise _wrong(file, f"{entry[key]} stands twice", "each entry once")
        _check_signature(file, f"{part} {entry[key]}", entry)
        own[entry[key]] = {k: v for k, v in entry.items() if k not in SIGNED}
    known = {entry[key]: own.pop(entry[key], entry) for entry in told[part]}
    return {**told, part: [*known.values(), *own.values()]}


def _merged_tables(told: dict[str, Any], said: dict[str, Any], file: Path) -> dict[str, Any]:
    merged = {part: dict(values) for part, values in told.items()}
    for part, values in said.items():
        if part not in told or not isinstance(values, dict):
            raise _wrong(file, f"the part [{part}]", f"one of {', '.join(f'[{p}]' for p in told)}")
        _check_signature(file, f"[{part}]", values)
        for name, value in values.items():
            if name in SIGNED:
                continue
            before = told[part].get(name)
            numbers = isinstance(value, int | float) and isinstance(before, int | float)
            if before is None or not (numbers or type(value) is type(before)):
                raise _wrong(file, f"{part}.{name} = {value!r}", f"a value such as {before!r}" if before is not None else f"one of {', '.join(told[part])}")  # fmt: skip
            merged[part][name] = value
    return merged
