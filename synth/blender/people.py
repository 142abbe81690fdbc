"""Builds people in Blender: skin, eyes, hair, clothes and shoes of a figure."""

from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from . import bodies, fabrics, faces, figures, hair, heads, shells, skin
from .bodies import Points
from .draws import Draws
from .materials import material
from .shells import Sheet
from .subject import Credit, Subject

Floats = npt.NDArray[np.float64]


def _mesh(name: str, points: Points, sheet: Sheet, stuff: Any) -> Any:
    """Return a smooth mesh of a sheet's polygons, with its column "cloth" as an attribute."""
    made = bpy.data.meshes.new(name)
    made.vertices.add(len(points))
    made.vertices.foreach_set("co", points.astype(np.float32).ravel())
    made.loops.add(len(sheet.corners))
    made.loops.foreach_set("vertex_index", sheet.corners.astype(np.int32))
    made.polygons.add(len(sheet.sizes))
    made.polygons.foreach_set("loop_start", sheet.starts.astype(np.int32))
    made.polygons.foreach_set("use_smooth", np.ones(len(sheet.sizes), dtype=bool))
    made.materials.append(stuff)
    if "cloth" in sheet.columns:
        places = np.concatenate([sheet.columns["cloth"], np.zeros((len(points), 1))], axis=1)
        attribute = made.attributes.new("cloth", "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", places.astype(np.float32).ravel())
    made.update(calc_edges=True)
    return made


def _object(collection: Any, name: str, data: Any) -> Any:
    made = bpy.data.objects.new(name, data)
    collection.objects.link(made)
    return made


def _curves(collection: Any, name: str, strands: hair.Strands, stuff: Any) -> Any:
    count, points, _ = strands.points.shape
    data = bpy.data.hair_curves.new(name)
    data.add_curves([points] * count)
    data.attributes["position"].data.foreach_set(
        "vector", strands.points.astype(np.float32).ravel()
    )
    taper = strands.radius * (1.0 - (1.0 - strands.tip) * np.linspace(0.0, 1.0, points) ** 1.5)
    radius = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", np.tile(taper, count).astype(np.float32))
    data.materials.append(stuff)
    return _object(collection, name, data)


def _eyeball(collection: Any, eye: faces.Eye, stuff: Any) -> Any:
    """Add an eyeball: a ball of rings around its line of sight."""
    rings, around = 16, 24
    polar = np.linspace(0.0, np.pi * 0.62, rings)
    turn = np.linspace(0.0, 2.0 * np.pi, around, endpoint=False)
    points = np.stack(
        [
            np.outer(np.sin(polar), np.cos(turn)),
            np.outer(-np.cos(polar), np.ones(around)),
            np.outer(np.sin(polar), np.sin(turn)),
        ],
        axis=2,
    ).reshape(-1, 3)
    i, j = np.arange(rings - 1)[:, None] * around, np.arange(around)[None]
    quads = np.stack(
        [i + j, i + (j + 1) % around, i + around + (j + 1) % around, i + around + j], axis=2
    ).reshape(-1, 4)
    sheet = shells.sheet(points, quads, np.zeros((len(points), 1)))
    made = _object(collection, "eye", _mesh("eye", sheet.points * eye.radius, sheet, stuff))
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = eye.turn, eye.centre
    made.matrix_world = Matrix(matrix.tolist())
    return made


def _thickened(made: Any, thickness: float) -> None:
    solid = made.modifiers.new("thickness", "SOLIDIFY")
    solid.thickness, solid.offset = thickness, -1.0
    solid.use_quality_normals = True


def _bearded(spec: dict[str, Any], draws: Draws) -> float:
    """Return how much beard somebody has, 0 to 1."""
    if spec["sex"] < 0.5 or spec["age"] < 19.0 or not draws.chance("beard", 0.4):
        return 0.0
    return draws.uniform("beard length", 0.15, 1.0)


def build(collection: Any, spec: dict[str, Any], draws: Draws) -> Subject:
    """Build a person.

    Parameters
    ----------
    collection
        Where the objects go, a `bpy.types.Collection`.
    spec
        A subject of kind "person", as `population.sampled` draws them.
    draws
        The draws of the subject.

    Returns
    -------
    Subject
        With the facts of `figures.figure`; nothing of it lets light through.

    Raises
    ------
    BodyDataMissingError
        Without MakeHuman's files.
    ValueError
        For a pose, garment or hair style that there is none of.
    """
    base = bodies.load(bodies.data_folder())
    figure = figures.figure(base, spec, draws)
    head = heads.head_of(figure.body)
    beard = _bearded(spec, draws)
    objects = [_skin(collection, figure, head, spec, draws, beard)]
    objects += _head(collection, figure, head, spec, draws, beard)
    points = [figure.posed(figure.skin)]
    for layer in figure.layers:
        main, trim = fabrics.garment(layer.name, draws.within("fabric", layer.name))
        for name, part in (("", layer.cloth), *layer.trims.items()):
            if not len(part.sizes):
                continue
            placed = figure.posed(part)
            fabric = main if not name or trim is None or name == "collar" else trim
            made = _object(collection, layer.name, _mesh(layer.name, placed, part, fabric))
            if not name:
                _thickened(made, layer.thickness)
            objects.append(made)
            points.append(placed)
    upper, sole, sock = fabrics.footwear(figure.shoes.name, draws.within("fabric", "shoes"))
    for part, stuff in (
        (figure.shoes.upper, upper),
        (figure.shoes.sole, sole),
        (figure.shoes.sock, sock),
    ):
        placed = figure.posed(part)
        made = _object(collection, "shoes", _mesh("shoes", placed, part, stuff))
        if part is figure.shoes.upper:
            _thickened(made, 0.002)
        objects.append(made)
        points.append(placed)
    if spec["pose"] == "looking_at_phone":
        objects.append(_phone(collection, figure))
    points += [
        np.array(thing.data.attributes["position"].data[0].vector)[None]
        for thing in objects
        if thing.type == "CURVES"
    ]
    return Subject(
        objects=tuple(objects),
        points=np.concatenate(points)[::3],
        facts=dict(figure.facts),
        credits=(Credit(*bodies.CREDIT),),
    )


def _phone(collection: Any, figure: figures.Figure) -> Any:
    """Add a telephone in the higher hand."""
    body, bone = figure.body, figure.body.base.bone
    wrists = {
        side: figure.stance.place(bone[f"wrist.{side}"], body.head(f"wrist.{side}"))
        for side in "LR"
    }
    side, sign = ("L", 1.0) if wrists["L"][2] > wrists["R"][2] else ("R", -1.0)
    index, little = body.head(f"finger2-1.{side}"), body.head(f"finger5-1.{side}")
    across = index - little
    along = (index + little) / 2.0 - body.head(f"wrist.{side}")
    palm = sign * np.cross(across, along)
    across, along, palm = (axis / np.linalg.norm(axis) for axis in (across, along, palm))
    across = np.cross(along, palm)
    middle = (index + little) / 2.0 + 0.022 * palm + 0.022 * along
    half = (0.036, 0.072, 0.0045)
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    points = middle + corners @ np.stack([across, along, palm])
    quads = np.array(
        [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    )
    rigid = np.zeros((8, len(body.base.bones)))
    rigid[:, bone[f"wrist.{side}"]] = 1.0
    sheet = shells.sheet(points, quads, rigid)
    data = _mesh("phone", figure.posed(sheet), sheet, material("phone", (0.01, 0.01, 0.012), 0.15))
    data.polygons.foreach_set("use_smooth", np.zeros(6, dtype=bool))
    return _object(collection, "phone", data)


def _skin(
    collection: Any,
    figure: figures.Figure,
    head: heads.Head,
    spec: dict[str, Any],
    draws: Draws,
    beard: float,
) -> Any:
    data = _mesh("skin", figure.posed(figure.skin), figure.skin, fabrics.skin("skin"))
    tones = skin.colours(figure.body, head, spec, draws.within("skin"), bearded=beard)
    tones = tones[figure.skin.columns["vertex"].astype(np.int64)]
    attribute = data.attributes.new("tone", "FLOAT_COLOR", "POINT")
    colours = np.concatenate([tones, np.ones((len(tones), 1))], axis=1)
    attribute.data.foreach_set("color", colours.astype(np.float32).ravel())
    made = _object(collection, "skin", data)
    smooth = made.modifiers.new("smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 1
    return made


def _head(
    collection: Any,
    figure: figures.Figure,
    head: heads.Head,
    spec: dict[str, Any],
    draws: Draws,
    beard: float,
) -> list[Any]:
    objects = []
    iris = draws.choice("iris", fabrics.IRISES)
    if spec["skin"] > 0.55:
        iris = next(iter(fabrics.IRISES))
    ball = fabrics.eye("eye", iris, 0.36)
    objects += [
        _eyeball(collection, eye, ball) for eye in faces.eyes(figure, head, draws.within("gaze"))
    ]
    pigment = spec["hair"]
    shade = fabrics.hair("hair", pigment["melanin"], pigment["redness"])
    brow = fabrics.hair("brow", max(0.45, pigment["melanin"]), 0.6 * pigment["redness"])
    objects.append(
        _curves(collection, "brows", faces.brows(figure, head, draws.within("face")), brow)
    )
    dark = fabrics.hair("lash", 0.98, 0.0)
    objects.append(
        _curves(collection, "lashes", faces.lashes(figure, head, draws.within("face")), dark)
    )
    for name, strands in hair.styled(figure, head, pigment, draws.within("hair"), bearded=beard):
        objects.append(_curves(collection, name, strands, shade))
    return objects
