"""Look at an alpha, mend what is wrong with it, and keep only what made it better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from maskmill.images import Alpha, Image
from maskmill.sample import Dropped, Sample

from .agreement import agreement
from .cleaning import cleaned
from .detection import Defects, defects
from .matting import Matted, matte, scale_for
from .outcome import with_remade
from .sharpening import network_size_of, sharpen
from .smoothing import smooth
from .trimaps import trimap

_CONTRAST = 1.3
"""By how much an alpha that matting has made is stretched about .5: closed-form matting leaves a
haze of some per cent on either side of an edge."""

_GAIN = {"low_resolution": -0.01, "stairs": 0.0, "halo": 0.02, "polygon": 0.008, "edge": 0.028}
"""How much better than before an outline has to follow the photograph's edges, to be kept."""

_FINE = 5 / 800
"""Half the band, as a share of the long side, in which an outline near its place is looked for."""


@dataclass(frozen=True, slots=True)
class Mend:
    """One step of `auto_refine`.

    Parameters
    ----------
    name : str
        The defect it was for, or "clean" for specks, islands and holes, "edge" for a soft edge that
        lies beside the photograph's.
    accepted : bool
        False: it was tried, found no better than before, and thrown away.
    values : mapping of str to float
        The numbers behind that: of `cleaned` for "clean"; else "gain", by how much `agreement`
        rose, and what the step was set to.
    """

    name: str
    accepted: bool
    values: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """What `auto_refine` made of an alpha.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
    steps : tuple of Mend
        What was tried, in order; none where nothing was found.
    defects : Defects
        What was found in the alpha as it came.
    """

    alpha: Alpha
    steps: tuple[Mend, ...]
    defects: Defects

    @property
    def mended(self) -> tuple[str, ...]:
        """Names of the steps that were kept."""
        return tuple(step.name for step in self.steps if step.accepted)


def auto_refine(alpha: Alpha, image: Image) -> Refined:
    """Mend the defects that an alpha shows, and nothing else.

    Specks, islands and holes go where the photograph does not show them (`cleaned`). Then `defects`
    names what is wrong with the outline, and the one mend for that is tried:

    ==================  ===========================================================================
    low_resolution      `sharpen`: its map is sharpened and enlarged again, cubically; from three
                        times its size, `matte` in a band of .4 of its pixels then
    stairs              `smooth`, then `matte` in a band of .8 of a step
    halo                `matte` in a band that reaches the photograph's edge
    polygon             `matte` in a band as wide as such an annotation is off: 1.4 % of the root of
                        the object's area and .3 % of the long side, nearly without a prior
    soft, none of these `matte` in a band of 5 pixels of 800 ("edge")
    ==================  ===========================================================================

    It is kept only if its outline follows the edges of the photograph better than before, by a
    margin for each defect (`maskmill.refine.agreement`). A good alpha comes back as it was, bit for
    bit.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
        Of any origin; left as it is.
    image : ndarray, H x W x 3, uint8
        The photograph, RGB.

    Returns
    -------
    Refined

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Examples
    --------
    >>> image = np.full((200, 200, 3), 230, np.uint8)
    >>> alpha = np.zeros((200, 200), np.float32)
    >>> image[50:150, 50:150], alpha[50:150, 50:150] = 40, 1
    >>> auto_refine(alpha, image).steps
    ()
    >>> alpha[90:110, 90:110] = 0  # a hole that the photograph does not show
    >>> refined = auto_refine(alpha, image)
    >>> refined.mended, refined.alpha[100, 100].item()
    (('clean',), 1.0)
    """
    found = defects(alpha, image)
    alpha = np.ascontiguousarray(alpha)
    steps: list[Mend] = []
    clean = cleaned(alpha, image)
    outline = found
    if any(clean.values.values()):
        alpha = clean.alpha
        steps.append(Mend("clean", True, clean.values))
        outline = defects(alpha, image)
    for name in _mendable(outline, alpha):
        tried = _OUTLINES[name](alpha, image, outline)
        gain = agreement(tried.alpha, image, tried.reach) - agreement(alpha, image, tried.reach)
        accepted = tried.values["solved"] > 0 and gain >= _GAIN[name]
        steps.append(Mend(name, accepted, {"gain": gain, **tried.values}))
        if accepted:
            alpha = tried.alpha
            break
    return Refined(alpha, tuple(steps), found)


class _Tried(NamedTuple):
    alpha: Alpha
    reach: float  # how far beside the outline edges count, as a share of the long side
    values: dict[str, float]


def _mendable(found: Defects, alpha: Alpha) -> tuple[str, ...]:
    named = tuple(name for name in found.found if name in _OUTLINES)
    if named:
        return named
    soft = float(np.mean((alpha > 0.02) & (alpha < 0.98)))
    outlined = found.measures.get("edge_ramp", 0)
    return ("edge",) if soft > 0 and outlined > _SOFT_RAMP else ()


_SOFT_RAMP = 1.8
"""Pixels from 0 to 1 at its sharpest from which an edge has been blurred: by a network."""


def _low_resolution(alpha: Alpha, image: Image, found: Defects) -> _Tried:
    side = network_size_of(alpha) or found.measures["network_side"]
    values = {"network_size": side, "solved": 1.0}
    if max(alpha.shape) < _COARSE * side:
        return _Tried(sharpen(alpha, side), 0.8 / side, values)
    made = sharpen(alpha, side, restore=2)
    matted = matte(image, trimap(made, image, min(0.4 / side, 0.05)), made, prior_weight=1)
    values |= {"unknown": matted.unknown, "matted": float(matted.solved)}
    return _Tried(matted.alpha, 0.8 / side, values)


_COARSE = 3
"""Pixels for one of a network's map from which the photograph knows better than the map, where an
edge runs."""


def _stairs(alpha: Alpha, image: Image, found: Defects) -> _Tried:
    side = found.measures["network_side"]
    made = smooth(alpha, edge_width=2, sigma=0.5 / side)
    return _matted(made, image, made, 0.8 / side, 0.003, {"network_side": side})


def _halo(alpha: Alpha, image: Image, found: Defects) -> _Tried:
    offset = found.measures["edge_offset"] / max(alpha.shape)
    return _matted(alpha, image, None, 1.3 * abs(offset), 0.0, {"offset": offset})


def _polygon(alpha: Alpha, image: Image, found: Defects) -> _Tried:
    long_side = max(alpha.shape)
    off = 0.0136 * float(np.sqrt(np.count_nonzero(alpha >= 0.5))) / long_side + 0.0026
    width = min(off, 0.03)
    prior = smooth(alpha, edge_width=width * long_side, sigma=width / 2)
    return _matted(alpha, image, prior, width, 1e-4, {})


def _edge(alpha: Alpha, image: Image, found: Defects) -> _Tried:
    band = trimap(_hard(alpha), width=_FINE)  # colours decide nothing here: there may be hair
    scale = max(2, scale_for(alpha.size))  # a network's edge is never as fine as a pixel
    return _tried(matte(image, band, alpha, prior_weight=0.01, scale=scale), _FINE, {})


def _matted(
    alpha: Alpha,
    image: Image,
    prior: Alpha | None,
    width: float,
    weight: float,
    values: dict[str, float],
) -> _Tried:
    width = min(width, 0.05)
    band = trimap(_hard(alpha), image, width)
    return _tried(matte(image, band, prior, prior_weight=weight), width, values)


def _tried(matted: Matted, width: float, values: dict[str, float]) -> _Tried:
    made = np.clip((matted.alpha - 0.5) * _CONTRAST + 0.5, 0, 1, dtype=np.float32)
    values = values | {"width": width, "unknown": matted.unknown, "solved": float(matted.solved)}
    return _Tried(made, 1.5 * width, values)


def _hard(alpha: Alpha) -> Alpha:
    return (alpha >= 0.5).astype(np.float32)


_OUTLINES: dict[str, Callable[[Alpha, Image, Defects], _Tried]] = {
    "low_resolution": _low_resolution,
    "stairs": _stairs,
    "halo": _halo,
    "polygon": _polygon,
    "edge": _edge,
}


@dataclass(frozen=True)
class AutoRefine:
    """Mend the defects that a sample's alpha shows; see `auto_refine`.

    Every step that was tried stands in the history: ``auto_refine.<name>`` with its numbers and
    ``accepted``, 1 or 0, and at the end ``auto_refine`` with ``changed``, the share of pixels that
    crossed .5. A sample that loses all its foreground is dropped as ``empty_alpha``.

    Examples
    --------
    >>> image = np.full((200, 200, 3), 230, np.uint8)
    >>> alpha = np.zeros((200, 200), np.float32)
    >>> image[50:150, 50:150], alpha[50:150, 50:150] = 40, 1
    >>> alpha[90:110, 90:110] = 0
    >>> [step.stage for step in AutoRefine()(Sample.of(image, alpha)).history]
    ['auto_refine.clean', 'auto_refine']
    """

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with its mended alpha, or why it was dropped."""
        refined = auto_refine(sample.alpha, sample.image)
        for step in refined.steps:
            values = {"accepted": float(step.accepted), **step.values}
            sample = sample.with_alpha(sample.alpha, step=f"auto_refine.{step.name}", **values)
        return with_remade(sample, refined.alpha, "auto_refine")
