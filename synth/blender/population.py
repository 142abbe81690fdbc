"""Who is drawn: ages, heights, clothes, hair and poses as one meets them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .catalogue import BOTTOMS, HAIR_STYLES, OVERS, POSES, SHOES, TOPS
from .draws import Draws

# Years and share. Toddlers are left out: the base mesh does not hold their proportions well.
AGE_BANDS: Mapping[tuple[float, float], float] = {
    (4.0, 10.0): 0.10,
    (10.0, 18.0): 0.12,
    (18.0, 40.0): 0.40,
    (40.0, 65.0): 0.26,
    (65.0, 85.0): 0.12,
}

# Median standing height in metres by age: WHO growth references 2007 to 18 years.
_GROWTH_AGES = (4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0)
_GROWTH_FEMALE = (
    *(1.03, 1.10, 1.15, 1.21, 1.27, 1.33, 1.39, 1.45, 1.51, 1.56, 1.60, 1.62, 1.625, 1.63),
    1.632,
)
_GROWTH_MALE = (
    *(1.03, 1.10, 1.16, 1.22, 1.27, 1.33, 1.38, 1.43, 1.49, 1.56, 1.63, 1.69, 1.73, 1.75),
    1.763,
)
_SPREAD = 0.042  # standard deviation of height over its median, adults and children alike
_SHRINKING_FROM, _SHRINKING = 45.0, 0.0011  # years, metres a year

_POSE_WEIGHTS: Mapping[str, float] = {"relaxed": 2.0, "contrapposto": 2.0, "walking": 2.0}
# Where a skirt would not hang.
_LOW_POSES = ("running", "crouching", "kneeling", "sitting")
_TOP_WEIGHTS: Mapping[str, float] = {"t_shirt": 2.0, "dress": 0.0, "tank_top": 0.6}
_BOTTOM_WEIGHTS: Mapping[str, float] = {"jeans": 2.0, "skirt": 0.0, "leggings": 0.0}
_FEMALE_HAIR: Mapping[str, float] = {
    **{"buzz": 0.1, "short_crop": 0.6, "side_part": 0.5, "afro": 0.6, "curly": 1.2, "bob": 2.0},
    **{"long": 3.0, "ponytail": 2.0, "bun": 1.5, "bald": 0.0},
}
_MALE_HAIR: Mapping[str, float] = {
    **{"buzz": 1.2, "short_crop": 3.0, "side_part": 3.0, "afro": 0.6, "curly": 1.2, "bob": 0.2},
    **{"long": 0.3, "ponytail": 0.15, "bun": 0.15, "bald": 0.8},
}


def median_height(sex: float, age: float) -> float:
    """Return the median standing height of an age.

    Parameters
    ----------
    sex
        0 female to 1 male.
    age
        Years, 4 and more.

    Returns
    -------
    float
        Metres, without shoes.

    Examples
    --------
    >>> round(median_height(0.0, 30.0), 2), round(median_height(1.0, 8.0), 2)
    (1.63, 1.27)
    """
    female = float(np.interp(age, _GROWTH_AGES, _GROWTH_FEMALE))
    male = float(np.interp(age, _GROWTH_AGES, _GROWTH_MALE))
    return female + sex * (male - female) - _SHRINKING * max(age - _SHRINKING_FROM, 0.0)


def _bell(draws: Draws, name: str) -> float:
    """Return a number of (0, 1) that is seldom near its ends."""
    return sum(draws.uniform(f"{name}{i}") for i in range(3)) / 3.0


def _normal(draws: Draws, name: str) -> float:
    """Return a number of mean 0 and deviation 1, within 2.6 of 0."""
    total = sum(draws.uniform(f"{name}{i}", -1.0, 1.0) for i in range(12)) / 2.0
    return float(np.clip(total, -2.6, 2.6))


def _weighted(names: tuple[str, ...], weights: Mapping[str, float]) -> dict[str, float]:
    return {name: weights.get(name, 1.0) for name in names}


def _hair(draws: Draws, female: bool, age: float, skin: float) -> dict[str, Any]:
    weights = _weighted(HAIR_STYLES, _FEMALE_HAIR if female else _MALE_HAIR)
    if age < 30.0:
        weights["bald"] = 0.0
    # Tight curls go with dark skin, fair and red hair with light skin.
    weights["afro"] *= 3.0 if skin > 0.6 else 0.1
    style = draws.choice("style", weights)
    fair = draws.uniform("fair") < max(0.0, 0.5 - skin)
    melanin = draws.uniform("melanin", 0.15, 0.5) if fair else draws.uniform("melanin", 0.65, 1.0)
    redness = draws.uniform("redness", 0.0, 0.9 if skin < 0.35 else 0.25)
    grey = float(np.clip((age - 42.0) / 30.0 + draws.uniform("grey", -0.4, 0.4), 0.0, 1.0))
    return {
        "style": style,
        "length": round(draws.uniform("length"), 3),
        "melanin": round(melanin * (1.0 - grey) + 0.06 * grey, 3),
        "redness": round(redness * (1.0 - grey), 3),
    }


def _garments(draws: Draws, female: bool, age: float, pose: str) -> dict[str, str | None]:
    tops = _weighted(TOPS, _TOP_WEIGHTS)
    bottoms = _weighted(BOTTOMS, _BOTTOM_WEIGHTS)
    if female and pose not in _LOW_POSES:
        tops["dress"] = 1.2
        bottoms["skirt"] = 1.0
    if female:
        bottoms["leggings"] = 0.7
    if age > 60.0:
        tops["tank_top"] = tops["hoodie"] = 0.15
        bottoms["shorts"] *= 0.3
        bottoms["leggings"] *= 0.3
    top = draws.choice("top", tops)
    over = draws.choice("over", OVERS) if draws.chance("wears over", 0.3) else None
    return {
        "top": top,
        "bottom": None if top == "dress" else draws.choice("bottom", bottoms),
        "shoes": draws.choice("shoes", SHOES),
        # A hood does not lie flat under a collar.
        "over": None if top == "hoodie" else over,
    }


def sampled(draws: Draws) -> dict[str, Any]:
    """Draw a person such as one meets.

    Parameters
    ----------
    draws
        The draws of this subject.

    Returns
    -------
    dict
        The `subject` of a sample spec, of kind "person": `seed`; `sex` 0 female to 1 male; `age` in
        years, 4 to 85; `height` in metres without shoes; `weight` and `muscle` 0 to 1; `skin` 0
        light to 1 dark; `pose`; `hair` (`style`, `length`, `melanin` and `redness` 0 to 1);
        `garments` (`top`, `bottom`, `shoes`, `over`, some None); `turn` in radians about z.

    Examples
    --------
    >>> person = sampled(Draws(7, 3, "subject"))
    >>> person["kind"], 0.9 < person["height"] < 2.1, person == sampled(Draws(7, 3, "subject"))
    ('person', True, True)
    """
    low, high = draws.choice("age band", AGE_BANDS)
    age = draws.uniform("age", low, high)
    female = draws.chance("female", 0.5)
    # Faces and frames differ within a sex, but a body halfway between looks like neither.
    sex = draws.uniform("sex", 0.0, 0.2) if female else draws.uniform("sex", 0.8, 1.0)
    height = median_height(float(not female), age) * (1.0 + _SPREAD * _normal(draws, "height"))
    skin = draws.uniform("skin")
    pose = draws.choice("pose", _weighted(POSES, _POSE_WEIGHTS))
    return {
        "kind": "person",
        "seed": draws.seed("person"),
        "sex": round(sex, 3),
        "age": round(age, 1),
        "height": round(height, 3),
        "weight": round(0.15 + 0.7 * _bell(draws, "weight"), 3),
        "muscle": round(0.15 + 0.7 * _bell(draws, "muscle"), 3),
        "skin": round(skin, 3),
        "pose": pose,
        "hair": _hair(draws.within("hair"), female, age, skin),
        "garments": _garments(draws.within("garments"), female, age, pose),
        "turn": round(draws.uniform("turn", -0.6, 0.6), 3),
    }
