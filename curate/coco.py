"""Read images and their people from a COCO annotation file."""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maskmill.door import Refused, admit
from maskmill.folder import path_inside, read_inside
from maskmill.pipeline import Pipeline
from maskmill.sample import Dropped, Sample, content_key
from maskmill.source import Partition
from maskmill.stage import Location, Stage, describe, digest_of, name_of

from .annotation_file import AnnotationFile, with_arrays
from .annotations import (
    MAX_PIXELS,
    Annotation,
    CocoContext,
    Rle,
    SegmentationError,
    rle,
    union,
)
from .fields import storable
from .folder import name_inside
from .frames import Frame, Frames, read_categories, read_frames, read_licences
from .gathering import Written, gather, join_keypoints
from .overlay import laid_over
from .panoptic import resolved
from .people import PersonFilter, number_of
from .selection import Selection, count, select
from .survey import NO_ID

_log = logging.getLogger(__name__)

_LOST = ("orphan_annotation", "broken_record")


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One image of the annotation file that is worth opening, as a partition carries it."""

    origin: str
    image_id: int | str
    file_name: str
    height: int
    width: int
    licence: str
    group: str | None
    split: str | None
    annotations: tuple[Written, ...] = field(repr=False)
    absorbed: PersonFilter | None = None
    file: tuple[int, int] | None = None  # size and time when the run was planned
    pictures: tuple[tuple[int, int] | None, ...] = ()  # the same of its panoptic ones


@dataclass(frozen=True)
class Coco:
    """Images with the union of their people as alpha, from a COCO annotation file.

    Every image of the file comes out once, as a sample or in the ledger. A `PersonFilter` that
    leads the pipeline is answered while planning, without opening an image and without decoding
    more of the file than it needs: see `maskmill.curate.select_people`.

    Parameters
    ----------
    annotations : str
        Instances, keypoints or panoptic file in COCO's form, ``.json`` or ``.json.gz``, a path or
        fsspec URL. LVIS, COCO-ReM and Objects365 are such files too.
    images : str
        Folder that the file names of the annotation file are relative to; nothing outside it is
        ever read.
    category : str
        Name of the category that makes the alpha.
    refined : str, optional
        Another COCO file with better masks of the same images, such as COCO-ReM's; see
        `maskmill.curate.overlay`.
    keypoints : str, optional
        Another COCO file with the keypoints of the same annotations, as ``person_keypoints_*.json``
        is to ``instances_*.json``; `maskmill.curate.BodyParts` asks for them.
    panoptic : str, optional
        Folder of the pictures that a panoptic file's objects lie in.
    samples_per_partition : int
        Images to read per partition, at least 1.

    Raises
    ------
    ValueError
        When a parameter is out of range; while planning, when the file is not in COCO's form or
        does not know the category.

    Notes
    -----
    The alpha is the union of the category's masks without crowds; an image without any has none. A
    mask that cannot be made drops its image: half of an alpha is a wrong alpha. The image record's
    optional ``group`` and ``split`` are taken over. Scores: ``persons``, ``coverage``.

    Entries that name one picture again, with its id or with another, are merged. What cannot be
    given to any image stands in the ledger in one row per reason, with the number of
    ``annotations``: ``orphan_annotation`` (of an image that the file does not list),
    ``broken_record`` (nothing can decode it).

    Reasons beside those of `maskmill.door.admit` and `maskmill.curate.annotations.problem`:
    ``bad_record`` (no id or file name), ``duplicate_image`` (the id came before, with another file
    name), ``bad_frame`` (height or width is no positive whole number), ``unsafe_path`` (leads out
    of the folder), ``missing_file``, ``unreadable_file`` (not a plain file, or not ours to read),
    ``file_too_large`` and ``frame_mismatch`` (the upright picture is of another size).

    Examples
    --------
    >>> Coco("instances_val2017.json", images="val2017/").category
    'person'
    """

    annotations: Location
    images: Location
    category: str = "person"
    refined: Location | None = None
    keypoints: Location | None = None
    panoptic: Location | None = None
    samples_per_partition: int = 128

    def __post_init__(self) -> None:
        for place in ("annotations", "images", "refined", "keypoints", "panoptic"):
            path = getattr(self, place)
            if path is not None and "://" not in os.fspath(path):
                # Absolute: a worker of a cluster may stand in another folder.
                object.__setattr__(self, place, os.path.abspath(path))  # noqa: PTH100
        if self.samples_per_partition < 1:
            raise ValueError(
                f"samples_per_partition must be at least 1, got {self.samples_per_partition}"
            )

    def plan(self, stages: Sequence[Stage]) -> list[Partition]:
        # A subclass may judge otherwise: only the filter itself is known well enough.
        leading = stages[0] if stages and type(stages[0]) is PersonFilter else None
        for stage in stages:
            if isinstance(stage, PersonFilter) and stage.category != self.category:
                raise ValueError(
                    f"category of {stage!r} must be the source's, {self.category!r}: its people "
                    "would not be those of the alpha"
                )
        for place in ("images", "panoptic"):
            folder = getattr(self, place)
            if folder is not None and not Path(folder).is_dir():
                raise ValueError(f"{place} must be a folder, got {folder}")
        root = os.path.realpath(self.images)
        items = with_arrays(self.annotations, lambda file: self._items(file, leading))
        panoptic = None if self.panoptic is None else os.path.realpath(self.panoptic)
        items = [_looked_up(i, root, panoptic) if isinstance(i, CocoImage) else i for i in items]
        about = [describe(self), leading and describe(leading)]
        return [
            Partition(
                items=tuple(part),
                fingerprint=digest_of(about, [_identity(item) for item in part]),
                count=len(part),
                absorbed=int(leading is not None),
            )
            for part in _cut(items, self.samples_per_partition)
        ]

    def read(self, partition: Partition) -> Iterator[Sample | Dropped]:
        root = os.path.realpath(self.images)
        panoptic = None if self.panoptic is None else os.path.realpath(self.panoptic)
        for item in partition.items:
            if isinstance(item, Dropped):
                yield item
            else:
                yield _opened(item, root, panoptic, self.category)

    def _items(
        self, file: AnnotationFile, leading: PersonFilter | None
    ) -> list[CocoImage | Dropped]:
        """Decide what can be decided without an image, and gather the annotations of the rest."""
        categories = read_categories(file)
        licences = read_licences(file)
        selection: Selection | None = None
        if leading is None:
            frames = read_frames(file, categories.ids(self.category))
            wanted = None
        elif self.refined is None:
            selection = select(file, leading)
            frames = selection.frames
            wanted = {row for row, reason in enumerate(selection.reason) if reason is None}
        else:
            counted = count(file, leading)
            frames = counted.frames
            wanted = {row for row, reason in enumerate(counted.reason) if reason is None}
            selection = Selection.of_count(counted, leading)
        gathered = gather(file, frames, categories, wanted)
        if self.refined is not None:
            overlay = laid_over(gathered, frames, self.refined, self.category)
            _log.info("%s: %s", file.name, overlay)
        if self.keypoints is not None:
            joined = join_keypoints(gathered, frames, self.keypoints)
            _log.info("%s: %d annotations have keypoints", file.name, joined)
        items: list[CocoImage | Dropped] = []
        for row, frame in enumerate(frames.frames):
            annotations = tuple(gathered.annotations.get(row, ()))
            if frame.reason is not None:
                items.append(Dropped(None, frame.reason, frame.values or {}, origin=frame.origin))
            elif selection is not None and selection.reason[row] is not None:
                items.append(_dropped(selection, row, frame))
            elif not frame.absence_known and not _has(annotations, self.category):
                items.append(Dropped(None, "not_exhaustive", origin=frame.origin))
            else:
                image = _image(frame, annotations, licences, leading)
                items.append(_judged(image) if self.refined is not None else image)
        return [*items, *_lost(file, gathered.faults, frames)]


def _image(
    frame: Frame,
    annotations: tuple[Written, ...],
    licences: dict[int | str, str],
    leading: PersonFilter | None,
) -> CocoImage:
    number = frame.licence
    named = licences.get(number, number if isinstance(number, str) else "") if number else ""
    return CocoImage(
        origin=frame.origin,
        image_id=frame.image_id if frame.image_id is not None else "",
        file_name=frame.file_name,
        height=frame.height,
        width=frame.width,
        licence=storable(named),
        group=frame.group,
        split=frame.split,
        annotations=annotations,
        absorbed=leading,
    )


def _has(annotations: Sequence[Written], category: str) -> bool:
    return any(one.category == category for one in annotations)


def _dropped(selection: Selection, row: int, frame: Frame) -> Dropped:
    """Return what the absorbed filter, or the source, says of an image."""
    reason = selection.reason[row]
    values: dict[str, float] = {
        "persons": int(selection.persons[row]),
        "crowds": int(selection.crowds[row]),
    }
    fault = selection.faults.get(row)
    stage = name_of(selection.rules)
    if reason == "not_exhaustive":
        return Dropped(None, "not_exhaustive", origin=frame.origin)
    if fault is not None:
        number = {} if fault.number == NO_ID else {"annotation": float(fault.number)}
        # A broken person makes any alpha wrong; a broken crowd only one that counts it.
        if fault.crowd:
            return Dropped(None, reason, values | number, frame.origin, stage)
        return Dropped(None, reason, number, frame.origin)
    values |= selection.missed(row)
    return Dropped(None, reason, values, frame.origin, stage)


def _judged(image: CocoImage) -> CocoImage | Dropped:
    """Judge an image whose masks were exchanged."""
    leading = image.absorbed
    if leading is None:
        return image
    annotations = [annotation.decoded() for annotation in image.annotations]
    try:
        _union(_people(annotations, leading.category), image.height, image.width)
    except _BrokenError as broken:
        return Dropped(None, broken.reason, broken.values, origin=image.origin)
    found = leading.judge(annotations, image.height, image.width)
    if found.reason is None:
        return image
    return Dropped(None, found.reason, found.values, image.origin, stage=name_of(leading))


def _lost(file: AnnotationFile, faults: Counter[str], frames: Frames) -> Iterator[Dropped]:
    """Report what belongs to no image: a row of the ledger for each reason."""
    for fault, number in sorted(faults.items()):
        _log.warning("%s: %d times %s", file.name, number, fault)
    if frames.merged:
        _log.warning("%s: %d entries name a picture again: merged", file.name, frames.merged)
    for fault in _LOST:
        if faults[fault]:
            yield Dropped(
                None, fault, {"annotations": faults[fault]}, origin=f"annotations: {fault}"
            )


def _cut(items: Sequence[CocoImage | Dropped], size: int) -> Iterator[list[CocoImage | Dropped]]:
    part: list[CocoImage | Dropped] = []
    kept = 0
    for item in items:
        if isinstance(item, CocoImage):
            if kept == size:
                yield part
                part, kept = [], 0
            kept += 1
        part.append(item)
    if part:
        yield part


def _looked_up(item: CocoImage, root: str, panoptic: str | None) -> CocoImage:
    name = name_inside(root, item.file_name)
    named = sorted({one.panoptic for one in item.annotations if one.panoptic})
    pictures = tuple(_stat(panoptic, one) for one in named) if panoptic else ()
    return replace(item, file_name=name, file=_stat(root, name), pictures=pictures)


def _stat(root: str, name: str) -> tuple[int, int] | None:
    try:
        facts = Path(path_inside(root, name)).stat()
    except (Refused, OSError):
        return None
    return facts.st_size, facts.st_mtime_ns


def _identity(item: CocoImage | Dropped) -> list[Any]:
    if isinstance(item, Dropped):
        return [item.origin, item.stage, item.reason, sorted(item.values.items())]
    digest = hashlib.blake2b(digest_size=16)
    digest.update(
        _canonical(
            [
                [item.image_id, item.file_name, item.height, item.width],
                [item.licence, item.group, item.split],
            ]
        )
    )
    for one in item.annotations:
        digest.update(
            _canonical([one.id, one.category, one.supercategory, one.iscrowd, one.panoptic])
        )
        for text in (one.segmentation, one.bbox, one.keypoints):
            digest.update(len(text).to_bytes(8, "little") + text)
    return [item.origin, digest.hexdigest(), item.file, item.pictures]


def _opened(image: CocoImage, root: str, panoptic: str | None, category: str) -> Sample | Dropped:
    try:
        annotations = resolved(image.annotations, panoptic, image.height, image.width)
        people = _people(annotations, category)
        mask = _union(people, image.height, image.width)
        data = read_inside(root, image.file_name)
        door = admit(data, max_pixels=MAX_PIXELS)
    except _BrokenError as broken:
        return Dropped(None, broken.reason, broken.values, origin=image.origin)
    except Refused as refused:
        if refused.reason == "missing_file" and image.file is not None:
            raise FileNotFoundError(
                f"{image.file_name} was there when the run was planned and is not now: was it "
                "removed, or does this worker not see the same files?"
            ) from refused
        return Dropped(None, refused.reason, refused.values, origin=image.origin)
    height, width = image.height, image.width
    if (door.height, door.width) != (height, width):
        sizes = {"height": height, "width": width}
        seen = {"image_height": door.height, "image_width": door.width}
        return Dropped(None, "frame_mismatch", sizes | seen, origin=image.origin)
    sample = Sample(
        key=content_key(data, _made_from(annotations, category)),
        source="",
        origin=image.origin,
        image_bytes=door.image_bytes,
        height=height,
        width=width,
        group=image.group,
        split=image.split,
        scores={"persons": len(people), "coverage": mask.coverage},
        tags=door.tags,
        licence=image.licence,
        context=CocoContext(image.image_id, tuple(annotations)),
    )
    if people:
        sample = sample.with_alpha(mask.alpha())
    return sample if image.absorbed is None else Pipeline(image.absorbed)(sample)


def _people(annotations: Sequence[Annotation], category: str) -> list[Annotation]:
    return [a for a in annotations if a.category == category and not a.iscrowd]


class _BrokenError(Exception):
    """A person's mask cannot be made."""

    def __init__(self, reason: str, values: dict[str, float]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.values = values


def _union(people: Sequence[Annotation], height: int, width: int) -> Rle:
    parts: list[Rle] = []
    for one in people:
        try:
            parts.append(rle(one.segmentation, height, width))
        except SegmentationError as bad:
            raise _BrokenError(bad.reason, number_of(one)) from bad
    return union(parts, height, width)


def _made_from(annotations: Sequence[Annotation], category: str) -> bytes:
    """Write down what the alpha can be made from, so that equal people give equal bytes.

    Crowds belong to it, since a filter may count them; ids and the order of the file do not.
    """
    people = [a for a in annotations if a.category == category]
    shapes = sorted(_canonical([a.iscrowd, a.segmentation]) for a in people)
    return b"\n".join([_canonical(category), *shapes])


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
