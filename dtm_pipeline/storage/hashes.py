"""sha256 of files, each read once: a file whose size, times and inode stand as they did is not read again."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from dtm_pipeline.storage.home import write_json


def digest(path: Path) -> str:
    """sha256 of a file.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class KnownHashes:
    """The hashes that a file remembers; a memory that is lost or damaged costs reading, never truth.

    Args:
        memory: where they are kept; None = in this process only.
        deep: read every file, whatever is remembered of it.
    """

    def __init__(self, memory: Path | None, deep: bool = False) -> None:
        self._memory = memory
        self._known: dict[str, list[object]] = {} if deep or memory is None else _read(memory)
        self._new = False

    def of(self, path: Path) -> str:
        """sha256 of a file.

        Raises:
            OSError: it can't be read.
        """
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        key = os.fsencode(path.resolve()).decode("utf-8", "backslashreplace")
        known = self._known.get(key)
        if not known or known[:-1] != mark:
            known = self._known[key] = [*mark, digest(path)]
            self._new = True
        return str(known[-1])

    def is_whole(self, path: Path, sha256: str) -> bool:
        """Whether a file is there and its bytes are those of a hash; one that can't be read is not."""
        try:
            return self.of(path) == sha256
        except OSError:
            return False

    def remember(self, keep: bool = True) -> None:
        """Write down what was found; files that are gone are forgotten. Where that can't be written, they are read again.

        Args:
            keep: False where nothing may be written.
        """
        if self._memory is None or not self._new or not keep or not self._memory.parent.is_dir():
            return
        present = {path: told for path, told in self._known.items() if Path(path).is_file()}
        with suppress(OSError):
            write_json(self._memory, present)
        self._new = False


def _read(memory: Path) -> dict[str, list[object]]:
    try:
        told = json.loads(memory.read_text(encoding="utf-8"))
        return {str(k): v for k, v in told.items() if isinstance(v, list) and len(v) == 5}
    except (OSError, ValueError, AttributeError):
        return {}
