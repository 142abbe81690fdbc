"""The level of detail: what no pixel of a picture shows is left out of its materials.

Shading takes more of a render's time than rays do, and most of it goes into gloss that a rough
surface hardly has and into bumps that are finer than a pixel. What users bring is left as it is.
"""

import math
from collections.abc import Iterable
from typing import Any

from mathutils import Vector

from .camera import Shot

# From this roughness on, a surface looks like chalk: its gloss is a veil of a few hundredths.
_CHALK = 0.7
# Pixels that a wave of a bump takes at least: less is noise.
_WAVE = 3.0
# What is nearer than this share of the subject's distance is out of focus or under the frame.
_NEAREST = 0.5


def simplify(things: Iterable[Any], shot: Shot, pixels: int) -> None:
    """Simplify the materials of objects for a picture.

    Parameters
    ----------
    things
        Objects whose materials are ours.
    shot
        Where the camera is.
    pixels
        Of the picture's longer side.
    """
    angle = 2 * max(shot.tangents) / pixels
    finest: dict[Any, float] = {}
    for thing in things:
        pixel = angle * _depth(thing, shot) / max(thing.matrix_world.to_scale())
        for slot in thing.material_slots:
            if slot.material is not None and slot.material.node_tree is not None:
                finest[slot.material] = min(pixel, finest.get(slot.material, math.inf))
    for made, pixel in finest.items():
        nodes = made.node_tree.nodes
        for node in list(nodes):
            if node.type == "TEX_NOISE":
                _limit_octaves(node, pixel)
            elif node.type == "BUMP" and _wave(node) < _WAVE * pixel:
                nodes.remove(node)
        for node in list(nodes):
            if node.type == "BSDF_PRINCIPLED":
                # Light that goes to and fro between the facets of rough metal: a hundredth.
                node.distribution = "GGX"
                if _is_chalk(node):
                    _make_diffuse(made.node_tree, node)


def _depth(thing: Any, shot: Shot) -> float:
    """Return how far an object is along the line of sight, metres."""
    corners = (thing.matrix_world @ Vector(corner) for corner in thing.bound_box)
    nearest = min(corner.dot(Vector(shot.axes[2])) for corner in corners) - float(shot.place[2])
    return max(nearest, _NEAREST * shot.distance)


def _limit_octaves(noise: Any, pixel: float) -> None:
    """Leave out the octaves of a noise that are finer than a pixel."""
    octaves = math.log2(max(1.0, 1 / (noise.inputs["Scale"].default_value * pixel)))
    detail = noise.inputs["Detail"]
    detail.default_value = min(detail.default_value, math.ceil(octaves))


def _wave(bump: Any) -> float:
    """Return the length of a bump's waves in the object's units; inf where it is not noise."""
    links = bump.inputs["Height"].links
    while links:
        node = links[0].from_node
        if node.type == "TEX_NOISE":
            return 1 / float(node.inputs["Scale"].default_value)
        links = node.inputs["Value"].links if node.type == "MAP_RANGE" else ()
    return math.inf


def _is_chalk(shader: Any) -> bool:
    rough = shader.inputs["Roughness"]
    lowest = rough.default_value
    if rough.is_linked:
        spread = rough.links[0].from_node
        if spread.type != "MAP_RANGE":
            return False
        lowest = spread.inputs["To Min"].default_value
    clear = ("Metallic", "Coat Weight", "Transmission Weight", "Subsurface Weight")
    inputs = [shader.inputs[name] for name in clear if name in shader.inputs]
    shines = any(socket.is_linked or socket.default_value > 0 for socket in inputs)
    alpha = shader.inputs["Alpha"]
    opaque = not alpha.is_linked and alpha.default_value >= 1
    lit = shader.inputs.get("Emission Strength")
    dark = lit is None or (not lit.is_linked and lit.default_value == 0)
    return lowest >= _CHALK and opaque and dark and not shines


def _make_diffuse(tree: Any, shader: Any) -> None:
    diffuse = tree.nodes.new("ShaderNodeBsdfDiffuse")
    for old, new in (("Base Color", "Color"), ("Normal", "Normal")):
        if shader.inputs[old].is_linked:
            tree.links.new(shader.inputs[old].links[0].from_socket, diffuse.inputs[new])
        elif old == "Base Color":
            diffuse.inputs[new].default_value = shader.inputs[old].default_value
    for link in list(shader.outputs[0].links):
        tree.links.new(diffuse.outputs[0], link.to_socket)
    tree.nodes.remove(shader)
