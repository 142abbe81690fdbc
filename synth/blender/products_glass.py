"""What light passes through: tumblers, wine glasses, wine bottles."""

from typing import Any

import numpy as np

from .choices import Choices
from .colours import BLACK, CREAM, WHITE, contrast, shade
from .paper import Paper
from .shapes import turned
from .surfaces import glass, printed, stuff

WINES = ((0.5, 0.03, 0.09), (0.62, 0.06, 0.12), (0.93, 0.8, 0.36), (0.95, 0.55, 0.48))
DRINKS = ((0.9, 0.5, 0.08), (0.82, 0.16, 0.12), (0.5, 0.26, 0.08), (0.9, 0.82, 0.3))
BOTTLE_GLASS = ((0.06, 0.2, 0.08), (0.3, 0.14, 0.04), (0.55, 0.66, 0.58), (0.1, 0.22, 0.2))


def tumbler(collection: Any, choices: Choices) -> None:
    """Make a drinking glass: a wall with an inside, a thick foot, usually a drink in it."""
    wide = choices.number("wide", 0.5, 0.42, 0.62)
    flare = choices.number("flare", 0.08, -0.04, 0.16)
    tall = choices.number("tall", 1.6, 1.1, 2.0)
    tint = choices.pick("tint", WHITE, WHITE, (0.5, 0.72, 0.8), (0.55, 0.75, 0.55))
    wall = glass("wall", tint, choices.number("clear", 0.97, 0.94, 0.985))
    lip = wide + flare
    outside = [(0.0, 0.0), (wide - 0.03, 0.0), (wide, 0.04), (wide + flare / 2, tall / 2)]
    rim = [(lip, tall - 0.02), (lip - 0.02, tall), (lip - 0.05, tall - 0.02)]
    inside = [(wide - 0.05 + flare / 2, tall / 2), (wide - 0.06, 0.16), (wide - 0.12, 0.12)]
    turned(collection, [*outside, *rim, *inside, (0.0, 0.11)], wall, 6)
    # The foot is thick: it shows as a paler disc.
    foot = glass("foot", shade(tint, 0.95), 0.72, 0.1)
    turned(collection, [(0.0, 0.06), (wide - 0.06, 0.06)], foot, 2)
    edge = glass("edge", WHITE, 0.45, 0.05)
    turned(collection, [(lip + 0.003, tall - 0.02), (lip - 0.02, tall + 0.004)], edge, 2)
    if choices.pick("full", True, True, False):
        drink = choices.pick("drink", *DRINKS)
        level = tall * choices.number("level", 0.62, 0.3, 0.82)
        _liquid(collection, drink, 0.14, level, wide - 0.065, wide - 0.055 + flare * level / tall)
    if choices.pick("printed", False, True, False):
        ink = choices.colour("ink", (0.1, 0.24, 0.56))
        paint = stuff("paint", [ink, shade(ink, 0.85)], 6, rough=0.4)
        for share in choices.pick("rings", (0.7, 0.78), (0.3, 0.7), (0.5,)):
            reach = wide + flare * share + 0.004
            span = [(reach, tall * share), (reach + 0.002, tall * (share + 0.05))]
            turned(collection, span, paint, 2)


def wine_glass(collection: Any, choices: Choices) -> None:
    """Make a glass with a stem, usually with wine in it."""
    form = choices.pick("form", "red", "white", "flute", "coupe")
    bowls = {
        "red": [(0.1, 0.0), (0.42, 0.28), (0.5, 0.6), (0.44, 1.0), (0.37, 1.2)],
        "white": [(0.1, 0.0), (0.33, 0.26), (0.38, 0.6), (0.35, 0.95), (0.31, 1.1)],
        "flute": [(0.08, 0.0), (0.19, 0.25), (0.24, 0.7), (0.23, 1.2), (0.2, 1.5)],
        "coupe": [(0.1, 0.0), (0.4, 0.14), (0.58, 0.34), (0.63, 0.52), (0.63, 0.6)],
    }
    stem = choices.number("stem", 0.95, 0.7, 1.2)
    wall = glass("wall", WHITE, choices.number("clear", 0.98, 0.96, 0.99), 0.01)
    bowl = [(radius, stem + 0.06 + height) for radius, height in bowls[form]]
    lip, top = bowl[-1]
    inner = [(radius - 0.015, height + 0.012) for radius, height in bowl[::-1]]
    turned(collection, [(0.03, stem), *bowl, (lip - 0.008, top + 0.008), *inner], wall, 8)
    solid = glass("solid", (0.85, 0.9, 0.9), 0.55, 0.03)
    foot = [(0.0, 0.0), (0.38, 0.0), (0.4, 0.012), (0.38, 0.025), (0.2, 0.05), (0.06, 0.12)]
    turned(collection, [*foot, (0.035, 0.3), (0.032, stem * 0.7), (0.05, stem + 0.05)], solid, 6)
    edge = glass("edge", WHITE, 0.4, 0.05)
    turned(collection, [(lip + 0.002, top), (lip - 0.008, top + 0.01)], edge, 2)
    if choices.pick("full", True, True, True, False):
        wine = choices.pick("wine", *WINES)
        share = choices.number("level", 0.45, 0.3, 0.62)
        heights = np.array([height for _, height in bowl])
        radii = np.array([radius for radius, _ in bowl])
        level = float(heights[0] + share * (heights[-1] - heights[0]))
        inside = [
            (float(np.interp(z, heights, radii)) - 0.02, float(z))
            for z in np.linspace(heights[0] + 0.03, level, 8)
        ]
        body, surface = _drink(wine)
        turned(collection, [(0.0, inside[0][1]), *inside], body, 3)
        turned(collection, [inside[-1], (0.0, level)], surface, 2)


def wine_bottle(collection: Any, choices: Choices) -> None:
    """Make a bottle of coloured glass that one can see through, with label and capsule."""
    random = choices.random
    tint = choices.pick("tint", *BOTTLE_GLASS)
    form = choices.pick("form", "square", "sloping")
    shoulder = {
        "square": [(0.5, 2.0), (0.46, 2.2), (0.26, 2.42), (0.19, 2.6)],
        "sloping": [(0.5, 1.6), (0.44, 2.0), (0.31, 2.35), (0.21, 2.7)],
    }[form]
    wall = glass("wall", tint, choices.number("clear", 0.42, 0.3, 0.6), 0.03)
    body = [(0.0, 0.04), (0.3, 0.02), (0.47, 0.0), (0.5, 0.05), (0.5, 1.0), *shoulder]
    turned(collection, [*body, (0.185, 3.1), (0.2, 3.12), (0.2, 3.2), (0.0, 3.21)], wall)
    if choices.pick("full", True, True, False):
        wine = choices.pick("wine", *WINES)
        inside = [(0.0, 0.1), (0.44, 0.09), (0.46, 0.2), (0.46, 1.0)]
        inside += [(radius - 0.045, height) for radius, height in shoulder]
        turned(collection, [*inside, (0.0, shoulder[-1][1])], _drink(wine)[0], 6)
    cap = choices.colour("capsule", (0.45, 0.08, 0.1))
    tones = [cap, shade(cap, 0.8)]
    foil = stuff("capsule", tones, 9, rough=0.35, metal=choices.pick("foil", 0.0, 0.8), bump=0.05)
    turned(
        collection, [(0.19, 2.66), (0.195, 3.09), (0.21, 3.12), (0.21, 3.22), (0.0, 3.23)], foil, 3
    )
    ground = choices.colour("label", CREAM, dark=0.2)
    paper = Paper(random, 1600, 640, ground)
    ink, accent = contrast(ground), choices.colour("accent", (0.6, 0.12, 0.14))
    for y in (0.06, 0.92):
        paper.box(0, y, 1, y + 0.02, accent)
    design = choices.pick("design", "house", "sun", "stripes")
    if design == "house":
        paper.box(0.44, 0.3, 0.56, 0.5, accent)
        paper.ribbon([(0.42, 0.3), (0.5, 0.18), (0.58, 0.3)], 0.03, ink)
        for x in (0.465, 0.495, 0.525):
            paper.box(x, 0.36, x + 0.012, 0.44, ground)
    elif design == "sun":
        paper.bloom(0.5, 0.34, 0.14, accent, 14)
        paper.bloom(0.5, 0.34, 0.1, ground)
        paper.bloom(0.5, 0.34, 0.08, accent)
    else:
        for y in (0.16, 0.24, 0.32, 0.4):
            paper.box(0.3, y, 0.7, y + 0.035, accent)
    paper.words(choices.word("Kaloren"), 0.5, 0.62, 0.16, ink)
    paper.words(choices.pick("year", "2014", "2018", "2021", "reserve"), 0.5, 0.78, 0.09, accent)
    paper.box(0.86, 0.2, 0.99, 0.5, WHITE)
    paper.small_print(0.925, 0.22, 0.48, 0.04, BLACK)
    paper.bars(0.02, 0.3, 0.14, 0.6)
    low = choices.number("low", 0.5, 0.3, 0.6)
    turned(collection, [(0.505, low), (0.505, low + 0.95)], printed("label", paper, rough=0.7), 3)


def _drink(colour: tuple[float, float, float]) -> tuple[Any, Any]:
    """Return the materials of a drink and of its surface: dark ones hide what is behind them."""
    clear = 0.12 if sum(colour) < 1.2 else 0.4
    return glass("drink", colour, clear, 0.3), glass("level", shade(colour, 1.1), clear / 2, 0.3)


def _liquid(
    collection: Any, colour: Any, low: float, high: float, under: float, over: float
) -> None:
    """Fill a straight glass between two heights, with radii below and above."""
    body, surface = _drink(colour)
    turned(collection, [(0.0, low), (under, low), (under, low + 0.02), (over, high)], body, 2)
    turned(collection, [(over, high), (0.0, high)], surface, 2)
