"""Tables on disk: one Parquet file a part, written whole, with the contract's metadata on every column."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dtm_pipeline.contracts.derive import arrow_schema, conform, empty, holds, pandera_schema
from dtm_pipeline.contracts.model import Table
from dtm_pipeline.storage.errors import InternalError
from dtm_pipeline.storage.hashes import digest

PART_KEY = re.compile(r"[A-Z]{3}|[0-9a-f]{64}(\.[\w-]+)?")


@dataclass(frozen=True)
class FileFacts:
    """What is told of a written file: no values of rows."""

    rows: int
    bytes: int
    sha256: str


def write_table(frame: pl.DataFrame | Spool, table: Table, path: Path) -> FileFacts:
    """Write a table sorted by its grain, zstd, field metadata on every column; whole or not at all.

    Polars' sinks and DuckDB's COPY lose field metadata, so published files go through here only. A spool is written
    piece by piece in the order that it has.
    """
    import pyarrow.parquet as pq

    if isinstance(frame, pl.DataFrame):
        pieces: Iterable[pl.DataFrame] = [conform(frame, table).sort(table.grain or frame.columns[:1], nulls_last=True)]
    else:
        pieces = frame.pieces()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    schema, rows = arrow_schema(table), 0
    with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for piece in pieces:
            rows += piece.height
            writer.write_table(piece.to_arrow().cast(schema))
    descriptor = os.open(temporary, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    temporary.replace(path)
    return FileFacts(rows, path.stat().st_size, digest(path))


class Spool:
    """Rows of one table that come in pieces and in order: in memory while they are few, else in files.

    The files are there as long as the spool.
    """

    def __init__(self, table: Table, scratch: Path | None, in_memory: int = 1 << 24) -> None:
        self.table, self._scratch, self._in_memory = table, scratch, in_memory
        self._frames: list[pl.DataFrame] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    def add(self, frame: pl.DataFrame) -> None:
        self._frames.append(conform(frame, self.table))
        if sum(f.estimated_size() for f in self._frames) > self._in_memory:
            self._store()

    def _store(self) -> None:
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="dtm-", dir=self._scratch)
        pl.concat(self._frames).write_parquet(Path(self._folder.name) / f"{self._files:06}.parquet", compression="zstd")
        self._frames, self._files = [], self._files + 1

    def pieces(self) -> Iterator[pl.DataFrame]:
        """All rows, a piece at a time."""
        for number in range(self._files):
            assert self._folder is not None
            yield pl.read_parquet(Path(self._folder.name) / f"{number:06}.parquet")
        yield pl.concat([empty(self.table), *self._frames])

    def rows(self) -> pl.DataFrame:
        """All rows at once."""
        return pl.concat(self.pieces())


class ContractBrokenError(InternalError):
    """A table is not what its contract says: nothing of it is written. The text holds no values."""


def judged(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame in the shape of its contract, validated in full: nulls, allowed values, bounds, rules, grain.

    The statements are asked in one pass of Polars; Pandera reports on the rows that break them.

    Raises:
        ContractBrokenError: columns and statements that do not hold.
    """
    shaped = conform(frame, table)
    broken = shaped.filter(~holds(table))
    if table.grain:
        broken = pl.concat([broken, shaped.filter(pl.struct(table.grain).is_duplicated())])
    if not broken.is_empty():
        raise ContractBrokenError(f"{table.name} breaks its contract ({_statements(broken, table)})")
    return shaped


def _statements(broken: pl.DataFrame, table: Table) -> str:
    """The statements that rows break, by column, without values."""
    import pandera.errors

    try:
        pandera_schema(table).validate(broken.unique(maintain_order=True) if not table.grain else broken, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        told = errors.failure_cases.select("column", "check").unique(maintain_order=True).rows()
        return "; ".join(f"{column}: {check}" for column, check in told)
    raise AssertionError(f"{table.name}: the Polars pass and the Pandera schema disagree")


@dataclass
class Parts:
    """Parts of a table that a step made (a frame for each key) and parts that it found gone."""

    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    written: list[FileFacts] = field(default_factory=list)
    """Parts that the step has written already, one by one, so as not to hold all in memory."""


@dataclass(frozen=True)
class StoredParts:
    """A table's parts on disk, read by key: a snapshot in raw, a country in core and out."""

    table: Table
    folder: Path

    def keys(self) -> set[str]:
        return {f.stem for f in self.folder.glob("*.parquet")}

    def path(self, key: str) -> Path:
        """File of a part.

        Raises:
            ValueError: the key is neither a country nor a snapshot; nothing is written outside the folder.
        """
        if not PART_KEY.fullmatch(key):
            raise ValueError(
                "a part is named by a country (ISO 3166-1 alpha-3), or by a sha256 and a table of its survey"
            )
        return self.folder / f"{key}.parquet"

    def read(self, key: str) -> pl.DataFrame:
        """One part; no rows where there is none."""
        return pl.read_parquet(self.path(key)) if self.path(key).is_file() else empty(self.table)

    def read_all(self, keys: Iterable[str] | None = None, columns: list[str] | None = None) -> pl.DataFrame:
        """The parts of some keys, or of all, as one frame; of some columns, or of all."""
        wanted = sorted(self.keys() if keys is None else self.keys() & set(keys))
        if not wanted:
            return empty(self.table).select(columns or pl.all())
        return pl.read_parquet([self.path(k) for k in wanted], columns=columns)

    def remove(self, key: str) -> None:
        """Remove a part, and those of the tables of its survey."""
        self.remove_but(key, set())

    def remove_but(self, key: str, kept: set[str]) -> None:
        """Remove a part and those of the tables of its survey, but for the keys that are kept."""
        for file in (self.path(key), *self.folder.glob(f"{key}.*.parquet")):
            if file.name.removesuffix(".parquet") not in kept:
                file.unlink(missing_ok=True)

    def store(self, parts: Parts) -> FileFacts:
        """Write the parts that were made, remove those that are gone; the facts are of what was written."""
        facts = [*parts.written, *(write_table(f, self.table, self.path(key)) for key, f in parts.frames.items())]
        for key in parts.gone:
            self.remove(key)
        hashes = "".join(sorted(f.sha256 for f in facts))
        return FileFacts(
            sum(f.rows for f in facts),
            sum(f.bytes for f in facts),
            hashlib.sha256(hashes.encode()).hexdigest(),
        )


def stored(warehouse: Path, table: Table) -> StoredParts:
    """Where a table's parts lie: warehouse/{raw,core,out,quarantine}/TABLE/KEY.parquet."""
    layer = "quarantine" if table.name.startswith("quarantine") else table.layer
    return StoredParts(table, warehouse / layer / table.name)
