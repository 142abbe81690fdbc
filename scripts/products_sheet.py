"""Draw contact sheets: every product for a few seeds, every occluder and background object.

Run by an interpreter that has Blender's bpy (5.0), as `render_views.py` is::

    .venv-blender/bin/python scripts/products_sheet.py products.png
    .venv-blender/bin/python scripts/products_sheet.py occluders.png --what occluders
    .venv-blender/bin/python scripts/products_sheet.py bottles.png --names bottle --seeds 8

One row a name, one column a seed. Prints the CPU seconds that each thing took to build and to
render. The same command gives the same pixels.
"""

# ruff: noqa: E402 - the worker's modules can be imported once its package is loaded

import argparse
import math
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import worker_package
from render_foregrounds import empty_scene, light, png, point_at, rendered

worker_package.load()

from maskmill_blender import catalogue, products, surroundings
from maskmill_blender.draws import Draws
from maskmill_blender.joined import points_of
from maskmill_blender.shapes import curved, grid, lump, turned
from maskmill_blender.subject import Frame
from maskmill_blender.surfaces import stuff

NAMES = {
    "products": catalogue.PRODUCTS,
    "occluders": catalogue.OCCLUDERS,
    "background": catalogue.BACKGROUND,
}


def main() -> None:
    """Render the tiles one by one and write them as one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--what", choices=NAMES, default="products")
    parser.add_argument("--names", nargs="+", help="only these")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--size", type=int, default=256, help="side of a tile in pixels")
    parser.add_argument("--samples", type=int, default=16, help="they are denoised")
    parser.add_argument("--wide", type=int, default=1, help="names beside each other")
    options = parser.parse_args()
    rows: list[Any] = []
    for name in options.names or NAMES[options.what]:
        tiles = [tile(options, name, seed) for seed in range(options.seeds)]
        rows.append(np.concatenate(tiles, axis=1))
    while len(rows) % options.wide:
        rows.append(np.zeros_like(rows[0]))
    lines = [rows[at : at + options.wide] for at in range(0, len(rows), options.wide)]
    whole = np.concatenate([np.concatenate(line, axis=1) for line in lines])
    options.sheet.with_suffix(".part").write_bytes(png(whole))
    options.sheet.with_suffix(".part").replace(options.sheet)


def tile(options: argparse.Namespace, name: str, seed: int) -> Any:
    """Return one picture, H x W x 4 uint16."""
    scene = empty_scene(options.size, options.samples, seed)
    scene.render.threads_mode, scene.render.threads = "FIXED", 1
    scene.cycles.use_denoising, scene.cycles.denoiser = True, "OPENIMAGEDENOISE"
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.max_bounces, scene.cycles.transparent_max_bounces = 5, 12
    scene.cycles.use_light_tree = False
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    started = time.process_time()
    subject = collection(scene, "subject")
    if options.what == "products":
        spec = {"kind": "product", "product": name, "seed": seed, "turn": 0.35 * (seed % 3) - 0.35}
        points = products.build(subject, spec, Draws(seed)).points
        frame = stage(scene, points, 0.35, 0.2)
    else:
        dummy(subject)
        frame = stage(scene, points_of(subject.objects), 0.1, 0.06)
        spec = {"kind": name, "seed": seed, "side": (0.0, -0.15, 0.2)[seed % 3]}
        spec |= {"share": (0.15, 0.3)[seed % 2], "distance": 1.2}
        surroundings.build(collection(scene, "around"), spec, Draws(seed), frame=frame)
    built = time.process_time()
    pixels = rendered(scene)
    done = time.process_time()
    print(f"{name} {seed}: built {built - started:.2f} CPU-s, rendered {done - built:.2f} CPU-s")
    encoded = np.clip(pixels, 0, 1)
    curve = np.where(encoded <= 0.0031308, 12.92 * encoded, 1.055 * encoded ** (1 / 2.4) - 0.055)
    return np.rint(np.concatenate([curve[..., :3], pixels[..., 3:] * 0 + 1], -1) * 65535).astype(
        np.uint16
    )


def collection(scene: Any, name: str) -> Any:
    """Return a new collection of the scene."""
    made = bpy.data.collections.new(name)
    scene.collection.children.link(made)
    return made


def dummy(subject: Any) -> None:
    """Stand a figure of balls where a person would."""
    coat = stuff("coat", [(0.7, 0.25, 0.2), (0.6, 0.18, 0.16)])
    body = [(0.0, 0.0), (0.24, 0.02), (0.22, 0.5), (0.25, 1.2), (0.16, 1.4), (0.0, 1.45)]
    turned(subject, body, coat)
    lump(subject, stuff("head", [(0.8, 0.6, 0.5)]), 0.13, (0.0, 0.0, 1.58))


def stage(scene: Any, points: Any, azimuth: float, elevation: float) -> Frame:
    """Put up ground, lights and a camera in front of the points (n x 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low))
    backdrop(scene, middle, reach, azimuth)
    light(scene, "plain", np.random.default_rng(4))
    scene.world.cycles.sampling_method, scene.world.cycles.sample_map_resolution = "MANUAL", 256
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.5
    data = bpy.data.lights.new("key", "AREA")
    data.energy, data.size = 40.0 * reach**2, reach
    lamp = bpy.data.objects.new("key", data)
    lamp.location = tuple(middle + reach * np.array((-1.6, -1.4, 1.6)))
    point_at(lamp, tuple(middle))
    scene.collection.objects.link(lamp)
    lens = bpy.data.cameras.new("camera")
    lens.lens, lens.sensor_width = 60.0, 36.0
    distance = 1.15 * reach * lens.lens / lens.sensor_width
    way = np.array(
        (
            math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        )
    )
    eye = bpy.data.objects.new("camera", lens)
    eye.location = tuple(middle + distance * way)
    point_at(eye, tuple(middle))
    scene.collection.objects.link(eye)
    scene.camera = eye
    bpy.context.view_layer.update()
    turn = np.array(eye.matrix_world)[:3, :3]
    wide = distance * lens.sensor_width / lens.lens
    camera = np.array(eye.location)
    return Frame(low, high, camera, turn[:, 0].copy(), turn[:, 1].copy(), wide, wide)


def backdrop(scene: Any, middle: Any, reach: float, azimuth: float) -> None:
    """Lay paper on the ground that rises behind the subject, as in a studio."""
    profile = [(-9.0, 0.0), (3.0, 0.0), (4.0, 0.0), (5.0, 0.3), (5.4, 1.2), (5.5, 3.0), (5.5, 9.0)]
    along, up = curved(profile, 6).T * reach
    way = np.array((-math.sin(azimuth), math.cos(azimuth)))
    across = np.array((way[1], -way[0]))
    rows = [
        [(*(middle[:2] + way * y + across * x), z) for x in np.linspace(-14, 14, 8) * reach]
        for y, z in zip(along, up, strict=True)
    ]
    paper = stuff(
        "backdrop", [(0.72, 0.7, 0.66), (0.7, 0.68, 0.64)], 2.0, rough=0.9, bump=0.0, worn=0.0
    )
    grid(scene.collection, np.array(rows), paper, closed=False)


if __name__ == "__main__":
    main()
