"""Render a subject alone, plates alone, and both together: the truth about composites.

Runs in Blender's interpreter (bpy, numpy, standard library), started by synth_composite.py:

    python synth_composite_scene.py FOLDER PLATE.png [PLATE.png ...]

The plate hangs behind the subject, fills the camera's view, and is seen by the camera alone: no
light of it falls on the subject, so a composite can be right.
"""

import os
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

FILTERS = ("BOX", "BLACKMAN_HARRIS")
SAMPLES = 64
DISTANCE, BEHIND, LENS = 4.0, 3.0, 50.0


def subject() -> None:
    """Build a monkey with hair, and a ring of wire around it."""
    bpy.ops.mesh.primitive_monkey_add(size=1.2)
    head = bpy.context.object
    skin = shader("skin", (0.55, 0.3, 0.2))
    head.data.materials.append(skin)
    rng = np.random.default_rng(7)
    ways = rng.normal(size=(2500, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    ways = ways[(ways[:, 2] > 0.1) & (ways[:, 1] > -0.6)]
    steps = np.linspace(0, 1, 6)[None, :, None]
    roots = ways[:, None] * 0.55
    tips = ways[:, None] * rng.uniform(0.25, 0.5, (len(ways), 1, 1))
    strands = roots + tips * steps + np.array([0, 0, -0.35]) * steps**2
    hair = bpy.data.hair_curves.new("hair")
    hair.add_curves([6] * len(ways))
    hair.attributes["position"].data.foreach_set("vector", strands.astype(np.float32).ravel())
    radius = hair.attributes.new("radius", "FLOAT", "POINT")
    radius.data.foreach_set("value", np.full(6 * len(ways), 0.0015, np.float32))
    hair.materials.append(shader("hair", (0.15, 0.08, 0.04)))
    bpy.context.collection.objects.link(bpy.data.objects.new("hair", hair))
    for turn in range(4):
        bpy.ops.mesh.primitive_torus_add(
            major_radius=0.95, minor_radius=0.004, major_segments=96, rotation=(1.2, 0.8 * turn, 0)
        )
        bpy.context.object.data.materials.append(shader("wire", (0.7, 0.7, 0.75)))


def shader(name: str, colour: tuple[float, float, float]) -> Any:
    """Return a plain opaque material."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (*colour, 1)
    return made


def plate(width: int, height: int) -> Any:
    """Hang an emitting picture behind the subject that only the camera sees."""
    bpy.ops.mesh.primitive_plane_add(size=1, rotation=(np.pi / 2, 0, 0), location=(0, BEHIND, 0))
    plane = bpy.context.object
    across = (DISTANCE + BEHIND) * 36 / LENS
    plane.scale = (across, across * height / width, 1)
    for ray in ("diffuse", "glossy", "transmission", "volume_scatter", "shadow"):
        setattr(plane, f"visible_{ray}", False)
    made = bpy.data.materials.new("plate")
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    picture = nodes.new("ShaderNodeTexImage")
    picture.interpolation, picture.extension = "Closest", "EXTEND"
    light, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    links.new(picture.outputs["Color"], light.inputs["Color"])
    links.new(light.outputs["Emission"], out.inputs["Surface"])
    plane.data.materials.append(made)
    return plane, picture


def render(scene: Any, path: Path) -> None:
    """Render, and save scene-linear RGBA, float32, as the renderer has it."""
    scene.render.filepath = str(path.with_suffix(".exr"))
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    np.save(path, pixels.reshape(height, width, 4)[::-1])
    bpy.data.images.remove(image)
    os.unlink(scene.render.filepath)  # noqa: PTH108


def main(folder: Path, plates: list[Path]) -> None:
    """Render everything with each pixel filter."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    subject()
    first = bpy.data.images.load(str(plates[0]))
    width, height = first.size
    plane, picture = plate(width, height)
    bpy.ops.object.light_add(type="AREA", location=(2, -3, 3), rotation=(0.8, 0, 0.6))
    bpy.context.object.data.energy, bpy.context.object.data.size = 250, 2
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.3, 0.35, 0.4, 1)
    bpy.ops.object.camera_add(location=(0, -DISTANCE, 0), rotation=(np.pi / 2, 0, 0))
    scene.camera = bpy.context.object
    scene.camera.data.lens = LENS
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.cycles.samples, scene.cycles.use_adaptive_sampling = SAMPLES, False
    scene.cycles.use_denoising, scene.cycles.seed = False, 1
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    others = [thing for thing in scene.objects if thing.type in ("MESH", "CURVES")]
    others.remove(plane)
    for kind in FILTERS:
        scene.cycles.pixel_filter_type = kind
        plane.hide_render, scene.render.film_transparent = True, True
        render(scene, folder / f"{kind}_foreground.npy")
        plane.hide_render, scene.render.film_transparent = False, False
        for number, path in enumerate(plates):
            picture.image = bpy.data.images.load(str(path), check_existing=True)
            render(scene, folder / f"{kind}_{number}_true.npy")
            for thing in others:
                thing.hide_render = True
            render(scene, folder / f"{kind}_{number}_plate.npy")
            for thing in others:
                thing.hide_render = False


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
