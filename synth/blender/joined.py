"""Many parts made into one object, and the points of a surface."""

from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from .shapes import surface


def joined(collection: Any, name: str) -> Any:
    """Make all surfaces of a collection into one object at the origin, which is returned.

    Cryptomatte keeps a few objects per pixel: a basket of four hundred withies would lose some.
    Materials, prints and modifiers are kept as they look; the parts are gone afterwards.
    """
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    parts = list(collection.objects)
    tables = [_table(part, graph) for part in parts if part.type in ("MESH", "CURVE")]
    materials: list[Any] = []
    corners, places, faces, kinds, smooth = [], [], [], [], []
    points, before = [], 0
    for table in tables:
        slots = [_slot(materials, material) for material in table["materials"]]
        points.append(table["points"])
        corners.append(table["corners"] + before)
        places.append(table["places"])
        faces.append(table["faces"])
        kinds.append(np.array(slots or [0])[table["kinds"]])
        smooth.append(table["smooth"])
        before += len(table["points"])
    data = surface(name, *(np.concatenate(part) for part in (points, corners, faces, places)))
    data.polygons.foreach_set("material_index", np.concatenate(kinds).astype(np.int32))
    data.polygons.foreach_set("use_smooth", np.concatenate(smooth))
    for material in materials:
        data.materials.append(material)
    for part in parts:
        own = part.data
        bpy.data.objects.remove(part)
        if own is not None and own.users == 0:
            bpy.data.batch_remove([own])
    whole = bpy.data.objects.new(name, data)
    collection.objects.link(whole)
    return whole


def stood(thing: Any, size: float, turn: float) -> None:
    """Scale an object (of one mesh) to a height or length, stand it on the origin, turn it.

    Parameters
    ----------
    thing
        An object at the origin whose mesh has any units.
    size
        Metres of its largest side.
    turn
        Radians about the vertical, anticlockwise from above.
    """
    points = np.empty(len(thing.data.vertices) * 3, np.float32)
    thing.data.vertices.foreach_get("co", points)
    low, high = points.reshape(-1, 3).min(axis=0), points.reshape(-1, 3).max(axis=0)
    scale = size / float((high - low).max())
    middle = (low + high) / 2
    for material in thing.data.materials:
        for node in material.node_tree.nodes:
            if node.bl_idname == "ShaderNodeBump":
                # It is in the world's units, while the mesh has its own.
                node.inputs["Distance"].default_value *= scale
    thing.matrix_world = (
        Matrix.Rotation(turn, 4, "Z")
        @ Matrix.Scale(scale, 4)
        @ Matrix.Translation((-float(middle[0]), -float(middle[1]), -float(low[2])))
    )


def points_of(things: Any, most: int = 20_000) -> npt.NDArray[np.float64]:
    """Return points of surfaces where they are, N x 3, metres: extremes and an even choice.

    Parameters
    ----------
    things
        Objects that are linked into the scene.
    most
        About how many; what reaches furthest in 26 directions is always among them.
    """
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    found: list[Any] = []
    for thing in things:
        if thing.type not in ("MESH", "CURVE", "SURFACE", "FONT", "META"):
            continue
        evaluated = thing.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        if mesh is None:
            continue
        points = np.empty(len(mesh.vertices) * 3, np.float32)
        mesh.vertices.foreach_get("co", points)
        matrix = np.array(evaluated.matrix_world, np.float64)
        found.append(points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
        evaluated.to_mesh_clear()
    every = np.concatenate(found) if found else np.zeros((0, 3))
    if len(every) <= most:
        return every
    steps = np.stack(np.meshgrid(*[np.linspace(-1, 1, 3)] * 3), axis=-1).reshape(-1, 3)
    outer = steps[np.abs(steps).max(axis=1) == 1]
    ends = np.unique(np.argmax(every.astype(np.float32) @ outer.T.astype(np.float32), axis=0))
    return np.concatenate([every[ends], every[:: len(every) // most + 1]])


def _slot(materials: list[Any], material: Any) -> int:
    if material not in materials:
        materials.append(material)
    return materials.index(material)


def _table(part: Any, graph: Any) -> dict[str, Any]:
    """Return a part's mesh as arrays, modifiers applied, in the world's frame."""
    made = part.type != "MESH" or len(part.modifiers) > 0
    evaluated = part.evaluated_get(graph)
    mesh = evaluated.to_mesh() if made else part.data
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    matrix = np.array(part.matrix_world, np.float64)
    points = points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    places = np.zeros(len(mesh.loops) * 2, np.float32)
    if mesh.uv_layers.active is not None:
        mesh.uv_layers.active.data.foreach_get("uv", places)
    faces, kinds = np.empty(len(mesh.polygons), np.int32), np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", faces)
    mesh.polygons.foreach_get("material_index", kinds)
    smooth = np.empty(len(mesh.polygons), bool)
    mesh.polygons.foreach_get("use_smooth", smooth)
    table = {
        "points": points.astype(np.float32),
        "corners": corners,
        "places": places.reshape(-1, 2),
        "faces": faces,
        "kinds": kinds,
        "smooth": smooth,
        "materials": list(part.data.materials),
    }
    if made:
        evaluated.to_mesh_clear()
    return table
