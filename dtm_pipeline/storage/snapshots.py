"""Delivered bytes, stored once by their sha256, and the ledger of what became of each delivery."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dtm_pipeline.storage.home import Home, write_json

STATEMENT_KEYS = (
    "country",
    "series",
    "population_group",
    "reference_date",
    "round",
    "terms",
    "replaces",
    "adds",
    "kind",
    "sample",
)


class StatementError(Exception):
    """A sidecar that can't be read, or that says what it can't say."""


@dataclass
class Snapshot:
    """One delivery: its bytes by sha256, and what is known of it."""

    sha256: str
    name: str
    bytes: int
    received_at: str
    ingest_sequence: int
    statement: dict[str, Any] = field(default_factory=dict)
    status: str = "new"
    kind: str | None = None
    countries: list[str] = field(default_factory=list)
    reason: str | None = None
    judged_with: str | None = None
    report: dict[str, Any] = field(default_factory=dict)

    def payload(self, home: Home) -> Path:
        return home.snapshots / self.sha256 / "payload"


def inbox_files(folder: Path) -> list[Path]:
    """Files that are deliveries: no folders, no hidden files, no sidecars of another file, sorted by name."""
    files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith((".", "~$")))
    stems = {f.stem for f in files if f.suffix != ".toml"} | {f.name for f in files if f.suffix != ".toml"}
    return [f for f in files if not (f.suffix == ".toml" and f.stem in stems)]


def read_statement(file: Path) -> dict[str, Any]:
    """What the sidecar `NAME.toml` (or `NAME.EXT.toml`) says; empty without one.

    Raises:
        StatementError: not TOML, an unknown key, or a value of the wrong type.
    """
    for sidecar in (file.with_name(file.name + ".toml"), file.with_suffix(".toml")):
        if sidecar.is_file() and sidecar != file:
            try:
                said = tomllib.loads(sidecar.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise StatementError(f"{sidecar.name}: is not readable as TOML: {error}") from error
            unknown = sorted(set(said) - set(STATEMENT_KEYS))
            if unknown:
                raise StatementError(
                    f"{sidecar.name}: unknown key {unknown[0]!r}; known are {', '.join(STATEMENT_KEYS)}"
                )
            return {k: str(v) if k in ("reference_date", "round") else v for k, v in said.items()}
    return {}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class SnapshotStore:
    """The snapshots of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._seen_file = home.snapshots / "seen.json"

    def all(self) -> list[Snapshot]:
        """Every delivery, in the order in which it came."""
        records = [
            Snapshot(**json.loads(f.read_text(encoding="utf-8"))) for f in self.home.snapshots.glob("*/record.json")
        ]
        return sorted(records, key=lambda s: s.ingest_sequence)

    def save(self, snapshot: Snapshot) -> None:
        write_json(self.home.snapshots / snapshot.sha256 / "record.json", asdict(snapshot))

    def hashes(self, files: list[Path]) -> dict[Path, str]:
        """sha256 of files; one that has not changed since it was last hashed is not read again."""
        seen = json.loads(self._seen_file.read_text()) if self._seen_file.is_file() else {}
        found: dict[Path, str] = {}
        for file in files:
            stat = file.stat()
            mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
            key = str(file.resolve())
            if seen.get(key, {}).get("mark") != mark:
                seen[key] = {"mark": mark, "sha256": digest(file)}
            found[file] = seen[key]["sha256"]
        if self.home.snapshots.is_dir():
            write_json(self._seen_file, seen)
        return found

    def take(self, file: Path, sha256: str, statement: dict[str, Any]) -> Snapshot:
        """Store a file's bytes and record; known bytes with a new statement are judged again."""
        folder = self.home.snapshots / sha256
        record = folder / "record.json"
        if record.is_file():
            known = Snapshot(**json.loads(record.read_text(encoding="utf-8")))
            if known.statement != statement:
                known.statement, known.judged_with = statement, None
                self.save(known)
            return known
        folder.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(file, folder / ".payload.tmp")
        if digest(folder / ".payload.tmp") != sha256:
            raise StatementError(f"{file.name}: changed while it was read; it is taken at the next run")
        (folder / ".payload.tmp").replace(folder / "payload")
        snapshot = Snapshot(
            sha256=sha256,
            name=file.name,
            bytes=file.stat().st_size,
            received_at=datetime.now(UTC).isoformat(timespec="seconds"),
            ingest_sequence=1 + max((s.ingest_sequence for s in self.all()), default=0),
            statement=statement,
        )
        self.save(snapshot)
        return snapshot
