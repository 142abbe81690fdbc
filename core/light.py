"""sRGB and linear light, and the compositing equation.

Transfer curve: IEC 61966-2-1. What maskmill composites, it composites in linear light.
"""

import numpy as np
import numpy.typing as npt

from .images import Alpha, Image, check_alpha

Linear = npt.NDArray[np.float32]

_LEVELS = np.arange(256, dtype=np.float64) / 255
_TO_LINEAR = np.where(
    _LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4
).astype(np.float32)


def to_linear(image: Image) -> Linear:
    """Return an sRGB uint8 array of any shape as linear light, float32 in [0, 1].

    Examples
    --------
    >>> to_linear(np.uint8([0, 128, 255])).round(4).tolist()
    [0.0, 0.2159000039100647, 1.0]
    """
    return _TO_LINEAR[image]


def to_srgb(light: Linear) -> Image:
    """Return linear light of any shape (float32, clipped to [0, 1]) as sRGB, uint8, rounded.

    Examples
    --------
    >>> to_srgb(to_linear(np.arange(256, dtype=np.uint8))).tolist() == list(range(256))
    True
    """
    light = np.clip(light, 0, 1)
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(curve * 255).astype(np.uint8)


def composite(foreground: Image, alpha: Alpha, background: Image) -> Image:
    """Lay a foreground over a background: ``alpha F + (1 - alpha) B`` in linear light.

    Parameters
    ----------
    foreground, background : ndarray, H x W x 3, uint8
        sRGB; the background may be anything that broadcasts, such as one colour ``(3,)``.
    alpha : ndarray, H x W, float32 in [0, 1]

    Returns
    -------
    ndarray, H x W x 3, uint8
        sRGB.

    References
    ----------
    Porter and Duff, "Compositing digital images", SIGGRAPH 1984, operator *over*.

    Examples
    --------
    >>> white, black = np.full((1, 1, 3), 255, np.uint8), np.zeros(3, np.uint8)
    >>> composite(white, np.float32([[0.5]]), black).ravel().tolist()
    [188, 188, 188]
    """
    weight = check_alpha(alpha, foreground.shape[:2])[..., None]
    behind = to_linear(background)
    mixed = behind + weight * (to_linear(foreground) - behind)
    return to_srgb(mixed.astype(np.float32, copy=False))
