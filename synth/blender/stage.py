"""The stage: renderer, world, ground, lights; and what is hidden on it when."""

import contextlib
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .catalogue import WORLDS
from .draws import Draws
from .failure import Failure
from .grounds import ground_material
from .subject import Credit

SUBJECT, BACKGROUND, OCCLUDERS, GROUND = "SUBJECT", "BACKGROUND", "OCCLUDERS", "GROUND"

# Metres: so wide that its rim lies near the horizon, and the panorama shows above it.
_GROUND = 40.0

# Pixels round the horizon: 1.4 degrees each, so that the sun's shadows are a little softer.
_LIGHT_MAP = 256


@dataclass(frozen=True)
class Stage:
    """An empty scene whose collections can be hidden or cut out one by one.

    Parameters
    ----------
    scene
        `bpy.types.Scene`.
    collections
        `bpy.types.Collection` by name: SUBJECT, BACKGROUND, OCCLUDERS, GROUND.
    """

    scene: Any
    collections: dict[str, Any]

    @contextlib.contextmanager
    def showing(
        self, *, film: bool = False, holdout: Sequence[str] = (), without: Sequence[str] = ()
    ) -> Generator[None]:
        """Make the world invisible (`film`), collections holes in the picture, or leave them out.

        What is a hole still throws light and shadows, so that the rest looks as it did.
        """
        layers = self.scene.view_layers[0].layer_collection.children
        self.scene.render.film_transparent = film
        for name in self.collections:
            layers[name].holdout = name in holdout
            layers[name].exclude = name in without
        try:
            yield
        finally:
            self.scene.render.film_transparent = False
            for name in self.collections:
                layers[name].holdout = layers[name].exclude = False


def empty_stage(spec: dict[str, Any], threads: int, device: str) -> Stage:
    """Return a scene with nothing in it, set up for a sample.

    Parameters
    ----------
    spec
        The sample.
    threads
        Of Cycles; the pixels do not depend on it.
    device
        CPU or GPU, as Cycles calls it.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    cycles.device = device
    render.threads_mode, render.threads = "FIXED", threads
    render.resolution_x, render.resolution_y = spec["width"], spec["height"]
    render.resolution_percentage = 100
    # The scene goes to the renderer once, and is rendered from it as often as the alpha needs.
    render.use_persistent_data = True
    cycles.samples = spec["samples"]
    cycles.seed = Draws(spec["seed"], spec["name"]).seed("noise")
    cycles.use_animated_seed = False
    # Two renders of one seed must sample alike in every pixel, or layers would not add up.
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False
    cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    # The best takes a fourth of a small picture's time; this, hardly any.
    cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "BALANCED"
    cycles.max_bounces, cycles.transparent_max_bounces = 6, 12
    cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 2, 2, 6
    cycles.caustics_reflective = cycles.caustics_refractive = False
    # A tree of lights pays where there are many: here, choosing costs more than it saves.
    cycles.use_light_tree = False
    cycles.filter_width = 1.5
    # Through glass one sees what is behind it: it belongs to the background.
    cycles.film_transparent_glass = True
    # Any other transform bends colours so that foreground and background no longer add up.
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    collections: dict[str, Any] = {}
    for name in (SUBJECT, BACKGROUND, OCCLUDERS, GROUND):
        collections[name] = bpy.data.collections.new(name)
        scene.collection.children.link(collections[name])
    return Stage(scene, collections)


def set_world(stage: Stage, world: dict[str, Any]) -> Credit:
    """Light the stage by a panorama: one of Blender's own by name, or a file."""
    made = bpy.data.worlds.new("world")
    stage.scene.world = made
    if not made.node_tree:  # before 5.0 a world has none at first
        made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    shade = next((node for node in nodes if node.type == "BACKGROUND"), None)
    if shade is None:
        shade = nodes.new("ShaderNodeBackground")
        links.new(shade.outputs[0], nodes.new("ShaderNodeOutputWorld").inputs["Surface"])
    shade.inputs["Strength"].default_value = world["strength"]
    path = world.get("path") or _panorama(world["name"])
    picture = nodes.new("ShaderNodeTexEnvironment")
    try:
        picture.image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise Failure("bad_world", f"{path}: {error}") from None
    if not all(picture.image.size):
        raise Failure("bad_world", f"{path} is no picture that Blender reads")
    # The camera sees the panorama as it is; light comes from a small copy, which fits into the
    # processor's cache: half the time of a render went into looking up the large one.
    small = nodes.new("ShaderNodeTexEnvironment")
    small.image = _smaller(picture.image, _LIGHT_MAP)
    made.cycles.sampling_method, made.cycles.sample_map_resolution = "MANUAL", _LIGHT_MAP
    turn = nodes.new("ShaderNodeMapping")
    turn.inputs["Rotation"].default_value[2] = world["rotation"]
    place = nodes.new("ShaderNodeTexCoord")
    links.new(place.outputs["Generated"], turn.inputs["Vector"])
    lit = nodes.new("ShaderNodeBackground")
    lit.inputs["Strength"].default_value = world["strength"]
    choice = nodes.new("ShaderNodeMixShader")
    for texture, background in ((picture, shade), (small, lit)):
        links.new(turn.outputs["Vector"], texture.inputs["Vector"])
        links.new(texture.outputs["Color"], background.inputs["Color"])
    links.new(nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"], choice.inputs[0])
    links.new(lit.outputs[0], choice.inputs[1])
    links.new(shade.outputs[0], choice.inputs[2])
    output = next(node for node in nodes if node.type == "OUTPUT_WORLD")
    links.new(choice.outputs[0], output.inputs["Surface"])
    return Credit(f"world {world['name']}", world.get("licence") or "unknown")


def _smaller(image: Any, width: int) -> Any:
    """Return a copy of a picture in linear light, reduced by a whole factor to some width."""
    wide, high = image.size
    factor = max(1, wide // width)
    rows, columns = high // factor, wide // factor
    pixels = np.empty(wide * high * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(high, wide, 4)[: rows * factor, : columns * factor]
    means = pixels.reshape(rows, factor, columns, factor, 4).mean(axis=(1, 3))
    small = bpy.data.images.new("light", columns, rows, alpha=True, float_buffer=True)
    small.colorspace_settings.name = image.colorspace_settings.name
    small.pixels.foreach_set(np.ascontiguousarray(means, np.float32).ravel())
    return small


def _panorama(name: str) -> Path:
    folder = Path(bpy.utils.system_resource("DATAFILES"), "studiolights", "world")
    path = folder / f"{name}.exr"
    if name not in WORLDS or not path.is_file():
        raise Failure("bad_world", f"Blender has no panorama {name} in {folder}")
    return path


def set_ground(stage: Stage, ground: dict[str, Any]) -> None:
    """Lay the ground z = 0."""
    mesh = bpy.data.meshes.new("ground")
    half = _GROUND
    corners = [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    mesh.materials.append(ground_material(ground["kind"], Draws("ground", ground["seed"])))
    stage.collections[GROUND].objects.link(bpy.data.objects.new("ground", mesh))


def set_lights(stage: Stage, lights: Sequence[dict[str, Any]], middle: Sequence[float]) -> None:
    """Hang lamps round the subject; no camera sees them.

    Parameters
    ----------
    stage
    lights
        As the sample says: `azimuth` 0 is in front of the subject (-y), `power` in watts at a
        distance of 3 m, `size` in metres, `colour` in linear light.
    middle
        Where they shine at, metres.
    """
    for number, light in enumerate(lights):
        data = bpy.data.lights.new(f"light {number}", light["kind"].upper())
        data.energy, data.color = light["power"], light["colour"]
        if light["kind"] == "area":
            data.size = light["size"]
        lamp = bpy.data.objects.new(f"light {number}", data)
        away = _direction(light["azimuth"], light["elevation"])
        lamp.matrix_world = looking(np.asarray(middle) + 3.0 * away, -away)
        lamp.visible_camera = False
        stage.scene.collection.objects.link(lamp)


def _direction(azimuth: float, elevation: float) -> Any:
    """Return the unit vector from the subject to where the angles point; 0, 0 is -y."""
    flat = math.cos(elevation)
    return np.array(
        (flat * math.sin(azimuth), -flat * math.cos(azimuth), math.sin(elevation)), np.float64
    )


def looking(place: Any, direction: Any) -> Any:
    """Return the matrix of what stands at a place and looks along a direction, upright."""
    turn = Vector(direction).to_track_quat("-Z", "Y").to_matrix().to_4x4()
    return Matrix.Translation(Vector(place)) @ turn


def check_textures() -> None:
    """Raise Failure where a picture that a material needs is not there.

    Blender renders it in pink and says nothing.
    """
    used = [image for image in bpy.data.images if image.users and image.packed_file is None]
    missing = sorted(
        {
            image.filepath
            for image in used
            if image.source in ("FILE", "SEQUENCE", "MOVIE")
            and not Path(bpy.path.abspath(image.filepath, library=image.library)).is_file()
        }
        | {
            image.filepath
            for image in used
            if image.source == "TILED"
            and not Path(bpy.path.abspath(image.filepath, library=image.library)).parent.is_dir()
        }
    )
    if missing:
        raise Failure("missing_texture", ", ".join(missing))


def check_libraries() -> None:
    """Raise Failure where a .blend file that things are linked from is not there."""
    missing = sorted(
        library.filepath
        for library in bpy.data.libraries
        if not Path(bpy.path.abspath(library.filepath)).is_file()
    )
    if missing:
        raise Failure("corrupt_asset", f"linked files are missing: {', '.join(missing)}")


def use_device(wanted: str) -> tuple[str, str, str]:
    """Choose what Cycles computes on.

    Parameters
    ----------
    wanted
        auto, cpu, cuda, optix, hip, oneapi or metal.

    Returns
    -------
    device, kind, note : str
        CPU or GPU for the scene; the kind that was taken; why it is not the one that was wanted.
    """
    if wanted == "cpu":
        return "CPU", "CPU", ""
    kinds = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI") if wanted == "auto" else (wanted.upper(),)
    preferences = bpy.context.preferences.addons["cycles"].preferences
    said = ""
    for kind in kinds:
        try:
            preferences.compute_device_type = kind
        except TypeError:
            said = f"this Blender knows no {kind}"
            continue
        preferences.refresh_devices()
        found = [device for device in preferences.devices if device.type == kind]
        for device in preferences.devices:
            device.use = device in found
        if found:
            return "GPU", kind, ""
        said = f"no {kind} device was found"
    preferences.compute_device_type = "NONE"
    return "CPU", "CPU", "" if wanted == "auto" else f"{said}: rendering on the CPU instead"
