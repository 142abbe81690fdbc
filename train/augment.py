"""Variations of a pair, drawn from a generator that the pair's identity keys."""

from dataclasses import dataclass

import numpy as np

from maskmill.images import Image

from .order import philox

# Shares of the picture's area and bounds of width over height that a crop keeps: half as bold as
# is usual for classification, because a matte needs its subject in the picture.
_AREA = (0.5, 1.0)
_STRETCH = (3 / 4, 4 / 3)
_CONTRAST = 0.2
_BRIGHTNESS = 0.1


@dataclass(frozen=True, slots=True)
class Variation:
    """What to show of a picture.

    Parameters
    ----------
    left, top, width, height : float
        The crop, as shares of the picture's width and height.
    mirrored : bool
        Left becomes right.
    contrast : float
        Factor about middle grey.
    brightness : float
        Added afterwards, as a share of full scale.
    """

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0
    mirrored: bool = False
    contrast: float = 1.0
    brightness: float = 0.0

    def box(self, height: int, width: int) -> tuple[slice, slice]:
        """Return the crop's rows and columns in a picture of that size; never empty.

        Examples
        --------
        >>> Variation(left=0.5, width=0.5).box(10, 20)
        (slice(0, 10, None), slice(10, 20, None))
        """
        top, left = round(self.top * height), round(self.left * width)
        rows = max(1, round(self.height * height))
        columns = max(1, round(self.width * width))
        top, left = min(top, height - rows), min(left, width - columns)
        return slice(top, top + rows), slice(left, left + columns)


def draw_variation(seed: int, epoch: int, key: str) -> Variation:
    """Draw what an epoch shows of a sample.

    A pure function: neither the loader's workers nor the order of calls can change it. Crop as in
    Szegedy et al., "Going deeper with convolutions" (2015): uniform in area, log-uniform in
    stretch; in shares of the picture, so that it does not depend on its size.

    Parameters
    ----------
    seed, epoch : int
        Of the training run.
    key : str
        The sample's identity.

    Examples
    --------
    >>> first = draw_variation(0, 1, "a")
    >>> first == draw_variation(0, 1, "a"), first == draw_variation(0, 2, "a")
    (True, False)
    """
    generator = np.random.Generator(philox("augment", seed, epoch, key))
    area = generator.uniform(*_AREA)
    stretch = np.exp(generator.uniform(*np.log(_STRETCH)))
    width, height = min(1.0, np.sqrt(area * stretch)), min(1.0, np.sqrt(area / stretch))
    return Variation(
        left=generator.uniform(0.0, 1.0 - width),
        top=generator.uniform(0.0, 1.0 - height),
        width=float(width),
        height=float(height),
        mirrored=bool(generator.random() < 0.5),
        contrast=1.0 + generator.uniform(-_CONTRAST, _CONTRAST),
        brightness=generator.uniform(-_BRIGHTNESS, _BRIGHTNESS),
    )


def relight(image: Image, contrast: float, brightness: float) -> Image:
    """Return an image with other contrast and brightness.

    ``(x - 0.5) * contrast + 0.5 + brightness`` of the encoded values, clipped: it imitates a
    camera's rendering, not another light.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.
    contrast : float
        Factor about middle grey.
    brightness : float
        Share of full scale.

    Returns
    -------
    ndarray, H x W x 3, uint8

    Examples
    --------
    >>> relight(np.uint8([[[0, 100, 250]]]), 1.0, 0.1).tolist()
    [[[26, 126, 255]]]
    """
    levels = np.arange(256) / 255
    table = np.clip((levels - 0.5) * contrast + 0.5 + brightness, 0, 1)
    return np.rint(table * 255).astype(np.uint8)[image]
