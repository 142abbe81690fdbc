"""Ask what surrounds a pixel of a clip where the pixel itself does not tell what it is."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .channels import greatest
from .support import Mask

Floats = npt.NDArray[np.float32]

EDGE = 0.05
"""Difference among neighbours in the photograph that separates a thing from its surroundings."""
WALKED = 320
"""Long side in pixels at which surroundings are asked."""
WALK_EDGES = 130.0
"""How unlikely a step across an edge is."""
BLANK, GRAIN, BLANK_AREA = 0.0012, 0.003, 25
"""Mean differences from the canvas, of 1, of a patch that is nothing else and of one that is;
pixels that make a mean."""
HOLE, UNPROVEN = 0.2, 0.25
"""Mean difference between clip and photograph that proves an enclosed hole; the confidence where
one is not proven."""


def opened(image: Floats, light: Mask, there: Mask) -> Mask:
    """Find what one reaches from the clip's frame without crossing an edge of the photograph."""
    way = ~there | (light & (steepness(image) < EDGE))
    framed = np.pad(way, 1, constant_values=True).astype(np.uint8)
    _, parts = cv2.connectedComponents(framed, connectivity=4)
    reached = (parts == parts[0, 0])[1:-1, 1:-1].astype(np.uint8)
    reached = cv2.morphologyEx(reached, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    # An edge is found some pixels wide: up to it there is canvas.
    return (cv2.dilate(reached, np.ones((7, 7), np.uint8)) > 0) & light & there


def steepness(image: Floats) -> Floats:
    """Return the difference among a pixel's neighbours, in the channel that has the most of it."""
    soft = cv2.GaussianBlur(image, (0, 0), 1)
    steep: Any = cv2.morphologyEx(soft, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return greatest(steep)


def evened(likely: Floats, patches: Mask) -> Floats:
    """Give each patch that no edge divides one likelihood, and its rim the same."""
    count, parts = cv2.connectedComponents(patches.astype(np.uint8), connectivity=4)
    if count < 2:
        return likely
    areas = np.bincount(parts.ravel(), minlength=count)
    means = np.bincount(parts.ravel(), likely.ravel(), count) / np.maximum(areas, 1)
    labels = cv2.dilate(parts.astype(np.float32), np.ones((7, 7), np.uint8)).astype(np.intp)
    labels = np.where(patches, parts, labels)
    return np.where(labels > 0, means[labels], likely).astype(np.float32)


def walked(image: Floats, object_: Mask, background: Mask) -> Floats:
    """Return for every pixel how likely a random walk from it meets the object first.

    L. Grady, "Random walks for image segmentation", 2006: steps across an edge of the photograph
    are unlikely.
    """
    from skimage.segmentation import random_walker

    height, width = object_.shape
    factor = min(1.0, WALKED / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small, inside, outside = (
        cv2.resize(array, size, interpolation=cv2.INTER_AREA)
        for array in (image, object_.astype(np.float32), background.astype(np.float32))
    )
    labels = np.where(inside > 0.5, 1, np.where(outside > 0.5, 2, 0))
    if not ((labels == 1).any() and (labels == 2).any()) or (labels > 0).all():
        return object_.astype(np.float32)
    found = random_walker(
        small,
        labels,
        beta=WALK_EDGES,
        mode="cg_j",
        tol=1e-4,
        prob_tol=1.0,  # what is beyond [0, 1] by the solver's tolerance is cut off below
        channel_axis=-1,
        return_full_prob=True,
    )
    likely = np.clip(np.asarray(found[0], np.float32), 0, 1)
    whole: Any = cv2.resize(likely, (width, height), interpolation=cv2.INTER_LINEAR)
    return whole


def blank(clip_off: Floats, image_off: Floats, patches: Mask) -> Mask:
    """Find patches, and their rims, in which the clip is its canvas and the photograph is not.

    Both are differences from the canvas. An object as light as that still shows its grain: over
    a patch its mean tells what a pixel does not.
    """
    divided: Any = cv2.connectedComponents(patches.astype(np.uint8), connectivity=4)
    count, parts = divided
    areas = np.maximum(np.bincount(parts.ravel(), minlength=count), 1)
    shown, seen = (
        np.bincount(parts.ravel(), np.abs(off).ravel(), count) / areas
        for off in (clip_off, image_off)
    )
    found = (areas >= BLANK_AREA) & (shown < BLANK) & (seen > GRAIN)
    found[0] = False
    return cv2.dilate(found[parts].astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


def unproven_holes(empty: Mask, apart: Floats, bare: Mask) -> Mask:
    """Find enclosed holes in which the photograph does not clearly show anything but the clip.

    `bare` is what `blank` finds in `empty`.
    """
    found: Any = cv2.connectedComponents(empty.astype(np.uint8), connectivity=4)
    count, parts = found
    areas = np.maximum(np.bincount(parts.ravel(), minlength=count), 1)
    means = np.bincount(parts.ravel(), apart.ravel(), count) / areas
    proven = np.bincount(parts.ravel(), bare.ravel(), count) / areas
    kept = (means < HOLE) & (proven < 0.5)
    frame = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    kept[frame] = False
    kept[0] = False
    held = kept[parts].astype(np.uint8)
    return cv2.dilate(held, np.ones((3, 3), np.uint8)) > 0
