"""Solve the alpha that a clip hides, once it lies on its photograph."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image
from maskmill.sample import Dropped, Sample

from .alignment import Alignment
from .channels import greatest, least, mean, total
from .colour_map import fitted
from .context import ClipContext
from .decoding import decode_clip
from .geometry import inverse, scale_of
from .photometric import reduced_to
from .resampling import resampling_of, restored
from .support import Mask, canvas_of, clip_of, eight_bits, rgb
from .surroundings import EDGE, UNPROVEN, blank, evened, opened, steepness, unproven_holes, walked

Floats = npt.NDArray[np.float32]

CANVAS = 0.025
"""Difference from the canvas, of 1, that JPEG leaves on it."""
CHANGED = 0.05
"""Difference between clip and photograph from which something was surely taken away."""
AUTOMATIC, MOST_AMBIGUOUS = 0.04, 0.1
"""Ambiguity up to which an alpha needs no review, and up to which it is of use."""
SHOWS = 0.15
"""Difference between the old background and the canvas from which the equation can be trusted."""
SNAP = 0.06
"""Alphas nearer to 0 or 1 are taken for that: noise of compression."""
SHADOW_TINT, SHADOW_DARKEST = 0.04, 0.45
"""As shares of the canvas: how grey a shadow on it is, and how dark."""
SHADOW_STEEPEST, SHADOW_REACH = 0.06, 0.03
"""Share of the canvas by which a shadow's neighbours differ; share of the clip it reaches on."""
LEAST_SHADOW = 0.002
"""Share of a clip from which grey patches are a shadow."""
STEADY = 0.012
"""Mean difference from the canvas over 5 x 5 pixels that compression does not make."""
RINGING = 0.06
"""Difference from the canvas that JPEG makes beyond an edge."""
SMOOTH = 500
"""Long side in pixels of a clip above which colours are carried on in every second pixel."""
OWN_LIGHT = 0.3
"""Weight of the object's own colour, which is less certain beyond its inside."""
OPAQUE = 0.98
"""Alpha of a transparent clip from which its colours are the object's alone."""


class Solved(NamedTuple):
    """The alpha of a clip, in its photograph's frame.

    Parameters
    ----------
    alpha, confidence : ndarray, H x W, float32 in [0, 1]
        Confidence is low where the old background was as light as the canvas: what is solved there
        rests on the clip alone.
    ambiguity : float
        Pixels along the outline that could be either, as a share of the object: for review.
    reason : str
        Empty, or why the alpha is no use: ``"near_white_background"``, ``"shadow"`` (most of what
        is ambiguous may be one) or ``"empty_alpha"``.
    values : dict
        Numbers behind that.
    """

    alpha: Alpha
    confidence: Alpha
    ambiguity: float
    reason: str
    values: dict[str, float]


def clip_matte(
    original: npt.NDArray[np.generic], clipped: npt.NDArray[np.generic], alignment: Alignment
) -> Solved:
    """Return the alpha that made a clip of its photograph, in the photograph's frame.

    A clip with transparency holds its alpha: what reduced it is undone. A clip on a canvas b is
    ``C = a F + (1 - a) b``, its photograph ``I = a F + (1 - a) B``; their difference leaves
    ``1 - a = <C - I, b - B> / |b - B|^2``, in the clip's own encoding, once one smooth map has
    taken the photograph's colours to the clip's. B is filled in from where the photograph surely
    shows background. Where B is nearly b, the object's own colour F weighs in:
    ``a = <b - C, b - F> / |b - F|^2``. Where clip and photograph are both as light as the canvas,
    neither tells, and a random walk over the photograph's edges decides what belongs to the
    object. What is darker than the canvas is object in any case, unless it is grey and the
    photograph shows another colour there: then it is a shadow.

    Parameters
    ----------
    original, clipped : ndarray, uint8 or uint16
        Photograph and clip as `align` takes them: H x W grey, H x W x 3 RGB or H x W x 4 RGBA.
    alignment : Alignment
        That of `align`; its matrix counts, accepted or not.

    Returns
    -------
    Solved

    Raises
    ------
    ValueError
        When an array is no picture or the alignment has no place.

    References
    ----------
    A. R. Smith, J. F. Blinn, "Blue screen matting", 1996: two backgrounds determine alpha.

    Examples
    --------
    >>> from skimage.data import coffee
    >>> from maskmill.stitch.alignment import align
    >>> clip = np.full((260, 300, 3), 255, np.uint8)
    >>> clip[20:220, 30:270] = coffee()[100:300, 180:420]
    >>> solved = clip_matte(coffee(), clip, align(coffee(), clip))
    >>> solved.alpha[200, 300].item() > 0.9, solved.alpha[50, 100].item()
    (True, 0.0)
    """
    photograph, levels = rgb(original), eight_bits(clipped, "clipped")
    if not alignment.matrix.any():
        raise ValueError("alignment must have a place on the photograph, got none; see its reason")
    shape = photograph.shape[:2]
    if levels.ndim == 3 and levels.shape[2] == 4 and levels[..., 3].min() < 255:
        shown = levels[..., 3].astype(np.float32) / np.float32(255)
        colours = np.ascontiguousarray(levels[..., :3])
        by = resampling_of(photograph, colours, shown >= OPAQUE, alignment.matrix)
        return _judged(restored(shown, shape, by), np.ones(shape, np.float32), 0.0, 0.0)
    clip = clip_of(clipped)
    if clip.grey:
        luma = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
        photograph = cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    under, there = _under(photograph, alignment.matrix, clip.image.shape)
    alpha, confidence, shady = _solved(clip.image, under, clip.support & there, there)
    unsure = cv2.dilate((alpha > 0.5).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    unsure &= confidence < 0.5
    ambiguity = float(unsure.sum() / max(1, int((alpha > 0.5).sum())))
    shadow = float((unsure & shady).sum() / max(1, int(unsure.sum())))
    sure = 1 - _brought(1 - confidence, alignment.matrix, shape)
    return _judged(_brought(alpha, alignment.matrix, shape), sure, ambiguity, shadow)


def _judged(alpha: Alpha, confidence: Alpha, ambiguity: float, shadow: float) -> Solved:
    reason = ""
    if not (alpha >= 0.5).any():
        reason = "empty_alpha"
    elif ambiguity > MOST_AMBIGUOUS:
        reason = _cause(shadow)
    values = {
        "ambiguity": ambiguity,
        "shadow": shadow,
        "coverage": float((alpha >= 0.5).mean()),
    }
    return Solved(alpha, confidence, ambiguity, reason, values)


def _cause(shadow: float) -> str:
    """Return why an alpha is ambiguous, given the share of what is that may be a shadow."""
    return "shadow" if shadow > 0.5 else "near_white_background"


def _brought(shown: Floats, matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Alpha:
    """Bring what lies in the clip's grid to the photograph's; beyond the clip there is nothing."""
    whole = np.vstack([matrix, [0, 0, 1]])
    small, reducing = reduced_to(shown, scale_of(whole))
    warped = cv2.warpAffine(
        small,
        (whole @ inverse(reducing))[:2],
        (shape[1], shape[0]),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return np.clip(warped, 0, 1).astype(np.float32, copy=False)


def _under(
    photograph: Image, matrix: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[Image, Mask]:
    """Return the photograph in the clip's grid, and where it has anything."""
    to_clip = inverse(np.vstack([matrix, [0, 0, 1]]))
    source, reducing = reduced_to(photograph, scale_of(to_clip))
    local = (to_clip @ inverse(reducing))[:2]
    size = (shape[1], shape[0])
    under = cv2.warpAffine(
        source, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    whole = np.full(source.shape[:2], 255, np.uint8)
    there = cv2.warpAffine(whole, local, size, flags=cv2.INTER_NEAREST) > 0
    return under.astype(np.uint8, copy=False), there


def _solved(clip: Image, under: Image, support: Mask, there: Mask) -> tuple[Floats, Floats, Mask]:
    """Return alpha and confidence in the clip's grid, and what may be shadow."""
    inner = cv2.erode(support.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    inner = inner if inner.sum() >= 200 else support
    grading = fitted(under, clip, inner)
    mapped = np.clip(grading(under), 0, 255) / np.float32(255)
    shown = clip.astype(np.float32) / np.float32(255)
    canvas = (canvas_of(clip) / 255).astype(np.float32)
    off_canvas = greatest(np.abs(canvas - shown))
    apart = cv2.blur(greatest(np.abs(shown - mapped)), (3, 3))
    shadow = _shadow(shown, canvas, apart)
    light = off_canvas < CANVAS
    square = np.ones((3, 3), np.uint8)
    changed = light & (apart > max(CHANGED, 2 * grading.residual / 255))
    changed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, square) > 0
    gone = cv2.erode((changed | shadow).astype(np.uint8), square) > 0
    behind = _filled(mapped, gone & there)
    towards = canvas - behind
    power = total(towards * towards)
    confidence = np.clip(np.sqrt(power) / (SHOWS * np.sqrt(3)), 0, 1).astype(np.float32)
    # Where the clip shows what the photograph does, and that is no canvas, there the object is.
    same = max(0.03, 2 * grading.residual / 255)
    # Beside an object lies what JPEG made of its edge: one calm window is enough to be canvas.
    steady = greatest(np.abs(cv2.blur(canvas - shown, (5, 5))))
    steady = cv2.erode(steady, np.ones((5, 5), np.uint8))
    agrees = np.clip(2 - apart / same, 0, 1) * np.clip(steady / STEADY - 1, 0, 1)
    doubtful = _beside(shadow, shown, canvas)
    agrees = np.where(doubtful, 0, agrees)
    # Two estimates, by the light that was taken away and by the object's own; noise decides.
    front = _filled(shown, cv2.erode((agrees == 1).astype(np.uint8), square) > 0)
    alpha = np.zeros(there.shape, np.float32)
    mixed = there & (agrees < 1) & ~changed & ~shadow
    alpha[mixed] = _divided(
        shown[mixed],
        mapped[mixed],
        towards[mixed],
        canvas - front[mixed],
        np.clip(apart[mixed] / same, 0, 1),
        canvas,
    )
    surely = greatest((canvas - shown) / np.maximum(canvas, 1e-3)) - 0.03
    alpha = np.maximum(alpha, np.clip(surely, 0, 1))
    alpha = np.where(changed | shadow | ~there, 0, np.maximum(alpha, agrees))
    # Where both are as light as the canvas, or grey beside a shadow, their surroundings tell.
    open_ = opened(mapped, light & (steady < 2 * STEADY), there)
    alpha = np.where(open_, 0, alpha)
    either = there & ~changed & ~shadow & ~open_ & (agrees < 1)
    either &= doubtful | (light & (steady < 2 * STEADY))
    sure = np.where(either, -1, alpha)
    inside = walked(mapped, sure > 0.9, (sure >= 0) & (sure < 0.1))
    patches = either & (steepness(mapped) < EDGE)
    inside = evened(inside, patches)
    clip_off, image_off = mean(canvas - shown), mean(canvas - mapped)
    inside = np.where(blank(clip_off, image_off, patches), 0, inside)
    alpha = np.where(either, np.clip(4 * inside - 2.1, 0, 1), alpha)
    confidence = np.where((agrees == 1) | changed, 1, confidence)
    confidence = np.where(either, 0.5 * np.abs(2 * inside - 1), confidence)
    alpha = np.clip((alpha - SNAP) / (1 - 2 * SNAP), 0, 1)
    empty = alpha < 0.5
    core = cv2.erode(empty.astype(np.uint8), square) > 0
    held = unproven_holes(empty, apart, blank(clip_off, image_off, core))
    alpha, confidence = np.where(held, 1, alpha), np.where(held, UNPROVEN, confidence)
    alpha = _without_halos(_without_specks(alpha.astype(np.float32)), off_canvas)
    return alpha, confidence.astype(np.float32), doubtful


def _divided(
    shown: Floats, mapped: Floats, towards: Floats, away: Floats, differs: Floats, canvas: Floats
) -> Floats:
    """Return alpha by the light that was taken away and by the object's own, n values of n x 3."""
    power, force = (np.einsum("ij,ij->i", way, way) for way in (towards, away))
    taken = np.einsum("ij,ij->i", shown - mapped, towards) / np.maximum(power, 1e-4)
    own = np.einsum("ij,ij->i", canvas - shown, away) / np.maximum(force, 1e-4)
    force = OWN_LIGHT * differs * force
    share = power / np.maximum(power + force, 1e-4)
    return share * np.clip(1 - taken, 0, 1) + (1 - share) * np.clip(own, 0, 1)


def _beside(shadow: Mask, shown: Floats, canvas: Floats) -> Mask:
    """Find what is grey and smooth next to a shadow: it may be more of it."""
    if shadow.mean() < LEAST_SHADOW:
        return np.zeros_like(shadow)
    large = cv2.morphologyEx(shadow.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    share = shown / np.maximum(canvas, 1e-3)
    tint = cv2.blur(greatest(share) - least(share), (3, 3))
    level: Any = cv2.blur(mean(share), (3, 3))
    steep = cv2.morphologyEx(level, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    alike = (tint < SHADOW_TINT) & (level > SHADOW_DARKEST) & (level < 1 - CANVAS / 2)
    alike &= steep < SHADOW_STEEPEST
    reach = 2 * max(1, round(SHADOW_REACH * max(shadow.shape))) + 1
    near = cv2.dilate(large, np.ones((reach, reach), np.uint8)) > 0
    return alike & near & ~shadow


def _shadow(shown: Floats, canvas: Floats, apart: Floats) -> Mask:
    """Find what is grey, not too dark, and not what the photograph shows there."""
    share = shown / np.maximum(canvas, 1e-3)
    tint = greatest(share) - least(share)
    level = mean(share)
    grey = (tint < SHADOW_TINT) & (level > SHADOW_DARKEST) & (level < 1 - CANVAS)
    found = (grey & (apart > CHANGED)).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    # What is mixed at the edge of a grey object looks the same, but makes no patch.
    parts: Any = cv2.connectedComponentsWithStats(found, connectivity=8)
    large = (parts[2][1:, cv2.CC_STAT_AREA] >= LEAST_SHADOW * found.size).any()
    return (found > 0) & large


def _filled(image: Floats, known: Mask) -> Floats:
    """Carry known pixels over the rest, smoothly: a pyramid of weighted means, pulled back up."""
    weight = known.astype(np.float32)
    levels: list[tuple[Any, Any]] = [(image * weight[..., None], weight)]
    while max(levels[-1][1].shape) > 2:
        size = tuple(max(1, (side + 1) // 2) for side in levels[-1][1].shape[::-1])
        levels.append(
            tuple(cv2.resize(array, size, interpolation=cv2.INTER_AREA) for array in levels[-1])  # pyright: ignore
        )
    filled = np.full((*levels[-1][1].shape, 3), 0.5, np.float32)
    # In a large picture the finest level adds nothing to what is smooth.
    finest = 1 if max(known.shape) > SMOOTH and len(levels) > 1 else 0
    for colours, weights in reversed(levels[finest:]):
        size = weights.shape[::-1]
        below = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR).reshape(*weights.shape, 3)
        known_here = np.minimum(weights, 1)[..., None]
        means = colours / np.maximum(weights, 1e-6)[..., None]
        filled = known_here * means + (1 - known_here) * below
    if finest:
        filled = cv2.resize(filled, known.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return filled.astype(np.float32, copy=False)


def _without_specks(alpha: Floats) -> Floats:
    found: Any = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8), connectivity=8)
    count, parts, stats, _ = found
    if count < 2:
        return alpha
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = areas >= max(8, 0.0005 * int(areas[1:].max()))
    kept[0] = False
    near = cv2.dilate(kept[parts].astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    return np.where(near, alpha, 0).astype(np.float32)


def _without_halos(alpha: Floats, off_canvas: Floats) -> Floats:
    """Take away what compression and sharpening leave around an object, and within it.

    JPEG rings beyond an edge, on the canvas; unsharp masking makes a highlight lighter than any
    colour map explains, which looks like some of the canvas in it: a thin line, deep inside.
    """
    object_ = (alpha > 0.5).astype(np.uint8)
    near = cv2.dilate(object_, np.ones((5, 5), np.uint8)) > 0
    deep = cv2.erode(object_, np.ones((7, 7), np.uint8)) > 0
    closed = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    alpha = np.where(deep, closed, alpha)
    return np.where(near | (off_canvas > RINGING), alpha, 0).astype(np.float32)


@dataclass(frozen=True)
class ClipMatte:
    """Give a sample the alpha that its clip hides; see `clip_matte`.

    Comes after `Realign`. The score ``ambiguity`` orders samples for review; the history notes it
    with ``coverage`` and ``shadow``, the share of what is ambiguous that may be one.

    Parameters
    ----------
    most_ambiguous : float
        Samples above it are dropped as ``near_white_background`` or ``shadow``. On simulated clips,
        alphas up to `AUTOMATIC` need no review.
    """

    most_ambiguous: float = MOST_AMBIGUOUS

    def __post_init__(self) -> None:
        if not 0 <= self.most_ambiguous <= 1:
            raise ValueError(f"most_ambiguous must be from 0 to 1, got {self.most_ambiguous}")

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with its alpha, or why it was dropped."""
        context = sample.context
        if not isinstance(context, ClipContext) or context.alignment is None:
            raise ValueError(
                f"sample {sample.origin or sample.key} must have its clip aligned: put Realign "
                "before ClipMatte"
            )
        solved = clip_matte(sample.image, decode_clip(context.clip), context.alignment)
        if solved.reason == "empty_alpha":
            return Dropped(sample, "empty_alpha", solved.values)
        if solved.ambiguity > self.most_ambiguous:
            return Dropped(sample, _cause(solved.values["shadow"]), solved.values)
        made = sample.with_alpha(solved.alpha, step="clip_matte", **solved.values)
        return made.scored(ambiguity=solved.ambiguity)
