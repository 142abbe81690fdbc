"""The foregrounds and the backgrounds that composites are made of, each with its split."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from maskmill.door import Refused
from maskmill.sample import Dropped

from .division import Shares
from .facts import RenderFacts, read_facts
from .folder import PHOTOGRAPHS, Facts, files_of, looked_at, storable

LAYER = ".foreground.png"
SHADOW = ".shadow.png"
_BESIDE = (".alpha.png", SHADOW, ".sheet.png")


@dataclass(frozen=True, slots=True)
class Foreground:
    """A picture with a transparent background.

    Parameters
    ----------
    name : str
        Relative to its folder.
    file : Facts
    group : str
        What must not be parted between splits.
    split : str
    facts : RenderFacts or None
        What `maskmill render` says of it.
    shadow : str or None
        Name of the file that has its shadow.
    """

    name: str
    file: Facts
    group: str
    split: str
    facts: RenderFacts | None = None
    shadow: str | None = None


@dataclass(frozen=True, slots=True)
class Background:
    """A photograph to put things before.

    Parameters
    ----------
    name : str
        Relative to its folder.
    file : Facts
    split : str
    licence : str
    """

    name: str
    file: Facts
    split: str
    licence: str = ""


class Row(NamedTuple):
    """What a table says of a background."""

    licence: str = ""
    group: str = ""


def foregrounds_of(
    folder: str, views: Literal["file", "folder"], shares: Shares, salt: str
) -> tuple[list[Foreground], list[Dropped]]:
    """List the foregrounds of a folder, and what cannot be one.

    Raises
    ------
    ValueError
        When there is no folder or no foreground in it.
    """
    root, pictures = files_of(folder, [".png"])
    names = _layers(pictures)
    if not names:
        hint = ""
        if any(name.endswith(".alpha.png") for name in pictures):
            hint = "; renders need their layers: set foreground = true under [alpha] in the scene"
        raise ValueError(
            f"foregrounds must hold PNG files with a transparent background, got none in "
            f"{folder}{hint}"
        )
    shadows = {name for name in pictures if name.endswith(SHADOW)}
    found: list[Foreground] = []
    lost: list[Dropped] = []
    for name, file in zip(names, looked_at(root, names), strict=True):
        origin = storable(f"foreground: {name}")
        stem = name.removesuffix(LAYER).removesuffix(".png")
        try:
            facts = read_facts(root, f"{stem}.json")
            if facts is None and name.endswith(LAYER):
                # The renderer writes them last: whose view this is, nobody has said yet.
                raise Refused("missing_file")
        except Refused as refused:
            lost.append(Dropped(None, refused.reason, {**refused.values, "facts": 1.0}, origin))
            continue
        if isinstance(file, Refused):
            lost.append(Dropped(None, file.reason, {**file.values, "foreground": 1.0}, origin))
            continue
        group = facts.group if facts and facts.group else _group(name, file, views)
        shadow = f"{stem}{SHADOW}" if f"{stem}{SHADOW}" in shadows else None
        split = shares.side_of(group, salt)
        found.append(Foreground(name, file, group, split, facts, shadow))
    return found, lost


def backgrounds_of(
    folder: str, about: Mapping[str, Row], shares: Shares, salt: str
) -> tuple[list[Background], list[Dropped]]:
    """List the backgrounds of a folder, and what cannot be one.

    Raises
    ------
    ValueError
        When there is no folder or no photograph in it.
    """
    root, names = files_of(folder, PHOTOGRAPHS)
    if not names:
        raise ValueError(f"backgrounds must hold photographs, got none in {folder}")
    found: list[Background] = []
    lost: list[Dropped] = []
    for name, file in zip(names, looked_at(root, names), strict=True):
        if isinstance(file, Refused):
            values = {**file.values, "background": 1.0}
            lost.append(Dropped(None, file.reason, values, storable(f"background: {name}")))
            continue
        row = about.get(name, Row())
        split = shares.side_of(row.group or file.identity, salt)
        found.append(Background(name, file, split, row.licence))
    return found, lost


def read_about(path: str | os.PathLike[str]) -> dict[str, Row]:
    """Read a table about backgrounds: CSV in UTF-8 with ``image``, ``licence`` and ``group``.

    Raises
    ------
    ValueError
        When it has no column ``image``, or neither of the two others.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        names = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"about must be a CSV in UTF-8, got {path}: {error}") from None
    if "image" not in names or not {"licence", "group"} & set(names):
        raise ValueError(
            "about must have the columns image and licence, group or both, got "
            f"{', '.join(names) or 'none'} in {path}"
        )
    return {
        (row["image"] or "").strip(): Row(
            storable((row.get("licence") or "").strip()), storable((row.get("group") or "").strip())
        )
        for row in rows
    }


def _layers(pictures: Sequence[str]) -> list[str]:
    """Return which PNGs are foregrounds: of a render its layer, and what belongs to no render."""
    known = set(pictures)
    chosen: list[str] = []
    for name in pictures:
        stem = name.removesuffix(".png")
        whole = not any(f"{stem}{end}" in known for end in (LAYER, ".alpha.png"))
        if name.endswith(LAYER) or (whole and not name.endswith(_BESIDE)):
            chosen.append(name)
    return chosen


def _group(name: str, file: Facts, views: str) -> str:
    parent = str(PurePosixPath(name).parent)
    return storable(parent) if views == "folder" and parent != "." else file.identity
