"""Keep what was parsed of an annotation file, so that other bounds cost no parsing.

For a file and a category the folder holds::

    <name>-<digest>/annotations.parquet   one row for each annotation of the category: row (place
                                          of its image in the other table), annotation_id, crowd,
                                          area (pixels), rle (COCO's string), fault (why no mask)
    <name>-<digest>/images.parquet        one row for each image: the numbers that rules ask for
    <name>-<digest>/cache.json            what it was made of

The digest is that of the file's size and content (XXH3, 128 bits, of every byte), the category and
the version: one changed byte is another entry, and the one it replaces is removed. Of a URL, size
and time, or what else its storage tells, stand for the content.
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from maskmill import __version__
from maskmill.files import write_whole
from maskmill.stage import digest_of

from .annotation_file import PIECE, AnnotationFile, value_of, with_arrays
from .annotation_records import is_segment
from .annotations import Rle, SegmentationError, masks, outline, segment_area, union
from .people import PersonFilter
from .selection import (
    Count,
    Job,
    by_number,
    by_size,
    count,
    decided,
    ids,
    jobs_of,
    printable,
    undecided,
)
from .survey import NO_ID, Progress, Spread

FORMAT = 1

_ANNOTATIONS = pa.schema(
    [
        ("row", pa.int64()),
        ("annotation_id", pa.int64()),
        ("crowd", pa.bool_()),
        ("area", pa.int64()),
        ("rle", pa.binary()),
        ("fault", pa.string()),
    ]
)
_KINDS = ("persons", "everyone")  # without crowds, and with them
_NUMBERS = ("box", "hull", "union", "sum")  # pixels: two bounds, two areas
_ROW_GROUP = 2**15
_ABANDONED = 24 * 3600  # seconds; no file takes as long
_EVERYONE = PersonFilter(persons=(0, 2**31 - 1), coverage=(0.0, 1.0), crowd="count")


@dataclass(frozen=True)
class Cached:
    """What is known of every image of a file."""

    images: pa.Table
    facts: dict[str, Any]

    def table(self, rules: PersonFilter) -> pa.Table:
        """Decide by other bounds; see `maskmill.curate.select_people`."""
        images = self.images
        kind = "everyone" if rules.crowd == "count" else "persons"
        persons, crowds = _numbers(images, "persons"), _numbers(images, "crowds")
        counted = persons + crowds if rules.crowd == "count" else persons
        reason = images["frame_reason"].to_numpy().astype(object)
        unknown = _numbers(images, "unseen") & (persons + crowds == 0)
        by_number(reason, unknown, counted, crowds, rules)
        waiting = undecided(reason)
        fault = images[f"{kind}_fault"].to_numpy().astype(object)
        reason[waiting] = fault[waiting]
        waiting = undecided(reason)
        sound = _numbers(images, "height") > 0
        pixels = np.where(sound, _numbers(images, "height") * _numbers(images, "width"), 1)
        low = rules.coverage[0]
        bound = _numbers(images, f"{kind}_box").astype(np.float64)
        tight = bound / pixels >= low
        bound[tight] = _numbers(images, f"{kind}_hull")[tight]
        if rules.area == "union":
            bound = np.minimum(bound, pixels)
        needed = waiting & (bound / pixels >= low)
        covered = _numbers(images, f"{kind}_{rules.area}").astype(np.float64)
        if rules.area == "union":
            covered = np.minimum(covered, pixels)
        coverage = np.where(needed, covered / pixels, np.nan)
        bound = np.where(needed, np.maximum(bound, covered), bound) / pixels
        most = counted if rules.area == "sum" else counted > 0
        bound = np.where(waiting, np.minimum(bound, most), most)
        by_size(reason, coverage, bound, rules)
        names = ("image_id", "file_name", "height", "width")
        return decided(
            {name: images[name] for name in names},
            counted,
            crowds,
            coverage,
            np.where(sound, bound, np.nan),
            reason,
            {**self.facts, "decoded": 0, "rasterised": 0},
        )


def cached(
    location: str,
    folder: str,
    category: str,
    *,
    spread: Spread = map,
    progress: Progress | None = None,
) -> Cached:
    """Return what is kept of a file, or parse it and keep that.

    Parameters
    ----------
    location : str
        Path or URL of the annotation file.
    folder : str
        Of the cache; made where there is none.
    category : str
    spread : callable
        See `maskmill.curate.survey.spread_over`.
    progress : callable, optional

    Raises
    ------
    OSError, ValueError
        As `maskmill.curate.select_people`.
    """
    if "://" not in location:
        location = str(Path(location).absolute())
    content = content_of(location)
    stem = Path(location).name.partition(".")[0]
    digest = digest_of(FORMAT, __version__, category, content)
    entry = Path(folder) / f"{stem}-{digest}"
    if not (entry / "cache.json").exists():
        Path(folder).mkdir(parents=True, exist_ok=True)
        about = {"location": location, "category": category}
        with_arrays(location, lambda file: _write(file, entry, about, spread, progress))
        _remove_older(entry, location, category)
    note = json.loads((entry / "cache.json").read_text())
    return Cached(pq.read_table(entry / "images.parquet"), note["facts"])


def content_of(location: str) -> str:
    """Return what identifies the content of a file: its size and the hash of its bytes."""
    if "://" in location:
        from fsspec.core import url_to_fs

        storage, path = url_to_fs(location)
        return f"{storage.size(path)} {storage.ukey(path)}"
    digest = xxhash.xxh3_128()
    buffer = bytearray(PIECE)
    view = memoryview(buffer)
    size = 0
    with Path(location).open("rb", buffering=0) as file:
        while number := file.readinto(buffer):
            digest.update(view[:number])
            size += number
    return f"{size} {digest.hexdigest()}"


def _write(
    file: AnnotationFile,
    entry: Path,
    about: dict[str, Any],
    spread: Spread,
    progress: Progress | None,
) -> None:
    """Write an entry, whole or not at all."""
    rules = PersonFilter(_EVERYONE.persons, _EVERYONE.coverage, _EVERYONE.crowd, about["category"])
    counted = count(file, rules, spread=spread, progress=progress)
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix=".tmp-") as made:
        folder = Path(made, "entry")
        folder.mkdir()
        found = _write_annotations(file, counted, folder / "annotations.parquet", progress)
        pq.write_table(_images(counted, found), folder / "images.parquet", compression="zstd")
        note = {"format": FORMAT, **about, "facts": dict(counted.facts)}
        write_whole(folder / "cache.json", json.dumps(note, indent=1).encode() + b"\n")
        if entry.exists() and not (entry / "cache.json").exists():  # nobody reads one without
            shutil.rmtree(entry, ignore_errors=True)
        try:
            folder.rename(entry)
        except OSError:
            if not (entry / "cache.json").exists():  # nobody else was quicker
                raise


def _write_annotations(
    file: AnnotationFile, counted: Count, path: Path, progress: Progress | None
) -> dict[str, Any]:
    """Write a row for each annotation, and return the columns that tell of the images' masks."""
    jobs = jobs_of(counted.people, counted.frames)
    size = len(counted.frames.frames)
    columns: dict[str, Any] = {
        f"{kind}_{name}": np.zeros(size) for kind in _KINDS for name in _NUMBERS
    }
    faults = {f"{kind}_fault": np.full(size, None, object) for kind in _KINDS}
    rows: list[tuple[Any, ...]] = []
    writer = pq.ParquetWriter(path, _ANNOTATIONS, compression="zstd")
    with writer, Path(file.path).open("rb") as source:
        for done, job in enumerate(jobs, 1):
            if counted.frames.frames[job.row].reason is None:
                people = list(_people(source.fileno(), job))
                _note(people, job, columns, faults)
                rows += [person.row_of(job.row) for person in people]
            if len(rows) >= _ROW_GROUP or (rows and done == len(jobs)):
                values = dict(zip(_ANNOTATIONS.names, zip(*rows, strict=True), strict=True))
                writer.write_table(pa.table(values, schema=_ANNOTATIONS))
                rows = []
            if progress is not None and done % 512 == 0:
                progress("masks", done, len(jobs))
    return columns | {name: pa.array(words, pa.string()) for name, words in faults.items()}


@dataclass(frozen=True, slots=True)
class _Person:
    """An annotation's mask, and the bounds and the area of it in pixels, or its fault."""

    number: int
    crowd: bool
    box: float = 0.0
    hull: float = 0.0
    area: float = 0.0
    mask: Rle | None = None
    fault: str | None = None

    def row_of(self, image: int) -> tuple[Any, ...]:
        """Return the row of the annotations' table."""
        number = None if self.number == NO_ID else self.number
        area = None if self.fault else round(self.area)
        return image, number, self.crowd, area, self.mask.counts if self.mask else None, self.fault


def _people(descriptor: int, job: Job) -> Iterator[_Person]:
    height, width = job.height, job.width
    for place, length, number, crowd in job.outlines:
        text = os.pread(descriptor, length, place)
        try:
            segmentation = value_of(text) if text else None
            if is_segment(segmentation):
                area = segment_area(segmentation, height, width)
                yield _Person(number, crowd, area, area, area)
                continue
            shape = outline(segmentation, height, width)
        except SegmentationError as bad:
            yield _Person(number, crowd, fault=bad.reason)
            continue
        mask = Rle(height, width, masks.merge(shape.parts(height, width))["counts"])
        yield _Person(number, crowd, shape.bound, shape.hull_bound, mask.area, mask)


def _note(
    people: Sequence[_Person], job: Job, columns: dict[str, Any], faults: dict[str, Any]
) -> None:
    """Note, for persons and for everyone, the bounds and areas in pixels, or the first fault."""
    persons = [person for person in people if not person.crowd]
    for kind, some in zip(_KINDS, (persons, people), strict=True):
        fault = next((person.fault for person in some if person.fault), None)
        if fault is not None:
            faults[f"{kind}_fault"][job.row] = fault
            continue
        summed = sum(person.area for person in some)
        shapes = [person.mask for person in some if person.mask is not None]
        united = summed
        if len(shapes) > 1:
            united += union(shapes, job.height, job.width).area - sum(m.area for m in shapes)
        box, hull = sum(person.box for person in some), sum(person.hull for person in some)
        for name, value in zip(_NUMBERS, (box, hull, united, summed), strict=True):
            columns[f"{kind}_{name}"][job.row] = value


def _images(counted: Count, masks_of: dict[str, Any]) -> pa.Table:
    frames = counted.frames.frames
    size = len(frames)
    people, crowds = counted.people, counted.crowds
    columns = {
        "image_id": ids([frame.image_id for frame in frames]),
        "file_name": pa.array([printable(frame.file_name) for frame in frames], pa.string()),
        "height": pa.array([frame.height or None for frame in frames], pa.int64()),
        "width": pa.array([frame.width or None for frame in frames], pa.int64()),
        "frame_reason": pa.array([frame.reason for frame in frames], pa.string()),
        "unseen": pa.array([not frame.absence_known for frame in frames], pa.bool_()),
        "persons": np.bincount(people.row[~people.crowd], minlength=size),
        "crowds": crowds,
    }
    return pa.table(columns | masks_of)


def _remove_older(entry: Path, location: str, category: str) -> None:
    """Remove what was kept of an earlier content of the same file, and what killed runs left."""
    for note in entry.parent.glob("*/cache.json"):
        try:
            about = json.loads(note.read_text())
            same = (about["location"], about["category"]) == (location, category)
        except (OSError, ValueError, LookupError, TypeError):
            continue  # not ours, or just being removed
        if same and note.parent != entry:
            shutil.rmtree(note.parent, ignore_errors=True)
    for left in entry.parent.glob(".tmp-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)


def _numbers(table: pa.Table, name: str) -> npt.NDArray[Any]:
    column = table[name]
    filled = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    return filled.to_numpy()
