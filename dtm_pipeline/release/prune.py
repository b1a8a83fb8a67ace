"""What a home keeps, and for how long: old releases and logs beyond the declared retention are removed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dtm_pipeline.release.pointer import ReleaseError, all_releases, latest_release
from dtm_pipeline.storage.errors import ReferenceDataError
from dtm_pipeline.storage.home import Home

PRUNED = ".pruned-"
DAY = 24 * 3600


@dataclass(frozen=True)
class Retention:
    """How much a home keeps (`[retention]` of reference/thresholds.toml).

    Attributes:
        releases: newest releases; the latest is always kept.
        runs: newest runs in Dagster's history, with their events.
        log_days: age of the logs of internal errors.
    """

    releases: int
    runs: int
    log_days: int

    @classmethod
    def of(cls, thresholds: Mapping[str, Mapping[str, Any]]) -> Retention:
        """The numbers of `[retention]`.

        Raises:
            ReferenceDataError: one is no whole number from 1.
        """
        told = {f.name: thresholds["retention"][f.name] for f in fields(cls)}
        for name, number in told.items():
            if number < 1:
                raise ReferenceDataError(
                    f"thresholds.toml: [retention] {name} is a whole number from 1; found {number!r}; correct the file"
                )
        return cls(**told)


@dataclass
class Pruned:
    """What was removed, or would be: names of releases, logs, and their bytes."""

    releases: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    bytes: int = 0


def prune_files(home: Home, retention: Retention, dry_run: bool = False) -> Pruned:
    """Remove releases and logs beyond the retention. A release goes in one move; one that is half removed is no release.

    Returns:
        What was removed, or with `dry_run` would be.
    """
    told = Pruned()
    for half in home.releases.glob(f"{PRUNED}*"):
        shutil.rmtree(half, ignore_errors=True)
    try:
        latest = latest_release(home.releases)
    except ReleaseError:
        return told  # nothing is removed from under a pointer that can't be read
    old = all_releases(home.releases)[: -retention.releases]
    for release in (r for r in old if latest is not None and r.name != latest.name):
        told.releases.append(release.name)
        told.bytes += _size(release.folder)
        if not dry_run:
            gone = home.releases / f"{PRUNED}{release.name}"
            release.folder.replace(gone)
            shutil.rmtree(gone, ignore_errors=True)
    for log in home.logs.glob("error-*.log"):
        if time.time() - log.stat().st_mtime > retention.log_days * DAY:
            told.logs.append(log.name)
            told.bytes += log.stat().st_size
            if not dry_run:
                log.unlink(missing_ok=True)
    return told


def _size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
