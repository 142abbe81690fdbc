"""Tell whether a clip's texture repeats: it fits its photograph in more places than one, then."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Image

from .channels import mean
from .geometry import Matrix, corners_of, inverse, resizing, scale_of, shifting
from .photometric import reduced_to
from .support import Mask

SIDE = 192
"""Long side in pixels of the object that is compared with itself."""
DETAIL = 12.0
"""Standard deviation in pixels of the blur that is taken off: shading repeats nowhere."""
LOBE = 0.2
"""Correlation down to which a shift belongs to the object's own place."""
OVERLAP = 0.4
"""Share of the object that must meet itself for a shift to count."""
REPEATS = 0.5
"""Correlation with itself, shifted, from which a texture repeats."""
AROUND = 0.1
"""Share of the object's long side within which its texture may lie otherwise."""


def repeats(image: Image, support: Mask) -> bool:
    """Return whether the object looks much the same when it is shifted.

    Parameters
    ----------
    image : ndarray, h x w x 3, uint8
    support : ndarray, h x w, bool
        Where the object shows.

    Examples
    --------
    >>> row, column = np.indices((90, 90)) // 9
    >>> checks = np.uint8(200 * ((row + column) % 2))[..., None].repeat(3, axis=2)
    >>> whole = np.ones((90, 90), bool)
    >>> repeats(checks, whole)
    True
    >>> from skimage.data import coffee
    >>> repeats(coffee()[100:300, 200:400], np.ones((200, 200), bool))
    False
    """
    alike = _autocorrelation(image, support)
    near = (alike > LOBE).astype(np.uint8)
    middle = tuple(side // 2 for side in alike.shape)
    _, parts = cv2.connectedComponents(near, connectivity=4)
    return bool((alike[parts != parts[middle]] > REPEATS).any())


def fitting(
    original: Image, image: Image, support: Mask, to_clip: Matrix, most: int
) -> list[Matrix]:
    """Return where around a place the texture fits, too; at most so many, the best first.

    Parameters
    ----------
    original, image : ndarray, H x W x 3 and h x w x 3, uint8
    support : ndarray, h x w, bool
        Where the clip shows the object.
    to_clip : ndarray, 3 x 3
        From the photograph's pixel centres to the clip's.
    most : int
    """
    (left, top), _, (right, bottom), _ = corners_of(support).astype(int)
    box = np.s_[top : bottom + 1, left : right + 1]
    height, width = support[box].shape
    shrink = min(1.0, SIDE / max(height, width))
    size = (max(8, round(width * shrink)), max(8, round(height * shrink)))
    reducing = resizing((width, height), size) @ shifting(-left, -top)
    target = cv2.resize(image[box], size, interpolation=cv2.INTER_AREA)
    levels = support[box].astype(np.uint8) * np.uint8(255)
    shown = (cv2.resize(levels, size, interpolation=cv2.INTER_AREA) > 200).astype(np.uint8)
    around = round(AROUND * max(size))
    source, reduced = reduced_to(original, scale_of(reducing @ to_clip))
    laid = shifting(around, around) @ reducing @ to_clip @ inverse(reduced)
    wider = (size[0] + 2 * around, size[1] + 2 * around)
    under = cv2.warpPerspective(source, laid, wider, borderMode=cv2.BORDER_REPLICATE)
    alike = cv2.matchTemplate(under, target, cv2.TM_CCOEFF_NORMED, mask=shown)
    alike = np.nan_to_num(alike, posinf=0, neginf=0)
    peaks = alike == cv2.dilate(alike, np.ones((5, 5), np.uint8))
    rows, columns = np.nonzero(peaks)
    best = np.argsort(-alike[rows, columns], kind="stable")[:most]
    return [
        inverse(reducing) @ shifting(around - x, around - y) @ reducing @ to_clip
        for x, y in zip(columns[best].tolist(), rows[best].tolist(), strict=True)
    ]


def _autocorrelation(image: Image, support: Mask) -> npt.NDArray[np.float32]:
    """Return the correlation of the object with itself, shifted; no shift is in the middle."""
    from scipy import fft

    (left, top), _, (right, bottom), _ = corners_of(support).astype(int)
    box = np.s_[top : bottom + 1, left : right + 1]
    mask, luma = support[box].astype(np.float32), mean(image[box])
    shrink = min(1.0, SIDE / max(mask.shape))
    size = tuple(max(8, round(side * shrink)) for side in mask.shape[::-1])
    mask, luma = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (mask, luma))
    shown = (mask > 0.9).astype(np.float32)
    around: Any = cv2.GaussianBlur(shown, (0, 0), DETAIL)
    soft = cv2.GaussianBlur(luma * shown, (0, 0), DETAIL) / np.maximum(around, 1e-3)
    detail = (luma - soft) * shown
    shape: Any = tuple(fft.next_fast_len(2 * side, True) for side in shown.shape)

    def with_itself(plane: Any) -> Any:
        spectrum: Any = fft.rfft2(plane, shape)
        whole = fft.irfft2(np.square(np.abs(spectrum)), shape)
        return fft.fftshift(whole)

    meets = np.maximum(with_itself(shown), 0)
    count = max(1.0, float(shown.sum()))
    power = float(np.square(detail).sum()) / count
    alike = with_itself(detail) / np.maximum(meets, 1) / max(power, 1e-3)
    return np.where(meets >= OVERLAP * count, alike, 0).astype(np.float32)
