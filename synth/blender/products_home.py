"""Chairs, stools, lamps, baskets, wireless sets."""

import itertools
import math
from typing import Any

import numpy as np

from .choices import Choices
from .colours import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    EBONY,
    GAUDY,
    GREEN,
    OAK,
    ORANGE,
    PAINTED,
    PINE,
    PINK,
    RED,
    TEAL,
    WALNUT,
    WHITE,
    YELLOW,
    contrast,
    shade,
)
from .labels import stripes
from .paper import Paper
from .shapes import block, grid, lump, tube, turned
from .surfaces import printed, stuff

WOODS = (OAK, PINE, WALNUT, PAINTED, EBONY)
FABRICS = ("flowers", "stripes", "plaid", "dots", "plain")


def cloth(choices: Choices, name: str, ground: Any, pattern: str, number: int = 30) -> Paper:
    """Return a woven print, 700 x 600 pixels: flowers, stripes, plaid, dots, or none."""
    paper = Paper(choices.random, 700, 600, ground)
    inks = choices.colours(f"{name} ink", [RED, PINK, TEAL, BLUE, ORANGE])
    if pattern == "flowers":
        paper.scatter(number, 0.13, inks)
    elif pattern == "stripes":
        stripes(paper, [ground, inks[0], ground, inks[2]], 0.055)
    elif pattern == "plaid":
        for at in np.arange(0.05, 1.0, 0.18):
            paper.box(float(at), 0, float(at) + 0.06, 1, inks[0])
        for at in np.arange(0.05, 1.0, 0.18):
            paper.box(0, float(at), 1, float(at) + 0.03, inks[2])
    elif pattern == "dots":
        for row, y in enumerate(np.arange(0.06, 1.0, 0.11)):
            for x in np.arange(0.05, 1.0, 0.1):
                paper.bloom(float(x) + 0.05 * (row % 2), float(y), 0.03, inks[row % 3])
    return paper


def chair(collection: Any, choices: Choices) -> None:
    """Make a wooden chair: flowered seat and back, slats, a plaid over one arm."""
    random = choices.random
    tones = list(choices.pick("wood", *WOODS))
    wood = stuff("wood", tones, 3, (6, 6, 0.6))
    rail = stuff("rail", tones, 3, (0.6, 6, 6))
    arms = choices.pick("arms", True, False)
    splay = choices.number("splay", 1.08, 1.0, 1.18)
    tall = choices.number("tall", 2.3, 2.0, 2.55)
    lean = choices.number("lean", 0.72, 0.62, 0.85)
    thick = choices.number("thick", 0.06, 0.045, 0.07)
    for x in (-0.55, 0.55):
        front = 1.35 if arms else 0.86
        legs = [(x * splay, -0.58, 0), (x, -0.5, 0.5), (x, -0.5, front)]
        tube(collection, legs, thick, wood)
        tube(collection, [(x * splay, 0.65, 0), (x, 0.5, 0.9), (x, lean, tall)], thick, wood)
        if arms:
            block(collection, (0.13, 1.25, 0.07), (x, 0.02, 1.38), wood, round_by=0.03)
        block(collection, (0.05, 1.0, 0.08), (x, 0, 0.4), wood)
    for y, z in ((-0.5, 0.4), (0.5, 0.55), (-0.5, 0.8)):
        block(collection, (1.1, 0.05, 0.09), (0, y, z), rail)
    block(collection, (1.2, 1.15, 0.08), (0, 0, 0.88), rail, round_by=0.03)
    ground = choices.colour("ground", (0.85, 0.8, 0.66), dark=0.2)
    pattern = choices.pick("pattern", *FABRICS)
    fabric = [cloth(choices, "seat", ground, pattern, number) for number in (34, 26)]
    third = Paper(random, 700, 600, ground)
    for x in np.linspace(0.03, 0.97, 13):
        third.box(float(x), 0, float(x) + 0.03, 1, choices.colour("behind", TEAL))
    cushion, back, behind = (
        printed(f"fabric{number}", paper, rough=0.9, bump=0.5, grain=90)
        for number, paper in enumerate([*fabric, third])
    )
    piping = stuff("piping", [choices.colour("piping", RED)], rough=0.9)
    if choices.pick("cushion", True, True, False):
        block(
            collection,
            (1.08, 1.05, 0.2),
            (0, -0.02, 1.0),
            *(piping, piping, piping, piping, cushion, piping),
            round_by=0.08,
        )
    kind = choices.pick("back", "padded", "slats", "rungs", "padded")
    tilt = math.atan2(lean - 0.5, tall - 0.9) if lean != 0.72 or tall != 2.3 else 0.16

    def on_back(height: float) -> tuple[float, float]:
        """Return y and z of the back's middle at a share of its height above the seat."""
        return 0.5 + (lean - 0.5) * height, 0.9 + (tall - 0.9) * height

    if kind == "padded":
        high = choices.pick("high", 0.8)
        panel = (back, rail, behind, rail, rail, rail)
        slab = block(collection, (1.0, 0.14, high), (0, 0, 0), *panel, round_by=0.05)
        slab.rotation_euler[0] = -tilt
        slab.location = (0, 0.61, 1.85) if tilt == 0.16 else (0, *on_back(0.68))
    elif kind == "slats":
        for x in np.linspace(-0.4, 0.4, choices.pick("count", 5, 4, 6, 7)):
            ends = [(float(x), *on_back(share)) for share in (0.02, 0.5, 0.98)]
            tube(collection, ends, 0.035, wood)
    else:
        for share in np.linspace(0.25, 0.85, choices.pick("count", 4, 3, 5)):
            y, z = on_back(float(share))
            slat = block(collection, (1.05, 0.05, 0.17), (0, 0, 0), rail, round_by=0.02)
            slat.rotation_euler[0], slat.location = -tilt, (0, y, z)
    top = 0.72 if tall == 2.3 else lean
    block(collection, (1.25, 0.09, 0.14), (0, top, tall + 0.02), rail, round_by=0.04)
    if arms and choices.pick("plaid", True, False):
        _plaid(collection, choices)


def _plaid(collection: Any, choices: Choices) -> None:
    """Hang a woollen plaid over the right arm of a chair."""
    ground = choices.colour("plaid", (0.15, 0.3, 0.25))
    stripe, line = choices.colour("stripe", RED), choices.colour("line", YELLOW)
    plaid = Paper(choices.random, 400, 800, ground)
    for at in (0.1, 0.3, 0.36, 0.7, 0.9):
        plaid.box(at, 0, at + 0.05, 1, stripe)
        plaid.box(0, at * 0.97, 1, at * 0.97 + 0.03, line)
    rows = []
    for drop in np.linspace(-1, 1, 30):
        y = np.linspace(-0.35, 0.25, 24)
        x = 0.55 + 0.1 * np.clip(4 * drop, -1, 1) + 0.02 * np.sin(14 * y + drop)
        z = 1.44 - 0.62 * np.maximum(np.abs(drop) - 0.12, 0) * (1 if drop > 0 else 0.6)
        rows.append(np.stack([x, y + 0.03 * np.sin(5 * drop), np.full_like(x, z)], axis=-1))
    woollen = printed("plaid", plaid, rough=0.95, bump=0.5, grain=90)
    grid(collection, np.stack(rows), woollen, closed=False)


def stool(collection: Any, choices: Choices) -> None:
    """Make a stool with three or four legs, round or square, bare or padded."""
    tones = list(choices.pick("wood", *WOODS))
    wood = stuff("wood", tones, 3, (6, 6, 0.6))
    seat = stuff("seat", tones, 3, (0.6, 6, 6))
    tall = choices.number("tall", 1.2, 0.9, 2.0)
    splay = choices.number("splay", 1.35, 1.1, 1.6)
    legs = choices.pick("legs", 4, 3)
    round_seat = choices.pick("round", True, False) or legs == 3
    reach = 0.42
    angles = math.pi / 4 + np.arange(legs) * 2 * math.pi / legs
    thick = choices.number("thick", 0.05, 0.04, 0.065)
    ends = []
    for angle in angles:
        across = np.array((math.cos(angle), math.sin(angle))) * reach
        foot = (*across * splay, 0.0)
        ends.append((np.array(foot), np.array((*across * 0.85, tall - 0.04))))
        tube(collection, [foot, (*across * 0.85, tall - 0.04)], thick, wood, 1)
    share = choices.number("rung", 0.35, 0.2, 0.5)
    for here, there in itertools.pairwise([*ends, ends[0]]):
        from_, to = (low + (high - low) * share for low, high in (here, there))
        tube(collection, [from_, to], thick * 0.6, wood, 1)
    if round_seat:
        disc = [(0.0, tall - 0.08), (0.5, tall - 0.08), (0.54, tall - 0.04), (0.5, tall)]
        turned(collection, [*disc, (0.0, tall - 0.01)], seat, 3)
    else:
        block(collection, (1.0, 1.0, 0.09), (0, 0, tall - 0.04), seat, round_by=0.03)
    if choices.pick("padded", True, False):
        ground = choices.colour("ground", (0.7, 0.32, 0.25), dark=0.15)
        pattern = choices.pick("pattern", *FABRICS)
        fabric = printed(
            "fabric", cloth(choices, "pad", ground, pattern), rough=0.9, bump=0.4, grain=90
        )
        if round_seat:
            side = stuff("side", [ground, shade(ground, 0.9)], 9, rough=0.9, bump=0.4)
            pad = [(0.48, tall), (0.53, tall + 0.06), (0.46, tall + 0.15), (0.0, tall + 0.18)]
            turned(collection, pad, side, 5)
            tube(
                collection,
                [(0.525 * math.cos(a), 0.525 * math.sin(a), tall + 0.07)
                 for a in np.linspace(0, 2 * math.pi, 49)],
                0.02, stuff("piping", [contrast(ground)], rough=0.9), 1,
            )  # fmt: skip
        else:
            block(
                collection, (0.94, 0.94, 0.16), (0, 0, tall + 0.08), *(fabric,) * 6, round_by=0.07
            )


def lamp(collection: Any, choices: Choices) -> None:
    """Make a table lamp: painted foot, a shade with leaves and birds, a cord to pull, a cable."""
    random = choices.random
    paper = Paper(random, 2048, 700, choices.colour("paper", (0.9, 0.9, 0.84), dark=0.35))
    stem, leaves = choices.colour("stem", GREEN), choices.colour("leaf", TEAL)
    border = choices.colour("border", RED)
    design = choices.pick("design", "leaves", "stripes", "dots", "plain")
    if design == "leaves":
        _leaves(paper, choices, stem, leaves)
    elif design == "stripes":
        stripes(paper, [paper.pixels[350, 0].tolist(), stem], 0.02)
    elif design == "dots":
        for row, y in enumerate(np.arange(0.14, 0.95, 0.14)):
            for x in np.arange(0.0, 1.0, 0.04):
                paper.bloom(float(x) + 0.02 * (row % 2), float(y), 0.035, (stem, leaves)[row % 2])
    paper.box(0, 0, 1, 0.04, border)
    paper.box(0, 0.96, 1, 1, border)
    cover = printed("shade", paper, rough=0.9, bump=0.3, grain=120, worn=0.1)
    under = choices.number("under", 0.95, 0.7, 1.1)
    over = choices.number("over", 0.55, 0.35, 0.75)
    low = choices.number("low", 1.75, 1.6, 1.95)
    turned(collection, [(under, low), (over, 2.75)], cover, 24)
    inner = stuff("inner", [WHITE], rough=0.9)
    turned(collection, [(under - 0.02, low + 0.01), (over - 0.02, 2.74)], inner, 2)
    body = choices.colour("body", (0.2, 0.3, 0.45))
    foot = Paper(random, 1400, 900, body)
    light = (0.5, 0.65, 0.8) if body == (0.2, 0.3, 0.45) else shade(body, 1.5)
    ring = choices.colour("ring", YELLOW)
    foot.scatter(choices.pick("strewn", 30, 0, 0, 40), 0.07, [CREAM, ring, light])
    for y in (0.12, 0.5, 0.88):
        foot.box(0, y, 1, y + 0.03, ring)
    if choices.pick("named", True, False):
        foot.words(choices.word("aurora").lower(), 0.5, 0.4, 0.11, CREAM)
    bellies = (
        [(0.5, 0.0), (0.52, 0.08), (0.35, 0.2), (0.56, 0.6), (0.5, 0.95), (0.2, 1.3)],
        [(0.46, 0.0), (0.48, 0.06), (0.42, 0.2), (0.38, 0.7), (0.3, 1.1), (0.16, 1.35)],
        [(0.55, 0.0), (0.57, 0.05), (0.5, 0.1), (0.14, 0.2), (0.11, 0.7), (0.1, 1.3)],
        [(0.4, 0.0), (0.43, 0.07), (0.62, 0.4), (0.6, 0.8), (0.3, 1.15), (0.15, 1.3)],
    )
    belly = choices.pick("belly", *bellies)
    turned(collection, [*belly, (0.12, 1.45)], printed("foot", foot, rough=0.25, bump=0.05))
    metal = choices.pick(
        "metal", ((0.8, 0.6, 0.3), (0.6, 0.42, 0.18)), ((0.75, 0.75, 0.77), (0.55, 0.55, 0.57))
    )
    brass = stuff("brass", list(metal), rough=0.3, metal=1.0)
    tube(collection, [(0, 0, 1.4), (0, 0, 2.8)], 0.05, brass)
    lump(collection, brass, 0.08, (0, 0, 2.84))
    if choices.pick("cord", True, False):
        tube(collection, [(0.5, -0.35, 1.85), (0.5, -0.36, 1.5), (0.5, -0.35, 1.2)], 0.015, brass)
        lump(collection, stuff("bead", [border], rough=0.3), 0.05, (0.5, -0.35, 1.17))
    cable = [(0, 0.48, 0.06), (0.3, 0.7, 0.03), (0.7, 0.55, 0.03), (0.95, 0.2, 0.03)]
    tube(collection, cable, 0.025, stuff("cable", [choices.pick("cable", BLACK, WHITE, BROWN)]))


def _leaves(paper: Paper, choices: Choices, stem: Any, leaves: Any) -> None:
    """Draw stems with leaves, and six birds."""
    random = choices.random
    for _ in range(16):
        x, y = (float(part) for part in random.uniform((0.03, 0.2), (0.97, 0.95)))
        bend = float(random.uniform(-0.06, 0.06))
        paper.ribbon([(x, 1.0), (x + bend, (1 + y) / 2), (x + bend / 2, y)], 0.012, stem)
        for share in np.linspace(0, 1, 7):
            at = y + (1 - y) * float(share)
            leaf = stem if random.uniform() < 0.6 else leaves
            side = 0.012 * (1 if round(10 * at) % 2 else -1)
            paper.bloom(x + side + bend * (1 - float(share)) / 2, at, 0.026, leaf, 2, 6 * x)
    for number in range(6):
        x, y = (number + float(random.uniform(0.3, 0.7))) / 6, float(random.uniform(0.15, 0.5))
        colour = choices.colour(f"bird {number % 3}", GAUDY[(number * 3) % 7])
        paper.bloom(x, y, 0.09, colour)
        paper.bloom(x + 0.03, y - 0.08, 0.055, colour)
        paper.ribbon([(x, y), (x - 0.04, y + 0.02), (x - 0.08, y + 0.1)], 0.05, colour)
        paper.bloom(x + 0.033, y - 0.09, 0.012, BLACK)


def basket(collection: Any, choices: Choices) -> None:
    """Make a woven basket with a coloured pattern, a handle, fruit in it."""
    random = choices.random
    stakes = 26
    straws = list(choices.pick(
        "straw",
        ((0.72, 0.54, 0.3), (0.62, 0.43, 0.22), (0.78, 0.62, 0.38)),
        ((0.5, 0.3, 0.16), (0.4, 0.23, 0.12), (0.58, 0.38, 0.2)),
        ((0.84, 0.79, 0.68), (0.78, 0.72, 0.6), (0.88, 0.83, 0.74)),
    ))  # fmt: skip
    withies = [stuff(f"withy{n}", [straw, straws[0]], 8) for n, straw in enumerate(straws)]
    dyes = choices.colours("dye", [RED, TEAL, BLUE])
    dyed = [stuff(f"dyed{n}", [colour], 8) for n, colour in enumerate(dyes)]
    angle = np.linspace(0, 2 * math.pi, 6 * stakes + 1)
    long, deep = choices.number("long", 1.2, 0.95, 1.25), choices.number("deep", 0.85, 0.8, 0.95)
    flare = choices.number("flare", 0.34, 0.1, 0.4)
    first, last = choices.pick("band", (6, 12), (3, 6), (10, 15), (20, 20), (2, 16))

    def radius(height: Any) -> Any:
        return 0.72 + flare * height - 0.06 * np.sin(3 * height)

    for row in range(19):
        height = 0.05 + 0.05 * row
        wave = 0.035 * np.cos(stakes / 2 * angle + math.pi * row)
        reach = radius(height) + wave + 0.008 * np.sin(5 * angle + row)
        lift = height + 0.012 * np.sin(3 * angle + 2 * row)
        path = np.stack([long * reach * np.cos(angle), deep * reach * np.sin(angle), lift], -1)
        # Dyed withies come and go around the basket: its sides are not alike.
        cuts = sorted({0, len(angle) - 1, *random.integers(1, len(angle) - 1, 5).tolist()})
        for start, end in itertools.pairwise(cuts):
            kinds = dyed if first <= row <= last and random.uniform() < 0.55 else withies
            material = kinds[int(random.integers(3))]
            tube(collection, path[start : end + 1], 0.029, material, 1)
    for at in np.arange(stakes) * 2 * math.pi / stakes:
        heights = np.linspace(0, 1.02, 6)
        across = np.array([long * math.cos(at), deep * math.sin(at)]) * radius(heights)[:, None]
        tube(collection, np.c_[across, heights], 0.024, withies[1], 2)
    handle = choices.pick("handle", True, True, False)
    for strand in range(3):
        around = radius(1.03) + 0.04 * np.cos(20 * angle + strand * 2 * math.pi / 3)
        lift = 1.03 + 0.04 * np.sin(20 * angle + strand * 2 * math.pi / 3)
        path = np.stack([long * around * np.cos(angle), deep * around * np.sin(angle), lift], -1)
        tube(collection, path, 0.032, withies[strand], 2)
        turns = np.linspace(0, math.pi, 60)
        ends = 1.25 if long == 1.2 else float(radius(0.85)) * long
        arc = np.stack([ends * np.cos(turns), 0 * turns, 0.85 + 1.15 * np.sin(turns)], axis=-1)
        twist = 14 * turns + strand * 2 * math.pi / 3
        arc += 0.035 * np.stack([np.cos(twist), np.sin(twist), 0 * twist], axis=-1)
        if handle:
            tube(collection, arc, 0.034, withies[strand], 1)
    turned(collection, [(0, 0.03), (0.64, 0.03)], withies[0], 2)
    within = choices.pick("within", "fruit", "fruit", "wool", "nothing")
    fruits = (
        [RED, GREEN, YELLOW, ORANGE, (0.35, 0.12, 0.3)]
        if within == "fruit"
        else choices.colours("wool", [RED, GREEN, YELLOW, ORANGE, PINK])
    )
    for number in range(22 if within != "nothing" else 0):
        x, y = random.uniform(-0.75, 0.75), random.uniform(-0.5, 0.5)
        mixed = fruits[number % 5]
        other = YELLOW if number % 3 else GREEN
        if within == "wool":
            skin = stuff("skin", [mixed, shade(mixed, 0.7)], 9, (9, 9, 1), rough=0.95, bump=0.9)
        else:
            skin = stuff("skin", [mixed, other], 3.5, rough=0.3, bump=0.05)
        shrunk = (flare - 0.34) * 0.5
        place = (float(x) * (1 + shrunk), float(y), 0.95 - 0.2 * float(np.hypot(x, y)))
        size, stretch = float(random.uniform(0.17, 0.27)), float(random.uniform(0.85, 1.2))
        lump(collection, skin, size, place, stretch)


def radio(collection: Any, choices: Choices) -> None:
    """Make a wireless: grille, dial and knobs in front, slots and a plate behind, an aerial."""
    random = choices.random
    tones = list(choices.pick("wood", WALNUT, OAK, PINE, PAINTED, EBONY))
    usual = tones == list(WALNUT)
    wood = stuff("wood", tones, 3, (0.6, 5, 7))
    case = (0.42, 0.22, 0.1) if usual else choices.colour("case", tones[1])
    front = Paper(random, 1300, 800, case)
    grille, dark = choices.colour("grille", CREAM, dark=0.3), choices.colour("slots", BROWN)
    front.box(0.06, 0.1, 0.58, 0.9, grille)
    style = choices.pick("style", "woven", "bars", "holes")
    if style == "woven":
        for x, y in random.uniform((0.07, 0.12), (0.57, 0.88), (900, 2)):
            front.box(float(x), float(y), float(x) + 0.012, float(y) + 0.006, dark)
        talls = (0.3, 0.5, 0.7, 0.6, 0.45, 0.25)
        for x, tall in zip(np.linspace(0.12, 0.52, 6), talls, strict=True):
            front.box(float(x), 0.5 - tall / 2, float(x) + 0.012, 0.5 + tall / 2, dark)
    elif style == "bars":
        for y in np.linspace(0.13, 0.85, 16):
            front.box(0.08, float(y), 0.56, float(y) + 0.02, dark)
    else:
        for row, y in enumerate(np.linspace(0.16, 0.84, 17)):
            for x in np.linspace(0.09, 0.55, 28):
                front.bloom(float(x) + 0.004 * (row % 2), float(y), 0.011, dark)
    front.box(0.62, 0.1, 0.94, 0.5, choices.colour("dial", (0.1, 0.16, 0.14), light=0.3))
    for number, place in enumerate(("Ostamel", "Kaloren", "Fenby", "Dravo", "Tibor")):
        y = 0.15 + 0.07 * number
        front.words(place, 0.7 + 0.03 * (number % 3), y, 0.045, YELLOW)
        front.words(str(88 + 7 * number), 0.89, y, 0.045, WHITE)
    at = choices.number("tuned", 0.815, 0.66, 0.9)
    front.box(at, 0.1, at + 0.005, 0.5, RED)
    named = choices.word("Sonnet 6")
    front.words(named, 0.78, 0.58, 0.1, CREAM if usual else contrast(case))
    behind = Paper(random, 1300, 800, (0.3, 0.24, 0.18))
    for x in np.linspace(0.08, 0.55, 14):
        behind.box(float(x), 0.15, float(x) + 0.014, 0.6, BLACK)
    behind.box(0.62, 0.15, 0.93, 0.5, CREAM)
    behind.small_print(0.775, 0.18, 0.46, 0.035, BLACK)
    behind.words("DANGER 220 V", 0.3, 0.78, 0.11, YELLOW)
    behind.bloom(0.78, 0.75, 0.09, BLACK)
    face = printed("front", front, rough=0.5, worn=0.15)
    back = printed("behind", behind, rough=0.8)
    faces = (face, wood, back, wood, wood, wood)
    deep, wide = choices.number("deep", 0.8, 0.55, 1.0), choices.number("wide", 2.2, 1.8, 2.5)
    soft = choices.number("soft", 0.09, 0.03, 0.2)
    block(collection, (wide, deep, 1.35), (0, 0, 0.75), *faces, round_by=soft)
    cream = choices.colour("knob", CREAM)
    knob = stuff("knob", [cream, (0.8, 0.7, 0.5) if usual else shade(cream, 0.85)], 5, rough=0.3)
    for x, size in ((0.42, 0.13), (0.74, 0.16)):
        disc = [(size, 0.0), (size, 0.1), (0.8 * size, 0.14), (0, 0.14)]
        thing = turned(collection, disc, knob, 2)
        thing.rotation_euler[0], thing.location = math.pi / 2, (x, 0.01 - deep / 2, 0.36)
        spot = (x, -0.13 - deep / 2, 0.36 + size / 3)
        block(collection, (0.025, 0.03, size), spot, stuff("mark", [RED]))
    steel = stuff("steel", [(0.8, 0.8, 0.82), (0.6, 0.6, 0.62)], rough=0.25, metal=1.0)
    tip = (choices.number("aerial", 1.15, 0.6, 1.5), 0.25, choices.number("reach", 2.4, 1.5, 2.5))
    if choices.pick("aerial up", True, False):
        tube(collection, [(min(0.95, wide / 2 - 0.1), 0.25, 1.3), tip], 0.022, steel)
        lump(collection, steel, 0.04, tip)
    grip = [(-0.8, 0, 1.4), (-0.75, 0, 1.62), (0, 0, 1.68), (0.55, 0, 1.62), (0.6, 0, 1.4)]
    if choices.pick("carried", True, False):
        tube(collection, grip, 0.05, stuff("grip", [BROWN, BLACK], 9, bump=0.4))
    for x in (-0.9, 0.9):
        for y in (-0.28, 0.28):
            place = (x * wide / 2.2, y * deep / 0.8, 0.06)
            lump(collection, stuff("rubber", [BLACK]), 0.09, place)
