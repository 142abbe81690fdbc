"""COCO annotations, checked before any C code sees them, and the masks they describe.

pycocotools trusts its input: a NaN or an infinite coordinate is a segmentation fault that takes the
worker along, and a run length that does not add up becomes a wrong area without a word. Here every
number is checked first; what cannot be a mask gets a reason instead.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as _mask

from maskmill.images import Alpha

masks: Any = _mask  # type checkers' stubs of it know neither nested polygons nor bytes

MAX_PIXELS = 3 * 2**24
"""Largest frame, in pixels, whose masks are made. pycocotools writes a run of 2**24 pixels and more
in six characters and leaves no room for the end of the string; up to here that cannot add up."""

_REACH = (
    4  # how many long sides a polygon may leave the frame: annotators overshoot, but not by more
)
_NUMBERS = frozenset({int, float})
_MAX_OUTLINE = 2**21  # pixels; pycocotools lists five points for each of them


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotated object of an image, as the file has it.

    Parameters
    ----------
    id : int, str or None
        As the file numbers it; None where it does not.
    category, supercategory : str
        Names; empty where the file does not know the annotation's category.
    iscrowd : bool
        Whether it covers a group that nobody took apart.
    segmentation : object
        Unchecked: polygons or run lengths in theory. `rle` makes a mask of it or says why not.
    bbox : tuple of four float, or None
        x, y, width, height in pixels; None where it is absent or not four finite numbers.
    keypoints : tuple of float, or None
        x, y, visibility, thrice the number of points; None likewise.
    """

    id: int | str | None
    category: str
    iscrowd: bool
    segmentation: object = field(repr=False)
    supercategory: str = ""
    bbox: tuple[float, ...] | None = None
    keypoints: tuple[float, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CocoContext:
    """What the stages of this room know about a sample: the annotations of its image.

    Parameters
    ----------
    image_id : int or str
        The image's number in the annotation file.
    annotations : tuple of Annotation
        Of every category, in file order.
    """

    image_id: int | str
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Rle:
    """A binary mask as compressed run lengths; made by `rle` and `union` only.

    Parameters
    ----------
    height, width : int
        Frame in pixels.
    counts : bytes
        COCO's compressed string.
    """

    height: int
    width: int
    counts: bytes = field(repr=False)

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(masks.area(_plain(self)))

    @property
    def coverage(self) -> float:
        """Share of the frame inside, in [0, 1]."""
        return self.area / (self.height * self.width)

    def alpha(self) -> Alpha:
        """Return the mask, H x W, float32, 0 or 1.

        Examples
        --------
        >>> rle([[1, 1, 3, 1, 3, 2, 1, 2]], 3, 4).alpha().tolist()
        [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
        """
        runs = _decompress(self.counts.decode())
        columns = np.repeat(np.arange(len(runs), dtype=np.uint8) % 2, runs)
        return np.ascontiguousarray(columns.reshape(self.width, self.height).T, np.float32)


class SegmentationError(ValueError):
    """A segmentation that describes no mask; `reason` says why, in one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def problem(segmentation: object, height: int, width: int) -> str | None:
    """Return why a segmentation cannot become a mask of this frame, or None.

    Parameters
    ----------
    segmentation : object
        Polygons ``[[x, y, x, y, ...], ...]`` or run lengths ``{"size": [height, width], "counts":
        ...}``, compressed or not, as the JSON file has them.
    height, width : int
        Frame in pixels, at least 1 and together at most `MAX_PIXELS`.

    Returns
    -------
    str or None
        ``no_segmentation`` (absent or null), ``segmentation_type`` (neither polygons nor run
        lengths), ``empty_segmentation``, ``flat_polygon`` (numbers that are not nested in a
        list), ``short_polygon`` (fewer than three points), ``odd_polygon`` (an x without a y),
        ``non_numeric``, ``non_finite``, ``far_outside`` (four long sides away from the frame),
        ``long_outline`` (more than two million pixels of it), ``rle_size`` (another frame),
        ``rle_counts`` (not run lengths) or ``rle_sum`` (they do not fill the frame).

    Notes
    -----
    Polygons of one annotation are united: a ring inside another does not cut a hole, only run
    lengths can. Parts outside the frame are clipped. A segmentation that is valid may still cover
    no pixel.

    Examples
    --------
    >>> problem([[0, 0, 9, 0, 9, 9]], 10, 10)
    >>> problem([[0, 0, 9, float("nan"), 9, 9]], 10, 10)
    'non_finite'
    >>> problem({"size": [10, 10], "counts": [10, 20]}, 10, 10)
    'rle_sum'
    """
    try:
        outline(segmentation, height, width)
    except SegmentationError as bad:
        return bad.reason
    return None


def rle(segmentation: object, height: int, width: int) -> Rle:
    """Make a mask of a segmentation.

    Parameters
    ----------
    segmentation, height, width
        See `problem`.

    Returns
    -------
    Rle
        The union of its parts, rasterised as pycocotools does.

    Raises
    ------
    SegmentationError
        With the reason that `problem` gives.

    Examples
    --------
    >>> rle([[0, 0, 9, 0, 9, 9, 0, 9]], 10, 10).area
    81
    >>> rle({"size": [10, 10], "counts": [10, 90]}, 10, 10).coverage
    0.9
    """
    parts = outline(segmentation, height, width).parts(height, width)
    return Rle(height, width, masks.merge(parts)["counts"])


def union(parts: Sequence[Rle], height: int, width: int) -> Rle:
    """Unite masks; none make an empty one.

    Raises
    ------
    ValueError
        When a mask is of another frame.

    Examples
    --------
    >>> left = rle([[0, 0, 6, 0, 6, 10, 0, 10]], 10, 10)
    >>> right = rle([[4, 0, 10, 0, 10, 10, 4, 10]], 10, 10)
    >>> left.coverage, right.coverage, union([left, right], 10, 10).coverage
    (0.6, 0.6, 1.0)
    """
    for part in parts:
        if (part.height, part.width) != (height, width):
            raise ValueError(
                f"masks must be of one frame, {height} x {width}, got {part.height} x {part.width}"
            )
    if not parts:
        return rle({"size": [height, width], "counts": [height * width]}, height, width)
    whole = masks.merge([_plain(part) for part in parts])
    return Rle(height, width, whole["counts"])


def _plain(mask: Rle) -> dict[str, Any]:
    return {"size": [mask.height, mask.width], "counts": mask.counts}


@dataclass(frozen=True, slots=True)
class Outline:
    """A segmentation that passed every check: what C code may see.

    Parameters
    ----------
    shape : list of list of float, or dict
        Polygons or uncompressed run lengths.
    bound : float
        Pixels that it covers at most: those in the boxes around its polygons, or its runs' own.
    extent : float
        Width and height of its polygons, all added up.
    """

    shape: list[list[float]] | dict[str, list[int]] = field(repr=False)
    bound: float
    extent: float = 0.0

    @property
    def hull_bound(self) -> float:
        """A tighter bound: pixels within one pixel of the convex hulls of its polygons.

        The pixels of a polygon lie within half a pixel of its hull (measured on 60,000 random
        ones); a hull of area A and extent w x h, grown by one all around, has A + 2 (w + h) + 4.
        """
        if isinstance(self.shape, dict):
            return self.bound
        hulls = 0.0
        for polygon in self.shape:
            # OpenCV fails on points that differ in the sign of a zero alone: -0.0 + 0 is 0.0.
            hull: Any = cv2.convexHull(np.array(polygon, np.float32).reshape(-1, 2) + 0)
            hulls += cv2.contourArea(hull)
        return min(self.bound, hulls + 2 * self.extent + 4 * len(self.shape))

    def parts(self, height: int, width: int) -> list[dict[str, Any]]:
        """Return the run lengths of its parts, as pycocotools has them."""
        found = masks.frPyObjects(self.shape, height, width)
        return found if isinstance(found, list) else [found]


def outline(segmentation: object, height: int, width: int) -> Outline:
    """Check a segmentation without making a mask of it.

    Parameters
    ----------
    segmentation, height, width
        See `problem`.

    Raises
    ------
    SegmentationError
        With the reason that `problem` gives.

    Examples
    --------
    >>> outline([[1, 1, 3, 1, 3, 2, 1, 2]], 10, 10).bound
    12.0
    """
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ValueError(
            f"the frame must have 1 to {MAX_PIXELS} pixels, got height {height}, width {width}"
        )
    if segmentation is None:
        raise SegmentationError("no_segmentation")
    if isinstance(segmentation, list):
        return _polygons(segmentation, height, width)
    if isinstance(segmentation, dict):
        runs = _runs(segmentation, height, width)
        return Outline({"size": [height, width], "counts": runs}, sum(runs[1::2]))
    raise SegmentationError("segmentation_type")


def segment_area(segment: Any, height: int, width: int) -> float:
    """Return the pixels of an object of a panoptic picture, as the file counts them.

    Raises
    ------
    SegmentationError
        ``segment_area`` when that is no number of pixels of the frame.

    Examples
    --------
    >>> segment_area({"id": 7, "category_id": 1, "area": 12}, 10, 10)
    12.0
    """
    area = segment["area"]
    if isinstance(area, bool) or not isinstance(area, int | float):
        raise SegmentationError("segment_area")
    if not 0 <= area <= height * width:
        raise SegmentationError("segment_area")
    return float(area)


def _polygons(polygons: list[Any], height: int, width: int) -> Outline:
    if not polygons:
        raise SegmentationError("empty_segmentation")
    side = max(height, width)
    low, high = -_REACH * side, (1 + _REACH) * side
    bound = length = extent = 0.0
    for polygon in polygons:
        if not isinstance(polygon, list):
            flat = isinstance(polygon, int | float)
            raise SegmentationError("flat_polygon" if flat else "segmentation_type")
        if len(polygon) < 6:
            raise SegmentationError("short_polygon")
        if len(polygon) % 2:
            raise SegmentationError("odd_polygon")
        if not _NUMBERS.issuperset(map(type, polygon)):
            raise SegmentationError("non_numeric")
        xs, ys = polygon[0::2], polygon[1::2]
        left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
        inside = low <= left and right <= high and low <= top and bottom <= high
        # A NaN that min and max passed over is still in the sum.
        if not inside or not math.isfinite(sum(polygon)):
            _raise_reason(polygon, low, high)
        across = min(right, width) - max(left, 0) + 2
        down = min(bottom, height) - max(top, 0) + 2
        if across > 0 and down > 0:
            bound += across * down
        extent += right - left + bottom - top
        # At most this long; counted exactly only where that is too much.
        length += len(xs) * (max(right - left, bottom - top) + 1)
    if length > _MAX_OUTLINE and sum(map(_length, polygons)) > _MAX_OUTLINE:
        raise SegmentationError("long_outline")
    return Outline(polygons, bound, extent)


def _raise_reason(polygon: list[float], low: float, high: float) -> None:
    for number in polygon:
        # Compared before it is converted: an integer of 400 digits is not even a float.
        if isinstance(number, float) and not math.isfinite(number):
            raise SegmentationError("non_finite")
        if not low <= number <= high:
            raise SegmentationError("far_outside")


def _length(points: list[float]) -> float:
    xs, ys = points[0::2], points[1::2]
    return sum(max(abs(xs[i] - xs[i - 1]), abs(ys[i] - ys[i - 1])) + 1 for i in range(len(xs)))


def _runs(segmentation: dict[str, object], height: int, width: int) -> list[int]:
    if segmentation.get("size") != [height, width]:
        raise SegmentationError("rle_size")
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        runs = _decompress(counts)
    elif isinstance(counts, list):
        runs = [_run(count) for count in counts]
    else:
        raise SegmentationError("rle_counts")
    if sum(runs) != height * width:
        raise SegmentationError("rle_sum")
    return _without_empty_runs(runs)


def _run(count: object) -> int:
    whole = isinstance(count, int) or (isinstance(count, float) and count.is_integer())
    if isinstance(count, bool) or not whole or count < 0:  # pyright: ignore[reportOperatorIssue]
        raise SegmentationError("rle_counts")
    return int(count)  # pyright: ignore[reportArgumentType]


def _decompress(text: str) -> list[int]:
    """Read COCO's string: five bits a character, low bits first, each run less the one before last.

    pycocotools reads on behind the end of a string that stops within a number.
    """
    runs: list[int] = []
    number = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 30:
            raise SegmentationError("rle_counts")
        number |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            number -= 1 << shift
        if len(runs) > 2:
            number += runs[-2]
        if number < 0:
            raise SegmentationError("rle_counts")
        runs.append(number)
        number = shift = 0
    if shift:
        raise SegmentationError("rle_counts")
    return runs


def _without_empty_runs(runs: list[int]) -> list[int]:
    """Join the neighbours of empty runs.

    pycocotools keeps room for one run a pixel, and empty ones may be any number.
    """
    kept: list[int] = []
    for place, run in enumerate(runs):
        if run and kept and len(kept) % 2 != place % 2:
            kept[-1] += run
        elif run or not kept:
            kept.append(run)
    return kept
