"""What the page says of the whole dataset: tallies, distributions, comparisons."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from maskmill.shards import View

from .charts import Numbers, Part, bar, curve, drawable, histogram
from .wording import number

_COLOURS = 6
_TALLIED = 12


@dataclass(frozen=True)
class Colours:
    """Which colour each source has: the first few their own, the rest share the last."""

    sources: Sequence[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> "Colours":
        """Give colours in the order in which the names first appear."""
        return cls(list(dict.fromkeys(names)))

    @property
    def legend(self) -> Sequence[str]:
        """What to write beside colour 0, 1, ..."""
        if len(self.sources) <= _COLOURS:
            return self.sources
        return [*self.sources[: _COLOURS - 1], "other sources"]

    def number(self, source: str) -> int:
        """Return the number of a source's colour."""
        return min(self.sources.index(source), _COLOURS - 1)

    def parted(self, table: pa.Table, values: Numbers) -> Mapping[str, Numbers]:
        """Divide one value per row by the colour of the row's source."""
        numbers = np.array([self.number(source) for source in table["source"].to_pylist()], int)
        return {name: values[numbers == at] for at, name in enumerate(self.legend)}


@dataclass(frozen=True)
class Tally:
    """How many samples there are of each kind: name, count and a bar coloured by source.

    `more` kinds, the rarest, are left out.
    """

    title: str
    whole: int
    rows: Sequence[tuple[str, int, Markup]]
    more: int


def tallies(index: pa.Table, view: View, colours: Colours) -> Sequence[Tally]:
    """Count samples by split, status, verdict, licence and tag; what nobody has is left out."""
    usable = view.table
    made = [
        _tally("Split", usable, _column(usable, "split", "no split"), colours),
        _tally("Status", index, _column(index, "status", "no status"), colours),
        _tally("Verdict", index, _column(index, "verdict", "not reviewed"), colours),
        _tally("Licence", usable, _column(usable, "licence", "not stated"), colours),
        _tally("Tag", usable, usable["tags"].to_pylist(), colours),
    ]
    return [tally for tally in made if tally.rows]


def _column(table: pa.Table, name: str, missing: str) -> list[list[str]]:
    return [[value or missing] for value in table[name].to_pylist()]


def _tally(title: str, table: pa.Table, kinds: list[list[str]], colours: Colours) -> Tally:
    counted: dict[str, Counter[str]] = {}
    for source, names in zip(table["source"].to_pylist(), kinds, strict=True):
        for name in names:
            counted.setdefault(name, Counter())[source] += 1
    ranked = sorted(counted.items(), key=lambda item: (-item[1].total(), item[0]))
    most = ranked[0][1].total() if ranked else 0
    rows: list[tuple[str, int, Markup]] = []
    for name, counts in ranked[:_TALLIED]:
        parts = [
            Part(counts[source], f"s{colours.number(source)}", f"{counts[source]:,} {source}")
            for source in colours.sources
        ]
        rows.append((name, counts.total(), bar(parts, most)))
    return Tally(title, table.num_rows, rows, max(0, len(ranked) - _TALLIED))


@dataclass(frozen=True)
class Chart:
    """A histogram with the numbers that go with it; nine in ten values from `low` to `high`."""

    name: str
    what: str
    count: int
    median: float
    low: float
    high: float
    svg: Markup


def charts(
    view: View,
    scores: Mapping[str, Numbers],
    measured: Mapping[str, Numbers],
    colours: Colours,
) -> Sequence[Chart]:
    """Draw every score, what the report has measured, and the sizes."""
    table = view.table
    height, width = (table[name].to_numpy().astype(np.float64) for name in ("height", "width"))
    about = {
        "coverage": "measured: mean of the alpha",
        "softness": "measured: share of soft pixels",
    }
    facts = [(name, "score", values) for name, values in scores.items()]
    facts += [(name, about[name], values) for name, values in measured.items()]
    facts += [
        ("long side", "pixels", np.maximum(height, width)),
        ("aspect ratio", "width to height", width / height),
        ("image size", "kB, encoded", table["image_length"].to_numpy() / 1e3),
    ]
    return [
        _chart(name, what, values, colours.parted(table, values))
        for name, what, values in facts
        if drawable(values).size
    ]


def _chart(name: str, what: str, values: Numbers, series: Mapping[str, Numbers]) -> Chart:
    finite = drawable(values)
    low, median, high = (float(level) for level in np.quantile(finite, (0.05, 0.5, 0.95)))
    label = (
        f"Histogram of {name}: {finite.size:,} samples, median {number(median)}, "
        f"nine in ten from {number(low)} to {number(high)}"
    )
    return Chart(name, what, finite.size, median, low, high, histogram(series, label))


@dataclass(frozen=True)
class Comparison:
    """Predictions against the truth: how many, how many fit no usable sample, and how good."""

    given: int
    unknown: int
    charts: Sequence[Chart]


def comparison(compared: Mapping[str, Numbers], given: int) -> Comparison:
    """Summarise what `measures.compare` found for the `given` predictions."""
    used = int(np.isfinite(compared["iou"]).sum()) if compared else 0
    about = {"iou": "intersection over union from .5", "mae": "mean absolute error"}
    drawn = [_chart(name, about[name], v, {"samples": v}) for name, v in compared.items()]
    return Comparison(used, given - used, drawn)


@dataclass(frozen=True)
class Training:
    """A training loss: its curve and the numbers that go with it; `broken` ones are not finite."""

    steps: int
    first: float
    last: float
    lowest: float
    broken: int
    svg: Markup


def training(losses: Sequence[float]) -> Training:
    """Summarise the losses of a training run, one per step."""
    values = np.asarray(losses, np.float64)
    finite = drawable(values)
    ends = [finite[0], finite[-1], finite.min()] if finite.size else [math.nan] * 3
    first, last, lowest = (float(end) for end in ends)
    label = f"Training loss over {values.size:,} steps, from {number(first)} to {number(last)}"
    svg = curve(values.tolist(), label)
    return Training(values.size, first, last, lowest, values.size - finite.size, svg)
