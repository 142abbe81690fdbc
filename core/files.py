"""Files that appear whole or not at all."""

import contextlib
import os
import re
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import IO

TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{32}-.+")
"""Names of files that are being written: nobody else's look like that."""


@contextlib.contextmanager
def created(path: str | os.PathLike[str], *, alone: bool = False) -> Generator[IO[bytes]]:
    """Open a file for writing that takes its name when the block ends well.

    It is written beside its place, flushed to the disk and renamed: a reader, or whoever looks
    after a crash, sees the old file or the new one. Missing folders are made. What is there and is
    no plain file (a folder, a device such as /dev/stdout) is never replaced.

    Parameters
    ----------
    path : path-like
    alone : bool
        Nobody else ever writes this file: what a killed writer left is then overwritten by the next
        instead of staying for a sweep.

    Raises
    ------
    OSError
        When it cannot be written, or a folder or a device has that name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with created(Path(folder, "new", "a.txt")) as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "new", "a.txt").read_bytes()
    b'whole'
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise OSError(f"{path} must be a file, got a {'folder' if path.is_dir() else 'device'}")
    path.parent.mkdir(parents=True, exist_ok=True)
    token = "0" * 32 if alone else uuid.uuid4().hex
    temporary = path.with_name(f".tmp-{token}-{path.name}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)  # the rename itself reaches the disk with its folder
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` with `created` and return the path."""
    with created(path) as file:
        file.write(data)
    return Path(path)


def why(error: OSError) -> str:
    """Return what is wrong with which file, without the number that the system has for it.

    Examples
    --------
    >>> why(FileNotFoundError(2, "No such file or directory", "a.jpg"))
    'a.jpg: no such file or directory'
    >>> why(OSError(28, "No space left on device"))
    'no space left on device'
    >>> why(OSError("shards/a.parquet is too short"))
    'shards/a.parquet is too short'
    """
    if not error.strerror:
        return str(error)
    text = error.strerror[0].lower() + error.strerror[1:]
    return text if error.filename is None else f"{os.fspath(error.filename)}: {text}"
