"""Read files of one folder, never one outside it."""

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from .door import Refused

MAX_BYTES = 2**29
"""Of one file: a picture of the door's 100 million pixels, uncompressed."""


def read_inside(root: str, name: str, limit: int = MAX_BYTES) -> bytes:
    """Read a plain file of a folder, never one outside it.

    Parameters
    ----------
    root : str
        The folder, as `os.path.realpath` gives it.
    name : str
        Relative path within it. Symbolic links are followed as long as they stay inside.
    limit : int
        Largest size in bytes.

    Raises
    ------
    maskmill.door.Refused
        ``unsafe_path``, ``missing_file``, ``unreadable_file`` or ``file_too_large``.
    OSError
        When the storage fails: that is no fault of the file.
    """
    path = path_inside(root, name)
    try:
        # Not blocking: a named pipe must not hang the run. Not following: the path is resolved.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise Refused("missing_file") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO):
            raise Refused("unreadable_file") from error
        raise
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Refused("unreadable_file")
        if facts.st_size > limit:
            raise Refused("file_too_large", {"bytes": facts.st_size, "limit": limit})
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(descriptor)


def path_inside(root: str, name: str) -> str:
    """Return the path of a name in a folder, links followed.

    Raises
    ------
    maskmill.door.Refused
        ``unsafe_path`` when it lies outside, or is no name a file can have.

    Examples
    --------
    >>> path_inside("/", "photographs/1.jpg")
    '/photographs/1.jpg'
    """
    relative = PurePosixPath(name)
    if not relative.parts or relative.is_absolute() or ".." in relative.parts or "\0" in name:
        raise Refused("unsafe_path")
    try:
        path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118  (resolve() raises at a circle)
    except UnicodeEncodeError as error:
        raise Refused("unsafe_path") from error
    if not Path(path).is_relative_to(root):
        raise Refused("unsafe_path")
    return path
