"""Order masks for review: a guess at how good each is, without the truth."""

import functools
import importlib.resources
import json
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from maskmill.images import Alpha, Image

from .detection import fake
from .features import (
    REACH,
    Outline,
    Pair,
    Part,
    Profile,
    Support,
    outline_of,
    pair_of,
    parts_of,
    photo_of,
    profile_of,
    sharpness,
    support_of,
)

_LIMIT = 3.0  # standard deviations: what lies beyond is told from nothing seen in training
_FLOOR = 0.005  # of 1 - IoU, in the logarithm that is predicted


class Weights(NamedTuple):
    """Two linear models of the same features, of which the first predicts -ln(1.005 - IoU).

    The second is the logit of how sure it is that anything at all is wrong. Its `share` of the
    result puts the good masks in order, whose IoUs differ by less than the first can tell.
    """

    names: tuple[str, ...]
    mean: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    goodness: npt.NDArray[np.float64]
    trouble: npt.NDArray[np.float64]
    share: float

    def __call__(self, features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the qualities, in [0, 1], of rows of features."""
        standard = np.clip((features - self.mean) / self.spread, -_LIMIT, _LIMIT)
        # What could not be measured is taken to be as usual.
        rows = np.nan_to_num(standard, nan=0.0)
        goodness = self.goodness[0] + rows @ self.goodness[1:]
        trouble = self.trouble[0] + rows @ self.trouble[1:]
        return np.clip(1 + _FLOOR - np.exp(-(goodness - self.share * trouble)), 0, 1)


def quality(alpha: Alpha, image: Image) -> float:
    """Guess how good an alpha is from the alpha and its photograph alone.

    For ordering: the worst first, so that people look at what needs them. It leans on how much the
    photograph's edges and the colours on both sides of the outline bear it out, on parts that look
    like defects, and on the outline's shape. About the IoU with the truth, it is a rough guess.

    Parameters
    ----------
    alpha : ndarray, H x W, float32 in [0, 1]
    image : ndarray, H x W x 3, uint8
        The photograph, RGB.

    Returns
    -------
    float
        In [0, 1], 1 is best; 0 where no pixel or every pixel is foreground.

    Raises
    ------
    ValueError
        When the arrays are not as described.

    Notes
    -----
    A linear model of some 35 numbers. Its weights, ``refine/quality.json``, come from
    ``scripts/train_quality.py``: scikit-image's photographs and drawn things laid over them, whose
    masks were spoilt in fifteen ways. What that is worth on photographs it has never seen is
    measured by ``benchmarks/refine_quality.py``.

    Examples
    --------
    >>> image = np.full((300, 400, 3), 40, np.uint8)
    >>> image[80:220, 100:300] = 200
    >>> good, bad = np.zeros((2, 300, 400), np.float32)
    >>> good[80:220, 100:300] = 1
    >>> bad[50:160, 150:380] = 1
    >>> quality(good, image) > quality(bad, image)
    True
    """
    pair = pair_of(alpha, image)
    if pair.mask.min() == pair.mask.max():
        return 0.0
    weights = trained()
    measured = _measured(pair)
    return float(weights(np.array([[measured[name] for name in weights.names]]))[0])


def evidence(alpha: Alpha, image: Image) -> dict[str, float]:
    """Return what `quality` looks at, by name; NaN where it could not be measured."""
    return _measured(pair_of(alpha, image))


@functools.cache
def trained() -> Weights:
    """Return the weights that maskmill ships."""
    data = importlib.resources.files("maskmill.refine") / "quality.json"
    stored = json.loads(data.read_bytes())
    columns = {
        name: np.array([feature[name] for feature in stored["features"]])
        for name in ("mean", "spread", "goodness", "trouble")
    }
    return Weights(
        tuple(feature["name"] for feature in stored["features"]),
        columns["mean"],
        columns["spread"],
        np.concatenate([[stored["goodness"]], columns["goodness"]]),
        np.concatenate([[stored["trouble"]], columns["trouble"]]),
        stored["share"],
    )


def _measured(pair: Pair) -> dict[str, float]:
    photo = photo_of(pair)
    values = _of_shape(pair) | _of_parts(parts_of(pair))
    values |= _of_outline(outline_of(pair)) | _of_profile(profile_of(photo))
    return values | _of_support(support_of(photo))


def _of_shape(pair: Pair) -> dict[str, float]:
    mask = pair.mask
    area = max(1, int(mask.sum()))
    doubt = np.minimum(pair.levels, 255 - pair.levels).sum(dtype=np.int64) / 255
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    largest = int(stats[1:, cv2.CC_STAT_AREA].max()) if count > 1 else 0
    frame = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return {
        "specks": float(np.log10(pair.specks + 1e-5)),
        "area": float(np.log(area / mask.size)),
        "doubt": float(np.log(doubt / area + 3e-3)),
        "beside": float(np.log(1 - largest / area + 1e-4)),
        "components": float(np.log(max(1, count - 1))),
        "framed": float(frame.mean()),
    }


def _of_parts(parts: list[Part]) -> dict[str, float]:
    values: dict[str, float] = {}
    for kind in ("hole", "island"):
        of_kind = [part for part in parts if part.kind == kind]
        whole = sum(part.area for part in of_kind)
        false = sum(part.area * fake(part) for part in of_kind)
        values[f"{kind}s"] = float(np.log(whole + 1e-4))
        values[f"false_{kind}s"] = float(np.log(false + 1e-4))
    return values


def _of_outline(outline: Outline | None) -> dict[str, float]:
    if outline is None:
        return dict.fromkeys(("single", "ramp", "lost", "corners", "bulge", "piece"), float("nan"))
    few, fewer = outline.corners
    return {
        "single": outline.single,
        "ramp": float(np.log(outline.ramp)),
        "lost": float(np.log(outline.lost + 3e-3)),
        "corners": float(np.log((few + 1) / (fewer + 1))),
        "bulge": float(np.log(outline.bulge + 0.3)),
        "piece": float(np.log(outline.piece + 3e-3)),
    }


def _of_profile(profile: Profile | None) -> dict[str, float]:
    if profile is None:
        return dict.fromkeys(("offset", "prominence", "sharpness", "height"), float("nan"))
    return {
        "offset": abs(profile.offset) - 0.5,
        "prominence": float(np.log(profile.prominence)),
        "sharpness": sharpness(profile),
        "height": float(profile.heights[REACH - 1 : REACH + 1].mean()),
    }


def _of_support(support: Support | None) -> dict[str, float]:
    if support is None:
        names = ("weak", "weak_stretch", "apart_least", "apart", "same", "alien", "alien_all")
        return dict.fromkeys((*names, "alike", "alike_all"), float("nan"))
    return {
        "weak": support.weak,
        "weak_stretch": support.weak_stretch,
        "apart_least": float(np.log(support.apart[0] + 0.1)),
        "apart": float(np.log(support.apart[1] + 0.1)),
        "same": support.same,
        "alien": support.alien[0],
        "alien_all": support.alien[1],
        "alike": support.alike[0],
        "alike_all": support.alike[1],
    }
