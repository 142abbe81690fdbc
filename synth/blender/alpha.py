"""The picture and its alpha: from one render where that is exact, from two where it is not.

Cryptomatte counts, in the very render that is the picture, the share of each pixel's samples that
hit the subject. It knows nothing of what is half transparent: there, and where the foreground's
own colour is asked for, the subject is rendered again with all else as holes in the picture.
"""

import struct
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from .images import Floats, Layers, read_layers
from .materials import is_transparent
from .stage import BACKGROUND, GROUND, OCCLUDERS, SUBJECT, Stage

Doubles = npt.NDArray[np.float64]

_DEPTH = 8  # objects that Cryptomatte tells apart in one pixel
_ELSE = (BACKGROUND, GROUND, OCCLUDERS)


@dataclass(frozen=True)
class Taken:
    """What was rendered of a sample; linear light, before exposure.

    Parameters
    ----------
    image
        H x W x 3.
    alpha
        H x W, 0 to 1.
    foreground
        H x W x 4, multiplied by alpha, or None.
    shadow
        H x W, 0 to 1: what the subject leaves of the ground's light; or None.
    path, why
        cryptomatte or holdout, and the reason for it.
    """

    image: Doubles
    alpha: Doubles
    foreground: Doubles | None
    shadow: Doubles | None
    path: str
    why: str


def chosen_path(spec: dict[str, Any], stage: Stage, transparent: bool) -> tuple[str, str]:
    """Return cryptomatte or holdout, and why."""
    if spec["alpha"] != "auto":
        return spec["alpha"], "asked for"
    if spec["foreground"]:
        return "holdout", "the foreground is asked for"
    through = see_through(
        thing for name in (SUBJECT, OCCLUDERS) for thing in stage.collections[name].all_objects
    )
    if transparent or through:
        return "holdout", f"lets light through: {', '.join(through) or 'the subject'}"
    return "cryptomatte", "nothing lets light through"


def see_through(things: Iterable[Any]) -> list[str]:
    """Return the names of the objects that let light through."""
    names: list[str] = []
    for thing in things:
        slots = [slot.material for slot in thing.material_slots if slot.material is not None]
        if thing.get("transparent") or any(is_transparent(made) for made in slots):
            names.append(thing.name)
    return sorted(names)


def take(stage: Stage, spec: dict[str, Any], path: str, why: str) -> Taken:
    """Render the picture, its alpha, and what else the sample asks for."""
    denoise = spec.get("denoise", False)
    counts = path == "cryptomatte"
    layers = rendered(stage, cryptomatte=counts, denoise=denoise)
    full = np.asarray(layers.colour[..., :3], np.float64)
    front: Doubles | None = None
    if not counts or spec["foreground"]:
        with stage.showing(film=True, holdout=_ELSE):
            front = np.asarray(rendered(stage, denoise=denoise).colour, np.float64)
    if counts or front is None:
        alpha = coverage(layers, (thing.name for thing in _things(stage)))
    else:
        alpha = front[..., 3]
    alpha = np.clip(alpha, 0, 1)
    shadow = _shadow(stage) if spec["shadow"] else None
    return Taken(full, alpha, front if spec["foreground"] else None, shadow, path, why)


def rendered(stage: Stage, *, cryptomatte: bool = False, denoise: bool = False) -> Layers:
    """Render once, and return what the renderer wrote, in linear light."""
    scene, layer = stage.scene, stage.scene.view_layers[0]
    scene.cycles.use_denoising = denoise
    layer.use_pass_cryptomatte_object = cryptomatte
    layer.pass_cryptomatte_depth = _DEPTH
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # since 5.0
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format = "OPEN_EXR_MULTILAYER"
    settings.color_mode, settings.color_depth, settings.exr_codec = "RGBA", "32", "NONE"
    with tempfile.TemporaryDirectory(prefix="maskmill-") as folder:
        scene.render.filepath = str(Path(folder, "render.exr"))
        bpy.ops.render.render(write_still=True)
        return read_layers(scene.render.filepath)


def coverage(layers: Layers, names: Iterable[str]) -> Doubles:
    """Return how much of each pixel the objects of these names cover, H x W, from Cryptomatte.

    Friedman and Jones, "Fully automatic ID mattes with support for motion blur and transparency",
    SIGGRAPH 2015 talks: an identifier is the hash of a name, read as a float.
    """
    wanted = [layers.manifest[name] for name in names if name in layers.manifest]
    ids = np.array([struct.unpack("<f", bytes.fromhex(word)[::-1])[0] for word in wanted])
    ids = ids.astype(np.float32)
    total = np.zeros(layers.colour.shape[:2])
    for ranked in layers.coverages:
        for number in (0, 2):
            total += np.where(np.isin(ranked[..., number], ids), ranked[..., number + 1], 0.0)
    return total


def measured(stage: Stage, side: int, samples: int) -> float:
    """Return the share of the frame that the subject covers, from a small, quick render."""
    render, cycles = stage.scene.render, stage.scene.cycles
    before = render.resolution_percentage, cycles.samples, cycles.max_bounces
    longest = max(render.resolution_x, render.resolution_y)
    render.resolution_percentage = min(100, max(1, round(100 * side / longest)))
    cycles.samples, cycles.max_bounces = samples, 0
    with stage.showing(film=True, holdout=_ELSE):
        alpha = rendered(stage).colour[..., 3]
    render.resolution_percentage, cycles.samples, cycles.max_bounces = before
    return float(np.clip(alpha, 0, 1).mean(dtype=np.float64))


def _things(stage: Stage) -> Iterable[Any]:
    return stage.collections[SUBJECT].all_objects


def _shadow(stage: Stage) -> Doubles:
    """Return what is left of the light on the ground where the subject takes some, H x W."""
    things = list(_things(stage))
    with stage.showing(without=(BACKGROUND, OCCLUDERS)):
        for thing in things:
            thing.visible_camera = False  # it is not seen, but its shadow is
        with_it = rendered(stage, denoise=True).colour
        for thing in things:
            thing.visible_camera = True
    with stage.showing(without=(BACKGROUND, OCCLUDERS, SUBJECT)):
        without_it = rendered(stage, denoise=True).colour
    return np.clip(_luminance(with_it) / np.maximum(_luminance(without_it), 1e-6), 0, 1)


def straight(foreground: Doubles, *, denoised: bool) -> Doubles:
    """Return colours that are not multiplied by alpha, beside alpha, H x W x 4, linear light.

    The denoiser carries light over edges, but not alpha: there, denoised colours are those of the
    neighbourhood (normalised convolution), or they would shine.
    """
    alpha = np.clip(foreground[..., 3:], 0, 1)
    colours = foreground[..., :3] / np.maximum(alpha, 1e-6)
    if denoised:
        near = _blurred(foreground[..., :3]) / np.maximum(_blurred(alpha), 1e-6)
        colours = np.where(alpha < 1, near, colours)
    return np.concatenate([colours * (alpha > 0), alpha], axis=-1)


def _blurred(planes: Doubles) -> Doubles:
    """Return the binomial mean of 5 x 5 pixels, H x W x C; outside there is nothing."""
    weights = np.array((1, 4, 6, 4, 1)) / 16
    for axis in (0, 1):
        around = [(0, 0)] * 3
        around[axis] = (2, 2)
        padded = np.pad(planes, around)
        side = planes.shape[axis]
        shifted = [np.take(padded, range(at, at + side), axis) for at in range(len(weights))]
        planes = np.tensordot(weights, np.stack(shifted), axes=1)
    return planes


def _luminance(colour: Floats) -> Doubles:
    """Return the luminance (ITU-R BT.709) of linear light."""
    return np.asarray(colour[..., :3], np.float64) @ np.array((0.2126, 0.7152, 0.0722))


def exposure(taken: Taken) -> float:
    """Return the factor by which a camera would brighten the picture, 1/8 to 8.

    Subject and whole frame count alike; the brightest twentieth (lamps, sun) does not count.
    """
    light = _luminance(taken.image.astype(np.float32))
    light = np.minimum(light, np.percentile(light, 95))
    weight = taken.alpha / max(float(taken.alpha.sum()), 1e-6) + 1.0 / light.size
    mean = float((light * weight).sum() / weight.sum())
    return float(np.clip(_GREY / max(mean, 1e-6), 1 / 8, 8))


_GREY = 0.18
