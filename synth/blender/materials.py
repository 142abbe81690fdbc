"""Recipes of materials: shader nodes put together, colours in linear light."""

import colorsys
from typing import Any

import bpy

from .draws import Draws

Colour = tuple[float, float, float]

# What a group of nodes does is not looked into: it may let light through.
_SEE_THROUGH = {
    *("BSDF_TRANSPARENT", "BSDF_GLASS", "BSDF_REFRACTION", "HOLDOUT", "GROUP"),
    *("VOLUME_ABSORPTION", "VOLUME_SCATTER", "PRINCIPLED_VOLUME"),
}

PATTERNS = ("plain", "noise", "checker", "stripes", "bricks", "dots", "waves", "plaid")


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return a colour of hue, saturation and value as screens show it, in linear light."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return linear(red), linear(green), linear(blue)


def linear(level: float) -> float:
    """Return an sRGB level of [0, 1] as linear light."""
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def material(name: str, colour: Colour, roughness: float = 0.6, **inputs: Any) -> Any:
    """Return a material of one colour.

    Parameters
    ----------
    name
    colour
        Linear light, 0 to 1.
    roughness
        0 is a mirror, 1 is chalk.
    **inputs
        More inputs of the Principled shader, `_` for a blank: ``Metallic=1.0``,
        ``Transmission_Weight=1.0``, ``IOR=1.45``, ``Subsurface_Weight=0.2``, ``Alpha=0.4``.
    """
    made = bpy.data.materials.new(name)
    if not made.node_tree:  # before 5.0 a material has none at first
        made.use_nodes = True
    shader = shader_of(made)
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    for key, value in inputs.items():
        shader.inputs[key.replace("_", " ")].default_value = value
    return made


def shader_of(made: Any) -> Any:
    """Return the Principled shader of a material."""
    return next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def patterned(
    name: str,
    first: Colour,
    second: Colour,
    pattern: str = "noise",
    *,
    scale: float = 8.0,
    roughness: float = 0.7,
    bump: float = 0.0,
    space: str = "Object",
    **inputs: Any,
) -> Any:
    """Return a material of two colours in a pattern.

    Parameters
    ----------
    name, first, second
    pattern
        One of `PATTERNS`.
    scale
        Repeats per metre where `space` is Object, per picture where it is UV.
    roughness, bump
        With a bump above 0 the pattern also lifts the surface.
    space
        Output of the Texture Coordinate node: Object, Generated or UV.
    **inputs
        As in `material`.
    """
    if pattern not in PATTERNS:
        raise ValueError(f"pattern must be one of {', '.join(PATTERNS)}, got {pattern!r}")
    made = material(name, first, roughness, **inputs)
    if pattern == "plain":
        return made
    nodes, links = made.node_tree.nodes, made.node_tree.links
    shader = shader_of(made)
    place = nodes.new("ShaderNodeTexCoord").outputs[space]
    factor = _factor(nodes, links, place, pattern, scale)
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    # The node has sockets of one name for every type: those of colours are told by their type.
    sockets = {item.name: item for item in mix.inputs if item.type == "RGBA"}
    links.new(factor, mix.inputs[0])
    sockets["A"].default_value, sockets["B"].default_value = (*first, 1.0), (*second, 1.0)
    links.new(next(o for o in mix.outputs if o.type == "RGBA"), shader.inputs["Base Color"])
    if bump > 0:
        node = nodes.new("ShaderNodeBump")
        node.inputs["Strength"].default_value = bump
        node.inputs["Distance"].default_value = 0.01
        links.new(factor, node.inputs["Height"])
        links.new(node.outputs["Normal"], shader.inputs["Normal"])
    return made


def _factor(nodes: Any, links: Any, place: Any, pattern: str, scale: float) -> Any:
    """Return the output of a node that says where the second colour is, 0 to 1."""
    if pattern == "noise":
        node = nodes.new("ShaderNodeTexNoise")
        node.inputs["Scale"].default_value = scale
        node.inputs["Detail"].default_value = 5.0
        return _through_ramp(nodes, links, _linked(links, place, node).outputs[0], 0.35, 0.65)
    if pattern == "checker":
        node = nodes.new("ShaderNodeTexChecker")
        node.inputs["Scale"].default_value = scale
        return _linked(links, place, node).outputs[1]
    if pattern == "bricks":
        node = nodes.new("ShaderNodeTexBrick")
        node.inputs["Scale"].default_value = scale
        return _linked(links, place, node).outputs[1]
    if pattern == "dots":
        node = nodes.new("ShaderNodeTexVoronoi")
        node.inputs["Scale"].default_value = scale
        node.inputs["Randomness"].default_value = 0.0
        return _through_ramp(nodes, links, _linked(links, place, node).outputs[0], 0.34, 0.30)
    if pattern == "plaid":
        across = _waves(nodes, links, place, scale, "X", 0.0)
        along = _waves(nodes, links, place, scale, "Z", 0.0)
        both = nodes.new("ShaderNodeMath")
        both.operation = "MULTIPLY"
        links.new(across, both.inputs[0])
        links.new(along, both.inputs[1])
        return both.outputs[0]
    if pattern == "stripes":
        return _through_ramp(nodes, links, _waves(nodes, links, place, scale, "Z", 0.0), 0.45, 0.55)
    return _waves(nodes, links, place, scale, "DIAGONAL", 4.0)


def _waves(
    nodes: Any, links: Any, place: Any, scale: float, direction: str, distortion: float
) -> Any:
    node = nodes.new("ShaderNodeTexWave")
    node.bands_direction = direction
    # A wave texture repeats 20 / (2 pi) times a unit at scale 1.
    node.inputs["Scale"].default_value = scale * 0.314159
    node.inputs["Distortion"].default_value = distortion
    return _linked(links, place, node).outputs[1]


def _linked(links: Any, place: Any, node: Any) -> Any:
    links.new(place, node.inputs["Vector"])
    return node


def _through_ramp(nodes: Any, links: Any, value: Any, low: float, high: float) -> Any:
    """Return 0 where `value` is below `low` and 1 above `high`; the other way where low > high."""
    node = nodes.new("ShaderNodeMapRange")
    node.inputs["From Min"].default_value, node.inputs["From Max"].default_value = low, high
    links.new(value, node.inputs["Value"])
    return node.outputs[0]


def glass(name: str, colour: Colour = (1.0, 1.0, 1.0), roughness: float = 0.0) -> Any:
    """Return glass."""
    return material(name, colour, roughness, Transmission_Weight=1.0, IOR=1.45)


def metal(name: str, colour: Colour, roughness: float = 0.3) -> Any:
    """Return bare metal."""
    return material(name, colour, roughness, Metallic=1.0)


def wood(name: str, draws: Draws, scale: float = 6.0) -> Any:
    """Return wood with its grain along x."""
    hue, value = draws.uniform("hue", 0.05, 0.1), draws.uniform("value", 0.25, 0.75)
    light, dark = hsv(hue, 0.55, value), hsv(hue, 0.65, value * 0.6)
    return patterned(name, light, dark, "waves", scale=scale, roughness=0.5)


def cloth(name: str, draws: Draws, pattern: str | None = None, scale: float = 20.0) -> Any:
    """Return a fabric of a drawn colour and pattern, without gloss."""
    if pattern is None:
        shares = {"plain": 4, "stripes": 1, "checker": 1, "dots": 1, "plaid": 1, "noise": 1}
        pattern = str(draws.choice("pattern", shares))
    hue, saturation = draws.uniform("hue"), draws.uniform("saturation", 0.0, 0.8)
    first = hsv(hue, saturation, draws.uniform("value", 0.08, 0.9))
    second = hsv(
        hue + draws.uniform("turn", -0.2, 0.2), saturation * 0.8, draws.uniform("other", 0.1, 0.9)
    )
    return patterned(
        name, first, second, pattern, scale=scale, roughness=0.9, Sheen_Weight=0.2, bump=0.05
    )


def is_transparent(made: Any) -> bool:
    """Return whether a material lets light through, wholly or in places."""
    tree = made.node_tree
    if tree is None:
        return False
    for node in tree.nodes:
        if node.type in _SEE_THROUGH:
            return True
        if node.type == "BSDF_PRINCIPLED":
            alpha, through = node.inputs["Alpha"], _transmission(node)
            if alpha.is_linked or alpha.default_value < 1:
                return True
            if through is not None and (through.is_linked or through.default_value > 0):
                return True
    return False


def _transmission(node: Any) -> Any:
    # Called Transmission before Blender 4.
    return node.inputs.get("Transmission Weight") or node.inputs.get("Transmission")
