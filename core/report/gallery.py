"""Which samples a report shows, and the pictures of them."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maskmill.images import Image

Numbers = npt.NDArray[np.float64]

# Scores of maskmill's own stages by which a gallery of worst samples can be ordered, the most telling
# first; "-" in front: the highest value is the worst, as in `worst_by`.
KNOWN_SCORES = (
    "quality",
    "confidence",
    "ncc",
    "align_score",
    "-residual",
    "-roughness",
    "-ambiguity",
    "sharpness",
)

_QUALITIES = (80, 60, 40, 20)


@dataclass(frozen=True)
class Order:
    """How "worst" was decided: by which score, from which end."""

    score: str
    highest: bool

    @classmethod
    def of(cls, worst_by: str) -> "Order":
        """Read ``"name"`` (lowest first) or ``"-name"`` (highest first)."""
        return cls(worst_by.removeprefix("-"), worst_by.startswith("-"))


def scores_of(table: pa.Table) -> Mapping[str, Numbers]:
    """Return every score of an index as float64, one value a row, NaN where a row has none.

    Examples
    --------
    >>> rows = pa.array([[("a", 1.0)], [("a", 2.0), ("b", 3.0)]], pa.map_(pa.string(), pa.float64()))
    >>> {name: values.tolist() for name, values in scores_of(pa.table({"scores": rows})).items()}
    {'a': [1.0, 2.0], 'b': [nan, 3.0]}
    """
    collected: dict[str, Numbers] = {}
    start = 0
    for chunk in table["scores"].chunks:
        offsets = chunk.offsets.to_numpy()
        inside = slice(int(offsets[0]), int(offsets[-1]))
        names = chunk.keys[inside].dictionary_encode()
        rows = start + np.repeat(np.arange(len(chunk)), np.diff(offsets))
        values = chunk.items[inside].to_numpy(zero_copy_only=False)
        numbers = names.indices.to_numpy()
        for number, name in enumerate(names.dictionary.to_pylist()):
            here = numbers == number
            column = collected.setdefault(name, np.full(table.num_rows, np.nan))
            column[rows[here]] = values[here]
        start += len(chunk)
    return dict(sorted(collected.items()))


def choose_order(scores: Mapping[str, Numbers]) -> Order | None:
    """Choose the score that says best which samples are bad, or None where no score can.

    A score of maskmill's own stages comes first (see `KNOWN_SCORES`), then the first other one by
    name, lowest first. A score that fewer than half of the samples have, or that is the same for
    all of them, says nothing.

    Examples
    --------
    >>> choose_order({"roughness": np.array([0.1, 0.4]), "age": np.array([1.0, 2.0])})
    Order(score='roughness', highest=True)
    """
    telling: list[str] = []
    for name, values in scores.items():
        finite = values[np.isfinite(values)]
        if 2 * finite.size >= values.size and finite.size and finite.min() < finite.max():
            telling.append(name)
    orders = map(Order.of, (*KNOWN_SCORES, *telling))
    return next((order for order in orders if order.score in telling), None)


def worst(values: Numbers, keys: Sequence[str], count: int, highest: bool = False) -> list[int]:
    """Return the positions of the `count` lowest (or highest) values, ties in order of the keys.

    Examples
    --------
    >>> worst(np.array([0.5, 0.1, np.nan, 0.1]), ["k", "z", "a", "b"], 3)
    [3, 1, 0]
    """
    signed = -values if highest else values
    order = np.lexsort((np.asarray(keys, np.str_), signed))
    return [int(at) for at in order if np.isfinite(values[at])][:count]


def drawn(keys: Sequence[str], count: int, seed: int) -> list[int]:
    """Return the positions of `count` keys drawn at random, in the order of the draw.

    Each key's lot is a hash of the seed and the key: whatever else the dataset holds, the same keys
    win.

    Examples
    --------
    >>> drawn(["a", "b", "c", "d"], 2, seed=0)
    [3, 1]
    """
    lots = [
        hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in keys
    ]
    return sorted(range(len(keys)), key=lots.__getitem__)[:count]


@dataclass(frozen=True)
class Picture:
    """One picture of the page as a data URL, with its size and the text that stands in for it."""

    source: str
    width: int
    height: int
    alt: str


def picture(image: Image, alt: str, budget: int) -> Picture:
    """Encode a picture as WebP of at most `budget` bytes.

    Quality goes first, then size: foliage and noise must not make the page heavy.

    Examples
    --------
    >>> noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    >>> small = picture(noise, "noise", 4000)
    >>> len(small.source) < 4000 * 4 / 3 + 40, small.width
    (True, 256)
    """
    height, width = image.shape[:2]
    data = _within(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), budget)
    text = base64.b64encode(data).decode()
    return Picture(f"data:image/webp;base64,{text}", width, height, alt)


def _within(bgr: npt.NDArray[np.generic], budget: int) -> bytes:
    while True:
        for quality in _QUALITIES:
            done, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
            if not done:
                raise ValueError(f"cannot encode {bgr.shape} {bgr.dtype} as WebP")
            if data.size <= budget or max(bgr.shape) <= 16:
                return data.tobytes()
        size = max(1, bgr.shape[1] // 2), max(1, bgr.shape[0] // 2)
        bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
