"""Run by Blender's Python: builds things and says as JSON what came of it.

``python blender_builds.py TASKS.json ANSWERS.json``: a task has `what` and `spec`, or `path`.
"""

import hashlib
import importlib
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

WORKER = Path(__file__).resolve().parents[1] / "synth" / "blender" / "__main__.py"


def worker(module: str) -> Any:
    return importlib.import_module(f"maskmill_blender.{module}")


def built(task: dict[str, Any]) -> dict[str, Any]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    collection = bpy.data.collections.new("own")
    bpy.context.scene.collection.children.link(collection)
    draws = worker("draws").Draws(1)
    if task["what"] == "make":
        return made(task)
    if task["what"] in ("product", "asset"):
        module = worker("products" if task["what"] == "product" else "assets")
        try:
            subject = module.build(collection, task["spec"], draws)
        except worker("failure").Failure as failure:
            return {"reason": failure.reason, "detail": failure.detail}
        things, points = subject.objects, subject.points
        answer: dict[str, Any] = {
            "facts": subject.facts,
            "credits": [list(credit) for credit in subject.credits],
            "said_transparent": subject.transparent,
        }
    else:
        box = np.array(((-0.25, -0.15, 0.0), (0.25, 0.15, 1.7)))
        surroundings = worker("surroundings")
        frame = worker("subject").Frame(
            *box,
            camera=np.array((0.0, -5.0, 1.0)),
            right=np.array((1.0, 0.0, 0.0)),
            up=np.array((0.0, 0.0, 1.0)),
            width=1.6,
            height=2.0,
        )
        things = surroundings.build(collection, task["spec"], draws, frame=frame)
        points = worker("joined").points_of(things)
        answer = {
            "said_transparent": surroundings.lets_light_through(things),
            "share": things[0].get("share"),
        }
    slots = [slot.material for thing in things for slot in thing.material_slots]
    return answer | {
        "objects": len(things),
        "own": all(thing.name in collection.objects for thing in things),
        "low": points.min(axis=0).tolist(),
        "high": points.max(axis=0).tolist(),
        "transparent": any(
            worker("materials").is_transparent(slot) for slot in slots if slot is not None
        ),
        "hash": hashlib.sha256(np.round(points, 6).tobytes()).hexdigest(),
        "colours": hashlib.sha256(
            b"".join(_pixels(image) for image in bpy.data.images)
        ).hexdigest(),
        "linked": [child.name for child in collection.children],
    }


def _pixels(image: Any) -> bytes:
    values = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(values)
    return values.tobytes()


def made(task: dict[str, Any]) -> dict[str, Any]:
    """Save a .blend, .glb or .fbx with a cube of 4 m and a copy of a hidden one."""
    path = Path(task["path"])
    bpy.ops.mesh.primitive_cube_add(size=4, location=(7, 0, 5))
    bpy.ops.object.light_add(type="SUN")
    if path.suffix == ".glb":
        bpy.ops.export_scene.gltf(filepath=str(path))
    elif path.suffix == ".fbx":
        bpy.ops.export_scene.fbx(filepath=str(path))
    else:
        source = bpy.data.collections.new("source")
        cube = bpy.data.objects["Cube"].copy()
        source.objects.link(cube)
        copy = bpy.data.objects.new("copy", None)
        copy.instance_type, copy.instance_collection = "COLLECTION", source
        copy.location = (4.0, 0.0, 0.0)
        bpy.context.scene.collection.objects.link(copy)
        bpy.ops.mesh.primitive_cube_add(size=90)
        bpy.context.object.hide_render = True
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return {}


def main(tasks: str, answers: str) -> None:
    runpy.run_path(str(WORKER))["load"]()
    results = [built(task) for task in json.loads(Path(tasks).read_text())]
    Path(answers).write_text(json.dumps(results))


if __name__ == "__main__":
    after = sys.argv.index("--") + 1 if "--" in sys.argv else 1
    main(*sys.argv[after : after + 2])
