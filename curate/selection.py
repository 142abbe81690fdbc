"""Which images of an annotation file show the right number of people at the right size."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .annotation_file import AnnotationFile, value_of, with_arrays
from .annotation_records import is_segment
from .annotations import Outline, SegmentationError, outline, segment_area
from .coverage import Area, cover
from .frames import Frames, read_categories, read_frames
from .people import Crowd, PersonFilter, small
from .survey import NO_ID, People, Progress, Spread, Survey, spread_over, survey

Words = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]

_BATCH = 512  # images whose masks a task makes


def select_people(
    annotations: str | os.PathLike[str],
    *,
    persons: tuple[int, int] = (1, 2),
    coverage: tuple[float, float] = (0.2, 0.7),
    crowd: Crowd = "reject",
    area: Area = "union",
    category: str = "person",
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
    trust_boxes: bool = False,
    progress: Progress | None = None,
) -> pa.Table:
    """Judge every image of a COCO file by how many people are in it and how much they cover.

    The file is read in pieces, so its size does not matter; people are counted before any outline
    is decoded, and boxes around the outlines decide before any mask is made. The rules and their
    order are those of `maskmill.curate.people.judge`; no image is opened.

    Parameters
    ----------
    annotations : str or path-like
        Path or fsspec URL of an instances or keypoints file, ``.json`` or ``.json.gz``.
    persons : (int, int)
        Fewest and most people, both included.
    coverage : (float, float)
        Least and largest share of the frame that they cover, in [0, 1], both included.
    crowd : {"reject", "ignore", "count"}
        An image with a crowd is not kept; crowds are passed over; or a crowd is one more person and
        part of the area.
    area : {"union", "sum"}
        Whether pixels count once where people overlap, or once for each of them.
    category : str
        What counts as a person.
    cache : str or path-like, optional
        Folder that keeps what was parsed, so that other bounds cost no parsing; see
        `maskmill.curate.cache`. The first call makes the masks of all people and takes longer.
    workers : int
        Processes to read with; worth their start for files of 100 MB and more. Scripts that use it
        start with ``if __name__ == "__main__":``.
    trust_boxes : bool
        Take the file's boxes for the bound on the coverage. Quicker where they are right; a box
        that is too small loses its image.
    progress : callable, optional
        Called with (what is done, done, total).

    Returns
    -------
    pyarrow.Table
        A row for each image of the file, in file order, entries of one picture merged:
        ``image_id`` (int64, or string where ids are no numbers), ``file_name`` (string), ``height``
        and ``width`` (int64, null where the record has none), ``persons`` and ``crowds`` (int32),
        ``coverage`` (float64: exact where the decision needed the masks, else null),
        ``coverage_bound`` (float64: it is not larger than this; 0 without people, null where the
        frame is unknown), ``keep`` (bool), ``reason`` (string, null when kept; docs/reasons.md).
        ``maskmill`` in the schema's metadata is JSON with ``annotations`` read, outlines
        ``decoded``, images ``rasterised`` and ``faults`` found in the file by reason.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When a parameter is out of range, the file is not in COCO's form, or does not know the
        category; the message then has the closest names.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> half = {"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 10, 0, 10, 5, 0, 5]]}
    >>> file = pathlib.Path(tempfile.mkdtemp(), "instances.json")
    >>> _ = file.write_text(json.dumps({
    ...     "images": [{"id": 1, "file_name": "1.jpg", "height": 10, "width": 10}],
    ...     "annotations": [half], "categories": [{"id": 1, "name": "person"}]}))
    >>> select_people(file).select(["image_id", "persons", "coverage", "keep"]).to_pylist()
    [{'image_id': 1, 'persons': 1, 'coverage': 0.5, 'keep': True}]
    """
    rules = PersonFilter(persons, coverage, crowd, category, area)
    location = os.fspath(annotations)
    with spread_over(workers) as spread:
        if cache is not None:
            from .cache import cached

            kept = cached(location, os.fspath(cache), category, spread=spread, progress=progress)
            return kept.table(rules)

        def work(file: AnnotationFile) -> pa.Table:
            found = select(file, rules, spread=spread, trust_boxes=trust_boxes, progress=progress)
            return found.table()

        return with_arrays(location, work)


class Measure(NamedTuple):
    """What the masks of one image's people tell.

    Parameters
    ----------
    bound : float
        Share of the frame that they cover at most.
    coverage : float
        Share that they cover; NaN where it was not needed.
    fault : str or None
        Why a mask cannot be made; `number` is then the annotation's id or `NO_ID`, and `crowd`
        tells whether it is one.
    """

    bound: float
    coverage: float = math.nan
    fault: str | None = None
    number: int = NO_ID
    crowd: bool = False


@dataclass(frozen=True)
class Selection:
    """The decision about every frame; arrays of the length of `frames.frames`.

    Parameters
    ----------
    frames : Frames
    rules : PersonFilter
    persons, crowds : ndarray of int64
        Those that count, and crowds.
    reason : ndarray of object
        None where the image is kept.
    coverage, bound : ndarray of float64
        NaN where unknown.
    faults : mapping of int to Measure
        By place: the mask that could not be made.
    facts : mapping of str to object
        Counters, for the table's metadata.
    """

    frames: Frames
    rules: PersonFilter
    persons: npt.NDArray[np.int64]
    crowds: npt.NDArray[np.int64]
    reason: Words
    coverage: Floats
    bound: Floats
    faults: Mapping[int, Measure]
    facts: Mapping[str, Any]

    @classmethod
    def of_count(cls, counted: "Count", rules: PersonFilter) -> "Selection":
        """Return a decision that asks about the number of people only."""
        unknown = np.full(len(counted.reason), np.nan)
        numbers = (counted.persons, counted.crowds, counted.reason)
        return cls(counted.frames, rules, *numbers, unknown, unknown, {}, counted.facts)

    def missed(self, row: int) -> dict[str, float]:
        """Return the bound that an image missed, and by what, as `judge` does."""
        reason, rules = self.reason[row], self.rules
        low, high = rules.coverage
        if reason == "crowd":
            return {"bound": 0}
        if reason == "person_count":
            few = self.persons[row] < rules.persons[0]
            return {"bound": rules.persons[0] if few else rules.persons[1]}
        if reason not in ("too_small", "too_large"):
            return {}
        if math.isnan(self.coverage[row]):
            return small(float(self.bound[row]), low)
        bound = low if reason == "too_small" else high
        return {"coverage": float(self.coverage[row]), "bound": bound}

    def table(self) -> pa.Table:
        """Return the table that `select_people` describes."""
        frames = self.frames.frames
        sound = np.array([frame.height > 0 for frame in frames], np.bool_)
        columns = {
            "image_id": ids([frame.image_id for frame in frames]),
            "file_name": pa.array([printable(frame.file_name) for frame in frames], pa.string()),
            "height": pa.array([frame.height for frame in frames], pa.int64(), mask=~sound),
            "width": pa.array([frame.width for frame in frames], pa.int64(), mask=~sound),
        }
        return decided(
            columns,
            self.persons,
            self.crowds,
            self.coverage,
            np.where(sound, self.bound, np.nan),
            self.reason,
            self.facts,
        )


def decided(
    columns: Mapping[str, Any],
    persons: npt.NDArray[np.int64],
    crowds: npt.NDArray[np.int64],
    coverage: Floats,
    bound: Floats,
    reason: Words,
    facts: Mapping[str, Any],
) -> pa.Table:
    """Put a decision into the columns of `select_people`."""
    kept = undecided(reason)
    table = pa.table(
        {
            **columns,
            "persons": pa.array(persons, pa.int32()),
            "crowds": pa.array(crowds, pa.int32()),
            "coverage": pa.array(coverage, pa.float64(), from_pandas=True),
            "coverage_bound": pa.array(bound, pa.float64(), from_pandas=True),
            "keep": pa.array(kept),
            "reason": pa.array(reason, pa.string()),
        }
    )
    return table.replace_schema_metadata({"maskmill": json.dumps(facts)})


def select(
    file: AnnotationFile,
    rules: PersonFilter,
    *,
    spread: Spread = map,
    trust_boxes: bool = False,
    progress: Progress | None = None,
) -> Selection:
    """Decide about every image of a file that is open already; see `select_people`."""
    counted = count(file, rules, spread=spread, boxes=trust_boxes, progress=progress)
    frames, people, persons = counted.frames, counted.people, counted.persons
    size = len(frames.frames)
    reason = counted.reason
    bound, coverage = np.where(persons > 0, 1.0, 0.0), np.full(size, np.nan)
    if rules.area == "sum":
        bound = persons.astype(np.float64)
    areas = np.array([max(f.height * f.width, 1) for f in frames.frames], np.float64)
    if people.box is not None:
        bound = np.minimum(bound, _box_bound(people, frames) / areas)
        reason[undecided(reason) & (bound < rules.coverage[0])] = "too_small"
    waiting = undecided(reason)
    if rules.coverage[0] == 0:
        coverage[waiting & (persons == 0)] = 0.0
    jobs = jobs_of(people.taken(waiting[people.row]), frames)
    faults: dict[int, Measure] = {}
    decoded = rasterised = done = 0
    for batch, measures in _measured(file, jobs, rules, spread):
        for job, measure in zip(batch, measures, strict=True):
            row = job.row
            decoded += len(job.outlines)
            bound[row] = min(bound[row], measure.bound)
            if measure.fault is not None:
                reason[row] = measure.fault
                faults[row] = measure
            elif not math.isnan(measure.coverage):
                rasterised += 1
                coverage[row] = measure.coverage
                bound[row] = max(bound[row], measure.coverage)  # a box can be too small
        done += len(batch)
        if progress is not None:
            progress("masks", done, len(jobs))
    by_size(reason, coverage, bound, rules)
    facts = {**counted.facts, "decoded": decoded, "rasterised": rasterised}
    return Selection(frames, rules, persons, counted.crowds, reason, coverage, bound, faults, facts)


@dataclass(frozen=True)
class Count:
    """What the number of people decides; see `Selection` for the arrays.

    Parameters
    ----------
    people : People
        Those that count.
    """

    frames: Frames
    people: People
    persons: npt.NDArray[np.int64]
    crowds: npt.NDArray[np.int64]
    reason: Words
    facts: Mapping[str, Any]


def count(
    file: AnnotationFile,
    rules: PersonFilter,
    *,
    spread: Spread = map,
    boxes: bool = False,
    progress: Progress | None = None,
) -> Count:
    """Decide what the number of people decides, without decoding an outline."""
    categories = read_categories(file)
    wanted = categories.ids(rules.category)
    frames = read_frames(file, wanted)
    known = frozenset(categories.names)
    found = survey(file, frames, wanted, known, boxes=boxes, spread=spread, progress=progress)
    size = len(frames.frames)
    people = found.people
    crowds = np.bincount(people.row[people.crowd], minlength=size)
    if rules.crowd != "count":
        people = people.taken(~people.crowd)
    persons = np.bincount(people.row, minlength=size)
    reason = np.array([frame.reason for frame in frames.frames], object)
    unseen = np.array([not frame.absence_known for frame in frames.frames], np.bool_)
    by_number(reason, unseen & (persons + crowds == 0), persons, crowds, rules)
    return Count(frames, people, persons, crowds, reason, facts_of(found, frames, rules))


def facts_of(found: Survey, frames: Frames, rules: PersonFilter) -> dict[str, Any]:
    """Return what a table tells of its file."""
    faults = dict(sorted((found.faults + Counter(merged_image=frames.merged)).items()))
    return {"category": rules.category, "annotations": found.annotations, "faults": faults}


def undecided(reason: Words) -> npt.NDArray[np.bool_]:
    """Return where there is no reason yet."""
    compare: Any = np.equal
    return compare(reason, None).astype(np.bool_)


def by_number(
    reason: Words,
    unknown: npt.NDArray[np.bool_],
    persons: npt.NDArray[np.int64],
    crowds: npt.NDArray[np.int64],
    rules: PersonFilter,
) -> None:
    """Fill in ``not_exhaustive``, ``crowd`` and ``person_count`` where there is no reason yet."""
    low, high = rules.persons
    for word, hit in (
        ("not_exhaustive", unknown),
        ("crowd", (crowds > 0) & (rules.crowd == "reject")),
        ("person_count", (persons < low) | (persons > high)),
    ):
        reason[undecided(reason) & hit] = word


def by_size(reason: Words, coverage: Floats, bound: Floats, rules: PersonFilter) -> None:
    """Fill in ``too_small`` and ``too_large`` where there is no reason yet."""
    low, high = rules.coverage
    known = np.where(np.isnan(coverage), bound, coverage)
    for word, hit in (("too_small", known < low), ("too_large", coverage > high)):
        reason[undecided(reason) & hit] = word


class Job(NamedTuple):
    """The people of one image, to be measured: where each outline stands, its id, if a crowd."""

    row: int
    height: int
    width: int
    outlines: list[tuple[int, int, int, bool]]


def jobs_of(people: People, frames: Frames) -> list[Job]:
    """Group people by their image."""
    order = np.argsort(people.row, kind="stable")
    columns = (people.place, people.length, people.number, people.crowd)
    outlines = list(zip(*(column[order].tolist() for column in columns), strict=True))
    rows, starts = np.unique(people.row[order], return_index=True)
    stops = [*starts[1:].tolist(), len(outlines)][: len(starts)]
    jobs: list[Job] = []
    for row, start, stop in zip(rows.tolist(), starts.tolist(), stops, strict=True):
        frame = frames.frames[row]
        jobs.append(Job(row, frame.height, frame.width, outlines[start:stop]))
    return jobs


def _measured(
    file: AnnotationFile, jobs: Sequence[Job], rules: PersonFilter, spread: Spread
) -> Iterator[tuple[Sequence[Job], list[Measure]]]:
    batches = [jobs[start : start + _BATCH] for start in range(0, len(jobs), _BATCH)]
    yield from zip(batches, spread(partial(_measure_all, file.path, rules), batches), strict=True)


def _measure_all(path: str, rules: PersonFilter, jobs: Sequence[Job]) -> list[Measure]:
    with Path(path).open("rb") as file:
        return [_measure(file.fileno(), job, rules) for job in jobs]


def _measure(descriptor: int, job: Job, rules: PersonFilter) -> Measure:
    """Decode an image's outlines, and make masks of them where their boxes do not decide."""
    height, width = job.height, job.width
    outlines: list[Outline] = []
    apart = 0.0
    for place, length, number, crowd in job.outlines:
        text = os.pread(descriptor, length, place)
        try:
            segmentation = value_of(text) if text else None
            if is_segment(segmentation):
                apart += segment_area(segmentation, height, width)
            else:
                outlines.append(outline(segmentation, height, width))
        except SegmentationError as bad:
            return Measure(math.inf, fault=bad.reason, number=number, crowd=crowd)
    low = rules.coverage[0]
    found = cover(outlines, height, width, needed=low, area=rules.area, apart=apart)
    return Measure(found.bound, math.nan if found.coverage is None else found.coverage)


def _box_bound(people: People, frames: Frames) -> Floats:
    """Return, per frame, the pixels in the boxes of its people; infinity where one is missing."""
    sizes = np.array([(f.width, f.height) for f in frames.frames], np.float64).reshape(-1, 2)
    box = people.box if people.box is not None else np.zeros((len(people.row), 4))
    frame = sizes[people.row]
    corner = np.clip(box[:, :2], 0, frame)
    extent = np.clip(box[:, :2] + box[:, 2:], 0, frame) - corner + 2
    pixels = np.nan_to_num(extent[:, 0] * extent[:, 1], nan=np.inf)
    return np.bincount(people.row, weights=pixels, minlength=len(sizes)).astype(np.float64)


def ids(values: Sequence[int | str | None]) -> pa.Array:
    """Return image ids as whole numbers, or as text where one is none of 64 bits."""
    if all(
        value is None or (isinstance(value, int) and -NO_ID > value >= NO_ID) for value in values
    ):
        return pa.array(values, pa.int64())
    return pa.array(
        [None if value is None else printable(str(value)) for value in values], pa.string()
    )


def printable(text: str) -> str:
    """Return text that UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
