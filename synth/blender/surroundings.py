"""What stands around the subject: occluders before it, furniture and trees behind it."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from . import background_furniture, background_garden, background_room, occluders
from .catalogue import BACKDROPS
from .choices import Choices
from .draws import Draws
from .failure import Failure
from .joined import joined
from .sightlines import distance, spot
from .subject import Frame

# Each is told the width and the height that the picture shows at its place, in its own metres.
BACKGROUND: dict[str, Callable[[Any, Choices, float, float], None]] = {
    "wall": background_room.wall,
    "door": background_room.door,
    "window": background_room.window,
    "curtain": background_room.curtain,
    "bookshelf": background_furniture.bookshelf,
    "sofa": background_furniture.sofa,
    "table": background_furniture.table,
    "cupboard": background_furniture.cupboard,
    "crates": background_furniture.crates,
    "tree": background_garden.tree,
    "hedge": background_garden.hedge,
    "potted": background_garden.potted,
}

# They face the camera squarely, or their ends would show.
_FLAT = frozenset(BACKDROPS)

# Metres that a picture shows at the least: what stands behind a small thing is made smaller, or one
# would only see its feet.
_SHOWN, _SMALLEST = 1.7, 0.15


def build(collection: Any, spec: dict[str, Any], draws: Draws, *, frame: Frame) -> list[Any]:
    """Build an occluder or a thing of the background, by the name of its kind.

    Parameters
    ----------
    collection
        Where it goes; linked into the scene.
    spec
        `kind`, a name of `catalogue.OCCLUDERS` or `catalogue.BACKGROUND`; `seed`; `side`, shares of
        the picture's width from its middle; for an occluder `share`, of the subject's outline to be
        covered; for the background `distance`, metres behind the subject.
    draws
        Choices, where the spec has no seed.
    frame
        The subject and the camera.

    Returns
    -------
    Its objects: one. What one sees through has the property ``["transparent"]``.

    Raises
    ------
    Failure
        `unknown_kind`.
    """
    kind = spec["kind"]
    if kind in occluders.MAKERS:
        return occluders.build(collection, spec, draws, frame=frame)
    if kind not in BACKGROUND:
        raise Failure("unknown_kind", f"nothing of the surroundings is called {kind!r}")
    own = Draws("background", kind, spec["seed"]) if spec.get("seed") is not None else draws
    flat = kind in _FLAT
    far = distance(frame) + max(0.3, float(spec.get("distance", 2.0)))
    where = spot(frame, far, 0.0 if flat else float(spec.get("side", 0.0)))
    scale = min(1.0, max(_SMALLEST, min(where.width, where.height) / _SHOWN))
    # The picture may be taken from nearer or further away than it is now.
    wide, tall = 2.2 * where.width / scale, max(0.0, where.bottom + 1.6 * where.height) / scale
    own_part = bpy.data.collections.new(kind)
    collection.children.link(own_part)
    BACKGROUND[kind](own_part, Choices(own, own.generator("strewn")), wide, tall)
    thing = joined(own_part, f"background {kind}")
    own_part.objects.unlink(thing)
    collection.children.unlink(own_part)
    bpy.data.collections.remove(own_part)
    collection.objects.link(thing)
    turn = 0.0 if flat else own.uniform("turn", -0.25, 0.25)
    depth = _nearest(thing, turn)
    back = Matrix.Translation((0.0, 0.0 if flat else -depth * scale, 0.0))
    if flat and spec.get("side"):
        back @= Matrix.Translation((float(spec["side"]) * 0.5 * where.width, 0.0, 0.0))
    thing.matrix_world = (
        where.matrix @ back @ Matrix.Rotation(turn, 4, "Z") @ Matrix.Scale(scale, 4)
    )
    return [thing]


def _nearest(thing: Any, turn: float) -> float:
    """Return how far an object reaches towards the camera (y, negative) once it is turned."""
    points = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.vertices.foreach_get("co", points)
    x, y = points.reshape(-1, 3)[:, :2].T
    return float((math.sin(turn) * x + math.cos(turn) * y).min())


def lets_light_through(things: Iterable[Any]) -> bool:
    """Return whether one sees through any of the objects."""
    return any(bool(thing.get("transparent")) for thing in things)
