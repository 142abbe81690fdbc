"""Make an annotation file like COCO train2017: its size, layout and habits, and nobody's picture.

    python benchmarks/coco_scale.py OUT.json [--images 118287] [--seed 0] [--other-categories 1.0]

118,287 images, about 860,000 annotations, about 450 MB. Everything is drawn from the numbers below;
outlines are star-shaped blobs, filled as real ones fill their boxes, and cut by the frame where
their boxes touch it. People stand side by side, and overlap as they do in photographs. Annotations
are scattered over the file, ids have holes, crowds are uncompressed run lengths under ids beyond
2**32, and separators are COCO's own (`,` and `: `).

Annotations are planned as boxes (a few tens of bytes each), shuffled, and only drawn while they are
written, a few thousand at a time. People have random streams of their own: with another
`--other-categories` they, and all images, stay what they are. The same seed gives the same file
with the same numpy on the same kind of processor; elsewhere a coordinate may differ by .01.
"""

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detail:
    """How finely a kind of object is outlined.

    An annotation has exp(slope * log(sqrt(area in pixels)) + level + spread * normal) points, at
    least `fewest`, and two, three, four polygons or more with the chances `parts`.
    """

    slope: float
    level: float
    spread: float
    parts: tuple[float, float, float]
    fewest: int


# -- totals: as published for train2017 ------------------------------------------------------------
IMAGES = 118_287
ANNOTATIONS = 860_001
PERSONS = 262_465  # crowds included
PERSON_IMAGES = 64_115
EMPTY_IMAGES = 1_021  # nothing annotated
LARGEST_IMAGE_ID = 581_929

# -- tables of quantiles, all at these levels ------------------------------------------------------
LEVELS = (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1)

# Persons of an image. 149,813 persons of 56,599 train2017 images have keypoints ("posed"); how many
# of them an image has, from 0 (the other 7,516 images) to 13.
POSED = (
    0.1172, 0.4219, 0.1705, 0.0889, 0.0575, 0.0373, 0.0273,
    0.0203, 0.0158, 0.0123, 0.0109, 0.0087, 0.0068, 0.0046,
)  # fmt: skip
# The others are small or hidden: chance that there are any and their mean number, for 0, 1-2, 3+
# posed ones; such that the total above holds and every tenth image looks like one or two persons
# but has more, as 52 of 538 val2017 images do.
UNPOSED = ((1.0, 2.5), (0.2, 4.0), (0.68, 5.0))
MOST_PERSONS = 20
# Crowds: 7 of 160 val2017 images of mostly one or two persons have one of persons, 7 of 49 of all.
PERSON_CROWDS = (0.04, 0.04, 0.18)  # share of the images with 0, 1-2, 3+ posed persons
OTHER_CROWDS = 0.045  # share of the images: crowds are 1.2 % of the annotations of 100 images

# Geometric mean of a box's sides, as share of the frame's: the largest posed person of an image
# with 1, 2, 3-4, 5+ of them; the others relative to it with 2, 3-4, 5+. 149,813 boxes.
LARGEST = (
    (0.06, 0.104, 0.133, 0.206, 0.279, 0.35, 0.427, 0.51, 0.596, 0.698, 0.822, 0.907, 1.0),
    (0.071, 0.121, 0.153, 0.22, 0.293, 0.366, 0.436, 0.502, 0.572, 0.648, 0.739, 0.822, 1.0),
    (0.068, 0.132, 0.161, 0.223, 0.288, 0.347, 0.405, 0.462, 0.52, 0.593, 0.697, 0.776, 1.0),
    (0.087, 0.163, 0.198, 0.257, 0.304, 0.352, 0.397, 0.444, 0.496, 0.56, 0.655, 0.731, 0.999),
)
RELATIVE = (
    (0.077, 0.221, 0.297, 0.424, 0.536, 0.636, 0.716, 0.788, 0.848, 0.902, 0.952, 0.976, 1.0),
    (0.075, 0.194, 0.248, 0.344, 0.44, 0.535, 0.623, 0.704, 0.776, 0.848, 0.922, 0.96, 1.0),
    (0.075, 0.178, 0.215, 0.275, 0.336, 0.402, 0.474, 0.558, 0.651, 0.749, 0.856, 0.921, 1.0),
)
# The same of 116 persons without keypoints, and of 623 objects that are no persons (100 images).
UNPOSED_SIZE = (
    0.006, 0.021, 0.028, 0.034, 0.039, 0.044, 0.049,
    0.056, 0.068, 0.073, 0.078, 0.085, 0.127,
)  # fmt: skip
OTHER_SIZE = (
    0.005, 0.017, 0.027, 0.04, 0.053, 0.067, 0.092,
    0.117, 0.16, 0.235, 0.366, 0.511, 0.991,
)  # fmt: skip

# log2 of width over height, both as shares of the frame: persons by size (149,813 boxes), others.
ASPECT_SIZES = (0.35, 0.5, 0.7)
ASPECT = (
    (-3.99, -2.48, -2.26, -2.0, -1.78, -1.55, -1.34, -1.12, -0.89, -0.6, -0.2, 0.18, 2.9),
    (-2.96, -2.11, -1.94, -1.71, -1.52, -1.34, -1.16, -0.97, -0.77, -0.51, -0.1, 0.28, 2.76),
    (-1.98, -1.54, -1.39, -1.2, -1.06, -0.94, -0.81, -0.68, -0.51, -0.29, 0.08, 0.37, 1.91),
    (-1.03, -0.82, -0.72, -0.57, -0.44, -0.32, -0.21, -0.1, 0.0, 0.06, 0.23, 0.37, 1.02),
)
OTHER_ASPECT = (
    -4.11, -2.3, -1.92, -1.3, -0.99, -0.58, -0.21,
    0.12, 0.4, 0.93, 1.74, 2.24, 4.16,
)  # fmt: skip

# Where a box stands in the room that it leaves: 0 touches left or top, 1 right or bottom. Persons
# by size (149,813 boxes); the other objects' is close to the first row of each.
PLACE_SIZES = (0.35, 0.7)
PLACE_X = (
    (0, 0.004, 0.06, 0.18, 0.3, 0.4, 0.5, 0.6, 0.7, 0.82, 0.94, 1, 1),
    (0, 0.001, 0.02, 0.15, 0.28, 0.39, 0.49, 0.59, 0.71, 0.85, 0.98, 1, 1),
    (0, 0, 0, 0.01, 0.14, 0.34, 0.5, 0.67, 0.87, 1, 1, 1, 1),
)
PLACE_Y = (
    (0, 0.004, 0.07, 0.22, 0.33, 0.41, 0.49, 0.57, 0.66, 0.77, 0.91, 0.98, 1),
    (0, 0.006, 0.08, 0.29, 0.46, 0.59, 0.72, 0.84, 0.93, 0.96, 1, 1, 1),
    (0, 0, 0.01, 0.15, 0.32, 0.53, 0.71, 0.84, 0.91, 0.95, 1, 1, 1),
)
# Two persons: distance of their middles in mean widths, and of their feet in heights of the larger
# (10,932 images).
ASIDE = (0, 0.21, 0.38, 0.6, 0.77, 0.89, 1.03, 1.25, 1.58, 2.1, 3.24, 4.59, 12)
BEHIND = (0, 0.002, 0.007, 0.02, 0.05, 0.1, 0.18, 0.27, 0.38, 0.53, 0.74, 0.96, 2)

# Share of its box that a mask fills, by size: 541 persons (254 images), 623 other objects (100
# images).
FILL_SIZES = (0.1, 0.3, 0.6)
PERSON_FILL = (
    (0.2, 0.35, 0.4, 0.46, 0.5, 0.54, 0.57, 0.6, 0.62, 0.65, 0.7, 0.72, 0.81),
    (0.23, 0.33, 0.36, 0.39, 0.43, 0.46, 0.49, 0.53, 0.56, 0.6, 0.66, 0.71, 0.92),
    (0.11, 0.25, 0.3, 0.34, 0.38, 0.41, 0.45, 0.51, 0.54, 0.57, 0.62, 0.68, 0.75),
    (0.19, 0.3, 0.36, 0.45, 0.5, 0.54, 0.56, 0.58, 0.62, 0.67, 0.71, 0.76, 0.93),
)
OTHER_FILL = (
    (0.14, 0.28, 0.36, 0.46, 0.54, 0.6, 0.65, 0.7, 0.74, 0.78, 0.83, 0.86, 0.92),
    (0.08, 0.24, 0.3, 0.4, 0.45, 0.51, 0.56, 0.64, 0.7, 0.76, 0.8, 0.84, 0.91),
    (0.17, 0.27, 0.32, 0.43, 0.5, 0.56, 0.61, 0.65, 0.69, 0.75, 0.85, 0.9, 0.95),
    (0.25, 0.27, 0.33, 0.43, 0.45, 0.47, 0.51, 0.53, 0.58, 0.6, 0.72, 0.79, 0.94),
)

# The same persons and objects; see `Detail`.
PERSON_DETAIL = Detail(0.313, 2.149, 0.531, (0.111, 0.022, 0.006), 5)
OTHER_DETAIL = Detail(0.28, 1.712, 0.639, (0.064, 0.011, 0.0016), 4)
MOST_POINTS = 190
MAIN_PART = (0.5, 0.95)  # share of the largest of several polygons, 5 % and 95 % quantile

# Objects that are no persons, in an image: quantiles of 100 images, scaled to the total above.
OTHERS = (0, 1, 1, 2, 2, 3, 4, 5, 7, 11, 14, 18, 38)
CATEGORIES_PER_IMAGE = 3  # at most, the person aside; 3.4 with it in the mean of 100 images

# Frames, width and height, of 254 images, those seen once left out.
FRAMES = {
    (640, 480): 49, (640, 427): 32, (427, 640): 19, (480, 640): 16, (640, 426): 12, (375, 500): 8,
    (640, 425): 6, (640, 428): 6, (426, 640): 5, (640, 360): 4, (428, 640): 4, (500, 375): 4,
    (425, 640): 3, (640, 424): 3, (500, 334): 3, (640, 429): 2, (640, 640): 2, (500, 376): 2,
    (320, 240): 2, (612, 612): 2,
}  # fmt: skip

# Crowds, 16 of them: geometric mean of the box's sides; log2 of width over height.
CROWD_SIZE = (0.07, 0.08, 0.12, 0.15, 0.28, 0.35, 0.43, 0.5, 0.57, 0.68, 0.74, 0.85, 0.93)
CROWD_ASPECT = (-1.1, -1.05, -1, -0.05, 0.2, 0.5, 1.4, 1.55, 1.8, 2.2, 2.7, 3.3, 4.1)

# COCO's categories by supercategory: id, name, how many of 626 annotations (100 images) had it.
CATEGORIES: dict[str, tuple[tuple[int, str, int], ...]] = {
    "person": ((1, "person", 0),),
    "vehicle": (
        (2, "bicycle", 24), (3, "car", 41), (4, "motorcycle", 11), (5, "airplane", 2),
        (6, "bus", 8), (7, "train", 3), (8, "truck", 7), (9, "boat", 16),
    ),
    "outdoor": (
        (10, "traffic light", 6), (11, "fire hydrant", 1), (13, "stop sign", 4),
        (14, "parking meter", 0), (15, "bench", 3),
    ),
    "animal": (
        (16, "bird", 12), (17, "cat", 8), (18, "dog", 3), (19, "horse", 0), (20, "sheep", 13),
        (21, "cow", 15), (22, "elephant", 13), (23, "bear", 0), (24, "zebra", 0),
        (25, "giraffe", 3),
    ),
    "accessory": (
        (27, "backpack", 11), (28, "umbrella", 10), (31, "handbag", 8), (32, "tie", 1),
        (33, "suitcase", 2),
    ),
    "sports": (
        (34, "frisbee", 0), (35, "skis", 0), (36, "snowboard", 0), (37, "sports ball", 0),
        (38, "kite", 0), (39, "baseball bat", 0), (40, "baseball glove", 0), (41, "skateboard", 2),
        (42, "surfboard", 0), (43, "tennis racket", 0),
    ),
    "kitchen": (
        (44, "bottle", 46), (46, "wine glass", 4), (47, "cup", 20), (48, "fork", 6),
        (49, "knife", 8), (50, "spoon", 39), (51, "bowl", 23),
    ),
    "food": (
        (52, "banana", 1), (53, "apple", 3), (54, "sandwich", 0), (55, "orange", 18),
        (56, "broccoli", 5), (57, "carrot", 1), (58, "hot dog", 0), (59, "pizza", 0),
        (60, "donut", 0), (61, "cake", 1),
    ),
    "furniture": (
        (62, "chair", 18), (63, "couch", 3), (64, "potted plant", 10), (65, "bed", 0),
        (67, "dining table", 10), (70, "toilet", 25),
    ),
    "electronic": (
        (72, "tv", 14), (73, "laptop", 3), (74, "mouse", 11), (75, "remote", 0),
        (76, "keyboard", 9), (77, "cell phone", 1),
    ),
    "appliance": (
        (78, "microwave", 6), (79, "oven", 18), (80, "toaster", 1), (81, "sink", 26),
        (82, "refrigerator", 6),
    ),
    "indoor": (
        (84, "book", 47), (85, "clock", 3), (86, "vase", 10), (87, "scissors", 0),
        (88, "teddy bear", 1), (89, "hair drier", 0), (90, "toothbrush", 2),
    ),
}  # fmt: skip

INFO = {
    "description": "Drawn from statistics of COCO 2017; there are no pictures to it",
    "url": "http://cocodataset.example.org",
    "version": "1.0",
    "year": 2017,
    "contributor": "benchmarks/coco_scale.py",
    "date_created": "2017/09/01",
}
LICENSES = [
    {"url": f"http://creativecommons.example.org/licenses/{n}", "id": n, "name": f"License {n}"}
    for n in range(1, 9)
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

BLOCK = 4096  # annotations drawn at a time
PERSON = 1


@dataclass(frozen=True)
class Images:
    """All images: N ids, in file order, and frames in pixels."""

    id: Integers
    width: Integers
    height: Integers


@dataclass(frozen=True)
class Objects:
    """Planned annotations: M places in the list of images, boxes, categories, crowds or not.

    Boxes are M x 4: left, top, width, height as shares of the frame.
    """

    image: Integers
    box: Floats
    category: Integers
    crowd: Flags

    def __len__(self) -> int:
        return len(self.image)

    def pick(self, which: Integers | slice) -> "Objects":
        """Return some of them."""
        return Objects(self.image[which], self.box[which], self.category[which], self.crowd[which])


class ImageRecord(msgspec.Struct):
    """An image as the file has it; fields in COCO's order, as in the following."""

    license: int
    file_name: str
    coco_url: str
    height: int
    width: int
    date_captured: str
    flickr_url: str
    id: int


class AnnotationRecord(msgspec.Struct):
    """An annotation as the file has it."""

    segmentation: list[list[float]] | dict[str, list[int]]
    area: float
    iscrowd: int
    image_id: int
    bbox: list[float] | list[int]
    category_id: int
    id: int


def generate(
    path: Path, *, images: int = IMAGES, seed: int = 0, other_categories: float = 1.0
) -> dict[str, int]:
    """Write an annotation file.

    Parameters
    ----------
    path : Path
        Where; it appears when it is whole.
    images : int
        How many; annotations in proportion.
    seed : int
        Of all that is random.
    other_categories : float
        How many annotations of other categories than person, as a multiple of COCO's.

    Returns
    -------
    dict of str to int
        images, annotations, persons, person_images, crowds, bytes.

    Raises
    ------
    ValueError
        When a number is out of range.
    """
    if images < 1:
        raise ValueError(f"images must be at least 1, got {images}")
    if not 0 <= other_categories < math.inf:
        raise ValueError(f"other_categories must be a multiple >= 0, got {other_categories}")
    frames = _frames(_stream(seed, 0), images)
    persons, with_person = _plan_persons(_stream(seed, 1), images)
    others = _plan_others(_stream(seed, 2), with_person, other_categories)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(b'{"info": ' + _json(INFO) + b',"licenses": ' + _json(LICENSES))
        file.write(b',"images": [')
        _write(file, _image_records(_stream(seed, 3), frames))
        file.write(b'],"annotations": [')
        _write(
            file,
            _scattered(
                _stream(seed, 4),
                (len(persons), _annotation_records(persons, frames, PERSON_DRAWING, (seed, 5))),
                (len(others), _annotation_records(others, frames, OTHER_DRAWING, (seed, 6))),
            ),
        )
        file.write(b'],"categories": ' + _json(_categories()) + b"}")
    part.replace(path)
    return {
        "images": images,
        "annotations": len(persons) + len(others),
        "persons": len(persons),
        "person_images": int(with_person.sum()),
        "crowds": int(persons.crowd.sum() + others.crowd.sum()),
        "bytes": path.stat().st_size,
    }


def _stream(*place: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(place)))


# -- plan: who stands where -----------------------------------------------------------------------


def _frames(random: np.random.Generator, images: int) -> Images:
    ids = 1 + random.choice(max(LARGEST_IMAGE_ID, 2 * images), images, replace=False)
    weights = np.array(list(FRAMES.values()), float)
    kind = random.choice(len(FRAMES), images, p=weights / weights.sum())
    sides = np.array(list(FRAMES))[kind]
    return Images(ids, sides[:, 0], sides[:, 1])


def _plan_persons(random: np.random.Generator, images: int) -> tuple[Objects, Flags]:
    """Return the persons, shuffled, and which images have one."""
    count = max(1, round(images * PERSON_IMAGES / IMAGES))
    place = random.choice(images, count, replace=False)
    posed = random.choice(len(POSED), count, p=np.array(POSED) / sum(POSED))
    kind = np.searchsorted((1, 3), posed, side="right")
    any_unposed, mean_unposed = np.array(UNPOSED).T
    unposed = random.geometric(1 / mean_unposed[kind])
    unposed = np.where(random.random(count) < any_unposed[kind], unposed, 0)
    unposed = np.minimum(unposed, MOST_PERSONS - posed)

    group = _posed_boxes(random, np.maximum(posed, 1))
    small = np.repeat(np.arange(count), unposed)
    size = _quantile(UNPOSED_SIZE, random.random(len(small)))
    crowded = np.flatnonzero(random.random(count) < np.array(PERSON_CROWDS)[kind])
    is_posed = np.arange(group.shape[1]) < posed[:, None]
    image = np.concatenate([np.nonzero(is_posed)[0], small, crowded])
    box = np.concatenate(
        [group[is_posed], _free_boxes(random, size), _crowd_boxes(random, len(crowded))]
    )
    crowd = np.arange(len(image)) >= len(image) - len(crowded)
    persons = Objects(place[image], box, np.full(len(image), PERSON), crowd)
    with_person = np.zeros(images, bool)
    with_person[place] = True
    return persons.pick(random.permutation(len(persons))), with_person


def _posed_boxes(random: np.random.Generator, posed: Integers) -> Floats:
    """Place groups side by side: images x most persons x 4, of which `posed` are meant."""
    count, most = len(posed), len(POSED) - 1
    kind = np.searchsorted((2, 3, 5), posed, side="right")
    size = np.empty((count, most))
    size[:, 0] = _quantile_by(LARGEST, kind, random.random(count))
    for rank in range(1, most):
        relative = _quantile_by(RELATIVE, np.maximum(kind, 1) - 1, random.random(count))
        size[:, rank] = size[:, 0] * relative
    boxes = _free_boxes(random, size.ravel()).reshape(count, most, 4)
    left, top, width, height = boxes.transpose(2, 0, 1)
    middle = left + width / 2
    feet = top[:, 0] + height[:, 0]
    leftmost, rightmost = middle[:, 0].copy(), middle[:, 0].copy()
    for rank in range(1, most):
        step = _quantile(ASIDE, random.random(count)) * (width[:, rank] + width[:, rank - 1]) / 2
        room_left, room_right = leftmost - step > 0, rightmost + step < 1
        to_right = np.where(room_left == room_right, random.random(count) < 0.5, room_right)
        half = width[:, rank] / 2
        middle[:, rank] = np.where(to_right, rightmost + step, leftmost - step).clip(half, 1 - half)
        leftmost = np.minimum(leftmost, middle[:, rank])
        rightmost = np.maximum(rightmost, middle[:, rank])
        behind = _quantile(BEHIND, random.random(count)) * height[:, 0]
        sign = np.where(random.random(count) < 0.7, -1, 1)  # the larger one is mostly in front
        top[:, rank] = (feet + sign * behind).clip(height[:, rank], 1) - height[:, rank]
    left[:] = middle - width / 2
    return boxes


def _free_boxes(random: np.random.Generator, size: Floats) -> Floats:
    """Return boxes of persons, N x 4, each placed for itself."""
    kind = np.searchsorted(ASPECT_SIZES, size)
    width, height = _sides(size, _quantile_by(ASPECT, kind, random.random(len(size))))
    kind = np.searchsorted(PLACE_SIZES, size)
    left = (1 - width) * _quantile_by(PLACE_X, kind, random.random(len(size)))
    top = (1 - height) * _quantile_by(PLACE_Y, kind, random.random(len(size)))
    return np.stack([left, top, width, height], axis=-1)


def _crowd_boxes(random: np.random.Generator, count: int) -> Floats:
    size = _quantile(CROWD_SIZE, random.random(count))
    width, height = _sides(size, _quantile(CROWD_ASPECT, random.random(count)))
    left, top = (1 - width) * random.random(count), (1 - height) * random.random(count)
    return np.stack([left, top, width, height], axis=-1)


def _plan_others(random: np.random.Generator, with_person: Flags, multiple: float) -> Objects:
    """Return what is no person, shuffled."""
    images = len(with_person)
    wanted = (ANNOTATIONS - PERSONS) / IMAGES
    counts = _quantile(OTHERS, random.random(images))
    counts *= multiple * wanted / counts.mean()
    whole = np.floor(counts + random.random(images)).astype(np.int64)
    bare = random.permutation(np.flatnonzero(~with_person))
    whole[bare] = np.maximum(whole[bare], min(1, math.ceil(multiple)))
    whole[bare[: round(images * EMPTY_IMAGES / IMAGES)]] = 0
    image = np.repeat(np.arange(images), whole)
    numbers, weights = _other_categories()
    present = random.choice(numbers, (images, CATEGORIES_PER_IMAGE), p=weights)
    category = present[image, random.integers(0, CATEGORIES_PER_IMAGE, len(image))]
    size = _quantile(OTHER_SIZE, random.random(len(image)))
    width, height = _sides(size, _quantile(OTHER_ASPECT, random.random(len(image))))
    left = (1 - width) * _quantile(PLACE_X[0], random.random(len(image)))
    top = (1 - height) * _quantile(PLACE_Y[0], random.random(len(image)))
    box = np.stack([left, top, width, height], axis=-1)
    crowded = np.flatnonzero((random.random(images) < OTHER_CROWDS * multiple) & (whole > 0))
    others = Objects(
        np.concatenate([image, crowded]),
        np.concatenate([box, _crowd_boxes(random, len(crowded))]),
        np.concatenate([category, present[crowded, 0]]),
        np.arange(len(image) + len(crowded)) >= len(image),
    )
    return others.pick(random.permutation(len(others)))


def _other_categories() -> tuple[Integers, Floats]:
    seen = [entry for entries in CATEGORIES.values() for entry in entries if entry[0] != PERSON]
    weights = np.array([1.0 + times for _, _, times in seen])  # none seen is not none there
    return np.array([number for number, _, _ in seen]), weights / weights.sum()


def _sides(size: Floats, aspect: Floats) -> tuple[Floats, Floats]:
    """Return width and height of boxes of a size; what does not fit makes the other side longer."""
    width = np.minimum(1, size * 2 ** (aspect / 2))
    height = np.minimum(1, size**2 / width)
    return np.minimum(1, size**2 / height), height


def _quantile(table: tuple[float, ...], uniform: Floats) -> Floats:
    return np.interp(uniform, LEVELS, table)


def _quantile_by(tables: tuple[tuple[float, ...], ...], kind: Integers, uniform: Floats) -> Floats:
    values = np.empty(len(uniform))
    for number, table in enumerate(tables):
        values[kind == number] = _quantile(table, uniform[kind == number])
    return values


# -- draw: outlines and crowds --------------------------------------------------------------------


@dataclass(frozen=True)
class Drawing:
    """How a kind of object is drawn."""

    fill: tuple[tuple[float, ...], ...]
    detail: Detail
    first_id: int  # of four: two kinds share the ids without knowing of each other


PERSON_DRAWING = Drawing(PERSON_FILL, PERSON_DETAIL, 1)
OTHER_DRAWING = Drawing(OTHER_FILL, OTHER_DETAIL, 3)


@dataclass(frozen=True)
class Outlines:
    """Polygons: V points (x, y) in pixels, of P polygons, of N objects; both in order."""

    points: Floats
    polygon_starts: Integers
    object_starts: Integers  # first polygon of each object

    def areas(self) -> Floats:
        """Return the N areas; polygons of an object do not overlap."""
        return np.add.reduceat(_areas(self.points, self.polygon_starts), self.object_starts)

    def boxes(self) -> Floats:
        """Return N boxes: left, top, width, height."""
        starts = self.polygon_starts[self.object_starts]
        low = np.minimum.reduceat(self.points, starts)
        return np.hstack([low, np.maximum.reduceat(self.points, starts) - low])


def outlines(
    random: np.random.Generator, box: Floats, frame: Floats, fill: Floats, detail: Detail
) -> Outlines:
    """Draw objects that fill their boxes to given shares, rounded to two decimals.

    Parameters
    ----------
    random : numpy.random.Generator
        Where shapes come from.
    box : numpy.ndarray
        N x 4, left, top, width, height in pixels, inside the frame.
    frame : numpy.ndarray
        N x 2, width, height in pixels.
    fill : numpy.ndarray
        N, shares of the boxes, in (0, 1).
    detail : Detail
        How many points and polygons.
    """
    count = len(box)
    visible = box[:, 2] * box[:, 3]
    points = detail.slope * np.log(np.sqrt(fill * visible)) + detail.level
    points = np.exp(points + detail.spread * random.standard_normal(count))
    points = points.round().clip(detail.fewest, MOST_POINTS).astype(np.int64)
    parts = 1 + (random.random(count)[:, None] < detail.parts).sum(1)
    parts = np.minimum(parts, np.maximum(points // 5, 1))

    owner = np.repeat(np.arange(count), parts)
    object_starts = np.cumsum(parts) - parts
    low, high = _part_ranges(random, parts, owner, object_starts)
    corner, sides = _part_boxes(_beyond_frame(random, box, frame), low, high, owner)
    vertices = np.maximum(np.round(points[owner] * (high - low)), 4).astype(np.int64)
    vertices = np.where(parts[owner] == 1, points[owner], vertices)

    polygon = np.repeat(np.arange(len(owner)), vertices)
    starts = np.cumsum(vertices) - vertices
    step = np.arange(len(polygon)) - starts[polygon] + 0.8 * random.random(len(polygon))
    angle = 2 * np.pi * (step / vertices[polygon] + random.random(len(owner))[polygon])
    cosine, sine = np.cos(angle), np.sin(angle)
    # A squircle, so that boxes may be filled further than by an ellipse.
    power = np.where(fill < 0.7, 2.5, 8.0)[owner][polygon]
    base = (np.abs(cosine) ** power + np.abs(sine) ** power) ** (-1 / power)
    ray = np.stack([base * cosine, base * sine], axis=1)
    waves = 0.1 * random.standard_normal(len(polygon))
    for order in (2, 3, 4, 5):
        weight = random.standard_normal(len(owner)) / order
        phase = 2 * np.pi * random.random(len(owner))
        waves += weight[polygon] * np.cos(order * angle + phase[polygon])

    limit = frame[owner][polygon]

    def drawn(roughness: Floats) -> Floats:
        shape = ray * np.exp(roughness[owner][polygon] * waves)[:, None]
        least = np.minimum.reduceat(shape, starts)
        scale = sides / (np.maximum.reduceat(shape, starts) - least)
        placed = (shape - least[polygon]) * scale[polygon] + corner[polygon]
        return np.clip(placed, 0, limit)

    # The rougher, the less of its box an outline fills: bisect for the share wanted.
    smooth, rough = np.zeros(count), np.full(count, 3.0)
    for _ in range(6):
        tried = (smooth + rough) / 2
        area = np.add.reduceat(_areas(drawn(tried), starts), object_starts)
        too_full = area > fill * visible
        smooth, rough = np.where(too_full, tried, smooth), np.where(too_full, rough, tried)
    return Outlines(np.round(drawn((smooth + rough) / 2), 2), starts, object_starts)


def _beyond_frame(random: np.random.Generator, box: Floats, frame: Floats) -> Floats:
    """Let boxes that touch the frame reach behind it, by up to a third: the frame cuts them."""
    low, high = box[:, :2].copy(), box[:, :2] + box[:, 2:]
    reach = random.random((2, *low.shape)) / 3 * box[:, 2:]
    cut_low, cut_high = low < 0.01 * frame, high > 0.99 * frame
    low -= np.where(cut_low, reach[0], 0)
    high += np.where(cut_high, reach[1], 0)
    return np.hstack([low, high - low])


def _part_ranges(
    random: np.random.Generator, parts: Integers, owner: Integers, object_starts: Integers
) -> tuple[Floats, Floats]:
    """Cut 0 to 1 into as many ranges as an object has parts, the first the largest."""
    least, most = MAIN_PART
    main = np.where(parts == 1, 1.0, least + (most - least) * random.random(len(parts)))[owner]
    number = np.arange(len(owner)) - object_starts[owner]
    rest = (1 - main) / np.maximum(parts[owner] - 1, 1)
    low = np.where(number == 0, 0, main + (number - 1) * rest)
    return low, np.where(number == 0, main, low + rest)


def _part_boxes(box: Floats, low: Floats, high: Floats, owner: Integers) -> tuple[Floats, Floats]:
    """Return corners and sides of the parts' boxes, cut along the objects' longer sides."""
    corner, sides = box[owner, :2], box[owner, 2:]
    along = np.zeros(sides.shape, bool)
    along[np.arange(len(owner)), sides.argmax(1)] = True
    return (
        np.where(along, corner + low[:, None] * sides, corner),
        np.where(along, (high - low)[:, None] * sides, sides),
    )


def _areas(points: Floats, starts: Integers) -> Floats:
    """Areas of polygons by Gauss's formula."""
    after = np.roll(points, -1, axis=0)
    last = np.append(starts[1:], len(points)) - 1
    after[last] = points[starts]
    cross = points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]
    return np.abs(np.add.reduceat(cross, starts)) / 2


def crowd_runs(
    random: np.random.Generator, box: Floats, height: int, width: int
) -> tuple[list[int], list[int], int]:
    """Draw a band of people: a run of pixels a column, with gaps.

    Returns
    -------
    tuple
        Run lengths column by column, the first of them outside; the box; the area.
    """
    left, top = (int(v) for v in box[:2])
    columns = np.arange(left, min(left + max(int(box[2]), 3), width))
    reach = max(float(box[3]), 4.0)
    waves = np.zeros(len(columns))
    for period in (0.5, 3, 11):
        phase = 2 * np.pi * random.random()
        waves += np.sin(2 * np.pi * period * (columns - left) / len(columns) + phase) / 3
    middle = top + reach * (0.5 + 0.25 * waves)
    thick = reach * (0.02 + 0.4 * random.random() * (0.4 + random.random(len(columns))))
    # From the second row on: runs of neighbouring columns never meet.
    first = np.floor(middle - thick / 2).clip(1, height - 1).astype(np.int64)
    end = np.ceil(middle + thick / 2).clip(first + 1, height).astype(np.int64)
    shown = random.random(len(columns)) < 0.85
    shown[0] = True
    starts = (columns * height + first)[shown]
    ends = (columns * height + end)[shown]
    edges = np.stack([starts, ends], axis=1).ravel()
    runs = np.diff(edges, prepend=0, append=height * width)
    runs = runs[:-1] if runs[-1] == 0 else runs
    across, first, end = columns[shown], first[shown], end[shown]
    low = (int(across[0]), int(first.min()))
    sides = (int(across[-1]) + 1 - low[0], int(end.max()) - low[1])
    return runs.tolist(), [*low, *sides], int((end - first).sum())


# -- write ----------------------------------------------------------------------------------------


def _annotation_records(
    objects: Objects, images: Images, drawing: Drawing, stream: tuple[int, int]
) -> Iterator[bytes]:
    random = _stream(*stream, 0)
    ids = 4 * random.permutation(len(objects)) + random.integers(0, 2, len(objects))
    ids += drawing.first_id
    for block, start in enumerate(range(0, len(objects), BLOCK)):
        some = slice(start, start + BLOCK)
        yield from _drawn_records(
            _stream(*stream, 1, block), objects.pick(some), ids[some], images, drawing
        )


def _drawn_records(
    random: np.random.Generator, objects: Objects, ids: Integers, images: Images, drawing: Drawing
) -> Iterator[bytes]:
    frame = np.stack([images.width[objects.image], images.height[objects.image]], 1).astype(float)
    box = objects.box * np.tile(frame, 2)
    kind = np.searchsorted(FILL_SIZES, np.sqrt(objects.box[:, 2] * objects.box[:, 3]))
    fill = _quantile_by(drawing.fill, kind, random.random(len(objects)))
    shapes = outlines(random, box, frame, fill, drawing.detail)
    coordinates = shapes.points.ravel().tolist()
    ends = (2 * np.append(shapes.polygon_starts, len(shapes.points))).tolist()
    polygons = np.append(shapes.object_starts, len(shapes.polygon_starts)).tolist()
    areas = shapes.areas().tolist()
    boxes = shapes.boxes().round(2).tolist()
    encode = msgspec.json.Encoder().encode
    for number, (place, category) in enumerate(
        zip(objects.image.tolist(), objects.category.tolist(), strict=True)
    ):
        image = int(images.id[place])
        if objects.crowd[number]:
            size = [int(images.height[place]), int(images.width[place])]
            runs, bounds, area = crowd_runs(random, box[number], *size)
            # COCO's own numbers for crowds, beyond 32 bits.
            crowd = 900_000_000_000 + category * 100_000_000 + image
            segmentation: Any = {"counts": runs, "size": size}
            yield encode(AnnotationRecord(segmentation, area, 1, image, bounds, category, crowd))
            continue
        segmentation = [
            coordinates[ends[polygon] : ends[polygon + 1]]
            for polygon in range(polygons[number], polygons[number + 1])
        ]
        yield encode(
            AnnotationRecord(
                segmentation, areas[number], 0, image, boxes[number], category, int(ids[number])
            )
        )


def _image_records(random: np.random.Generator, images: Images) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    when = random.integers((14, 0, 0, 0), (31, 24, 60, 60), (len(images.id), 4)).tolist()
    link = random.integers((1, 2000, 10**9, 1, 0), (10, 9000, 10**10, 9, 2**40), (len(when), 5))
    frames = zip(images.id.tolist(), images.width.tolist(), images.height.tolist(), strict=True)
    for (number, width, height), date, place in zip(frames, when, link.tolist(), strict=True):
        name = f"{number:012d}.jpg"
        day, hour, minute, second = date
        farm, server, photo, licence, secret = place
        yield encode(
            ImageRecord(
                licence,
                name,
                f"http://images.example.org/train2017/{name}",
                height,
                width,
                f"2013-11-{day} {hour:02d}:{minute:02d}:{second:02d}",
                f"http://farm{farm}.staticflickr.example.org/{server}/{photo}_{secret:010x}_z.jpg",
                number,
            )
        )


def _scattered(random: np.random.Generator, *kinds: tuple[int, Iterator[bytes]]) -> Iterator[bytes]:
    """Mix what is in random order already; each kind keeps its own."""
    order = np.repeat(np.arange(len(kinds), dtype=np.uint8), [count for count, _ in kinds])
    for kind in random.permutation(order):
        yield next(kinds[kind][1])


def _write(file: BinaryIO, records: Iterator[bytes]) -> None:
    separator = b""
    while batch := list(islice(records, BLOCK)):
        file.write(separator + _spaced(b",".join(batch)))
        separator = b","


def _spaced(text: bytes) -> bytes:
    """Put COCO's space behind keys; no string of ours has a quote before a colon."""
    return text.replace(b'":', b'": ')


def _json(value: object) -> bytes:
    return _spaced(msgspec.json.encode(value))


def _categories() -> list[dict[str, object]]:
    return [
        {"supercategory": group, "id": number, "name": name}
        for group, entries in CATEGORIES.items()
        for number, name, _ in entries
    ]


def main() -> None:
    """Write the file and print what is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="OUT.json")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--other-categories", type=float, default=1.0)
    options = parser.parse_args()
    counts = generate(
        options.path,
        images=options.images,
        seed=options.seed,
        other_categories=options.other_categories,
    )
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
