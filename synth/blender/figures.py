"""Whole people in numpy: body, clothes and shoes, posed and standing on the ground."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import bodies, footwear, garments, grounding, poses, shells, skeleton
from .bodies import BODY_VERTICES, Base, Points
from .draws import Draws
from .grounding import Rest
from .measures import arm_weight
from .shells import Sheet
from .skeleton import Stance

Floats = npt.NDArray[np.float64]

# Targets that make faces and frames differ, and how far they are drawn to either side.
_DETAILS: tuple[tuple[str, str, float], ...] = (
    ("nose/nose-scale-vert-decr", "nose/nose-scale-vert-incr", 0.6),
    ("nose/nose-width1-decr", "nose/nose-width1-incr", 0.5),
    ("nose/nose-width3-decr", "nose/nose-width3-incr", 0.5),
    ("nose/nose-hump-decr", "nose/nose-hump-incr", 0.5),
    ("nose/nose-point-down", "nose/nose-point-up", 0.5),
    ("mouth/mouth-scale-horiz-decr", "mouth/mouth-scale-horiz-incr", 0.5),
    ("mouth/mouth-lowerlip-volume-decr", "mouth/mouth-lowerlip-volume-incr", 0.6),
    ("mouth/mouth-upperlip-volume-decr", "mouth/mouth-upperlip-volume-incr", 0.6),
    ("chin/chin-width-decr", "chin/chin-width-incr", 0.6),
    ("chin/chin-prominent-decr", "chin/chin-prominent-incr", 0.4),
    ("chin/chin-height-decr", "chin/chin-height-incr", 0.4),
    ("head/head-scale-horiz-decr", "head/head-scale-horiz-incr", 0.4),
    ("head/head-fat-decr", "head/head-fat-incr", 0.5),
    ("forehead/forehead-trans-backward", "forehead/forehead-trans-forward", 0.4),
    ("eyebrows/eyebrows-trans-down", "eyebrows/eyebrows-trans-up", 0.4),
    ("eyebrows/eyebrows-angle-down", "eyebrows/eyebrows-angle-up", 0.4),
)
_PAIRED: tuple[tuple[str, str, float], ...] = (
    ("cheek/{}-cheek-volume-decr", "cheek/{}-cheek-volume-incr", 0.5),
    ("cheek/{}-cheek-bones-decr", "cheek/{}-cheek-bones-incr", 0.6),
    ("eyes/{}-eye-scale-decr", "eyes/{}-eye-scale-incr", 0.3),
    ("eyes/{}-eye-corner2-down", "eyes/{}-eye-corner2-up", 0.5),
)
_SHAPES = ("oval", "round", "square", "rectangular", "triangular", "diamond")


@dataclass(frozen=True)
class Figure:
    """Somebody, posed, turned and grounded; metres.

    Parameters
    ----------
    body
        The body at rest.
    stance
        Where the bones are.
    skin
        What shows of the skin, posed, with the column "vertex": its index in the base mesh.
    layers
        Garments at rest, inner first, with what outer ones hide left out.
    shoes
        The shoes at rest.
    facts
        What a user wants to know.
    """

    body: Rest
    stance: Stance
    skin: Sheet
    layers: tuple[garments.Garment, ...]
    shoes: footwear.Shoes
    facts: Mapping[str, Any]

    def posed(self, sheet: Sheet) -> Points:
        """Return where the points of a sheet at rest are."""
        return skeleton.skinned(self.stance, sheet.weights, sheet.points)


def _origins(draws: Draws, skin: float) -> dict[str, float]:
    """Return the features of a face; those of Africa go with dark skin more often."""
    dark = float(np.clip((skin - 0.35) / 0.35, 0.0, 1.0))
    weights = {"african": 0.04 + dark, "asian": 0.45 * (1.0 - 0.8 * dark), "caucasian": 1.0 - dark}
    first = draws.choice("first origin", weights)
    second = draws.choice("second origin", weights)
    share = draws.uniform("mixture", 0.0, 0.5)
    if first == second or share < 0.2:
        return {first: 1.0}
    return {first: 1.0 - share, second: share}


def _details(draws: Draws, age: float) -> dict[str, float]:
    """Return the targets that make this face; children's differ less."""
    reach = float(np.interp(age, (4.0, 16.0), (0.5, 1.0)))
    shares: dict[str, float] = {}

    def add(low: str, high: str, amount: float) -> None:
        if amount:
            shares[high if amount > 0.0 else low] = abs(amount)

    for low, high, most in _DETAILS:
        add(low, high, reach * draws.uniform(high, -most, most))
    for low, high, most in _PAIRED:
        amount = reach * draws.uniform(high, -most, most)
        for side in "lr":
            add(low.format(side), high.format(side), amount)
    shares[f"head/head-{draws.choice('head', _SHAPES)}"] = reach * draws.uniform(
        "head much", 0, 0.5
    )
    smile = draws.uniform("smile", -0.4, 0.6)
    if smile > 0.0:
        shares["expression/units/caucasian/mouth-corner-puller"] = smile
    return shares


def body_of(base: Base, spec: Mapping[str, Any], draws: Draws) -> Rest:
    """Return the body of a person at rest.

    Parameters
    ----------
    base
        The base mesh.
    spec
        A subject of kind "person".
    draws
        The draws of the subject.
    """
    vertices = bodies.shaped(
        base,
        sex=spec["sex"],
        age=spec["age"],
        height=spec["height"],
        weight=spec["weight"],
        muscle=spec["muscle"],
        origins=_origins(draws.within("origins"), spec["skin"]),
        details=_details(draws.within("details"), spec["age"]),
    )
    return grounding.rest(base, vertices)


def _worn(spec: Mapping[str, Any]) -> list[str]:
    """Return the garments from the inside out: a top is tucked into a skirt, else hangs out."""
    names = spec["garments"]
    top, bottom, over = names.get("top"), names.get("bottom"), names.get("over")
    order = [top, bottom, over] if bottom == "skirt" else [bottom, top, over]
    return [name for name in order if name]


def _dressed(
    body: Rest, names: list[str], draws: Draws, folded: bool
) -> tuple[tuple[garments.Garment, ...], Floats]:
    """Return garments without what others hide, and how deep each skin vertex is covered."""
    base = body.base
    worn = [garments.made(name, body, draws.within(name), folded=folded) for name in names]
    skin = body.vertices[:BODY_VERTICES]
    arm = arm_weight(base, base.weights[:BODY_VERTICES])
    depth = np.max([np.full(BODY_VERTICES, -1.0), *(g.covers(skin, arm) for g in worn)], axis=0)

    def below(sheet: Sheet, outer: list[garments.Garment]) -> Sheet:
        if not outer:
            return sheet
        arms = arm_weight(base, sheet.weights)
        deep = np.max([garment.covers(sheet.points, arms) for garment in outer], axis=0)
        return shells.without(sheet, deep > 0.0)

    layers = []
    for index, garment in enumerate(worn):
        outer = worn[index + 1 :]
        extras = {name: below(part, outer) for name, part in garment.trims.items()}
        layers.append(
            garments.Garment(
                name=garment.name,
                cloth=below(garment.cloth, outer),
                trims={name: part for name, part in extras.items() if len(part.sizes)},
                covers=garment.covers,
                thickness=garment.thickness,
            )
        )
    return tuple(layers), depth


def figure(base: Base, spec: Mapping[str, Any], draws: Draws) -> Figure:
    """Make a person, all but hair and materials.

    Parameters
    ----------
    base
        The base mesh, `bodies.load(bodies.data_folder())`.
    spec
        A subject of kind "person", as `population.sampled` draws them.
    draws
        The draws of the subject.

    Returns
    -------
    Figure
        With its facts: `pose`, `standing`, `height_m` (from the soles of the feet to the crown, at
        rest), `soles` (clearance of the lowest point of the left and the right shoe in metres),
        `sex`, `age`, `garments`.
    """
    body = body_of(base, spec, draws)
    plan = poses.plan(spec["pose"], draws.within("pose"))
    tight = spec["garments"].get("bottom") == "leggings"
    shoes = footwear.made(spec["garments"]["shoes"], body, low_socks=tight)
    layers, depth = _dressed(body, _worn(spec), draws.within("cloth"), plan.folded)
    stance = grounding.posed(body, plan, shoes.lift)
    turn = skeleton.turned((0.0, 0.0, 1.0), float(np.degrees(spec.get("turn", 0.0))))
    stance = Stance(turn @ stance.rotations, stance.offsets @ turn.T)
    skin = shells.sheet(
        body.vertices[:BODY_VERTICES],
        base.faces[base.groups["body"]],
        base.weights[:BODY_VERTICES],
        vertex=np.arange(BODY_VERTICES, dtype=np.float64),
    )
    shod = body.vertices[:BODY_VERTICES, 2] < shoes.covers
    skin = shells.without(skin, shod | (depth > 0.0))
    return Figure(
        body=body,
        stance=stance,
        skin=skin,
        layers=layers,
        shoes=shoes,
        facts=_facts(spec, plan, body, _clearance(stance, shoes)),
    )


def _clearance(stance: Stance, shoes: footwear.Shoes) -> tuple[float, float]:
    soles = skeleton.skinned(stance, shoes.sole.weights, shoes.sole.points)
    left, right = (float(soles[shoes.sides[side], 2].min()) for side in "LR")
    return left, right


def _facts(
    spec: Mapping[str, Any], plan: poses.Plan, body: Rest, soles: tuple[float, float]
) -> dict[str, Any]:
    return {
        "pose": spec["pose"],
        "standing": plan.standing,
        "height_m": round(bodies.stature(body.vertices), 4),
        "soles": [round(soles[0], 5), round(soles[1], 5)],
        "sex": spec["sex"],
        "age": spec["age"],
        "garments": dict(spec["garments"]),
        "hair": spec["hair"]["style"],
    }


def grounded(base: Base, spec: Mapping[str, Any], draws: Draws) -> dict[str, Any]:
    """Return the facts of a person without making its clothes, to check many scenes fast.

    Parameters
    ----------
    base, spec, draws
        As for `figure`.

    Returns
    -------
    dict
        The facts that `figure` states, the same to the last digit.
    """
    body = body_of(base, spec, draws)
    plan = poses.plan(spec["pose"], draws.within("pose"))
    shoes = footwear.made(spec["garments"]["shoes"], body)
    stance = grounding.posed(body, plan, shoes.lift)
    turn = skeleton.turned((0.0, 0.0, 1.0), float(np.degrees(spec.get("turn", 0.0))))
    stance = Stance(turn @ stance.rotations, stance.offsets @ turn.T)
    return _facts(spec, plan, body, _clearance(stance, shoes))
