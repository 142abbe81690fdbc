"""Surfaces of quads as arrays, before they become an object: cords, boxes, sheets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from .shapes import surface

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """Quads of one material.

    Parameters
    ----------
    points
        n x 3.
    quads
        f x 4, int: the corners of each.
    material
        Its number in the list that `assembled` is given.
    places
        f x 4 x 2: where the corners lie in a print, from the lower left; None for the whole
        print on each quad.
    smooth
        Whether light runs over the edges.
    """

    points: Points
    quads: npt.NDArray[np.int64]
    material: int = 0
    places: Points | None = None
    smooth: bool = True


def assembled(collection: Any, name: str, parts: Sequence[Part], materials: Sequence[Any]) -> Any:
    """Return one object of parts, linked into a collection."""
    before = np.cumsum([0, *(len(part.points) for part in parts)])
    quads = np.concatenate(
        [part.quads + start for part, start in zip(parts, before[:-1], strict=True)]
    )
    places = np.concatenate([_places(part) for part in parts])
    data = surface(
        name,
        np.concatenate([part.points for part in parts]),
        quads.ravel(),
        np.full(len(quads), 4),
        places.reshape(-1, 2),
    )
    kinds = np.concatenate([np.full(len(part.quads), part.material) for part in parts])
    data.polygons.foreach_set("material_index", kinds.astype(np.int32))
    data.polygons.foreach_set(
        "use_smooth", np.concatenate([np.full(len(part.quads), part.smooth) for part in parts])
    )
    for material in materials:
        data.materials.append(material)
    thing = bpy.data.objects.new(name, data)
    collection.objects.link(thing)
    return thing


def _places(part: Part) -> Points:
    if part.places is not None:
        return part.places
    return np.broadcast_to(
        [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)], (len(part.quads), 4, 2)
    )


def sheet(points: Points, material: int = 0, closed: bool = False, repeat: Any = (1, 1)) -> Part:
    """Return the surface through rows x columns x 3 points, bottom row first.

    Parameters
    ----------
    points
    material
    closed
        Whether the last column meets the first one.
    repeat
        How often a print lies on it, across and up.
    """
    rows, columns = points.shape[:2]
    last = columns if closed else columns - 1
    row, column = (axis.ravel() for axis in np.mgrid[: rows - 1, :last])
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    quads = [(row + up) * columns + (column + right) % columns for up, right in corners]
    places = [
        np.stack([(column + right) / last * repeat[0], (row + up) / (rows - 1) * repeat[1]], -1)
        for up, right in corners
    ]
    return Part(points.reshape(-1, 3), np.stack(quads, axis=-1), material, np.stack(places, axis=1))


def cords(paths: Points, radius: Any, material: int = 0, sides: int = 6) -> Part:
    """Return round cords.

    Parameters
    ----------
    paths
        p x n x 3: p cords of n points each.
    radius
        One number, or p x n.
    material
    sides
        Of a cord's section.
    """
    count, steps = paths.shape[:2]
    along = np.gradient(paths, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=2, keepdims=True), 1e-9)
    # Whatever axis the cord runs along least keeps its section from turning over.
    helper = np.eye(3)[np.argmin(np.abs(along).sum(axis=1), axis=1)][:, None]
    side = np.cross(along, helper)
    side /= np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-9)
    over = np.cross(side, along)
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    reach = np.broadcast_to(np.asarray(radius, float), (count, steps))[..., None, None]
    ring = np.cos(angle)[:, None] * side[:, :, None] + np.sin(angle)[:, None] * over[:, :, None]
    points = paths[:, :, None] + reach * ring
    cord, step, at = (axis.ravel() for axis in np.mgrid[:count, : steps - 1, :sides])
    start = cord * steps * sides
    quads = [
        start + (step + up) * sides + (at + right) % sides
        for up, right in ((0, 0), (0, 1), (1, 1), (1, 0))
    ]
    return Part(points.reshape(-1, 3), np.stack(quads, axis=-1), material)


_CORNERS = np.array([(x, y, z) for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
_SIDES = np.array(
    [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7), (3, 2, 1, 0)]
)


def boxes(sizes: Any, middles: Any, material: int = 0, turns: Any = None) -> Part:
    """Return boxes.

    Parameters
    ----------
    sizes, middles
        n x 3.
    material
    turns
        n radians about the depth (y): how much each leans.
    """
    sizes, middles = np.atleast_2d(sizes).astype(float), np.atleast_2d(middles).astype(float)
    points = _CORNERS[None] * sizes[:, None] / 2
    if turns is not None:
        sine, cosine = np.sin(turns)[:, None], np.cos(turns)[:, None]
        x, z = points[..., 0].copy(), points[..., 2].copy()
        points[..., 0], points[..., 2] = cosine * x + sine * z, cosine * z - sine * x
    points = points + middles[:, None]
    quads = _SIDES[None] + 8 * np.arange(len(sizes))[:, None, None]
    return Part(points.reshape(-1, 3), quads.reshape(-1, 4), material, smooth=False)


def moved(part: Part, by: Any, scale: float = 1.0) -> Part:
    """Return a part scaled about the origin and moved."""
    return Part(
        part.points * scale + np.asarray(by, float),
        part.quads,
        part.material,
        part.places,
        part.smooth,
    )
