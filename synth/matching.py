"""Make a foreground look as if it had been photographed with its background.

Light is matched in linear light; what lens, sensor and JPEG do to a picture is judged and done in
its sRGB values.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image, check_alpha

from .compositing import LINEAR, Layer, check_image, over

GAINS = (0.6, 1.6)
"""Light that is further apart is another scene: matching stops there."""
BRIGHT = 0.9
"""Quantile of luminance that tells how much light there is: what is dark may be a dark coat."""
MOST_BLUR = 0.002
"""Of the long side, as a standard deviation: a background softer than any lens is out of focus,
and its subject is not."""
LEAST_EDGE = 12.0
"""Levels of 255 per pixel: weaker edges tell of noise, not of a lens."""
SHARP = 0.65
"""Quantile of the edges that tells of a picture's sharpness: thin lines look sharper than edges."""
FLAT = 0.25
"""Share of the flattest blocks by which noise is told; the rest may be texture."""
WHITE = 6
"""Exponent of the mean that stands for the light's colour."""

_BRIGHTEST = 0.98  # a quantile: beyond it are glints, which are burnt out anyway
_DARK = 0.02  # linear light that stands between a black picture and a division by nothing
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # IEC 61966-2-1


def light_gains(layer: Layer, background: Image, strength: float = 0.5) -> tuple[float, ...]:
    """Return by how much R, G and B of a layer should grow to be lit as a photograph is.

    Brightness: the ratio of the luminances that a tenth of each is above. Colour: the light's, as
    the Minkowski mean of order 6 of the photograph tells it ("shades of grey"); a subject's own
    colours, a red coat, say nothing of the light and stay. Nothing grows beyond white.

    Parameters
    ----------
    layer : Layer
    background : ndarray, H x W x 3, uint8
    strength : float
        In [0, 1]: an exponent on all three. 0 changes nothing; 1 makes a subject as bright as what
        is behind it, which few are.

    Returns
    -------
    tuple of 3 floats
        Within `GAINS`.

    References
    ----------
    G. Finlayson, E. Trezzi, "Shades of gray and colour constancy", CIC 2004.

    Examples
    --------
    >>> layer = Layer.of(np.full((8, 8, 4), 255, np.uint8))
    >>> dusk = np.full((8, 8, 3), (90, 90, 160), np.uint8)
    >>> [round(gain, 2) for gain in light_gains(layer, dusk, 0.5)]
    [0.6, 0.6, 0.63]
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be in [0, 1], got {strength}")
    check_image("background", background)
    weight = float(layer.alpha.sum())
    if strength == 0 or weight == 0:
        return 1.0, 1.0, 1.0
    step = max(1, min(background.shape[:2]) // 96)
    behind = LINEAR[background[::step, ::step]].reshape(-1, 3)
    near = layer.cropped(*layer.box())
    step = max(1, min(near.size) // 96)
    share = near.alpha[::step, ::step].ravel()
    seen = near.light[::step, ::step].reshape(-1, 3) @ _LUMINANCE
    seen = np.sort(seen[share > 0.5] / share[share > 0.5])
    if seen.size == 0:
        return 1.0, 1.0, 1.0
    own, there = seen[int(BRIGHT * seen.size)], np.quantile(behind @ _LUMINANCE, BRIGHT)
    brightness = (float(there) + _DARK) / (float(own) + _DARK)
    white = np.mean(behind.astype(np.float64) ** WHITE, axis=0) ** (1 / WHITE) + 1e-3
    gains = brightness * white / (white @ _LUMINANCE)
    most = max(1.0, 1 / max(float(seen[int(_BRIGHTEST * seen.size)]), 1e-3))
    gains = gains**strength
    gains = gains * min(1.0, min(GAINS[1], most) / float(gains.max()))  # its colour stays
    return tuple(float(gain) for gain in np.maximum(gains, GAINS[0]))


def noise_levels(image: Image, inside: npt.NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Return how noisy a picture is: standard deviations of luma and chroma, in levels of 255.

    By diagonal differences in blocks of 8 x 8, of the quarter of blocks where they are least, as
    the others may hold texture; that least quarter lies below the whole, which a factor mends.
    Chroma is told at half the resolution, which is all that most JPEGs have of it.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        Of at least 16 pixels a side, else it says 0.
    inside : ndarray, H x W, bool, optional
        Where to look. Blocks that are partly outside, black or burnt out do not count.

    References
    ----------
    After J. Immerkaer, "Fast noise variance estimation", CVIU 1996, whose mask sees no slope.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> grey = np.clip(rng.normal(128, 4, (256, 256, 1)), 0, 255).round().astype(np.uint8)
    >>> luma, chroma = noise_levels(np.repeat(grey, 3, axis=2))
    >>> abs(luma - 4) < 0.3, chroma < 0.3
    (True, True)
    """
    check_image("image", image)
    height, width = (side // (2 * _BLOCK) * 2 * _BLOCK for side in image.shape[:2])
    if min(height, width) == 0:
        return 0.0, 0.0
    light, *colours = cv2.split(cv2.cvtColor(image[:height, :width], cv2.COLOR_RGB2YCrCb))
    where = np.ones((height, width), np.float32)
    if inside is not None:
        where = inside[:height, :width].astype(np.float32)
    # What is burnt out or black shows no noise, whatever the camera's.
    where *= (light > 8) & (light < 247)
    half = (width // 2, height // 2)
    found: list[float] = []
    for plane, size in ((light, (width, height)), (colours[0], half), (colours[1], half)):
        level: Any = cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        whole: Any = _blocks(cv2.resize(where, size, interpolation=cv2.INTER_AREA)) > 0.99
        differences: Any = cv2.filter2D(level, cv2.CV_32F, _IMMERKAER)
        power = np.sort(
            _blocks(np.square(differences) / 36)[whole]
        )  # the sum of the mask's squares
        least = power[: max(1, round(FLAT * power.size))]
        found.append(float(np.sqrt(np.median(least) / _LEAST_OF_MANY)) if power.size else 0.0)
    return found[0], (found[1] + found[2]) / 2


_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_BLOCK = 8
# Median of the least quarter of chi-squares of 64 differences that overlap, over their mean: by
# simulation of white noise; see tests/test_synth_compositing.py.
_LEAST_OF_MANY = 0.65


def _blocks(plane: Any) -> Any:
    """Return the mean of every block of 8 x 8."""
    height, width = plane.shape
    return cv2.resize(plane, (width // _BLOCK, height // _BLOCK), interpolation=cv2.INTER_AREA)


def blur_of(image: Image, inside: npt.NDArray[np.bool_] | None = None) -> float | None:
    """Return how soft a picture's sharpest edges are: the deviation of a Gaussian, in pixels.

    An edge that is blurred again loses slope, the less the softer it was: with the ratio R of the
    slopes before and after a blur of deviation 1, it was ``1 / sqrt(R^2 - 1)`` soft, of which the
    measuring itself is .86. The sharpest third of the edges tells of lens and resampling; the
    others may be soft by themselves.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
    inside : ndarray, H x W, bool, optional
        Where to look for edges.

    Returns
    -------
    float or None
        None where there are not enough edges to tell.

    References
    ----------
    S. Zhuo, T. Sim, "Defocus map estimation from a single image", Pattern Recognition 2011, eq. 6.

    Examples
    --------
    >>> hard = np.zeros((64, 64, 3), np.uint8)
    >>> hard[:, 32:] = 200
    >>> soft = cv2.GaussianBlur(hard, (0, 0), 2)
    >>> blur_of(hard) < 0.3, 1.8 < blur_of(soft) < 2.2
    (True, True)
    """
    check_image("image", image)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    slope = _slope(grey)
    peaks = (slope > LEAST_EDGE) & (slope >= cv2.dilate(slope, np.ones((3, 3), np.uint8)) - 1e-3)
    if inside is not None:
        peaks &= inside
    if int(peaks.sum()) < 16:
        return None
    again = _slope(cv2.GaussianBlur(grey, (7, 7), 1))
    ratios = slope[peaks] / np.maximum(again[peaks], 1e-3)
    ratio = float(np.quantile(ratios, SHARP))
    return float(np.sqrt(max(1 / max(ratio * ratio - 1, 1e-2) - _OWN_BLUR**2, 0)))


# What is found of a step that falls anywhere between two pixels: central differences, pixel areas.
_OWN_BLUR = 0.86


def _slope(grey: Any) -> Any:
    # Central differences: a wider mask would blur more by itself.
    across = cv2.filter2D(grey, cv2.CV_32F, np.array([[-0.5, 0, 0.5]], np.float32))
    down = cv2.filter2D(grey, cv2.CV_32F, np.array([[-0.5], [0], [0.5]], np.float32))
    return cv2.magnitude(across, down)


def noised(image: Image, alpha: Alpha, levels: tuple[float, float], seed: int) -> Image:
    """Return a picture with Gaussian noise on it, as strong as alpha is.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        sRGB: the composite.
    alpha : ndarray, H x W, float32 in [0, 1]
        Where the foreground is.
    levels : tuple of 2 floats
        Deviations of luma and, at half the resolution, of chroma, as `noise_levels` has them.
    seed : int
        At least 0.

    Examples
    --------
    >>> grey, alpha = np.full((64, 64, 3), 128, np.uint8), np.zeros((64, 64), np.float32)
    >>> alpha[:, 32:] = 1
    >>> spread = noised(grey, alpha, (3, 0), seed=1).std(axis=0).mean(axis=1)
    >>> bool(spread[:32].max() == 0), bool(2 < spread[32:].mean() < 4)
    (True, True)
    """
    check_image("image", image)
    check_alpha(alpha, image.shape[:2])
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    if width == 0 or max(levels) <= 0:
        return image
    rng = np.random.Generator(np.random.SFC64(seed))
    grain = np.zeros((height, width, 3), np.float32)
    if levels[0] > 0:
        grain += (levels[0] * rng.standard_normal((height, width), np.float32))[..., None]
    if levels[1] > 0:
        half = rng.standard_normal((-(-height // 2), -(-width // 2), 2), np.float32)
        # Pixel by pixel: interpolated it would be smoother than what it stands for.
        half *= levels[1]
        red, blue = cv2.split(half.repeat(2, axis=0).repeat(2, axis=1)[:height, :width])
        # Rows of the inverse of YCrCb, ITU-T T.871.
        grain[..., 0] += 1.402 * red
        grain[..., 1] -= 0.714136 * red + 0.344136 * blue
        grain[..., 2] += 1.772 * blue
    part = np.s_[top : top + height, left : left + width]
    grain *= alpha[part][..., None]
    result = image.copy()
    result[part] = np.rint(np.clip(image[part] + grain, 0, 255)).astype(np.uint8)
    return result


class Look(NamedTuple):
    """What a camera leaves in a picture.

    Parameters
    ----------
    luma, chroma : float
        Noise, as `noise_levels` has it.
    blur : float or None
        As `blur_of` has it.
    """

    luma: float = 0.0
    chroma: float = 0.0
    blur: float | None = None


def look_of(picture: Image | Layer) -> Look:
    """Return the noise and the sharpness of a photograph, or of what is solid of a layer.

    Examples
    --------
    >>> look_of(np.full((32, 32, 3), 128, np.uint8))
    Look(luma=0.0, chroma=0.0, blur=None)
    """
    if not isinstance(picture, Layer):
        return Look(*noise_levels(picture), blur_of(picture))
    solid = (picture.alpha > 0.99).astype(np.uint8)
    within = cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0
    colours = picture.colours()
    return Look(*noise_levels(colours, within), blur_of(colours, within))


def lacking(own: Look, wanted: Look, side: int) -> Look:
    """Return what a foreground needs to look like its background: deviations add in squares.

    A foreground that is softer or noisier than its background stays so.

    Parameters
    ----------
    own, wanted : Look
        Of the foreground and of the background, at one scale. A foreground without edges of its
        own is taken for sharp: its outline is.
    side : int
        Long side of the background in pixels: the blur ends at its share `MOST_BLUR`.

    Examples
    --------
    >>> lacking(Look(3, 0, 0.0), Look(5, 1, 2.0), 300)
    Look(luma=4.0, chroma=1.0, blur=0.6)
    """
    luma, chroma, blur = (
        math.sqrt(max(there**2 - here**2, 0))
        for here, there in zip(
            (*own[:2], own.blur or 0.0), (*wanted[:2], wanted.blur or 0.0), strict=True
        )
    )
    return Look(luma, chroma, min(blur, MOST_BLUR * side))


@dataclass(frozen=True)
class Matching:
    """What of a background a foreground takes on.

    Parameters
    ----------
    light : float
        Strength in [0, 1]; see `light_gains`.
    blur, noise : bool
        See `blur_of` and `noise_levels`.
    """

    light: float = 0.5
    blur: bool = True
    noise: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.light <= 1:
            raise ValueError(f"light must be in [0, 1], got {self.light}")


NO_MATCHING = Matching(light=0.0, blur=False, noise=False)
"""The foreground as it is."""


class Composed(NamedTuple):
    """A composite with its truth.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        sRGB.
    alpha : ndarray, H x W, float32 in [0, 1]
        The layer's, blurred as the layer was.
    values : dict of str to float
        What was done: ``red``, ``green`` and ``blue`` (gains), ``blur``, ``luma``, ``chroma``.
    """

    image: Image
    alpha: Alpha
    values: dict[str, float]


def compose(
    layer: Layer,
    background: Image,
    matching: Matching = NO_MATCHING,
    *,
    own: Look | None = None,
    seed: int = 0,
) -> Composed:
    """Lay a layer over a photograph, in its light, as soft and as noisy as it is.

    In a camera's order: light, lens, sensor. What a JPEG does comes last, see `compression_of`.

    Parameters
    ----------
    layer : Layer
    background : ndarray, H x W x 3, uint8
        sRGB, of the layer's size.
    matching : Matching
        By default the foreground stays as it is.
    own : Look, optional
        ``look_of(layer)`` where it is known.
    seed : int
        Of the noise, at least 0.

    Returns
    -------
    Composed

    Examples
    --------
    >>> layer = Layer.of(np.full((2, 2, 4), (255, 255, 255, 51), np.uint8))
    >>> made = compose(layer, np.zeros((2, 2, 3), np.uint8))
    >>> made.image[0, 0].tolist(), made.values["blur"]
    ([124, 124, 124], 0.0)
    """
    gains = light_gains(layer, background, matching.light)
    needed = Look(blur=0.0)
    if matching.blur or matching.noise:
        own = look_of(layer) if own is None else own
        needed = lacking(own, look_of(background), max(background.shape))
    blur = (needed.blur or 0.0) if matching.blur else 0.0
    levels = needed[:2] if matching.noise else (0.0, 0.0)
    laid = layer if gains == (1.0, 1.0, 1.0) else layer.lit(gains)
    laid = laid.blurred(blur)
    image = noised(over(laid, background), laid.alpha, levels, seed)
    values = dict(zip(("red", "green", "blue"), gains, strict=True))
    values |= {"blur": blur, "luma": levels[0], "chroma": levels[1]}
    return Composed(image, laid.alpha, values)
