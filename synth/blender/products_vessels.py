"""Bottles, mugs, vases and teapots."""

import math
from typing import Any

import numpy as np

from .choices import Choices
from .colours import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    GAUDY,
    GREEN,
    ORANGE,
    RED,
    TEAL,
    WHITE,
    YELLOW,
    Colour,
    contrast,
    readable,
    shade,
)
from .labels import label
from .paper import Paper
from .shapes import curved, grid, lump, tube, turned
from .surfaces import printed, stuff

# (radius, height) of the body from the bottom up, the cap's radius, bottom and top, and where the
# label lies: radius, from, to.
BOTTLES = {
    "syrup": (
        ((0.66, 0.0), (0.7, 0.06), (0.7, 1.0), (0.7, 1.75), (0.62, 2.05), (0.36, 2.35),
         (0.25, 2.6), (0.24, 3.0)),
        (0.31, 2.78, 3.26),
        (0.705, 0.35, 1.6),
    ),
    "sauce": (
        ((0.5, 0.0), (0.55, 0.06), (0.55, 0.7), (0.55, 1.5), (0.5, 1.9), (0.34, 2.5), (0.2, 3.0),
         (0.18, 3.3)),
        (0.24, 3.1, 3.5),
        (0.555, 0.3, 1.45),
    ),
    "flask": (
        ((0.82, 0.0), (0.86, 0.07), (0.86, 0.6), (0.86, 1.15), (0.72, 1.5), (0.38, 1.72),
         (0.33, 1.85), (0.33, 2.1)),
        (0.42, 1.95, 2.4),
        (0.865, 0.22, 1.05),
    ),
    "shampoo": (
        ((0.55, 0.0), (0.6, 0.07), (0.62, 0.9), (0.62, 1.7), (0.58, 2.2), (0.4, 2.36), (0.3, 2.4),
         (0.3, 2.5)),
        (0.46, 2.4, 2.85),
        (0.625, 0.3, 1.95),
    ),
    "spice": (
        ((0.6, 0.0), (0.62, 0.05), (0.62, 0.5), (0.62, 1.2), (0.6, 1.36), (0.52, 1.46),
         (0.5, 1.5), (0.5, 1.6)),
        (0.6, 1.5, 2.0),
        (0.625, 0.25, 1.1),
    ),
}  # fmt: skip

GLASSES = (
    ((0.16, 0.07, 0.03), (0.3, 0.13, 0.05)),
    ((0.05, 0.16, 0.08), (0.1, 0.28, 0.14)),
    ((0.06, 0.1, 0.24), (0.12, 0.2, 0.42)),
    ((0.92, 0.91, 0.88), (0.84, 0.83, 0.8)),
    ((0.7, 0.3, 0.08), (0.86, 0.5, 0.14)),
    ((0.5, 0.08, 0.06), (0.64, 0.14, 0.1)),
)


def bottle(collection: Any, choices: Choices) -> None:
    """Make a bottle with label and ribbed cap; usually a brown one of syrup."""
    form = choices.pick("form", *BOTTLES)
    body, (grip, low, high), (reach, bottom, top) = BOTTLES[form]
    wide, tall = choices.number("wide", 1.0, 0.9, 1.12), choices.number("tall", 1.0, 0.9, 1.15)
    tones = list(choices.pick("glass", *GLASSES))
    glass = stuff("glass", tones, 2.5, rough=choices.number("gloss", 0.2, 0.15, 0.45), bump=0.03)
    profile = [(0.0, 0.0), *((wide * radius, tall * height) for radius, height in body)]
    turned(collection, profile, glass)
    red = choices.colour("cap", RED)
    other = (0.6, 0.08, 0.08) if red == RED else shade(red, 0.8)
    cap = stuff("cap", [red, other], 9, rough=0.4)
    low, high, thin, thick = low * tall, high * tall, grip - 0.01, grip
    if form == "syrup":
        lid = [(0.3, low), (0.31, low + 0.02), (0.31, high - 0.06), (0.29, high - 0.01)]
    else:
        lid = [(thin, low), (thick, low + 0.02), (thick, high - 0.06), (thick - 0.02, high - 0.01)]
    turned(collection, [*lid, (0.0, high)], cap, 2)
    if choices.pick("ribs", True, True, False):
        for angle in np.linspace(0, 2 * math.pi, 36, endpoint=False):
            x, y = grip * math.cos(angle), grip * math.sin(angle)
            tube(collection, [(x, y, low + 0.02), (x, y, high - 0.08)], 0.018, cap, 1)
    paper = label(choices, choices.pick("design", "fruit", "bands", "badge", "blooms", "slant"))
    around = [(wide * reach, tall * bottom), (wide * reach, tall * top)]
    turned(collection, around, printed("label", paper, rough=0.6), 4)


def mug(collection: Any, choices: Choices) -> None:
    """Make a mug, usually speckled, with a bear on one side and a saying on the other."""
    random = choices.random
    ground = choices.colour("ground", CREAM, dark=0.3)
    accent = choices.colour("accent", TEAL)
    paper = Paper(random, 2048, 700, ground)
    motif = choices.pick("motif", "bear", "stripes", "flowers", "dots", "face", "bear")
    speckle = BROWN if ground == CREAM else shade(ground, 0.5)
    if choices.pick("speckled", True, False):
        for x, y in random.uniform(0, 1, (420, 2)):
            paper.bloom(float(x), float(y), float(random.uniform(0.002, 0.007)), speckle)
    paper.box(0, 0.9, 1, 1, accent)
    if motif == "bear":
        _bear(paper, choices.colour("fur", ORANGE), choices.colour("ears", BROWN))
    elif motif == "face":
        ink = contrast(ground)
        for at in (-0.06, 0.06):
            paper.bloom(0.42 + at, 0.4, 0.05, ink)
        paper.ribbon([(0.34, 0.58), (0.42, 0.68), (0.5, 0.58)], 0.03, ink)
        for at in (-0.1, 0.1):
            paper.bloom(0.42 + at, 0.54, 0.06, choices.colour("cheek", (0.9, 0.55, 0.62)))
    elif motif == "stripes":
        colours = choices.colours("stripe", [RED, BLUE, YELLOW])
        for number, y in enumerate(np.arange(0.08, 0.85, 0.11)):
            paper.box(0, float(y), 1, float(y) + 0.06, colours[number % 3])
    elif motif == "dots":
        colours = choices.colours("dot", [RED, TEAL, ORANGE])
        for number, x in enumerate(np.arange(0.0, 1.0, 0.05)):
            for row, y in enumerate(np.arange(0.12, 0.86, 0.18)):
                at = float(x) + 0.025 * (row % 2)
                paper.bloom(at, float(y), 0.055, colours[(number + row) % 3])
    else:
        paper.scatter(60, 0.13, choices.colours("flower", [RED, TEAL, BLUE, ORANGE, WHITE]))
    if motif in ("bear", "face"):
        sayings = (("slow", "mornings"), ("good", "day"), ("more", "coffee"), ("hello", "you"),
                   ("tea", "first"), ("best", "aunt"))  # fmt: skip
        above, below = choices.pick("saying", *sayings)
        paper.words(above, 0.66, 0.3, 0.2, readable(choices.colour("above", BLUE), ground))
        paper.words(below, 0.66, 0.5, 0.17, readable(choices.colour("below", RED), ground))
        paper.ribbon([(0.57, 0.68), (0.63, 0.63), (0.68, 0.7), (0.76, 0.64)], 0.02, accent)
    if motif == "bear":
        for x in (0.08, 0.16, 0.24, 0.85, 0.93):
            y = float(random.uniform(0.3, 0.7))
            paper.ribbon([(x, 0.9), (x + 0.01, 0.7), (x, y)], 0.015, GREEN)
            paper.bloom(x, y, 0.09, GAUDY[int(x * 40) % 7], 5 + int(x * 100) % 3)
            paper.bloom(x, y, 0.03, YELLOW)
    outside = printed("outside", paper, rough=0.25, bump=0.06, worn=0.1)
    flare = choices.number("flare", 0.0, -0.08, 0.12)
    belly = choices.number("belly", 0.0, -0.04, 0.1)
    tall = choices.number("tall", 1.0, 0.72, 1.15)
    lip = 0.8 + flare
    sides = [(0.74, 0.05), (0.8, 0.12), (0.82 + belly, 1.0 * tall), (lip, 1.85 * tall)]
    turned(collection, sides, outside)
    dark = (0.06, 0.36, 0.4) if accent == TEAL else shade(accent, 0.75)
    glaze = stuff("glaze", [accent, dark], 4, rough=0.25, bump=0.05)
    top = 1.85 * tall
    rim = [(lip, top), (lip - 0.01, top + 0.03), (lip - 0.04, top + 0.03), (lip - 0.06, top)]
    inner = [(0.74 + belly + flare / 2, 0.9 * tall), (0.7, 0.2), (0.0, 0.15)]
    turned(collection, [*rim, *inner], glaze, 3)
    turned(collection, [(0.0, 0.0), (0.7, 0.0), (0.74, 0.05)], glaze, 2)
    ear = [(0.76, 0, 0.35), (1.05, 0, 0.38), (1.33, 0, 0.9), (1.1, 0, 1.5), (0.77, 0, 1.5)]
    grown = choices.number("ear", 1.0, 0.8, 1.15)
    ear = [(0.76 + (x - 0.76) * grown + belly * 0.6, y, z * tall) for x, y, z in ear]
    tube(collection, ear, 0.11 * choices.number("grip", 1.0, 0.75, 1.15), glaze)


def _bear(paper: Paper, fur: Colour, dark: Colour) -> None:
    """Draw a bear's face."""
    for ear in (-1, 1):
        paper.bloom(0.4 + 0.055 * ear, 0.33, 0.1, fur)
        paper.bloom(0.4 + 0.055 * ear, 0.33, 0.05, dark)
    paper.bloom(0.4, 0.52, 0.24, fur)
    paper.bloom(0.4, 0.62, 0.14, WHITE)
    paper.bloom(0.4, 0.58, 0.04, BLACK)
    for eye in (-1, 1):
        paper.bloom(0.4 + 0.03 * eye, 0.47, 0.03, BLACK)


# (radius, height) above the foot.
VASES = (
    ((0.42, 0.0), (0.45, 0.1), (0.75, 0.7), (0.86, 1.15), (0.72, 1.6), (0.35, 1.95), (0.33, 2.15),
     (0.46, 2.3)),
    ((0.4, 0.0), (0.42, 0.1), (0.5, 0.6), (0.62, 1.2), (0.74, 1.7), (0.6, 2.05), (0.42, 2.2),
     (0.48, 2.3)),
    ((0.55, 0.0), (0.6, 0.1), (0.85, 0.5), (0.88, 0.85), (0.6, 1.25), (0.3, 1.55), (0.26, 2.0),
     (0.42, 2.3)),
    ((0.45, 0.0), (0.47, 0.1), (0.5, 0.6), (0.52, 1.1), (0.5, 1.6), (0.44, 1.95), (0.42, 2.15),
     (0.5, 2.3)),
)  # fmt: skip


def vase(collection: Any, choices: Choices) -> None:
    """Make a painted vase with twigs in it, usually of blue flowers and with two handles."""
    random = choices.random
    ground = choices.colour("ground", (0.9, 0.9, 0.88), dark=0.25)
    ink = choices.colour("ink", (0.12, 0.2, 0.5))
    second = choices.colour("second", (0.3, 0.42, 0.7))
    accent = choices.colour("accent", RED)
    leaf = choices.colour("leaf", TEAL)
    paper = Paper(random, 2048, 1400, ground)
    pattern = choices.pick("pattern", "vines", "rings", "zigzag", "vines", "flowers")
    if pattern == "vines":
        for x in np.linspace(0, 1, 8, endpoint=False):
            path = np.c_[x + random.uniform(-0.05, 0.05, 6), np.linspace(0.88, 0.3, 6)]
            paper.ribbon([(float(a), float(b)) for a, b in path], 0.008, ink)
            for a, b in path[1:]:
                size = float(random.uniform(0.03, 0.075))
                colour = (ink, second, accent)[int(random.integers(3))]
                paper.bloom(float(a), float(b), size, colour, int(random.integers(4, 9)))
                paper.bloom(float(a), float(b), size / 3, ground)
                paper.bloom(float(a) + 0.03, float(b) + 0.05, 0.025, leaf, 2, float(b) * 20)
    elif pattern == "flowers":
        paper.scatter(70, 0.08, [ink, second, accent, leaf])
    elif pattern == "rings":
        for number, y in enumerate(np.arange(0.3, 0.9, 0.075)):
            colour = (ink, accent, second, leaf)[number % 4]
            paper.box(0, float(y), 1, float(y) + float(random.uniform(0.015, 0.05)), colour)
    else:
        for number, y in enumerate((0.42, 0.55, 0.68, 0.8)):
            colour = (ink, accent, second, leaf)[number]
            points = [(0.04 * at, y + 0.045 * (-1) ** at) for at in range(26)]
            paper.ribbon(points, 0.025, colour)
    for y, colour in ((0.9, ink), (0.94, accent), (0.25, ink), (0.1, ink), (0.02, accent)):
        paper.box(0, y, 1, y + 0.02, colour)
    for x in np.linspace(0, 1, 40, endpoint=False):
        high = float(random.uniform(0.03, 0.06))
        paper.bloom(float(x), 0.185, high, ink if random.uniform() < 0.7 else accent, 3)
    glaze = printed("glaze", paper, rough=0.2, bump=0.04, worn=0.08)
    body = choices.pick("form", *VASES)
    wide = choices.number("wide", 1.0, 0.82, 1.12)
    body = [(0.0, 0.0), *((wide * radius, height) for radius, height in body)]
    turned(collection, body, glaze)
    usual = ink == (0.12, 0.2, 0.5)
    tones = [(0.25, 0.3, 0.5), (0.18, 0.22, 0.42)] if usual else [ink, shade(ink, 0.75)]
    plain_glaze = stuff("inside", tones, rough=0.3)
    lip, neck = body[-1][0], body[-2][0]
    inside = [(lip, 2.3), (lip - 0.02, 2.32), (lip - 0.05, 2.28), (neck - 0.04, 2.1)]
    turned(collection, [*inside, (neck - 0.03, 1.9)], plain_glaze)
    if choices.pick("handles", True, False, False):
        for side in (-1, 1):
            shoulder = float(np.interp(1.45, *np.array(body)[1:, ::-1].T))
            last = 0.78 if wide == 1.0 else shoulder - 0.02
            ear = [(neck, 0, 2.1), (0.62, 0, 2.15), (0.92, 0, 1.85), (last, 0, 1.45)]
            tube(collection, np.array(ear) * (side, 1, 1), 0.06, plain_glaze)
    bark = stuff("bark", [BROWN, (0.5, 0.36, 0.22)], 12, rough=0.9)
    berries = [stuff("berry", [colour], rough=0.4) for colour in GAUDY[:5]]
    if choices.pick("one kind", False, True):
        berries = [berries[choices.pick("kind", 0, 1, 2, 3, 4)]] * 5
    for _ in range(choices.pick("twigs", 7, 0, 5, 9)):
        lean = random.normal(0, 0.35, 2)
        path = np.array([(0, 0, 1.9), (*lean * 0.4, 2.5), (*lean, 3.0), (*lean * 1.6, 3.3)])
        tube(collection, path, 0.015, bark)
        for at in curved(path, 6)[8:]:
            berry = berries[int(random.integers(5))]
            nudge = random.normal(0, 0.04, 3)
            size = float(random.uniform(0.03, 0.065))
            steps = (64, 32) if choices.usual else (24, 12)
            lump(collection, berry, size, tuple(at + nudge), 1.0, steps)


def teapot(collection: Any, choices: Choices) -> None:
    """Make a round teapot with a lid, a spout and a handle."""
    random = choices.random
    ground = choices.colour("ground", (0.55, 0.72, 0.82), dark=0.2)
    ink = choices.colour("ink", BLUE)
    paper = Paper(random, 1600, 700, ground)
    pattern = choices.pick("pattern", "flowers", "dots", "band", "plain")
    if pattern == "flowers":
        paper.scatter(40, 0.14, [ink, choices.colour("accent", RED), WHITE, YELLOW])
    elif pattern == "dots":
        for row, y in enumerate(np.arange(0.1, 1.0, 0.13)):
            for x in np.arange(0.0, 1.0, 0.05):
                paper.bloom(float(x) + 0.025 * (row % 2), float(y), 0.035, ink)
    elif pattern == "band":
        paper.box(0, 0.4, 1, 0.62, ink)
        paper.words(choices.word("Fenby").upper(), 0.5, 0.51, 0.15, contrast(ink))
        paper.words(choices.word("Fenby").upper(), 0.02, 0.51, 0.15, contrast(ink))
    glaze = printed("glaze", paper, rough=0.2, bump=0.03, worn=0.08)
    plain_glaze = stuff("plain", [ground, shade(ground, 0.92)], 4, rough=0.2, bump=0.03, worn=0.08)
    trim = stuff("trim", [ink, shade(ink, 0.8)], 6, rough=0.25, bump=0.03)
    round_by = choices.number("round", 1.0, 0.85, 1.15)
    belly = [(0.0, 0.0), (0.55, 0.0), (0.6, 0.06), (0.88 * round_by, 0.45), (0.92 * round_by, 0.8),
             (0.7 * round_by, 1.22), (0.42, 1.38)]  # fmt: skip
    turned(collection, belly, glaze)
    turned(collection, [(0.46, 1.36), (0.47, 1.41), (0.36, 1.5), (0.12, 1.58), (0.0, 1.59)], trim)
    lump(collection, trim, 0.11, (0.0, 0.0, 1.67), choices.number("knob", 1.0, 0.7, 1.2), (32, 16))
    reach = 0.86 * round_by
    rise = choices.number("rise", 1.35, 1.2, 1.5)
    way = [(reach - 0.1, 0, 0.5), (reach + 0.22, 0, 0.62), (reach + 0.4, 0, 1.0),
           (reach + 0.6, 0, rise)]  # fmt: skip
    centres = curved(way, 8)
    thick = np.interp(np.linspace(0, 1, len(centres)), (0, 0.5, 1), (0.24, 0.14, 0.09))
    spout(collection, centres, thick, plain_glaze)
    ear = [(-reach + 0.08, 0, 1.1), (-reach - 0.25, 0, 1.2), (-reach - 0.48, 0, 0.85),
           (-reach - 0.3, 0, 0.45), (-reach + 0.1, 0, 0.38)]  # fmt: skip
    tube(collection, ear, 0.075, choices.pick("ear", plain_glaze, trim))


def spout(collection: Any, centres: Any, radius: Any, material: Any) -> None:
    """Add an open pipe in the x-z plane: n x 3 centres and its radius at each."""
    along = np.gradient(centres, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.stack([-along[:, 2], 0 * along[:, 0], along[:, 0]], axis=-1)
    angle = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    ring = np.cos(angle)[:, None] * across[:, None] + np.sin(angle)[:, None] * np.array(
        (0.0, 1.0, 0)
    )
    outer = centres[:, None] + radius[:, None, None] * ring
    inner = centres[::-1, None] + 0.75 * radius[::-1, None, None] * ring
    grid(collection, np.concatenate([outer, inner[: len(inner) // 2]]), material)
