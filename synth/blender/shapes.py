"""Shapes as tables of points: surfaces, solids of revolution, boxes, cords, balls."""

import math
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

Point = tuple[float, float, float]


def surface(name: str, points: Any, corners: Any, faces: Any, places: Any = None) -> Any:
    """Return a smooth mesh of arrays, which is faster than lists.

    Parameters
    ----------
    name
        Of the mesh.
    points
        n x 3.
    corners
        c, int: the point of each face's corners, one face after the other.
    faces
        f, int: how many corners each face has.
    places
        c x 2: where the corners lie in print, from the lower left.
    """
    data = bpy.data.meshes.new(name)
    data.vertices.add(len(points))
    data.vertices.foreach_set("co", np.asarray(points, np.float32).ravel())
    data.loops.add(len(corners))
    data.loops.foreach_set("vertex_index", np.asarray(corners, np.int32))
    data.polygons.add(len(faces))
    starts = np.concatenate([[0], np.cumsum(faces)[:-1]]).astype(np.int32)
    data.polygons.foreach_set("loop_start", starts)
    if places is not None:
        data.uv_layers.new().data.foreach_set("uv", np.asarray(places, np.float32).ravel())
    data.polygons.foreach_set("use_smooth", [True] * len(faces))
    data.update(calc_edges=True)
    return data


def mesh(collection: Any, points: Any, faces: Any, places: Any, *materials: Any) -> Any:
    """Add a smooth surface: n x 3 points, faces (f x 4 indices), where their corners lie in print.

    The places are f x 4 x 2, from the lower left. Of several materials each face has its own.
    """
    data = bpy.data.meshes.new("part")
    data.from_pydata(np.asarray(points).tolist(), [], np.asarray(faces).tolist())
    data.uv_layers.new().data.foreach_set("uv", np.asarray(places, np.float32).ravel())
    for number, material in enumerate(materials):
        data.materials.append(material)
        if len(materials) > 1:
            data.polygons[number].material_index = number
    data.polygons.foreach_set("use_smooth", [len(materials) == 1] * len(faces))
    thing = bpy.data.objects.new("part", data)
    collection.objects.link(thing)
    return thing


def grid(collection: Any, points: Any, material: Any, closed: bool = True) -> Any:
    """Add a surface through rows x columns x 3 points, bottom row first; `closed` joins columns."""
    rows, columns = points.shape[:2]
    last = columns if closed else columns - 1
    row, column = (axis.ravel() for axis in np.mgrid[: rows - 1, :last])
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    faces = [(row + up) * columns + (column + right) % columns for up, right in corners]
    places = [((column + right) / last, (row + up) / (rows - 1)) for up, right in corners]
    return mesh(
        collection,
        points.reshape(-1, 3),
        np.stack(faces, axis=-1),
        np.stack([np.stack(place, axis=-1) for place in places], axis=1),
        material,
    )


def turned(
    collection: Any, profile: Sequence[tuple[float, float]], material: Any, fine: int = 8
) -> Any:
    """Add a solid of revolution: (radius, height) from the bottom up, rounded by `fine` steps.

    A print on it has its middle in front.
    """
    radius, height = curved(profile, fine).T
    angle = np.linspace(0, 2 * math.pi, 96, endpoint=False) + math.pi / 2
    across = radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)
    return grid(
        collection,
        np.stack([*across, np.broadcast_to(height[:, None], across[0].shape)], -1),
        material,
    )


def curved(points: Any, fine: int) -> Any:
    """Return a smooth curve (Catmull and Rom 1974) through n x d points; 1 is as it was."""
    knots = np.asarray(points, float)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    pieces = [
        start
        + 0.5 * t * (end - before)
        + t**2 * (before - 2.5 * start + 2 * end - 0.5 * after)
        + t**3 * (1.5 * (start - end) + 0.5 * (after - before))
        for t in np.arange(fine) / fine
    ]
    return np.concatenate([np.stack(pieces, axis=1).reshape(-1, knots.shape[1]), knots[-1:]])


def block(collection: Any, size: Point, at: Point, *materials: Any, round_by: float = 0.02) -> Any:
    """Add a box by its size and middle. Six materials: front, right, back, left, top, bottom."""
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = [(x, y, z) for z in (-1, 1) for x, y in signs]
    faces = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7), (3, 2, 1, 0)]
    points = np.array(corners) * np.array(size) / 2 + np.array(at)
    thing = mesh(collection, points, faces, [[(0, 0), (1, 0), (1, 1), (0, 1)]] * 6, *materials)
    bevel = thing.modifiers.new("bevel", "BEVEL")
    bevel.width, bevel.segments = round_by, 3
    thing.data.polygons.foreach_set("use_smooth", [False] * 6)
    return thing


def tube(collection: Any, path: Any, radius: float, material: Any, fine: int = 8) -> Any:
    """Add a round cord through n x 3 points."""
    path = curved(path, fine)
    data = bpy.data.curves.new("tube", "CURVE")
    data.dimensions, data.bevel_depth, data.bevel_resolution = "3D", radius, 3
    data.use_fill_caps = True
    spline = data.splines.new("POLY")
    spline.points.add(len(path) - 1)
    spline.points.foreach_set("co", np.c_[path, np.ones(len(path))].ravel())
    data.materials.append(material)
    thing = bpy.data.objects.new("tube", data)
    collection.objects.link(thing)
    return thing


def lump(
    collection: Any,
    material: Any,
    radius: float,
    at: Point,
    stretch: float = 1.0,
    steps: tuple[int, int] = (64, 32),
) -> Any:
    """Add a ball around a place, of so many steps around and from pole to pole."""
    around, along = steps
    angle = np.linspace(0, 2 * math.pi, around, endpoint=False)
    polar = np.linspace(0, math.pi, along + 1)[1:-1, None]
    rows = np.stack(
        np.broadcast_arrays(
            np.sin(polar) * np.cos(angle), np.sin(polar) * np.sin(angle), np.cos(polar)
        ),
        axis=-1,
    ).reshape(-1, 3)
    points = np.concatenate([[(0.0, 0.0, 1.0)], rows, [(0.0, 0.0, -1.0)]])
    points = points * (radius, radius, radius * stretch) + at
    first = np.arange(around)
    after = (first + 1) % around
    upper = np.stack([0 * first, 1 + first, 1 + after], axis=-1)
    last = len(points) - 1
    lower = np.stack([0 * first + last, last - around + after, last - around + first], axis=-1)
    bands = 1 + around * np.arange(along - 2)[:, None]
    quads = np.stack(
        [bands + first, bands + around + first, bands + around + after, bands + after], axis=-1
    ).reshape(-1, 4)
    corners = np.concatenate([upper.ravel(), quads.ravel(), lower.ravel()])
    faces = np.repeat((3, 4, 3), (around, len(quads), around))
    data = surface("ball", points, corners, faces)
    data.materials.append(material)
    thing = bpy.data.objects.new("ball", data)
    collection.objects.link(thing)
    return thing


def evenly(outline: Any, count: int, angle: Any) -> Any:
    """Return angles at which columns lie evenly along an outline: a print then keeps its form.

    Parameters
    ----------
    outline
        n x 2 points of a closed line.
    count
        How many angles.
    angle
        n angles, one of each point.
    """
    along = np.cumsum(np.hypot(*np.diff(outline, axis=0, prepend=outline[:1]).T))
    return np.interp(np.linspace(0, along[-1], count, endpoint=False), along, angle)
