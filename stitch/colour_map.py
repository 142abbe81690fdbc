"""What a studio did to the colours: one smooth map from the photograph's to the clip's."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .support import Mask

Floats = npt.NDArray[np.float32]

_SAMPLES = 8_000
_TOWARDS_IDENTITY = 1e-3
"""Share of the samples' weight that the identity gets: keeps the map tame where colours lack."""
_ROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """Colours as linear functions of R, G, B, their squares and 1: gains, casts, saturation.

    Parameters
    ----------
    terms : ndarray, 7 x 3, float64
        For colours in [0, 1].
    residual : float
        Robust standard deviation of what it leaves, in levels of 255.
    """

    terms: npt.NDArray[np.float64]
    residual: float

    def __call__(self, image: npt.NDArray[Any]) -> Floats:
        """Return the colours of an image (levels of 255) as the clip has them, float32 levels."""
        levels = np.asarray(image, np.float32)
        rows = levels.reshape(1, -1, 3) if levels.ndim != 3 else levels
        linear = np.concatenate([self.terms[:3], 255 * self.terms[6:]]).T
        squares = self.terms[3:6].T / 255
        mapped = cv2.transform(rows, linear) + cv2.transform(rows * rows, squares)
        return mapped.reshape(levels.shape).astype(np.float32, copy=False)


IDENTITY = ColourMap(np.vstack([np.eye(3), np.zeros((4, 3))]), 0.0)


def fitted(source: npt.NDArray[Any], target: npt.NDArray[Any], mask: Mask) -> ColourMap:
    """Fit the map that takes `source` to `target` where `mask` is true, h x w x 3 levels each.

    Robust: reweighted least squares with Geman and McClure's weights, so that highlights, dust and
    shadows that only one of both has do not count.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return IDENTITY
    step = max(1, len(rows) // _SAMPLES)
    taken = rows[::step], columns[::step]
    terms = _terms_of(source[taken]).astype(np.float64)
    wanted = np.asarray(target[taken], np.float64) / 255
    weights = np.ones(len(terms))
    ridge = _TOWARDS_IDENTITY * len(terms) * np.diag([1, 1, 1, 1, 1, 1, 0.01])
    found, spread = IDENTITY.terms, 1.0
    for _ in range(_ROUNDS):
        weighted = terms * weights[:, None]
        found = np.linalg.solve(
            weighted.T @ terms + ridge, weighted.T @ wanted + ridge @ IDENTITY.terms
        )
        off = np.abs(terms @ found - wanted).max(axis=1)
        spread = 1.4826 * float(np.median(off)) + 2 / 255
        weights = 1 / (1 + (off / (2 * spread)) ** 2) ** 2
    return ColourMap(np.asarray(found, np.float64), spread * 255)


def _terms_of(colours: npt.NDArray[Any]) -> Floats:
    share: Floats = colours.astype(np.float32) / np.float32(255)
    columns = [share, share * share, np.ones((len(share), 1), np.float32)]
    return np.concatenate(columns, axis=1, dtype=np.float32)
