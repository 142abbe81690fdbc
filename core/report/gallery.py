"""Which samples a report shows, and what it shows of them."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from maskmill.images import Alpha
from maskmill.sample import Sample

from .pictures import Picture, picture
from .sheet import TITLES, Row, tiles_of
from .wording import visible

Numbers = npt.NDArray[np.float64]

# Scores of which it is known which end is bad, the most telling first; "-" in front: the highest
# value is the worst, as in `worst_by`.
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

THUMBNAIL = 288
"""Long side of a picture in pixels: sharp on a dense screen at the size the page shows it."""


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
    >>> from maskmill.shards.schema import SCORES
    >>> table = pa.table({"scores": pa.array([[("a", 1.0)], [("a", 2.0), ("b", 3.0)]], SCORES)})
    >>> {name: values.tolist() for name, values in scores_of(table).items()}
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

    A score of which the bad end is known comes first (see `KNOWN_SCORES`), then the first other one
    by name, lowest first. A score that fewer than half of the samples have, or that is the same for
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
    [2, 1]
    """
    lots = [hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in keys]
    return sorted(range(len(keys)), key=lots.__getitem__)[:count]


@dataclass(frozen=True)
class Card:
    """One sample of a gallery: its facts, its numbers by name, its pictures."""

    key: str
    origin: str
    source: str
    split: str | None
    licence: str
    tags: Sequence[str]
    numbers: Mapping[str, float]
    pictures: Sequence[Picture]


def card(
    sample: Sample, numbers: Mapping[str, float], prediction: Alpha | None, budget: int
) -> Card:
    """Make the card of a sample, each of its pictures of at most `budget` bytes.

    Numbers that are not finite are left out.
    """
    row = Row(sample.image, sample.alpha, prediction=prediction)
    return Card(
        key=sample.key,
        origin=sample.origin,
        source=sample.source,
        split=sample.split,
        licence=sample.licence,
        tags=sample.tags,
        numbers={name: value for name, value in numbers.items() if math.isfinite(value)},
        pictures=[
            picture(tile, f"{TITLES[name]}: {visible(sample.origin)}", budget)
            for name, tile in tiles_of(row, THUMBNAIL).items()
        ],
    )
