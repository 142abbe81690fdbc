"""Gather the annotations of the images that are to be read, as the file writes them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .annotation_file import AnnotationFile, pieces, value_of, with_arrays
from .annotation_records import Entire, is_segment, normal
from .annotations import Annotation
from .fields import numbers_of
from .frames import Categories, Frames, Id, read_categories


@dataclass(frozen=True, slots=True)
class Written:
    """An annotation whose numbers are still the text of the file: small, and quick to send.

    Parameters
    ----------
    id : int, str or None
    category, supercategory : str
    iscrowd : bool
    segmentation, bbox, keypoints : bytes
        JSON; empty where there is none.
    panoptic : str
        Name of the picture that a panoptic object lies in; empty for all others.
    """

    id: int | str | None
    category: str
    iscrowd: bool
    segmentation: bytes = field(repr=False)
    supercategory: str = ""
    bbox: bytes = field(default=b"", repr=False)
    keypoints: bytes = field(default=b"", repr=False)
    panoptic: str = ""

    def decoded(self) -> Annotation:
        """Return the annotation with its numbers."""
        box = numbers_of(value_of(self.bbox)) if self.bbox else None
        points = numbers_of(value_of(self.keypoints)) if self.keypoints else None
        return Annotation(
            id=self.id,
            category=self.category,
            iscrowd=self.iscrowd,
            segmentation=value_of(self.segmentation) if self.segmentation else None,
            supercategory=self.supercategory,
            bbox=box if box is not None and len(box) == 4 else None,
            keypoints=points if points and len(points) % 3 == 0 else None,
        )


@dataclass(frozen=True)
class Gathered:
    """Annotations by the place of their image, and the faults that `maskmill.curate.survey` has."""

    annotations: dict[int, list[Written]]
    faults: Counter[str]


def gather(
    file: AnnotationFile,
    frames: Frames,
    categories: Categories,
    only: Collection[int] | None = None,
) -> Gathered:
    """Gather annotations of every category, in file order.

    Parameters
    ----------
    file : AnnotationFile
    frames : Frames
        Of this file, or of another one with the same image ids.
    categories : Categories
    only : collection of int, optional
        Places of the images that matter; default: all.
    """
    found: dict[int, list[Written]] = {}
    faults: Counter[str] = Counter()
    for piece in pieces(file.path, file.arrays["annotations"], Entire):
        faults["broken_record"] += piece.broken
        for record in normal(piece, Entire):
            row = frames.rows.get(record.image_id, -1)
            if row < 0:
                faults["orphan_annotation"] += 1
                continue
            known = categories.names.get(record.category_id)
            faults["unknown_category"] += known is None
            if only is None or row in only:
                found.setdefault(row, []).append(_written(record, known or ("", "")))
    for row, annotations in found.items():
        once = without_repeats(annotations)
        faults["repeated_annotation"] += len(annotations) - len(once)
        found[row] = once
    return Gathered(found, +faults)


def join_keypoints(gathered: Gathered, frames: Frames, location: str) -> int:
    """Give annotations the keypoints that another file has for them, by annotation id, in place.

    COCO's instances and keypoints files number the same people alike.

    Returns
    -------
    int
        How many annotations got some.
    """

    def read(file: AnnotationFile) -> Gathered:
        return gather(file, frames, read_categories(file), gathered.annotations.keys())

    other = with_arrays(location, read)
    joined = 0
    for row, annotations in gathered.annotations.items():
        points = {one.id: one.keypoints for one in other.annotations.get(row, []) if one.keypoints}
        for place, one in enumerate(annotations):
            if one.id is not None and one.id in points:
                annotations[place] = replace(one, keypoints=points[one.id])
                joined += 1
    return joined


def without_repeats(annotations: list[Written]) -> list[Written]:
    """Return an image's annotations less those that are there already, word for word."""
    ids = [annotation.id for annotation in annotations if annotation.id is not None]
    if len(set(ids)) == len(ids):
        return annotations
    once: list[Written] = []
    seen: set[tuple[Any, ...]] = set()
    for one in annotations:
        text = repr(value_of(one.segmentation)) if one.segmentation else ""
        word = (one.id, one.category, one.iscrowd, text)
        if one.id is None or word not in seen:
            once.append(one)
        seen.add(word)
    return once


def _written(record: Entire, category: Sequence[Id | str]) -> Written:
    segmentation = bytes(record.segmentation)
    panoptic = ""
    if record.file_name and segmentation and is_segment(value_of(segmentation)):
        name = value_of(record.file_name)
        panoptic = name if isinstance(name, str) else ""
    return Written(
        id=record.id,
        category=str(category[0]),
        supercategory=str(category[1]),
        iscrowd=record.iscrowd != 0,
        segmentation=segmentation,
        bbox=bytes(record.bbox),
        keypoints=bytes(record.keypoints),
        panoptic=panoptic,
    )
