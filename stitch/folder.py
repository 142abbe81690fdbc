"""The pictures of a folder, listed in order."""

import glob
import os
from pathlib import Path, PurePosixPath

from maskmill.door import Refused
from maskmill.folder import path_inside

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})

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
