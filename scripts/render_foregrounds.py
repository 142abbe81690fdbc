"""Render objects with hair and thin parts over nothing: colour pictures whose alpha is true.

Run by an interpreter that has Blender's bpy (5.0), which is not the one maskmill runs in::

    python -m venv blender && blender/bin/pip install bpy
    blender/bin/python scripts/render_foregrounds.py renders --views 15 --light plain

or by Blender itself: ``blender -b --python scripts/render_foregrounds.py -- renders``. Writes
RGBA PNGs of 16 bits: the foreground's own colour, not multiplied by alpha, sRGB, and the coverage.
The same seed gives the same pixels. ``--light blue`` puts a strong blue light behind the object.
"""

import argparse
import colorsys
import math
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

Random = np.random.Generator


def main() -> None:
    """Render the views one by one."""
    after = sys.argv.index("--") + 1 if "--" in sys.argv else 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--views", type=int, default=15)
    parser.add_argument("--size", type=int, default=512, help="side in pixels")
    parser.add_argument("--samples", type=int, default=192)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--light", choices=("plain", "blue"), default="plain")
    options = parser.parse_args(sys.argv[after:])
    options.folder.mkdir(parents=True, exist_ok=True)
    makers = list(OBJECTS.items())
    for view in range(options.views):
        name, make = makers[view % len(makers)]
        # A stream of its own per view: leaving views out changes none of the others.
        random = np.random.default_rng([options.seed, view])
        scene = empty_scene(options.size, options.samples, options.seed)
        light(scene, options.light, random)
        camera(scene, random)
        make(scene, random)
        path = options.folder / f"{options.light}_{view:02d}_{name}.png"
        path.write_bytes(png(straight(rendered(scene))))
        print(path.name, flush=True)


def empty_scene(size: int, samples: int, seed: int) -> Any:
    """Return a scene set up for Cycles on the CPU, with nothing in it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.seed = seed
    scene.cycles.use_adaptive_sampling = False
    # A denoiser would smear colour over strands: noise is at least unbiased.
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    # Other view transforms bend colours so that compositing no longer adds up.
    scene.view_settings.view_transform = "Standard"
    scene.view_settings.look = "None"
    return scene


def light(scene: Any, kind: str, random: Random) -> None:
    """Light the scene by one of Blender's own (CC0) panoramas, and from behind if asked."""
    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    panoramas = Path(bpy.utils.system_resource("DATAFILES")) / "studiolights" / "world"
    picture = nodes.new("ShaderNodeTexEnvironment")
    files = sorted(panoramas.glob("*.exr"))
    picture.image = bpy.data.images.load(str(files[int(random.integers(len(files)))]))
    turn = nodes.new("ShaderNodeMapping")
    turn.inputs["Rotation"].default_value[2] = float(random.uniform(0, 2 * math.pi))
    place = nodes.new("ShaderNodeTexCoord")
    background = nodes["Background"]
    background.inputs["Strength"].default_value = 1.0 if kind == "plain" else 0.25
    links.new(place.outputs["Generated"], turn.inputs["Vector"])
    links.new(turn.outputs["Vector"], picture.inputs["Vector"])
    links.new(picture.outputs["Color"], background.inputs["Color"])
    if kind == "blue":
        for side in (-1.0, 1.0):
            data = bpy.data.lights.new("blue", "AREA")
            data.energy, data.size, data.color = 500.0, 2.0, (0.05, 0.2, 1.0)
            lamp = bpy.data.objects.new("blue", data)
            lamp.location = (1.8 * side, 2.5, 1.2)
            point_at(lamp, (0.0, 0.0, 0.2))
            lamp.visible_camera = False
            scene.collection.objects.link(lamp)


def camera(scene: Any, random: Random) -> None:
    """Put a camera in front, looking at the origin from a little aside."""
    data = bpy.data.cameras.new("camera")
    data.lens = 52
    eye = bpy.data.objects.new("camera", data)
    eye.location = (float(random.uniform(-1.2, 1.2)), -5.0, float(random.uniform(-0.4, 1.2)))
    point_at(eye, (0.0, 0.0, 0.0))
    scene.collection.objects.link(eye)
    scene.camera = eye


def point_at(thing: Any, target: tuple[float, float, float]) -> None:
    """Turn an object's -Z towards the target."""
    from mathutils import Vector

    direction = Vector(target) - thing.location
    thing.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()


def hairy_head(scene: Any, random: Random) -> None:
    """Make a head with long, loose strands."""
    hue = float(random.uniform(0.0, 0.12))
    skin = surface("skin", colorsys.hsv_to_rgb(0.06, 0.5, float(random.uniform(0.3, 0.9))))
    ball(scene, skin, 0.62, stretch=1.2)
    directions = on_sphere(random, 9000)
    directions = directions[(directions[:, 2] > 0.1) | (directions[:, 1] > 0.25)]
    roots = directions * np.array([0.62, 0.62, 0.62 * 1.2])
    tips = directions * random.uniform(0.1, 0.5, (len(roots), 1))
    tips += random.normal(0, 0.08, tips.shape)
    tips[:, 2] -= random.uniform(0.1, 0.9, len(roots))
    colour = colorsys.hsv_to_rgb(hue, 0.6, float(random.uniform(0.08, 0.7)))
    # Blender's own hair shader scatters many times: its noise would pass for the strands' colour.
    strands(scene, roots, tips, 0.002, surface("hair", colour), random, wave=0.05)


def furry_animal(scene: Any, random: Random) -> None:
    """Make Blender's monkey with short fur all over."""
    bpy.ops.mesh.primitive_monkey_add(
        size=1.5, rotation=(0.2, 0.0, float(random.uniform(-0.7, 0.7)))
    )
    body = bpy.context.object
    bpy.ops.object.transform_apply(rotation=True, scale=True)
    colour = colorsys.hsv_to_rgb(float(random.uniform(0, 1)), 0.5, 0.6)
    body.data.materials.append(surface("body", colour))
    mesh = body.data
    mesh.calc_loop_triangles()
    corners = np.array([[mesh.vertices[v].co for v in t.vertices] for t in mesh.loop_triangles])
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1)
    chosen = random.choice(len(corners), 16000, p=area / area.sum())
    weights = random.dirichlet((1.0, 1.0, 1.0), len(chosen))
    roots = np.einsum("nk,nkc->nc", weights, corners[chosen])
    tips = across[chosen] / area[chosen, None] * random.uniform(0.08, 0.22, (len(chosen), 1))
    tips += random.normal(0, 0.03, tips.shape)
    tips[:, 2] -= 0.05
    strands(scene, roots, tips, 0.003, surface("fur", colour), random, wave=0.01)


def toy(scene: Any, random: Random) -> None:
    """Make smooth solids: edges of a pixel or two, and no hair."""
    for number in range(9):
        colour = colorsys.hsv_to_rgb(float(random.uniform(0, 1)), 0.7, 0.7)
        radius = float(random.uniform(0.2, 0.6))
        ball(scene, surface(f"solid{number}", colour, 0.4), radius, float(random.uniform(0.5, 1.6)))
        bpy.context.object.location = tuple(random.uniform(-0.7, 0.7, 3))


def wire_basket(scene: Any, random: Random) -> None:
    """Make rings and spokes of coloured wire."""
    for number in range(14):
        colour = colorsys.hsv_to_rgb(float(random.uniform(0, 1)), 0.8, 0.8)
        bpy.ops.mesh.primitive_torus_add(
            major_radius=float(random.uniform(0.5, 1.3)),
            minor_radius=float(random.uniform(0.004, 0.03)),
            major_segments=160,
            rotation=tuple(random.uniform(0, math.pi, 3)),
        )
        bpy.ops.object.shade_smooth()
        bpy.context.object.data.materials.append(surface(f"wire{number}", colour, 0.3))
    ball(scene, surface("core", colorsys.hsv_to_rgb(float(random.uniform(0, 1)), 0.7, 0.7)), 0.35)


def grass(scene: Any, random: Random) -> None:
    """Make a pot with thin, bent blades."""
    pot = surface("pot", colorsys.hsv_to_rgb(float(random.uniform(0, 0.1)), 0.6, 0.5))
    bpy.ops.mesh.primitive_cone_add(radius1=0.35, radius2=0.5, depth=0.7, location=(0, 0, -0.8))
    bpy.context.object.data.materials.append(pot)
    roots = random.normal(0, 0.18, (900, 3)) * np.array([1, 1, 0]) + np.array([0, 0, -0.5])
    tips = random.normal(0, 0.55, roots.shape)
    tips[:, 2] = random.uniform(0.5, 1.7, len(roots))
    colour = colorsys.hsv_to_rgb(float(random.uniform(0.15, 0.4)), 0.7, 0.5)
    strands(scene, roots, tips, 0.007, surface("leaf", colour), random, wave=0.15)


OBJECTS: dict[str, Callable[[Any, Random], None]] = {
    "hair": hairy_head,
    "fur": furry_animal,
    "wire": wire_basket,
    "grass": grass,
    "toy": toy,
}


def on_sphere(random: Random, number: int) -> Any:
    """Return unit vectors, evenly spread."""
    vectors = random.normal(size=(number, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ball(scene: Any, material: Any, radius: float, stretch: float = 1.0) -> None:
    """Add a ball at the origin."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, segments=64, ring_count=32)
    bpy.context.object.scale[2] = stretch
    bpy.ops.object.shade_smooth()
    bpy.context.object.data.materials.append(material)


def strands(
    scene: Any, roots: Any, tips: Any, radius: float, material: Any, random: Random, wave: float
) -> None:
    """Add hair from `roots` (n x 3) along `tips` (n x 3, relative), thinning out, in waves."""
    number, points = len(roots), 10
    along = np.linspace(0, 1, points)[None, :, None]
    # Straight out at first, then bent over: the sideways part grows with the square.
    outward = roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
    length = np.linalg.norm(tips, axis=1)[:, None, None]
    path = roots[:, None] + outward[:, None] * 0.3 * length * along * (1 - along)
    path = path + tips[:, None] * along**1.5
    phase = random.uniform(0, 2 * math.pi, (number, 1, 3))
    path = path + wave * along * np.sin(phase + along * random.uniform(3, 9, (number, 1, 3)))
    data = bpy.data.hair_curves.new("strands")
    data.add_curves([points] * number)
    data.attributes["position"].data.foreach_set("vector", path.astype(np.float32).ravel())
    width = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    thin = np.broadcast_to(radius * (1 - 0.8 * along[..., 0]), (number, points))
    width.data.foreach_set("value", thin.astype(np.float32).ravel())
    data.materials.append(material)
    scene.collection.objects.link(bpy.data.objects.new("strands", data))


def surface(name: str, colour: tuple[float, float, float], roughness: float = 0.6) -> Any:
    """Return a material with a noisy version of one colour."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = roughness
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 4.0
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].position = 0.35
    ramp.color_ramp.elements[0].color = (*(0.45 * part for part in colour), 1.0)
    ramp.color_ramp.elements[1].position = 0.65
    ramp.color_ramp.elements[1].color = (*colour, 1.0)
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    return material


def rendered(scene: Any) -> Any:
    """Return the render: H x W x 4 float32, linear light, multiplied by alpha, top row first."""
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "render.exr")
        bpy.ops.render.render(write_still=True)
        picture = bpy.data.images.load(scene.render.filepath)
        picture.alpha_mode = "PREMUL"
        width, height = picture.size
        pixels = np.empty(width * height * 4, np.float32)
        picture.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1]


def straight(premultiplied: Any) -> Any:
    """Return H x W x 4 uint16: colour divided by alpha and sRGB encoded, beside alpha."""
    alpha = np.clip(premultiplied[..., 3:], 0, 1)
    linear = np.clip(premultiplied[..., :3] / np.maximum(alpha, 1e-6), 0, 1) * (alpha > 0)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(np.concatenate([curve, alpha], axis=-1) * 65535).astype(np.uint16)


def png(pixels: Any) -> bytes:
    """Encode H x W x 4 uint16 as PNG. Blender's own files carry the time: never twice the same."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(filtered.tobytes(), 6))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
