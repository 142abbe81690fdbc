"""Go through the annotations of a file once and note where the people are, without their outlines.

Per annotation of the wanted category five numbers are kept: its image, whether it is a crowd, its
id, and where its segmentation stands in the file. What it looks like is read again only for images
whose number of people passes.
"""

import contextlib
import itertools
import multiprocessing
import operator
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .annotation_file import (
    PIECE,
    AnnotationFile,
    Piece,
    Span,
    UnusualLayoutError,
    next_record,
    pieces,
    value_of,
)
from .annotation_records import Boxed, Located, normal
from .fields import numbers_of
from .frames import Frames, Id

Numbers = npt.NDArray[np.int64]

NO_ID = -(2**63)
"""Stands for an annotation's id that is no whole number of 64 bits."""

_IMAGE = operator.attrgetter("image_id")
_CATEGORY = operator.attrgetter("category_id")

Progress = Callable[[str, int, int], None]
Spread = Callable[..., Iterable[Any]]
_RANGE = 4 * PIECE  # bytes that a process takes at a time


@dataclass(frozen=True)
class People:
    """The annotations of one category, in file order; arrays of one length.

    Parameters
    ----------
    row : ndarray of int64
        Place of its image in `Frames.frames`.
    crowd : ndarray of bool
    number : ndarray of int64
        Its id, `NO_ID` where that is no such number.
    place, length : ndarray of int64
        Where its segmentation stands in the file, in bytes; length 0: it has none.
    box : ndarray of float64, N x 4, or None
        x, y, width, height in pixels, NaN where the file has no proper box.
    """

    row: Numbers
    crowd: npt.NDArray[np.bool_]
    number: Numbers
    place: Numbers
    length: Numbers
    box: npt.NDArray[np.float64] | None = None

    def taken(self, which: Any) -> "People":
        """Return some of them, by indices or a mask."""
        return People(
            self.row[which],
            self.crowd[which],
            self.number[which],
            self.place[which],
            self.length[which],
            None if self.box is None else self.box[which],
        )


@dataclass(frozen=True)
class Survey:
    """What one pass over the annotations found.

    Parameters
    ----------
    people : People
    annotations : int
        Annotations read, of all categories.
    faults : mapping of str to int
        ``orphan_annotation`` (of no image of the file), ``unknown_category``,
        ``repeated_annotation`` (an image's annotation again, word for word: counted once),
        ``broken_record`` (nothing can decode it), ``merged_image``.
    """

    people: People
    annotations: int
    faults: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True)
class _Question:
    """What is looked for; travels to worker processes."""

    path: str
    end: int
    rows: dict[Id, int]
    wanted: frozenset[Id]
    known: frozenset[Id]
    boxes: bool


def survey(
    file: AnnotationFile,
    frames: Frames,
    wanted: frozenset[Id],
    known: frozenset[Id],
    *,
    boxes: bool = False,
    spread: Spread = map,
    progress: Progress | None = None,
) -> Survey:
    """Go through the annotations once.

    Parameters
    ----------
    file : AnnotationFile
    frames : Frames
    wanted, known : frozenset of int or str
        Ids of the category that counts, and of all categories.
    boxes : bool
        Whether boxes are kept.
    spread : callable
        A `map`, of one process or of several (`spread_over`); each call takes a range of bytes.
    progress : callable, optional
        Called with ("annotations", bytes done, bytes in all).
    """
    span = file.arrays["annotations"]
    question = _Question(file.path, span.stop, frames.rows, wanted, known, boxes)
    total = span.stop - span.start
    parts: list[_Part] = []
    place = span.start
    ranges = _ranges(file.path, span)
    for limits, part in zip(ranges, spread(partial(_range, question), ranges), strict=True):
        # A range that began within a record is read again from where the one before it ended.
        if place < limits.stop:
            if place != limits.start:
                part = _range(question, Span(place, limits.stop))
            if part is None:
                raise UnusualLayoutError(file.name)
            parts.append(part)
            place = part.stop
        if progress is not None:
            progress("annotations", place - span.start, total)
    return _joined(file.path, parts, boxes)


@contextlib.contextmanager
def spread_over(workers: int) -> Generator[Spread]:
    """Give a `map` that spreads its work over processes, or the plain one for a single one."""
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    if workers == 1:
        yield map
        return
    # Spawned: a fork would copy the threads' locks of OpenCV and BLAS, but not their threads.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield pool.map


@dataclass(frozen=True)
class _Part:
    people: People
    annotations: int
    faults: Counter[str]
    stop: int


def _ranges(path: str, span: Span) -> list[Span]:
    number = max(1, (span.stop - span.start) // _RANGE)
    cuts = [span.start]
    with Path(path).open("rb") as file:
        for k in range(1, number):
            guess = span.start + (span.stop - span.start) * k // number
            cuts.append(max(cuts[-1], next_record(file, guess, span.stop)))
    return [
        Span(start, stop)
        for start, stop in zip(cuts, [*cuts[1:], span.stop], strict=True)
        if start < stop
    ]


def _range(question: _Question, span: Span) -> _Part | None:
    """Note the people of a range; None when the array ends in it, or seems to."""
    kind = Boxed if question.boxes else Located
    try:
        parts = [
            _located(question, piece)
            for piece in pieces(question.path, span, kind, end=question.end)
        ]
    except UnusualLayoutError:
        return None
    people = _concatenated([part.people for part in parts], question.boxes)
    faults = sum((part.faults for part in parts), Counter[str]())
    number = sum(part.annotations for part in parts)
    return _Part(people, number, faults, parts[-1].stop if parts else span.stop)


def _located(question: _Question, piece: Piece[Any]) -> _Part:
    """Note the people of a piece."""
    records = normal(piece, Boxed if question.boxes else Located)
    wanted = question.wanted
    of = list(map(question.rows.get, map(_IMAGE, records), itertools.repeat(-1)))
    categories = list(map(_CATEGORY, records))
    faults = Counter(
        orphan_annotation=of.count(-1),
        unknown_category=len(records) - sum(map(question.known.__contains__, categories)),
        broken_record=piece.broken,
    )
    hits = [i for i, category in enumerate(categories) if category in wanted and of[i] >= 0]
    people = [records[i] for i in hits]
    outlines = [pa.py_buffer(record.segmentation) for record in people]
    base = pa.py_buffer(piece.buffer).address - piece.offset
    lengths = np.array([outline.size for outline in outlines], np.int64)
    places = np.array([outline.address for outline in outlines], np.uint64).astype(np.int64) - base
    boxes = [_box(record.bbox) for record in people] if question.boxes else None
    return _Part(
        People(
            row=np.array([of[i] for i in hits], np.int64),
            crowd=np.array([record.iscrowd != 0 for record in people], np.bool_),
            number=np.array([_number(record.id) for record in people], np.int64),
            place=np.where(lengths > 0, places, 0),
            length=lengths,
            box=None if boxes is None else np.array(boxes, np.float64).reshape(-1, 4),
        ),
        len(piece.records),
        +faults,
        piece.stop,
    )


def _number(number: object) -> int:
    return number if isinstance(number, int) and abs(number) < 2**63 else NO_ID


def _box(raw: msgspec.Raw) -> tuple[float, ...]:
    numbers = numbers_of(value_of(raw)) if raw else None
    proper = numbers is not None and len(numbers) == 4 and min(numbers[2:]) >= 0
    return numbers if proper and numbers is not None else (np.nan,) * 4


def _concatenated(parts: Sequence[People], boxes: bool) -> People:
    def column(name: str, dtype: type) -> Any:
        return np.concatenate([np.zeros(0, dtype), *(getattr(part, name) for part in parts)])

    box = [np.zeros((0, 4)), *(part.box for part in parts if part.box is not None)]
    return People(
        row=column("row", np.int64),
        crowd=column("crowd", np.bool_),
        number=column("number", np.int64),
        place=column("place", np.int64),
        length=column("length", np.int64),
        box=np.concatenate(box) if boxes else None,
    )


def _joined(path: str, parts: Sequence[_Part], boxes: bool) -> Survey:
    people = _concatenated([part.people for part in parts], boxes)
    faults = sum((part.faults for part in parts), Counter[str]())
    repeated = _repeated(path, people)
    if repeated.any():
        faults["repeated_annotation"] = int(repeated.sum())
        people = people.taken(~repeated)
    return Survey(people, sum(part.annotations for part in parts), faults)


def _repeated(path: str, people: People) -> npt.NDArray[np.bool_]:
    """Mark annotations whose image has one of the same id and outline already."""
    again = np.zeros(len(people.row), np.bool_)
    order = np.lexsort((people.number, people.row))  # stable: neighbours stay in file order
    row, number = people.row[order], people.number[order]
    same = (row[1:] == row[:-1]) & (number[1:] == number[:-1]) & (number[1:] != NO_ID)
    if not same.any():
        return again
    with Path(path).open("rb") as file:
        seen: set[tuple[Any, ...]] = set()
        twins = np.unique(np.concatenate([np.flatnonzero(same), np.flatnonzero(same) + 1]))
        for i in order[twins]:
            text = os.pread(file.fileno(), int(people.length[i]), int(people.place[i]))
            value = repr(value_of(text)) if text else ""
            word = (int(people.row[i]), int(people.number[i]), bool(people.crowd[i]), value)
            again[i] = word in seen
            seen.add(word)
    return again
