"""Say what is wrong with an alpha, where, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import cv2
import numpy as np

from maskmill.images import Alpha, Image

from .features import (
    PHOTO_SIDE,
    SIDE,
    Outline,
    Pair,
    Part,
    Profile,
    outline_of,
    pair_of,
    parts_of,
    photo_of,
    profile_of,
    sharpness,
)

FOUND = 0.5
"""The score from which a defect counts."""

DEFECTS = ("hole", "island", "speckle", "stairs", "polygon", "low_resolution", "halo")


@dataclass(frozen=True, slots=True)
class Region:
    """Where a defect lies, in pixels of the alpha."""

    kind: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Defects:
    """What `defects` found.

    Parameters
    ----------
    scores : mapping of str to float
        For each of `DEFECTS` how sure it is, in [0, 1]; from .5 it counts as found.
    measures : mapping of str to float
        The numbers behind the scores; see `defects`.
    regions : tuple of Region
        One for each hole and island that counts, the box of the object for the rest of what was
        found.
    """

    scores: Mapping[str, float]
    measures: Mapping[str, float] = field(repr=False)
    regions: tuple[Region, ...] = ()

    @property
    def found(self) -> tuple[str, ...]:
        """The defects whose score is at least .5, the surest first."""
        named = [name for name in DEFECTS if self.scores[name] >= FOUND]
        return tuple(sorted(named, key=lambda name: -self.scores[name]))


def defects(alpha: Alpha, image: Image) -> Defects:
    """Look for the defects that masks commonly come with.

    ===================  ========================================================================
    defect               evidence
    ===================  ========================================================================
    ``hole``             in the object, with its colours and without an edge of the photograph
                         round it
    ``island``           beside the object, with the background's colours and without such an edge
    ``speckle``          single pixels on the wrong side, more than some .16 % of the picture
    ``stairs``           runs of pixel sides of which hardly any is one pixel long: enlarged
                         without interpolation
    ``polygon``          long straight pieces that meet at corners, beside the photograph's edges
    ``low_resolution``   soft everywhere, and nothing is lost by a reduction to 320 pixels: a
                         network's map
    ``halo``             the photograph's edge runs along the outline at a distance, inside or
                         outside
    ===================  ========================================================================

    Tuned to leave good masks alone: a defect that is hardly there is not found. Outlines and parts
    are looked at at a long side of 1024 pixels or the picture's own, if it is less; the
    photograph's edges at 640; speckle at full size.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
    image : ndarray, H x W x 3, uint8
        The photograph, RGB.

    Returns
    -------
    Defects
        Its `measures`, where they could be taken: ``specks`` (share of the picture's pixels);
        ``holes``, ``hole_area``, ``islands``, ``island_area`` (number of those that count, and
        share of the object's area); ``edge_ramp`` (pixels from 0 to 1 where the edge is sharpest);
        ``network_side`` (about the long side of the map that was enlarged, with ``stairs`` and
        ``low_resolution``); ``piece`` and ``deviation`` (pixels: mean length of the outline's
        straight pieces, and how far from them a smooth line runs; with ``polygon``);
        ``edge_offset`` (pixels from the outline out to the photograph's edge: below 0 the mask is
        too large) and ``edge_prominence`` (how much stronger the photograph is there than under
        the outline). Pixels are those of the alpha.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> image = np.full((300, 400, 3), 40, np.uint8)
    >>> image[80:220, 100:300] = 200
    >>> alpha = np.zeros((300, 400), np.float32)
    >>> alpha[80:220, 100:300] = 1
    >>> defects(alpha, image).found
    ()
    >>> alpha[100:130, 150:170] = 0
    >>> spoilt = defects(alpha, image)
    >>> spoilt.found, spoilt.regions
    (('hole',), (Region(kind='hole', x=150, y=100, width=20, height=30),))
    """
    return judged(pair_of(alpha, image))


def judged(pair: Pair) -> Defects:
    """Return the defects of a pair that is at scale already."""
    parts, outline, profile = parts_of(pair), outline_of(pair), profile_of(photo_of(pair))
    fakes = [(part, fake(part)) for part in parts]
    scores = {
        "hole": _any([sure for part, sure in fakes if part.kind == "hole"]),
        "island": _any([sure for part, sure in fakes if part.kind == "island"]),
        "speckle": _rise(np.log10(max(pair.specks, 1e-6) / 1.6e-3), 8),
        "stairs": _stairs(outline),
        "low_resolution": _low_resolution(pair, outline),
        "halo": _halo(profile),
    }
    scores["polygon"] = 0.0 if scores["stairs"] >= FOUND else _polygon(outline, profile)
    scores = {name: round(scores[name], 4) for name in DEFECTS}
    measures = _measures(pair, fakes, scores, outline, profile)
    regions = _regions(pair, fakes, scores)
    return Defects(MappingProxyType(scores), MappingProxyType(measures), regions)


def _rise(value: float, steepness: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(steepness * value, -30, 30))))


def fake(part: Part) -> float:
    """Return how sure it is, in [0, 1], that a part is a defect."""
    evidence = 2.2 * (0.65 - min(part.apart, 3.0)) + 5 * (0.2 - part.outlined)
    evidence += 0.4 * float(np.clip(part.alike, -3, 3))
    return _rise(evidence + 0.5 * float(np.clip(np.log(part.area / 1e-3), -2, 1)), 1)


def _any(sures: list[float]) -> float:
    # Many parts that are most likely good do not make one that is bad.
    return float(1 - np.prod([1 - sure for sure in sures if sure >= 0.3]))


def _stairs(outline: Outline | None) -> float:
    # What has right angles itself has few and long runs: a door, a screen.
    if outline is None or outline.runs < 48 or not 2 <= outline.step <= SIDE / 32:
        return 0.0
    return _rise(0.25 - outline.single, 40)


def _low_resolution(pair: Pair, outline: Outline | None) -> float:
    # An edge may be softer than a pixel; over one and a half of a map of 320 it is not the edge's.
    if outline is None or outline.ramp < max(2.4, 4.5e-3 * max(pair.mask.shape)):
        return 0.0
    return _rise(np.log(0.036 / max(outline.lost, 1e-4)), 6)


def _polygon(outline: Outline | None, profile: Profile | None) -> float:
    if outline is None or profile is None or outline.corners[1] < 5:
        return 0.0
    ratio, bulge = outline.corners[0] / outline.corners[1], min(outline.bulge, 4.0)
    evidence = 6.3 - 7 * np.log(ratio) + 6 * np.log(bulge + 0.3)
    # A smooth line through the corners of any outline is off by half of what they were allowed.
    evidence -= 10 * max(0.0, 0.8 - bulge)
    # What is made of boards and panes is a polygon itself, and the photograph's edge is under it;
    # beside the edge as a whole (halo), any outline is, and that says nothing.
    sharp = sharpness(profile)
    return _rise(evidence - 5 * max(sharp, 0.1) - 15 * max(0.0, sharp - 1.8), 1)


def _halo(profile: Profile | None) -> float:
    if profile is None or abs(profile.offset) < 2:
        return 0.0
    return _rise(profile.prominence - 1.25, 12)


def _measures(
    pair: Pair,
    fakes: list[tuple[Part, float]],
    scores: Mapping[str, float],
    outline: Outline | None,
    profile: Profile | None,
) -> dict[str, float]:
    measures = {"specks": pair.specks}
    for kind in ("hole", "island"):
        areas = [part.area for part, sure in fakes if part.kind == kind and sure >= FOUND]
        measures |= {f"{kind}s": float(len(areas)), f"{kind}_area": float(sum(areas))}
    if outline is not None:
        measures["edge_ramp"] = outline.ramp * pair.scale
        if scores["stairs"] >= FOUND:
            measures["network_side"] = max(pair.mask.shape) / outline.step
        elif scores["low_resolution"] >= FOUND:
            # A step that a network blurs by a pixel of its own climbs over about two of them.
            measures["network_side"] = 1.9 * max(pair.mask.shape) / outline.ramp
        if scores["polygon"] >= FOUND:
            root = float(np.sqrt(pair.mask.sum(dtype=np.int64)))
            measures["piece"] = outline.piece * root * pair.scale
            measures["deviation"] = outline.bulge * pair.scale
    if profile is not None:
        pixels = pair.scale * max(pair.mask.shape) / PHOTO_SIDE
        measures["edge_offset"] = profile.offset * pixels
        measures["edge_prominence"] = profile.prominence
    return measures


def _regions(
    pair: Pair, fakes: list[tuple[Part, float]], scores: Mapping[str, float]
) -> tuple[Region, ...]:
    boxes = [
        (part.kind, part.box) for part, sure in fakes if sure >= 0.3 and scores[part.kind] >= FOUND
    ]
    whole = cv2.boundingRect(pair.mask)
    named = (name for name in DEFECTS if scores[name] >= FOUND and name not in ("hole", "island"))
    boxes += [
        (name, (int(whole[0]), int(whole[1]), int(whole[2]), int(whole[3]))) for name in named
    ]
    return tuple(Region(kind, *(round(side * pair.scale) for side in box)) for kind, box in boxes)
