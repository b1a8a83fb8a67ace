"""Where things are, and what reading one delivery may take. Environment: DTM_HOME, DTM_INBOX, DTM_REFERENCE, DTM_SETTLE_SECONDS, DTM_START_SECONDS,
DTM_READ_MEMORY_MB, DTM_READ_SECONDS, DTM_READ_OUTPUT_MB, DTM_READERS, DTM_FETCH_MB, DTM_FETCH_SECONDS,
DTM_SENSOR_SECONDS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGE = Path(__file__).parent


def _shipped(name: str, in_wheel: str) -> Path:
    """A file of the repository: inside the wheel under another name, beside the package in a checkout."""
    packed = PACKAGE / in_wheel
    return packed if packed.exists() else PACKAGE.parent / name


class Settings(BaseSettings):
    """One object for all settings; `--home` and `--inbox` of the command line lead over the environment."""

    model_config = SettingsConfigDict(env_prefix="DTM_", extra="ignore")

    home: Path = Path("var")
    inbox: Path | None = None
    settle_seconds: float = Field(default=2.0, ge=0)
    """A file of an inbox that changed less than this ago is looked at again: it may still be growing."""
    start_seconds: float = Field(default=300, gt=0)
    """A run of Dagster that holds no home so long after it was last heard has died (ours): a start takes seconds, on a loaded machine a minute."""
    read_memory_mb: int = Field(default=4096, ge=64)
    """Memory that reading one delivery may take: five times what the largest real kind took (a KoBoToolbox export of 520 MB: 0.8 GiB)."""
    read_seconds: float = Field(default=900, gt=0)
    """Time that reading one delivery may take (ours): the largest workbooks take seconds, a slow share some minutes."""
    read_output_mb: int = Field(default=8192, ge=1)
    """Size of a file that reading one delivery may write (ours): twice what an archive may unpack to (thresholds.toml)."""
    readers: int = Field(default=max(1, min(4, (os.cpu_count() or 2) - 1)), ge=1)
    """Processes that read deliveries side by side: a core is left for the run itself, and four fill most disks (ours)."""
    sensor_seconds: int = Field(default=60, ge=1)
    """How often the daemon looks into the inbox (ours)."""
    fetch_mb: int = Field(default=2048, ge=1)
    """Megabytes of one answer of a live system (ours): the largest export that was seen has 520 MB."""
    fetch_seconds: float = Field(default=3600, gt=0)
    """Time that a download may take in all (ours)."""
    reference: Path = Field(default_factory=lambda: _shipped("reference", "_reference"))
    dagster_yaml: Path = Field(default_factory=lambda: _shipped("dagster.yaml", "_dagster.yaml"))


@dataclass(frozen=True)
class Bounds:
    """What reading one delivery may take.

    Attributes:
        memory_mb, seconds, output_mb: memory, time, and size of a file that it writes.
    """

    memory_mb: int
    seconds: float
    output_mb: int

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """Those of the environment."""
        return cls(settings.read_memory_mb, settings.read_seconds, settings.read_output_mb)

    def __str__(self) -> str:
        return f"{self.memory_mb} MB, {self.seconds:g} s, {self.output_mb} MB a file"
