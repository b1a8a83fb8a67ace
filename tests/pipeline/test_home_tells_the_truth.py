"""What a home holds is what came in and what was made of it: damage is named, mended or made again, and never published."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from dtm_pipeline.release.build import git_commit
from dtm_pipeline.release.pointer import latest_release
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.errors import write_error_log
from dtm_pipeline.storage.holder import read_holder
from dtm_pipeline.storage.home import TAKING, Home
from dtm_pipeline.storage.registers import replace_register
from dtm_pipeline.storage.snapshots import Snapshot, SnapshotStore
from sources.child import OUT_OF_MEMORY, TOO_LARGE, Outcome, Task, read_and_store
from sources.document import DeliveryError
from sources.readers import read_all
from tests.conftest import dtm, dtm_process
from tests.pipeline.test_runs import answer, district

FIGURES = [("2020-02-29", 600), ("2020-04-30", 500)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a release of an answer, and its inbox. Tests copy it."""
    folder = tmp_path_factory.mktemp("whole")
    answer(folder / "inbox" / "a.json", *FIGURES)
    assert dtm("run", "--inbox", folder / "inbox", "--home", folder / "home").code == 0
    return folder


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> tuple[Path, Path]:
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy" / "home", tmp_path / "copy" / "inbox"


def content(home: Path) -> str:
    release = latest_release(home / "releases" / "partner")
    assert release is not None
    return str(release.manifest()["content_sha256"])


def payload(home: Path) -> Path:
    [file] = (home / "snapshots").glob("*/payload")
    return file


def parts(home: Path) -> list[Path]:
    return sorted((home / "warehouse").rglob("*.parquet"))


def test_one_flipped_digit_stops_the_run_that_reads_it_and_the_right_bytes_mend_it(
    place: tuple[Path, Path], tmp_path: Path
) -> None:
    home, inbox = place
    before = content(home)
    payload(home).write_bytes(payload(home).read_bytes().replace(b"600", b"900"))
    (tmp_path / "empty").mkdir()
    # nothing asks for the bytes: the figures that were made of the right ones stand, and the loss is told
    told = dtm("run", "--inbox", tmp_path / "empty", "--home", home)
    assert (told.code, "damaged: " in told.err, "the stored bytes of a.json" in told.err) == (6, True, True)
    assert "the stored bytes of a.json" in dtm("status", "--home", home).out
    shutil.rmtree(home / "warehouse")
    told = dtm("run", "--inbox", tmp_path / "empty", "--home", home)
    assert (told.code, "the stored bytes of a.json" in told.err, "deliver the same file again" in told.err) == (74, True, True)  # fmt: skip
    assert (content(home), district(home)) == (before, FIGURES)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "mended a.json" in told.err) == (0, True), told.err
    assert (content(home), district(home)) == (before, FIGURES)


def test_a_home_is_whole_again_from_its_snapshots_alone(place: tuple[Path, Path], tmp_path: Path) -> None:
    home, inbox = place
    restored = tmp_path / "restored"
    shutil.copytree(home / "snapshots", restored / "snapshots")
    assert dtm("run", "--inbox", inbox, "--home", restored).code == 0
    assert (content(restored), district(restored)) == (content(home), FIGURES)


def test_a_home_that_was_copied_goes_on_where_it_was(place: tuple[Path, Path]) -> None:
    home, inbox = place
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, told.out.startswith("unchanged")) == (0, True)


@pytest.mark.parametrize("seed", range(6))
def test_files_of_the_warehouse_that_are_gone_cut_or_swapped_are_made_again(
    place: tuple[Path, Path], seed: int
) -> None:
    home, inbox = place
    before = content(home)
    chance = random.Random(seed)
    damaged = chance.sample([*parts(home), home / "warehouse" / "state.json"], 3)
    for file in damaged:
        what = chance.choice(("gone", "cut", "swapped", "of another country"))
        if what == "gone":
            file.unlink()
        elif what == "cut":
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        elif what == "swapped":
            file.write_bytes(chance.choice(parts(home)).read_bytes())
        else:
            shutil.copy(file, file.with_name("SYR.parquet"))
    foreign = list((home / "warehouse").rglob("SYR.parquet"))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 0, told.err
    assert (content(home), district(home)) == (before, FIGURES)
    assert not list((home / "warehouse").rglob("SYR.parquet"))
    assert ("files of the warehouse that no delivery of the home made" in told.err) >= bool(foreign)
    assert len({f.parent.name for f in parts(home)}) == len(parts(home)), "every table has its one part again"


def test_what_a_damaged_release_says_is_made_anew(place: tuple[Path, Path]) -> None:
    home, inbox = place
    before = latest_release(home / "releases" / "partner")
    assert before is not None
    table = before.folder / "tables" / "out_dtm__district_idp.parquet"
    table.chmod(0o600)
    table.write_bytes(table.read_bytes()[:-1] + b"X")
    assert dtm("releases", "verify", "--home", home).code == 1
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert dtm("releases", "verify", "--home", home).code == 0
    assert district(home) == FIGURES


def test_where_the_clock_goes_backwards_the_newest_release_has_the_last_name(place: tuple[Path, Path]) -> None:
    home, inbox = place
    release = latest_release(home / "releases" / "partner")
    assert release is not None
    release.folder.rename(release.folder.with_name("2999-01-01.4"))
    answer(inbox / "b.json", ("2020-02-29", 660))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    now = latest_release(home / "releases" / "partner")
    assert now is not None
    assert now.name == "2999-01-01.5"
    assert district(home)[0] == ("2020-02-29", 660)


def stray(path: Path, rows: str) -> None:
    """A workbook of a sheet whose rows are given as they stand in the file."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kinds}.worksheet+xml"/></Types>')  # fmt: skip
        book.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>')  # fmt: skip
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>')  # fmt: skip
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')  # fmt: skip
        book.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )


def test_a_stray_cell_is_refused_and_the_good_file_beside_it_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DTM_READ_MEMORY_MB", "1024")
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "good.json", *FIGURES)
    far = '<c r="ZZ1048576"><v>1</v></c>'
    stray(inbox / "plain.xlsx", f'<row r="1048576">{far}</row>')
    # the estimate looks at the last cell of each row: here it is the bound that holds
    stray(inbox / "sly.xlsx", f'<row r="1">{far}<c r="A1"><v>1</v></c></row>')
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 6
    assert "plain.xlsx: can't be opened: sheet 'Data' spans 702 columns and 1,048,576 rows" in told.err
    assert re.search(r"sly\.xlsx: could not be read: it [^;]*1,024 MB[^;]*, twice; expected a file that", told.err)
    assert district(home) == FIGURES
    assert not list((home / "scratch").iterdir())
    # with other bounds it is judged again
    assert dtm("run", "--inbox", inbox, "--home", home).out.startswith("unchanged")
    monkeypatch.setenv("DTM_READ_MEMORY_MB", "1025")
    assert "reading 1 of 1: sly.xlsx" in dtm("run", "--inbox", inbox, "--home", home).err


@pytest.mark.parametrize("first", [Outcome(refused="an internal error", defect=True), "it broke the process"])
def test_a_delivery_that_fails_is_read_once_more_alone_in_a_new_process(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, first: Outcome | str
) -> None:
    home = Home(place[0])
    [one] = SnapshotStore(home).all()
    two = replace(one, name="two.json")
    asked: list[list[str]] = []

    def read(_: Home, __: Path, pending: list[Snapshot], ___: object) -> Iterator[tuple[Snapshot, Outcome | str]]:
        asked.append([s.name for s in pending])
        yield from ((s, first if s is one and len(asked) == 1 else Outcome(kind="read")) for s in pending)

    monkeypatch.setattr("sources.readers._read", read)
    monkeypatch.setattr("sources.readers.stop_readers", lambda: asked.append(["a new process"]))
    told = list(read_all(home, Settings().reference, [one, two], list))
    assert [(s.name, o.kind) for s, o in told] == [("two.json", "read"), (one.name, "read")]
    assert asked == [[one.name, "two.json"], ["a new process"], [one.name]]


def test_a_delivery_that_takes_too_long_is_refused_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "good.json", *FIGURES)
    monkeypatch.setenv("DTM_READ_SECONDS", "0.001")
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "it took more than 0.001 s, twice" in told.err) == (3, True)
    monkeypatch.delenv("DTM_READ_SECONDS")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert district(home) == FIGURES


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_fault_of_the_disk_stops_the_run_and_judges_no_delivery(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, wrapped: bool
) -> None:
    from dtm_pipeline.storage.surroundings import SurroundingsError

    home = Home(place[0])
    [snapshot] = SnapshotStore(home).all()

    def fails(*_: object, **__: object) -> None:
        try:
            raise OSError(5, "Input/output error", "/mnt/share/x")
        except OSError as error:
            if wrapped:
                raise DeliveryError("is damaged", "a workbook", "send it again") from error
            raise

    monkeypatch.setattr("sources.child.read_delivery", fails)
    with pytest.raises(SurroundingsError, match="/mnt/share/x: the disk can't be read or written"):
        read_and_store(Task(home.root, Settings().reference, snapshot, (), home.scratch))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        pl.exceptions.ComputeError("parquet: File out of specification: underlying IO error: No space left on device (os error 28)"),
        sqlite3.OperationalError("database or disk is full"),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_a_full_disk_is_told_in_a_sentence_and_has_a_code_of_its_own(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    home, inbox = place
    answer(inbox / "b.json", ("2020-02-29", 660))

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("dtm_pipeline.storage.tables.write_table", fails)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "the disk is full" in told.err, "Traceback" in told.err) == (74, True, False)
    assert district(home) == FIGURES
    monkeypatch.undo()
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert district(home)[0] == ("2020-02-29", 660)


def test_what_a_library_says_of_a_cell_is_no_fault_of_the_disk(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(place[0])
    [snapshot] = SnapshotStore(home).all()
    quoted = (
        "could not parse `underlying IO error: No space left on device (os error 28)` as dtype `i64` at column 'c3'"
    )

    def fails(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError(quoted)

    monkeypatch.setattr("sources.child.read_delivery", fails)
    told = read_and_store(Task(home.root, Settings().reference, snapshot, (), home.scratch))
    assert "internal error (ComputeError)" in str(told.refused)


class PanicError(BaseException):
    """As libraries in Rust raise them."""


@pytest.mark.parametrize(("where", "error"), [("read_delivery", PanicError()), ("write_table", ValueError())])
def test_a_defect_in_reading_or_in_writing_what_was_read_refuses_the_delivery(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException
) -> None:
    home = Home(place[0])
    [snapshot] = SnapshotStore(home).all()

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(f"sources.child.{where}", fails)
    told = read_and_store(Task(home.root, Settings().reference, snapshot, (), home.scratch))
    assert f"internal error ({type(error).__name__})" in str(told.refused)


@pytest.mark.parametrize(
    ("error", "code"),
    [(MemoryError(), OUT_OF_MEMORY), (OSError(errno.ENOMEM, "x"), OUT_OF_MEMORY), (OSError(errno.EFBIG, "x"), TOO_LARGE)],
)  # fmt: skip
@pytest.mark.parametrize("where", ["read_delivery", "write_table"])
def test_a_delivery_that_takes_more_than_it_may_ends_its_process_and_no_run(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, where: str, error: BaseException, code: int
) -> None:
    home = Home(place[0])
    [snapshot] = SnapshotStore(home).all()

    def fails(*_: object, **__: object) -> None:
        raise error

    def ends(with_code: int) -> None:
        raise KeyboardInterrupt(with_code)

    monkeypatch.setattr(f"sources.child.{where}", fails)
    monkeypatch.setattr("os._exit", ends)
    with pytest.raises(KeyboardInterrupt) as ended:
        read_and_store(Task(home.root, Settings().reference, snapshot, (), home.scratch))
    assert ended.value.args == (code,)


def test_a_damaged_form_stops_the_run_that_reads_a_survey_by_it(tmp_path: Path) -> None:
    inbox, home, later = tmp_path / "inbox", tmp_path / "home", tmp_path / "later"
    assert dtm("samples", "make", "--kind", "household_survey", "--out", inbox).code == 0
    assert dtm("run", "--inbox", inbox, "--home", home).code in (0, 6)
    [form] = [s for s in SnapshotStore(Home(home)).all() if s.kind == "xlsform"]
    form.payload(Home(home)).write_bytes(b"PK" + form.payload(Home(home)).read_bytes()[2:-1] + b"X")
    assert dtm("samples", "make", "--kind", "household_survey", "--rows", 50, "--out", later).code == 0
    for file in later.iterdir():
        if file.name == form.name:
            file.unlink()
    told = dtm("run", "--inbox", later, "--home", home)
    assert (told.code, f"the stored bytes of {form.name}" in told.err) == (74, True), told.err


def test_a_file_of_an_archive_is_mended_by_the_archive(tmp_path: Path) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    inbox.mkdir()
    with zipfile.ZipFile(inbox / "all.zip", "w") as archive:
        archive.write(answer(tmp_path / "a.json", *FIGURES), "a.json")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    [member] = [s for s in SnapshotStore(Home(home)).all() if s.archive]
    member.payload(Home(home)).unlink()
    shutil.rmtree(home / "warehouse")
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "mended all.zip/a.json" in told.err) == (0, True), told.err
    assert district(home) == FIGURES


def test_what_is_said_beside_the_file_that_mends_counts_at_once(place: tuple[Path, Path]) -> None:
    home, inbox = place
    payload(home).unlink()
    (inbox / "a.toml").write_text('terms = "CC BY-IGO"\n')
    assert "mended a.json" in dtm("run", "--inbox", inbox, "--home", home).err
    [snapshot] = SnapshotStore(Home(home)).all()
    assert snapshot.statement == {"terms": "CC BY-IGO"}


def test_where_the_pointer_is_damaged_the_newest_whole_release_is_the_one_before(place: tuple[Path, Path]) -> None:
    home, inbox = place
    before = latest_release(home / "releases" / "partner")
    assert before is not None
    (home / "releases" / "partner" / "latest.json").write_text("{")
    answer(inbox / "b.json", ("2020-02-29", 660))
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    now = latest_release(home / "releases" / "partner")
    assert now is not None
    assert now.manifest()["previous_release"] == before.name


def test_a_home_that_is_made_is_the_owners_alone_and_one_that_was_opened_stays_open(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    before = os.umask(0)
    try:
        for name, mode in (("made", 0o700), ("shared", 0o755)):
            home = Home(tmp_path / name).create()
            assert stat.S_IMODE(home.root.stat().st_mode) == mode
            closed = (home.inbox, home.snapshots, home.warehouse, home.quality, home.dagster, home.logs, home.scratch)
            assert {stat.S_IMODE(f.stat().st_mode) for f in closed} == {0o700}
    finally:
        os.umask(before)


def test_without_git_a_release_names_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() is None


def test_a_log_that_cannot_be_written_is_no_second_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    assert write_error_log(ValueError("x"), tmp_path).name == "(no log: No space left on device)"


def test_a_file_that_is_still_growing_waits_in_whichever_inbox(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, inbox = place
    late = answer(inbox / "b.json", ("2020-02-29", 660))
    # it grows while it is looked at
    monkeypatch.setenv("DTM_SETTLE_SECONDS", "5")
    monkeypatch.setattr("dtm_pipeline.storage.inbox.time.sleep", lambda _: late.write_text(late.read_text() + " "))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "b.json: is still growing" in told.err) == (3, True), told.err
    assert district(home) == FIGURES


@pytest.mark.parametrize("what", ["gone", "cut", "of another"])
def test_a_record_that_is_gone_or_damaged_stops_the_run_with_its_name(place: tuple[Path, Path], what: str) -> None:
    home, inbox = place
    before = content(home)
    record = payload(home).with_name("record.json")
    if what == "gone":
        record.unlink()
    elif what == "cut":
        record.write_text(record.read_text()[:40])
    else:
        record.write_text(record.read_text().replace(record.parent.name, "0" * 64))
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, str(record) in told.err, "deliver the file again" in told.err) == (74, True, True), told.err
    assert content(home) == before


@pytest.mark.parametrize("damage", ["gone", "cut", "fewer lines", "another file", "no text"])
@pytest.mark.parametrize("register", ["review", "places"])
def test_a_register_that_lost_decisions_stops_the_run_with_its_name(
    place: tuple[Path, Path], register: str, damage: str
) -> None:
    home, inbox = place
    file = home / register / "decisions.csv"
    head = {"review": "review_id,decision,by,on,reason,about,part", "places": "location_code,place_id"}[register]
    rows = {"review": "0123456789,accept,A,2026-01-01,why,what,\n", "places": "IRQ,1\nIRQ,2\n"}[register]
    replace_register(file, f"{head}\n{rows}")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    whole = file.read_bytes()
    damaged = {
        "cut": whole[:-4],
        "fewer lines": f"{head}\n".encode(),
        "another file": b"a,b\n1,2\n" * 9,
        "no text": b"\xff\xfe\xb5" * 20,
    }
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(damaged[damage])
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, str(file) in told.err, "from a copy of the home" in told.err) == (74, True, True), told.err
    file.write_bytes(whole)
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0


def test_a_register_may_be_added_to_by_hand(place: tuple[Path, Path]) -> None:
    home, inbox = place
    file = home / "places" / "decisions.csv"
    replace_register(file, "location_code,place_id\nIRQ,1\n")
    with file.open("a") as more:
        more.write("IRQ,2\n")
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0


@pytest.mark.parametrize("end", ["json", "parquet"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_polygons_that_are_gone_or_damaged_are_never_no_boundaries(
    place: tuple[Path, Path], end: str, damage: str
) -> None:
    import geopandas as gpd
    from shapely.geometry import box

    home, inbox = place
    units = gpd.GeoDataFrame(
        {"ADM2_PCODE": ["IQG15Q05"], "ADM1_PCODE": ["IQG15"]}, geometry=[box(43, 36, 44, 37)], crs="EPSG:4326"
    )
    units.to_file(home.parent / "units.geojson")
    take = ("boundaries", "import", home.parent / "units.geojson", "--country", "IRQ", "--edition", "e", "--home", home)
    assert dtm(*take).code == 0
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    before = content(home)
    file = home / "boundaries" / "IRQ" / "e" / f"adm2.{end}"
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    told = dtm("run", "--inbox", inbox, "--home", home)
    again = "dtm boundaries import FILE --country IRQ --edition e"
    assert (told.code, file.name in told.err, again in told.err) == (74, True, True), told.err
    assert content(home) == before
    # what the sentence says to do mends it
    assert dtm(*take).code == 0
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0


def test_what_a_killed_run_left_is_removed_and_a_busy_home_names_who_holds_it(place: tuple[Path, Path]) -> None:
    home, inbox = place
    (home / "scratch" / "reading-x").mkdir()
    (home / "scratch" / "reading-x" / "copy.csv").write_text("a name\n")
    half = home / "snapshots" / f"{TAKING}{'0' * 64}"
    half.mkdir()
    (half / "payload").write_text("a name\n")
    with Home(home).held("run-7"):
        assert not list((home / "scratch").iterdir())
        assert not half.exists()
        holder = read_holder(home)
        assert holder is not None
        assert (holder.pid, holder.run) == (os.getpid(), "run-7")
        busy = dtm_process("run", "--inbox", inbox, "--home", home)
        assert (busy.code, f"process {os.getpid()} on " in busy.err) == (4, True), busy.err
    assert read_holder(home) is None


def test_the_doctor_of_a_whole_home_finds_nothing_and_changes_nothing(place: tuple[Path, Path]) -> None:
    home, _ = place

    def bytes_of_files() -> dict[Path, bytes]:
        # memory of hashes, and what SQLite keeps beside a database that is read
        passing = ("seen.json", ".lock")
        return {
            f: f.read_bytes()
            for f in home.rglob("*")
            if f.is_file() and f.name not in passing and not f.name.endswith(("-shm", "-wal"))
        }

    before = bytes_of_files()
    told = dtm("doctor", "--deep", "--json", "--home", home)
    assert (told.code, told.json()["whole"], told.json()["looked_at"]["deliveries"]) == (0, True, 1), told.out
    assert told.json()["looked_at"]["parts of tables"] == len(parts(home))
    assert bytes_of_files() == before


def test_the_doctor_says_what_the_next_run_mends_and_that_run_mends_it(place: tuple[Path, Path]) -> None:
    home, inbox = place
    before = content(home)
    parts(home)[0].unlink()
    parts(home)[-1].write_bytes(b"cut")
    shutil.copy(parts(home)[3], parts(home)[3].with_name("SYR.parquet"))
    (home / "scratch" / "reading-1").mkdir()
    (home / "releases" / "partner" / "latest.json").write_text("{")
    told = dtm("doctor", "--json", "--home", home)
    sentences = " ".join(t["sentence"] for t in told.json()["troubles"])
    assert told.code == 0
    assert not any(t["person"] for t in told.json()["troubles"])
    assert all(w in sentences for w in ("is missing", "is damaged", "of nothing that is known", "reading-1", "latest.json"))  # fmt: skip
    assert (home / "scratch" / "reading-1").is_dir(), "the doctor changes nothing"
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert (content(home), dtm("doctor", "--home", home).out.splitlines()[-1]) == (before, "whole")


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("snapshots/*/payload", "the stored bytes of a.json are gone or not those that came; deliver the same file"),
        ("snapshots/*/record.json", "the record of a delivery can't be read"),
    ],
)
def test_the_doctor_names_what_only_a_person_can_bring_back(place: tuple[Path, Path], file: str, what: str) -> None:
    home, _ = place
    [found] = home.glob(file)
    found.write_bytes(b"no")
    told = dtm("doctor", "--home", home)
    assert (told.code, [what in line for line in told.out.splitlines() if line.startswith("you: ")]) == (74, [True])


def test_a_delivery_whose_folder_is_gone_stops_the_run_and_the_file_delivered_again_is_the_way_back(
    place: tuple[Path, Path], tmp_path: Path
) -> None:
    home, inbox = place
    before = content(home)
    shutil.rmtree(payload(home).parent)
    (tmp_path / "empty").mkdir()
    for told in (dtm("run", "--inbox", tmp_path / "empty", "--home", home), dtm("doctor", "--home", home)):
        assert (told.code, "is gone, delivery 1, which release" in told.out + told.err) == (74, True)
    assert content(home) == before
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert (content(home), district(home)) == (before, FIGURES)


@pytest.mark.parametrize("source", ["raw", "snapshots"])
def test_a_rebuild_makes_every_table_again_and_the_same_release(place: tuple[Path, Path], source: str) -> None:
    home, _ = place
    before, inodes = content(home), {f: f.stat().st_ino for f in parts(home)}
    answer(home / "inbox" / "later.json", ("2020-06-30", 400))
    told = dtm("rebuild", "--from", source, "--home", home)
    assert (told.code, "unchanged: nothing is new since release" in told.out) == (0, True), told.err
    made = {f.parent.parent.name for f in parts(home) if f.stat().st_ino != inodes[f]}
    assert made == {"core", "out"} | ({"raw", "quarantine"} if source == "snapshots" else set())
    assert (content(home), district(home)) == (before, FIGURES), "the inbox waits for a run"


def test_a_rebuild_from_snapshots_that_are_damaged_changes_nothing(place: tuple[Path, Path]) -> None:
    home, _ = place
    payload(home).write_bytes(b"no")
    before = {f: f.read_bytes() for f in parts(home)}
    told = dtm("rebuild", "--from", "snapshots", "--home", home)
    assert (told.code, "the stored bytes of a.json" in told.err) == (74, True)
    assert {f: f.read_bytes() for f in parts(home)} == before


@pytest.mark.parametrize("database", ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"])
def test_a_damaged_history_of_runs_is_made_anew_and_told(tmp_path: Path, database: str) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    dtm("run", "--home", tmp_path)
    file = tmp_path / "dagster" / database
    file.write_bytes(b"no database" * 500)
    answer(tmp_path / "inbox" / "b.json", ("2020-03-31", 610))
    told = dtm("run", "--home", tmp_path)
    assert told.code == 0, told.err
    assert f"made anew: {file}" in told.err
    assert file.with_name(f"{file.name}.damaged").is_file()
    assert "made anew" not in dtm("run", "--home", tmp_path).err


def test_a_damaged_memory_of_hashes_is_made_anew_and_told(tmp_path: Path) -> None:
    answer(tmp_path / "inbox" / "a.json", ("2020-02-29", 600))
    dtm("run", "--home", tmp_path)
    (tmp_path / "snapshots" / "seen.json").write_text("{half")
    told = dtm("run", "--home", tmp_path)
    assert (told.code, "the memory of hashes can't be read" in told.err) == (0, True)


@pytest.mark.parametrize("bytes_", [b"\x8c\xff no text", b"{half", b"[]", b"{}", b""])
def test_a_manifest_that_can_not_be_read_beside_a_lost_part_is_made_anew(tmp_path: Path, bytes_: bytes) -> None:
    for number, day in enumerate(("2020-02-29", "2020-03-31")):
        answer(tmp_path / "inbox" / f"{number}.json", (day, 600 + number))
        assert dtm("run", "--home", tmp_path).code == 0
    before = district(tmp_path)
    manifest = sorted((tmp_path / "releases" / "partner").glob("2*"))[-1] / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_bytes(bytes_)
    (tmp_path / "warehouse" / "core" / "core_dtm__migrant_presence" / "IRQ.parquet").write_bytes(b"")
    told = dtm("run", "--home", tmp_path)
    assert told.code == 0, told.err
    assert district(tmp_path) == before
    assert dtm("releases", "verify", "--home", tmp_path).code == 0
