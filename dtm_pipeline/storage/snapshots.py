"""Delivered bytes, stored once by their sha256, and the ledger of what became of each delivery."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from dtm_pipeline.contracts.columns import POPULATION_GROUPS
from dtm_pipeline.storage.hashes import KnownHashes, digest
from dtm_pipeline.storage.home import TAKING, DamagedHomeError, Home, to_disk, write_json

COUNTRY = re.compile(r"[A-Z]{3}")
ID = re.compile(r"[0-9a-f]{64}")
TEXTS = ("kind", "population_group", "series", "terms", "round", "provider", "survey")
STATEMENT_KEYS = ("country", "reference_date", "date_order", *TEXTS, "replaces", "adds")


DEFAULTS = "_defaults.toml"
"""Sidecar of a folder: what it says of all files that lie in it."""
OF_FOLDERS = ("country", "date_order", "kind", "population_group", "provider", "terms", "survey")
ARCHIVE = "archive"
"""Kind of a snapshot that holds other deliveries; it is opened, and never read as one."""
UNREADABLE = "unreadable"
"""Key of a statement that can't be read, with the sentence that says why."""
WAY_BACK = "bring the file back from a copy of the home, or remove its folder and deliver the file again"
LONGEST_NAME = 255
"""Bytes of a file name (NAME_MAX of Linux and macOS)."""
MOST_SAID = 1 << 16
"""Bytes of a sidecar (ours): all its keys with long values take some thousand."""
NEW, ACCEPTED, REFUSED, OPENED = "new", "accepted", "refused", "opened"
"""What became of a delivery; an archive is opened, and its files are deliveries of their own."""


class StatementError(Exception):
    """A sidecar that can't be read, or that says what it can't say."""


@dataclass
class Snapshot:
    """One delivery: its bytes, and what is known of it. `sha256` is its id: a file a delivery, not a name."""

    sha256: str
    name: str
    bytes: int
    received_at: str
    ingest_sequence: int
    statement: dict[str, Any] = field(default_factory=dict)
    status: str = NEW
    kind: str | None = None
    countries: list[str] = field(default_factory=list)
    reason: str | None = None
    expected: str | None = None
    """What was expected of a refused delivery, in words of ours alone: what may be told outside the home."""
    judged_with: str | None = None
    report: dict[str, Any] = field(default_factory=dict)
    archive: str | None = None
    intake: int = 0
    """Number of the intake that it came in. Deliveries of one intake have no order; those of a later one are newer."""
    content_sha256: str = ""
    """sha256 of the bytes. It is the id of the delivery too, unless the same bytes came before under another date."""
    copies: list[str] = field(default_factory=list)
    """Other names under which the same bytes came, of the same date and round."""
    within: str | None = None
    """The bounds of reading that refused it (settings.py); with others it is judged again."""
    parts: dict[str, str] | None = None
    """What reading it wrote: sha256 of each part, by `TABLE/KEY`. None: it was not read, or by a version that did not note it."""

    def __post_init__(self) -> None:
        # records of homes that were made before intakes were numbered
        self.intake = self.intake or self.ingest_sequence
        self.content_sha256 = self.content_sha256 or self.sha256

    @property
    def number(self) -> str:
        """What it is called outside the home, where no file is named: its number in `dtm status`, and its kind."""
        return f"delivery {self.ingest_sequence}{f' ({self.kind})' if self.kind else ''}"

    def payload(self, home: Home) -> Path:
        return home.snapshots / self.sha256 / "payload"


def inbox_files(folder: Path, own: tuple[Path, ...] = ()) -> tuple[list[Path], list[str]]:
    """Files that are deliveries, sorted by name, and the names of what is left alone.

    Left alone are folders. Links and whatever else is no file are deliveries that `why_no_file` refuses. Hidden files and
    the sidecars of other files and of the folder are no deliveries, and folders of our own (`own`) are not told.
    """
    entries = sorted(f for f in folder.iterdir() if not f.name.startswith((".", "~$")) and f not in own)
    files = [f for f in entries if f.is_symlink() or not f.is_dir()]
    owners = {n for f in files if f.suffix != ".toml" for n in (f.stem, f.name)}
    deliveries = [f for f in files if f.name != DEFAULTS and not (f.suffix == ".toml" and f.stem in owners)]
    return deliveries, [printable(f.name) for f in entries if f not in files]


def why_no_file(file: Path) -> str | None:
    """Why an entry of an inbox is not opened: a link may lead anywhere, and what is no file may never end."""
    try:
        mode = file.lstat().st_mode
    except OSError as error:
        return f"can't be read ({error.strerror}); it is taken when it can"
    if stat.S_ISLNK(mode):
        return "is a link, which is not followed; expected the file itself; copy it into the inbox"
    return None if stat.S_ISREG(mode) else "is no file; expected a file that was delivered; remove it from the inbox"


def printable(name: str) -> str:
    """A file name that can be printed and stored: no line breaks, no bytes that are no text."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def beside(file: Path, ending: str) -> Path:
    """The file that stands beside another under its name with an ending, cut where no system takes so long a name."""
    kept = os.fsencode(file.name)[: LONGEST_NAME - len(ending)].decode("utf-8", "ignore")
    return file.with_name(kept + ending)


def sidecars_of(file: Path) -> list[Path]:
    """Where the sidecar of a file may lie: `NAME.EXT.toml`, `NAME.toml`."""
    names = (f"{file.name}.toml", file.with_suffix(".toml").name)
    return [file.with_name(n) for n in names if len(os.fsencode(n)) <= LONGEST_NAME]


def read_statement(file: Path, sidecar: Path | None = None, folder: Path | None = None) -> dict[str, Any]:
    """What the sidecar `NAME.toml` (or `NAME.EXT.toml`) says, over what `_defaults.toml` says of all files of the folder.

    Args:
        sidecar: where it goes by another name.
        folder: the folder whose `_defaults.toml` holds, where it is not that of the file.

    Raises:
        StatementError: unreadable, not TOML, an unknown key, or a value of the wrong type or form.
    """
    defaults = (folder or file.parent) / DEFAULTS
    said = _read_toml(defaults) if defaults.is_file() and not defaults.is_symlink() else {}
    if wrong := sorted(set(said) - set(OF_FOLDERS)):
        raise StatementError(
            f"{DEFAULTS}: {wrong[0]!r} is said of one delivery, never of a folder; a folder can say {', '.join(OF_FOLDERS)}"
        )
    for one in (sidecar,) if sidecar else sidecars_of(file):
        if one.is_file() and not one.is_symlink() and one != file:
            return said | _read_toml(one)
    return said


def _read_toml(sidecar: Path) -> dict[str, Any]:
    try:
        with sidecar.open("rb") as file:
            content = file.read(MOST_SAID + 1)
        if len(content) > MOST_SAID:
            raise StatementError(f"{sidecar.name}: has more than {MOST_SAID:,} bytes, which is no sidecar")
        said = tomllib.loads(content.decode("utf-8"))
    except RecursionError:
        raise StatementError(f"{sidecar.name}: is nested beyond reason") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StatementError(f"{sidecar.name}: is not readable as TOML: {error}") from error
    return checked_statement(said, sidecar.name)


def checked_statement(said: dict[str, Any], name: str) -> dict[str, Any]:
    """A statement whose values are of the right types and forms, dates and rounds as text.

    Args:
        name: of the sidecar.

    Raises:
        StatementError: an unknown key, or a value of the wrong type or form.
    """

    def wrong(key: str, expected: str) -> StatementError:
        return StatementError(f"{name}: {key} = {said[key]!r} is not what is expected: {expected}")

    unknown = sorted(set(said) - set(STATEMENT_KEYS))
    if unknown:
        raise StatementError(f"{name}: unknown key {unknown[0]!r}; known are {', '.join(STATEMENT_KEYS)}")
    for key in ("replaces", "adds"):
        if not isinstance(said.get(key, False), bool):
            raise wrong(key, "true or false")
    if said.get("replaces") and said.get("adds"):
        raise StatementError(f"{name}: says both replaces and adds; a delivery does one of them")
    checked = dict(said)
    if isinstance(said.get("round"), int) and not isinstance(said["round"], bool):
        checked["round"] = str(said["round"])
    for key in TEXTS:
        if not isinstance(checked.get(key, ""), str) or (key in checked and not checked[key].strip()):
            raise wrong(key, "a text")
    for key, known in (("population_group", POPULATION_GROUPS), ("date_order", ("dmy", "mdy"))):
        if checked.get(key, known[0]) not in known:
            raise wrong(key, f"one of {', '.join(known)}")
    _check_country_and_date(said, checked, wrong)
    return checked


def _check_country_and_date(
    said: dict[str, Any], checked: dict[str, Any], wrong: Callable[[str, str], StatementError]
) -> None:
    if "country" in said:
        checked["country"] = str(said["country"]).upper()
        if not COUNTRY.fullmatch(checked["country"]):
            raise wrong("country", "an ISO 3166-1 alpha-3 code such as IRQ")
    if "reference_date" in said:
        try:
            checked["reference_date"] = date.fromisoformat(str(said["reference_date"])).isoformat()
        except ValueError as error:
            raise wrong("reference_date", "a date, YYYY-MM-DD") from error


class SnapshotStore:
    """The snapshots of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._seen_file = home.snapshots / "seen.json"

    def known_hashes(self, deep: bool = False) -> KnownHashes:
        """Hashes of files of the home and its inboxes, as far as they are known.

        Args:
            deep: read every file again.
        """
        return KnownHashes(self._seen_file, deep)

    def forget_hashes(self) -> None:
        """Forget what is known of files, their names among it; each is read again when it is next asked for."""
        self._seen_file.unlink(missing_ok=True)

    def all(self) -> list[Snapshot]:
        """Every delivery, in the order in which it came.

        Raises:
            DamagedHomeError: a record is gone or can't be read.
        """
        return sorted(map(self.read, self.folders()), key=lambda s: s.ingest_sequence)

    def folders(self) -> list[Path]:
        """The folders of deliveries; a delivery that is being stored has another name."""
        return (
            sorted(f for f in self.home.snapshots.glob("*") if ID.fullmatch(f.name))
            if self.home.snapshots.is_dir()
            else []
        )

    def read(self, folder: Path) -> Snapshot:
        """The record of a delivery.

        Raises:
            DamagedHomeError: it is gone, can't be read, or is that of another.
        """
        file = folder / "record.json"
        try:
            record = Snapshot(**json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, TypeError, OSError) as error:
            if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
                raise
            gone = "is gone" if isinstance(error, FileNotFoundError) else "can't be read"
            raise DamagedHomeError(f"{file}: the record of a delivery {gone}; {WAY_BACK}") from error
        if record.sha256 != folder.name:
            raise DamagedHomeError(f"{file}: is the record of another delivery, {record.name}; {WAY_BACK}")
        return record

    def save(self, snapshot: Snapshot) -> None:
        write_json(self.home.snapshots / snapshot.sha256 / "record.json", asdict(snapshot))

    def hashes(self, files: list[Path], remember: bool = True) -> tuple[dict[Path, str], dict[Path, str]]:
        """sha256 of files, and for those that can't be read the reason.

        A file that has not changed since it was last hashed is not read again, if it is one to `remember`.
        """
        known = self.known_hashes()
        found: dict[Path, str] = {}
        unreadable: dict[Path, str] = {}
        for file in files:
            try:
                found[file] = known.of(file)
            except OSError as error:
                unreadable[file] = f"can't be read ({error.strerror}); it is taken when it can"
        known.remember(remember)
        return found, unreadable

    def take(self, file: Path, snapshot: Snapshot) -> Snapshot:
        """Store a file's bytes and its record; both are on the disk when this returns.

        Raises:
            OSError: the file can't be read any more, or the home can't be written.
            StatementError: it changed while it was read.
        """
        folder = self.home.snapshots / f"{TAKING}{snapshot.sha256}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            self._store_payload(file, snapshot, folder)
            snapshot.bytes = (folder / "payload").stat().st_size
            write_json(folder / "record.json", asdict(snapshot))
            # bytes and record come together: a folder without one of them is damaged
            folder.replace(self.home.snapshots / snapshot.sha256)
        except (OSError, StatementError):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        to_disk(self.home.snapshots)
        return snapshot

    def _store_payload(self, file: Path, snapshot: Snapshot, folder: Path) -> None:
        copy = folder / ".payload.tmp"
        shutil.copyfile(file, copy)
        if digest(copy) != snapshot.content_sha256:
            copy.unlink()
            raise StatementError("changed while it was read; it is taken at the next run")
        to_disk(copy)
        copy.replace(folder / "payload")
        to_disk(folder)

    def damaged(self, snapshots: list[Snapshot], deep: bool = False) -> list[Snapshot]:
        """Those whose payload is gone, or whose bytes are not those that were delivered.

        Args:
            deep: read every payload, whatever is known of it.
        """
        known = self.known_hashes(deep)
        found = [s for s in snapshots if not known.is_whole(s.payload(self.home), s.content_sha256)]
        known.remember()
        return found

    def damaged_payloads(self, snapshots: list[Snapshot] | None = None, deep: bool = False) -> list[str]:
        """Sentences on stored bytes that are not those that came, and the way back; of all deliveries, where none are named."""
        return [
            f"{s.payload(self.home)}: the stored bytes of {s.name} are gone or not those that came; "
            f"deliver the same file again, or bring it back from a copy of the home"
            for s in self.damaged(self.all() if snapshots is None else snapshots, deep)
        ]

    def mend(self, file: Path, snapshot: Snapshot) -> None:
        """Put the bytes of a file in the place of a damaged payload. What was read of that is read again.

        Raises:
            OSError, StatementError: as for `take`.
        """
        self._store_payload(file, snapshot, self.home.snapshots / snapshot.sha256)
        snapshot.judged_with = None
        self.save(snapshot)


def redated_id(content_sha256: str, labels: tuple[str | None, str | None]) -> str:
    """The id of bytes that came before under another date or round: of the bytes and these labels."""
    return hashlib.sha256("\n".join([content_sha256, *(str(label) for label in labels)]).encode()).hexdigest()
