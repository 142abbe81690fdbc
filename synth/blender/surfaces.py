"""Materials of goods and furniture: stains, bumps and prints of their own."""

from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from .colours import WHITE, Colour, linear
from .paper import Paper
from .shapes import Point


def stuff(
    name: str,
    colours: Sequence[Colour],
    scale: float = 5.0,
    stretch: Point = (1.0, 1.0, 1.0),
    **finish: float,
) -> Any:
    """Return a material of colours (sRGB) that run into one another, in the object's own space."""
    material, shader = plain(name, **finish)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 3.0
    mapping = nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = stretch
    place = nodes.new("ShaderNodeTexCoord")
    ramp = nodes.new("ShaderNodeValToRGB")
    for number, colour in enumerate(colours):
        at = 0.3 + 0.4 * number / max(1, len(colours) - 1)
        steps = ramp.color_ramp.elements
        step = steps[number] if number < 2 else steps.new(at)
        step.position, step.color = at, (*linear(colour), 1.0)
    if len(colours) == 1:
        ramp.color_ramp.elements[1].color = (*(0.8 * part for part in linear(colours[0])), 1.0)
    links.new(place.outputs["Object"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], shader)
    return material


def printed(name: str, paper: Paper, **finish: float) -> Any:
    """Return a material with a print on it."""
    material, shader = plain(name, **finish)
    height, width = paper.pixels.shape[:2]
    image = bpy.data.images.new(name, width, height)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = paper.pixels[::-1]
    image.pixels.foreach_set(pixels.ravel())
    picture = material.node_tree.nodes.new("ShaderNodeTexImage")
    picture.image = image
    material.node_tree.links.new(picture.outputs["Color"], shader)
    return material


def plain(
    name: str,
    rough: float = 0.5,
    bump: float = 0.15,
    grain: float = 40.0,
    worn: float = 0.25,
    metal: float = 0.0,
) -> tuple[Any, Any]:
    """Return a material with fine bumps and stains of its own, and the socket for its colour."""
    material = bpy.data.materials.new(name)
    if not material.node_tree:  # before 5.0 a material has none at first
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Metallic"].default_value = metal
    place = nodes.new("ShaderNodeTexCoord")
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = grain
    noise.inputs["Detail"].default_value = 2.0
    links.new(place.outputs["Object"], noise.inputs["Vector"])
    bumps = nodes.new("ShaderNodeBump")
    bumps.inputs["Strength"].default_value = bump
    bumps.inputs["Distance"].default_value = 0.02
    links.new(noise.outputs["Fac"], bumps.inputs["Height"])
    links.new(bumps.outputs["Normal"], shader.inputs["Normal"])
    stain = nodes.new("ShaderNodeHueSaturation")
    for socket, low, high in (
        (stain.inputs["Value"], 1 - worn, 1 + worn),
        (shader.inputs["Roughness"], max(0.05, rough - 0.15), min(1.0, rough + 0.15)),
    ):
        spread = nodes.new("ShaderNodeMapRange")
        for at, value in zip(("From Min", "From Max"), (0.25, 0.75), strict=True):
            spread.inputs[at].default_value = value
        spread.inputs["To Min"].default_value, spread.inputs["To Max"].default_value = low, high
        links.new(noise.outputs["Fac"], spread.inputs["Value"])
        links.new(spread.outputs["Result"], socket)
    links.new(stain.outputs["Color"], shader.inputs["Base Color"])
    return material, stain.inputs["Color"]


def glass(
    name: str, tint: Colour = WHITE, clear: float = 0.92, rough: float = 0.02, edge: float = 0.3
) -> Any:
    """Return thin glass: light passes straight through, and edges mirror, as a pane does.

    It bends no light, so that what stands behind shows in its place: the alpha of a picture is then
    exact, as that of a veil is. A wall that is seen along its surface lets less light through.

    Parameters
    ----------
    name
        Of the material.
    tint
        sRGB: what is not clear looks like this.
    clear
        The share of light that passes where the wall is seen straight on.
    rough
        Of the mirror.
    edge
        How much less light passes where the wall is seen along its surface.
    """
    material = bpy.data.materials.new(name)
    if not material.node_tree:  # before 5.0 a material has none at first
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(nodes["Principled BSDF"])
    output = nodes["Material Output"]
    through = nodes.new("ShaderNodeBsdfTransparent")
    # What is lit from behind glows: a drink is bright in front of a window.
    body = nodes.new("ShaderNodeMixShader")
    for number, kind in enumerate(("ShaderNodeBsdfDiffuse", "ShaderNodeBsdfTranslucent")):
        half = nodes.new(kind)
        half.inputs["Color"].default_value = (*linear(tint), 1.0)
        links.new(half.outputs["BSDF"], body.inputs[1 + number])
    mirror = nodes.new("ShaderNodeBsdfGlossy")
    mirror.inputs["Roughness"].default_value = rough
    # 0 seen straight on, 1 along the surface, from either side: Blender's own Fresnel node takes
    # the inside of a wall for the inside of a block, and mirrors it wholly.
    facing = nodes.new("ShaderNodeLayerWeight")
    facing.inputs["Blend"].default_value = 0.5
    steep = nodes.new("ShaderNodeMath")
    steep.operation = "POWER"
    steep.inputs[1].default_value = 5.0
    links.new(facing.outputs["Facing"], steep.inputs[0])
    curve, shine = nodes.new("ShaderNodeMapRange"), nodes.new("ShaderNodeMapRange")
    for node, low, high in ((curve, 1.0 - clear, min(1.0, 1.0 - clear + edge)), (shine, 0.04, 0.7)):
        node.inputs["To Min"].default_value, node.inputs["To Max"].default_value = low, high
        links.new(steep.outputs["Value"], node.inputs["Value"])
    tinted, whole = nodes.new("ShaderNodeMixShader"), nodes.new("ShaderNodeMixShader")
    links.new(curve.outputs["Result"], tinted.inputs["Fac"])
    links.new(through.outputs["BSDF"], tinted.inputs[1])
    links.new(body.outputs["Shader"], tinted.inputs[2])
    links.new(shine.outputs["Result"], whole.inputs["Fac"])
    links.new(tinted.outputs["Shader"], whole.inputs[1])
    links.new(mirror.outputs["BSDF"], whole.inputs[2])
    links.new(whole.outputs["Shader"], output.inputs["Surface"])
    return material
