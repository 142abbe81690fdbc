"""Models of the user's own: checked, imported, scaled and stood on the ground."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from .asset_files import NOT_STATED, check_asset, inside
from .draws import Draws
from .failure import Failure
from .materials import is_transparent
from .subject import Credit, Subject

SIZE = (0.25, 2.0)
"""Metres of the largest side: what lies within stays as it is."""

_SURFACES = ("MESH", "CURVE", "SURFACE", "FONT", "META", "CURVES", "POINTCLOUD")
_NO_PART = ("CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER")
_MOST = 20_000


def build(collection: Any, spec: dict[str, Any], draws: Draws) -> Subject:
    """Import an asset, bring it to a size and stand it on the origin.

    Parameters
    ----------
    collection
        Where it goes; linked into the scene, and empty.
    spec
        `path` of a .blend, .glb, .gltf, .obj or .fbx file; `asset` and `licence` for the credits;
        `turn`, radians. Optional: `source`; `root`, the folder that no part of it may leave, else
        its own; `size`, metres of its largest side from and to; `up` (`y` or `z`) of an .obj;
        `without`, names of objects that are left out.
    draws
        Not used: an asset seen from twelve sides has one size.

    Raises
    ------
    Failure
        `corrupt_asset`, `missing_texture`, `outside_folder` or `empty_asset`, before any rendering.
    """
    path = Path(spec["path"])
    root = Path(spec.get("root") or path.parent)
    check_asset(path, root)
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    before = {kind: set(getattr(bpy.data, kind)) for kind in ("objects", "images", "libraries")}
    shown = _imported(path, spec.get("up", "y"))
    new = [thing for thing in bpy.data.objects if thing not in before["objects"]]
    _check_pictures(set(bpy.data.images) - before["images"], path, root)
    for library in set(bpy.data.libraries) - before["libraries"]:
        inside(Path(bpy.path.abspath(library.filepath)), root)
    things = _gathered(collection, new, shown, frozenset(spec.get("without", ())))
    points = _points(things)
    if not len(points):
        raise Failure("empty_asset", f"{path.name} has no surface that would be rendered")
    if not np.isfinite(points).all():
        raise Failure("corrupt_asset", f"{path.name} has points that are no numbers")
    low, high = points.min(axis=0), points.max(axis=0)
    largest = float((high - low).max())
    if largest <= 0:
        raise Failure("empty_asset", f"{path.name} is a single point")
    name = str(spec.get("asset") or path.stem)
    scale = _scale(largest, spec.get("size") or SIZE, Draws("asset", name))
    stand = bpy.data.objects.new(f"asset {path.stem}", None)
    collection.objects.link(stand)
    for top in {_top(thing) for thing in things}:
        top.matrix_parent_inverse.identity()
        top.parent = stand
    middle = (low + high) / 2
    stand.matrix_world = (
        Matrix.Rotation(float(spec.get("turn", 0.0)), 4, "Z")
        @ Matrix.Scale(scale, 4)
        @ Matrix.Translation((-float(middle[0]), -float(middle[1]), -float(low[2])))
    )
    return Subject(
        objects=tuple(things),
        points=_chosen(_points(things)),
        facts={
            "asset": name,
            "source": str(spec.get("source") or NOT_STATED),
            "size": round(largest * scale, 4),
            "scale": round(scale, 6),
            "objects": len(things),
        },
        credits=(Credit(name, str(spec.get("licence") or NOT_STATED)),),
        transparent=any(
            is_transparent(slot.material)
            for thing in things
            for slot in thing.material_slots
            if slot.material is not None
        ),
    )


def _top(thing: Any) -> Any:
    while thing.parent is not None:
        thing = thing.parent
    return thing


def _scale(largest: float, wanted: Iterable[float], draws: Draws) -> float:
    """Return the factor that brings a side, metres, into a range; 1 where it lies within."""
    low, high = wanted
    return 1.0 if low <= largest <= high else draws.uniform("size", low, high) / largest


def _imported(path: Path, up: str) -> set[Any]:
    """Import a file; return the objects that its scene renders."""
    scene = bpy.context.scene
    try:
        match path.suffix.lower():
            case ".blend":
                return _appended(path)
            case ".glb" | ".gltf":
                bpy.ops.import_scene.gltf(filepath=str(path))
            case ".obj":
                axes = ("Y", "Z") if up == "z" else ("NEGATIVE_Z", "Y")
                bpy.ops.wm.obj_import(filepath=str(path), forward_axis=axes[0], up_axis=axes[1])
            case _:
                if "fbx_import" in dir(bpy.ops.wm):  # since 4.5
                    bpy.ops.wm.fbx_import(filepath=str(path))
                else:
                    bpy.ops.import_scene.fbx(filepath=str(path))
    except (RuntimeError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        told = lines[-1].strip() if lines else type(error).__name__
        raise Failure("corrupt_asset", f"{path.name}: {told}") from None
    return set(_rendered(scene.view_layers[0].layer_collection))


def _appended(path: Path) -> set[Any]:
    """Append the first scene of a .blend file, or all its objects where it has none."""
    with bpy.data.libraries.load(str(path), link=False) as (there, here):
        if there.scenes:
            here.scenes = there.scenes[:1]
        else:
            here.objects = there.objects
    if not here.scenes:
        return {thing for thing in here.objects if thing is not None and not thing.hide_render}
    scene = here.scenes[0]
    if scene is None:
        raise Failure("corrupt_asset", f"{path.name}: its scene cannot be read")
    bpy.context.scene.frame_set(scene.frame_current)
    shown = set(_rendered(scene.view_layers[0].layer_collection))
    for thing in list(scene.objects):
        # They must outlive the scene.
        thing.use_fake_user = True
    bpy.data.scenes.remove(scene)
    return shown


def _rendered(layer: Any) -> Iterator[Any]:
    """Yield the objects of a layer that are rendered."""
    if layer.exclude or layer.collection.hide_render:
        return
    yield from (thing for thing in layer.collection.objects if not thing.hide_render)
    for child in layer.children:
        yield from _rendered(child)


def _gathered(
    collection: Any, new: list[Any], shown: set[Any], without: frozenset[str]
) -> list[Any]:
    """Move what is rendered into a collection, and return it.

    Helpers that are not rendered, such as bones or what copies are made of, stay out of the scene.
    """
    for thing in [thing for thing in new if thing.type in _NO_PART]:
        shown.discard(thing)
        new.remove(thing)
        bpy.data.objects.remove(thing)
    ours = [bpy.context.scene.collection, *bpy.context.scene.collection.children_recursive]
    for thing in new:
        thing.use_fake_user = False
        for other in ours:
            if thing.name in other.objects:
                other.objects.unlink(thing)
        for slot in thing.material_slots:
            _without_settings(slot.material)
    for thing in [thing for thing in new if thing in shown and thing.name not in without]:
        thing.hide_viewport = False
        collection.objects.link(thing)
    return list(collection.objects)


def _without_settings(material: Any) -> None:
    """Remove the glTF importer's notes to its exporter: no light goes through them."""
    if material is None or not material.node_tree:
        return
    nodes = material.node_tree.nodes
    for node in [node for node in nodes if node.type == "GROUP" and node.node_tree]:
        if node.node_tree.name.startswith(("glTF Material Output", "glTF Settings")):
            nodes.remove(node)


def _check_pictures(images: Iterable[Any], path: Path, root: Path) -> None:
    """Raise Failure where a picture is not there, cannot be read, or lies elsewhere."""
    for image in sorted(images, key=lambda image: image.name):
        if image.packed_file is not None or image.source not in ("FILE", "TILED"):
            continue
        if not image.users:
            continue
        place = Path(os.path.normpath(bpy.path.abspath(image.filepath, library=image.library)))
        there = _tiles(place) if image.source == "TILED" else [place]
        if not there or not all(part.is_file() for part in there):
            raise Failure("missing_texture", f"{image.filepath or image.name} of {path.name}")
        for part in there:
            inside(part, root)
        if image.source == "FILE" and not all(image.size):
            raise Failure("missing_texture", f"{place.name} of {path.name} is no readable picture")


def _tiles(place: Path) -> list[Path]:
    return sorted(place.parent.glob(place.name.replace("<UDIM>", "1[0-9][0-9][0-9]")))


def _points(things: list[Any]) -> npt.NDArray[np.float64]:
    """Return all points of surfaces and strands, N x 3, copies included, where they are."""
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    own, found = {thing.name for thing in things}, list[npt.NDArray[np.float64]]()
    for copy in graph.object_instances:
        owner = copy.parent if copy.is_instance else copy.object
        thing = copy.object
        if owner is None or owner.original.name not in own or thing.type not in _SURFACES:
            continue
        if not copy.show_self and not copy.is_instance:
            continue
        points = _local(thing)
        matrix = np.array(copy.matrix_world, np.float64)
        found.append(points @ matrix[:3, :3].T + matrix[:3, 3])
    return np.concatenate(found) if found else np.zeros((0, 3))


def _local(thing: Any) -> npt.NDArray[np.float64]:
    """Return an evaluated object's points in its own frame, n x 3."""
    if thing.type in ("CURVES", "POINTCLOUD"):
        table = thing.data.attributes["position"].data
        points = np.empty(len(table) * 3, np.float32)
        table.foreach_get("vector", points)
        return points.reshape(-1, 3).astype(np.float64)
    mesh = thing.to_mesh()
    if mesh is None or not len(mesh.polygons):
        return np.zeros((0, 3))
    points = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", points)
    thing.to_mesh_clear()
    return points.reshape(-1, 3).astype(np.float64)


def _chosen(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what reaches furthest in 26 directions, and an even choice of the rest."""
    if len(points) <= _MOST:
        return points
    steps = np.stack(np.meshgrid(*[np.linspace(-1, 1, 3)] * 3), axis=-1).reshape(-1, 3)
    ends = np.unique(np.argmax(points @ steps[np.abs(steps).max(axis=1) == 1].T, axis=0))
    return np.concatenate([points[ends], points[:: len(points) // _MOST + 1]])
