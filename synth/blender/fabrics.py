"""Shader recipes of people: skin, eyes, hair, and cloth with its weave and print."""

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from .draws import Draws
from .materials import Colour, hsv, material, shader_of

Floats = npt.NDArray[np.float64]

_DARK = (0.03, 0.03, 0.035)


def skin(name: str) -> Any:
    """Return skin whose colour is the mesh's attribute "tone", mottled."""
    made = material(name, (0.5, 0.3, 0.2), 0.48)
    nodes, links = made.node_tree.nodes, made.node_tree.links
    shader = shader_of(made)
    shader.inputs["Specular IOR Level"].default_value = 0.42
    tone = nodes.new("ShaderNodeAttribute")
    tone.attribute_name = "tone"
    noise = _noise(nodes, links, 95.0, 3.0)
    level = nodes.new("ShaderNodeMapRange")
    level.inputs["To Min"].default_value, level.inputs["To Max"].default_value = 0.90, 1.10
    links.new(noise.outputs[0], level.inputs["Value"])
    scaled = nodes.new("ShaderNodeVectorMath")
    scaled.operation = "SCALE"
    links.new(tone.outputs["Color"], scaled.inputs[0])
    links.new(level.outputs[0], scaled.inputs["Scale"])
    links.new(scaled.outputs[0], shader.inputs["Base Color"])
    _bump(nodes, links, shader, _noise(nodes, links, 900.0, 2.0).outputs[0], 0.12, 0.0006)
    return made


def _noise(nodes: Any, links: Any, scale: float, detail: float) -> Any:
    place = nodes.new("ShaderNodeTexCoord")
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = detail
    links.new(place.outputs["Object"], noise.inputs["Vector"])
    return noise


def _bump(
    nodes: Any, links: Any, shader: Any, height: Any, strength: float, distance: float
) -> None:
    bump = nodes.new("ShaderNodeBump")
    bump.inputs["Strength"].default_value = strength
    bump.inputs["Distance"].default_value = distance
    links.new(height, bump.inputs["Height"])
    links.new(bump.outputs["Normal"], shader.inputs["Normal"])


IRISES: Mapping[Colour, float] = {
    (0.060, 0.026, 0.011): 5.0,
    (0.110, 0.052, 0.018): 2.0,
    (0.075, 0.085, 0.030): 1.0,
    (0.070, 0.125, 0.190): 1.5,
    (0.100, 0.120, 0.125): 0.7,
}


def eye(name: str, iris: Colour, share: float) -> Any:
    """Return an eyeball: white, iris with a dark rim, pupil, all under a wet coat.

    Parameters
    ----------
    name, iris
        The iris in linear light.
    share
        Sine of the half angle that the iris takes; it looks along the object's -y.
    """
    made = material(name, (0.8, 0.76, 0.73), 0.25, Coat_Weight=1.0, Coat_Roughness=0.02)
    nodes, links = made.node_tree.nodes, made.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    unit = nodes.new("ShaderNodeVectorMath")
    unit.operation = "NORMALIZE"
    links.new(place.outputs["Object"], unit.inputs[0])
    flat = nodes.new("ShaderNodeVectorMath")
    flat.operation = "MULTIPLY"
    flat.inputs[1].default_value = (1.0, 0.0, 1.0)
    links.new(unit.outputs[0], flat.inputs[0])
    radius = nodes.new("ShaderNodeVectorMath")
    radius.operation = "LENGTH"
    links.new(flat.outputs[0], radius.inputs[0])
    ramp = nodes.new("ShaderNodeValToRGB")
    links.new(radius.outputs["Value"], ramp.inputs[0])
    stops = ramp.color_ramp.elements
    black = (0.004, 0.004, 0.004, 1.0)
    rim = tuple(0.25 * level for level in iris)
    white = (0.72, 0.68, 0.655, 1.0)
    stops[0].position, stops[0].color = 0.0, black
    stops[1].position, stops[1].color = 1.0, (0.62, 0.50, 0.46, 1.0)
    for position, colour in (
        (0.36 * share, black),
        (0.44 * share, (*(0.8 * level for level in iris), 1.0)),
        (0.75 * share, (*iris, 1.0)),
        (0.93 * share, (*rim, 1.0)),
        (1.05 * share, white),
        (0.72, white),
    ):
        stop = stops.new(position)
        stop.color = colour
    links.new(ramp.outputs[0], shader_of(made).inputs["Base Color"])
    return made


def hair(name: str, melanin: float, redness: float, roughness: float = 0.32) -> Any:
    """Return hair by its pigment (Principled Hair, melanin)."""
    made = bpy.data.materials.new(name)
    if not made.node_tree:
        made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    out = nodes.new("ShaderNodeOutputMaterial")
    shader = nodes.new("ShaderNodeBsdfHairPrincipled")
    shader.parametrization = "MELANIN"
    for key, value in {
        "Melanin": melanin,
        "Melanin Redness": redness,
        "Roughness": roughness,
        "Random Color": 0.25,
        "Random Roughness": 0.2,
    }.items():
        shader.inputs[key].default_value = value
    links.new(shader.outputs[0], out.inputs["Surface"])
    return made


def _attribute(nodes: Any, links: Any) -> tuple[Any, Any]:
    """Return the outputs around and along the cloth, metres."""
    cloth = nodes.new("ShaderNodeAttribute")
    cloth.attribute_name = "cloth"
    split = nodes.new("ShaderNodeSeparateXYZ")
    links.new(cloth.outputs["Vector"], split.inputs[0])
    return split.outputs[0], split.outputs[1]


def _math(nodes: Any, links: Any, operation: str, first: Any, second: Any = None) -> Any:
    node = nodes.new("ShaderNodeMath")
    node.operation = operation
    for slot, value in zip(node.inputs, (first, second), strict=False):
        if value is None:
            continue
        if isinstance(value, float):
            slot.default_value = value
        else:
            links.new(value, slot)
    return node.outputs[0]


def _stripe(nodes: Any, links: Any, along: Any, period: float, share: float) -> Any:
    """Return 1 within a share of each period of a length, else 0."""
    place = _math(nodes, links, "FRACT", _math(nodes, links, "DIVIDE", along, period))
    return _math(nodes, links, "LESS_THAN", place, share)


def _mixed(nodes: Any, links: Any, factor: Any, first: Any, second: Any) -> Any:
    node = nodes.new("ShaderNodeMix")
    node.data_type = "RGBA"
    sockets = {item.name: item for item in node.inputs if item.type == "RGBA"}
    links.new(factor, node.inputs[0])
    for slot, value in (("A", first), ("B", second)):
        if isinstance(value, tuple):
            sockets[slot].default_value = (*value, 1.0)
        else:
            links.new(value, sockets[slot])
    return next(out for out in node.outputs if out.type == "RGBA")


def cloth(name: str, first: Colour, second: Colour, weave: str, print_: str, period: float) -> Any:
    """Return cloth.

    Parameters
    ----------
    name, first, second
        Colours of ground and print in linear light.
    weave
        "plain", "denim", "knit" or "leather".
    print_
        "plain", "stripes", "pinstripes", "checks", "gingham", "blocks" or "spots".
    period
        Repeat of the print, metres.
    """
    rough = {"leather": 0.42, "denim": 0.9, "knit": 0.95}.get(weave, 0.85)
    sheen = 0.0 if weave == "leather" else 0.12
    made = material(name, first, rough, Sheen_Weight=sheen)
    nodes, links = made.node_tree.nodes, made.node_tree.links
    shader = shader_of(made)
    around, along = _attribute(nodes, links)
    colour: Any = None
    if print_ == "stripes":
        colour = _mixed(nodes, links, _stripe(nodes, links, along, period, 0.5), first, second)
    elif print_ == "blocks":
        colour = _mixed(nodes, links, _stripe(nodes, links, along, 0.52, 0.42), first, second)
    elif print_ == "pinstripes":
        colour = _mixed(
            nodes,
            links,
            # No stripe runs down the middle, where both halves of the print meet.
            _stripe(
                nodes, links, _math(nodes, links, "ADD", around, 0.25 * period), period / 2, 0.14
            ),
            first,
            second,
        )
    elif print_ in ("checks", "gingham"):
        share = 0.5 if print_ == "gingham" else 0.3
        bars = _math(
            nodes,
            links,
            "ADD",
            _stripe(nodes, links, around, period, share),
            _stripe(nodes, links, along, period, share),
        )
        colour = _mixed(nodes, links, _math(nodes, links, "MULTIPLY", bars, 0.5), first, second)
    elif print_ == "spots":
        u = _math(nodes, links, "FRACT", _math(nodes, links, "DIVIDE", around, period))
        v = _math(nodes, links, "FRACT", _math(nodes, links, "DIVIDE", along, period))
        du = _math(nodes, links, "POWER", _math(nodes, links, "SUBTRACT", u, 0.5), 2.0)
        dv = _math(nodes, links, "POWER", _math(nodes, links, "SUBTRACT", v, 0.5), 2.0)
        spot = _math(nodes, links, "LESS_THAN", _math(nodes, links, "ADD", du, dv), 0.06)
        colour = _mixed(nodes, links, spot, first, second)
    if weave in ("denim", "knit"):
        # Worn and uneven: a slow noise lightens and darkens the ground.
        worn = _noise(nodes, links, 14.0 if weave == "denim" else 60.0, 4.0)
        pale = _scaled(first, 1.7, 0.012)
        level = nodes.new("ShaderNodeMapRange")
        level.inputs["From Min"].default_value, level.inputs["From Max"].default_value = 0.35, 0.75
        links.new(worn.outputs[0], level.inputs["Value"])
        ground = _mixed(nodes, links, level.outputs[0], first if colour is None else colour, pale)
        colour = ground if print_ == "plain" else colour
    if colour is not None:
        links.new(colour, shader.inputs["Base Color"])
    crumple = _noise(nodes, links, 26.0 if weave != "knit" else 40.0, 3.0)
    _bump(nodes, links, shader, crumple.outputs[0], 0.5 if weave != "leather" else 0.2, 0.012)
    return made


def _scaled(colour: Colour, by: float, plus: float) -> Colour:
    red, green, blue = (min(1.0, by * level + plus) for level in colour)
    return red, green, blue


def _muted(draws: Draws, name: str) -> Colour:
    """Return a colour people wear: much grey, navy, white and black, some that shines."""
    kind = draws.choice(
        f"{name} kind", {"grey": 2.0, "navy": 1.5, "earth": 1.5, "white": 1.5, "bright": 2.5}
    )
    value = draws.uniform(f"{name} value")
    if kind == "grey":
        return hsv(draws.uniform(name), 0.05, 0.12 + 0.6 * value)
    if kind == "navy":
        return hsv(draws.uniform(name, 0.58, 0.66), 0.6, 0.16 + 0.3 * value)
    if kind == "earth":
        return hsv(draws.uniform(name, 0.05, 0.14), 0.3 + 0.3 * value, 0.25 + 0.5 * value)
    if kind == "white":
        return hsv(draws.uniform(name), 0.04, 0.70 + 0.16 * value)
    return hsv(draws.uniform(name), 0.45 + 0.35 * value, 0.35 + 0.5 * draws.uniform(f"{name} b"))


def _contrasting(first: Colour, draws: Draws) -> Colour:
    """Return a second colour that can be told from the first."""
    bright = float(np.dot(first, (0.21, 0.72, 0.07)))
    second = _muted(draws, "second")
    if abs(float(np.dot(second, (0.21, 0.72, 0.07))) - bright) > 0.12:
        return second
    return _DARK if bright > 0.2 else (0.72, 0.70, 0.66)


_PRINTS: Mapping[str, Mapping[str, float]] = {
    "t_shirt": {"plain": 3.0, "stripes": 1.5, "blocks": 0.6, "spots": 0.3},
    "tank_top": {"plain": 3.0, "stripes": 1.0},
    "shirt": {"plain": 1.5, "checks": 1.2, "gingham": 1.0, "pinstripes": 1.0},
    "sweater": {"plain": 2.5, "stripes": 1.5, "blocks": 0.7},
    "hoodie": {"plain": 3.0, "blocks": 0.5},
    "dress": {"plain": 1.5, "spots": 1.0, "stripes": 0.7, "checks": 0.5},
    "skirt": {"plain": 2.0, "checks": 1.0, "spots": 0.4},
    "trousers": {"plain": 3.0, "pinstripes": 0.7},
    "coat": {"plain": 3.0, "checks": 0.6},
}


def garment(name: str, draws: Draws) -> tuple[Any, Any]:
    """Return the fabrics of a garment and of its trims.

    Parameters
    ----------
    name
        As in the catalogue.
    draws
        The draws of the garment.
    """
    print_ = draws.choice("print", _PRINTS.get(name, {"plain": 1.0}))
    period = draws.uniform("period", 0.028, 0.075)
    if name == "jeans":
        hue, value = draws.uniform("hue", 0.58, 0.63), draws.uniform("wash", 0.14, 0.5)
        first = hsv(hue, 0.55 if value > 0.2 else 0.3, value)
        return cloth(name, first, first, "denim", "plain", period), None
    if name in ("trousers", "shorts", "leggings"):
        first = _muted(draws, "first")
        if name == "leggings":
            first = hsv(draws.uniform("hue"), 0.25, draws.uniform("value", 0.08, 0.3))
        second = _scaled(first, 1.8, 0.03)
        return cloth(name, first, second, "plain", print_, period), None
    weave = {"sweater": "knit", "hoodie": "knit", "coat": "knit"}.get(name, "plain")
    if name == "jacket":
        weave = draws.choice("weave", {"denim": 1.0, "leather": 1.0, "plain": 1.5})
    first = _muted(draws, "first")
    if weave == "leather":
        first = draws.choice("hide", ((0.012, 0.011, 0.010), (0.06, 0.025, 0.012)))
    if weave == "denim":
        first = hsv(draws.uniform("hue", 0.58, 0.62), 0.5, draws.uniform("wash", 0.2, 0.45))
    second = _contrasting(first, draws)
    made = cloth(name, first, second, weave, print_, period)
    contrast = name in ("t_shirt", "tank_top") and draws.chance("ringer", 0.3)
    rim = second if contrast else _scaled(first, 0.82, 0.0)
    return made, cloth(f"{name} trim", rim, rim, weave, "plain", period)


def footwear(name: str, draws: Draws) -> tuple[Any, Any, Any]:
    """Return the materials of upper, sole and sock."""
    if name == "sneakers":
        upper = cloth("upper", _muted(draws, "first"), _DARK, "plain", "plain", 0.1)
        sole = material("sole", (0.72, 0.71, 0.68), 0.6)
        sock = material("sock", (0.75, 0.75, 0.74), 0.95)
    else:
        hide = draws.choice(
            "hide", ((0.012, 0.011, 0.010), (0.075, 0.030, 0.012), (0.13, 0.07, 0.035))
        )
        upper = cloth("upper", hide, _DARK, "leather", "plain", 0.1)
        sole = material("sole", (0.03, 0.025, 0.022), 0.6)
        sock = material("sock", hsv(draws.uniform("sock"), 0.3, 0.15), 0.95)
    return upper, sole, sock
