"""ZIP archives of deliveries, opened without trust: no path is followed, no bomb goes off, nothing nests without end."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dtm_pipeline.storage.surroundings import passing_fault

CHUNK = 1 << 20


class ArchiveError(Exception):
    """An archive that is not opened: what was found, what was expected, what to do."""


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold (reference/thresholds.toml, [archives])."""

    members: int
    total_bytes: int
    ratio: float
    depth: int


def is_archive(file: Path) -> bool:
    """Whether a file is a ZIP archive and no workbook, which is one too."""
    if not zipfile.is_zipfile(file):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names and any(n.startswith("xl/workbook") for n in names):
                return False
            if names[:1] != ["mimetype"]:
                return True
            with archive.open("mimetype") as told:
                return not told.read(64).startswith(b"application/vnd.oasis")
    except Exception:
        # it says that it is one, and `open_archive` tells why it can't be opened
        return True


def open_archive(file: Path, name: str, folder: Path, limits: ArchiveLimits) -> list[tuple[str, Path]]:
    """The deliveries and sidecars in an archive, unpacked into a folder under numbers of ours.

    Args:
        name: name that the archive goes by.
        folder: an empty folder of the caller's.

    Returns:
        The name of each (`ARCHIVE.zip/FILE`) and where it lies.

    Raises:
        ArchiveError: a member leads out of the archive, is encrypted or damaged, or a limit is passed.
    """
    found: list[tuple[str, Path]] = []
    _open(file, name, folder, limits, 1, found)
    if not found:
        raise ArchiveError("holds no file; expected deliveries; ask the sender to pack it again")
    return found


def _open(
    file: Path, name: str, folder: Path, limits: ArchiveLimits, depth: int, found: list[tuple[str, Path]]
) -> None:
    if depth > limits.depth:
        raise ArchiveError(
            f"{name} is an archive within {limits.depth} others; expected at most {limits.depth}; unpack it and send the files"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                # `ZipInfo.is_dir` fails where a member has no name
                if member.filename.endswith("/") or _is_litter(member.filename):
                    continue
                _check(member, name, limits, len(found))
                inner = f"{name}/{PurePosixPath(member.filename)}"
                target = folder / f"{len(list(folder.iterdir())):05}"
                _unpack(archive, member, target, limits, sum(f.stat().st_size for f in folder.iterdir()))
                if is_archive(target):
                    _open(target, inner, folder, limits, depth + 1, found)
                else:
                    found.append((inner, target))
    except ArchiveError:
        raise
    except Exception as error:
        # whatever a library makes of bytes that mean harm; a full disk is no fault of theirs
        if passing_fault(error):
            raise
        raise ArchiveError(
            f"can't be opened ({type(error).__name__}); expected a whole ZIP archive; ask the sender to pack it again"
        ) from error


def _is_litter(path: str) -> bool:
    """What systems put into archives beside the files."""
    parts = PurePosixPath(path).parts or ("",)
    return "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db") or parts[-1].startswith("~$")


def _check(member: zipfile.ZipInfo, name: str, limits: ArchiveLimits, count: int) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        raise ArchiveError(
            f"{name}: a member's path leads out of the archive; expected files within it; it may be hostile: ask the sender"
        )
    if member.flag_bits & 0x1:
        raise ArchiveError(f"{name}: a member is encrypted; expected files that open; ask for it without a password")
    if count >= limits.members:
        raise ArchiveError(f"{name}: more than {limits.members:,} files; expected fewer; send it in parts")
    packed = max(member.compress_size, 1)
    if member.file_size > limits.total_bytes or (member.file_size / packed > limits.ratio and member.file_size > CHUNK):
        raise ArchiveError(
            f"{name}: a member unpacks to {member.file_size / packed:,.0f} times its size ({member.file_size:,} bytes); "
            f"expected at most {limits.ratio:,.0f} times and {limits.total_bytes:,} bytes; send the file itself"
        )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, limits: ArchiveLimits, used: int) -> None:
    """Copy a member's bytes; what it says of its size is not believed."""
    written = 0
    with archive.open(member) as packed, target.open("wb") as out:
        while piece := packed.read(CHUNK):
            written += len(piece)
            if used + written > limits.total_bytes or written > max(member.compress_size, 1) * limits.ratio + CHUNK:
                raise ArchiveError(
                    f"unpacks to more than {limits.total_bytes:,} bytes, or {limits.ratio:,.0f} times its size; expected less; send the files themselves"
                )
            out.write(piece)
