"""Leaves: blades of points that bend, each another, made in one go."""

from typing import Any

import numpy as np

from .parts import Part

_ALONG, _ACROSS = 6, 3


def leaves(
    bases: Any,
    directions: Any,
    length: Any,
    width: Any,
    random: np.random.Generator,
    material: Any = 0,
    droop: float = 0.35,
    fold: float = 0.25,
    broad: float = 0.45,
) -> list[Part]:
    """Return leaves; one part for each material.

    Parameters
    ----------
    bases, directions
        n x 3: where each is fixed, and where it points to.
    length, width
        Numbers, or n of them: metres.
    random
        Turns them about themselves.
    material
        A number, or n of them.
    droop
        How far its tip falls, in lengths.
    fold
        How far its halves rise from the rib, in widths.
    broad
        Where it is broadest: 0.5 for an ellipse, less for a drop.
    """
    bases, ahead = np.asarray(bases, float), np.asarray(directions, float)
    count = len(bases)
    if not count:
        return []
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    twist = np.array((0.0, 0.0, 1.0)) + random.normal(0, 0.5, (count, 3))
    side = np.cross(ahead, twist)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    over = np.cross(side, ahead)
    over *= np.where(over[:, 2:] < 0, -1, 1)
    along = np.linspace(0, 1, _ALONG)
    outline = np.sin(np.pi * along ** (np.log(0.5) / np.log(broad))) ** 0.8
    outline[0], outline[-1] = 0.05, 0.02
    across = np.linspace(-1, 1, _ACROSS)
    size = np.broadcast_to(np.asarray(length, float), count)[:, None, None, None]
    wide = np.broadcast_to(np.asarray(width, float), count)[:, None, None, None]
    step = along[None, :, None, None]
    reach = across[None, None, :, None] * outline[None, :, None, None] * wide / 2
    points = (
        bases[:, None, None]
        + ahead[:, None, None] * step * size
        + side[:, None, None] * reach
        + over[:, None, None] * np.abs(reach) * fold * 2
        - np.array((0.0, 0.0, 1.0)) * droop * step**2 * size
    )
    row, column = (axis.ravel() for axis in np.mgrid[: _ALONG - 1, : _ACROSS - 1])
    quads = np.stack(
        [(row + up) * _ACROSS + column + right for up, right in ((0, 0), (0, 1), (1, 1), (1, 0))],
        -1,
    )
    kinds = np.broadcast_to(np.asarray(material), count)
    parts: list[Part] = []
    for kind in np.unique(kinds):
        own = points[kinds == kind].reshape(-1, _ALONG * _ACROSS, 3)
        shift = _ALONG * _ACROSS * np.arange(len(own))[:, None, None]
        parts.append(Part(own.reshape(-1, 3), (quads[None] + shift).reshape(-1, 4), int(kind)))
    return parts


def grown(
    paths: Any, count: int, random: np.random.Generator, first: float = 0.25
) -> tuple[Any, Any]:
    """Return bases and directions (n x 3 each) of leaves that grow from stems.

    Parameters
    ----------
    paths
        p x n x 3: stems.
    count
        Leaves of each stem.
    random
    first
        Where on the stem the lowest one is, 0 to 1.
    """
    stems, steps = paths.shape[:2]
    at = np.linspace(first, 1.0, count)[None] + random.uniform(-0.04, 0.04, (stems, count))
    at = np.clip(at, 0, 0.999) * (steps - 1)
    low, part = at.astype(int), (at % 1)[..., None]
    stem = np.arange(stems)[:, None]
    start, end = paths[stem, low], paths[stem, np.minimum(low + 1, steps - 1)]
    bases = start + (end - start) * part
    along = end - start
    along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)
    turn = np.arange(count)[None] * 2.4 + random.uniform(0, 6.3, (stems, 1))
    turn = turn + random.normal(0, 0.3, turn.shape)
    around = np.stack([np.cos(turn), np.sin(turn), 0 * turn + 0.15], axis=-1)
    return bases.reshape(-1, 3), (around + 0.7 * along).reshape(-1, 3)
