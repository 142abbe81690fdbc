"""The images of an annotation file: one frame each, however often and oddly it is listed."""

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from .annotation_file import AnnotationFile, Record, pieces
from .annotations import MAX_PIXELS
from .fields import id_of, numbers_of, storable, text_of

Id = int | str


class ImageRecord(Record, gc=False):
    """What is read of a record of ``images``."""

    ESSENTIAL = "id"

    id: int
    file_name: str | None = None
    height: int = 0
    width: int = 0
    license: int | None = None
    coco_url: str | None = None
    group: str | None = None
    split: str | None = None
    neg_category_ids: list[int] | None = None
    not_exhaustive_category_ids: list[int] | None = None


class Frame(msgspec.Struct, gc=False, frozen=True):
    """One image of the file.

    Parameters
    ----------
    image_id : int, str or None
        None where the record has none.
    file_name : str
        Relative to the folder of the images.
    height, width : int
        In pixels; 0 where the frame is none.
    reason : str or None
        Why it cannot be used, with the numbers in `values`.
    licence : int, str or None
        Number of its licence.
    entry : int
        Place in the file where that has to tell it from others.
    group, split : str or None
        As the file fixes them.
    absence_known : bool
        False where nothing annotated may mean that nobody looked (LVIS).
    """

    image_id: int | str | None
    file_name: str
    height: int = 0
    width: int = 0
    reason: str | None = None
    values: dict[str, float] | None = None
    entry: int = -1
    licence: int | str | None = None
    group: str | None = None
    split: str | None = None
    absence_known: bool = True

    @property
    def origin(self) -> str:
        """``file_name#id``, or the entry where there are none."""
        if self.image_id is None:
            return f"images[{self.entry}]"
        again = f"@{self.entry}" if self.entry >= 0 else ""
        return storable(f"{self.file_name}#{self.image_id}{again}")


@dataclass(frozen=True)
class Frames:
    """The images of a file and how annotations find them.

    Parameters
    ----------
    frames : list of Frame
        In file order, entries of one picture merged.
    rows : dict
        Place in `frames` of an image id; of merged entries all ids lead there.
    merged : int
        Entries that named a picture again.
    """

    frames: list[Frame]
    rows: dict[Id, int]
    merged: int


@dataclass(frozen=True)
class Categories:
    """Names by id, and the ids behind one name."""

    names: Mapping[Id, tuple[str, str]]
    file: str

    def ids(self, category: str) -> frozenset[Id]:
        """Return the ids of a category.

        Raises
        ------
        ValueError
            When no category is called that; the closest names are in the message.
        """
        found = frozenset(number for number, (name, _) in self.names.items() if name == category)
        if not found:
            known = sorted({name for name, _ in self.names.values()})
            near = difflib.get_close_matches(category, known, n=3, cutoff=0.4) or known[:10]
            raise ValueError(
                f"category must be one of {self.file}, got {category!r}; the closest are "
                f"{', '.join(near)}"
            )
        return found


def read_categories(file: AnnotationFile) -> Categories:
    """Read the categories.

    Raises
    ------
    ValueError
        When one has no id or no name.
    """
    names: dict[Id, tuple[str, str]] = {}
    for record in file.list_of("categories"):
        number = id_of(record.get("id")) if isinstance(record, dict) else None
        if number is None or not isinstance(record.get("name"), str):
            raise ValueError(
                f"a category must have an id and a name, got {str(record)[:80]} in {file.name}"
            )
        named = (record["name"], text_of(record.get("supercategory")) or "")
        if names.setdefault(number, named)[0] != named[0]:
            raise ValueError(
                f"a category's id must stand for one name, got {number} for {names[number][0]!r} "
                f"and {named[0]!r} in {file.name}"
            )
    return Categories(names, file.name)


def read_licences(file: AnnotationFile) -> dict[Id, str]:
    """Return the licences' names by number."""
    licences: dict[Id, str] = {}
    for record in file.list_of("licenses"):
        number = id_of(record.get("id")) if isinstance(record, dict) else None
        if number is not None:
            licences[number] = text_of(record.get("name")) or text_of(record.get("url")) or ""
    return licences


def read_frames(file: AnnotationFile, wanted: frozenset[Id] = frozenset()) -> Frames:
    """Read the images.

    Parameters
    ----------
    file : AnnotationFile
    wanted : frozenset of int or str
        Ids of the category that has to be annotated exhaustively.

    Notes
    -----
    An entry with the id and the file name of an earlier one is the same picture, and so is one with
    its file name and size under another id, as in files with an entry for every annotation. An
    entry with a known id and another file name is a ``duplicate_image``.

    LVIS has no file name, only an address: its last two parts are taken, ``train2017/1.jpg``. An
    image whose ``not_exhaustive_category_ids`` hold the category is ``not_exhaustive``, and nobody
    is known to be absent unless its ``neg_category_ids`` do (lvis-api issue 28: most people there
    are not annotated at all).
    """
    frames: list[Frame] = []
    rows: dict[Id, int] = {}
    pictures: dict[str, int] = {}
    merged = 0
    for entry, record in enumerate(_records(file)):
        name = number = None
        if record is not None:
            name = record.file_name if type(record.file_name) is str else _file_name(record)
            number = record.id if type(record.id) is int else id_of(record.id)
        if record is None or name is None or number is None:
            frames.append(Frame(None, name or "", reason="bad_record", entry=entry))
            continue
        known = rows.get(number)
        if known is not None:
            if frames[known].file_name == name:
                merged += 1
            else:
                frames.append(Frame(number, name, reason="duplicate_image", entry=entry))
            continue
        twin = pictures.get(name)
        if twin is not None and _size(frames[twin]) == (record.height, record.width):
            rows[number] = twin
            merged += 1
            continue
        if twin is None or frames[twin].reason is not None:
            pictures[name] = len(frames)
        rows[number] = len(frames)
        frames.append(_frame(record, number, name, wanted))
    return Frames(frames, rows, merged)


def stays_inside(name: str) -> bool:
    """Tell whether a file name is a relative path that cannot leave its folder.

    Examples
    --------
    >>> stays_inside("train2017/1.jpg"), stays_inside("../1.jpg"), stays_inside("/etc/passwd")
    (True, False, False)
    """
    if name.isascii() and name.isprintable() and "/" not in name and name not in ("", ".", ".."):
        return True
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts or "\0" in name:
        return False
    return storable(name) == name


def _records(file: AnnotationFile) -> Iterator[ImageRecord | None]:
    for piece in pieces(file.path, file.arrays["images"], ImageRecord, size=2**21):
        yield from piece.records
        yield from [None] * piece.broken


def _size(frame: Frame) -> tuple[int, int]:
    return frame.height, frame.width


def _frame(record: ImageRecord, number: Id, name: str, wanted: frozenset[Id]) -> Frame:
    height, width = record.height, record.width
    if not (_is_side(height) and _is_side(width)):
        sizes = {"height": numbers_of([height]), "width": numbers_of([width])}
        values = {side: size[0] for side, size in sizes.items() if size}
        return Frame(number, name, reason="bad_frame", values=values)
    if height * width > MAX_PIXELS:
        values = {"pixels": float(min(height * width, 2**53)), "limit": float(MAX_PIXELS)}
        return Frame(number, name, reason="too_many_pixels", values=values)
    if not stays_inside(name):
        return Frame(number, name, height, width, "unsafe_path")
    if not wanted.isdisjoint(_ids(record.not_exhaustive_category_ids)):
        return Frame(number, name, height, width, "not_exhaustive")
    negative: Any = record.neg_category_ids
    return Frame(
        number,
        name,
        height,
        width,
        licence=record.license if type(record.license) is int else id_of(record.license),
        group=text_of(record.group),
        split=text_of(record.split),
        absence_known=negative is None or not wanted.isdisjoint(_ids(negative)),
    )


def _ids(values: Any) -> Sequence[Id]:
    if not isinstance(values, list):
        return ()
    return [number for number in map(id_of, values) if number is not None]


def _is_side(size: object) -> bool:
    return type(size) is int and size > 0


def _file_name(record: ImageRecord) -> str | None:
    name: Any = record.file_name
    if isinstance(name, str):
        return name
    address: Any = record.coco_url
    if name is None and isinstance(address, str) and address:
        with contextlib.suppress(ValueError):  # no address after all
            return "/".join(unquote(urlsplit(address).path).split("/")[-2:])
    return None
