"""Nothing sensitive reaches a release, an output, a log or the orchestrator's metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import dtm

# the samples' survey holds invented informants, devices and answers
SECRETS = (
    b"Sample Person",
    b"+964 000",
    b"collect:sample",
    b"enumerator_1",
    b"sometimes",
    b"about 20",
    b"q_blocked_returns",
)


def files(folder: Path) -> list[Path]:
    return [f for f in folder.rglob("*") if f.is_file()]


@pytest.mark.parametrize("part", ["releases", "dagster", "quality", "logs"])
def test_no_informant_answer_or_rejected_value_stands_in(released: Path, part: str) -> None:
    for file in files(released / part):
        content = file.read_bytes()
        assert [s for s in SECRETS if s in content] == [], file


def test_no_informant_answer_or_rejected_value_is_printed_by_a_run(samples: Path, tmp_path: Path) -> None:
    told = dtm("run", "--inbox", samples, "--home", tmp_path)
    assert [s for s in SECRETS if s.decode() in told.out + told.err] == []


def test_the_survey_holds_these_secrets_and_the_warehouse_keeps_them_to_its_owner(
    samples: Path, released: Path
) -> None:
    survey = next(samples.glob("return_conditions_*.csv")).read_bytes()
    assert all(s in survey for s in SECRETS[:4])
    for folder in ("snapshots", "warehouse", "dagster", "quality", "logs"):
        assert (released / folder).stat().st_mode & 0o077 == 0, folder


def test_the_report_needs_no_network(release_folder: Path) -> None:
    page = (release_folder / "report" / "index.html").read_text(encoding="utf-8")
    for part in ('src="http', "src='http", 'href="http', "@import", "<link"):
        assert part not in page
