"""Lay a cut-out over a photograph in linear light, and make it look as if it belonged there.

A *layer* is a foreground whose colours are linear light times its alpha (premultiplied): what can
be resized, blurred and laid over anything without a fringe. Light adds up linearly; what a camera
or a JPEG does to a picture is judged and done in its sRGB values.

Pixel centres lie at whole numbers plus one half: a picture resized by ``s`` has at ``(x + .5) / s``
what it had at ``x + .5``.
"""

import io
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from maskmill.images import Alpha, Image, check_alpha
from maskmill.light import to_linear, to_srgb

Linear = npt.NDArray[np.float32]
RGBA = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]

GAINS = (0.5, 2.0)
"""A light of more than one stop apart is another scene: matching stops there."""
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

_LEVELS = 65535
_TO_SRGB = to_srgb(np.linspace(0, 1, _LEVELS + 1, dtype=np.float32))
_TO_LINEAR = to_linear(np.arange(256, dtype=np.uint8))
_STEPS = np.arange(_LEVELS + 1, dtype=np.float64) / _LEVELS
_TO_LINEAR_16 = np.where(
    _STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4
).astype(np.float32)

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # IEC 61966-2-1
# Annex K of ITU-T T.81: the luminance table that qualities are told by, sum 3689 at quality 50.
_ANNEX_K = 3688.0


@dataclass(frozen=True, eq=False)
class Layer:
    """A foreground that can be laid over anything.

    Parameters
    ----------
    light : ndarray, H x W x 3, float32
        RGB, linear light times alpha; at least 0, at most alpha where nothing outshines white.
    alpha : ndarray, H x W, float32 in [0, 1]
    """

    light: Linear
    alpha: Alpha

    def __post_init__(self) -> None:
        check_alpha(self.alpha)
        if self.light.dtype != np.float32 or self.light.shape != (*self.alpha.shape, 3):
            raise ValueError(
                f"light must be H x W x 3 float32 of the alpha's size {self.alpha.shape}, got "
                f"{self.light.shape} {self.light.dtype}"
            )

    @classmethod
    def of(cls, rgba: RGBA, *, premultiplied: bool = False) -> Self:
        """Make a layer of an RGBA picture.

        Parameters
        ----------
        rgba : ndarray, H x W x 4
            uint8 or uint16: colours are sRGB values, as in a PNG. float32: they are linear light,
            as in an EXR, and alpha lies in [0, 1].
        premultiplied : bool
            Whether colours were multiplied by alpha: sRGB values after they were encoded, as
            picture editors do, linear light as it is. PNG files are not premultiplied.

        Raises
        ------
        ValueError
            When the array is not as described.

        Examples
        --------
        >>> layer = Layer.of(np.uint8([[[255, 0, 0, 51]]]))
        >>> layer.light.round(3).tolist(), layer.alpha.round(3).tolist()
        ([[[0.20000000298023224, 0.0, 0.0]]], [[0.20000000298023224]])
        """
        if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.size == 0:
            raise ValueError(f"rgba must be H x W x 4, got {rgba.shape}")
        if rgba.dtype == np.float32:
            alpha = check_alpha(np.ascontiguousarray(rgba[..., 3]))
            light = np.maximum(rgba[..., :3], 0)
            return cls(light if premultiplied else light * alpha[..., None], alpha)
        if rgba.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"rgba must be uint8, uint16 or float32, got {rgba.dtype}")
        top = np.iinfo(rgba.dtype).max
        alpha = rgba[..., 3].astype(np.float32) / np.float32(top)
        colours = rgba[..., :3]
        if premultiplied:
            whole = colours * (np.float32(top) / np.maximum(rgba[..., 3:], 1))
            colours = np.rint(np.minimum(whole, top)).astype(rgba.dtype)
        curve = _TO_LINEAR if rgba.dtype == np.uint8 else _TO_LINEAR_16
        return cls(curve[colours] * alpha[..., None], alpha)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as OpenCV orders them."""
        return self.alpha.shape[1], self.alpha.shape[0]

    def box(self) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of what is not wholly transparent.

        Examples
        --------
        >>> alpha = np.zeros((4, 6), np.float32)
        >>> alpha[1:3, 2:5] = 0.5
        >>> Layer(np.zeros((4, 6, 3), np.float32), alpha).box()
        (2, 1, 5, 3)
        """
        left, top, width, height = cv2.boundingRect((self.alpha > 0).astype(np.uint8))
        return left, top, left + width, top + height

    def cropped(self, left: int, top: int, right: int, bottom: int) -> "Layer":
        """Return a part, in pixels; nothing is copied."""
        return Layer(self.light[top:bottom, left:right], self.alpha[top:bottom, left:right])

    def resized(self, width: int, height: int) -> "Layer":
        """Return the layer at another size: averaged down by area, or enlarged bicubically.

        Examples
        --------
        >>> layer = Layer.of(np.uint8([[[255, 255, 255, 255], [9, 9, 9, 0]]]))
        >>> half = layer.resized(1, 1)
        >>> half.light.ravel().tolist(), half.alpha.tolist()
        ([0.5, 0.5, 0.5], [[0.5]])
        """
        if (width, height) == self.size:
            return self
        smaller = width <= self.size[0] and height <= self.size[1]
        way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        light: Any = cv2.resize(self.light, (width, height), interpolation=way)
        alpha: Any = cv2.resize(self.alpha, (width, height), interpolation=way)
        if not smaller:  # a cubic overshoots
            light = np.maximum(light, 0)
        return Layer(light, np.clip(alpha, 0, 1))

    def placed(self, frame: tuple[int, int], left: int, top: int) -> "Layer":
        """Return the layer in a transparent frame; what lies outside of it is cut off.

        Parameters
        ----------
        frame : tuple of int
            Width and height in pixels.
        left, top : int
            Where the layer's corner comes to lie; may be negative.

        Examples
        --------
        >>> dot = Layer.of(np.full((1, 1, 4), 255, np.uint8))
        >>> dot.placed((3, 1), 1, 0).alpha.tolist()
        [[0.0, 1.0, 0.0]]
        """
        width, height = frame
        light, alpha = (
            np.zeros((height, width, 3), np.float32),
            np.zeros((height, width), np.float32),
        )
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(width, left + self.size[0]), min(height, top + self.size[1])
        if x0 < x1 and y0 < y1:
            part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
            light[y0:y1, x0:x1], alpha[y0:y1, x0:x1] = self.light[part], self.alpha[part]
        return Layer(light, alpha)

    def lit(self, gains: npt.ArrayLike) -> "Layer":
        """Return the layer in another light: linear R, G and B times `gains`."""
        return replace(self, light=self.light * np.asarray(gains, np.float32))

    def blurred(self, sigma: float) -> "Layer":
        """Return the layer as a softer lens sees it.

        Colours and alpha are blurred together, so the composite is exact: its alpha is the blurred
        one. What the frame cuts off goes on beyond it.

        Parameters
        ----------
        sigma : float
            Standard deviation of a Gaussian in pixels; 0 changes nothing.
        """
        if sigma <= 0:
            return self
        reach = 2 * max(1, int(np.ceil(3 * sigma))) + 1

        def soft(array: Any) -> Any:
            edge = cv2.BORDER_REPLICATE
            return cv2.GaussianBlur(array, (reach, reach), sigma, borderType=edge)

        return Layer(soft(self.light), np.clip(soft(self.alpha), 0, 1))

    def colours(self) -> Image:
        """Return H x W x 3, uint8, sRGB: the foreground's own colours, black where is none."""
        return encoded(self.light / np.maximum(self.alpha, 1e-6)[..., None])


def encoded(light: Linear) -> Image:
    """Return linear light as sRGB, uint8: `maskmill.light.to_srgb`, ten times as fast.

    Light is rounded to 1/65535 first: a level of 255 comes out otherwise where the
    exact value lies within .03 levels of a half.

    Examples
    --------
    >>> encoded(to_linear(np.arange(256, dtype=np.uint8))).tolist() == list(range(256))
    True
    >>> encoded(np.float32([-1, 2])).tolist()
    [0, 255]
    """
    steps = np.clip(light * np.float32(_LEVELS) + np.float32(0.5), 0, _LEVELS).astype(np.uint16)
    return _TO_SRGB[steps]


def over(layer: Layer, background: Image) -> Image:
    """Lay a layer over a photograph: ``F + (1 - alpha) B`` in linear light, F premultiplied.

    Parameters
    ----------
    layer : Layer
    background : ndarray, H x W x 3, uint8
        sRGB, of the layer's size. Where alpha is 0 and no light is added, it is left byte for byte.

    Returns
    -------
    ndarray, H x W x 3, uint8
        sRGB.

    References
    ----------
    Porter and Duff, "Compositing digital images", SIGGRAPH 1984, operator *over*.

    Examples
    --------
    >>> layer = Layer.of(np.uint8([[[255, 255, 255, 51], [1, 2, 3, 0]]]))
    >>> over(layer, np.uint8([[[0, 0, 0], [9, 9, 9]]])).tolist()
    [[[124, 124, 124], [9, 9, 9]]]
    """
    _check_image("background", background)
    if background.shape[:2] != layer.alpha.shape:
        raise ValueError(
            f"background must have the layer's size {layer.alpha.shape}, got {background.shape[:2]}"
        )
    result = background.copy()
    left, top, right, bottom = layer.box()
    if left == right:
        return result
    part = layer.cropped(left, top, right, bottom)
    behind = cv2.LUT(result[top:bottom, left:right], _TO_LINEAR)
    behind *= 1 - part.alpha[..., None]
    result[top:bottom, left:right] = encoded(behind + part.light)
    return result


def shaded(background: Image, shadow: Alpha) -> Image:
    """Return a photograph with a shadow on it: its linear light times ``1 - shadow``.

    Parameters
    ----------
    background : ndarray, H x W x 3, uint8
        sRGB.
    shadow : ndarray, H x W, float32 in [0, 1]
        Share of the light that is taken away.

    Examples
    --------
    >>> shaded(np.full((1, 1, 3), 255, np.uint8), np.float32([[0.8]])).ravel().tolist()
    [124, 124, 124]
    """
    _check_image("background", background)
    check_alpha(shadow, background.shape[:2])
    return encoded(cv2.LUT(background, _TO_LINEAR) * (1 - shadow[..., None]))


class Crop(NamedTuple):
    """The part of a photograph that becomes the background, in its pixels."""

    left: int
    top: int
    width: int
    height: int


def cropping(
    size: tuple[int, int], frame: tuple[int, int], across: float = 0.5, down: float = 0.5
) -> Crop:
    """Return the largest part of a photograph that has a frame's shape.

    Its sides are rounded to whole pixels of the photograph, so the two scales differ by at most one
    pixel on the crop's side.

    Parameters
    ----------
    size, frame : tuple of int
        Width and height of the photograph and of the frame.
    across, down : float
        Where it lies, in [0, 1]: 0 at the left or top, .5 in the middle.

    Examples
    --------
    >>> cropping((640, 480), (512, 512))
    Crop(left=80, top=0, width=480, height=480)
    >>> cropping((640, 480), (512, 512), across=1)
    Crop(left=160, top=0, width=480, height=480)
    """
    if min(*size, *frame) < 1 or not (0 <= across <= 1 and 0 <= down <= 1):
        raise ValueError(
            "size and frame must be at least one pixel, across and down in [0, 1], got "
            f"{size}, {frame}, {across} and {down}"
        )
    scale = min(size[0] / frame[0], size[1] / frame[1])
    width = min(size[0], max(1, round(frame[0] * scale)))
    height = min(size[1], max(1, round(frame[1] * scale)))
    left, top = round((size[0] - width) * across), round((size[1] - height) * down)
    return Crop(left, top, width, height)


def fitted(photograph: Image, crop: Crop, frame: tuple[int, int]) -> Image:
    """Return a part of a photograph at the size of a frame.

    Averaged down by area or enlarged bicubically, in sRGB values as cameras and editors do.

    Parameters
    ----------
    photograph : ndarray, H x W x 3, uint8
    crop : Crop
        Within it.
    frame : tuple of int
        Width and height in pixels.

    Examples
    --------
    >>> photograph = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    >>> fitted(photograph, Crop(0, 0, 4, 4), (2, 2))[0, 0].tolist()
    [8, 9, 10]
    """
    _check_image("photograph", photograph)
    height, width = photograph.shape[:2]
    left, top = crop.left, crop.top
    if left < 0 or top < 0 or left + crop.width > width or top + crop.height > height:
        raise ValueError(f"crop must lie within {width} x {height} pixels, got {crop}")
    part = photograph[top : top + crop.height, left : left + crop.width]
    if frame == (crop.width, crop.height):
        return np.ascontiguousarray(part)
    smaller = frame[0] <= crop.width and frame[1] <= crop.height
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, frame, interpolation=way), np.uint8)


def light_gains(layer: Layer, background: Image, strength: float = 0.5) -> tuple[float, ...]:
    """Return by how much R, G and B of a layer should grow to be lit as a photograph is.

    Brightness: the ratio of the geometric means of luminance. Colour: the light's, as the
    Minkowski mean of order 6 of the photograph tells it ("shades of grey"); a subject's own
    colours, a red coat, say nothing of the light and stay.

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
    [0.5, 0.5, 0.61]
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be in [0, 1], got {strength}")
    _check_image("background", background)
    weight = float(layer.alpha.sum())
    if strength == 0 or weight == 0:
        return 1.0, 1.0, 1.0
    step = max(1, min(background.shape[:2]) // 96)
    behind = _TO_LINEAR[background[::step, ::step]].reshape(-1, 3)
    near = layer.cropped(*layer.box())
    step = max(1, min(near.size) // 96)
    share = near.alpha[::step, ::step].ravel()
    seen = near.light[::step, ::step].reshape(-1, 3) @ _LUMINANCE
    own = _bright(seen[share > 0.5] / share[share > 0.5])
    if own is None:
        return 1.0, 1.0, 1.0
    brightness = (_bright(behind @ _LUMINANCE) or own) / own
    white = np.mean(behind.astype(np.float64) ** WHITE, axis=0) ** (1 / WHITE) + 1e-3
    gains = (brightness * white / (white @ _LUMINANCE)) ** strength
    return tuple(float(gain) for gain in np.clip(gains, *GAINS))


def _bright(luminance: Any) -> float | None:
    if luminance.size == 0:
        return None
    return float(np.exp(np.log(luminance.astype(np.float64) + 0.01).mean()))


def noise_levels(image: Image) -> tuple[float, float]:
    """Return how noisy a picture is: standard deviations of luma and chroma, in levels of 255.

    By diagonal differences in blocks of 8 x 8, of the quarter of blocks where they are least, as
    the others may hold texture; that least quarter lies below the whole, which a factor mends.
    Chroma is told at half the resolution, which is all that most JPEGs have of it.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        At least 16 pixels a side, else it says 0.

    References
    ----------
    After J. Immerkaer, "Fast noise variance estimation", CVIU 1996, whose mask sees no plane slope.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> grey = np.clip(rng.normal(128, 4, (256, 256, 1)), 0, 255).round().astype(np.uint8)
    >>> luma, chroma = noise_levels(np.repeat(grey, 3, axis=2))
    >>> abs(luma - 4) < 0.3, chroma < 0.3
    (True, True)
    """
    _check_image("image", image)
    return _noise(image, None)


_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_BLOCK = 8
# Median of the least quarter of chi-squares of 64 differences that overlap, over their mean: by
# simulation of white noise; see tests/test_synth_compositing.py.
_LEAST_OF_MANY = 0.65


def _noise(image: Image, inside: npt.NDArray[np.bool_] | None) -> tuple[float, float]:
    """Return luma's and chroma's noise, of the blocks that lie inside altogether."""
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


def _blocks(plane: Linear) -> Linear:
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
    _check_image("image", image)
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


def matching_blur(layer: Layer, background: Image, colours: Image | None = None) -> float:
    """Return by how much a layer should be blurred to be as sharp as a photograph.

    Parameters
    ----------
    layer : Layer
    background : ndarray, H x W x 3, uint8
        Of the layer's scale, not necessarily of its size.
    colours : ndarray, H x W x 3, uint8, optional
        ``layer.colours()``, where they are at hand.

    Returns
    -------
    float
        Standard deviation in pixels; 0 where the layer is no sharper or there is nothing to tell
        by; at most `MOST_BLUR` of the background's long side.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> checks = np.kron(rng.integers(0, 2, (25, 25, 1)) * 200, np.ones((8, 8, 3))).astype(np.uint8)
    >>> layer = Layer.of(np.dstack([checks, np.full((200, 200), 255, np.uint8)]))
    >>> matching_blur(layer, checks)
    0.0
    >>> 0.3 < matching_blur(layer, cv2.GaussianBlur(checks, (0, 0), 1)) <= 0.002 * 200
    True
    """
    behind = blur_of(background)
    if behind is None:
        return 0.0
    colours = layer.colours() if colours is None else colours
    solid = cv2.erode((layer.alpha > 0.99).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    own = blur_of(colours, solid) or 0.0  # without edges of its own, its outline is what is sharp
    missing = float(np.sqrt(max(behind**2 - own**2, 0)))
    return min(missing, MOST_BLUR * max(background.shape))


def matching_noise(
    layer: Layer, background: Image, colours: Image | None = None
) -> tuple[float, float]:
    """Return how much noise a layer lacks beside a photograph: luma and chroma, in levels of 255.

    Parameters
    ----------
    layer : Layer
    background : ndarray, H x W x 3, uint8
    colours : ndarray, H x W x 3, uint8, optional
        ``layer.colours()``, where they are at hand.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> grainy = np.clip(rng.normal(128, 5, (128, 128, 3)), 0, 255).round().astype(np.uint8)
    >>> smooth = Layer.of(np.full((64, 64, 4), 255, np.uint8)).lit([0.2] * 3)
    >>> luma, chroma = matching_noise(smooth, grainy)
    >>> luma > 2, chroma > 1
    (True, True)
    """
    colours = layer.colours() if colours is None else colours
    wanted = noise_levels(background)
    own = _noise(colours, layer.alpha > 0.99)
    luma, chroma = (np.sqrt(max(b**2 - f**2, 0)) for b, f in zip(wanted, own, strict=True))
    return float(luma), float(chroma)


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
    _check_image("image", image)
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


class Compression(NamedTuple):
    """How coarsely a JPEG was quantised.

    Parameters
    ----------
    quality : float
        On libjpeg's scale of 1 to 100.
    halved : bool
        Whether its colours have half the resolution (4:2:0).
    """

    quality: float
    halved: bool

    def at(self, scale: float) -> Self:
        """Return what is left of it where the picture was shrunk to `scale` of its size.

        A mean of several pixels keeps the share ``scale`` of an error that varies from pixel to
        pixel: the steps of the table shrink by it. Enlarging changes nothing.

        Examples
        --------
        >>> Compression(75.0, True).at(0.5)
        Compression(quality=87.5, halved=False)
        """
        if scale >= 1:
            return self
        steps = _steps_of(self.quality) * max(scale, 1e-3)
        return self._replace(quality=_quality_of(steps), halved=self.halved and scale > 0.7)


def compression_of(data: bytes) -> Compression | None:
    """Return how a JPEG was compressed, by its first quantisation table; None for other files.

    Examples
    --------
    >>> file = io.BytesIO()
    >>> Pillow.new("RGB", (16, 16)).save(file, "JPEG", quality=80)
    >>> compression_of(file.getvalue())
    Compression(quality=80, halved=True)
    >>> compression_of(b"PNG") is None
    True
    """
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        with Pillow.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            tables: dict[int, list[int]] = getattr(picture, "quantization", {})
            layers: list[tuple[int, int, int, int]] = getattr(picture, "layer", [])
    except (OSError, SyntaxError, ValueError):
        return None
    if not tables:
        return None
    halved = len(layers) == 3 and layers[0][1:3] == (2, 2) and layers[1][1:3] == (1, 1)
    return Compression(round(_quality_of(sum(next(iter(tables.values()))) / _ANNEX_K)), halved)


def _steps_of(quality: float) -> float:
    """Return the factor on the tables of Annex K that libjpeg makes of a quality."""
    quality = min(max(quality, 1.0), 100.0)
    return 50 / quality if quality < 50 else 2 - quality / 50


def _quality_of(steps: float) -> float:
    quality = 50 / steps if steps > 1 else 100 - 50 * steps
    return min(max(quality, 1.0), 100.0)


def jpeg(image: Image, compression: Compression) -> bytes:
    """Encode a picture as a JPEG.

    Examples
    --------
    >>> data = jpeg(np.zeros((16, 16, 3), np.uint8), Compression(90, False))
    >>> compression_of(data)
    Compression(quality=90, halved=False)
    """
    _check_image("image", image)
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    if not compression.halved:
        sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, round(compression.quality)]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"cannot encode {image.shape} {image.dtype} as JPEG")
    return data.tobytes()


def _check_image(name: str, image: npt.NDArray[np.generic]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"{name} must be H x W x 3 uint8, got {image.shape} {image.dtype}")
