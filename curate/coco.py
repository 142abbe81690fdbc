"""Read images and their people from a COCO annotation file."""

import difflib
import errno
import gzip
import hashlib
import json
import logging
import os
import stat
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from maskmill.door import Refused, admit
from maskmill.sample import Dropped, Sample, content_key
from maskmill.source import Partition
from maskmill.stage import Location, Stage, describe, digest_of, name_of

from .annotations import MAX_PIXELS, Annotation, CocoContext, problem, rle, union
from .people import PersonFilter, number_of

_log = logging.getLogger(__name__)

_MAX_BYTES = 2**28  # of one image file; the largest frame, uncompressed, is smaller


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
    annotations: tuple[Annotation, ...] = field(repr=False)
    absorbed: PersonFilter | None = None
    file: tuple[int, int] | None = None  # size and time when the run was planned


@dataclass(frozen=True)
class Coco:
    """Images with the union of their people as alpha, from a COCO annotation file.

    Every image of the file comes out once, as a sample or in the ledger. What the file alone tells
    is decided while planning, without opening an image; a `PersonFilter` that leads the pipeline is
    answered there too.

    Parameters
    ----------
    annotations : str
        Instances or keypoints in COCO's form, ``.json`` or ``.json.gz``.
    images : str
        Folder that the file names of the annotation file are relative to; nothing outside it is
        ever read.
    category : str
        Name of the category that makes the alpha.
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

    Reasons beside those of `maskmill.door.admit` and `maskmill.curate.annotations.problem`:
    ``bad_record`` (no id or file name), ``duplicate_image`` (the id came before), ``bad_frame``
    (height or width is no positive whole number), ``unsafe_path`` (leads out of the folder),
    ``missing_file``, ``unreadable_file`` (not a plain file, or not ours to read),
    ``file_too_large`` and ``frame_mismatch`` (the upright picture is of another size).

    Examples
    --------
    >>> Coco("instances_val2017.json", images="val2017/").category
    'person'
    """

    annotations: Location
    images: Location
    category: str = "person"
    samples_per_partition: int = 128

    def __post_init__(self) -> None:
        for place in ("annotations", "images"):
            path = os.fspath(getattr(self, place))
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
        if not Path(self.images).is_dir():
            raise ValueError(f"images must be a folder, got {self.images}")
        items = [
            _judged(item, leading) if isinstance(item, CocoImage) else item
            for item in _items(_load(self.annotations), self.category, self.annotations)
        ]
        root = os.path.realpath(self.images)
        items = [_looked_up(i, root) if isinstance(i, CocoImage) else i for i in items]
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
        for item in partition.items:
            if isinstance(item, Dropped):
                yield item
            else:
                yield _opened(item, root, self.category)


def read_inside(root: str, name: str, limit: int = _MAX_BYTES) -> bytes:
    """Read a plain file of a folder, never one outside it.

    Parameters
    ----------
    root : str
        The folder, as `os.path.realpath` gives it.
    name : str
        Relative path within it. Symbolic links are followed as long as they stay inside.
    limit : int
        Largest size in bytes.

    Raises
    ------
    maskmill.door.Refused
        ``unsafe_path``, ``missing_file``, ``unreadable_file`` or ``file_too_large``.
    OSError
        When the storage fails: that is no fault of the file.
    """
    path = _path_inside(root, name)
    try:
        # Not blocking: a named pipe must not hang the run. Not following: the path is resolved.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            raise Refused("missing_file") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO):
            raise Refused("unreadable_file") from error
        raise
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Refused("unreadable_file")
        if facts.st_size > limit:
            raise Refused("file_too_large", {"bytes": facts.st_size, "limit": limit})
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(descriptor)


def _path_inside(root: str, name: str) -> str:
    if not _stays_inside(name):
        raise Refused("unsafe_path")
    path = os.path.realpath(os.path.join(root, name))  # noqa: PTH118  (resolve() raises at a circle)
    if not Path(path).is_relative_to(root):
        raise Refused("unsafe_path")
    return path


def _stays_inside(name: str) -> bool:
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts or "\0" in name:
        return False
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write
        return False
    return True


def _load(path: str) -> dict[str, Any]:
    opened = gzip.open if path.endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig") as file:
            document = json.load(file)
    except (ValueError, RecursionError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"annotations must be a JSON file, got {path}: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(
            f"annotations must be an object with images, annotations and categories, got a "
            f"{type(document).__name__} in {path}"
        )
    for name in ("images", "annotations", "categories"):
        if not isinstance(document.get(name), list):
            found = type(document[name]).__name__ if name in document else "nothing"
            raise ValueError(f"annotations must have a list of {name}, got {found} in {path}")
    return document


def _items(document: dict[str, Any], category: str, path: str) -> list[CocoImage | Dropped]:
    categories = _categories(document["categories"], path)
    names = sorted({name for name, _ in categories.values()})
    if category not in names:
        near = difflib.get_close_matches(category, names, n=3, cutoff=0.4) or names[:10]
        raise ValueError(
            f"category must be one of {path}, got {category!r}; the closest are {', '.join(near)}"
        )
    licences = _licences(document.get("licenses"))
    images = document["images"]
    known = {_id(record.get("id")) for record in images if isinstance(record, dict)} - {None}
    annotations = _by_image(document["annotations"], known, categories, path)
    items: list[CocoImage | Dropped] = []
    origins: set[str] = set()
    seen: set[int | str] = set()
    for row, record in enumerate(images):
        origin = _origin(record, row)
        while origin in origins:
            origin = f"{origin}@{row}"
        origins.add(origin)
        number = _id(record.get("id")) if isinstance(record, dict) else None
        if number is not None and number in seen:
            items.append(Dropped(None, "duplicate_image", origin=origin))
            continue
        if number is None or not isinstance(record.get("file_name"), str):
            items.append(Dropped(None, "bad_record", origin=origin))
            continue
        seen.add(number)
        image = _image(record, number, origin, licences, annotations.get(number, ()))
        items.append(_checked(image, category) if isinstance(image, CocoImage) else image)
    return items


def _categories(records: list[Any], path: str) -> dict[int | str, tuple[str, str]]:
    categories: dict[int | str, tuple[str, str]] = {}
    for record in records:
        number = _id(record.get("id")) if isinstance(record, dict) else None
        if number is None or not isinstance(record.get("name"), str):
            raise ValueError(
                f"a category must have an id and a name, got {str(record)[:80]} in {path}"
            )
        categories[number] = (record["name"], _text(record.get("supercategory")) or "")
    return categories


def _licences(records: object) -> dict[int | str, str]:
    licences: dict[int | str, str] = {}
    for record in records if isinstance(records, list) else ():
        number = _id(record.get("id")) if isinstance(record, dict) else None
        if number is not None:
            licences[number] = _text(record.get("name")) or _text(record.get("url")) or ""
    return licences


def _by_image(
    records: list[Any],
    known: set[int | str | None],
    categories: dict[int | str, tuple[str, str]],
    path: str,
) -> dict[int | str, list[Annotation]]:
    found: dict[int | str, list[Annotation]] = {}
    odd: Counter[str] = Counter()
    numbered: dict[tuple[int | str, int | str], list[Any]] = {}
    for record in records:
        image = _id(record.get("image_id")) if isinstance(record, dict) else None
        if image is None or image not in known:
            odd["of no image of the file"] += 1
            continue
        annotation = _annotation(record, categories)
        if annotation.id is not None:
            twins = numbered.setdefault((image, annotation.id), [])
            if record in twins:
                odd["repeated word for word and counted once"] += 1
                continue
            twins.append(record)
        odd["of no category of the file"] += not annotation.category
        found.setdefault(image, []).append(annotation)
    for fault, number in odd.items():
        if number:
            _log.warning("%s: %d annotations %s", path, number, fault)
    return found


def _annotation(record: dict[str, Any], categories: dict[int | str, tuple[str, str]]) -> Annotation:
    number = _id(record.get("category_id"))
    name, above = categories.get(number, ("", "")) if number is not None else ("", "")
    box = _numbers(record.get("bbox"))
    points = _numbers(record.get("keypoints"))
    return Annotation(
        id=_id(record.get("id")),
        category=name,
        iscrowd=record.get("iscrowd") is True or _id(record.get("iscrowd")) not in (None, 0),
        segmentation=record.get("segmentation"),
        supercategory=above,
        bbox=box if box is not None and len(box) == 4 else None,
        keypoints=points if points and len(points) % 3 == 0 else None,
    )


def _image(
    record: dict[str, Any],
    number: int | str,
    origin: str,
    licences: dict[int | str, str],
    annotations: Sequence[Annotation],
) -> CocoImage | Dropped:
    frame = {side: record.get(side) for side in ("height", "width")}
    if not all(type(side) is int and side > 0 for side in frame.values()):
        numbers = {side: _numbers([size]) for side, size in frame.items()}
        values = {side: size[0] for side, size in numbers.items() if size}
        return Dropped(None, "bad_frame", values, origin=origin)
    height, width = record["height"], record["width"]
    if height * width > MAX_PIXELS:
        values = {"pixels": min(height * width, 2**53), "limit": MAX_PIXELS}
        return Dropped(None, "too_many_pixels", values, origin=origin)
    licence = _id(record.get("license"))
    spelt_out = licence if isinstance(licence, str) else ""
    return CocoImage(
        origin=origin,
        image_id=number,
        file_name=record["file_name"],
        height=height,
        width=width,
        licence=licences.get(licence, _clean(spelt_out)) if licence is not None else "",
        group=_text(record.get("group")),
        split=_text(record.get("split")),
        annotations=tuple(annotations),
    )


def _checked(image: CocoImage, category: str) -> CocoImage | Dropped:
    if not _stays_inside(image.file_name):
        return Dropped(None, "unsafe_path", origin=image.origin)
    for annotation in _people(image, category):
        reason = problem(annotation.segmentation, image.height, image.width)
        if reason is not None:
            return Dropped(None, reason, number_of(annotation), origin=image.origin)
    return image


def _judged(image: CocoImage, leading: PersonFilter | None) -> CocoImage | Dropped:
    if leading is None:
        return image
    found = leading.judge(image.annotations, image.height, image.width)
    if found.reason is None:
        return replace(image, absorbed=leading)
    return Dropped(None, found.reason, found.values, image.origin, stage=name_of(leading))


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


def _looked_up(item: CocoImage, root: str) -> CocoImage:
    try:
        facts = Path(_path_inside(root, item.file_name)).stat()
    except (Refused, OSError):
        return item
    return replace(item, file=(facts.st_size, facts.st_mtime_ns))


def _identity(item: CocoImage | Dropped) -> list[Any]:
    if isinstance(item, Dropped):
        return [item.origin, item.stage, item.reason, sorted(item.values.items())]
    told = [
        item.image_id,
        item.file_name,
        [item.height, item.width],
        [item.licence, item.group, item.split],
        [[getattr(a, name) for name in Annotation.__slots__] for a in item.annotations],
    ]
    return [item.origin, hashlib.blake2b(_canonical(told), digest_size=16).hexdigest(), item.file]


def _opened(image: CocoImage, root: str, category: str) -> Sample | Dropped:
    try:
        data = read_inside(root, image.file_name)
        door = admit(data, max_pixels=MAX_PIXELS)
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
    people = _people(image, category)
    mask = union([rle(a.segmentation, height, width) for a in people], height, width)
    sample = Sample(
        key=content_key(data, _made_from(image, category)),
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
        context=CocoContext(image.image_id, image.annotations),
    )
    if people:
        sample = sample.with_alpha(mask.alpha())
    return sample if image.absorbed is None else image.absorbed(sample)


def _people(image: CocoImage, category: str) -> list[Annotation]:
    return [a for a in image.annotations if a.category == category and not a.iscrowd]


def _made_from(image: CocoImage, category: str) -> bytes:
    """Write down what the alpha can be made from, so that equal people give equal bytes.

    Crowds belong to it, since a filter may count them; ids and the order of the file do not.
    """
    people = [a for a in image.annotations if a.category == category]
    masks = sorted(_canonical([a.iscrowd, a.segmentation]) for a in people)
    return b"\n".join([_canonical(category), *masks])


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _origin(record: object, row: int) -> str:
    number = _id(record.get("id")) if isinstance(record, dict) else None
    name = record.get("file_name") if isinstance(record, dict) else None
    if number is None or not isinstance(name, str):
        return f"images[{row}]"
    return _clean(f"{name}#{number}")


def _id(value: object) -> int | str | None:
    """Return an id under which 12, 12.0 and "12" are one; None for what is no id."""
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        plain = value.removeprefix("-")
        # "007" stays itself: files are numbered that way, and 7 may be another one.
        whole = len(plain) < 19 and plain.isascii() and plain.isdigit() and str(int(value)) == value
        return int(value) if whole else value
    return None


def _text(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _clean(value) or None if isinstance(value, str) else None


def _clean(text: str) -> str:
    """Replace half surrogate pairs, which JSON can write and UTF-8 and Parquet cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def _numbers(values: object) -> tuple[float, ...] | None:
    if not isinstance(values, list):
        return None
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not -(2**53) <= value <= 2**53:  # neither for NaN nor for infinity
            return None
    return tuple(float(value) for value in values)
