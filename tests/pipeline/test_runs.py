"""Runs: what is new is taken, what is not starts nothing, one bad file never stops the others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.archives import ArchiveLimits
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.inbox import take_files
from sources.child import Task, read_and_store
from sources.dates import labels_of_name
from tests.conftest import dtm, dtm_process

API = {"operation": "Iraq conflict", "admin0Name": "Iraq", "admin0Pcode": "IRQ", "admin1Name": "Ninewa", "admin1Pcode": "IRQ-G15", "admin2Name": "Al-Mosul", "admin2Pcode": "IRQ-G15Q05", "yearReportingDate": 2020, "monthReportingDate": 2, "roundNumber": 1, "assessmentType": "BA"}  # fmt: skip


def answer(path: Path, *figures: tuple[str, int], **more: object) -> Path:
    """An API answer with one district on some dates."""
    rows = [
        {"id": i, **API, "reportingDate": f"{day}T00:00:00", "numPresentIdpInd": people, **more}
        for i, (day, people) in enumerate(figures)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"result": rows, "isSuccess": True, "statusCode": 200, "errorMessages": []}))
    return path


def district(home: Path) -> list[tuple[str, int]]:
    folder = Path(dtm("releases", "path", "--home", home).out.strip())
    frame = pl.read_parquet(folder / "tables" / "out_dtm__district_idp.parquet")
    return [(d.isoformat(), n) for d, n in frame.select("reference_date", "idp_individuals").rows()]


def test_a_second_run_with_nothing_new_is_unchanged_quick_and_makes_no_release(samples: Path, tmp_path: Path) -> None:
    assert dtm("run", "--inbox", samples, "--home", tmp_path).code == 6
    raw = {f: f.stat().st_mtime_ns for f in (tmp_path / "warehouse").rglob("*.parquet")}
    began = time.perf_counter()
    told = dtm_process("run", "--inbox", samples, "--home", tmp_path)
    assert time.perf_counter() - began < 2
    assert (told.code, told.out.startswith("unchanged")) == (0, True)
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "warehouse").rglob("*.parquet")} == raw
    assert len(dtm("releases", "list", "--json", "--home", tmp_path).json()) == 1


def test_a_corrected_answer_replaces_the_one_before_and_the_release_says_what_moved(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "a.json", ("2020-02-29", 600), ("2020-04-30", 500))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    answer(inbox / "b.json", ("2020-02-29", 660))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert district(home) == [("2020-02-29", 660), ("2020-04-30", 500)]
    changes = dtm("releases", "show", "--json", "--home", home).json()["changes"]
    assert changes["figures_moved"] == [
        {"series_id": "irq_idp", "reference_date": "2020-02-29", "before": 600, "now": 660}
    ]
    assert [d["number"] for d in changes["because"]["new_deliveries"]] == [2]
    # the date after it is compared with it
    assert changes["tables"]["out_dtm__district_idp"] == {"added": 0, "removed": 0, "changed": 2}


def test_the_same_bytes_under_two_names_count_once(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    shutil.copy(answer(inbox / "a.json", ("2020-02-29", 600)), inbox / "copy of a.json")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert district(home) == [("2020-02-29", 600)]
    assert len(dtm("status", "--json", "--home", home).json()["deliveries"]) == 1


def test_content_that_comes_again_in_other_bytes_makes_no_release(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    answer(inbox / "b.json", ("2020-02-29", 600), extra="field")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert len(dtm("releases", "list", "--json", "--home", home).json()) == 1


def test_files_of_an_inbox_are_read_and_never_moved(samples: Path, released: Path) -> None:
    assert released.is_dir()
    assert len(list(samples.glob("*.*"))) == 13


def test_broken_deliveries_are_each_one_sentence_and_the_rest_is_released(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "good.json", ("2020-02-29", 600))
    (inbox / "empty.csv").touch()
    (inbox / "zip.xlsx").write_bytes(b"PK\x03\x04broken")
    (inbox / "failed.json").write_text('{"result":[],"isSuccess":false,"errorMessages":["key"],"statusCode":401}')
    (inbox / "cut.json").write_bytes((inbox / "good.json").read_bytes()[:200])
    (inbox / "unknown.csv").write_text("a,b\n1,2\n")
    (inbox / "arabic.csv").write_bytes("العراق,1\n".encode("cp1256"))
    (inbox / "page.json").write_text(
        json.dumps(
            {
                "result": [{**API, "reportingDate": "2020-02-29T00:00:00", "numPresentIdpInd": 1}],
                "isSuccess": True,
                "totalRecordsCount": 900,
            }
        )
    )
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 6
    assert "Traceback" not in told.err
    for name, says in {
        "empty.csv": "is empty",
        "zip.xlsx": "can't be opened",
        "failed.json": "status 401: key",
        "cut.json": "is cut off at line 1",
        "unknown.csv": "of no known kind",
        "arabic.csv": "of no known kind",
        "page.json": "holds 1 of 900 records",
    }.items():
        lines = [line for line in told.err.splitlines() if line.startswith(f"refused {name}: ")]
        assert len(lines) == 1, name
        assert says in lines[0]
    assert district(home) == [("2020-02-29", 600)]


def test_when_everything_is_refused_the_exit_code_says_so(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "unknown.csv").write_text("a,b\n1,2\n")
    assert dtm("run", "--inbox", inbox, "--home", tmp_path / "home").code == 3


SIDECARS = [
    ('country = "IRQ', "not readable as TOML"),
    ("colour = 3\n", "unknown key 'colour'"),
    ('kind = "poem"\n', "expected one of master_list, "),
    ('kind = ["a"]\n', "what is expected: a text"),
    ('country = "Iraq"\n', "an ISO 3166-1 alpha-3 code"),
    ('country = "../../../evil"\n', "an ISO 3166-1 alpha-3 code"),
    ('country = "SYR"\n', "it holds IRQ; expected SYR, as its sidecar says"),
    ('population_group = "people"\n', "one of idp, idp_returnee"),
    ("reference_date = 5\n", "a date, YYYY-MM-DD"),
    ('reference_date = "2020-02-29"\n', "the sheet has one in every row"),
    ('replaces = "yes"\n', "true or false"),
    ("replaces = true\nadds = true\n", "says both replaces and adds"),
    ('series = "irq_idpp"\n', "expected one of reference/series.toml: irq_idp"),
    ('series = "irq_returnee"\n', "it holds IRQ, idp; expected IRQ, idp_returnee"),
]


def test_sidecars_that_cannot_be_used_refuse_their_deliveries_and_mending_them_is_enough(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    for i, (sidecar, _) in enumerate(SIDECARS):
        answer(inbox / f"{i}.json", (f"2020-01-{i + 1:02}", 600 + i))
        (inbox / f"{i}.toml").write_text(sidecar)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 3
    refused = dict(
        line.removeprefix("refused ").split(": ", 1) for line in told.err.splitlines() if line.startswith("refused ")
    )
    assert len(refused) == len(SIDECARS)
    for i, (_, says) in enumerate(SIDECARS):
        assert says in refused[f"{i}.json"], says
    for i in range(len(SIDECARS)):
        (inbox / f"{i}.toml").write_text('terms = "CC BY-IGO"\n')
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert district(home) == [(f"2020-01-{i + 1:02}", 600 + i) for i in range(len(SIDECARS))]


def test_a_gate_refuses_a_jump_readers_stay_and_a_named_person_can_waive_it(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    answer(inbox / "b.json", ("2020-02-29", 6000))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 1
    assert "gate no_headline_figure_jumps refused IRQ" in told.err
    assert district(home) == [("2020-02-29", 600)]
    assert dtm("run", "--inbox", inbox, "--home", home).code == 1, "the next night says so again"
    assert "refused by a gate: IRQ (no_headline_figure_jumps" in dtm("status", "--home", home).out
    assert dtm("run", "--inbox", inbox, "--home", home, "--waive", "no_headline_figure_jumps").code == 2, (
        "a waiver says why"
    )
    assert (
        dtm(
            "run",
            "--inbox",
            inbox,
            "--home",
            home,
            "--waive",
            "no_headline_figure_jumps=checked with the field",
            "--by",
            "A. Analyst",
        ).code
        == 0
    )
    assert "refused by a gate" not in dtm("status", "--home", home).out
    assert district(home) == [("2020-02-29", 6000)]
    waivers = dtm("releases", "show", "--json", "--home", home).json()["manifest"]["waivers"]
    assert waivers["no_headline_figure_jumps"] == "checked with the field (A. Analyst)"


def test_one_country_alone_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "iraq.json", ("2020-02-29", 600))
    answer(
        inbox / "chad.json",
        ("2020-02-29", 70),
        admin0Pcode="TCD",
        operation="Lake Chad Basin Crisis",
        admin1Pcode="TD07",
        admin2Pcode="TD0704",
    )
    assert dtm("run", "--inbox", inbox, "--home", home, "--country", "TCD").code == 0
    assert district(home) == [("2020-02-29", 70)]
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert sorted(n for _, n in district(home)) == [70, 600]


def test_a_second_run_at_the_same_time_is_told_that_the_home_is_held(tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    answer(inbox / "a.json", ("2020-02-29", 600))
    held = "import sys, time; from pathlib import Path; from dtm_pipeline.storage.home import Home\nwith Home(Path(sys.argv[1])).create().held():\n    print('held', flush=True); time.sleep(30)"
    with subprocess.Popen([sys.executable, "-c", held, str(home)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == "held"
        told = dtm("run", "--inbox", inbox, "--home", home)
        other.kill()
    assert (told.code, "another run holds this home" in told.err) == (4, True)
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0, "the lock falls with the process"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run", "--inbox", "/nowhere"), 2, "is no folder"),
        (("run", "--country", "Iraq"), 2, "ISO 3166-1 alpha-3"),
        (("status", "--home", "/nowhere"), 2, "there is no home here"),
        (("releases", "verify"), 2, "holds no release yet"),
        (("releases", "path", "2020-01-01.1"), 2, "there is no release"),
        (("quarantine", "show", "nothing.csv"), 2, "no delivery is named"),
        (
            ("boundaries", "import", "/nowhere.geojson", "--country", "IRQ", "--edition", "x"),
            2,
            "there is no such file",
        ),
        (("boundaries", "import", "/nowhere.geojson", "--country", "Iraq", "--edition", "x"), 2, "ISO 3166-1 alpha-3"),
        (("run", "--colour"), 2, "No such option"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    home = tmp_path / "home"
    (home / "warehouse").mkdir(parents=True)
    options = () if "--home" in arguments else ("--home", str(home))
    told = dtm(*arguments, *options)
    assert told.code == code
    assert says in told.err
    assert "Traceback" not in told.err


def test_a_damaged_state_is_computed_anew_and_a_damaged_pointer_is_written_anew(tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    answer(inbox / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    (home / "warehouse" / "state.json").write_text("not json")
    (home / "releases" / "partner" / "latest.json").write_text("{")
    told = dtm("status", "--home", home)
    assert (told.code, "the next `dtm run` writes it anew" in told.err) == (2, True)
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert dtm("releases", "verify", "--home", home).code == 0
    assert len(dtm("releases", "list", "--json", "--home", home).json()) == 1


def test_an_internal_error_names_its_type_and_a_log_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    answer(inbox / "a.json", ("2020-02-29", 600))

    def defect(*_: object, **__: object) -> None:
        raise ValueError("Sample " + "Person 1")

    monkeypatch.setattr("assets.core.facts.stock_facts", defect)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 70
    assert "Sample" not in told.err
    log = Path(told.err.strip().rsplit("see ", 1)[1])
    assert log.stat().st_mode & 0o077 == 0
    assert "ValueError" in log.read_text()
    for file in home.rglob("*"):
        assert not file.is_file() or b"Sample Person" not in file.read_bytes(), file


def test_a_defect_in_the_face_of_one_file_never_stops_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file = Home(tmp_path / "home").create(), tmp_path / "odd.csv"
    file.write_text("a,b\n")
    [snapshot] = take_files(home, [file], ArchiveLimits(9, 10**9, 99, 1), labels_of_name).taken

    def defect(*_: object, **__: object) -> None:
        raise ValueError("Sample " + "Person 1")

    monkeypatch.setattr("sources.master_list.find_header", defect)
    told = read_and_store(Task(home.root, Settings().reference, snapshot, (), home.scratch))
    assert told.refused is not None
    assert told.refused.startswith(
        "could not be read: internal error (ValueError); expected no defect of ours; report it with "
    )
    [log] = home.logs.iterdir()
    assert "Sample Person 1" not in log.read_text()


def test_a_file_that_cannot_be_read_or_is_no_file_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "good.json", ("2020-02-29", 600))
    (inbox / "gone.csv").symlink_to(tmp_path / "nowhere")
    (inbox / "folder").mkdir()
    os.mkfifo(inbox / "endless.csv")
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n")
    (inbox / "elsewhere.csv").symlink_to(secret)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 6
    assert "left alone folder: is no file" in told.err
    for name, why in (("gone", "is a link"), ("elsewhere", "is a link"), ("endless", "is no file")):
        assert f"refused {name}.csv: {why}" in told.err
    assert len(list((home / "snapshots").glob("*/payload"))) == 1
    assert district(home) == [("2020-02-29", 600)]


def test_the_same_bytes_under_two_names_with_one_sidecar_settle(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    shutil.copy(answer(inbox / "a.json", ("2020-02-29", 600)), inbox / "b.json")
    (inbox / "b.toml").write_text('terms = "CC BY-IGO"\n')
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert dtm("run", "--inbox", inbox, "--home", home).out.startswith("unchanged")


def test_a_delivery_of_another_country_is_no_part_of_the_release_of_one(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "iraq.json", ("2020-02-29", 600))
    answer(inbox / "chad.json", ("2020-02-29", 70), admin0Pcode="TCD", operation="Lake Chad Basin Crisis")
    assert dtm("run", "--inbox", inbox, "--home", home, "--country", "IRQ").code == 0
    manifest = dtm("releases", "show", "--json", "--home", home).json()["manifest"]
    assert [s["countries"] for s in manifest["snapshots"]] == [["IRQ"]]


def test_a_gate_that_nobody_knows_can_not_be_waived(tmp_path: Path) -> None:
    told = dtm("run", "--inbox", tmp_path, "--home", tmp_path / "home", "--waive", "typo=why")
    assert (told.code, "there is no gate 'typo'" in told.err) == (2, True)


def test_a_record_that_is_no_record_refuses_its_answer(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    good = answer(inbox / "good.json", ("2020-02-29", 600)).read_text()
    strays = ["5", "null", '"x"', "[]"]
    for i, stray in enumerate(strays):
        (inbox / f"{i}.json").write_text(good.replace("}]", "}, " + stray + "]"))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 6
    assert told.err.count("record 2 of its result is no record") == len(strays)


def test_help_answers_without_a_heavy_import() -> None:
    code = "import sys; import dtm_pipeline.cli; print([m for m in ('polars','dagster','pandera','geopandas','great_expectations','pyarrow','altair','pydantic') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [("status",), ("releases", "list"), ("quarantine", "list")])
def test_commands_that_only_read_import_none_of_the_heavy_four(released: Path, command: tuple[str, ...]) -> None:
    code = f"import sys; from dtm_pipeline.cli import app\ntry:\n    app({[*command, '--home', str(released)]!r})\nexcept SystemExit: pass\nprint([m for m in ('dagster','pandera','geopandas','great_expectations') if m in sys.modules], file=sys.stderr)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stderr.strip() == "[]"


def test_a_home_marked_as_demo_takes_no_real_delivery(tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    home.mkdir()
    (home / "demo.json").write_text('{"demo": true, "samples": []}')
    answer(inbox / "a.json", ("2020-02-29", 600))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "marked as demo" in told.err) == (3, True)


def test_a_home_with_real_deliveries_becomes_no_demo(tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    answer(inbox / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    told = dtm("demo", "--home", home)
    assert (told.code, "holds real deliveries" in told.err) == (2, True)


def test_nothing_is_written_outside_the_home(tmp_path: Path) -> None:
    user, home, inbox = tmp_path / "user", tmp_path / "home", tmp_path / "inbox"
    user.mkdir()
    answer(inbox / "a.json", ("2020-02-29", 600))
    before = set(Path.cwd().iterdir())
    told = dtm_process(
        "run", "--inbox", inbox, "--home", home, env={"HOME": str(user), "XDG_CACHE_HOME": str(user / "cache")}
    )
    assert told.code == 0
    assert [f for f in user.rglob("*") if f.is_file() and "fontconfig" not in str(f)] == []
    assert set(Path.cwd().iterdir()) - before <= {Path.cwd() / ".pytest_cache", Path.cwd() / ".hypothesis"}
    assert [f.name for f in inbox.iterdir()] == ["a.json"]
