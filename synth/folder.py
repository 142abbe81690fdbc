"""The files of a folder: listed in order, and told apart by what is in them."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from maskmill.door import Refused
from maskmill.folder import path_inside

PHOTOGRAPHS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")

_END = 32 * 1024


class Facts(NamedTuple):
    """What is known of a file without decoding it.

    Parameters
    ----------
    identity : str
        16 hexadecimal digits: BLAKE2b-64 of its size and of its first and last 32 KiB. A copy under
        another name has the same.
    size, time : int
        Bytes, and nanoseconds of its last change.
    """

    identity: str
    size: int
    time: int


def files_of(folder: str, suffixes: Sequence[str]) -> tuple[str, list[str]]:
    """List the files of a folder and of those within it; hidden ones are passed over.

    Parameters
    ----------
    folder : str
    suffixes : sequence of str
        Lower case, with the dot.

    Returns
    -------
    root : str
        The folder, links followed.
    names : list of str
        Relative to it, with ``/``, in order.

    Raises
    ------
    ValueError
        When there is no such folder.

    Examples
    --------
    >>> Path("a").mkdir()
    >>> done = Path("a", "2.JPG").write_bytes(b""), Path("1.png").write_bytes(b"")
    >>> files_of(".", [".jpg", ".png"])[1]
    ['1.png', 'a/2.JPG']
    """
    if not Path(folder).is_dir():
        raise ValueError(f"there must be a folder, got {folder}")
    root = os.path.realpath(folder)
    names: list[str] = []
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = PurePosixPath(Path(place).relative_to(root).as_posix())
        names += [
            str(inside / name)
            for name in files
            if name.lower().endswith(tuple(suffixes)) and not name.startswith(".")
        ]
    return root, sorted(names)


def looked_at(root: str, names: Iterable[str]) -> list[Facts | Refused]:
    """Return what is known of files, or why they cannot be read; in threads.

    Examples
    --------
    >>> done = Path("a.jpg").write_bytes(b"picture"), Path("b.jpg").write_bytes(b"picture")
    >>> a, b, c = looked_at(os.path.realpath("."), ["a.jpg", "b.jpg", "c.jpg"])
    >>> a.identity, a.identity == b.identity, str(c)
    ('56eca1860f53e484', True, 'missing_file')
    """

    def look(name: str) -> Facts | Refused:
        try:
            return _facts(path_inside(root, name))
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        return list(threads.map(look, names))


def _facts(path: str) -> Facts:
    if not Path(path).exists():
        raise Refused("missing_file")
    if not Path(path).is_file():  # a pipe would wait for somebody to write
        raise Refused("unreadable_file")
    try:
        with Path(path).open("rb") as file:
            about = os.fstat(file.fileno())
            digest = hashlib.blake2b(about.st_size.to_bytes(8, "little"), digest_size=8)
            digest.update(file.read(_END))
            if about.st_size > _END:
                file.seek(max(_END, about.st_size - _END))
                digest.update(file.read(_END))
    except PermissionError:
        raise Refused("unreadable_file") from None
    return Facts(digest.hexdigest(), about.st_size, about.st_mtime_ns)


def storable(text: str) -> str:
    """Return text without what UTF-8 cannot hold, as names of files may have."""
    return text.encode("utf-8", "replace").decode()
