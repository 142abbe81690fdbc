"""Runs in Blender's Python, for benchmarks/synth.py: what a simple scene costs on this machine.

    python benchmarks/synth_reference.py JOB.json RESULT.json

Suzanne, smoothed, on a plane under one of Blender's panoramas, with the renderer as it comes: no
fabric, no hair, one kind of material. CPU-seconds of other machines and other hours compare by it.
"""

import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bpy


def scene() -> Any:
    """Build it, and return it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    made = bpy.context.scene
    bpy.ops.mesh.primitive_monkey_add(location=(0, 0, 1))
    smooth = bpy.context.object.modifiers.new("smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 2
    bpy.ops.mesh.primitive_plane_add(size=20)
    made.world = bpy.data.worlds.new("world")
    nodes, links = made.world.node_tree.nodes, made.world.node_tree.links
    panorama = nodes.new("ShaderNodeTexEnvironment")
    folder = Path(bpy.utils.system_resource("DATAFILES"), "studiolights", "world")
    panorama.image = bpy.data.images.load(str(folder / "forest.exr"))
    background = next(node for node in nodes if node.type == "BACKGROUND")
    links.new(panorama.outputs["Color"], background.inputs["Color"])
    made.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    made.collection.objects.link(made.camera)
    made.camera.location, made.camera.rotation_euler = (0, -6, 2.5), (math.radians(77), 0, 0)
    made.render.engine, made.cycles.device = "CYCLES", "CPU"
    made.render.threads_mode, made.render.threads = "FIXED", 1
    made.cycles.use_adaptive_sampling = made.cycles.use_denoising = False
    return made


def main() -> None:
    """Render it in every size of the job."""
    if hasattr(os, "sched_setaffinity"):  # as the worker is
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    made = scene()
    results: list[float] = []
    with tempfile.TemporaryDirectory(prefix="maskmill-") as folder:
        made.render.filepath = str(Path(folder, "picture.png"))
        for size, samples in [(32, 1), *json.loads(Path(sys.argv[1]).read_text())["samples"]]:
            made.render.resolution_x = made.render.resolution_y = size
            made.cycles.samples = samples
            before = time.process_time()
            bpy.ops.render.render(write_still=True)
            results.append(time.process_time() - before)
    Path(sys.argv[2]).write_text(json.dumps(results[1:]))


if __name__ == "__main__":
    main()
