"""How an object lies to the foreground: inside it, touching it, or apart from it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.sample import Sample

from .annotations import Annotation, CocoContext, SegmentationError, rle

Mask = npt.NDArray[np.bool_]


def annotations_of(sample: Sample) -> tuple[Annotation, ...]:
    """Return the COCO annotations that a sample carries.

    Raises
    ------
    ValueError
        When it carries none.
    """
    context = sample.context
    if not isinstance(context, CocoContext):
        raise ValueError(
            "sample must carry the COCO annotations of its image, as those of the Coco source "
            f"do, got context {context!r}"
        )
    return context.annotations


def mask_of(annotation: Annotation, height: int, width: int) -> Mask | None:
    """Return an annotation's mask, H x W, bool; None where its segmentation describes none."""
    try:
        return rle(annotation.segmentation, height, width).alpha() > 0
    except SegmentationError:
        return None


def distance_to(mask: Mask) -> npt.NDArray[np.float32]:
    """Return how far each pixel, H x W, float32, is from a mask that is not empty; 0 inside."""
    outside = (~mask).view(np.uint8)
    far = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return far.astype(np.float32, copy=False)


def near(mask: Mask, reach: float) -> Mask:
    """Return where a mask is at most so far away, itself included.

    Parameters
    ----------
    mask : ndarray, H x W, bool
    reach : float
        In pixels, since the mask may be a part of a frame; see `reach_of`.

    Examples
    --------
    >>> near(np.eye(1, 5, dtype=bool), 2).tolist()
    [[True, True, True, False, False]]
    """
    return distance_to(mask) <= reach if mask.any() else mask


def reach_of(share: float, height: int, width: int) -> float:
    """Return the distance in pixels up to which things touch: at least one."""
    return max(1.0, share * max(height, width))


def check_reach(reach: float) -> None:
    """Raise ValueError unless `reach` is a small share of the long side."""
    if not 0 <= reach <= 0.1:
        raise ValueError(
            f"reach must be a share of the long side of at most 0.1, got {reach!r}; "
            "5 pixels of 640 are 5 / 640"
        )


@dataclass(frozen=True, slots=True)
class Touch:
    """How an object lies to the foreground.

    Parameters
    ----------
    pixels : int
        Of the object.
    inside : float
        Share of it inside the foreground, in [0, 1].
    contact : float
        Share of its outline at the foreground, in [0, 1]. Where the frame cuts it there is none.
    """

    pixels: int
    inside: float
    contact: float


def touch(mask: Mask, foreground: Mask, around: Mask) -> Touch:
    """Measure how an object lies to the foreground.

    Parameters
    ----------
    mask : ndarray, H x W, bool
        The object.
    foreground : ndarray, H x W, bool
    around : ndarray, H x W, bool
        Foreground and what counts as touching it; see `near`.

    Examples
    --------
    >>> stick, hand = np.zeros((2, 5, 9), bool)
    >>> stick[2, 2:7], hand[1:4, 6:8] = True, True
    >>> touch(stick, hand, near(hand, 1))
    Touch(pixels=5, inside=0.2, contact=0.4)
    """
    pixels = int(np.count_nonzero(mask))
    if not pixels:
        return Touch(0, 0.0, 0.0)
    eroded = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
    outline = mask & ~eroded
    return Touch(
        pixels,
        int(np.count_nonzero(mask & foreground)) / pixels,
        int(np.count_nonzero(outline & around)) / max(1, int(np.count_nonzero(outline))),
    )
