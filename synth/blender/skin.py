"""The colour of skin: human tones, redder where blood is near, darker under cropped hair."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .bodies import BODY_VERTICES
from .draws import Draws
from .grounding import Rest
from .heads import Head, beard, horseshoe, lips, scalp

Floats = npt.NDArray[np.float64]

# sRGB of skin in even light, from light to dark; hues of 15 to 25 degrees.
_TONES = np.array(
    [
        (228, 188, 165),
        (217, 172, 144),
        (196, 146, 115),
        (162, 112, 82),
        (122, 80, 59),
        (82, 54, 42),
    ]
)


def linear(srgb: Any) -> Floats:
    """Return sRGB levels of [0, 255] as linear light of [0, 1]."""
    level = np.asarray(srgb, dtype=np.float64) / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def tone(skin: float, draws: Draws) -> Floats:
    """Return the colour of skin in linear light.

    Parameters
    ----------
    skin
        0 light to 1 dark.
    draws
        The draws of the subject: warmer or cooler.

    Returns
    -------
    numpy.ndarray
        (3) float64.

    Examples
    --------
    >>> bool((np.diff(tone(0.3, Draws(1))) < 0).all())  # more red than green than blue
    True
    """
    place = skin * (len(_TONES) - 1)
    srgb = np.array([np.interp(place, range(len(_TONES)), _TONES[:, i]) for i in range(3)])
    warm = draws.uniform("warmth", -1.0, 1.0)
    return np.asarray(linear(srgb) * np.array([1.0 + 0.02 * warm, 1.0, 1.0 - 0.06 * warm]))


def hair_colour(melanin: float, redness: float) -> Floats:
    """Return roughly how hair looks, linear light (3), for skin seen through cropped hair."""
    dark = np.array([0.012, 0.009, 0.007])
    light = np.array([0.50, 0.42, 0.32])
    red = np.array([0.30, 0.10, 0.03])
    share = float(np.clip(melanin, 0.0, 1.0)) ** 0.5
    colour = light + redness * 0.6 * (red - light)
    return np.asarray(colour * (dark / colour) ** share)


def colours(
    body: Rest, head: Head, spec: Mapping[str, Any], draws: Draws, *, bearded: float
) -> Floats:
    """Return the colour of each vertex of the skin.

    Parameters
    ----------
    body, head
        The body at rest and its head.
    spec
        A subject of kind "person".
    draws
        The draws of the subject.
    bearded
        How much a beard shows, 0 to 1.

    Returns
    -------
    numpy.ndarray
        13380 x 3 float64, linear light.
    """
    points = body.vertices[:BODY_VERTICES]
    unit = head.tall / 0.11
    base = tone(spec["skin"], draws)
    light = 1.0 - spec["skin"]
    result = np.tile(base, (BODY_VERTICES, 1))

    def spot(x: float, y: float, z: float, radius: float) -> Floats:
        mirrored = np.stack([np.abs(points[:, 0]), points[:, 1], points[:, 2]], axis=1)
        distance = np.linalg.norm(mirrored - np.array([x, y, z]), axis=1)
        return np.exp(-((distance / (radius * unit)) ** 2))

    eye_x, eye_y, eye_z = np.abs(head.eyes[0])[0], head.eyes[0][1], head.eyes[0][2]
    mouth_y, mouth_z = head.mouth
    cheeks = spot(eye_x * 1.3, eye_y - 0.004 * unit, eye_z - 0.038 * unit, 0.024)
    nose = spot(0.0, mouth_y - 0.012 * unit, mouth_z + 0.030 * unit, 0.016)
    blood = np.array([0.03, -0.10, -0.10]) * (0.4 + 0.9 * light)
    result *= 1.0 + (draws.uniform("blush", 0.5, 1.4) * cheeks + 0.7 * nose)[:, None] * blood
    sockets = spot(eye_x, eye_y - 0.010 * unit, eye_z - 0.004 * unit, 0.014)
    result *= 1.0 - (0.16 * sockets)[:, None] * np.array([0.7, 1.0, 1.0])
    mouth = lips(head, points)[:, None]
    lip = base * np.array([0.86, 0.50, 0.50]) ** (0.55 + 0.45 * light)
    painted = spec["sex"] < 0.5 and spec["age"] > 17.0 and draws.chance("lipstick", 0.3)
    if painted:
        lip = lip * np.array([1.0, 0.45, 0.5])
    result += mouth * (lip - result)
    hair = spec["hair"]
    shade = hair_colour(hair["melanin"], hair["redness"])
    cover = {"buzz": 0.65, "bald": 0.5}.get(hair["style"], 0.85)
    grown = (horseshoe if hair["style"] == "bald" else scalp)(head, points)
    result += (cover * grown)[:, None] * (shade - result)
    if bearded:
        result += (0.45 * bearded * beard(head, points))[:, None] * (shade - result)
    return np.clip(result, 0.001, 1.0)
