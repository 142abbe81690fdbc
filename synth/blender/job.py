"""A job: samples to render one after another, each in a scene of its own, told of line by line."""

import errno
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .alpha import Taken, chosen_path, exposure, measured, straight, take
from .camera import Shot, first_shot, place_camera
from .detail import simplify
from .draws import Draws
from .failure import Failure
from .images import fingerprint, png, quantised, srgb, write_whole
from .stage import (
    BACKGROUND,
    GROUND,
    OCCLUDERS,
    SUBJECT,
    Stage,
    check_libraries,
    check_textures,
    empty_stage,
    set_ground,
    set_lights,
    set_world,
    use_device,
)
from .subject import Credit, Subject

MARK = "@maskmill "
"""What a line of the worker's output begins with that is for the supervisor."""

_BUILDERS = {"person": "people", "product": "products", "asset": "assets", "monkey": "monkey"}
_TRIES = 6
_GLANCE_SIDE, _GLANCE_SAMPLES = 72, 4
# A glance is coarse: what it takes for well within the bounds, the picture finds within them, too.
_GLANCE_MARGIN = 0.015


def main(arguments: list[str]) -> int:
    """Render the job file of the first argument; return 0 even where samples failed."""
    job = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    device, kind, note = use_device(job.get("device", "auto"))
    tell(event="ready", blender=bpy.app.version_string, device=kind, note=note)
    out = Path(job["out"])
    out.mkdir(parents=True, exist_ok=True)
    for spec in job["samples"]:
        tell(event="begin", name=spec["name"])
        started = time.process_time()
        try:
            facts = render_sample(spec, out, int(job.get("threads", 1)), device, kind)
        except Exception as error:  # one bad sample must not end the others
            reason, detail = _judged(error)
            tell(event="failed", name=spec["name"], reason=reason, detail=detail)
        else:
            seconds = round(time.process_time() - started, 3)
            tell(event="done", name=spec["name"], coverage=facts["coverage"], cpu=seconds)
    tell(event="end")
    return 0


def tell(**event: Any) -> None:
    """Write one line for the supervisor, in one piece, whatever Blender prints meanwhile."""
    sys.stdout.flush()
    os.write(1, f"\n{MARK}{json.dumps(event)}\n".encode())


def _judged(error: Exception) -> tuple[str, str]:
    """Return the reason word and the details of what went wrong."""
    if isinstance(error, Failure):
        return error.reason, error.detail
    if isinstance(error, MemoryError):
        return "out_of_memory", str(error)
    number = getattr(error, "errno", None)
    full = shutil.disk_usage(tempfile.gettempdir()).free < 1 << 20
    if number in (errno.ENOSPC, errno.EDQUOT) or (isinstance(error, RuntimeError) and full):
        return "disk_full", str(error)
    return "error", "".join(traceback.format_exception(error)[-6:]).strip()


@dataclass(frozen=True)
class Ready:
    """A scene that only has to be rendered.

    Parameters
    ----------
    stage, subject, shot
    sources
        What it is made of.
    glances
        Shares of the frame that the subject covered while the camera was looking for its place.
    """

    stage: Stage
    subject: Subject
    shot: Shot
    sources: tuple[Credit, ...]
    glances: tuple[float, ...]


def made_ready(spec: dict[str, Any], threads: int, device: str) -> Ready:
    """Build the scene of a sample and put the camera where it shows what is asked for.

    Raises
    ------
    Failure
        For what is known to go wrong: a bad asset, a missing texture, no place for the camera.
    """
    stage = empty_stage(spec, threads, device)
    subject = subject_of(stage, spec)
    # What is missing is told before the first ray.
    check_textures()
    check_libraries()
    sources = (*subject.credits, set_world(stage, spec["world"]))
    if spec.get("ground"):
        set_ground(stage, spec["ground"])
    middle = (subject.points.min(axis=0) + subject.points.max(axis=0)) / 2
    set_lights(stage, spec.get("lights", ()), middle)
    shot, glances = _framed(stage, spec, subject)
    own = (BACKGROUND, OCCLUDERS, GROUND) + ((SUBJECT,) * (spec["subject"]["kind"] != "asset"))
    for name in own:
        simplify(stage.collections[name].all_objects, shot, max(spec["width"], spec["height"]))
    check_textures()
    return Ready(stage, subject, shot, sources, tuple(glances))


def render_sample(
    spec: dict[str, Any], out: Path, threads: int, device: str, kind: str
) -> dict[str, Any]:
    """Render one sample into a folder: its facts, written last, say that all of it is there.

    Returns
    -------
    dict
        The facts.

    Raises
    ------
    Failure
        Where no sample can come of it.
    """
    ready = made_ready(spec, threads, device)
    stage = ready.stage
    taken = take(stage, spec, *chosen_path(spec, stage, ready.subject.transparent))
    covered = float(taken.alpha.mean())
    low, high = spec["camera"]["coverage"]
    if not low <= covered <= high:
        raise Failure("framing", f"covers {covered:.3f} of the frame, not {low} to {high}")
    return _written(spec, out, ready, taken, kind)


def subject_of(stage: Stage, spec: dict[str, Any]) -> Subject:
    """Build the subject of a sample on its stage."""
    wanted = spec["subject"]
    module = importlib.import_module(f".{_BUILDERS[wanted['kind']]}", __package__)
    draws = Draws("subject", wanted["kind"], wanted.get("seed", spec["seed"]))
    return module.build(stage.collections[SUBJECT], wanted, draws)


def _framed(stage: Stage, spec: dict[str, Any], subject: Subject) -> tuple[Shot, list[float]]:
    """Find a camera that shows as much of the subject as is asked for; build what is around it.

    First the subject alone is framed, which says where the rest of the scene goes; then what stands
    before it may ask for another distance.
    """
    camera = spec["camera"]
    shot = first_shot(subject.points, camera, spec["width"], spec["height"])
    glances: list[float] = []
    shot = _reframed(stage, spec, subject, shot, glances)
    if _surrounded(stage, spec, subject, shot):
        shot = _reframed(stage, spec, subject, shot, glances)
    return shot, glances


def _reframed(
    stage: Stage, spec: dict[str, Any], subject: Subject, shot: Shot, glances: list[float]
) -> Shot:
    camera = spec["camera"]
    low, high = camera["coverage"]
    for _ in range(_TRIES):
        place_camera(stage.scene, shot, camera, subject.points)
        seen = measured(stage, _GLANCE_SIDE, _GLANCE_SAMPLES)
        glances.append(round(seen, 4))
        if low + _GLANCE_MARGIN <= seen <= high - _GLANCE_MARGIN:
            return shot
        goal = (
            low + 0.2 * (high - low) if seen < low + _GLANCE_MARGIN else high - 0.2 * (high - low)
        )
        # What is covered grows with the square of the nearness, until the frame is full.
        factor = min(2.0, max(0.5, (seen / goal) ** 0.5))
        shot = shot.nearer(factor, keep_top=spec["subject"]["kind"] == "person")
    told = ", ".join(f"{seen:.3f}" for seen in glances)
    raise Failure("framing", f"covers {told} of the frame, not {low} to {high}")


def _surrounded(stage: Stage, spec: dict[str, Any], subject: Subject, shot: Shot) -> bool:
    """Build background and occluders; return whether there are any occluders."""
    frame = shot.frame(subject.points)
    for name, key in ((BACKGROUND, "background"), (OCCLUDERS, "occluders")):
        for number, wanted in enumerate(spec.get(key) or ()):
            module = importlib.import_module(".surroundings", __package__)
            draws = Draws(key, number, wanted.get("seed", spec["seed"]))
            module.build(stage.collections[name], wanted, draws, frame=frame)
    return bool(spec.get("occluders"))


def _written(
    spec: dict[str, Any], out: Path, ready: Ready, taken: Taken, kind: str
) -> dict[str, Any]:
    subject, shot = ready.subject, ready.shot
    bright = exposure(taken) * 2.0 ** spec["camera"].get("exposure", 0.0)
    files = {
        "": quantised(srgb(taken.image * bright), 8),
        ".alpha": quantised(taken.alpha, 16),
    }
    if taken.foreground is not None:
        colours = straight(taken.foreground, denoised=spec.get("denoise", False))
        colours[..., :3] = srgb(colours[..., :3] * bright)
        files[".foreground"] = quantised(colours, 16)
    if taken.shadow is not None:
        files[".shadow"] = quantised(1.0 - taken.shadow, 16)
    name = spec["name"]
    facts = {
        "name": name,
        "stamp": spec.get("stamp", ""),
        "seed": spec["seed"],
        "index": spec["index"],
        "width": spec["width"],
        "height": spec["height"],
        "samples": spec["samples"],
        "group": spec.get("group", name),
        "subject": _told(spec["subject"]) | {"facts": subject.facts},
        "world": _told(spec["world"]),
        "ground": spec.get("ground"),
        "background": spec.get("background") or [],
        "occluders": spec.get("occluders") or [],
        "lights": spec.get("lights") or [],
        "camera": spec["camera"]
        | {
            "place": [round(float(part), 5) for part in shot.eye],
            "sight": [round(float(part), 5) for part in shot.axes[2]],
            "distance": round(shot.distance, 5),
            "brightened": round(bright, 5),
        },
        "coverage": round(float(taken.alpha.mean()), 6),
        "framing": list(ready.glances),
        "alpha": {"path": taken.path, "why": taken.why},
        "credits": [
            {"asset": asset, "licence": licence} for asset, licence in dict.fromkeys(ready.sources)
        ],
        "pixels": {f"{name}{end}.png": fingerprint(pixels) for end, pixels in files.items()},
        "blender": bpy.app.version_string,
        "device": kind,
    }
    for end, pixels in files.items():
        write_whole(out / f"{name}{end}.png", png(pixels))
    write_whole(out / f"{name}.json", (json.dumps(facts, indent=1) + "\n").encode())
    return facts


def _told(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the sample without what is true of this machine alone."""
    told = {name: value for name, value in part.items() if name != "root"}
    return told | ({"path": Path(part["path"]).name} if part.get("path") else {})
