"""Lay a cut-out over a photograph in linear light.

A *layer* is a foreground whose colours are linear light times its alpha (premultiplied): what can
be resized, blurred and laid over anything without a fringe.

Pixel centres lie at whole numbers plus one half: a layer resized by ``s`` has at ``x + .5`` what it
had at ``(x + .5) / s``.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image, check_alpha
from maskmill.light import to_linear, to_srgb

Linear = npt.NDArray[np.float32]
RGBA = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]

LINEAR = to_linear(np.arange(256, dtype=np.uint8))
"""256, float32: the linear light of every level, for `cv2.LUT`."""

_TOP = 65535
_TO_SRGB = to_srgb(np.linspace(0, 1, _TOP + 1, dtype=np.float32))
_STEPS = np.arange(_TOP + 1, dtype=np.float64) / _TOP
_LINEAR_16 = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)


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
        if rgba.dtype.name not in ("uint8", "uint16"):
            raise ValueError(f"rgba must be uint8, uint16 or float32, got {rgba.dtype}")
        top = 255 if rgba.dtype == np.uint8 else _TOP
        alpha = rgba[..., 3].astype(np.float32) / np.float32(top)
        colours: Any = rgba[..., :3]
        if premultiplied:
            whole = colours * (np.float32(top) / np.maximum(rgba[..., 3:], 1))
            colours = np.rint(np.minimum(whole, top)).astype(rgba.dtype)
        curve = LINEAR if rgba.dtype == np.uint8 else _LINEAR_16
        return cls(np.multiply(curve[colours], alpha[..., None], dtype=np.float32), alpha)

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
        share = np.maximum(self.alpha, np.float32(1e-6))[..., None]
        return encoded(np.divide(self.light, share, dtype=np.float32))


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
    steps = np.clip(light * np.float32(_TOP) + np.float32(0.5), 0, _TOP).astype(np.uint16)
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
    check_image("background", background)
    if background.shape[:2] != layer.alpha.shape:
        raise ValueError(
            f"background must have the layer's size {layer.alpha.shape}, got {background.shape[:2]}"
        )
    result = background.copy()
    left, top, right, bottom = layer.box()
    if left == right:
        return result
    part = layer.cropped(left, top, right, bottom)
    behind = cv2.LUT(result[top:bottom, left:right], LINEAR)
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
    check_image("background", background)
    check_alpha(shadow, background.shape[:2])
    return encoded(cv2.LUT(background, LINEAR) * (1 - shadow[..., None]))


def check_image(name: str, image: npt.NDArray[np.generic]) -> None:
    """Raise ValueError unless `image` is H x W x 3, uint8, of at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"{name} must be H x W x 3 uint8, got {image.shape} {image.dtype}")
