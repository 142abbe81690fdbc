"""Blender's own monkey as a subject: there in a moment, for tests and trials."""

from typing import Any

import bpy
import numpy as np

from .draws import Draws
from .materials import hsv, patterned
from .subject import Credit, Subject


def build(collection: Any, spec: dict[str, Any], draws: Draws) -> Subject:
    """Build the monkey, half a metre high.

    With `veil` below 1 in the spec, a veil of that opacity hangs over half of it.
    """
    bpy.ops.mesh.primitive_monkey_add(size=0.5, rotation=(0.0, 0.0, spec.get("turn", 0.0)))
    head = bpy.context.object
    head.name = "monkey"
    bpy.ops.object.transform_apply(rotation=True)
    bpy.ops.object.shade_smooth()
    _move(head, collection)
    points = np.empty(3 * len(head.data.vertices), np.float64)
    head.data.vertices.foreach_get("co", points)
    points = points.reshape(-1, 3)
    head.location.z = -points[:, 2].min()
    points[:, 2] -= points[:, 2].min()
    hue = draws.uniform("hue")
    fur = patterned("fur", hsv(hue, 0.6, 0.6), hsv(hue + 0.1, 0.6, 0.25), "noise", scale=12.0)
    head.data.materials.append(fur)
    objects = [head]
    opacity = spec.get("veil", 1.0)
    if opacity < 1:
        objects.append(_veil(collection, opacity))
    credit = Credit("Suzanne, made by Blender", "CC0 1.0")
    return Subject(tuple(objects), points, {"height": float(points[:, 2].max())}, (credit,))


def _veil(collection: Any, opacity: float) -> Any:
    from .materials import material

    bpy.ops.mesh.primitive_plane_add(size=0.5, rotation=(1.5708, 0.0, 0.0))
    veil = bpy.context.object
    veil.name, veil.location = "veil", (0.25, -0.4, 0.25)
    veil.data.materials.append(material("veil", (0.8, 0.7, 0.9), Alpha=opacity))
    _move(veil, collection)
    return veil


def _move(thing: Any, collection: Any) -> None:
    for other in list(thing.users_collection):
        other.objects.unlink(thing)
    collection.objects.link(thing)
