"""A folder of models of the user's own, and what is known of their licences."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .blender.asset_files import NOT_STATED, SUFFIXES

_KNOWN = {"asset": str, "licence": str, "source": str, "up": str, "size": list, "without": list}
_LICENCE_NAMES = ("licence", "license", "copying")
# What the first lines of a licence's text say, and what it is called; the first that fits.
_TITLES = (
    ("cc0 1.0", "CC0 1.0"),
    ("creative commons zero", "CC0 1.0"),
    ("(cc0)", "CC0 1.0"),
    ("attribution-noncommercial", "CC BY-NC"),
    ("attribution-sharealike 4.0", "CC BY-SA 4.0"),
    ("attribution-sharealike 3.0", "CC BY-SA 3.0"),
    ("attribution 4.0", "CC BY 4.0"),
    ("attribution 3.0", "CC BY 3.0"),
    ("mit license", "MIT"),
    ("apache license", "Apache-2.0"),
)


def found(folder: str | Path) -> list[dict[str, Any]]:
    """Return the assets of a folder and of the folders in it, each a part of a sample's spec.

    Licences come from the nearest of: ``NAME.json`` beside ``NAME.glb``; ``assets.json`` in its
    folder or one above it, either facts for all that lies below, or a mapping of paths (relative to
    it) or names to facts; the text ``licence.txt`` (also LICENSE, COPYING) in its folder or one
    above it. What is not said is "not stated".

    Parameters
    ----------
    folder
        With .blend, .glb, .gltf, .obj and .fbx files.

    Returns
    -------
    list of dict
        Sorted by path: `path` and `root` (absolute), `asset`, `licence`, `source`; and what its
        facts have of `up` ("y" or "z", for an .obj), `size` (metres of the largest side, from and
        to) and `without` (names of objects that are left out).

    Raises
    ------
    NotADirectoryError
    ValueError
        Where a JSON file beside an asset cannot be read, or says what is not known.
    """
    root = Path(folder).expanduser().resolve()
    if not root.is_dir():
        raise NotADirectoryError(f"{folder} is no folder with assets")
    return [_asset(path, root) for path in _files(root)]


def _files(root: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(place) / name


def _asset(path: Path, root: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {"licence": _licence_text(path, root)}
    for folder in reversed(_upwards(path, root)):
        shared = folder / "assets.json"
        if shared.is_file():
            facts |= _of_all(shared, path)
    own = path.with_suffix(".json")
    if own.is_file() and own.name != "assets.json":
        facts |= _checked(own, _read(own))
    name = path.relative_to(root).with_suffix("").as_posix()
    return {
        "path": str(path),
        "root": str(root),
        "asset": name,
        "source": NOT_STATED,
    } | {key: value for key, value in facts.items() if value}


def _upwards(path: Path, root: Path) -> list[Path]:
    """Return the folders from an asset's own up to the root."""
    folders = [path.parent]
    while folders[-1] != root:
        folders.append(folders[-1].parent)
    return folders


def _of_all(shared: Path, path: Path) -> dict[str, Any]:
    """Return what an assets.json says of one asset below it."""
    table = _read(shared)
    if not any(isinstance(value, dict) for value in table.values()):
        return _checked(shared, table)
    keys = (path.relative_to(shared.parent).as_posix(), path.name, path.stem)
    for key in keys:
        if key in table:
            return _checked(shared, table[key], f" {key}")
    return {}


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(table, dict):
        raise ValueError(f"{path} must hold an object, such as {{'licence': 'CC0 1.0'}}")
    return table


def _checked(path: Path, facts: Any, where: str = "") -> dict[str, Any]:
    if not isinstance(facts, dict):
        raise ValueError(f"{path}{where} must be an object, got {facts!r}")
    if "license" in facts:
        facts = {"licence": facts["license"]} | facts
        del facts["license"]
    for key, value in facts.items():
        if key not in _KNOWN:
            raise ValueError(f"{path}{where}: {key} is none of {', '.join(_KNOWN)}")
        if not isinstance(value, _KNOWN[key]):
            raise ValueError(
                f"{path}{where}: {key} must be a {_KNOWN[key].__name__}, got {value!r}"
            )
    if facts.get("up", "y") not in ("y", "z"):
        raise ValueError(f"{path}{where}: up must be y or z, got {facts['up']!r}")
    size = facts.get("size", [1.0, 1.0])
    if len(size) != 2 or not all(isinstance(side, int | float) for side in size):
        raise ValueError(f"{path}{where}: size must be two numbers of metres, got {size!r}")
    if not 0 < size[0] <= size[1]:
        raise ValueError(f"{path}{where}: size must rise and be above 0, got {size!r}")
    return facts


def _licence_text(path: Path, root: Path) -> str:
    for folder in _upwards(path, root):
        for file in sorted(folder.iterdir()):
            if file.stem.lower() in _LICENCE_NAMES and file.suffix.lower() in ("", ".txt", ".md"):
                return _title(file.read_text(encoding="utf-8", errors="replace"), file.name)
    return NOT_STATED


def _title(text: str, name: str) -> str:
    """Return what a licence is called: a known name, or its first line."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    start = " ".join(lines[:12]).lower()
    for words, title in _TITLES:
        if words in start:
            return title
    return f"{lines[0][:80]} (see {name})" if lines else NOT_STATED
