"""Files of a folder: listed in order, read without ever leaving it."""

import errno
import glob
import os
import stat
from pathlib import Path, PurePosixPath

from maskmill.door import Refused

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})

_MAX_BYTES = 2**29  # of one file: a picture of the door's 100 million pixels, uncompressed
_WILD = frozenset("*?[")


def rooted(place: str) -> tuple[str, str | None]:
    """Return the folder of a place, links followed, and the pattern within it.

    Parameters
    ----------
    place : str
        A folder, or a glob such as ``shots/*_front.jpg`` or ``shots/**/front.jpg``.

    Returns
    -------
    root : str
    pattern : str or None
        None for a folder.

    Raises
    ------
    ValueError
        When there is no such folder.

    Examples
    --------
    >>> root, pattern = rooted("/*.jpg")
    >>> root, pattern
    ('/', '*.jpg')
    """
    if Path(place).is_dir():
        return os.path.realpath(place), None
    parts = Path(place).parts
    wild = next((at for at, part in enumerate(parts) if _WILD & set(part)), None)
    root = Path(*parts[:wild]) if wild else Path()
    if wild is None or not root.is_dir():
        raise ValueError(f"there must be a folder, or a glob in one, got {place}")
    return os.path.realpath(root), os.path.join(*parts[wild:])  # noqa: PTH118  (a pattern)


def pictures_of(place: str) -> tuple[str, list[str]]:
    """List the pictures of a folder and of those within it, or of a glob.

    Hidden ones are passed over, and so is what the suffix does not call a picture.

    Returns
    -------
    root : str
    names : list of str
        Relative to it, with ``/``, in order.
    """
    root, pattern = rooted(place)
    found: list[str] = []
    if pattern is not None:
        found = glob.glob(pattern, root_dir=root, recursive=True)  # noqa: PTH207
    else:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            inside = Path(folder).relative_to(root)
            found += [str(inside / name) for name in files]
    names = {PurePosixPath(Path(name).as_posix()) for name in found}
    return root, sorted(
        str(name)
        for name in names
        if name.suffix.lower() in PICTURES and not name.name.startswith(".")
    )


def facts_of(root: str, name: str) -> tuple[int, int] | None:
    """Return a file's size and time, or None where there is none that may be read."""
    try:
        facts = Path(path_inside(root, name)).stat()
    except (Refused, OSError):
        return None
    return facts.st_size, facts.st_mtime_ns


def read_inside(root: str, name: str) -> bytes:
    """Read a plain file of a folder, never one outside it.

    Parameters
    ----------
    root : str
        The folder, as `os.path.realpath` gives it.
    name : str
        Relative path within it. Symbolic links are followed as long as they stay inside.

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
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise Refused("unreadable_file")
        if facts.st_size > _MAX_BYTES:
            raise Refused("file_too_large", {"bytes": facts.st_size, "limit": _MAX_BYTES})
        return file.read(_MAX_BYTES)


def path_inside(root: str, name: str) -> str:
    """Return the path of a name in a folder, links followed.

    Raises
    ------
    maskmill.door.Refused
        ``unsafe_path`` when it lies outside.
    """
    relative = PurePosixPath(name)
    if not relative.parts or relative.is_absolute() or ".." in relative.parts or "\0" in name:
        raise Refused("unsafe_path")
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118  (resolve() raises at a circle)
    if not Path(path).is_relative_to(root):
        raise Refused("unsafe_path")
    return path
