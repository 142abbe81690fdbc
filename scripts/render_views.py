"""Render products from several sides: colour pictures over nothing, whose alpha is true.

Run by an interpreter that has Blender's bpy (5.0), as `render_foregrounds.py` is::

    blender/bin/python scripts/render_views.py views
    blender/bin/python scripts/render_views.py views --products bottle shoe --size 320

Camera and lights stand still while the product turns, as on a turntable. Writes
``<product>_<azimuth>.png`` (RGBA of 16 bits: straight colour, sRGB, and the coverage) and
``views.json``, which gives each picture's product, azimuth, asset and licence. A picture that is
there is not rendered again. The same command gives the same pixels.

Four products are models of others, kept outside the repository (see `CREDITS`); the others are the
usual ones of `synth/blender`, prints and all. Each is lit by one of Blender's own panoramas (CC0).
"""

# ruff: noqa: E402 - the worker's modules can be imported once its package is loaded

import argparse
import errno
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
import worker_package
from mathutils import Matrix
from render_foregrounds import Random, empty_scene, light, png, point_at, rendered, straight

worker_package.load()

from maskmill_blender.choices import Choices
from maskmill_blender.colours import BLUE, BROWN, CREAM, GREEN, ORANGE, RED, TEAL
from maskmill_blender.paper import Paper
from maskmill_blender.products import MAKERS
from maskmill_blender.shapes import mesh
from maskmill_blender.surfaces import printed, stuff

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
    if product in OF_OTHERS:
        OF_OTHERS[product](scene, random, options.models)
    else:
        MAKERS[product](scene.collection, Choices(None, random))
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


# --- products ----------------------------------------------------------------------------------


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
        thing = mesh(scene.collection, upright, [face for face, _ in faces], places, material)
        thing.modifiers.new("smooth", "SUBSURF").render_levels = 1


OF_OTHERS: dict[str, Callable[[Any, Random, Path], None]] = {
    "waterbottle": waterbottle,
    "knight": knight,
    "banana": banana,
    "figure": figure,
}
PRODUCTS = (
    "bottle", "carton", "mug", "waterbottle", "shoe", "handbag", "truck", "knight", "vase",
    "basket", "chair", "lamp", "radio", "banana", "figure",
)  # fmt: skip


if __name__ == "__main__":
    main()
