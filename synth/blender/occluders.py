"""What stands between the camera and the subject, and hides a given share of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from .colours import OAK, PAINTED, PINE, WALNUT, linear, shade
from .draws import Draws
from .foliage import grown, leaves
from .parts import Part, assembled, boxes, cords, sheet
from .sightlines import MOST, Outline, Spot, distance, fitted, seen, share_of, spot
from .subject import Frame
from .surfaces import stuff

GREENS = (
    ((0.16, 0.36, 0.12), (0.26, 0.48, 0.16), (0.38, 0.56, 0.22)),
    ((0.1, 0.3, 0.16), (0.18, 0.42, 0.24), (0.3, 0.5, 0.3)),
    ((0.4, 0.46, 0.16), (0.54, 0.56, 0.2), (0.3, 0.4, 0.12)),
    ((0.6, 0.3, 0.1), (0.72, 0.45, 0.12), (0.5, 0.22, 0.1)),
    ((0.36, 0.44, 0.36), (0.48, 0.56, 0.46), (0.28, 0.38, 0.3)),
)


@dataclass(frozen=True)
class Setting:
    """Where an occluder is made.

    Parameters
    ----------
    frame
    where
        Its spot on the ground.
    share
        Of the subject's outline to be covered.
    side
        Where it stands, in shares of the picture's width.
    draws
        Its choices.
    unit
        Metres of half the picture's height here, by which twigs and meshes are sized.
    """

    frame: Frame
    where: Spot
    share: float
    side: float
    draws: Draws
    unit: float

    @property
    def top(self) -> float:
        """Height above the ground of the picture's upper edge here, metres."""
        return self.where.bottom + self.where.height

    def fit(self, make: Callable[[float], list[Part]]) -> list[Part]:
        """Return the parts that cover the share."""
        return fitted(self.frame, self.where, make, self.share)[0]

    def band(self) -> tuple[float, float]:
        """Return the lowest and the highest that the subject is seen here, metres."""
        outline = Outline.of(self.frame)
        low, high = (outline.low[1] + 0.5, outline.high[1] + 0.5)
        return (
            self.where.bottom + self.where.height * float(low),
            self.where.bottom + self.where.height * float(high),
        )


def set_up(frame: Frame, spec: dict[str, Any], draws: Draws, side: float) -> Setting:
    """Return the setting of an occluder: a third of the way from the subject to the camera."""
    radius = float(np.linalg.norm((frame.high - frame.low)[:2])) / 2
    far = distance(frame)
    # The camera may yet come nearer, to half the way.
    depth = max(0.55 * far, min(far - 1.1 * radius, far * draws.uniform("depth", 0.62, 0.72)))
    where = spot(frame, depth, side)
    return Setting(
        frame, where, min(MOST, float(spec.get("share", 0.2))), side, draws, where.height / 2
    )


def foliage_materials(draws: Draws) -> list[Any]:
    """Return three materials of leaves and one of stems; leaves let light glow through."""
    tones = draws.choice("greens", GREENS)
    made = [
        stuff(f"leaf{number}", [tone, shade(tone, 0.8)], 6, rough=0.5, bump=0.0, worn=0.15)
        for number, tone in enumerate(tones)
    ]
    bark = draws.choice("bark", ((0.3, 0.2, 0.12), (0.35, 0.32, 0.26), (0.2, 0.3, 0.12)))
    return [*made, stuff("stem", [bark, shade(bark, 0.7)], 20, rough=0.9, bump=0.0)]


def plant(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a plant whose stems rise from a pot, or from below the picture."""
    draws, random = setting.draws, setting.draws.generator("leaves")
    stems, per_stem = draws.choice("stems", (7, 9, 12, 16)), draws.choice("per stem", (9, 12, 15))
    long = draws.uniform("long", 0.2, 0.4) * setting.unit
    slim = draws.uniform("slim", 0.25, 0.6)
    low, high = setting.band()
    ground = max(0.0, setting.where.bottom - 0.3 * setting.unit)
    spread = random.normal(0, 0.33, (stems, 2)) * (1.0, 0.5)
    bend = random.uniform(0.5, 1.0, stems)
    turned = [random.bit_generator.state]
    steps = np.linspace(0, 1, 10)[None, :, None]

    def make(strength: float) -> list[Part]:
        own = np.random.Generator(np.random.PCG64())
        own.bit_generator.state = turned[0]
        tall = (low + (high - low) * (0.15 + 0.95 * strength) - ground) * bend
        reach = setting.unit * (0.35 + 0.7 * strength)
        tips = np.c_[spread * reach, tall]
        paths = tips[:, None] * np.concatenate([steps**1.6, steps**1.6, steps], axis=2)
        paths = np.add(paths, (0.0, 0.0, ground))
        bases, ways = grown(paths, per_stem, own, first=0.2)
        size = long * (0.6 + 0.5 * strength) * own.uniform(0.7, 1.2, len(bases))
        kinds = own.integers(0, 3, len(bases))
        thick = 0.012 * setting.unit * (1 - 0.7 * steps[..., 0])
        stalks = cords(paths, np.broadcast_to(thick, paths.shape[:2]), 3)
        blades = leaves(bases, ways, size, size * slim, own, kinds, 0.4)
        return [*blades, stalks]

    parts = setting.fit(make)
    materials = foliage_materials(draws)
    if ground == 0.0 and draws.chance("potted", 0.7):
        clay = draws.choice("pot", ((0.62, 0.32, 0.2), (0.85, 0.82, 0.76), (0.2, 0.22, 0.25)))
        materials.append(stuff("pot", [clay, shade(clay, 0.85)], 6, rough=0.7, bump=0.0))
        size = 0.22 * setting.unit
        angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        rows = [
            np.stack([r * size * np.cos(angle), r * size * np.sin(angle), 0 * angle + z * size], -1)
            for r, z in (
                (0.0, 0),
                (0.7, 0),
                (1.0, 1.5),
                (1.1, 1.5),
                (1.1, 1.7),
                (0.95, 1.7),
                (0, 1.5),
            )
        ]
        parts = [*parts, sheet(np.stack(rows), 4, closed=True)]
    return parts, materials


def grass(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return high blades along the lower edge of the picture."""
    draws, random = setting.draws, setting.draws.generator("blades")
    count = draws.choice("count", (90, 140, 200))
    low, high = setting.band()
    root = max(0.0, setting.where.bottom - 0.1 * setting.unit)
    places = np.c_[
        random.uniform(-0.8, 0.8, count) * setting.where.width - setting.side * setting.where.width,
        random.uniform(-0.15, 0.15, count) * setting.unit,
    ]
    tall = random.uniform(0.5, 1.0, count)
    lean = random.normal(0, 0.22, (count, 2))
    kinds = random.integers(0, 3, count)
    steps = np.linspace(0, 1, 9)[None, :, None]
    wide = random.uniform(0.012, 0.03, count) * setting.unit * draws.uniform("wide", 0.8, 1.6)
    ears = random.uniform(size=count) < draws.choice("ears", (0.0, 0.0, 0.25))

    def make(strength: float) -> list[Part]:
        reach = (low + (high - low) * (0.05 + 0.95 * strength) - root) * tall
        up = np.concatenate([steps**2, steps**2, steps * (1 - 0.12 * steps)], axis=2)
        paths = np.c_[lean * reach[:, None], reach][:, None] * up
        paths = paths + np.c_[places, np.full(count, root)][:, None]
        half = wide[:, None] / 2 * (1 - steps[..., 0] ** 1.5)
        edge = np.stack([half, 0 * half, 0 * half], axis=-1)
        parts: list[Part] = []
        for kind in range(3):
            own = kinds == kind
            ribbon = np.stack([paths[own] - edge[own], paths[own] + edge[own]], axis=2)
            blades, rows = ribbon.shape[0], ribbon.shape[1]
            at = np.arange(rows - 1)[None] * 2 + 2 * rows * np.arange(blades)[:, None]
            quads = np.stack([at, at + 1, at + 3, at + 2], axis=-1).reshape(-1, 4)
            parts.append(Part(ribbon.reshape(-1, 3), quads, kind))
        if ears.any():
            tips = paths[ears][:, -3:]
            parts.append(
                cords(
                    tips, np.broadcast_to([0.012, 0.016, 0.003], tips.shape[:2]) * setting.unit, 3
                )
            )
        return parts

    materials = foliage_materials(draws)
    return setting.fit(make), materials


def branch(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a branch with leaves that hangs into the picture from above."""
    draws, random = setting.draws, setting.draws.generator("branch")
    way = 1.0 if setting.side < 0 or (setting.side == 0 and draws.chance("left", 0.5)) else -1.0
    low, high = setting.band()
    twigs = draws.choice("twigs", (12, 16, 20))
    per_twig = draws.choice("leaves", (12, 16, 20))
    long = draws.uniform("long", 0.11, 0.2) * setting.unit
    slim = draws.uniform("slim", 0.3, 0.65)
    start = np.array((-way * 0.62, 0.0, 0.0)) * setting.where.width
    start[0] -= setting.side * setting.where.width
    falls = random.uniform(0.5, 1.0, twigs)
    wobble = random.normal(0, 0.05, (twigs, 3))
    state = random.bit_generator.state
    steps = np.linspace(0, 1, 9)

    def make(strength: float) -> list[Part]:
        own = np.random.Generator(np.random.PCG64())
        own.bit_generator.state = state
        begin = np.add(start, (0, 0, setting.top + 0.12 * setting.unit))
        length = setting.where.width * (0.45 + 0.7 * strength)
        sag = (high - low) * (0.05 + 0.35 * strength)
        along = np.linspace(0, 1, 12)
        limb = begin + np.stack(
            [way * length * along, 0.1 * setting.unit * np.sin(3 * along), -sag * along**1.6],
            axis=-1,
        )
        at = np.linspace(0.12, 1.0, twigs)
        roots = np.stack([np.interp(at, along, limb[:, axis]) for axis in range(3)], axis=-1)
        drop = (high - low) * (0.12 + 0.7 * strength) * falls
        ways = np.stack([way * 0.45 * drop, 0 * drop, -drop], axis=-1) + wobble * setting.unit * 3
        bent = np.stack([steps, steps, steps**1.4], axis=-1)
        paths = roots[:, None] + ways[:, None] * bent[None]
        bases, heads = grown(paths, per_twig, own, first=0.08)
        size = long * (0.7 + 0.7 * strength) * own.uniform(0.6, 1.2, len(bases))
        kinds = own.integers(0, 3, len(bases))
        thin = np.broadcast_to(0.008 * setting.unit * (1 - 0.7 * steps), paths.shape[:2])
        wood = cords(limb[None], 0.022 * setting.unit * (1 - 0.6 * along)[None], 3)
        return [
            *leaves(bases, heads, size, size * slim, own, kinds, 0.5),
            cords(paths, thin, 3, 5),
            wood,
        ]

    return setting.fit(make), foliage_materials(draws)


def net(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a net of cords across the picture, square or on its point, that sags a little."""
    draws = setting.draws
    share = max(0.04, setting.share)
    pitch = draws.uniform("pitch", 0.07, 0.16) * setting.unit
    # A square of the net is open where neither of its two cords is.
    radius = pitch * (1 - (1 - share) ** 0.5) / 2
    wide, tall = 0.75 * setting.where.width, 0.62 * setting.where.height
    phase = draws.uniform("phase", 0, 6.3)
    slant = draws.chance("slant", 0.5)
    reach = float(np.hypot(wide, tall)) if slant else max(wide, tall)
    lines = np.arange(-reach, reach, pitch)
    along = np.linspace(-reach, reach, 60)
    parts: list[Part] = []
    for number, turn in enumerate((0.0, np.pi / 2)):
        across, run = np.meshgrid(lines, along, indexing="ij")
        angle = turn + (np.pi / 4 if slant else 0.0)
        x = np.cos(angle) * run - np.sin(angle) * across
        z = np.sin(angle) * run + np.cos(angle) * across
        sway = 0.25 * pitch
        paths = np.stack([x, radius * (0.6 - 1.2 * number) + 0 * x, z], axis=-1)
        paths[..., 0] += sway * np.sin(1.7 * z / setting.unit * 2 + phase)
        paths[..., 2] += sway * np.cos(2.1 * x / setting.unit * 2 + phase)
        paths[..., 1] += (
            0.05 * setting.unit * np.sin(2 * x / setting.unit + z / setting.unit + phase)
        )
        parts.append(cords(paths, radius, 0, 5))
    middle = setting.where.bottom + setting.where.height / 2
    parts = [
        Part(
            part.points - (setting.side * setting.where.width, 0, -middle),
            part.quads,
            part.material,
        )
        for part in parts
    ]
    tone = draws.choice(
        "cord", ((0.92, 0.91, 0.88), (0.12, 0.12, 0.13), (0.15, 0.35, 0.22), (0.75, 0.6, 0.35),
                 (0.85, 0.35, 0.1))
    )  # fmt: skip
    return _cropped(parts, setting), [
        stuff("cord", [tone, shade(tone, 0.8)], 40, rough=0.9, bump=0.0)
    ]


def chain_link(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a fence of bent wires that hook into one another, with a post and a rail."""
    draws = setting.draws
    share = max(0.04, setting.share)
    pitch = draws.uniform("pitch", 0.12, 0.2) * setting.unit
    radius = pitch / np.sqrt(2) * (1 - (1 - share) ** 0.5) / 2
    wide = 0.7 * setting.where.width
    low = max(0.0, setting.where.bottom - 0.1 * setting.unit)
    high = setting.where.bottom + setting.where.height * draws.choice("top", (0.8, 1.2, 1.2))
    wires = np.arange(-wide, wide, pitch / 2)
    bends = np.arange(0, max(2, int((high - low) / (pitch / 2)) + 1))
    # Three points a bend, or the wire would be a sharp zigzag.
    turn = np.array((-0.36, 0.0, 0.36))
    step = (bends[:, None] + turn).ravel()
    hook = np.where(np.isin(np.tile(turn, len(bends)), (0.0,)), 1.0, 0.28)
    sign = np.repeat(np.where(bends % 2, 1.0, -1.0), 3) * hook
    other = np.where(np.arange(len(wires)) % 2, 1.0, -1.0)
    paths = np.stack(
        np.broadcast_arrays(
            # Each wire mirrors its neighbours, and they hook where they meet.
            wires[:, None] + other[:, None] * sign[None] * pitch / 4,
            sign[None] * radius,
            low + step[None] * pitch / 2,
        ),
        axis=-1,
    )
    parts = [cords(paths, radius, 0, 5)]
    rail = 0.03 * setting.unit
    run = np.linspace(-wide, wide, 4)
    parts.append(cords(np.c_[run, 0 * run, 0 * run + high][None], rail, 1, 10))
    post = wide * draws.uniform("post", -0.55, 0.55)
    parts.append(
        cords(np.array([[(post, 0.06 * setting.unit, z) for z in (low, high)]]), rail, 1, 12)
    )
    parts = [
        Part(part.points - (setting.side * setting.where.width, 0, 0), part.quads, part.material)
        for part in parts
    ]
    tone = draws.choice("wire", ((0.62, 0.64, 0.66), (0.12, 0.3, 0.2), (0.2, 0.2, 0.21)))
    metal = 0.9 if tone[0] > 0.5 else 0.0
    zinc = stuff("wire", [tone, shade(tone, 0.85)], 30, rough=0.4, bump=0.0, metal=metal)
    tube = stuff("post", [shade(tone, 0.9), tone], 8, rough=0.5, bump=0.0, metal=metal)
    return parts, [zinc, tube]


def picket_fence(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a wooden fence of pointed boards, as high as the share asks for."""
    draws = setting.draws
    board = draws.uniform("board", 0.1, 0.17) * setting.unit
    pitch = board * draws.uniform("gap", 1.35, 1.8)
    thick = 0.18 * board
    wide = 0.75 * setting.where.width
    low, high = setting.band()
    root = max(0.0, setting.where.bottom - 0.2 * setting.unit)
    at = np.arange(-wide, wide, pitch) - setting.side * setting.where.width
    count = len(at)
    random = draws.generator("boards")
    uneven = random.uniform(-0.02, 0.02, count) * setting.unit
    lean = random.normal(0, 0.01, count)
    pointed = draws.choice("heads", (0.9, 0.5, 0.0))

    def make(strength: float) -> list[Part]:
        top = low + (high - low) * (0.05 + 0.9 * strength) + uneven
        top = np.maximum(top, root + 2 * board)
        half = board / 2
        head = np.stack(
            [
                np.stack([at + x * half, 0 * at + y, z + lean * 0], axis=-1)
                for y in (-thick, thick)
                for x, z in (
                    (-1, 0 * at + root),
                    (1, 0 * at + root),
                    (1, top - pointed * half),
                    (0, top),
                    (-1, top - pointed * half),
                )
            ],
            axis=1,
        )
        head[..., 0] += lean[:, None] * (head[..., 2] - root)
        sides = np.array(
            [(0, 1, 2, 4), (4, 2, 3, 3), (5, 9, 7, 6), (9, 8, 8, 7), (0, 4, 9, 5), (1, 6, 7, 2),
             (2, 7, 8, 3), (3, 8, 9, 4)]
        )  # fmt: skip
        quads = (sides[None] + 10 * np.arange(count)[:, None, None]).reshape(-1, 4)
        boards = Part(head.reshape(-1, 3), quads, 0, smooth=False)
        rails = boxes(
            [(2 * wide, thick, 0.7 * board)] * 2,
            [
                (-setting.side * setting.where.width, 1.6 * thick, z)
                for z in (
                    float(top.mean()) - 1.2 * board,
                    root + 0.25 * (float(top.mean()) - root),
                )
            ],
            1,
        )
        return [boards, rails]

    tones = draws.choice(
        "wood",
        (
            PAINTED,
            PAINTED,
            OAK,
            WALNUT,
            PINE,
            ((0.5, 0.48, 0.45), (0.42, 0.4, 0.37), (0.56, 0.54, 0.5)),
        ),
    )
    grain = stuff("board", list(tones), 6, (12, 12, 0.8), rough=0.8, bump=0.0)
    return setting.fit(make), [
        grain,
        stuff("rail", list(tones), 6, (0.8, 12, 12), rough=0.8, bump=0.0),
    ]


def railing(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a metal railing: thin uprights, a rail to hold on to, one near the ground."""
    draws = setting.draws
    pitch = draws.uniform("pitch", 0.16, 0.26) * setting.unit
    # What is to cover more has thicker bars: they cannot get any higher than the picture.
    radius = pitch * max(draws.uniform("thick", 0.1, 0.22), 0.9 * setting.share - 0.1) / 2
    wide = 0.75 * setting.where.width
    low, high = setting.band()
    root = max(0.0, setting.where.bottom - 0.2 * setting.unit)
    shift = -setting.side * setting.where.width
    at = np.arange(-wide, wide, pitch) + shift
    bellied = draws.chance("bellied", 0.3)
    square = draws.chance("square", 0.4)

    def make(strength: float) -> list[Part]:
        top = low + (high - low) * (0.1 + 0.85 * strength)
        top = max(top, root + 3 * radius)
        along = np.linspace(0, 1, 12)
        belly = 0.09 * setting.unit * np.sin(np.pi * along) ** 2 * bellied
        up = np.broadcast_to(root + (top - root) * along, (len(at), 12))
        uprights = np.stack(np.broadcast_arrays(at[:, None], -belly[None], up), axis=-1)
        run = np.linspace(-wide, wide, 4) + shift
        hold = np.c_[run, 0 * run, 0 * run + top]
        under = np.c_[run, 0 * run, 0 * run + root + 0.06 * (top - root)]
        return [
            cords(uprights, radius, 0, 4 if square else 8),
            cords(hold[None], 2.2 * radius, 1, 12),
            cords(under[None], 1.1 * radius, 0, 8),
        ]

    tone = draws.choice(
        "paint", ((0.1, 0.1, 0.11), (0.9, 0.9, 0.88), (0.14, 0.26, 0.2), (0.6, 0.62, 0.64))
    )
    metal = 0.9 if tone == (0.6, 0.62, 0.64) else 0.0
    iron = stuff("iron", [tone, shade(tone, 0.85)], 12, rough=0.4, bump=0.0, metal=metal)
    wooden = draws.chance("wooden", 0.4)
    hold = stuff("hold", list(OAK), 5, (0.8, 9, 9), rough=0.5, bump=0.0) if wooden else iron
    return setting.fit(make), [iron, hold]


def pole(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a post: of a lamp or a sign, a column, or a tree's trunk."""
    draws, random = setting.draws, setting.draws.generator("pole")
    kind = draws.choice("kind", ("post", "column", "trunk", "striped"))
    low = min(0.0, setting.where.bottom)
    high = setting.top + 0.4 * setting.unit
    along = np.linspace(low, high, 40)
    wobble = random.normal(0, 1, (2, 4))
    angle = np.linspace(0, 2 * np.pi, 49)[:-1]

    def make(strength: float) -> list[Part]:
        radius = setting.unit * (0.015 + 0.55 * strength)
        if kind == "trunk":
            waves = sum(
                wobble[0, n] * np.sin((n + 1) * 1.3 * along / setting.unit + wobble[1, n])
                for n in range(4)
            )
            bark = 1 + 0.05 * np.sin(9 * angle)[None] + 0.03 * np.sin(17 * angle + 2)[None]
            centre = 0.03 * radius * np.asarray(waves)[:, None]
        else:
            flutes = 0.03 * np.cos(20 * angle)[None] if kind == "column" else 0.0
            bark, centre = 1 + flutes, np.zeros((len(along), 1))
        reach = radius * bark * np.ones((len(along), 1))
        points = np.stack(
            np.broadcast_arrays(
                centre + reach * np.cos(angle)[None],
                reach * np.sin(angle)[None],
                along[:, None],
            ),
            axis=-1,
        )
        return [sheet(points, 0, closed=True)]

    if kind == "trunk":
        surface = stuff("bark", [(0.3, 0.22, 0.15), (0.2, 0.15, 0.1), (0.42, 0.34, 0.26)], 7,
                        (3, 3, 0.5), rough=0.95, bump=0.3)  # fmt: skip
    elif kind == "column":
        surface = stuff("stone", [(0.78, 0.74, 0.66), (0.66, 0.62, 0.55)], 5, rough=0.9, bump=0.0)
    else:
        tone = draws.choice(
            "paint", ((0.2, 0.22, 0.24), (0.62, 0.63, 0.64), (0.15, 0.28, 0.22), (0.7, 0.15, 0.12))
        )
        surface = stuff("post", [tone, shade(tone, 0.9)], 4, rough=0.45, bump=0.0)
    return setting.fit(make), [surface]


def veil(setting: Setting) -> tuple[list[Part], list[Any]]:
    """Return a thin curtain in folds that hangs from one side; one sees through it."""
    draws, random = setting.draws, setting.draws.generator("folds")
    way = -1.0 if setting.side < 0 or (setting.side == 0 and draws.chance("left", 0.5)) else 1.0
    low = max(0.0, setting.where.bottom - 0.1 * setting.unit)
    high = setting.top + 0.1 * setting.unit
    columns = np.linspace(0, 1, 160)
    rows = np.linspace(0, 1, 16)
    phases = random.uniform(0, 6.3, 4)
    folds = draws.uniform("folds", 9, 16)
    edge = -setting.side * setting.where.width

    def make(strength: float) -> list[Part]:
        outer = way * 0.62 * setting.where.width + edge
        inner = outer - way * setting.where.width * 1.15 * strength - way * 0.02
        x = (
            outer
            + (inner - outer) * columns[None]
            + 0.03 * setting.unit * np.sin(4 * rows[:, None] + phases[0]) * columns[None]
        )
        deep = 0.05 * setting.unit * (0.5 + 0.5 * (1 - rows[:, None]))
        wave = np.sin(
            folds * 2 * np.pi * columns[None] + phases[1] + 0.6 * np.sin(3 * rows[:, None])
        )
        y = deep * (wave + 0.4 * np.sin(2.3 * folds * columns[None] * 2 * np.pi + phases[2]))
        z = np.broadcast_to(low + (high - low) * rows[:, None], x.shape)
        return [sheet(np.stack([x, y, z], axis=-1))]

    tone = draws.choice(
        "cloth",
        (
            (0.95, 0.94, 0.92),
            (0.9, 0.85, 0.78),
            (0.75, 0.82, 0.9),
            (0.85, 0.6, 0.6),
            (0.2, 0.2, 0.22),
        ),
    )
    return setting.fit(make), [gauze(tone, draws.uniform("clear", 0.4, 0.7))]


def gauze(tone: tuple[float, float, float], clear: float) -> Any:
    """Return a thin cloth (sRGB) that lets a share of the light through."""
    material = bpy.data.materials.new("gauze")
    if not material.node_tree:  # before 5.0 a material has none at first
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(next(node for node in nodes if node.type == "BSDF_PRINCIPLED"))
    cloth, mix = nodes.new("ShaderNodeMixShader"), nodes.new("ShaderNodeMixShader")
    for number, kind in enumerate(("ShaderNodeBsdfDiffuse", "ShaderNodeBsdfTranslucent")):
        half = nodes.new(kind)
        half.inputs["Color"].default_value = (*linear(tone), 1.0)
        links.new(half.outputs["BSDF"], cloth.inputs[1 + number])
    mix.inputs["Fac"].default_value = 1 - clear
    links.new(nodes.new("ShaderNodeBsdfTransparent").outputs["BSDF"], mix.inputs[1])
    links.new(cloth.outputs["Shader"], mix.inputs[2])
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    links.new(mix.outputs["Shader"], output.inputs["Surface"])
    return material


def _cropped(parts: list[Part], setting: Setting) -> list[Part]:
    """Return parts without the quads that lie off the picture: they cost time and show nothing."""
    kept: list[Part] = []
    for part in parts:
        places = seen(setting.frame, setting.where.world(part.points))
        near = (np.abs(places) < 0.62).all(axis=1) & (part.points[:, 2] > 0)
        quads = part.quads[near[part.quads].any(axis=1)]
        if len(quads):
            kept.append(Part(part.points, quads, part.material, None, part.smooth))
    return kept


MAKERS: dict[str, Callable[[Setting], tuple[list[Part], list[Any]]]] = {
    "plant": plant,
    "grass": grass,
    "branch": branch,
    "net": net,
    "picket_fence": picket_fence,
    "chain_link": chain_link,
    "railing": railing,
    "pole": pole,
    "veil": veil,
}

TRANSPARENT = frozenset(("veil",))
WOVEN = frozenset(("net", "chain_link"))
# What stands on one side must be moved to the middle where it would cover nothing there.
MOVABLE = frozenset(("plant", "pole"))


def build(collection: Any, spec: dict[str, Any], draws: Draws, *, frame: Frame) -> list[Any]:
    """Build an occluder that covers about `share` of the subject's outline, at most 0.6.

    Parameters
    ----------
    collection
        Where it goes.
    spec
        `kind`, `seed`, `share`, `side` (shares of the picture's width from its middle).
    draws
        Not used where the spec has a seed.
    frame
        The subject and the camera.

    Returns
    -------
    One object; ["transparent"] is set on it where one sees through it.
    """
    kind = spec["kind"]
    own = Draws("occluder", kind, spec["seed"]) if spec.get("seed") is not None else draws
    side = float(spec.get("side", 0.0))
    while True:
        setting = set_up(frame, spec, own, side)
        parts, materials = MAKERS[kind](setting)
        found = share_of(frame, setting.where, parts)
        if kind in WOVEN:
            # Cords are thinner than the cells that are counted; their meshes were made to measure.
            found = setting.share
        if kind not in MOVABLE or found >= 0.8 * setting.share or abs(side) < 0.02:
            break
        side *= 0.7
    thing = assembled(collection, f"occluder {kind}", parts, materials)
    thing.matrix_world = setting.where.matrix
    thing["share"] = round(found, 4)
    if kind in TRANSPARENT:
        thing["transparent"] = True
    return [thing]
