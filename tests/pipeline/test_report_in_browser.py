"""The report, opened in a real browser without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=15000", "--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> str:
    found = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
    if found is None:
        assert not os.environ.get("CI"), "CI installs Chromium: this test can't be skipped there"
        pytest.skip("no Chromium on this machine; CI installs one")
    return found


def opened(chromium: str, page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page after its scripts have run, and what they said."""
    command = [chromium, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return told.stdout, [line for line in told.stderr.splitlines() if "CONSOLE" in line]


def test_the_report_draws_every_chart_and_its_scripts_complain_of_nothing(
    chromium: str, release_folder: Path, tmp_path: Path
) -> None:
    page = release_folder / "report" / "index.html"
    dom, console = opened(chromium, page, tmp_path)
    assert console == []
    drawn = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    charts = re.findall(r'<div id="(\w+)"', drawn)
    assert set(charts) == {"idp_IRQ", "returnee_IRQ", "severity_IRQ", "trend_IRQ", "flow_IRQ"}
    assert drawn.count("<svg") == len(charts)
    assert drawn.count('role="graphics-symbol"') > 100, "circles on the maps, points on the lines"


def test_the_report_shows_the_headline_figures_of_the_tables(
    chromium: str, release_folder: Path, tmp_path: Path
) -> None:
    import polars as pl

    dom, _ = opened(chromium, release_folder / "report" / "index.html", tmp_path)
    latest = pl.read_parquet(release_folder / "tables" / "out_dtm__latest.parquet")
    for people in latest.group_by("series_id").agg(pl.col("individuals").sum())["individuals"]:
        assert f"<b>{people:,}</b>" in dom
