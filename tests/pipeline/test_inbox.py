"""The inbox: files that still grow wait, refused ones are given back with the reason, archives are opened."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.storage.archives import ArchiveLimits
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.inbox import GROWING, take_files, take_inbox
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from sources.dates import labels_of_name
from tests.conftest import dtm
from tests.pipeline.test_runs import answer, district

LIMITS = ArchiveLimits(20, 10**7, 200, 2)


def statuses(home: Path) -> dict[str, str]:
    return {d["name"]: d["status"] for d in dtm("status", "--json", "--home", home).json()["deliveries"]}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home whose inbox held a good delivery, a bad one with a sidecar, and two archives."""
    home = tmp_path_factory.mktemp("inbox") / "home"
    Home(home).create()
    inbox = home / "inbox"
    answer(inbox / "good.json", ("2020-02-29", 600))
    (inbox / "bad.csv").write_text("a,b\n1,2\n")
    (inbox / "bad.csv.toml").write_text('terms = "none"\n')
    answer(inbox / "in_zip.json", ("2020-03-31", 606))
    with zipfile.ZipFile(inbox / "delivery.zip", "w") as archive:
        archive.write(inbox / "in_zip.json", "march/in_zip.json")
        archive.writestr("march/odd.csv", "x,y\n3,4\n")
    (inbox / "in_zip.json").unlink()
    with zipfile.ZipFile(inbox / "hostile.zip", "w") as archive:
        archive.writestr("../../evil.csv", "1")
    answer_ = dtm("run", "--home", home)
    assert answer_.code == 6, answer_.err
    return home, answer_.err


def test_a_refused_file_lies_in_refused_with_its_sidecar_and_a_reason_to_forward(told: tuple[Path, str]) -> None:
    refused = told[0] / "inbox" / "refused"
    assert {f.name for f in refused.iterdir()} == {
        "bad.csv",
        "bad.csv.toml",
        "bad.csv.reason.txt",
        "hostile.zip",
        "hostile.zip.reason.txt",
        "delivery.zip.reason.txt",
    }
    letter = (refused / "bad.csv.reason.txt").read_text()
    assert "File: bad.csv" in letter
    assert "is of no known kind" in letter
    assert "Please send it again" in letter
    assert "a member's path leads out" in (refused / "hostile.zip.reason.txt").read_text()


def test_files_of_an_archive_are_deliveries_of_their_own(told: tuple[Path, str]) -> None:
    assert statuses(told[0]) == {
        "good.json": "accepted",
        "bad.csv": "refused",
        "delivery.zip": "opened",
        "delivery.zip/march/in_zip.json": "accepted",
        "delivery.zip/march/odd.csv": "refused",
        "hostile.zip": "refused",
    }
    # an archive of which a part is good stays, and its letter names the other part
    assert (told[0] / "inbox" / "delivery.zip").is_file()
    letter = (told[0] / "inbox" / "refused" / "delivery.zip.reason.txt").read_text()
    assert "delivery.zip/march/odd.csv" in letter
    assert "in_zip" not in letter


def test_nothing_was_written_outside_by_the_hostile_archive(told: tuple[Path, str]) -> None:
    assert not list(told[0].parent.rglob("evil.csv"))
    assert list((told[0] / "scratch").iterdir()) == []


def test_a_refused_file_that_is_put_back_unmended_is_given_back_again(told: tuple[Path, str]) -> None:
    home = told[0]
    (home / "inbox" / "again.csv").write_text("a,b\n1,2\n")
    again = dtm("run", "--home", home)
    assert "refused again.csv: it was refused before" in again.err
    assert (home / "inbox" / "refused" / "again.csv.reason.txt").is_file()


def test_a_file_that_grows_is_taken_when_it_has_stopped(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    file = home.inbox / "slow.json"
    file.write_text('{"result": [')
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            with file.open("a") as out:
                out.write(" ")
            time.sleep(0.02)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        first = take_inbox(home, home.inbox, LIMITS, labels_of_name, settle_seconds=0.3)
    finally:
        stop.set()
        writer.join()
    assert (first.taken, first.not_taken) == ([], {"slow.json": GROWING})
    then = take_inbox(home, home.inbox, LIMITS, labels_of_name, settle_seconds=0.1)
    assert [s.name for s in then.taken] == ["slow.json"]


def test_an_archive_that_was_stored_and_not_opened_is_opened_at_the_next_run(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n")
    store = SnapshotStore(home)
    digest = store.hashes([tmp_path / "a.zip"])[0][tmp_path / "a.zip"]
    store.take(tmp_path / "a.zip", Snapshot(digest, "a.zip", 0, "2024-01-01T00:00:00+00:00", 1))
    taken = take_files(home, [tmp_path / "a.zip"], LIMITS, labels_of_name)
    assert [s.name for s in taken.taken] == ["a.zip/a.csv"]
    assert {s.name: s.status for s in store.all()} == {"a.zip": "opened", "a.zip/a.csv": "new"}


def test_silence_takes_nothing_back_that_was_said_of_a_delivery(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    (tmp_path / "a.csv").write_text("a,b\n")
    take_files(home, [tmp_path / "a.csv"], LIMITS, labels_of_name, {"country": "IRQ"})
    assert take_files(home, [tmp_path / "a.csv"], LIMITS, labels_of_name).taken == []
    assert SnapshotStore(home).all()[0].statement == {"country": "IRQ"}


def test_a_survey_that_came_before_its_form_is_read_when_the_form_comes(tmp_path: Path) -> None:
    assert dtm("samples", "make", "--kind", "household_survey", "--rows", 8, "--out", tmp_path / "s").code == 0
    export, form = tmp_path / "s" / "msna_2024_export.xlsx", tmp_path / "s" / "msna_form.xlsx"
    home = tmp_path / "home"
    first = dtm("ingest", export, "--country", "IRQ", "--home", home)
    assert (first.code, "its XLSForm: put it into the inbox too" in first.err) == (3, True)
    then = dtm("ingest", form, "--home", home)
    assert then.code == 0, then.err
    assert statuses(home) == {export.name: "accepted", form.name: "accepted"}


def test_ingest_reads_files_and_leaves_the_tables_to_the_next_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer(tmp_path / "a.json", ("2020-02-29", 600))
    told = dtm("ingest", tmp_path / "a.json", "--home", home, "--json")
    assert (told.code, told.json()["deliveries"][0]["status"]) == (0, "accepted")
    assert not (home / "releases" / "partner" / "latest.json").exists()
    assert list((home / "warehouse" / "raw" / "raw_dtm__api_figure").glob("*.parquet"))
    assert dtm("ingest", tmp_path / "nowhere.csv", "--home", home).code == 2


def test_inspect_tells_what_a_file_is_and_writes_nothing(tmp_path: Path) -> None:
    assert dtm("samples", "make", "--kind", "event_report", "--rows", 8, "--out", tmp_path / "s").code == 0
    file = tmp_path / "s" / "event_tracking_2024-04.csv"
    before = {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*")}
    told = dtm("inspect", file)
    assert told.code == 0, told.err
    assert "event_tracking_2024-04.csv: event_report, IRQ" in told.out
    assert "Event type -> event_type" in told.out
    assert "rows 8: 7 can be used, 1 can't" in told.out
    assert "rejected row 5, column Event type: expected that Event type is one of conflict" in told.out
    as_json = dtm("inspect", file, "--json").json()
    assert (as_json["kind"], as_json["rows_in"], as_json["encoding"]) == ("event_report", 8, "utf-8-sig")
    assert {f: f.stat().st_mtime_ns for f in tmp_path.rglob("*")} == before


def test_status_says_which_figures_a_correction_moved(tmp_path: Path) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    answer(inbox / "a.json", ("2020-02-29", 600))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    answer(inbox / "b.json", ("2020-02-29", 606))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    moved = json.loads(dtm("status", "--json", "--home", home).out)["moved_figures"]
    assert [(m["series_id"], m["before"], m["now"]) for m in moved] == [("irq_idp", 600, 606)]
    assert "figures that moved with release" in dtm("status", "--home", home).out


def lists(inbox: Path, *names: str) -> bytes:
    """The same Master List of two places under several names."""
    headers = ["Place id", "Governorate", "District", "Location name", "Households", "Individuals"]
    headers += ["Anbar", "Babylon", "Baghdad", "Basrah", "Dahuk"]
    rows = [["1", "Ninewa", "Mosul", "A", 10, 60, 10, 0, 0, 0, 0], ["2", "Ninewa", "Mosul", "B", 5, 30, 5, 0, 0, 0, 0]]
    text = "\n".join(",".join(map(str, row)) for row in [headers, *rows]) + "\n"
    inbox.mkdir(exist_ok=True)
    for name in names:
        (inbox / name).write_text(text)
    return text.encode()


def by_date(home: Path) -> list[tuple[str, int | None, str]]:
    """Dates that are known with the people of the leading source, and the status of each."""
    release = Path(dtm("releases", "path", "--home", home).out.strip())
    rounds = pl.read_parquet(release / "tables" / "out_meta__round.parquet").sort("reference_date")
    told = rounds.select("reference_date", "individuals", "status").rows()
    return [(str(day), people, status) for day, people, status in told]


FEBRUARY, DECEMBER = "Round112_Master_List_IDP_2020-02-29.csv", "Round113_Master_List_IDP_2020-12-31.csv"


def test_a_refused_file_of_the_longest_name_is_given_back_with_its_reason(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "good.json", ("2020-02-29", 600))
    long = tmp_path / "inbox" / f"{'n' * 251}.csv"
    long.write_text("no,header,of,ours\n1,2,3,4\n")
    assert dtm("run", "--home", tmp_path).code == 6
    refused = tmp_path / "inbox" / "refused"
    assert sorted(f.name for f in refused.iterdir()) == sorted([long.name, f"{'n' * 244}.reason.txt"])
    told = dtm("retry", long.name, "--as", "dtm_api", "--home", tmp_path)
    assert (told.code, "no sidecar can be of so long a name; rename the file" in told.err) == (2, True), told.err


@pytest.mark.parametrize(
    ("said", "told"), [("a = " + "[" * 50_000, "is nested beyond reason"), ("#" * 70_000, "has more than 65,536 bytes")]
)
def test_a_sidecar_without_end_refuses_its_file_and_no_other(tmp_path: Path, said: str, told: str) -> None:
    answer(tmp_path / "inbox" / "good.json", ("2020-02-29", 600))
    answer(tmp_path / "inbox" / "odd.json", ("2020-02-29", 660)).with_name("odd.json.toml").write_text(said)
    run = dtm("run", "--inbox", tmp_path / "inbox", "--home", tmp_path / "home")
    assert (run.code, f"refused odd.json: odd.json.toml: {told}" in run.err) == (6, True), run.err
    assert district(tmp_path / "home") == [("2020-02-29", 600)]


@pytest.mark.parametrize("copy", ["Round112_Master_List_IDP_2020-02-29 (1).csv", "corrected.csv", "zz.csv"])
@pytest.mark.parametrize("together", [True, False])
def test_the_same_bytes_under_a_new_name_are_named_as_a_copy_and_count_once(
    tmp_path: Path, copy: str, together: bool
) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    lists(inbox, FEBRUARY)
    if not together:
        assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    lists(inbox, copy)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 0, told.err
    assert f"copy {copy}: its bytes are those of {FEBRUARY}, which counts once" in told.err
    assert by_date(home) == [("2020-02-29", 90, "complete")]
    assert "copy" not in dtm("run", "--inbox", inbox, "--home", home).err, "it is said once"


@pytest.mark.parametrize("together", [True, False])
def test_the_same_bytes_under_a_new_date_are_a_statement_of_their_own_that_waits(
    tmp_path: Path, together: bool
) -> None:
    home, inbox = tmp_path / "home", tmp_path / "inbox"
    lists(inbox, FEBRUARY)
    if not together:
        assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    lists(inbox, DECEMBER)
    assert dtm("run", "--inbox", inbox, "--home", home).code == 6
    assert by_date(home) == [("2020-02-29", 90, "complete"), ("2020-12-31", None, "held")]
    (inbox / f"{DECEMBER}.toml").write_text("replaces = true\n")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert by_date(home) == [("2020-02-29", 90, "complete"), ("2020-12-31", 90, "complete")]


def test_the_same_bytes_with_a_round_in_a_sidecar_are_a_statement_of_their_own(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    lists(tmp_path / "in", "a_2020-02-29.csv", "b_2020-02-29.csv")
    for name, number in (("a", 112), ("b", 113)):
        (tmp_path / "in" / f"{name}_2020-02-29.csv.toml").write_text(f"round = {number}\n")
    taken = take_inbox(home, tmp_path / "in", LIMITS, labels_of_name)
    assert sorted(s.name for s in taken.taken) == ["a_2020-02-29.csv", "b_2020-02-29.csv"]
    assert len({s.sha256 for s in taken.taken}) == 2
    assert len({s.content_sha256 for s in taken.taken}) == 1


REGISTERED = "Governorate,District,Registered families,Registered individuals,As of\nNinewa,Mosul,10,50,2024-03-31\n"


@pytest.fixture
def refused_home(tmp_path: Path) -> Path:
    """A home whose inbox held a figure that does not say whom it counts, nor in which country."""
    home = tmp_path / "home"
    Home(home).create()
    (home / "inbox" / "ministry.csv").write_text(REGISTERED)
    told = dtm("run", "--home", home)
    assert told.code == 3
    assert 'dtm retry "ministry.csv" --country ISO3 --group GROUP' in told.err
    return home


def test_a_refused_file_is_read_again_with_what_the_command_says_of_it(refused_home: Path) -> None:
    inbox = refused_home / "inbox"
    half = dtm("retry", "ministry.csv", "--country", "IRQ", "--home", refused_home)
    assert (half.code, half.err.count("refused ministry.csv")) == (3, 1)
    assert 'dtm retry "ministry.csv" --group GROUP' in half.err
    assert (inbox / "refused" / "ministry.csv").is_file()
    wrong = dtm("retry", "ministry.csv", "--group", "people", "--home", refused_home)
    assert (wrong.code, "one of idp, idp_returnee" in wrong.err) == (2, True)
    told = dtm("retry", "ministry.csv", "--group", "idp_returnee", "--home", refused_home)
    assert told.code == 0, told.err
    assert statuses(refused_home) == {"ministry.csv": "accepted"}
    # the file is back, and its sidecar says what was said
    assert (inbox / "ministry.csv.toml").read_text() == 'country = "IRQ"\npopulation_group = "idp_returnee"\n'
    assert (inbox / "ministry.csv").is_file()
    assert not list((inbox / "refused").iterdir())
    assert dtm("run", "--home", refused_home).code == 0
    again = dtm("retry", "ministry.csv", "--home", refused_home)
    assert (again.code, "no refused delivery" in again.err) == (2, True)


@pytest.mark.parametrize("folder", ["inbox", "inbox/refused"])
@pytest.mark.parametrize("name", ["ministry.csv.toml", "ministry.toml"])
def test_a_sidecar_laid_beside_a_refused_file_is_enough(refused_home: Path, folder: str, name: str) -> None:
    (refused_home / folder / name).write_text('country = "IRQ"\npopulation_group = "idp_returnee"\n')
    told = dtm("run", "--home", refused_home)
    assert (told.code, told.err.count("refused")) == (0, 0), told.err
    assert statuses(refused_home) == {"ministry.csv": "accepted"}
    assert {f.name for f in (refused_home / "inbox").iterdir()} == {"ministry.csv", name, "refused"}
    assert not list((refused_home / "inbox" / "refused").iterdir())


def test_a_sidecar_beside_a_refused_file_that_can_not_be_used_says_so_once(refused_home: Path) -> None:
    (refused_home / "inbox" / "refused" / "ministry.csv.toml").write_text("colour = 3\n")
    told = dtm("run", "--home", refused_home)
    assert (told.code, told.err.count("unknown key 'colour'")) == (3, 1)
    quiet = dtm("run", "--home", refused_home)
    assert "ministry" not in quiet.err
    assert (refused_home / "inbox" / "refused" / "ministry.csv").is_file()


def test_a_refused_file_whose_header_is_made_known_returns_to_the_inbox(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Home(home).create()
    inbox = home / "inbox"
    (inbox / "migrants.csv").write_text("Governorate,Migrant Nationality,Migrant Individuals,Country,Reference date\nGiza,Sudan,300,EGY,2024-09-30\n")  # fmt: skip
    (inbox / "migrants.csv.toml").write_text('kind = "migrant_presence"\n')
    told = dtm("run", "--home", home)
    line = "migrant_presence,nationality,Migrant Nationality,YOUR NAME,YYYY-MM-DD"
    assert (told.code, line in told.err) == (3, True)
    lists = home / "reference" / "code_lists"
    lists.mkdir(parents=True)
    added = line.replace("YOUR NAME", "A. Analyst").replace("YYYY-MM-DD", "2024-10-01")
    (lists / "headers.csv").write_text(f"kind,field,alias,by,on\n{added}\n")
    assert dtm("run", "--home", home).code == 0
    assert statuses(home) == {"migrants.csv": "accepted"}
    assert {f.name for f in inbox.iterdir()} == {"migrants.csv", "migrants.csv.toml", "refused"}


def test_inspect_lists_the_headers_of_a_file_that_it_refuses(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("Wilaya,Ville,Familles\nX,Y,5\n")
    told = dtm("inspect", tmp_path / "odd.csv")
    assert (told.code, told.out) == (3, "  headers in row 1: Wilaya | Ville | Familles\n")
    assert dtm("inspect", tmp_path / "odd.csv", "--json").json()["headers"] == [{"sheet": None, "row": 1, "headers": ["Wilaya", "Ville", "Familles"]}]  # fmt: skip


def test_what_holds_for_all_files_of_a_folder_is_said_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Home(home).create()
    inbox = home / "inbox"
    (inbox / "ministry.csv").write_text(REGISTERED)
    (inbox / "second.csv").write_text(REGISTERED.replace("50,2024-03-31", "60,04/05/2024"))
    (inbox / "second.csv.toml").write_text('population_group = "idp"\n')
    (inbox / "_defaults.toml").write_text('country = "IRQ"\npopulation_group = "idp_returnee"\ndate_order = "mdy"\n')
    told = dtm("run", "--home", home)
    assert told.code == 0, told.err
    assert statuses(home) == {"ministry.csv": "accepted", "second.csv": "accepted"}
    figures = pl.concat(
        pl.read_parquet(f) for f in (home / "warehouse" / "core" / "core_other__figure").glob("*.parquet")
    )
    stated = (
        figures.select("population_group", pl.col("reference_date").cast(pl.String)).sort("population_group").rows()
    )
    # the sidecar leads over the folder
    assert stated == [("idp", "2024-04-05"), ("idp_returnee", "2024-03-31")]
    (inbox / "_defaults.toml").write_text('reference_date = "2024-03-31"\n')
    wrong = dtm("run", "--home", home)
    assert "_defaults.toml: 'reference_date' is said of one delivery, never of a folder" in wrong.err
