"""ZIP archives are opened without trust."""

from __future__ import annotations

import errno
import io
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from dtm_pipeline.storage.archives import ArchiveError, ArchiveLimits, is_archive, open_archive

LIMITS = ArchiveLimits(members=20, total_bytes=5_000_000, ratio=200, depth=2)


def archive(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members:
            out.writestr(name, content)
    return path


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members:
            out.writestr(name, content)
    return buffer.getvalue()


def opened(file: Path, folder: Path, limits: ArchiveLimits = LIMITS) -> list[tuple[str, bytes]]:
    folder.mkdir()
    return [(name, path.read_bytes()) for name, path in open_archive(file, file.name, folder, limits)]


def test_files_in_folders_and_in_archives_within_come_out_under_their_names(tmp_path: Path) -> None:
    inner = zipped(("b.csv", b"2"))
    file = archive(tmp_path / "a.zip", ("x/a.csv", b"1"), ("inner.zip", inner), ("__MACOSX/._a.csv", b"litter"))
    assert opened(file, tmp_path / "o") == [("a.zip/x/a.csv", b"1"), ("a.zip/inner.zip/b.csv", b"2")]


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/passwd", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv"])
def test_a_path_that_leads_out_refuses_the_archive_and_writes_nothing_outside(tmp_path: Path, name: str) -> None:
    file = archive(tmp_path / "a.zip", ("good.csv", b"1"), (name, b"2"))
    with pytest.raises(ArchiveError, match="a member's path leads out of the archive"):
        opened(file, tmp_path / "o")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.zip", "o"]


def test_a_member_without_a_name_refuses_the_archive(tmp_path: Path) -> None:
    nameless = zipfile.ZipInfo("x")
    nameless.filename = ""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(nameless, b"1")
    with pytest.raises(ArchiveError, match="a member's path leads out of the archive"):
        opened(tmp_path / "a.zip", tmp_path / "o")


def test_a_disk_that_is_full_while_an_archive_is_unpacked_judges_no_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dtm_pipeline.storage.archives._unpack", full)
    with pytest.raises(OSError, match="No space left"):
        opened(archive(tmp_path / "a.zip", ("a.csv", b"1")), tmp_path / "o")


def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", ("zeros.csv", b"0" * 4_000_000))
    with pytest.raises(ArchiveError, match=r"unpacks to .* times its size"):
        opened(file, tmp_path / "o")


def test_what_a_member_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    content = bytearray(zipped(("zeros.csv", b"0" * 4_000_000)))
    # the size in the central directory: four bytes at 24 behind its mark
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError):
        opened(tmp_path / "a.zip", tmp_path / "o")


def test_archives_nest_only_so_deep(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", ("b.zip", zipped(("c.zip", zipped(("d.csv", b"1"))))))
    with pytest.raises(ArchiveError, match="is an archive within 2 others"):
        opened(file, tmp_path / "o")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", *((f"{i}.csv", b"1") for i in range(21)))
    with pytest.raises(ArchiveError, match="more than 20 files"):
        opened(file, tmp_path / "o")


def test_a_workbook_is_no_archive_and_a_folder_named_like_its_parts_is_one(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "w.xlsx")
    assert not is_archive(tmp_path / "w.xlsx")
    assert is_archive(archive(tmp_path / "a.zip", ("xl/a.csv", b"1"), ("b.csv", b"2")))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.integers(0, 3))
def test_a_damaged_archive_is_opened_or_refused_and_nothing_else_happens(
    tmp_path: Path, at: int, bit: int, cut: int
) -> None:
    content = bytearray(zipped(("a.csv", b"a,b\n1,2\n" * 50), ("b.csv", b"c,d\n" * 9)))
    content[at % len(content)] ^= 1 << bit
    with_end = content if cut else content[: at % len(content)]
    (tmp_path / "a.zip").write_bytes(with_end)
    folder = tmp_path / f"o{at}-{bit}-{cut}"
    if is_archive(tmp_path / "a.zip") and not folder.exists():
        told: list[tuple[str, bytes]] = []
        with suppress(ArchiveError):
            told = opened(tmp_path / "a.zip", folder)
        assert all(name.startswith("a.zip/") for name, _ in told)
