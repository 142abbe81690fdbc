"""Render products from several sides: colour pictures over nothing, whose alpha is true.

Run by an interpreter that has Blender's bpy (5.0), as `render_foregrounds.py` is::

    blender/bin/python scripts/render_views.py views
    blender/bin/python scripts/render_views.py views --products bottle shoe --size 320

Camera and lights stand still while the product turns, as on a turntable. Writes
``<product>_<azimuth>.png`` (RGBA of 16 bits: straight colour, sRGB, and the coverage) and
``views.json``, which gives each picture's product, azimuth, asset and licence. A picture that is
there is not rendered again. The same command gives the same pixels.

Four products are models of others, kept outside the repository (see `CREDITS`); the others are made
here, prints and all. Each is lit by one of Blender's own panoramas (CC0).
"""

import argparse
import errno
import functools
import hashlib
import itertools
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import imbuf
import numpy as np
from mathutils import Matrix
from render_foregrounds import Random, ball, empty_scene, light, png, point_at, rendered, straight

Colour = tuple[float, float, float]
Point = tuple[float, float, float]

# Neighbours differ by 6, 12, 20 and 30 degrees in turn.
AZIMUTHS = (0, 6, 18, 38, 68, 74, 86, 106, 136, 142, 154, 174)
ELEVATION = math.radians(12)
DISTANCE = 7.0  # the product is 2 long
FILLED = 0.8  # of the picture's width or height, by the widest of the views


class Credit(NamedTuple):
    """Where a model comes from."""

    asset: str
    licence: str


OURS = Credit("scripts/render_views.py", "MIT")
CREDITS = {
    "waterbottle": Credit(
        "glTF-Sample-Models WaterBottle (sbtron/glTF-Sample-Models)",
        "donated by Microsoft for glTF testing, no licence stated",
    ),
    "banana": Credit(
        "YCB banana (eleramp/pybullet-object-models)",
        "CC BY 4.0 by its authors' word; repository LGPL-2.1",
    ),
    "knight": Credit(
        "KayKit Knight (KayKit-Game-Assets/KayKit-Character-Pack-Adventures-1.0)", "CC0 1.0"
    ),
    "figure": Credit("MakeHuman base, casual suit, bob (makehumancommunity)", "CC0 1.0"),
}

WHITE, BLACK, CREAM = (0.96, 0.95, 0.92), (0.06, 0.06, 0.07), (0.93, 0.87, 0.74)
RED, BLUE, GREEN = (0.78, 0.13, 0.11), (0.1, 0.24, 0.56), (0.13, 0.42, 0.22)
YELLOW, ORANGE, PINK = (0.95, 0.76, 0.16), (0.9, 0.43, 0.1), (0.9, 0.55, 0.62)
TEAL, BROWN, GREY = (0.1, 0.5, 0.52), (0.36, 0.2, 0.1), (0.5, 0.5, 0.5)
OAK = ((0.5, 0.29, 0.13), (0.68, 0.44, 0.22), (0.56, 0.33, 0.15))
PINE = ((0.8, 0.62, 0.38), (0.68, 0.48, 0.26), (0.76, 0.57, 0.33))
WALNUT = ((0.3, 0.15, 0.07), (0.5, 0.28, 0.13), (0.38, 0.2, 0.09))
GAUDY = (RED, BLUE, GREEN, YELLOW, ORANGE, PINK, TEAL)


def main() -> None:
    """Render what is not there yet, one view after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--products", nargs="+", choices=PRODUCTS, default=list(PRODUCTS))
    parser.add_argument("--size", type=int, default=640, help="long side in pixels")
    parser.add_argument("--samples", type=int, default=8, help="they are denoised")
    parser.add_argument("--threads", type=int, default=1, help="changes no pixel")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data" / "models"
    parser.add_argument("--models", type=Path, default=beside, help="models of others")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for product in options.products:
        missing = [a for a in AZIMUTHS if not (options.folder / file_name(product, a)).exists()]
        if missing:
            try:
                scene = staged(product, options)
            except FileNotFoundError as error:
                print(f"{product} left out: {error.filename} is not there", flush=True)
                continue
            for azimuth in missing:
                scene.cycles.seed = seed_of(product, azimuth)
                turn(scene, azimuth)
                whole = png(straight(rendered(scene)))
                path = options.folder / file_name(product, azimuth)
                # Whoever reads the folder meanwhile never sees half a picture.
                path.with_suffix(".part").write_bytes(whole)
                path.with_suffix(".part").replace(path)
                print(path.name, flush=True)
        write_list(options.folder)


def file_name(product: str, azimuth: int) -> str:
    """Return the name of one view's picture."""
    return f"{product}_{azimuth:03d}.png"


def seed_of(*identity: object) -> int:
    """Return 31 bits hashed from what something is."""
    digest = hashlib.sha256(repr(identity).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def write_list(folder: Path) -> None:
    """Write `views.json` about every view in the folder."""
    views = [
        {"product": product, "azimuth": azimuth, "file": file_name(product, azimuth)}
        | CREDITS.get(product, OURS)._asdict()
        for product in PRODUCTS
        for azimuth in AZIMUTHS
        if (folder / file_name(product, azimuth)).exists()
    ]
    (folder / "views.json").write_text(json.dumps(views, indent=1) + "\n")


# --- the stage ---------------------------------------------------------------------------------


def staged(product: str, options: argparse.Namespace) -> Any:
    """Return a scene with the product on its turntable, in front of camera and lights."""
    scene = empty_scene(options.size, options.samples, 0)
    scene.render.threads_mode, scene.render.threads = "FIXED", options.threads
    scene.cycles.use_denoising, scene.cycles.denoiser = True, "OPENIMAGEDENOISE"
    # The accurate one takes as long as the picture.
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.max_bounces, scene.cycles.use_light_tree = 2, False
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.render.use_persistent_data = True
    random = np.random.default_rng(seed_of(product))
    PRODUCTS[product](scene, random, options.models)
    table = bpy.data.objects.new("turntable", None)
    for part in [thing for thing in scene.objects if thing.parent is None]:
        part.parent = table
    scene.collection.objects.link(table)
    points = vertices(scene)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 2 / float((high - low).max())
    table["scale"], table["centre"] = scale, [float(part) for part in (low + high) / 2]
    floor(scene, float(scale * (low - high)[2] / 2))
    light(scene, "plain", random)
    softbox(scene)
    frame(scene, (points - (low + high) / 2) * scale, options.size)
    expose(scene)
    return scene


def turn(scene: Any, azimuth: float) -> None:
    """Turn the product, anticlockwise from above."""
    table = scene.objects["turntable"]
    table.matrix_world = (
        Matrix.Rotation(math.radians(azimuth), 4, "Z")
        @ Matrix.Scale(table["scale"], 4)
        @ Matrix.Translation([-part for part in table["centre"]])
    )


def vertices(scene: Any) -> Any:
    """Return all points of all surfaces, n x 3, where they are."""
    graph = bpy.context.evaluated_depsgraph_get()
    found: list[Any] = []
    for thing in scene.objects:
        # Importers leave hidden helpers, such as shapes for bones.
        if thing.type in ("MESH", "CURVE") and thing.visible_get():
            evaluated = thing.evaluated_get(graph)
            mesh = evaluated.to_mesh()
            points = np.empty(len(mesh.vertices) * 3, np.float32)
            mesh.vertices.foreach_get("co", points)
            matrix = np.array(evaluated.matrix_world)
            found.append(points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
            evaluated.to_mesh_clear()
    return np.concatenate(found)


def frame(scene: Any, points: Any, size: int) -> None:
    """Put up a camera whose picture is filled by the points (n x 3) as they turn."""
    data = bpy.data.cameras.new("camera")
    eye = bpy.data.objects.new("camera", data)
    eye.location = (0.0, -DISTANCE * math.cos(ELEVATION), DISTANCE * math.sin(ELEVATION))
    point_at(eye, (0.0, 0.0, 0.0))
    scene.collection.objects.link(eye)
    scene.camera = eye
    reach = np.zeros(2)
    for azimuth in np.radians(AZIMUTHS):
        across = points[:, 0] * np.cos(azimuth) - points[:, 1] * np.sin(azimuth)
        away = points[:, 0] * np.sin(azimuth) + points[:, 1] * np.cos(azimuth)
        depth = DISTANCE + away * np.cos(ELEVATION) - points[:, 2] * np.sin(ELEVATION)
        up = points[:, 2] * np.cos(ELEVATION) + away * np.sin(ELEVATION)
        reach = np.maximum(reach, [np.abs(across / depth).max(), np.abs(up / depth).max()])
    reach = np.maximum(reach, reach.max() / 2) / FILLED
    width, height = (int(part) for part in np.rint(size * reach / reach.max()))
    scene.render.resolution_x, scene.render.resolution_y = width, height
    data.sensor_fit = "HORIZONTAL"
    data.angle = 2 * math.atan(float(reach[0]))


def floor(scene: Any, height: float) -> None:
    """Lay a floor that the camera does not see: it darkens and brightens what stands on it."""
    bpy.ops.mesh.primitive_plane_add(size=12, location=(0, 0, height - 0.01))
    bpy.context.object.visible_camera = False
    bpy.context.object.data.materials.append(stuff("floor", [(0.6, 0.58, 0.55)]))


def softbox(scene: Any) -> None:
    """Add a soft lamp from the upper left, and bring the panorama to its brightness."""
    (image,) = (picture for picture in bpy.data.images if picture.name.endswith(".exr"))
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    # The sun alone would decide a mean.
    typical = float(np.minimum(pixels.reshape(-1, 4)[:, :3], 8.0).mean())
    strength = scene.world.node_tree.nodes["Background"].inputs["Strength"]
    strength.default_value = 0.45 / typical
    scene.world.cycles.sampling_method, scene.world.cycles.sample_map_resolution = "MANUAL", 256
    data = bpy.data.lights.new("key", "AREA")
    data.energy, data.size = 260.0, 2.5
    lamp = bpy.data.objects.new("key", data)
    lamp.location = (-3.0, -3.5, 3.5)
    point_at(lamp, (0.0, 0.0, 0.0))
    lamp.visible_camera = False
    scene.collection.objects.link(lamp)


def expose(scene: Any) -> None:
    """Set all lights so that little of the product is white, as a photographer does."""
    render = scene.render
    samples, scene.cycles.samples, render.resolution_percentage = scene.cycles.samples, 8, 15
    bright: list[float] = []
    for azimuth in (0, 90, 160):
        turn(scene, azimuth)
        small = rendered(scene)
        bright.append(float(np.percentile(small[small[..., 3] > 0.9][:, :3].max(axis=-1), 97)))
    scene.cycles.samples, render.resolution_percentage = samples, 100
    strength = scene.world.node_tree.nodes["Background"].inputs["Strength"]
    strength.default_value *= 0.8 / max(bright)
    bpy.data.lights["key"].energy *= 0.8 / max(bright)


# --- shapes ------------------------------------------------------------------------------------


def mesh(scene: Any, points: Any, faces: Any, places: Any, *materials: Any) -> Any:
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
    scene.collection.objects.link(thing)
    return thing


def grid(scene: Any, points: Any, material: Any, closed: bool = True) -> Any:
    """Add a surface through rows x columns x 3 points, bottom row first; `closed` joins columns."""
    rows, columns = points.shape[:2]
    last = columns if closed else columns - 1
    row, column = (axis.ravel() for axis in np.mgrid[: rows - 1, :last])
    corners = ((0, 0), (0, 1), (1, 1), (1, 0))
    faces = [(row + up) * columns + (column + right) % columns for up, right in corners]
    places = [((column + right) / last, (row + up) / (rows - 1)) for up, right in corners]
    return mesh(
        scene,
        points.reshape(-1, 3),
        np.stack(faces, axis=-1),
        np.stack([np.stack(place, axis=-1) for place in places], axis=1),
        material,
    )


def turned(scene: Any, profile: Sequence[tuple[float, float]], material: Any, fine: int = 8) -> Any:
    """Add a solid of revolution: (radius, height) from the bottom up, rounded by `fine` steps.

    A print on it has its middle in front.
    """
    radius, height = curved(profile, fine).T
    angle = np.linspace(0, 2 * math.pi, 96, endpoint=False) + math.pi / 2
    across = radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)
    return grid(
        scene, np.stack([*across, np.broadcast_to(height[:, None], across[0].shape)], -1), material
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


def block(scene: Any, size: Point, at: Point, *materials: Any, round_by: float = 0.02) -> Any:
    """Add a box by its size and middle. Six materials: front, right, back, left, top, bottom."""
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = [(x, y, z) for z in (-1, 1) for x, y in signs]
    faces = [(0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7), (3, 2, 1, 0)]
    points = np.array(corners) * np.array(size) / 2 + np.array(at)
    thing = mesh(scene, points, faces, [[(0, 0), (1, 0), (1, 1), (0, 1)]] * 6, *materials)
    bevel = thing.modifiers.new("bevel", "BEVEL")
    bevel.width, bevel.segments = round_by, 3
    thing.data.polygons.foreach_set("use_smooth", [False] * 6)
    return thing


def tube(scene: Any, path: Any, radius: float, material: Any, fine: int = 8) -> Any:
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
    scene.collection.objects.link(thing)
    return thing


def lump(scene: Any, material: Any, radius: float, at: Point, stretch: float = 1.0) -> None:
    """Add a ball somewhere."""
    ball(scene, material, radius, stretch)
    bpy.context.object.location = at
    bpy.ops.object.transform_apply(location=True, rotation=False, scale=True)


# --- surfaces ----------------------------------------------------------------------------------


def stuff(
    name: str,
    colours: Sequence[Colour],
    scale: float = 5.0,
    stretch: Point = (1.0, 1.0, 1.0),
    **finish: float,
) -> Any:
    """Return a material of colours (sRGB) that run into one another, in the object's own space."""
    material, shader = plain(name, **finish)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 3.0
    mapping = nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = stretch
    place = nodes.new("ShaderNodeTexCoord")
    ramp = nodes.new("ShaderNodeValToRGB")
    for number, colour in enumerate(colours):
        at = 0.3 + 0.4 * number / max(1, len(colours) - 1)
        steps = ramp.color_ramp.elements
        step = steps[number] if number < 2 else steps.new(at)
        step.position, step.color = at, (*linear(colour), 1.0)
    if len(colours) == 1:
        ramp.color_ramp.elements[1].color = (*(0.8 * part for part in linear(colours[0])), 1.0)
    links.new(place.outputs["Object"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader)
    return material


def printed(name: str, paper: "Paper", **finish: float) -> Any:
    """Return a material with a print on it."""
    material, shader = plain(name, **finish)
    height, width = paper.pixels.shape[:2]
    image = bpy.data.images.new(name, width, height)
    pixels = np.concatenate([paper.pixels[::-1], np.ones((height, width, 1))], axis=-1)
    image.pixels.foreach_set(pixels.astype(np.float32).ravel())
    picture = material.node_tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    material.node_tree.links.new(picture.outputs["Color"], shader)
    return material


def plain(
    name: str,
    rough: float = 0.5,
    bump: float = 0.15,
    grain: float = 40.0,
    worn: float = 0.25,
    metal: float = 0.0,
) -> tuple[Any, Any]:
    """Return a material with fine bumps and stains of its own, and the socket for its colour."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Metallic"].default_value = metal
    place = nodes.new("ShaderNodeTexCoord")
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = grain
    noise.inputs["Detail"].default_value = 2.0
    links.new(place.outputs["Object"], noise.inputs["Vector"])
    bumps = nodes.new("ShaderNodeBump")
    bumps.inputs["Strength"].default_value = bump
    bumps.inputs["Distance"].default_value = 0.02
    links.new(noise.outputs["Fac"], bumps.inputs["Height"])
    links.new(bumps.outputs["Normal"], shader.inputs["Normal"])
    stain = nodes.new("ShaderNodeHueSaturation")
    for socket, low, high in (
        (stain.inputs["Value"], 1 - worn, 1 + worn),
        (shader.inputs["Roughness"], max(0.05, rough - 0.15), min(1.0, rough + 0.15)),
    ):
        spread = nodes.new("ShaderNodeMapRange")
        for at, value in zip(("From Min", "From Max"), (0.25, 0.75), strict=True):
            spread.inputs[at].default_value = value
        spread.inputs["To Min"].default_value, spread.inputs["To Max"].default_value = low, high
        links.new(noise.outputs["Fac"], spread.inputs["Value"])
        links.new(spread.outputs["Result"], socket)
    links.new(stain.outputs["Color"], shader.inputs["Base Color"])
    return material, stain.inputs["Color"]


def linear(colour: Colour) -> Colour:
    """Return an sRGB colour in linear light."""
    red, green, blue = (((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return red, green, blue


class Paper:
    """Something to print on: `pixels` are H x W x 3, sRGB; places are shares from the upper left.

    Heights and radii are shares of the paper's height.
    """

    def __init__(self, random: Random, width: int, height: int, colour: Colour) -> None:
        self.random = random
        self.pixels = np.ones((height, width, 3)) * colour

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        height, width = self.pixels.shape[:2]
        rows = slice(round(top * height), max(round(bottom * height), round(top * height) + 1))
        self.pixels[rows, round(left * width) : round(right * width)] = colour

    def bloom(
        self, x: float, y: float, radius: float, colour: Colour, petals: int = 0, turn: float = 0.0
    ) -> None:
        """Fill a disc, or a flower."""
        height, width = self.pixels.shape[:2]
        middle, reach = np.array((y * height, x * width)), 1.4 * radius * height
        low = np.maximum(middle - reach, 0).astype(int)
        part = self.pixels[tuple(slice(at, int(at + 2 * reach) + 2) for at in low)]
        down, across = np.indices(part.shape[:2]) + (low - middle)[:, None, None]
        edge = 1 + (0.35 * np.cos(petals * np.arctan2(down, across) + turn) if petals else 0)
        part[np.hypot(across, down) < radius * height * edge] = colour

    def ribbon(self, path: Sequence[tuple[float, float]], width: float, colour: Colour) -> None:
        """Draw a smooth line."""
        for x, y in curved(path, 40):
            self.bloom(float(x), float(y), width / 2, colour)

    def words(self, text: str, x: float, y: float, height: float, colour: Colour) -> None:
        """Write something around (x, y)."""
        whole = lettering(text, max(6, round(height * self.pixels.shape[0])))
        rows, columns = whole.shape
        top, left = round(y * self.pixels.shape[0] - rows / 2), round(x * self.pixels.shape[1])
        left -= columns // 2
        # What does not fit on the paper is cut off.
        inside = whole[max(0, -top) :, max(0, -left) :]
        top, left = max(0, top), max(0, left)
        part = self.pixels[top : top + inside.shape[0], left : left + inside.shape[1]]
        cover = inside[: part.shape[0], : part.shape[1], None]
        part += cover * (np.array(colour) - part)

    def small_print(
        self, x: float, top: float, bottom: float, height: float, colour: Colour
    ) -> None:
        """Write lines nobody reads, around x."""
        for y in np.arange(top + height / 2, bottom, height * 1.25):
            syllables = self.random.choice(SYLLABLES, int(self.random.integers(6, 14)))
            gaps = self.random.choice(["", "", " ", " ", ", "], len(syllables))
            self.words(
                "".join(map("".join, zip(syllables, gaps, strict=True))),
                x,
                float(y),
                height,
                colour,
            )

    def bars(self, left: float, top: float, right: float, bottom: float) -> None:
        """Print a bar code."""
        self.box(left, top, right, bottom, WHITE)
        edges = np.cumsum(self.random.integers(1, 5, 60)).astype(float)
        edges = left + (right - left) * (0.06 + 0.88 * edges / edges[-1])
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            self.box(float(start), top + 0.01, float(end), bottom - 0.01, BLACK)

    def scatter(self, number: int, radius: float, colours: Sequence[Colour]) -> None:
        """Strew flowers, big and small, each another."""
        for _ in range(number):
            x, y, share = self.random.uniform(0, 1, 3)
            colour, heart = self.random.permutation(len(colours))[:2]
            size = radius * (0.35 + 0.65 * float(share))
            petals, turn = int(self.random.integers(3, 8)), float(self.random.uniform(0, 6))
            self.bloom(float(x), float(y), size, colours[int(colour)], petals, turn)
            self.bloom(float(x), float(y), size / 3, colours[int(heart)])


SYLLABLES = [first + then for first in "klmrtvdbsnfz" for then in "aeiou"]


@functools.cache
def lettering(text: str, height: int) -> Any:
    """Return the coverage of a line of text, H x W in [0, 1], by Blender's own font (Inter)."""
    import blf  # comes to be with bpy, after which it would be sorted

    blf.size(0, height)
    width = int(blf.dimensions(0, text)[0]) + 4
    buffer = imbuf.new((width, round(1.3 * height)))
    with blf.bind_imbuf(0, buffer):
        blf.color(0, 1.0, 1.0, 1.0, 1.0)
        blf.position(0, 2, round(0.3 * height), 0)
        blf.draw_buffer(0, text)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "text.png")
        imbuf.write(buffer, filepath=path)
        image = bpy.data.images.load(path)
        pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
        image.pixels.foreach_get(pixels)
        rows, columns = image.size[1], image.size[0]
        bpy.data.images.remove(image)
    return pixels.reshape(rows, columns, 4)[::-1, :, 3].copy()


# --- products ----------------------------------------------------------------------------------


def bottle(scene: Any, random: Random, models: Path) -> None:
    """Make a brown bottle of syrup: label, ribbed cap, neck ring."""
    glass = stuff("glass", [(0.16, 0.07, 0.03), (0.3, 0.13, 0.05)], 2.5, rough=0.2, bump=0.03)
    body = [(0.0, 0.0), (0.66, 0.0), (0.7, 0.06), (0.7, 1.0), (0.7, 1.75), (0.62, 2.05)]
    turned(scene, [*body, (0.36, 2.35), (0.25, 2.6), (0.24, 3.0)], glass)
    cap = stuff("cap", [RED, (0.6, 0.08, 0.08)], 9, rough=0.4)
    turned(scene, [(0.3, 2.78), (0.31, 2.8), (0.31, 3.2), (0.29, 3.25), (0.0, 3.26)], cap, 2)
    for angle in np.linspace(0, 2 * math.pi, 36, endpoint=False):
        x, y = 0.31 * math.cos(angle), 0.31 * math.sin(angle)
        tube(scene, [(x, y, 2.8), (x, y, 3.18)], 0.018, cap, 1)
    paper = Paper(random, 2048, 640, CREAM)
    paper.box(0, 0, 1, 0.08, GREEN)
    paper.box(0, 0.9, 1, 1, GREEN)
    paper.box(0, 0.095, 1, 0.11, YELLOW)
    for x, y in random.uniform((0.33, 0.5), (0.67, 0.85), (26, 2)):
        paper.bloom(float(x), float(y), 0.05, GREEN, 2, float(random.uniform(0, 6)))
        paper.bloom(float(x) + 0.01, float(y), 0.035, RED if x < 0.5 else ORANGE)
    paper.words("Holm & Tar", 0.5, 0.27, 0.2, RED)
    paper.words("CLOUDBERRY SYRUP", 0.5, 0.42, 0.08, BROWN)
    paper.words("500 ml", 0.3, 0.8, 0.09, BROWN)
    paper.box(0.72, 0.2, 0.98, 0.56, WHITE)
    paper.small_print(0.85, 0.22, 0.54, 0.04, BLACK)
    paper.bars(0.78, 0.62, 0.92, 0.84)
    paper.bloom(0.13, 0.4, 0.22, YELLOW, 12)
    paper.words("No. 7", 0.13, 0.4, 0.14, RED)
    paper.small_print(0.12, 0.68, 0.86, 0.045, GREEN)
    turned(scene, [(0.705, 0.35), (0.705, 1.6)], printed("label", paper, rough=0.6), 4)


def carton(scene: Any, random: Random, models: Path) -> None:
    """Make a cardboard box: prints on five sides, tape, a shipping label."""
    kraft = (0.72, 0.54, 0.35)
    sides = [Paper(random, round(768 * w), 768, kraft) for w in (1.0, 0.7, 1.0, 0.7)]
    front, right, back, left = sides
    front.words("NORDVIK", 0.5, 0.2, 0.19, BLUE)
    front.words("kitchen scales", 0.5, 0.35, 0.09, BLACK)
    front.bloom(0.36, 0.68, 0.2, BLUE)
    front.bloom(0.36, 0.68, 0.17, kraft)
    front.ribbon([(0.36, 0.68), (0.43, 0.58)], 0.02, RED)
    front.words("5 kg", 0.72, 0.68, 0.13, RED)
    right.box(0.08, 0.1, 0.92, 0.5, WHITE)
    right.small_print(0.5, 0.14, 0.36, 0.035, BLACK)
    right.bars(0.2, 0.37, 0.8, 0.48)
    right.words("FRAGILE", 0.5, 0.68, 0.15, RED)
    right.ribbon([(0.2, 0.9), (0.5, 0.8), (0.8, 0.9)], 0.03, RED)
    back.box(0, 0.12, 1, 0.42, BLUE)
    back.words("weigh less, bake more", 0.5, 0.27, 0.09, WHITE)
    back.scatter(9, 0.09, [BLUE, ORANGE, BLACK])
    back.small_print(0.5, 0.78, 0.95, 0.04, BLACK)
    left.words("THIS WAY", 0.5, 0.2, 0.12, BLACK)
    for x in (0.3, 0.7):
        left.box(x - 0.04, 0.4, x + 0.04, 0.75, BLACK)
        left.ribbon([(x - 0.13, 0.5), (x, 0.35)], 0.05, BLACK)
        left.ribbon([(x + 0.13, 0.5), (x, 0.35)], 0.05, BLACK)
    left.words("lot 4471-B", 0.5, 0.87, 0.07, BLUE)
    top = Paper(random, 768, 540, kraft)
    top.box(0, 0.495, 1, 0.505, BROWN)
    top.words("NORDVIK", 0.25, 0.25, 0.14, BLUE)
    stuffs = [
        printed(f"side{number}", side, rough=0.8, bump=0.3, worn=0.18)
        for number, side in enumerate([*sides, top, top])
    ]
    block(scene, (1.6, 1.12, 1.6), (0, 0, 0.8), *stuffs, round_by=0.015)
    tape = stuff("tape", [(0.62, 0.42, 0.2), (0.7, 0.5, 0.27)], 3, rough=0.25)
    block(scene, (1.612, 0.22, 0.01), (0, 0, 1.6), tape, round_by=0.002)
    for side in (-1, 1):
        block(scene, (0.01, 0.22, 0.34), (side * 0.8, 0, 1.435), tape, round_by=0.002)


def mug(scene: Any, random: Random, models: Path) -> None:
    """Make a speckled mug with a bear on one side and a saying on the other."""
    paper = Paper(random, 2048, 700, CREAM)
    for x, y in random.uniform(0, 1, (420, 2)):
        paper.bloom(float(x), float(y), float(random.uniform(0.002, 0.007)), BROWN)
    paper.box(0, 0.9, 1, 1, TEAL)
    for ear in (-1, 1):
        paper.bloom(0.4 + 0.055 * ear, 0.33, 0.1, ORANGE)
        paper.bloom(0.4 + 0.055 * ear, 0.33, 0.05, BROWN)
    paper.bloom(0.4, 0.52, 0.24, ORANGE)
    paper.bloom(0.4, 0.62, 0.14, WHITE)
    paper.bloom(0.4, 0.58, 0.04, BLACK)
    for eye in (-1, 1):
        paper.bloom(0.4 + 0.03 * eye, 0.47, 0.03, BLACK)
    paper.words("slow", 0.66, 0.3, 0.2, BLUE)
    paper.words("mornings", 0.66, 0.5, 0.17, RED)
    paper.ribbon([(0.57, 0.68), (0.63, 0.63), (0.68, 0.7), (0.76, 0.64)], 0.02, TEAL)
    for x in (0.08, 0.16, 0.24, 0.85, 0.93):
        y = float(random.uniform(0.3, 0.7))
        paper.ribbon([(x, 0.9), (x + 0.01, 0.7), (x, y)], 0.015, GREEN)
        paper.bloom(x, y, 0.09, GAUDY[int(x * 40) % 7], 5 + int(x * 100) % 3)
        paper.bloom(x, y, 0.03, YELLOW)
    outside = printed("outside", paper, rough=0.25, bump=0.06, worn=0.1)
    turned(scene, [(0.74, 0.05), (0.8, 0.12), (0.82, 1.0), (0.8, 1.85)], outside)
    glaze = stuff("glaze", [TEAL, (0.06, 0.36, 0.4)], 4, rough=0.25, bump=0.05)
    rim = [(0.8, 1.85), (0.79, 1.88), (0.76, 1.88), (0.74, 1.85), (0.74, 0.9), (0.7, 0.2)]
    turned(scene, [*rim, (0.0, 0.15)], glaze, 3)
    turned(scene, [(0.0, 0.0), (0.7, 0.0), (0.74, 0.05)], glaze, 2)
    tube(
        scene,
        [(0.76, 0, 0.35), (1.05, 0, 0.38), (1.33, 0, 0.9), (1.1, 0, 1.5), (0.77, 0, 1.5)],
        0.11,
        glaze,
    )


def shoe(scene: Any, random: Random, models: Path) -> None:
    """Make a trainer: stripes on one side, a number on the other, laces, a rubber sole."""

    def contour(height: float, grow: float = 1.0, angle: Any = None) -> Any:
        """Return points around the foot, heel first, at a share of the upper's height."""
        angle = np.linspace(0, 2 * math.pi, 96, endpoint=False) if angle is None else angle
        open_by = np.clip((height - 0.28) / 0.72, 0, 1)
        toe = -1.45 + 0.1 * height + 1.35 * open_by * open_by * (3 - 2 * open_by)
        heel = 1.15 + 0.08 * math.cos(3 * height)
        across, side = np.cos(angle), np.sin(angle)
        x = (toe + heel) / 2 + grow * (heel - toe) / 2 * np.sign(across) * np.abs(across) ** 0.85
        wide = 0.52 - 0.2 * height + 0.06 * np.sin(2.2 * x - 2)
        y = grow * wide * np.sign(side) * np.abs(side) ** 0.8
        return np.stack([x, y + 0.06 * np.cos(2 * x), np.full_like(x, 0.2 + 1.0 * height)], -1)

    paper = Paper(random, 2048, 512, (0.85, 0.84, 0.8))
    paper.box(0, 0.72, 1, 1, BLUE)
    paper.box(0.36, 0.55, 0.64, 1, (0.75, 0.73, 0.68))
    for x in np.linspace(0.4, 0.6, 14):
        for y in np.linspace(0.6, 0.76, 4):
            paper.bloom(float(x), float(y), 0.012, BLACK)
    for number, colour in enumerate((RED, ORANGE, YELLOW)):
        x = 0.69 + 0.045 * number
        paper.ribbon([(x, 1.0), (x + 0.03, 0.6), (x + 0.08, 0.1)], 0.09, colour)
    paper.words("88", 0.24, 0.55, 0.5, RED)
    paper.words("fleet", 0.12, 0.6, 0.2, BLACK)
    for low, high in ((0.0, 0.05), (0.95, 1.0)):
        paper.box(low, 0.0, high, 1.0, TEAL)
    upper = printed("upper", paper, rough=0.8, bump=0.4, grain=60)
    heights = np.linspace(0, 1, 40)
    grid(scene, np.stack([contour(float(height)) for height in heights]), upper)
    lining = stuff("lining", [(0.2, 0.2, 0.22), (0.3, 0.3, 0.33)], 20, rough=0.9)
    grid(scene, np.stack([contour(float(height), 0.96) for height in heights]), lining)
    rim = contour(1.0)
    tube(scene, np.concatenate([rim, rim[:1]]), 0.045, stuff("collar", [BLUE]), 1)
    band = Paper(random, 2048, 128, WHITE)
    band.box(0, 0.55, 1, 0.7, RED)
    band.words("FLEET 88", 0.86, 0.35, 0.3, BLACK)
    for x in np.linspace(0, 1, 90):
        band.box(float(x), 0.75, float(x) + 0.004, 1.0, GREY)
    steps = ((0.0, -0.2), (1.0, -0.2), (1.05, -0.16), (1.06, 0.0), (1.0, 0.02), (0.0, 0.02))
    sole = [contour(0.0, grow) + np.array((0, 0, lift)) for grow, lift in steps]
    grid(scene, np.stack(sole), printed("sole", band, rough=0.7))
    ahead = math.pi + np.linspace(-0.35, 0.35, 9)
    tongue = [
        contour(float(h), 1.0, ahead) + np.array((-0.02, 0, 0.03))
        for h in np.linspace(0.35, 1.12, 20)
    ]
    grid(scene, np.stack(tongue), stuff("tongue", [TEAL, BLUE], 12, bump=0.4), closed=False)
    lace = stuff("lace", [WHITE, YELLOW], 14, rough=0.9)
    holes = np.linspace(0.42, 0.94, 6)
    for low, high in itertools.pairwise(holes):
        for side in (-0.42, 0.42):
            ends = ((low, -side, 0.0), ((low + high) / 2, 0.0, 0.1), (high, side, 0.0))
            path = [
                contour(float(h), 1.01, np.array([math.pi + at]))[0]
                + np.array((-lift * 0.6, 0, lift))
                for h, at, lift in ends
            ]
            tube(scene, path, 0.028, lace)
    knot = contour(0.9, 1.0, np.array([math.pi]))[0] + np.array((-0.08, 0, 0.08))
    for side in (-1, 1):
        loop = [(0, 0, 0), (-0.15, 0.2, 0.05), (-0.2, 0.38, -0.1), (-0.1, 0.25, -0.12), (0, 0, 0)]
        tube(scene, knot + np.array(loop) * (1, side, 1), 0.028, lace)


def handbag(scene: Any, random: Random, models: Path) -> None:
    """Make a leather bag: stitches, flowers in front, a pocket behind, handles, a tag."""
    angle = np.linspace(0, 2 * math.pi, 4001)
    outline = np.stack([1.05 * np.cos(angle), 0.4 * np.sin(angle)], axis=-1)
    outline = np.sign(outline) * np.abs(outline) ** 0.4
    # A print keeps its proportions where the columns are evenly spaced.
    along = np.cumsum(np.hypot(*np.diff(outline, axis=0, prepend=outline[:1]).T))
    angle = np.interp(np.linspace(0, along[-1], 128, endpoint=False), along, angle)
    across, side = np.cos(angle), np.sin(angle)
    rows = []
    for height in [0, *np.linspace(0, 1, 30)]:
        wide = (1.15 - 0.2 * height) * bool(rows)
        deep = (0.1 + 0.36 * (1 - height**2) ** 0.5) * bool(rows)
        x = wide * np.sign(across) * np.abs(across) ** 0.4
        y = deep * np.sign(side) * np.abs(side) ** 0.4
        sag = 0.05 * np.cos(3 * x + 1) * height
        rows.append(np.stack([x, y, 1.5 * height - sag], axis=-1))
    tan = (0.66, 0.38, 0.2)
    paper = Paper(random, 2048, 640, tan)
    paper.scatter(14, 0.09, [BROWN, (0.55, 0.29, 0.13), (0.74, 0.46, 0.26)])
    paper.box(0, 0.93, 1, 1, BROWN)
    paper.box(0, 0.0, 1, 0.07, BROWN)
    for x in np.linspace(0, 1, 160):
        for y in (0.09, 0.91):
            paper.box(float(x), y, float(x) + 0.003, y + 0.012, CREAM)
    for x, y, size in random.uniform((0.6, 0.3, 0.04), (0.9, 0.85, 0.13), (11, 3)):
        petals, colour = int(random.integers(4, 8)), GAUDY[int(random.integers(7))]
        paper.bloom(float(x), float(y), float(size), colour, petals)
        paper.bloom(float(x), float(y), float(size) / 3, YELLOW)
    paper.words("Odela", 0.64, 0.3, 0.12, CREAM)
    paper.box(0.13, 0.35, 0.37, 0.85, (0.5, 0.27, 0.12))
    paper.box(0.14, 0.37, 0.36, 0.83, (0.6, 0.34, 0.17))
    paper.words("ODELA & SON", 0.25, 0.5, 0.07, BROWN)
    paper.words("est. 1964", 0.25, 0.6, 0.05, BROWN)
    grid(scene, np.stack(rows), printed("leather", paper, rough=0.45, bump=0.5, grain=25))
    dark = stuff("dark", [BROWN, (0.28, 0.14, 0.07)], 8, rough=0.5, bump=0.4)
    tube(scene, [(-0.95, 0, 1.5), (-0.4, 0, 1.46), (0.3, 0, 1.5), (0.95, 0, 1.53)], 0.1, dark)
    gold = stuff("gold", [(0.85, 0.65, 0.25), (0.7, 0.5, 0.18)], rough=0.3, metal=1.0)
    for y in (-0.22, 0.22):
        arc = [(-0.5, y, 1.3), (-0.5, y * 0.8, 1.7), (-0.28, y * 0.6, 2.3), (0.28, y * 0.6, 2.3)]
        tube(scene, [*arc, (0.5, y * 0.8, 1.7), (0.5, y, 1.3)], 0.05, dark)
        for x in (-0.5, 0.5):
            block(scene, (0.2, 0.08, 0.3), (x, y * 1.35, 1.22), dark)
            lump(scene, gold, 0.045, (x, y * 1.6, 1.15))
    block(scene, (0.34, 0.08, 0.22), (0.05, -0.4, 1.12), gold, round_by=0.03)
    lump(scene, dark, 0.06, (0.05, -0.45, 1.12))
    tube(scene, [(0.5, -0.2, 1.75), (0.56, -0.35, 1.5), (0.6, -0.45, 1.2)], 0.015, dark)
    tag = Paper(random, 200, 300, WHITE)
    tag.words("29.90", 0.5, 0.4, 0.2, RED)
    tag.bars(0.1, 0.6, 0.9, 0.9)
    block(scene, (0.24, 0.02, 0.36), (0.6, -0.5, 1.0), printed("tag", tag), round_by=0.005)


def chair(scene: Any, random: Random, models: Path) -> None:
    """Make a wooden chair: flowered seat and back, slats, a plaid over one arm."""
    wood = stuff("wood", OAK, 3, (6, 6, 0.6))
    rail = stuff("rail", OAK, 3, (0.6, 6, 6))
    for x in (-0.55, 0.55):
        tube(scene, [(x * 1.08, -0.58, 0), (x, -0.5, 0.5), (x, -0.5, 1.35)], 0.06, wood)
        tube(scene, [(x * 1.08, 0.65, 0), (x, 0.5, 0.9), (x, 0.72, 2.3)], 0.06, wood)
        block(scene, (0.13, 1.25, 0.07), (x, 0.02, 1.38), wood, round_by=0.03)
        block(scene, (0.05, 1.0, 0.08), (x, 0, 0.4), wood)
    for y, z in ((-0.5, 0.4), (0.5, 0.55), (-0.5, 0.8)):
        block(scene, (1.1, 0.05, 0.09), (0, y, z), rail)
    block(scene, (1.2, 1.15, 0.08), (0, 0, 0.88), rail, round_by=0.03)
    fabric = [Paper(random, 700, 600, (0.85, 0.8, 0.66)) for _ in range(3)]
    for paper, number in zip(fabric, (34, 26, 0), strict=True):
        paper.scatter(number, 0.13, [RED, PINK, TEAL, BLUE, ORANGE])
    for x in np.linspace(0.03, 0.97, 13):
        fabric[2].box(float(x), 0, float(x) + 0.03, 1, TEAL)
    cushion, back, behind = (
        printed(f"fabric{number}", paper, rough=0.9, bump=0.5, grain=90)
        for number, paper in enumerate(fabric)
    )
    piping = stuff("piping", [RED], rough=0.9)
    block(
        scene,
        (1.08, 1.05, 0.2),
        (0, -0.02, 1.0),
        *(piping, piping, piping, piping, cushion, piping),
        round_by=0.08,
    )
    slab = block(
        scene, (1.0, 0.14, 0.8), (0, 0, 0), *(back, rail, behind, rail, rail, rail), round_by=0.05
    )
    slab.rotation_euler[0], slab.location = -0.16, (0, 0.61, 1.85)
    block(scene, (1.25, 0.09, 0.14), (0, 0.72, 2.32), rail, round_by=0.04)
    plaid = Paper(random, 400, 800, (0.15, 0.3, 0.25))
    for at in (0.1, 0.3, 0.36, 0.7, 0.9):
        plaid.box(at, 0, at + 0.05, 1, RED)
        plaid.box(0, at * 0.97, 1, at * 0.97 + 0.03, YELLOW)
    rows = []
    for drop in np.linspace(-1, 1, 30):
        y = np.linspace(-0.35, 0.25, 24)
        x = 0.55 + 0.1 * np.clip(4 * drop, -1, 1) + 0.02 * np.sin(14 * y + drop)
        z = 1.44 - 0.62 * np.maximum(np.abs(drop) - 0.12, 0) * (1 if drop > 0 else 0.6)
        rows.append(np.stack([x, y + 0.03 * np.sin(5 * drop), np.full_like(x, z)], axis=-1))
    woollen = printed("plaid", plaid, rough=0.95, bump=0.5, grain=90)
    grid(scene, np.stack(rows), woollen, closed=False)


def lamp(scene: Any, random: Random, models: Path) -> None:
    """Make a table lamp: painted foot, a shade with leaves and birds, a cord to pull, a cable."""
    paper = Paper(random, 2048, 700, (0.9, 0.9, 0.84))
    for _ in range(16):
        x, y = (float(part) for part in random.uniform((0.03, 0.2), (0.97, 0.95)))
        bend = float(random.uniform(-0.06, 0.06))
        paper.ribbon([(x, 1.0), (x + bend, (1 + y) / 2), (x + bend / 2, y)], 0.012, GREEN)
        for share in np.linspace(0, 1, 7):
            at = y + (1 - y) * float(share)
            leaf = GREEN if random.uniform() < 0.6 else TEAL
            side = 0.012 * (1 if round(10 * at) % 2 else -1)
            paper.bloom(x + side + bend * (1 - float(share)) / 2, at, 0.026, leaf, 2, 6 * x)
    for number in range(6):
        x, y = (number + float(random.uniform(0.3, 0.7))) / 6, float(random.uniform(0.15, 0.5))
        colour = GAUDY[(number * 3) % 7]
        paper.bloom(x, y, 0.09, colour)
        paper.bloom(x + 0.03, y - 0.08, 0.055, colour)
        paper.ribbon([(x, y), (x - 0.04, y + 0.02), (x - 0.08, y + 0.1)], 0.05, colour)
        paper.bloom(x + 0.033, y - 0.09, 0.012, BLACK)
    paper.box(0, 0, 1, 0.04, RED)
    paper.box(0, 0.96, 1, 1, RED)
    shade = printed("shade", paper, rough=0.9, bump=0.3, grain=120, worn=0.1)
    turned(scene, [(0.95, 1.75), (0.55, 2.75)], shade, 24)
    inner = stuff("inner", [WHITE], rough=0.9)
    turned(scene, [(0.93, 1.76), (0.53, 2.74)], inner, 2)
    foot = Paper(random, 1400, 900, (0.2, 0.3, 0.45))
    foot.scatter(30, 0.07, [CREAM, YELLOW, (0.5, 0.65, 0.8)])
    for y in (0.12, 0.5, 0.88):
        foot.box(0, y, 1, y + 0.03, YELLOW)
    foot.words("aurora", 0.5, 0.4, 0.11, CREAM)
    belly = [(0.5, 0.0), (0.52, 0.08), (0.35, 0.2), (0.56, 0.6), (0.5, 0.95), (0.2, 1.3)]
    turned(scene, [*belly, (0.12, 1.45)], printed("foot", foot, rough=0.25, bump=0.05))
    brass = stuff("brass", [(0.8, 0.6, 0.3), (0.6, 0.42, 0.18)], rough=0.3, metal=1.0)
    tube(scene, [(0, 0, 1.4), (0, 0, 2.8)], 0.05, brass)
    lump(scene, brass, 0.08, (0, 0, 2.84))
    tube(scene, [(0.5, -0.35, 1.85), (0.5, -0.36, 1.5), (0.5, -0.35, 1.2)], 0.015, brass)
    lump(scene, stuff("bead", [RED], rough=0.3), 0.05, (0.5, -0.35, 1.17))
    cable = [(0, 0.48, 0.06), (0.3, 0.7, 0.03), (0.7, 0.55, 0.03), (0.95, 0.2, 0.03)]
    tube(scene, cable, 0.025, stuff("cable", [BLACK]))


def vase(scene: Any, random: Random, models: Path) -> None:
    """Make a vase with painted flowers, vines and bands, and two handles; dry twigs in it."""
    ground, ink = (0.9, 0.9, 0.88), (0.12, 0.2, 0.5)
    paper = Paper(random, 2048, 1400, ground)
    for x in np.linspace(0, 1, 8, endpoint=False):
        path = np.c_[x + random.uniform(-0.05, 0.05, 6), np.linspace(0.88, 0.3, 6)]
        paper.ribbon([(float(a), float(b)) for a, b in path], 0.008, ink)
        for a, b in path[1:]:
            size = float(random.uniform(0.03, 0.075))
            colour = (ink, (0.3, 0.42, 0.7), RED)[int(random.integers(3))]
            paper.bloom(float(a), float(b), size, colour, int(random.integers(4, 9)))
            paper.bloom(float(a), float(b), size / 3, ground)
            paper.bloom(float(a) + 0.03, float(b) + 0.05, 0.025, TEAL, 2, float(b) * 20)
    for y, colour in ((0.9, ink), (0.94, RED), (0.25, ink), (0.1, ink), (0.02, RED)):
        paper.box(0, y, 1, y + 0.02, colour)
    for x in np.linspace(0, 1, 40, endpoint=False):
        high = float(random.uniform(0.03, 0.06))
        paper.bloom(float(x), 0.185, high, ink if random.uniform() < 0.7 else RED, 3)
    glaze = printed("glaze", paper, rough=0.2, bump=0.04, worn=0.08)
    body = [(0.0, 0.0), (0.42, 0.0), (0.45, 0.1), (0.75, 0.7), (0.86, 1.15), (0.72, 1.6)]
    turned(scene, [*body, (0.35, 1.95), (0.33, 2.15), (0.46, 2.3)], glaze)
    plain_glaze = stuff("inside", [(0.25, 0.3, 0.5), (0.18, 0.22, 0.42)], rough=0.3)
    turned(scene, [(0.46, 2.3), (0.44, 2.32), (0.41, 2.28), (0.29, 2.1), (0.3, 1.9)], plain_glaze)
    for side in (-1, 1):
        ear = [(0.33, 0, 2.1), (0.62, 0, 2.15), (0.92, 0, 1.85), (0.78, 0, 1.45)]
        tube(scene, np.array(ear) * (side, 1, 1), 0.06, plain_glaze)
    bark = stuff("bark", [BROWN, (0.5, 0.36, 0.22)], 12, rough=0.9)
    for _ in range(7):
        lean = random.normal(0, 0.35, 2)
        path = np.array([(0, 0, 1.9), (*lean * 0.4, 2.5), (*lean, 3.0), (*lean * 1.6, 3.3)])
        tube(scene, path, 0.015, bark)
        for at in curved(path, 6)[8:]:
            berry = stuff("berry", [GAUDY[int(random.integers(5))]], rough=0.4)
            nudge = random.normal(0, 0.04, 3)
            lump(scene, berry, float(random.uniform(0.03, 0.065)), tuple(at + nudge))


def truck(scene: Any, random: Random, models: Path) -> None:
    """Make a toy lorry of painted wood with a load of lettered bricks."""
    wood = stuff("wood", PINE, 3, (0.6, 6, 6))
    block(scene, (2.6, 0.8, 0.14), (0, 0, 0.42), wood, round_by=0.03)
    doors = [Paper(random, 500, 500, RED) for _ in range(3)]
    for door, word in zip(doors, ("No 5", "TOM", ""), strict=True):
        door.box(0.15, 0.12, 0.85, 0.5, (0.6, 0.75, 0.85))
        door.words(word, 0.5, 0.74, 0.22, YELLOW)
    doors[2].box(0.15, 0.12, 0.85, 0.5, BLACK)
    doors[0].bloom(0.5, 0.31, 0.13, (0.95, 0.75, 0.6))
    doors[0].bloom(0.45, 0.29, 0.02, BLACK)
    right, left, behind = (
        printed(f"door{number}", door, rough=0.4, worn=0.15) for number, door in enumerate(doors)
    )
    paint = stuff("paint", [RED, (0.66, 0.09, 0.08)], 6, rough=0.4)
    face = Paper(random, 500, 500, RED)
    face.box(0.12, 0.12, 0.88, 0.48, (0.6, 0.75, 0.85))
    face.box(0.3, 0.6, 0.7, 0.85, GREY)
    grille = printed("face", face, rough=0.4, worn=0.15)
    block(
        scene, (0.7, 0.76, 0.85), (-0.9, 0, 0.9), *(right, behind, left, grille, paint, paint),
        round_by=0.06,
    )  # fmt: skip
    for y in (-0.25, 0.25):
        lump(scene, stuff("lamp", [YELLOW], rough=0.2), 0.07, (-1.26, y, 0.68))
    sides = [Paper(random, 900, 230, BLUE) for _ in range(2)]
    sides[0].words("HAUL & SONS", 0.5, 0.5, 0.5, WHITE)
    sides[1].words("bricks by the ton", 0.5, 0.5, 0.4, YELLOW)
    for y, side in zip((-0.38, 0.38), sides, strict=True):
        side.scatter(5, 0.12, [YELLOW, WHITE, ORANGE])
        board = printed("board", side, rough=0.5)
        block(scene, (1.75, 0.06, 0.4), (0.4, y, 0.69), *(board,) * 6, round_by=0.015)
    green = stuff("green", [GREEN, (0.1, 0.34, 0.18)], 6)
    for x in (-0.48, 1.27):
        block(scene, (0.06, 0.7, 0.4), (x, 0, 0.69), green)
    letters = iter(random.permutation(list("ABDEGHKMNPRSTUXYZ23456789")))
    for x, y, z in [(x, y, 0.67) for x in (-0.22, 0.18, 0.6, 1.0) for y in (-0.17, 0.17)] + [
        (-0.1, -0.1, 0.99), (0.35, 0.08, 0.99), (0.85, -0.12, 0.99), (0.4, 0.0, 1.31)
    ]:  # fmt: skip
        colour = GAUDY[int(random.integers(7))]
        letter = Paper(random, 128, 128, CREAM)
        letter.box(0, 0, 1, 1, colour)
        letter.box(0.1, 0.1, 0.9, 0.9, CREAM)
        letter.words(str(next(letters, "Q")), 0.5, 0.5, 0.7, colour)
        brick = block(scene, (0.31,) * 3, (0, 0, 0), *(printed("brick", letter),) * 6)
        brick.location, brick.rotation_euler[2] = (x, y, z), float(random.uniform(-0.25, 0.25))
    tyre, hub = stuff("tyre", [BLACK, (0.13, 0.13, 0.13)], 9), stuff("hub", [YELLOW, ORANGE], 3)
    for x in (-0.85, 0.35, 0.95):
        for y in (-0.48, 0.48):
            profile = [(0.0, -0.1), (0.27, -0.1), (0.3, -0.07), (0.3, 0.07), (0.27, 0.1), (0, 0.1)]
            for profile_of, material in ((profile, tyre), ([(0, -0.12), (0.13, -0.11)], hub)):
                wheel = turned(scene, profile_of, material, 2)
                if material is hub:
                    wheel.scale[2] = -math.copysign(1.0, y)
                wheel.rotation_euler[0], wheel.location = -math.pi / 2, (x, y, 0.3)


def basket(scene: Any, random: Random, models: Path) -> None:
    """Make a woven basket with a coloured pattern, a handle, fruit in it."""
    stakes, straws = 26, [(0.72, 0.54, 0.3), (0.62, 0.43, 0.22), (0.78, 0.62, 0.38)]
    withies = [stuff(f"withy{n}", [straw, straws[0]], 8) for n, straw in enumerate(straws)]
    dyed = [stuff(f"dyed{n}", [colour], 8) for n, colour in enumerate((RED, TEAL, BLUE))]
    angle = np.linspace(0, 2 * math.pi, 6 * stakes + 1)

    def radius(height: Any) -> Any:
        return 0.72 + 0.34 * height - 0.06 * np.sin(3 * height)

    for row in range(19):
        height = 0.05 + 0.05 * row
        wave = 0.035 * np.cos(stakes / 2 * angle + math.pi * row)
        reach = radius(height) + wave + 0.008 * np.sin(5 * angle + row)
        lift = height + 0.012 * np.sin(3 * angle + 2 * row)
        path = np.stack([1.2 * reach * np.cos(angle), 0.85 * reach * np.sin(angle), lift], -1)
        # Dyed withies come and go around the basket: its sides are not alike.
        cuts = sorted({0, len(angle) - 1, *random.integers(1, len(angle) - 1, 5).tolist()})
        for start, end in itertools.pairwise(cuts):
            kinds = dyed if 6 <= row <= 12 and random.uniform() < 0.55 else withies
            material = kinds[int(random.integers(3))]
            tube(scene, path[start : end + 1], 0.029, material, 1)
    for at in np.arange(stakes) * 2 * math.pi / stakes:
        heights = np.linspace(0, 1.02, 6)
        across = np.array([1.2 * math.cos(at), 0.85 * math.sin(at)]) * radius(heights)[:, None]
        tube(scene, np.c_[across, heights], 0.024, withies[1], 2)
    for strand in range(3):
        around = radius(1.03) + 0.04 * np.cos(20 * angle + strand * 2 * math.pi / 3)
        lift = 1.03 + 0.04 * np.sin(20 * angle + strand * 2 * math.pi / 3)
        path = np.stack([1.2 * around * np.cos(angle), 0.85 * around * np.sin(angle), lift], -1)
        tube(scene, path, 0.032, withies[strand], 2)
        turns = np.linspace(0, math.pi, 60)
        arc = np.stack([1.25 * np.cos(turns), 0 * turns, 0.85 + 1.15 * np.sin(turns)], axis=-1)
        twist = 14 * turns + strand * 2 * math.pi / 3
        arc += 0.035 * np.stack([np.cos(twist), np.sin(twist), 0 * twist], axis=-1)
        tube(scene, arc, 0.034, withies[strand], 1)
    turned(scene, [(0, 0.03), (0.64, 0.03)], withies[0], 2)
    for number in range(22):
        x, y = random.uniform(-0.75, 0.75), random.uniform(-0.5, 0.5)
        mixed = (RED, GREEN, YELLOW, ORANGE, (0.35, 0.12, 0.3))[number % 5]
        skin = stuff("skin", [mixed, YELLOW if number % 3 else GREEN], 3.5, rough=0.3, bump=0.05)
        place = (float(x), float(y), 0.95 - 0.2 * float(np.hypot(x, y)))
        lump(
            scene, skin, float(random.uniform(0.17, 0.27)), place, float(random.uniform(0.85, 1.2))
        )


def radio(scene: Any, random: Random, models: Path) -> None:
    """Make a wireless: grille, dial and knobs in front, slots and a plate behind, an aerial."""
    wood = stuff("wood", WALNUT, 3, (0.6, 5, 7))
    front = Paper(random, 1300, 800, (0.42, 0.22, 0.1))
    front.box(0.06, 0.1, 0.58, 0.9, CREAM)
    for x, y in random.uniform((0.07, 0.12), (0.57, 0.88), (900, 2)):
        front.box(float(x), float(y), float(x) + 0.012, float(y) + 0.006, BROWN)
    for x, tall in zip(np.linspace(0.12, 0.52, 6), (0.3, 0.5, 0.7, 0.6, 0.45, 0.25), strict=True):
        front.box(float(x), 0.5 - tall / 2, float(x) + 0.012, 0.5 + tall / 2, BROWN)
    front.box(0.62, 0.1, 0.94, 0.5, (0.1, 0.16, 0.14))
    for number, place in enumerate(("Ostamel", "Kaloren", "Fenby", "Dravo", "Tibor")):
        y = 0.15 + 0.07 * number
        front.words(place, 0.7 + 0.03 * (number % 3), y, 0.045, YELLOW)
        front.words(str(88 + 7 * number), 0.89, y, 0.045, WHITE)
    front.box(0.815, 0.1, 0.82, 0.5, RED)
    front.words("Sonnet 6", 0.78, 0.58, 0.1, CREAM)
    behind = Paper(random, 1300, 800, (0.3, 0.24, 0.18))
    for x in np.linspace(0.08, 0.55, 14):
        behind.box(float(x), 0.15, float(x) + 0.014, 0.6, BLACK)
    behind.box(0.62, 0.15, 0.93, 0.5, CREAM)
    behind.small_print(0.775, 0.18, 0.46, 0.035, BLACK)
    behind.words("DANGER 220 V", 0.3, 0.78, 0.11, YELLOW)
    behind.bloom(0.78, 0.75, 0.09, BLACK)
    face = printed("front", front, rough=0.5, worn=0.15)
    back = printed("behind", behind, rough=0.8)
    block(
        scene, (2.2, 0.8, 1.35), (0, 0, 0.75), *(face, wood, back, wood, wood, wood), round_by=0.09
    )
    knob = stuff("knob", [CREAM, (0.8, 0.7, 0.5)], 5, rough=0.3)
    for x, size in ((0.42, 0.13), (0.74, 0.16)):
        disc = [(size, 0.0), (size, 0.1), (0.8 * size, 0.14), (0, 0.14)]
        thing = turned(scene, disc, knob, 2)
        thing.rotation_euler[0], thing.location = math.pi / 2, (x, -0.39, 0.36)
        block(scene, (0.025, 0.03, size), (x, -0.53, 0.36 + size / 3), stuff("mark", [RED]))
    steel = stuff("steel", [(0.8, 0.8, 0.82), (0.6, 0.6, 0.62)], rough=0.25, metal=1.0)
    tube(scene, [(0.95, 0.25, 1.3), (1.15, 0.25, 2.4)], 0.022, steel)
    lump(scene, steel, 0.04, (1.15, 0.25, 2.4))
    grip = [(-0.8, 0, 1.4), (-0.75, 0, 1.62), (0, 0, 1.68), (0.55, 0, 1.62), (0.6, 0, 1.4)]
    tube(scene, grip, 0.05, stuff("grip", [BROWN, BLACK], 9, bump=0.4))
    for x in (-0.9, 0.9):
        for y in (-0.28, 0.28):
            lump(scene, stuff("rubber", [BLACK]), 0.09, (x, y, 0.06))


def model(models: Path, *parts: str) -> Path:
    """Return a model's path, or say that it is not there."""
    path = models.joinpath(*parts)
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "no such model", str(path))
    return path


def waterbottle(scene: Any, random: Random, models: Path) -> None:
    """Load a steel bottle."""
    path = model(models, "gltf", "WaterBottle", "WaterBottle.gltf")
    bpy.ops.import_scene.gltf(filepath=str(path))


def banana(scene: Any, random: Random, models: Path) -> None:
    """Load a scanned banana, on its end: lying, it would be a dot from two sides."""
    path = model(models, "ycb", "YcbBanana", "textured_simple_reoriented.obj")
    bpy.ops.wm.obj_import(filepath=str(path), forward_axis="Y", up_axis="Z")
    scene.objects[0].rotation_euler = (math.radians(20), math.radians(62), 0.0)


def knight(scene: Any, random: Random, models: Path) -> None:
    """Load a toy knight with a sword and a shield."""
    bpy.ops.import_scene.gltf(filepath=str(model(models, "kaykit", "Knight.glb")))
    # It holds all it ever could at once.
    for spare in (
        "1H_Sword_Offhand",
        "2H_Sword",
        "Rectangle_Shield",
        "Round_Shield",
        "Spike_Shield",
    ):
        bpy.data.objects.remove(scene.objects[spare])


def figure(scene: Any, random: Random, models: Path) -> None:
    """Make a dressed shop-window figure."""
    folder = models / "makehuman"
    base = Wavefront(model(folder, "base.obj"))
    suit = "female_casualsuit01"
    clothes = folder / "clothes" / suit
    hidden = base.fitted(model(clothes, f"{suit}.mhclo"))[1]
    eyes = ("helper-l-eye", "helper-r-eye")
    skin = stuff("skin", [(0.85, 0.62, 0.5), (0.78, 0.54, 0.43)], 3, bump=0.05, worn=0.08)
    shown = [face for face in base.faces["body"] if not hidden.issuperset(face[0])]
    base.add(scene, base.points, shown, skin)
    base.add(
        scene, base.points, [f for eye in eyes for f in base.faces[eye]], stuff("eye", [BROWN])
    )
    # The models come without their pictures: prints of our own are laid on.
    flowers = Paper(random, 1024, 1024, CREAM)
    flowers.scatter(150, 0.05, [RED, TEAL, BLUE, ORANGE, GREEN])
    denim = stuff("denim", [(0.1, 0.16, 0.32), (0.24, 0.34, 0.55)], 1.5, rough=0.9, bump=0.4)
    shirt = printed("shirt", flowers, rough=0.9, bump=0.3)
    brown = stuff("hair", [(0.2, 0.1, 0.05), (0.42, 0.24, 0.12)], 6, (4, 4, 0.5))
    for kind, name, materials in (("clothes", suit, (shirt, denim)), ("hair", "bob01", (brown,))):
        own = folder / kind / name
        thing = Wavefront(model(own, f"{name}.obj"))
        points, _ = base.fitted(model(own, f"{name}.mhclo"))
        faces = [face for group in thing.faces.values() for face in group]
        for number, material in enumerate(materials):
            # The trousers' points come after the shirt's.
            some = [
                face for face in faces if len(materials) == 1 or (min(face[0]) > SHIRT) == number
            ]
            thing.add(scene, points, some, material)


SHIRT = 1310  # the last point of it


class Wavefront:
    """An OBJ file: n x 3 points, and by group faces as (points, corners in print)."""

    def __init__(self, path: Path) -> None:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
        self.points = np.array([line[1:4] for line in lines if line[0] == "v"], float)
        self.places = np.array([line[1:3] for line in lines if line[0] == "vt"], float)
        self.faces: dict[str, list[tuple[list[int], list[int]]]] = {}
        group = ""
        for line in lines:
            if line[0] == "g":
                group = line[1]
            elif line[0] == "f":
                corners = [[int(part) - 1 for part in corner.split("/")[:2]] for corner in line[1:]]
                face = [corner[0] for corner in corners], [corner[1] for corner in corners]
                self.faces.setdefault(group, []).append(face)

    def fitted(self, path: Path) -> tuple[Any, set[int]]:
        """Return where a garment's (.mhclo) points lie on this body, and which of ours it hides."""
        scale, points, hidden, part = np.ones(3), [], set[int](), ""
        for words in map(str.split, path.read_text().splitlines()):
            if not words or words[0] == "#":
                continue
            if words[0] in ("x_scale", "y_scale", "z_scale"):
                axis = "xyz".index(words[0][0])
                ends = self.points[[int(word) for word in words[1:3]], axis]
                scale[axis] = abs(ends[0] - ends[1]) / float(words[3])
            elif words[0] in ("verts", "delete_verts"):
                part = words[0]
            elif part == "verts" and len(words) == 9:
                near = self.points[[int(word) for word in words[:3]]]
                weights, offset = np.array(words[3:], float).reshape(2, 3)
                points.append(weights @ near + offset * scale)
            elif part == "verts" and len(words) == 1:
                points.append(self.points[int(words[0])])
            elif part == "delete_verts":
                spans = " ".join(words).replace(" - ", "-").split()
                for low, _, high in (span.partition("-") for span in spans):
                    hidden.update(range(int(low), int(high or low) + 1))
        return np.array(points), hidden

    def add(self, scene: Any, points: Any, faces: Any, material: Any) -> None:
        """Add faces, upright: the file's Y is up."""
        upright = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=-1)
        places = [self.places[corners] for _, corners in faces]
        thing = mesh(scene, upright, [face for face, _ in faces], places, material)
        thing.modifiers.new("smooth", "SUBSURF").render_levels = 1


PRODUCTS: dict[str, Callable[[Any, Random, Path], None]] = {
    "bottle": bottle,
    "carton": carton,
    "mug": mug,
    "waterbottle": waterbottle,
    "shoe": shoe,
    "handbag": handbag,
    "truck": truck,
    "knight": knight,
    "vase": vase,
    "basket": basket,
    "chair": chair,
    "lamp": lamp,
    "radio": radio,
    "banana": banana,
    "figure": figure,
}


if __name__ == "__main__":
    main()
