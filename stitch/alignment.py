"""Put a clip back on the photograph it was cut from, or refuse."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .correlation import places
from .geometry import (
    Matrix,
    corners_of,
    inverse,
    mapped,
    mirroring,
    plausible,
    resizing,
    scale_of,
    shifting,
)
from .keypoints import ORIGINAL_SIDE, SMALL, clip_keypoints, keypoints_of, matched
from .photometric import settle
from .repetition import fitting, repeats
from .resampling import resampling_of
from .silhouette import outline_of, outlined, silhouettes
from .support import Clip, Mask, clip_of, rgb
from .verification import (
    HOPELESS,
    LEAST_TILES,
    THRESHOLD,
    Evidence,
    agreeing,
    amiss,
    evidence,
    margins,
    without_shadow,
)

LEAST_SUPPORT = 80
"""Pixels of the object below which a clip is too small to be placed."""
PLENTY, FEW = 25, 12
"""Inliers from which no other way is tried, whatever the verifier says; below which the outline
must agree, too."""
HOPEFUL = 0.8
"""Typical correlation from which a place that fails may fail for a shadow only."""
SYMMETRIC = 0.1
"""By how much better a mirrored place without plenty of inliers must be."""
FILLED = 0.4
"""How much more of a photograph's colour must be within a silhouette than around it."""
ENLARGED = 1.3
"""Scale from which a clip is judged in the photograph's pixels: its own show nothing more."""
WORKED = 700
"""Long side in pixels at which a larger object is placed and judged; all its pixels have the last
word on where it lies."""
ALIKE = 0.95
"""Reduction that is not worth its while."""
NUDGE = 1.0
"""Pixels by which a small clip may move when what disagrees is left out."""
EXACT = 0.5
"""Pixels by which the kernel may move a small clip that lies where it belongs."""
PHASES = 5
"""Places around one that was found at which a texture that repeats is tried."""
CLEARLY = 1.02
"""How much more than the best the next place of a repeating texture must be amiss."""
SEARCHED = 220
"""Long side in pixels of the object at which the places that correlation finds are compared."""
SEEN, LYING = 0.2, 0.5
"""Share of an outline that must be seen to speak, and share of that which must lie right."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where a clip lies on its photograph.

    Parameters
    ----------
    matrix : ndarray, 2 x 3, float64
        Maps the clip's pixel centres to the photograph's: (x, y, 1) to (x, y), the first pixel's
        centre being (0, 0). All zero where nothing was found.
    mirrored : bool
        Whether the clip was turned left to right.
    accepted : bool
        Whether it is certain enough to be used.
    reason : str
        Why it is not: ``"too_small"``, ``"low_texture"``, ``"repeating"``, ``"wrong_pair"``,
        ``"other_view"`` or ``"perspective"``; empty when it is.
    score : float
        How certain, at most 1.
    inliers : int
        Keypoint matches that agree with it; 0 where it was found otherwise.
    evidence : Evidence or None
        The numbers behind that, with residuals tile by tile.
    """

    matrix: npt.NDArray[np.float64]
    mirrored: bool
    accepted: bool
    reason: str
    score: float
    inliers: int = 0
    evidence: Evidence | None = field(default=None, repr=False)

    @property
    def tiles(self) -> npt.NDArray[np.float64]:
        """Residuals, n x 5, float64: clip pixels, [-1, 1] and levels; see `Evidence.tiles`."""
        return np.zeros((0, 5)) if self.evidence is None else self.evidence.tiles

    @property
    def scale(self) -> float:
        """Pixels of the clip for one of the photograph."""
        area = abs(float(np.linalg.det(self.matrix[:, :2])))
        return 1 / float(np.sqrt(area)) if area else 0.0


class _Found(NamedTuple):
    to_clip: Matrix  # of the clip as it is, mirrored or not
    mirrored: bool
    inliers: int
    score: float
    evidence: Evidence

    @property
    def preference(self) -> float:
        """Its score, with a doubt where a symmetric thing may only look mirrored."""
        doubtful = self.mirrored and self.inliers < PLENTY
        return self.score - SYMMETRIC * doubtful


def align(original: npt.NDArray[np.generic], clipped: npt.NDArray[np.generic]) -> Alignment:
    """Find where on its photograph a clip lies, to a fraction of a pixel, or say why not.

    The clip may have been cropped, moved, scaled, turned a little, mirrored, graded, sharpened and
    compressed. RootSIFT matches give a similarity; Gauss-Newton on all pixels of the object refines
    it in the clip's grid; where there is too little texture, the outline or masked colour
    correlation over all places and scales finds the start, and for plain things the outline
    decides. What is found must then pass a verifier: detail that correlates tile by tile, tiles
    that do not want to move, colours that one smooth map explains, and no bend that only another
    view explains.

    Parameters
    ----------
    original : ndarray, uint8 or uint16
        The photograph, H x W grey, H x W x 3 RGB or H x W x 4.
    clipped : ndarray, uint8 or uint16
        The clip: H x W grey or H x W x 3 RGB on a white or nearly white canvas, or H x W x 4 RGBA.

    Returns
    -------
    Alignment

    Raises
    ------
    ValueError
        When an array is none of these.

    References
    ----------
    R. Arandjelovic, A. Zisserman, "Three things everyone should know to improve object retrieval",
    2012 (RootSIFT). S. Baker, I. Matthews, "Lucas-Kanade 20 years on", 2004.

    Examples
    --------
    >>> from skimage.data import coffee
    >>> photograph = coffee()
    >>> clip = np.full((260, 300, 3), 255, np.uint8)
    >>> clip[20:220, 30:270] = photograph[100:300, 180:420]
    >>> found = align(photograph, clip)
    >>> found.accepted, np.abs(found.matrix - [[1, 0, 150], [0, 1, 80]]).max() < 0.05
    (True, np.True_)
    """
    photograph, clip = rgb(original), clip_of(clipped)
    nothing = np.zeros((2, 3))
    if clip.support.sum() < LEAST_SUPPORT or min(photograph.shape[:2]) < 16:
        return Alignment(nothing, False, False, "too_small", 0.0)
    if clip.grey:
        luma = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
        photograph = cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    best: _Found | None = None
    tried: list[_Found] = []
    for found in _candidates(photograph, clip):
        tried.append(found)
        if best is None or found.preference > best.preference:
            best = found
        if best.score > THRESHOLD and best.inliers >= PLENTY:
            break
    if best is None:
        return Alignment(nothing, False, False, _without_place(clip), 0.0)
    accepted = best.score >= THRESHOLD
    reason = "" if accepted else _reason(best)
    if accepted and repeats(clip.image, clip.support):
        best, told = _among_alike(
            photograph, clip, [one for one in tried if one.score >= THRESHOLD]
        )
        accepted, reason = told, "" if told else "repeating"
    to_clip = _in_full(photograph, clip, best) if accepted else best.to_clip
    matrix = inverse(to_clip)[:2]
    if accepted and best.evidence.size < SMALL:
        matrix = _exact(photograph, clip, matrix)
    return Alignment(
        matrix, best.mirrored, accepted, reason, best.score, best.inliers, best.evidence
    )


def _among_alike(photograph: Image, clip: Clip, found: list[_Found]) -> tuple[_Found, bool]:
    """Return the best of all places at which a repeating texture fits, and whether it is clearly.

    The score does not tell them apart: what decides is what shows beyond the object.
    """
    places = list(found)
    for one in found:
        under = mapped(inverse(one.to_clip), corners_of(clip.support))
        # A thing that is the same on both sides stands upright in the photograph, not in a clip.
        turning = shifting(2 * float(under[:, 0].mean()), 0) @ np.diag([-1.0, 1.0, 1.0])
        for mirrored in (one.mirrored, not one.mirrored):
            image, support = _turned(clip, mirrored)
            start = one.to_clip if mirrored == one.mirrored else one.to_clip @ turning
            start = mirroring(support.shape[1]) @ start if mirrored else start
            for place in fitting(photograph, image, support, start, PHASES):
                again = _settled(photograph, image, support, place, mirrored, one.inliers)
                if again.score >= THRESHOLD:
                    places.append(again)
    off = [
        amiss(photograph, clip.image, clip.support, one.to_clip) * (CLEARLY if one.mirrored else 1)
        for one in places
    ]
    order = np.argsort(off, kind="stable")
    best, least = places[order[0]], off[order[0]]
    apart = [
        off[number]
        for number in order[1:]
        if _moved(clip.support, best.to_clip, places[number].to_clip) > NUDGE
    ]
    return best, not apart or apart[0] > CLEARLY * least


def _in_full(photograph: Image, clip: Clip, found: _Found) -> Matrix:
    """Lay a clip that was worked on reduced by all its pixels."""
    factor, unit = _working(clip.support, found.to_clip)
    if factor >= unit:
        return found.to_clip
    image, support = _turned(clip, found.mirrored)
    turning = mirroring(support.shape[1]) if found.mirrored else np.eye(3)
    before = turning @ found.to_clip
    whole = settle(photograph, image, support, before, reductions=(1.0,))
    if whole is None or _moved(support, before, whole.to_clip) > NUDGE / factor:
        return found.to_clip
    return turning @ whole.to_clip


def _exact(
    photograph: Image, clip: Clip, matrix: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Lay a small clip by the kernel it was reduced with: there, what a kernel does is a pixel."""
    exact = resampling_of(photograph, clip.image, clip.support, matrix).matrix
    before, after = (inverse(np.vstack([one, [0, 0, 1]])) for one in (matrix, exact))
    return exact if _moved(clip.support, before, after) < EXACT else matrix


def _candidates(photograph: Image, clip: Clip) -> Iterator[_Found]:
    """Yield what could be it: from keypoints, then by the outline, then by correlation."""
    known = keypoints_of(photograph, None, ORIGINAL_SIDE)
    best, most = 0.0, 0
    for mirrored in (False, True):
        image, support = _turned(clip, mirrored)
        rows, columns = np.nonzero(support)
        side = int(max(np.ptp(rows), np.ptp(columns))) + 1
        match = matched(known, clip_keypoints(image, support), side)
        if match is None or not plausible(match.to_clip):
            continue
        found = _settled(photograph, image, support, match.to_clip, mirrored, match.inliers)
        if not mirrored or found.inliers >= PLENTY:
            best = max(best, found.score)
        most = max(most, found.inliers)
        yield found
    if most >= PLENTY and not repeats(clip.image, clip.support):
        return  # where so many agree the clip would lie: if it does not, it lies nowhere
    if best < THRESHOLD:
        for found in _by_outline(photograph, clip):
            best = max(best, found.score)
            yield found
    if best < THRESHOLD:
        yield from _correlated(photograph, clip)


def _by_outline(photograph: Image, clip: Clip) -> Iterator[_Found]:
    """Yield where the object's silhouette fits: plain things, and textures that repeat."""
    tried: list[tuple[float, bool, Matrix]] = []
    for mirrored in (False, True):
        image, support = _turned(clip, mirrored)
        found = silhouettes(photograph, image, support, 1)
        tried += [(place.correlation, mirrored, place.to_clip) for place in found]
    for filled, mirrored, start in sorted(tried, key=lambda one: -one[0]):
        if filled < FILLED:
            continue
        image, support = _turned(clip, mirrored)
        laid = outlined(photograph, image, support, start)
        if laid is not None and plausible(laid.to_clip) and laid.agreement > 0.5:
            seen = evidence(photograph, image, support, laid.to_clip)
            still = seen.tiles.copy()
            still[:, 3] = np.nan  # without texture, tiles do not tell where they belong
            seen = replace(seen, tiles=still, bend=laid.bend, outline=laid.agreement)
            by_outline = _found(laid.to_clip, support, mirrored, 0, seen)
            yield by_outline
            if by_outline.score >= THRESHOLD:
                continue
        start = start if laid is None else laid.to_clip
        settled = _settled(photograph, image, support, start, mirrored, 0)
        yield settled
        if settled.score < THRESHOLD and repeats(image, support):
            for place in fitting(photograph, image, support, start, PHASES):
                yield _settled(photograph, image, support, place, mirrored, 0)


def _correlated(photograph: Image, clip: Clip) -> Iterator[_Found]:
    """Yield the best place that correlation finds, at full size."""
    rows, columns = np.nonzero(clip.support)
    factor = min(1.0, SEARCHED / max(np.ptp(rows) + 1, np.ptp(columns) + 1))
    reduced, support, reducing = _reduced(clip.image, clip.support, factor)
    small = Clip(reduced, support, clip.grey)
    if small.support.sum() < LEAST_SUPPORT:
        return
    tried: list[tuple[float, bool, Matrix]] = []
    for mirrored in (False, True):
        image, support = _turned(small, mirrored)
        for place in places(photograph, image, support, 3):
            if place.correlation < 0.5:
                continue
            settled = settle(photograph, image, support, place.to_clip, reductions=(0.5, 1.0))
            if settled is None or not plausible(settled.to_clip):
                continue
            seen = evidence(photograph, image, support, settled.to_clip, bending=False)
            value = min(seen.correlation, seen.typical if len(seen.tiles) > 3 else 1.0)
            tried.append((value, mirrored, settled.to_clip))
    if not tried:
        return
    value, mirrored, to_small = max(tried, key=lambda one: one[0] - SYMMETRIC * one[1])
    if value > 0.45:
        image, support = _turned(clip, mirrored)
        yield _settled(photograph, image, support, inverse(reducing) @ to_small, mirrored, 0)


def _reduced(image: Image, support: Mask, factor: float) -> tuple[Image, Mask, Matrix]:
    """Return a clip made smaller, and the transform to it: the same for a mirrored one."""
    height, width = support.shape
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    levels = support.astype(np.uint8) * np.uint8(255)
    return (
        cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False),
        cv2.resize(levels, size, interpolation=cv2.INTER_AREA) > 200,
        resizing((width, height), size),
    )


def _turned(clip: Clip, mirrored: bool) -> tuple[Image, Mask]:
    if not mirrored:
        return clip.image, clip.support
    return np.ascontiguousarray(clip.image[:, ::-1]), np.ascontiguousarray(clip.support[:, ::-1])


def _settled(
    photograph: Image,
    image: Image,
    support: Mask,
    start: Matrix,
    mirrored: bool,
    inliers: int,
) -> _Found:
    factor, unit = _working(support, start)
    if factor < 1:
        small, left, reducing = _reduced(image, support, factor)
        if left.sum() >= LEAST_SUPPORT:
            found = _settled(photograph, small, left, reducing @ start, mirrored, inliers)
            seen = found.evidence
            tiles = seen.tiles * (1, 1, 1, unit / factor, 1)
            tiles[:, :2] = mapped(inverse(reducing), tiles[:, :2])
            bend, size = seen.bend * unit / factor, seen.size * unit / factor
            seen = replace(seen, tiles=tiles, bend=bend, size=size)
            to_clip = inverse(reducing) @ found.to_clip
            return found._replace(to_clip=to_clip, evidence=seen, score=_score(seen))
    settled = settle(photograph, image, support, start)
    to_clip = settled.to_clip if settled is not None else start
    if not plausible(to_clip):
        to_clip = start
    seen = evidence(photograph, image, support, to_clip)
    if seen.typical > HOPEFUL and _score(seen) < THRESHOLD:
        left = without_shadow(photograph, image, support, to_clip)
        if left.sum() < 0.99 * support.sum():
            again = settle(photograph, image, left, to_clip)
            if again is not None and plausible(again.to_clip):
                support, to_clip = left, again.to_clip
                seen = evidence(photograph, image, support, to_clip)
    if seen.typical > HOPEFUL and seen.size < SMALL:
        left = agreeing(photograph, image, support, to_clip)
        again = settle(photograph, image, left, to_clip)
        if again is not None and _moved(support, to_clip, again.to_clip) < NUDGE:
            cleaned = evidence(photograph, image, left, again.to_clip)
            if _score(cleaned) >= min(THRESHOLD, _score(seen)):
                support, to_clip, seen = left, again.to_clip, cleaned
    if _score(seen) >= THRESHOLD and (inliers < FEW or repeats(image, support)):
        laid = outline_of(photograph, image, support, to_clip)
        if laid is not None and laid.seen > SEEN and laid.agreement < LYING * laid.seen:
            seen = replace(seen, outline=laid.agreement)
    return _found(to_clip, support, mirrored, inliers, seen)


def _working(support: Mask, to_clip: Matrix) -> tuple[float, float]:
    """Return by how much a clip is reduced to be worked on, and to be judged; 1 for not at all."""
    unit = 1 / max(1.0, scale_of(to_clip))
    unit = unit if unit < 1 / ENLARGED else 1.0
    side = float(np.ptp(corners_of(support), axis=0).max()) + 1
    factor = min(unit, WORKED / side)
    return (factor if factor < ALIKE else 1.0), unit


def _moved(support: Mask, before: Matrix, after: Matrix) -> float:
    """Return by how many pixels of the clip the object's corners moved, on average."""
    corners = corners_of(support)
    return float(np.hypot(*(mapped(after @ inverse(before), corners) - corners).T).mean())


def _score(seen: Evidence) -> float:
    return min(margins(seen).values())


def _found(to_clip: Matrix, support: Mask, mirrored: bool, inliers: int, seen: Evidence) -> _Found:
    if mirrored:
        to_clip = mirroring(support.shape[1]) @ to_clip
    return _Found(to_clip, mirrored, inliers, _score(seen), seen)


def _reason(found: _Found) -> str:
    """Return what a refused clip is, as far as the evidence tells."""
    seen = found.evidence
    failed = {name for name, margin in margins(seen).items() if margin < THRESHOLD}
    if len(seen.tiles) < LEAST_TILES:
        return "low_texture"
    if "inside" in failed or seen.typical < HOPELESS or found.inliers < FEW:
        return "wrong_pair"
    return "perspective" if failed == {"bend"} else "other_view"


def _without_place(clip: Clip) -> str:
    luma: Any = cv2.cvtColor(clip.image, cv2.COLOR_RGB2GRAY)
    return "low_texture" if float(luma[clip.support].std()) < 12 else "wrong_pair"
