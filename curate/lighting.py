"""Light and sharpness of foreground and background, each for itself.

A verdict on the picture as a whole calls a studio's black backdrop under-exposed and a portrait
before a blurred garden out of focus. A background remover learns from both: what counts is the
foreground, and how it stands out.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image
from maskmill.light import to_linear, to_srgb
from maskmill.sample import Dropped, Sample

from .roughness import at_scale
from .signal import Action, act, check_action

FAULTS = (
    "dark_foreground",
    "blurred_foreground",
    "clipped_foreground",
    "flat_foreground",
    "low_contrast",
    "dark_background",
    "clipped_background",
)
"""Every word that `Lighting` may say, the gravest first."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of linear light, ITU-R BT.709
_BLACK, _WHITE = 30, 250  # luminances below and from which next to nothing is left to see
_SIGMAS = (1.0, 2.0)  # pixels; the two blurs under which edges are compared
_SOFTEST = 8.0  # pixels; wider edges can no longer be told apart
_EDGE = (1.5, 3.0)  # levels per pixel: weakest edge that is followed, and that starts one
_SHARE_OF_EDGES = 0.4  # the strongest; the others are shading, noise and JPEG's blocks
_SHARPEST = 25  # percentile: focus is on a part, the eyes, and the rest may be soft
_FEW = 30  # pixels, of edges or of boundary, below which nothing is said
_SURROUNDINGS = 15  # pixels around the foreground, for the contrast
_LOCAL = 5.0  # sigma in pixels of what is the same place at both sides of the boundary

_Mask = npt.NDArray[np.bool_]
_Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """Light and sharpness of one side of the mask; NaN where there is too little of it.

    Parameters
    ----------
    luminance : float
        Mean light, as the sRGB level 0 to 255 of an even grey that sends out as much. Bright parts
        count for what they are: black clothes under a well-lit face are not dark.
    median : float
        Median luminance, 0 to 255.
    dark, clipped : float
        Share of pixels of a luminance below 30, and of 250 and more.
    span : float
        Levels between the 1st and the 99th percentile of the luminance.
    blur : float
        Sigma of the Gaussian that would make a perfect edge as soft as the sharper ones here, in
        pixels at a long side of 640, 0 to 8; read from edges alone, so plain surfaces do not
        matter.
    """

    luminance: float
    median: float
    dark: float
    clipped: float
    span: float
    blur: float


@dataclass(frozen=True, slots=True)
class Light:
    """What `lighting` found.

    Parameters
    ----------
    foreground, background : Region
        Where the alpha is .5 and more, and below.
    contrast : float
        Distance between the median colours of the foreground and of what surrounds it (15 pixels),
        in CIE Lab (CIE76); NaN where one is missing.
    boundary_contrast : float
        Median, along the boundary, of the distance between the colours at its two sides; NaN
        likewise.
    """

    foreground: Region
    background: Region
    contrast: float
    boundary_contrast: float


def lighting(image: Image, alpha: Alpha) -> Light:
    """Measure light and sharpness at both sides of a mask.

    Image and alpha are first brought to a long side of 640 pixels: the size of the picture changes
    neither the numbers nor the cost (some 50 ms).

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        The photograph, RGB.
    alpha : ndarray, H x W, float32 in [0, 1]

    Returns
    -------
    Light

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Notes
    -----
    How soft an edge is follows from how much one more blur takes from its slope [1]_, whatever
    its contrast: an edge of width ``s`` blurred by ``a`` has a slope in proportion to
    ``1 / sqrt(s^2 + a^2)``. The edge of foreground against background is the foreground's, since
    that lies in front.

    References
    ----------
    .. [1] Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9),
       2011.

    Examples
    --------
    >>> image = np.full((480, 640, 3), 5, np.uint8)
    >>> image[120:360, 160:480] = 140
    >>> alpha = (image[..., 0] > 100).astype(np.float32)
    >>> found = lighting(image, alpha)
    >>> found.foreground.luminance, found.background.luminance
    (140.0, 5.0)
    """
    image, solid = at_scale(image, alpha)
    inside, outside = solid > 0, solid == 0
    light = to_linear(image) @ _LUMINANCE
    luminance = to_srgb(light)
    softness, slopes = _softness(luminance.astype(np.float32))
    # One pixel of slack holds the boundary's own edge, which the mask cuts in two.
    near = (cv2.dilate(solid, np.ones((3, 3), np.uint8)) > 0) & (slopes > 0)
    away = (cv2.dilate(solid, np.ones((13, 13), np.uint8)) == 0) & (slopes > 0)
    foreground, background = (
        _region(light, luminance, side, softness[edges], slopes[edges])
        for side, edges in ((inside, near), (outside, away))
    )
    lab = np.asarray(cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    return Light(foreground, background, _contrast(lab, solid), _boundary_contrast(lab, solid))


def _region(
    light: _Plane, luminance: Image, where: _Mask, softness: _Plane, slopes: _Plane
) -> Region:
    nan = math.nan
    blur = nan
    if len(softness) >= _FEW:
        strong = slopes >= np.quantile(slopes, 1 - _SHARE_OF_EDGES)
        blur = float(np.percentile(softness[strong], _SHARPEST))
    levels = luminance[where]
    if len(levels) < _FEW:
        return Region(nan, nan, nan, nan, nan, nan)
    mean = np.array([np.mean(light[where], dtype=np.float64)], np.float32)
    low, median, high = np.percentile(levels, [1, 50, 99]).tolist()
    return Region(
        luminance=float(to_srgb(mean)[0]),
        median=median,
        dark=float(np.mean(levels < _BLACK)),
        clipped=float(np.mean(levels >= _WHITE)),
        span=high - low,
        blur=blur,
    )


def _softness(luminance: _Plane) -> tuple[_Plane, _Plane]:
    """Return how soft the edges are, in pixels, and their slopes; 0 where there is none."""
    fine, coarse = _SIGMAS
    across, down = _slopes(luminance, fine)
    slope = np.hypot(across, down)
    again = np.hypot(*_slopes(luminance, coarse))
    # (slope / again)^2 = (s^2 + coarse^2) / (s^2 + fine^2), between 1 and (coarse / fine)^2.
    ratio = np.clip((slope / np.maximum(again, 1e-3)) ** 2, 1 + 1e-3, (coarse / fine) ** 2)
    variance = (coarse**2 - ratio * fine**2) / (ratio - 1)
    softness = np.minimum(np.sqrt(np.maximum(variance, 0)), _SOFTEST)
    units = 16  # Canny takes whole numbers
    low, high = (level * units for level in _EDGE)
    dx, dy = (np.rint(part * units).astype(np.int16) for part in (across, down))
    edges = cv2.Canny(dx, dy, low, high, L2gradient=True) > 0
    frame = np.zeros_like(edges)
    frame[3:-3, 3:-3] = True
    return softness.astype(np.float32), np.where(edges & frame, slope, 0).astype(np.float32)


def _slopes(plane: _Plane, sigma: float) -> tuple[_Plane, _Plane]:
    smooth = cv2.GaussianBlur(plane, (0, 0), sigma)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _contrast(lab: _Plane, solid: npt.NDArray[np.uint8]) -> float:
    side = 2 * _SURROUNDINGS + 1
    around = (cv2.dilate(solid, np.ones((side, side), np.uint8)) > 0) & (solid == 0)
    if solid.sum() < _FEW or around.sum() < _FEW:
        return math.nan
    ours, theirs = (np.median(lab[where], axis=0) for where in (solid > 0, around))
    return float(np.linalg.norm(ours - theirs))


def _boundary_contrast(lab: _Plane, solid: npt.NDArray[np.uint8]) -> float:
    three, five = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)
    boundary = solid > cv2.erode(solid, three, borderValue=1)
    # Two pixels from the boundary colours are no longer mixed by the lens or the JPEG.
    within = cv2.erode(solid, five, borderValue=1)
    without = 1 - cv2.dilate(solid, five, borderValue=0)
    colours: list[_Plane] = []
    for side in (within, without):
        weight = side.astype(np.float32)
        total = cv2.GaussianBlur(weight, (0, 0), _LOCAL)
        boundary &= total > 0.05
        mixed = cv2.GaussianBlur(lab * weight[..., None], (0, 0), _LOCAL)
        colours.append(np.asarray(mixed / np.maximum(total, 1e-6)[..., None], np.float32))
    if boundary.sum() < _FEW:
        return math.nan
    return float(np.median(np.linalg.norm((colours[0] - colours[1])[boundary], axis=1)))


@dataclass(frozen=True)
class Lighting:
    """Find pictures whose foreground is dark, clipped, flat or blurred; see `lighting`.

    Words, as tags or reasons, in this order: ``dark_foreground``, ``blurred_foreground``,
    ``clipped_foreground`` (over-exposed), ``flat_foreground``, ``low_contrast`` (foreground and
    background hardly differ where they meet), ``dark_background`` and ``clipped_background``.

    Scores: ``foreground_luminance``, ``background_luminance``, ``foreground_clipped``,
    ``background_clipped``, ``foreground_span``, ``foreground_blur``, ``background_blur``,
    ``contrast`` and ``boundary_contrast``, but for those that the picture does not answer.

    The limits come from looking at 638 photographs (COCO, ECSSD, Clothing Co-Parsing, garments laid
    out for sale) sorted by each score: little lies beyond them, and what does looks like it.

    Parameters
    ----------
    dark : float
        Least luminance, 0 to 255. Black shoes and coats in good light come to 33 and more; where
        all are people, 40 finds more of those that stand in the dark.
    blurred : float
        Most blur, in pixels at a long side of 640. White fur in focus comes to 1.2. What a Gaussian
        of sigma 3 has blurred is found, with noise and as a coarse JPEG too; so is a sharp picture
        whose long side has less than 200 pixels. Motion that leaves the edges along its way sharp
        is not.
    clipped : float
        Most of the foreground, or background, that may be white without any detail, in [0, 1].
    flat : float
        Least span of the foreground's luminance, 0 to 255. Garments of one colour come to 47 and
        more.
    faint : float
        Least contrast at the boundary, in units of CIE Lab.
    grave : tuple of str
        Faults for which ``action="drop"`` drops; the others are tagged. A dark background or a low
        contrast is hard, not wrong, and what a background remover must see.
    action : {"tag", "drop", "score"}
        What becomes of a picture with faults.

    Examples
    --------
    >>> image = np.full((480, 640, 3), 5, np.uint8)
    >>> image[120:360, 160:480] = np.arange(50, 210, 0.5).astype(np.uint8)[:, None]
    >>> alpha = (image[..., 0] > 40).astype(np.float32)
    >>> Lighting(action="drop")(Sample.of(image, alpha)).tags
    ('dark_background',)
    """

    dark: float = 30
    blurred: float = 1.5
    clipped: float = 0.2
    flat: float = 40
    faint: float = 10
    grave: tuple[str, ...] = (
        "dark_foreground",
        "blurred_foreground",
        "clipped_foreground",
        "flat_foreground",
    )
    action: Action = "tag"

    def __post_init__(self) -> None:
        for name, value, most in (
            ("dark", self.dark, 255),
            ("blurred", self.blurred, _SOFTEST),
            ("clipped", self.clipped, 1),
            ("flat", self.flat, 255),
            ("faint", self.faint, 255),
        ):
            if not 0 <= value <= most:
                raise ValueError(f"{name} must lie in [0, {most:g}], got {value}")
        unknown = set(self.grave) - set(FAULTS)
        if unknown:
            raise ValueError(f"grave must be among {', '.join(FAULTS)}, got {sorted(unknown)}")
        check_action(self.action)

    def faults(self, found: Light) -> tuple[str, ...]:
        """Return the words for what is beyond the limits, the gravest first."""
        ahead, behind = found.foreground, found.background
        # Comparisons with NaN are false: what cannot be measured is no fault.
        beyond = {
            "dark_foreground": ahead.luminance < self.dark,
            "blurred_foreground": ahead.blur > self.blurred,
            "clipped_foreground": ahead.clipped > self.clipped,
            "flat_foreground": ahead.span < self.flat,
            "low_contrast": found.boundary_contrast < self.faint,
            "dark_background": behind.luminance < self.dark,
            "clipped_background": behind.clipped > self.clipped,
        }
        return tuple(word for word in FAULTS if beyond[word])

    def __call__(self, sample: Sample) -> Sample | Dropped:
        """Return the sample with its scores, or why it was dropped."""
        found = lighting(sample.image, sample.alpha)
        scores = {
            "foreground_luminance": found.foreground.luminance,
            "background_luminance": found.background.luminance,
            "foreground_clipped": found.foreground.clipped,
            "background_clipped": found.background.clipped,
            "foreground_span": found.foreground.span,
            "foreground_blur": found.foreground.blur,
            "background_blur": found.background.blur,
            "contrast": found.contrast,
            "boundary_contrast": found.boundary_contrast,
        }
        known = {name: value for name, value in scores.items() if not math.isnan(value)}
        words = self.faults(found)
        grave = tuple(word for word in words if word in self.grave)
        if self.action == "drop":
            return act(sample, known, grave, "drop") if grave else act(sample, known, words, "tag")
        return act(sample, known, words, self.action)
