"""Furniture behind the subject: shelves, sofas, tables, cupboards, crates."""

import itertools
import math
from typing import Any

import numpy as np

from .choices import Choices
from .colours import CREAM, EBONY, OAK, PAINTED, PINE, WALNUT, shade
from .labels import stripes
from .paper import Paper
from .parts import Part, assembled, boxes, sheet
from .shapes import block, lump, tube, turned
from .surfaces import printed, stuff

WOODS = (OAK, PINE, WALNUT, PAINTED, EBONY)


def _wood(choices: Choices, name: str = "wood", up: bool = False) -> Any:
    """Return wood in the metre scale, its grain across or up."""
    tones = list(choices.pick(name, *WOODS))
    along = (9.0, 9.0, 0.8) if up else (0.8, 9.0, 9.0)
    return stuff(name, tones, 3, along, rough=0.5, bump=0.0, worn=0.1)


def bookshelf(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build shelves full of books that stand, lean and lie, with gaps and small things."""
    random = choices.random
    wide, tall = choices.number("wide", 1.1, 0.8, 1.9), choices.number("tall", 1.95, 1.3, 2.3)
    deep, board = 0.3, 0.022
    floors = round(tall / choices.number("floor", 0.36, 0.3, 0.42))
    wood = _wood(choices)
    bays = 2 if wide > 1.3 else 1
    heights = np.linspace(0.08, tall - board, floors + 1)
    parts = [
        boxes([(board, deep, tall)] * (bays + 1),
              [(x, 0, tall / 2) for x in np.linspace(-wide / 2, wide / 2, bays + 1)]),
        boxes([(wide, deep, board)] * (floors + 1), [(0, 0, z) for z in heights]),
        boxes((wide, 0.01, tall), (0, deep / 2, tall / 2)),
    ]  # fmt: skip
    covers = [choices.colour(f"cover {n}", tone) for n, tone in enumerate([CREAM] * 9)]
    materials = [wood, *(stuff(f"cover{n}", [tone, shade(tone, 0.85)], 9, rough=0.6, bump=0.0)
                         for n, tone in enumerate(covers)),
                 stuff("pages", [(0.9, 0.87, 0.78)], 9, rough=0.9, bump=0.0)]  # fmt: skip
    sizes, middles, kinds, leans = [], [], [], []
    bay = wide / bays
    for low, high in itertools.pairwise(heights):
        room = high - low - board
        for number in range(bays):
            x, end = -wide / 2 + number * bay + 0.025, -wide / 2 + (number + 1) * bay - 0.03
            while x < end:
                draw = float(random.uniform())
                if draw < 0.07:
                    x += float(random.uniform(0.05, 0.25))
                elif draw < 0.13:
                    # A pile that lies.
                    long, z = float(random.uniform(0.18, 0.24)), low + board / 2
                    if x + long > end:
                        break
                    for _ in range(int(random.integers(2, 5))):
                        thick = float(random.uniform(0.015, 0.04))
                        sizes.append((long * float(random.uniform(0.8, 1)), 0.2, thick))
                        middles.append((x + long / 2, -0.02, z + thick / 2))
                        kinds.append(int(random.integers(1, 10)))
                        leans.append(0.0)
                        z += thick
                    x += long + 0.02
                else:
                    run = int(random.integers(4, 12))
                    base = float(random.uniform(0.62, 0.92)) * room
                    tone = int(random.integers(1, 10))
                    for _ in range(run):
                        thick = float(random.uniform(0.012, 0.05))
                        if x + thick > end:
                            x = end
                            break
                        up = min(0.95 * room, base * float(random.uniform(0.88, 1.12)))
                        same = random.uniform() < 0.25
                        sizes.append((thick, float(random.uniform(0.15, 0.24)), up))
                        middles.append((x + thick / 2, -0.02, low + board / 2 + up / 2))
                        kinds.append(tone if same else int(random.integers(1, 10)))
                        leans.append(0.0)
                        x += thick + 0.0015
                    if random.uniform() < 0.4 and x + 0.1 < end:
                        up = base * 0.9
                        sizes.append((0.025, 0.18, up))
                        middles.append((x + 0.055, -0.02, low + board / 2 + up / 2))
                        kinds.append(int(random.integers(1, 10)))
                        leans.append(-0.24)
                        x += 0.11
    kinds_of, size_of = np.array(kinds), np.array(sizes)
    middle_of, lean_of = np.array(middles), np.array(leans)
    for kind in np.unique(kinds_of):
        own = kinds_of == kind
        parts.append(boxes(size_of[own], middle_of[own], int(kind), lean_of[own]))
    assembled(collection, "bookshelf", parts, materials)


def sofa(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build a sofa: seats, back, arms, legs, and cushions with prints."""
    random = choices.random
    seats = choices.pick("seats", 2, 3, 1)
    seat, deep = choices.number("seat", 0.68, 0.6, 0.75), choices.number("deep", 0.85, 0.75, 0.95)
    tall, arm = choices.number("tall", 0.82, 0.7, 0.95), choices.number("arm", 0.18, 0.1, 0.24)
    soft = choices.number("soft", 0.06, 0.04, 0.1)
    ground = choices.colour("ground", (0.45, 0.5, 0.52), dark=0.15)
    cloth = stuff("cloth", [ground, shade(ground, 0.9)], 14, rough=0.95, bump=0.1, grain=300)
    wide = seats * seat
    block(collection, (wide, deep - 0.1, 0.22), (0, 0, 0.22), cloth, round_by=0.03)
    for number in range(seats):
        x = -wide / 2 + (number + 0.5) * seat
        block(collection, (seat - 0.01, deep - 0.2, 0.17), (x, -0.06, 0.4), cloth, round_by=soft)
        back = block(collection, (seat - 0.01, 0.22, tall - 0.38), (0, 0, 0), cloth, round_by=soft)
        back.location, back.rotation_euler[0] = (x, deep / 2 - 0.2, 0.38 + (tall - 0.3) / 2), -0.14
    block(
        collection,
        (wide, 0.12, tall - 0.12),
        (0, deep / 2 - 0.06, tall / 2 + 0.04),
        cloth,
        round_by=0.04,
    )
    for x in (-1, 1):
        high = choices.number("high", 0.6, 0.5, 0.66)
        place = (x * (wide + arm) / 2, 0, high / 2 + 0.04)
        block(collection, (arm, deep, high - 0.06), place, cloth, round_by=min(0.07, arm / 2.2))
    legs = stuff("leg", list(choices.pick("legs", WALNUT, OAK, EBONY)), 6, rough=0.5, bump=0.0)
    for x in (-1, 1):
        for y in (-1, 1):
            foot = (x * (wide / 2 + arm / 3), y * (deep / 2 - 0.08), 0.0)
            tube(collection, [foot, (foot[0] * 0.98, foot[1], 0.14)], 0.025, legs, 1)
    for number in range(choices.pick("cushions", 2, 0, 1, 3)):
        own = choices.colour(f"cushion {number}", (0.8, 0.6, 0.3))
        paper = Paper(random, 200, 200, own)
        kind = choices.pick(f"print {number}", "plain", "stripes", "flowers", "dots")
        if kind == "stripes":
            stripes(paper, [own, CREAM], 0.1)
        elif kind == "flowers":
            paper.scatter(14, 0.15, [CREAM, shade(own, 0.5), (0.3, 0.45, 0.35)])
        elif kind == "dots":
            for x, y in np.ndindex(5, 5):
                paper.bloom((x + 0.5) / 5, (y + 0.5) / 5, 0.05, CREAM)
        face = printed("cushion", paper, rough=0.95, bump=0.0)
        pillow = _pillow(collection, 0.42, face)
        x = choices.number(f"place {number}", 0.0, -0.45, 0.45) * wide
        pillow.location = (x, deep / 2 - 0.4, 0.66)
        pillow.rotation_euler = (-0.35, choices.number(f"turn {number}", 0.1, -0.4, 0.4), 0.0)


def _pillow(collection: Any, size: float, material: Any) -> Any:
    """Add a stuffed square that faces the front."""
    at = np.linspace(-1, 1, 13)
    x, z = np.meshgrid(at, at)
    puff = 0.16 * size * np.sqrt(np.clip((1 - x**4) * (1 - z**4), 0, 1))
    pinch = 1 - 0.06 * (1 - (x * z) ** 2)
    faces = [
        sheet(np.stack([x * pinch * size / 2 * way, -way * puff, z * pinch * size / 2], axis=-1))
        for way in (1, -1)
    ]
    return assembled(collection, "pillow", faces, [material])


def table(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build a table with a vase, bowls and books on it, perhaps a cloth and two chairs."""
    wood = _wood(choices)
    wide, deep = choices.number("wide", 1.3, 0.9, 1.8), choices.number("deep", 0.75, 0.6, 0.9)
    tall = choices.number("tall", 0.74, 0.45, 0.78)
    round_top = choices.pick("round", False, False, True)
    if round_top:
        reach = wide * 0.42
        disc = [
            (0, tall - 0.035),
            (reach - 0.01, tall - 0.035),
            (reach, tall - 0.015),
            (reach - 0.01, tall),
        ]
        turned(collection, [*disc, (0, tall)], wood, 2)
        foot = [
            (0.26, 0.0),
            (0.27, 0.02),
            (0.05, 0.05),
            (0.04, 0.3),
            (0.06, tall - 0.06),
            (0.18, tall - 0.035),
        ]
        turned(collection, [(0, 0), *foot], wood, 3)
        wide = deep = 1.5 * reach
    else:
        block(collection, (wide, deep, 0.035), (0, 0, tall - 0.0175), wood, round_by=0.008)
        block(
            collection, (wide - 0.16, deep - 0.16, 0.08), (0, 0, tall - 0.075), wood, round_by=0.004
        )
        legs = _wood(choices, "wood", up=True)
        for x in (-1, 1):
            for y in (-1, 1):
                at = (x * (wide / 2 - 0.07), y * (deep / 2 - 0.07))
                block(
                    collection,
                    (0.06, 0.06, tall - 0.035),
                    (*at, (tall - 0.035) / 2),
                    legs,
                    round_by=0.006,
                )
        if choices.pick("cloth", False, False, True):
            ground = choices.colour("cloth", CREAM, dark=0.4)
            paper = Paper(choices.random, 256, 256, ground)
            stripes(paper, [ground, choices.colour("stripe", (0.6, 0.3, 0.3))], 0.25)
            linen = printed("linen", paper, rough=0.95, bump=0.0)
            block(
                collection,
                (wide * 0.35, deep + 0.004, 0.006),
                (0, 0, tall + 0.002),
                linen,
                round_by=0.001,
            )
            for y in (-1, 1):
                size = (wide * 0.35, 0.005, 0.2)
                block(
                    collection, size, (0, y * (deep / 2 + 0.003), tall - 0.1), linen, round_by=0.001
                )
    _things(collection, choices, wide * 0.8, deep * 0.7, tall + 0.004)


def _things(collection: Any, choices: Choices, wide: float, deep: float, tall: float) -> None:
    """Put a few things on a top: vases, bowls, books, fruit."""
    count = choices.pick("things", 3, 2, 4, 5)
    for number in range(count):
        x = (number + 0.5) / count * wide - wide / 2
        y = choices.number(f"y {number}", 0.0, -deep / 2, deep / 2)
        tone = choices.colour(f"thing {number}", (0.5, 0.6, 0.65), dark=0.2)
        made = stuff("thing", [tone, shade(tone, 0.85)], 9, rough=0.35, bump=0.0)
        kind = choices.pick(f"kind {number}", "vase", "bowl", "books", "jar")
        if kind == "vase":
            high = choices.number(f"high {number}", 0.25, 0.16, 0.34)
            body = [
                (0, 0),
                (0.05, 0),
                (0.075, 0.3 * high),
                (0.06, 0.7 * high),
                (0.03, 0.9 * high),
                (0.045, high),
            ]
            turned(
                collection, [*body, (0.035, 0.98 * high), (0.02, 0.85 * high)], made, 4
            ).location = (x, y, tall)
            green = stuff("stalk", [(0.25, 0.42, 0.2), (0.35, 0.5, 0.25)], 9, bump=0.0)
            bloom = stuff(
                "bloom", [choices.colour(f"bloom {number}", (0.85, 0.4, 0.4))], 9, bump=0.0
            )
            for _ in range(5):
                lean = choices.random.normal(0, 0.06, 2)
                tip = (x + float(lean[0]), y + float(lean[1]), tall + high + 0.16)
                tube(collection, [(x, y, tall + high * 0.8), tip], 0.003, green, 2)
                lump(collection, bloom, 0.022, tip, 0.8, (12, 6))
        elif kind == "bowl":
            turned(
                collection,
                [
                    (0, 0),
                    (0.05, 0),
                    (0.11, 0.05),
                    (0.14, 0.1),
                    (0.13, 0.1),
                    (0.08, 0.03),
                    (0, 0.02),
                ],
                made,
                4,
            ).location = (x, y, tall)
            fruit = stuff(
                "fruit",
                [
                    choices.pick(
                        f"fruit {number}", (0.85, 0.45, 0.1), (0.7, 0.15, 0.12), (0.45, 0.6, 0.2)
                    )
                ],
                9,
                bump=0.0,
            )
            for at in range(5):
                angle = at * 2 * math.pi / 4
                spot = (
                    x + 0.055 * math.cos(angle) * (at < 4),
                    y + 0.055 * math.sin(angle) * (at < 4),
                    tall + 0.08 + 0.05 * (at == 4),
                )
                lump(collection, fruit, 0.04, spot, 1.0, (16, 8))
        elif kind == "books":
            z = tall
            for layer in range(choices.pick(f"pile {number}", 3, 2, 4)):
                cover = stuff(
                    "cover", [choices.colour(f"cover {number} {layer}", tone)], 9, bump=0.0
                )
                thick = choices.number(f"thick {number} {layer}", 0.03, 0.018, 0.045)
                book = block(collection, (0.22, 0.16, thick), (0, 0, 0), cover, round_by=0.003)
                book.location = (x, y, z + thick / 2)
                book.rotation_euler[2] = choices.number(f"turn {number} {layer}", 0.1, -0.5, 0.5)
                z += thick
        else:
            turned(
                collection,
                [(0, 0), (0.05, 0), (0.052, 0.01), (0.052, 0.12), (0.045, 0.13)],
                made,
                2,
            ).location = (x, y, tall)
            lid = stuff("lid", [shade(tone, 0.6)], 9, rough=0.4, bump=0.0)
            turned(collection, [(0.048, 0.13), (0.048, 0.15), (0, 0.155)], lid, 2).location = (
                x,
                y,
                tall,
            )


def cupboard(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Build a cupboard or a chest with doors, drawers and knobs; things stand on a low one."""
    wood = _wood(choices, "wood", up=True)
    wide, deep = choices.number("wide", 1.0, 0.7, 1.6), 0.45
    tall = choices.pick("tall", 1.9, 0.85, 1.2, 0.8)
    block(collection, (wide, deep, tall - 0.08), (0, 0, tall / 2 + 0.04), wood, round_by=0.006)
    block(collection, (wide + 0.04, deep + 0.03, 0.03), (0, -0.01, tall), wood, round_by=0.006)
    plinth = stuff("plinth", [(0.12, 0.1, 0.09)], 4, rough=0.8, bump=0.0)
    block(collection, (wide - 0.05, deep - 0.06, 0.08), (0, 0, 0.04), plinth, round_by=0.002)
    steel = stuff(
        "knob",
        list(
            choices.pick(
                "knobs",
                ((0.75, 0.6, 0.35), (0.6, 0.46, 0.25)),
                ((0.7, 0.7, 0.72), (0.55, 0.55, 0.57)),
            )
        ),
        rough=0.3,
        bump=0.0,
        metal=0.9,
    )
    front = stuff(
        "front", list(choices.pick("wood", *WOODS)), 3, (0.8, 9, 9), rough=0.45, bump=0.0, worn=0.08
    )
    columns = max(2, round(wide / 0.45))
    drawers = choices.pick("drawers", 0, 1, 3)
    top = tall - 0.05
    for _ in range(drawers):
        high = 0.17 if drawers == 1 else (top - 0.1) / drawers
        top -= high
        for column in range(columns if drawers == 1 else 1):
            across = wide / (columns if drawers == 1 else 1)
            x = -wide / 2 + (column + 0.5) * across
            block(
                collection,
                (across - 0.015, 0.02, high - 0.015),
                (x, -deep / 2 - 0.01, top + high / 2),
                front,
                round_by=0.004,
            )
            for spot in (x,) if across < 0.6 else (x - across / 4, x + across / 4):
                lump(
                    collection,
                    steel,
                    0.016,
                    (spot, -deep / 2 - 0.035, top + high / 2),
                    1.0,
                    (16, 8),
                )
    if top - 0.1 > 0.2:
        high = top - 0.1
        panelled = choices.pick("panelled", True, False)
        for column in range(columns):
            across = wide / columns
            x = -wide / 2 + (column + 0.5) * across
            block(
                collection,
                (across - 0.012, 0.02, high),
                (x, -deep / 2 - 0.01, 0.1 + high / 2),
                front,
                round_by=0.004,
            )
            if panelled:
                for z, share in (
                    ((0.1 + 0.27 * high, 0.42), (0.1 + 0.76 * high, 0.38))
                    if high > 0.9
                    else ((0.1 + high / 2, 0.8),)
                ):
                    size = (across * 0.66, 0.012, high * share)
                    block(collection, size, (x, -deep / 2 - 0.024, z), front, round_by=0.005)
            side = 1 if column % 2 == 0 else -1
            lump(
                collection,
                steel,
                0.016,
                (x + side * (across / 2 - 0.05), -deep / 2 - 0.035, 0.1 + high * 0.55),
                1.0,
                (16, 8),
            )
    if tall < 1.4:
        _things(collection, choices, wide * 0.85, deep * 0.6, tall + 0.016)


def crates(collection: Any, choices: Choices, width: float, height: float) -> None:
    """Stack crates of slats and cartons, some askew."""
    random = choices.random
    tones = list(
        choices.pick("wood", PINE, OAK, ((0.5, 0.48, 0.44), (0.42, 0.4, 0.36), (0.56, 0.53, 0.5)))
    )
    wood = stuff("slat", tones, 3, (0.8, 9, 9), rough=0.9, bump=0.0, worn=0.2)
    dark = stuff("within", [shade(tones[0], 0.3)], 3, rough=1.0, bump=0.0)
    kraft = choices.pick("kraft", (0.72, 0.54, 0.35), (0.62, 0.46, 0.3), (0.82, 0.78, 0.7))
    board = stuff("board", [kraft, shade(kraft, 0.92)], 3, rough=0.85, bump=0.0)
    tape = stuff("tape", [shade(kraft, 0.75)], 3, rough=0.3, bump=0.0)
    across = choices.pick("across", 2, 3, 1)
    for column in range(across):
        z, x = 0.0, (column - (across - 1) / 2) * 0.68
        for _ in range(int(random.integers(1, 4))):
            wide, deep, high = random.uniform((0.46, 0.34, 0.28), (0.62, 0.46, 0.42))
            turn = float(random.uniform(-0.2, 0.2))
            if random.uniform() < 0.6:
                thing = _crate(collection, float(wide), float(deep), float(high), wood, dark)
            else:
                parts = [
                    boxes((wide, deep, high), (0, 0, high / 2), 0),
                    boxes([(0.06, deep + 0.004, high * 0.4), (0.06, deep + 0.004, 0.002)],
                          [(0, 0, high * 0.8), (0, 0, high + 0.001)], 1),
                ]  # fmt: skip
                thing = assembled(collection, "carton", parts, [board, tape])
            thing.location = (x + float(random.uniform(-0.04, 0.04)), 0.0, z)
            thing.rotation_euler[2] = turn
            z += float(high)


def _crate(collection: Any, wide: float, deep: float, high: float, wood: Any, dark: Any) -> Any:
    """Add a crate: three slats a side, posts in the corners, darkness within."""
    slat, thick = high / 3 * 0.82, 0.014
    levels = [(n + 0.5) * high / 3 for n in range(3)]
    sizes, middles = [], []
    for z in levels:
        for y in (-1, 1):
            sizes.append((wide, thick, slat))
            middles.append((0, y * (deep - thick) / 2, z))
        for x in (-1, 1):
            sizes.append((thick, deep - 2 * thick, slat))
            middles.append((x * (wide - thick) / 2, 0, z))
    for x in (-1, 1):
        for y in (-1, 1):
            sizes.append((0.035, 0.035, high))
            middles.append(
                (x * (wide / 2 - thick - 0.018), y * (deep / 2 - thick - 0.018), high / 2)
            )
    inner = boxes((wide - 0.08, deep - 0.08, high - 0.05), (0, 0, high / 2 - 0.02), 1)
    parts: list[Part] = [boxes(sizes, middles, 0), inner]
    return assembled(collection, "crate", parts, [wood, dark])
