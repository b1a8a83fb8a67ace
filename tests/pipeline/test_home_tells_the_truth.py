"""What a home holds is what came in and what was made of it: damage is named, mended or made again, and never published."""

from __future__ import annotations

import random
import shutil
import zipfile
from pathlib import Path

import pytest

from dtm_pipeline.release.pointer import latest_release
from dtm_pipeline.settings import Settings
from dtm_pipeline.storage.home import Home
from dtm_pipeline.storage.snapshots import SnapshotStore
from sources.child import Task, read_and_store
from sources.document import DeliveryError
from tests.conftest import dtm
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
    # nothing asks for the bytes: the figures that were made of the right ones stand
    assert dtm("run", "--inbox", tmp_path / "empty", "--home", home).code == 0
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
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert told.code == 0, told.err
    assert (content(home), district(home)) == (before, FIGURES)
    assert not list((home / "warehouse").rglob("SYR.parquet"))
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
    assert "sly.xlsx: could not be read: it took more than 1,024 MB of memory, 2 times" in told.err
    assert district(home) == FIGURES
    assert not list((home / "scratch").iterdir())
    # with other bounds it is judged again
    assert dtm("run", "--inbox", inbox, "--home", home).out.startswith("unchanged")
    monkeypatch.setenv("DTM_READ_MEMORY_MB", "1025")
    assert "reading 1 of 1: sly.xlsx" in dtm("run", "--inbox", inbox, "--home", home).err


def test_a_delivery_that_takes_too_long_is_refused_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    answer(inbox / "good.json", *FIGURES)
    monkeypatch.setenv("DTM_READ_SECONDS", "0.001")
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "it took more than 0.001 s, 2 times" in told.err) == (3, True)
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


@pytest.mark.parametrize("words", ["write failed: No space left on device (os error 28)", "database or disk is full"])
def test_a_full_disk_is_told_in_a_sentence_and_has_a_code_of_its_own(
    place: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    home, inbox = place
    answer(inbox / "b.json", ("2020-02-29", 660))

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr("dtm_pipeline.storage.tables.write_table", fails)
    told = dtm("run", "--inbox", inbox, "--home", home)
    assert (told.code, "the disk is full" in told.err, "Traceback" in told.err) == (74, True, False)
    assert district(home) == FIGURES
    monkeypatch.undo()
    assert dtm("run", "--inbox", inbox, "--home", home).code == 0
    assert district(home)[0] == ("2020-02-29", 660)
