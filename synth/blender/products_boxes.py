"""Cartons and toys."""

import math
from typing import Any

from .choices import Choices
from .colours import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    GAUDY,
    GREEN,
    GREY,
    OAK,
    ORANGE,
    PAINTED,
    PINE,
    RED,
    WHITE,
    YELLOW,
    Colour,
    contrast,
    readable,
    shade,
)
from .labels import stripes
from .paper import Paper
from .shapes import block, lump, turned
from .surfaces import printed, stuff

GOODS = (
    ("kitchen scales", "weigh less, bake more", "5 kg"),
    ("desk lamp", "light where you read", "E14"),
    ("hiking socks", "two pairs, warm feet", "38-42"),
    ("building bricks", "a town in a box", "4+"),
    ("ground coffee", "roasted on Tuesdays", "500 g"),
    ("dog biscuits", "with liver and oats", "1 kg"),
)
KRAFT = (0.72, 0.54, 0.35)


def carton(collection: Any, choices: Choices) -> None:
    """Make a cardboard box: prints on five sides, tape, a shipping label."""
    random = choices.random
    tinted = choices.pick("tinted", False, True)
    kraft = choices.colour("board", KRAFT, dark=0.25) if tinted else KRAFT
    plain_board = kraft == KRAFT
    named = choices.word("Nordvik").upper()
    goods, claim, amount = choices.pick("goods", *GOODS)
    blue, red = choices.colour("ink", BLUE), choices.colour("accent", RED)
    if not plain_board:
        blue, red = contrast(kraft), readable(red, kraft)
    deep, tall = choices.number("deep", 0.7, 0.35, 1.0), choices.number("tall", 1.0, 0.5, 1.5)
    shapes = (1.0, deep, 1.0, deep)
    sides = [Paper(random, round(768 * w), round(768 * tall), kraft) for w in shapes]
    front, right, back, left = sides
    # Heights of letters are shares of the paper's: a flat box has lower ones.
    size, short = min(1.0, 1 / tall), min(1.0, 4 / len(amount))
    front.words(named, 0.5, 0.2, 0.19 * size, blue)
    front.words(goods, 0.5, 0.35, 0.09 * size, BLACK if plain_board else blue)
    motif = choices.pick("motif", "dial", "sun", "flowers", "bands")
    if motif == "dial":
        front.bloom(0.36, 0.68, 0.2, blue)
        front.bloom(0.36, 0.68, 0.17, kraft)
        front.ribbon([(0.36, 0.68), (0.43, 0.58)], 0.02, red)
    elif motif == "sun":
        front.bloom(0.36, 0.68, 0.2, red, choices.pick("rays", 12, 9, 16))
        front.bloom(0.36, 0.68, 0.13, YELLOW)
    elif motif == "flowers":
        for x in (0.15, 0.32, 0.5):
            front.bloom(x, 0.7, 0.12, red, choices.pick("petals", 5, 6, 7))
            front.bloom(x, 0.7, 0.04, YELLOW)
    else:
        for y in (0.52, 0.64, 0.76, 0.88):
            front.box(0, y, 0.48, y + 0.06, red if y < 0.7 else blue)
    front.words(amount, 0.78 if motif == "bands" else 0.72, 0.68, 0.13 * size * short, red)
    right.box(0.08, 0.1, 0.92, 0.5, WHITE)
    right.small_print(0.5, 0.14, 0.36, 0.035 * size, BLACK)
    right.bars(0.2, 0.37, 0.8, 0.48)
    right.words("FRAGILE", 0.5, 0.68, 0.15 * size * min(1.0, deep / 0.7), red)
    right.ribbon([(0.2, 0.9), (0.5, 0.8), (0.8, 0.9)], 0.03, red)
    back.box(0, 0.12, 1, 0.42, blue)
    back.words(claim, 0.5, 0.27, 0.09 * size, WHITE if plain_board else contrast(blue))
    back.scatter(9, 0.09, [blue, choices.colour("third", ORANGE), BLACK])
    back.small_print(0.5, 0.78, 0.95, 0.04 * size, BLACK if plain_board else blue)
    ink = BLACK if plain_board else blue
    left.words("THIS WAY", 0.5, 0.2, 0.12 * size * min(1.0, deep / 0.7), ink)
    for x in (0.3, 0.7):
        left.box(x - 0.04, 0.4, x + 0.04, 0.75, ink)
        left.ribbon([(x - 0.13, 0.5), (x, 0.35)], 0.05, ink)
        left.ribbon([(x + 0.13, 0.5), (x, 0.35)], 0.05, ink)
    left.words("lot 4471-B", 0.5, 0.87, 0.07 * size, blue)
    top = Paper(random, 768, round(768 * deep) + 2 if deep == 0.7 else round(768 * deep), kraft)
    top.box(0, 0.495, 1, 0.505, BROWN if plain_board else shade(kraft, 0.7))
    top.words(named, 0.25, 0.25, 0.14, blue)
    stuffs = [
        printed(f"side{number}", side, rough=0.8, bump=0.3, worn=0.18)
        for number, side in enumerate([*sides, top, top])
    ]
    depth, height = 1.6 * deep, 1.6 * tall
    block(collection, (1.6, depth, height), (0, 0, height / 2), *stuffs, round_by=0.015)
    brown = choices.pick("tape", ((0.62, 0.42, 0.2), (0.7, 0.5, 0.27)), (CREAM, (0.8, 0.76, 0.66)))
    tape = stuff("tape", list(brown), 3, rough=0.25)
    wide = min(0.22, depth / 4)
    block(collection, (1.612, wide, 0.01), (0, 0, height), tape, round_by=0.002)
    for side in (-1, 1):
        end = (side * 0.8, 0, height - 0.165)
        block(collection, (0.01, wide, 0.34), end, tape, round_by=0.002)


def truck(collection: Any, choices: Choices) -> None:
    """Make a toy lorry of painted wood with a load of lettered bricks, or of logs."""
    random = choices.random
    wood = stuff("wood", list(choices.pick("wood", PINE, OAK, PAINTED)), 3, (0.6, 6, 6))
    block(collection, (2.6, 0.8, 0.14), (0, 0, 0.42), wood, round_by=0.03)
    red = choices.colour("cab", RED, dark=0.25)
    yellow = choices.colour("letters", YELLOW, dark=0.5) if red == RED else contrast(red)
    doors = [Paper(random, 500, 500, red) for _ in range(3)]
    number = choices.pick("number", "No 5", "12", "Nr 3", "77")
    name = choices.pick("name", "TOM", "IDA", "MAX", "ELSE")
    for door, word in zip(doors, (number, name, ""), strict=True):
        door.box(0.15, 0.12, 0.85, 0.5, (0.6, 0.75, 0.85))
        door.words(word, 0.5, 0.74, 0.22, yellow)
    doors[2].box(0.15, 0.12, 0.85, 0.5, BLACK)
    doors[0].bloom(0.5, 0.31, 0.13, (0.95, 0.75, 0.6))
    doors[0].bloom(0.45, 0.29, 0.02, BLACK)
    right, left, behind = (
        printed(f"door{number}", door, rough=0.4, worn=0.15) for number, door in enumerate(doors)
    )
    dark = (0.66, 0.09, 0.08) if red == RED else shade(red, 0.85)
    paint = stuff("paint", [red, dark], 6, rough=0.4)
    face = Paper(random, 500, 500, red)
    face.box(0.12, 0.12, 0.88, 0.48, (0.6, 0.75, 0.85))
    face.box(0.3, 0.6, 0.7, 0.85, GREY)
    grille = printed("face", face, rough=0.4, worn=0.15)
    cab = (right, behind, left, grille, paint, paint)
    soft = choices.number("soft", 0.06, 0.03, 0.14)
    block(collection, (0.7, 0.76, 0.85), (-0.9, 0, 0.9), *cab, round_by=soft)
    for y in (-0.25, 0.25):
        lump(collection, stuff("lamp", [YELLOW], rough=0.2), 0.07, (-1.26, y, 0.68))
    if choices.pick("load", "bricks", "logs", "bricks") == "bricks":
        _bricks(collection, choices)
    else:
        _logs(collection, choices)
    tyre = stuff("tyre", [BLACK, (0.13, 0.13, 0.13)], 9)
    hub = stuff("hub", choices.colours("hub", [YELLOW, ORANGE]), 3)
    for x in (-0.85, 0.35, 0.95):
        for y in (-0.48, 0.48):
            profile = [(0.0, -0.1), (0.27, -0.1), (0.3, -0.07), (0.3, 0.07), (0.27, 0.1), (0, 0.1)]
            for profile_of, material in ((profile, tyre), ([(0, -0.12), (0.13, -0.11)], hub)):
                wheel = turned(collection, profile_of, material, 2)
                if material is hub:
                    wheel.scale[2] = -math.copysign(1.0, y)
                wheel.rotation_euler[0], wheel.location = -math.pi / 2, (x, y, 0.3)


def _bricks(collection: Any, choices: Choices) -> None:
    """Load a lorry with bricks between boards."""
    random = choices.random
    blue = choices.colour("board", BLUE)
    sides = [Paper(random, 900, 230, blue) for _ in range(2)]
    firm = choices.pick("firm", "HAUL & SONS", "B. LOADER", "NORTH TOYS", "EXPRESS")
    sides[0].words(firm, 0.5, 0.5, 0.5, WHITE if blue == BLUE else contrast(blue))
    ink = YELLOW if blue == BLUE else contrast(blue)
    sides[1].words("bricks by the ton", 0.5, 0.5, 0.4, ink)
    for y, side in zip((-0.38, 0.38), sides, strict=True):
        side.scatter(5, 0.12, [YELLOW, WHITE, ORANGE])
        board = printed("board", side, rough=0.5)
        block(collection, (1.75, 0.06, 0.4), (0.4, y, 0.69), *(board,) * 6, round_by=0.015)
    grass = choices.colour("tail", GREEN)
    deep = (0.1, 0.34, 0.18) if grass == GREEN else shade(grass, 0.8)
    green = stuff("green", [grass, deep], 6)
    for x in (-0.48, 1.27):
        block(collection, (0.06, 0.7, 0.4), (x, 0, 0.69), green)
    letters = iter(random.permutation(list("ABDEGHKMNPRSTUXYZ23456789")))
    places = [(x, y, 0.67) for x in (-0.22, 0.18, 0.6, 1.0) for y in (-0.17, 0.17)]
    places += [(-0.1, -0.1, 0.99), (0.35, 0.08, 0.99), (0.85, -0.12, 0.99), (0.4, 0.0, 1.31)]
    for x, y, z in places:
        colour: Colour = GAUDY[int(random.integers(7))]
        letter = Paper(random, 128, 128, CREAM)
        letter.box(0, 0, 1, 1, colour)
        letter.box(0.1, 0.1, 0.9, 0.9, CREAM)
        letter.words(str(next(letters, "Q")), 0.5, 0.5, 0.7, colour)
        brick = block(collection, (0.31, 0.31, 0.31), (0, 0, 0), *(printed("brick", letter),) * 6)
        brick.location, brick.rotation_euler[2] = (x, y, z), float(random.uniform(-0.25, 0.25))


def _logs(collection: Any, choices: Choices) -> None:
    """Load a lorry with logs between stakes."""
    random = choices.random
    steel = stuff("stake", [choices.colour("stake", GREEN), BLACK], 6)
    bark = stuff("bark", [BROWN, (0.25, 0.15, 0.09)], 6, (1, 1, 9), rough=0.9, bump=0.8)
    cut = Paper(random, 256, 256, (0.8, 0.6, 0.36))
    stripes(cut, [(0.8, 0.6, 0.36), (0.68, 0.47, 0.26)], 0.06)
    end = printed("cut", cut, rough=0.8)
    for x in (-0.4, 0.4, 1.2):
        for y in (-0.37, 0.37):
            block(collection, (0.06, 0.06, 0.8), (x, y, 0.85), steel)
    places = [(-0.24, 0.6), (0.0, 0.6), (0.24, 0.6), (-0.13, 0.81), (0.13, 0.81), (0.0, 1.02)]
    for y, z in places:
        radius = 0.115 + 0.01 * float(random.uniform(-1, 1))
        half = 0.9 + float(random.uniform(-0.06, 0.06))
        for profile, material in (
            ([(radius, -half), (radius, half)], bark),
            ([(0.0, -half), (radius, -half)], end),
            ([(radius, half), (0.0, half)], end),
        ):
            log = turned(collection, profile, material, 2)
            log.rotation_euler[1], log.location = math.pi / 2, (0.4, y, z)
