"""The warehouse against what was noted of it: every part by name and hash. It can be made again, and never counts as empty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from dtm_pipeline.storage.hashes import KnownHashes
from dtm_pipeline.storage.home import DamagedHomeError, Home
from dtm_pipeline.storage.snapshots import ACCEPTED, ARCHIVE, Snapshot, SnapshotStore

SUFFIX = ".parquet"
LAYERS = ("raw", "quarantine", "core", "out")


@dataclass
class WarehouseState:
    """What is wrong with a warehouse.

    Attributes:
        missing, damaged, foreign: names of parts, `TABLE/KEY`; a foreign one is of nothing that is known.
        snapshots: deliveries that are read again for it.
        countries: countries that are computed again for it.
    """

    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    snapshots: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)


def part_files(home: Home) -> dict[str, Path]:
    """Every part on disk, by `TABLE/KEY`."""
    files = (f for layer in LAYERS for f in (home.warehouse / layer).glob(f"*/*{SUFFIX}"))
    return {part_name(f): f for f in files}


def part_name(file: Path) -> str:
    """`TABLE/KEY` of the file of a part."""
    return f"{file.parent.name}/{file.name.removesuffix(SUFFIX)}"


def check_warehouse(
    home: Home, snapshots: list[Snapshot], computed: dict[str, str], deep: bool = False
) -> WarehouseState:
    """Hold the warehouse against the records of deliveries and of what was computed.

    Args:
        computed: sha256 of the parts of countries, by `TABLE/ISO3`.
        deep: read every part, whatever is known of it.
    """
    found = WarehouseState()
    files = part_files(home)
    known = SnapshotStore(home).known_hashes(deep)
    expected: dict[str, str] = {}
    for snapshot in snapshots:
        # one that is read anyway has no parts, or old ones
        if snapshot.kind == ARCHIVE or snapshot.judged_with is None:
            expected |= snapshot.parts or {}
            continue
        if snapshot.parts is None and snapshot.status == ACCEPTED:
            found.snapshots.add(snapshot.sha256)
            continue
        for name, sha256 in (snapshot.parts or {}).items():
            expected[name] = sha256
            if _wrong(name, sha256, files, known, found):
                found.snapshots.add(snapshot.sha256)
    for name, sha256 in computed.items():
        expected[name] = sha256
        if _wrong(name, sha256, files, known, found):
            found.countries.add(name.rsplit("/", 1)[1])
    found.foreign = sorted(set(files) - set(expected))
    known.remember()
    return found


def _wrong(name: str, sha256: str, files: dict[str, Path], known: KnownHashes, found: WarehouseState) -> bool:
    if name not in files:
        found.missing.append(name)
    elif not known.is_whole(files[name], sha256):
        found.damaged.append(name)
    else:
        return False
    return True


def forget_computed(home: Home) -> None:
    """Make the next run compute every country again, from what was read of the deliveries."""
    home.state_file.unlink(missing_ok=True)


def forget_read(home: Home) -> None:
    """Make the next run read every delivery again, and compute every country from that.

    Raises:
        DamagedHomeError: stored bytes are not those that came; nothing is forgotten.
    """
    store = SnapshotStore(home)
    snapshots = [s for s in store.all() if s.kind != ARCHIVE]
    if damaged := store.damaged_payloads(snapshots, deep=True):
        raise DamagedHomeError("; ".join(damaged))
    for snapshot in snapshots:
        store.save(replace(snapshot, judged_with=None))
    forget_computed(home)


def remove_foreign(home: Home, foreign: Iterable[str]) -> None:
    """Remove parts that nothing known made: what a killed run left, or what was put there. They are no figures of the home.

    Args:
        foreign: their names, as the plan has them.
    """
    files = part_files(home)
    for name in foreign:
        files[name].unlink(missing_ok=True)


def computed_parts(home: Home, countries: set[str], of_all: set[str], known: dict[str, str]) -> dict[str, str]:
    """sha256 of the parts of countries, by `TABLE/ISO3`: as they are on disk.

    Args:
        countries: those that were computed.
        of_all: tables that are computed for every country each time.
        known: parts of the others.
    """
    hashes = SnapshotStore(home).known_hashes()
    parts = {}
    for name, file in part_files(home).items():
        table, key = name.rsplit("/", 1)
        if key in countries or (table in of_all and name in known):
            parts[name] = hashes.of(file)
        elif name in known:
            parts[name] = known[name]
    hashes.remember()
    return parts
