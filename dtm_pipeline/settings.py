"""Where things are: the home, the inbox, the reference data. Environment: DTM_HOME, DTM_INBOX, DTM_REFERENCE, DTM_SETTLE_SECONDS."""

from __future__ import annotations

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
    """A file of the home's inbox that changed less than this ago is looked at again: it may still be growing."""
    reference: Path = Field(default_factory=lambda: _shipped("reference", "_reference"))
    dagster_yaml: Path = Field(default_factory=lambda: _shipped("dagster.yaml", "_dagster.yaml"))
