"""Cut a photograph to a frame, and find a place in it for a foreground.

Pixel centres lie at whole numbers plus one half, as OpenCV's `resize` has them: a part of a picture
whose corner is at ``x0``, enlarged by ``s``, has at ``x + .5`` what was at ``x0 + (x + .5) / s``.
"""

from typing import NamedTuple

import cv2
import numpy as np

from maskmill.images import Alpha, Image

from .compositing import check_image


class Crop(NamedTuple):
    """The part of a photograph that becomes the background, in its pixels."""

    left: int
    top: int
    width: int
    height: int


def cropping(
    size: tuple[int, int], frame: tuple[int, int], across: float = 0.5, down: float = 0.5
) -> Crop:
    """Return the largest part of a photograph that has a frame's shape.

    Its sides are rounded to whole pixels of the photograph, so the two scales differ by at most one
    pixel on the crop's side.

    Parameters
    ----------
    size, frame : tuple of int
        Width and height of the photograph and of the frame.
    across, down : float
        Where it lies, in [0, 1]: 0 at the left or top, .5 in the middle.

    Examples
    --------
    >>> cropping((640, 480), (512, 512))
    Crop(left=80, top=0, width=480, height=480)
    >>> cropping((640, 480), (512, 512), across=1)
    Crop(left=160, top=0, width=480, height=480)
    """
    if min(*size, *frame) < 1 or not (0 <= across <= 1 and 0 <= down <= 1):
        raise ValueError(
            "size and frame must be at least one pixel, across and down in [0, 1], got "
            f"{size}, {frame}, {across} and {down}"
        )
    scale = min(size[0] / frame[0], size[1] / frame[1])
    width = min(size[0], max(1, round(frame[0] * scale)))
    height = min(size[1], max(1, round(frame[1] * scale)))
    left, top = round((size[0] - width) * across), round((size[1] - height) * down)
    return Crop(left, top, width, height)


def fitted(photograph: Image, crop: Crop, frame: tuple[int, int]) -> Image:
    """Return a part of a photograph at the size of a frame.

    Averaged down by area or enlarged bicubically, in sRGB values as cameras and editors do.

    Parameters
    ----------
    photograph : ndarray, H x W x 3, uint8
    crop : Crop
        Within it.
    frame : tuple of int
        Width and height in pixels.

    Examples
    --------
    >>> photograph = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    >>> fitted(photograph, Crop(0, 0, 4, 4), (2, 2))[0, 0].tolist()
    [8, 9, 10]
    """
    check_image("photograph", photograph)
    height, width = photograph.shape[:2]
    left, top = crop.left, crop.top
    if left < 0 or top < 0 or left + crop.width > width or top + crop.height > height:
        raise ValueError(f"crop must lie within {width} x {height} pixels, got {crop}")
    part = photograph[top : top + crop.height, left : left + crop.width]
    if frame == (crop.width, crop.height):
        return np.ascontiguousarray(part)
    smaller = frame[0] <= crop.width and frame[1] <= crop.height
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, frame, interpolation=way), np.uint8)


class Place(NamedTuple):
    """Where a foreground lies in its frame.

    Parameters
    ----------
    frame : tuple of int
        Width and height of the composite in pixels.
    size : tuple of int
        Width and height of the foreground, or of its box, in it.
    left, top : int
        Its corner.
    """

    frame: tuple[int, int]
    size: tuple[int, int]
    left: int
    top: int


SIDES = ("left", "top", "right", "bottom")
CUT = 0.05
"""A foreground that touches this share of a side of its picture goes on beyond it."""
MARGIN = 0.02
"""Share of the frame that stays free beside a foreground that is whole."""
SHAPES = (0.5, 2.0)
"""Narrowest and widest frame, width by height, that a foreground is put into."""


def kept_place(size: tuple[int, int], side: int | None) -> Place:
    """Return the place of a foreground that stays where it is in its own frame.

    Parameters
    ----------
    size : tuple of int
        Width and height of its file.
    side : int, optional
        Long side of the composite; by default the file's.

    Examples
    --------
    >>> kept_place((384, 512), 256)
    Place(frame=(192, 256), size=(192, 256), left=0, top=0)
    """
    scale = 1.0 if side is None else side / max(size)
    frame = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    return Place(frame, frame, 0, 0)


def cut_sides(alpha: Alpha) -> tuple[str, ...]:
    """Return at which sides of its picture a foreground is cut off.

    One that touches three sides or more has been cropped to its outline, and is whole.

    Examples
    --------
    >>> bust = np.zeros((40, 40), np.float32)
    >>> bust[10:, 10:30] = 1
    >>> cut_sides(bust), cut_sides(bust[10:, 10:30])
    (('bottom',), ())
    """
    solid = alpha > 0.5
    ends = (solid[:, 0], solid[0], solid[:, -1], solid[-1])
    cut = tuple(name for name, end in zip(SIDES, ends, strict=True) if end.mean() > CUT)
    return cut if len(cut) < 3 else ()


def drawn_place(
    box: tuple[int, int],
    area: float,
    shape: float,
    side: int,
    coverage: float,
    *,
    cut: tuple[str, ...] = (),
    across: float = 0.5,
    down: float = 0.5,
) -> Place:
    """Return a place in which a foreground covers a given share of the frame.

    The frame has the background's shape; where the foreground would not fit then, it is made
    narrower or wider, as far as that helps. What is cut off by its own picture's side stays at that
    side.

    Parameters
    ----------
    box : tuple of int
        Width and height of the foreground's box in its own picture.
    area : float
        Sum of alpha in the box, in pixels.
    shape : float
        Width by height of the background.
    side : int
        Long side of the composite in pixels.
    coverage : float
        Share of the frame in (0, 1]. What cannot be reached comes as near as it can.
    cut : tuple of str
        Of `SIDES`; not two opposite ones.
    across, down : float
        Where it lies in the room that is left, in [0, 1].

    Examples
    --------
    >>> drawn_place((100, 100), 10_000, 1.5, 600, 0.25)
    Place(frame=(600, 400), size=(245, 245), left=178, top=78)
    >>> drawn_place((100, 100), 10_000, 1.5, 600, 0.25, cut=("bottom",)).top
    155
    """
    if {"left", "right"} <= set(cut) or {"top", "bottom"} <= set(cut):
        raise ValueError(f"cut must not name two opposite sides, got {', '.join(cut)}")
    wide, tall = box
    # Room, as a share of the frame's width and height.
    room_across = 1 - MARGIN * (2 - len({"left", "right"} & set(cut)))
    room_down = 1 - MARGIN * (2 - len({"top", "bottom"} & set(cut)))
    snug = (wide / room_across) / (tall / room_down)  # the shape in which it fits both ways
    widest = area * room_across**2 / wide**2  # coverage / shape, where its width is what limits it
    tallest = area * room_down**2 / tall**2  # coverage * shape, where its height is
    if shape > snug and tallest / shape < coverage:
        shape = max(snug, tallest / coverage)
    elif shape < snug and widest * shape < coverage:
        shape = min(snug, coverage / widest)
    shape = min(max(shape, SHAPES[0]), SHAPES[1])
    frame = (
        (side, max(1, round(side / shape))) if shape >= 1 else (max(1, round(side * shape)), side)
    )
    scale = min(
        frame[0] * room_across / wide,
        frame[1] * room_down / tall,
        (coverage * frame[0] * frame[1] / area) ** 0.5,
    )
    size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
    left = _start(frame[0], size[0], room_across, "left" in cut, "right" in cut, across)
    top = _start(frame[1], size[1], room_down, "top" in cut, "bottom" in cut, down)
    return Place(frame, size, left, top)


def _start(whole: int, part: int, room: float, first: bool, last: bool, share: float) -> int:
    if first:
        return 0
    if last:
        return whole - part
    margin = whole * (1 - room) / 2
    return round(margin + (whole * room - part) * share)
