"""From pictures to the network's input and back: shared by training and prediction.

A network that is served with another normalisation than it was trained with answers another
question, so there is one of each here.
"""

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Pixels = TypeVar("Pixels", bound=npt.NDArray[np.generic])

# Of ImageNet's training images, RGB, as share of full scale.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


def normalise(images: Tensor) -> Tensor:
    """Return images as the network's input: each divided by its own greatest value, then centred.

    ``x / max(x.max(), 1e-6)``, then ImageNet's mean and standard deviation per channel: what the
    authors of U-2-Net and the programs that serve it do.

    Parameters
    ----------
    images : Tensor, N x 3 x H x W, uint8
        RGB.

    Returns
    -------
    Tensor, N x 3 x H x W, float32
        In [-2.12, 2.64].

    Examples
    --------
    >>> grey = torch.full((1, 3, 1, 1), 50, dtype=torch.uint8)
    >>> [round(value, 3) for value in normalise(grey).flatten().tolist()]
    [2.249, 2.429, 2.64]
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(
            f"images must be N x 3 x H x W uint8, got {tuple(images.shape)} {images.dtype}"
        )
    values = images.float()
    values = values / values.amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    mean = values.new_tensor(_MEAN).view(1, 3, 1, 1)
    deviation = values.new_tensor(_DEVIATION).view(1, 3, 1, 1)
    return (values - mean) / deviation


def resize(array: Pixels, height: int, width: int, enlarging: int = cv2.INTER_LINEAR) -> Pixels:
    """Return pixels at another size, each axis by what suits its direction.

    OpenCV's half-pixel convention: pixel centres lie at ``(i + 0.5) / size`` of the side. An axis
    that shrinks averages the area under each new pixel; an axis that grows is interpolated.

    Parameters
    ----------
    array : ndarray, H x W or H x W x 3, uint8, uint16 or float32
        Any range; kept, but for a cubic kernel's overshoot.
    height, width : int
        New size in pixels.
    enlarging : int
        OpenCV's flag for axes that grow: ``cv2.INTER_LINEAR`` or ``cv2.INTER_CUBIC``.

    Returns
    -------
    ndarray, height x width or height x width x 3
        Of the same type.

    Examples
    --------
    >>> resize(np.uint8([[0, 100], [200, 100]]), 1, 1).tolist()
    [[100]]
    """
    smaller = (min(width, array.shape[1]), min(height, array.shape[0]))
    if smaller != (array.shape[1], array.shape[0]):
        array = cv2.resize(array, smaller, interpolation=cv2.INTER_AREA)  # pyright: ignore
    if smaller != (width, height):
        array = cv2.resize(array, (width, height), interpolation=enlarging)  # pyright: ignore
    return array
