"""Renders a contact sheet of people drawn from seeds, in full and as busts.

Run by Blender's Python, which has bpy and MakeHuman's CC0 data:

    .venv-blender/bin/python scripts/people_sheet.py sheet.png --count 24 --seed 1
"""

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Vector

ROOM = Path(__file__).resolve().parents[1] / "synth" / "blender"
PACKAGE = "maskmill_blender"


def _load() -> None:
    """Make the room's modules importable as a package of their own name."""
    spec = importlib.util.spec_from_file_location(
        PACKAGE, ROOM / "__init__.py", submodule_search_locations=[str(ROOM)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package at {ROOM}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def _scene(width: int, height: int, samples: int) -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.view_settings.view_transform = "Standard"
    world = bpy.data.worlds.new("world")
    scene.world = world
    if not world.node_tree:
        world.use_nodes = True
    shader = next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
    shader.inputs[0].default_value = (0.62, 0.68, 0.76, 1.0)
    shader.inputs[1].default_value = 0.75
    for azimuth, elevation, power, size in ((0.7, 0.8, 2.6, 0.15), (-1.1, 0.4, 0.9, 0.6)):
        light = bpy.data.lights.new("sun", "SUN")
        light.energy, light.angle = power, size
        lamp = bpy.data.objects.new("sun", light)
        way = Vector(
            (
                -np.sin(azimuth) * np.cos(elevation),
                np.cos(azimuth) * np.cos(elevation),
                -np.sin(elevation),
            )
        )
        lamp.rotation_euler = way.to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(lamp)
    floor = bpy.data.meshes.new("floor")
    floor.from_pydata([(-9, -9, 0), (9, -9, 0), (9, 9, 0), (-9, 9, 0)], [], [(0, 1, 2, 3)])
    scene.collection.objects.link(bpy.data.objects.new("floor", floor))
    return scene


def _camera(scene: Any, target: np.ndarray, tall: float) -> None:
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_fit, data.sensor_height = 85.0, "VERTICAL", 36.0
    camera = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(camera)
    away = Vector((0.0, -1.0, 0.06)) * (tall * data.lens / data.sensor_height)
    camera.location = Vector(target.tolist()) + away
    camera.rotation_euler = (-away).to_track_quat("-Z", "Y").to_euler()
    scene.camera = camera


def _pixels(scene: Any, path: Path) -> np.ndarray:
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    width, height = image.size
    values = np.empty(width * height * 4, dtype=np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    path.unlink()
    return values.reshape(height, width, 4)


def _saved(rows: list[np.ndarray], path: Path) -> None:
    # Blender's rows run upward.
    table = np.concatenate(rows[::-1], axis=0)
    image = bpy.data.images.new("sheet", table.shape[1], table.shape[0])
    image.pixels.foreach_set(table.ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()


def main() -> None:
    """Render the sheet: a row of people in full, below them the same as busts, and so on."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--first", type=int, default=0, help="where to begin, for several at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--samples", type=int, default=16)
    arguments = parser.parse_args()
    _load()
    people = importlib.import_module(f"{PACKAGE}.people")
    population = importlib.import_module(f"{PACKAGE}.population")
    draws = importlib.import_module(f"{PACKAGE}.draws")
    full: list[np.ndarray] = []
    busts: list[np.ndarray] = []
    width, beside = arguments.width, arguments.out.with_suffix(".part.png")
    for index in range(arguments.first, arguments.first + arguments.count):
        spec = population.sampled(draws.Draws(arguments.seed, index, "subject"))
        for height, pictures in ((2 * width, full), (width, busts)):
            scene = _scene(width, height, arguments.samples)
            subject = people.build(scene.collection, spec, draws.Draws(spec["seed"]))
            low, high = subject.points.min(axis=0), subject.points.max(axis=0)
            if pictures is full:
                tall = max(high[2] - low[2], 2.0 * (high[0] - low[0])) * 1.06
                _camera(scene, (low + high) / 2.0, tall)
            else:
                eyes = [thing for thing in subject.objects if thing.name.startswith("eye")]
                place = np.mean([np.array(eye.matrix_world.translation) for eye in eyes], axis=0)
                size = 0.5 + 0.5 * spec["height"] / 1.7
                _camera(scene, place - np.array([0.0, 0.0, 0.10 * size]), 0.52 * size)
            pictures.append(_pixels(scene, beside))
        print(index, subject.facts, flush=True)
    rows = []
    for first in range(0, arguments.count, arguments.columns):
        for pictures in (full, busts):
            row = pictures[first : first + arguments.columns]
            row += [np.zeros_like(row[0])] * (arguments.columns - len(row))
            rows.append(np.concatenate(row, axis=1))
    _saved(rows, arguments.out)


if __name__ == "__main__":
    main()
