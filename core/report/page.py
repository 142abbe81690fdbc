"""The report of a dataset: one page that opens anywhere and asks for nothing from the network."""

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from maskmill.images import Alpha, decode_alpha, decode_levels
from maskmill.metrics import iou, mae
from maskmill.shards import Dataset, View

from .charts import Numbers, Part, bar, curve, histogram
from .files import write_whole
from .funnel import Funnel, Level, funnels
from .gallery import Order, Picture, choose_order, drawn, picture, scores_of, worst
from .sheet import BACKDROP, TITLES, Row, tiles_of

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""

THUMBNAIL = 288
"""Long side of a picture in pixels: sharp on a dense screen at the size the page shows it."""

_ALL_PICTURES = 1_200_000  # bytes before base64: with the text around it a page stays below 2 MB
_MEASURED = 500
_COLOURS = 6
_TALLIED = 12
_LONGEST = 160


def write_report(
    dataset: Dataset,
    path: str | os.PathLike[str],
    *,
    title: str = "Dataset report",
    predictions: Mapping[str, Alpha] | None = None,
    losses: Sequence[float] | None = None,
    previous: Dataset | None = None,
    worst_by: str | None = None,
    gallery: int = 16,
    seed: int = 0,
    progress: Progress | None = None,
) -> Path:
    """Write the report of a dataset as one self-contained HTML file.

    It shows where the items of every source went, what was kept, the distribution of every score,
    and two galleries of usable samples: the worst, and a random draw. It holds no script, refers to
    nothing outside itself, and is the same bytes for the same dataset and arguments.

    Parameters
    ----------
    dataset : Dataset
    path : path-like
        Where the page is written, whole or not at all.
    title : str
        Its heading.
    predictions : mapping of str to ndarray, optional
        By key, H x W float32 in [0, 1] of the image's size: shown beside the truth and compared with
        it. It may make them on demand; each is asked for once or twice.
    losses : sequence of float, optional
        A training loss per step, drawn as a curve.
    previous : Dataset, optional
        What to compare with: an earlier run of the recipe, or another recipe.
    worst_by : str, optional
        Score that orders the gallery of worst samples: ``"name"`` takes the lowest, ``"-name"`` the
        highest. Besides the dataset's own scores there are ``coverage`` and ``softness``, measured
        on up to 500 samples, and with predictions ``iou`` and ``mae``. By default the IoU of the
        predictions, else a score of maskmill's own stages, else the first telling score by name,
        else the coverage.
    gallery : int
        Samples in each gallery.
    seed : int
        Of the random draw.
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        When `worst_by` is no score of the dataset, a prediction does not fit its image, or a
        picture cannot be decoded.

    Examples
    --------
    ::

        write_report(Dataset("dataset/"), "report.html", worst_by="-roughness")
    """
    if gallery < 0:
        raise ValueError(f"gallery must be a number of samples, 0 or more, got {gallery}")
    report = progress or (lambda label, done, total: None)
    index, view = dataset.table(), dataset.split()
    colours = _Colours.of(index, dataset)
    measured = _measure(view, drawn(view.keys, _MEASURED, seed), report)
    compared = _compare(view, predictions or {}, report)
    scores = dict(scores_of(view.table))
    known = {**measured, **scores, **compared}
    order = _order(worst_by, scores, compared, known)
    bad = worst(known[order.score], view.keys, gallery, order.highest)
    some = drawn(view.keys, gallery, seed)
    cards = _cards(view, list(dict.fromkeys([*bad, *some])), known, predictions or {}, report)
    ledger = dataset.ledger().to_pylist()
    text = _template().render(
        title=title,
        info=dataset.info,
        recipe=json.dumps(dataset.info.get("recipe"), indent=2, ensure_ascii=False),
        samples=index.num_rows,
        usable=len(view),
        funnels=_funnels(dataset, index, ledger),
        waterfall=_waterfall,
        difference=_difference(dataset, previous) if previous is not None else None,
        legend=colours.legend,
        tallies=_tallies(index, view, colours),
        charts=_charts(index, view, scores, measured, colours),
        comparison=_comparison(compared, predictions),
        losses=_losses(losses),
        worst=[cards[at] for at in bad],
        random=[cards[at] for at in some],
        order=order,
        scored=order.score in scores,
        measured=min(_MEASURED, len(view)),
        seed=seed,
        backdrop="#" + bytes(BACKDROP).hex(),
    )
    # Origins come from file names, which need not be valid text.
    return write_whole(path, text.encode(errors="backslashreplace"))


def _template() -> Any:
    page = resources.files(__package__ or "maskmill.report").joinpath("page.html.j2")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "count": _count,
        "share": _share,
        "number": _number,
        "visible": _visible,
        "values": _values,
    }
    return environment.from_string(page.read_text("utf-8"))


def _count(number: int) -> str:
    return f"{number:,}"


def _share(number: float, whole: float) -> str:
    """Write a share in percent that never rounds something to nothing, nor nearly all to all."""
    if not whole:
        return "–"
    percent = 100 * number / whole
    if 0 < percent < 0.1:
        return "<0.1%"
    if 99.9 < percent < 100:
        return ">99.9%"
    return f"{percent:.1f}%"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    if value == round(value) and abs(value) < 1e9:
        return f"{round(value):,}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _visible(text: str | None, longest: int = _LONGEST) -> str:
    """Make control and direction marks visible, and shorten in the middle: paths differ at the end."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text or "")
    if len(shown) <= longest:
        return shown
    return f"{shown[: longest // 2]}…{shown[-(longest // 2) :]}"


def _values(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in values.items())


@dataclass(frozen=True)
class _Colours:
    """The sources in order of size: each of the first few has its colour, the rest share one."""

    sources: Sequence[str]

    @classmethod
    def of(cls, index: pa.Table, dataset: Dataset) -> "_Colours":
        kept = Counter(index["source"].to_pylist())
        named = dict.fromkeys([*dataset.info.get("counts", ()), *kept])
        return cls(list(named))

    @property
    def legend(self) -> Sequence[str]:
        if len(self.sources) <= _COLOURS:
            return self.sources
        return [*self.sources[: _COLOURS - 1], "other sources"]

    def number(self, source: str) -> int:
        return min(self.sources.index(source), _COLOURS - 1)

    def parted(self, table: pa.Table, values: Numbers) -> dict[str, Numbers]:
        """Divide one value per row by the source of the row."""
        numbers = np.array([self.number(source) for source in table["source"].to_pylist()], int)
        return {name: values[numbers == at] for at, name in enumerate(self.legend)}


def _measure(view: View, positions: Sequence[int], report: Progress) -> dict[str, Numbers]:
    """Measure alphas: their mean, and the share of pixels that are neither clear nor solid."""
    coverage, softness = np.full(len(view), np.nan), np.full(len(view), np.nan)
    for done, at in enumerate(sorted(positions), 1):
        levels = _decoded(view, at, lambda alpha: decode_levels(alpha))
        top = np.iinfo(levels.dtype).max
        coverage[at] = levels.mean() / top
        softness[at] = np.mean((levels > 0.02 * top) & (levels < 0.98 * top))
        report("alphas", done, len(positions))
    return {"coverage": coverage, "softness": softness}


def _compare(view: View, predictions: Mapping[str, Alpha], report: Progress) -> dict[str, Numbers]:
    positions = [at for at, key in enumerate(view.keys) if key in predictions]
    overlap, error = np.full(len(view), np.nan), np.full(len(view), np.nan)
    for done, at in enumerate(positions, 1):
        truth = _decoded(view, at, decode_alpha)
        prediction = predictions[view.keys[at]]
        if prediction.shape != truth.shape:
            raise ValueError(
                f"the prediction of {view.keys[at]} must have its image's shape {truth.shape}, "
                f"got {prediction.shape}"
            )
        overlap[at], error[at] = iou(prediction, truth), mae(prediction, truth)
        report("predictions", done, len(positions))
    return {"iou": overlap, "mae": error} if positions else {}


def _decoded(view: View, at: int, decode: Callable[[bytes], Any]) -> Any:
    try:
        return decode(view.read(at)[1])
    except (ValueError, OSError) as error:
        error.add_note(f"in the alpha of {view.keys[at]}: maskmill verify says what else is damaged")
        raise


def _order(
    worst_by: str | None,
    scores: Mapping[str, Numbers],
    compared: Mapping[str, Numbers],
    known: Mapping[str, Numbers],
) -> Order:
    if worst_by is not None:
        order = Order.of(worst_by)
        if order.score not in known:
            raise ValueError(f"worst_by must be one of {', '.join(sorted(known))}, got {worst_by!r}")
        return order
    if compared:
        return Order("iou", highest=False)
    return choose_order(scores) or Order("coverage", highest=False)


@dataclass(frozen=True)
class Card:
    """One sample of a gallery."""

    key: str
    origin: str
    source: str
    split: str | None
    licence: str
    tags: Sequence[str]
    numbers: Mapping[str, float]
    pictures: Sequence[Picture]


def _cards(
    view: View,
    positions: Sequence[int],
    known: Mapping[str, Numbers],
    predictions: Mapping[str, Alpha],
    report: Progress,
) -> dict[int, Card]:
    tiles = sum(5 if view.keys[at] in predictions else 3 for at in positions)
    budget = min(24_000, _ALL_PICTURES // max(1, tiles))
    cards: dict[int, Card] = {}
    for done, at in enumerate(positions, 1):
        sample = view[at]
        row = Row(sample.image, sample.alpha, prediction=predictions.get(sample.key))
        numbers = {name: float(values[at]) for name, values in known.items()}
        cards[at] = Card(
            key=sample.key,
            origin=sample.origin,
            source=sample.source,
            split=sample.split,
            licence=sample.licence,
            tags=sample.tags,
            numbers={name: value for name, value in numbers.items() if math.isfinite(value)},
            pictures=[
                picture(tile, f"{TITLES[name]}: {_visible(sample.origin)}", budget)
                for name, tile in tiles_of(row, THUMBNAIL).items()
            ],
        )
        report("gallery", done, len(positions))
    return cards


def _funnels(
    dataset: Dataset, index: pa.Table, ledger: Sequence[Mapping[str, Any]]
) -> Sequence[Funnel]:
    recipe = dataset.info.get("recipe") or {}
    order = {
        name: ["source", *(stage["use"] for stage in part["stages"])]
        for name, part in recipe.get("sources", {}).items()
    }
    kept = Counter(index["source"].to_pylist())
    return funnels(dataset.info.get("counts", {}), ledger, kept, order)


def _waterfall(funnel: Funnel, level: Level) -> tuple[Markup, Sequence[Markup]]:
    """Draw who is left after a stage, and below it, piece by piece, who was lost."""
    lost = Part(level.lost, "lost", f"{level.lost:,} lost")
    of_stage = bar([Part(level.left, "left", f"{level.left:,} left"), lost], funnel.read)
    of_reasons: list[Markup] = []
    before = level.left
    for reason in level.reasons:
        style = "failed" if reason.failed else "lost"
        piece = Part(reason.count, style, f"{reason.count:,} {reason.word}")
        of_reasons.append(bar([Part(before, "gone"), piece], funnel.read))
        before += reason.count
    return of_stage, of_reasons


@dataclass(frozen=True)
class Tally:
    """How many samples there are of each kind: name, count and a bar coloured by source."""

    title: str
    whole: int
    rows: Sequence[tuple[str, int, Markup]]
    more: int = 0


def _tallies(index: pa.Table, view: View, colours: _Colours) -> Sequence[Tally]:
    def tally(title: str, table: pa.Table, kinds: Sequence[Sequence[str]]) -> Tally:
        counted: dict[str, Counter[str]] = {}
        for source, names in zip(table["source"].to_pylist(), kinds, strict=True):
            for name in names:
                counted.setdefault(name, Counter())[source] += 1
        ranked = sorted(counted.items(), key=lambda item: (-item[1].total(), item[0]))
        most = max((counts.total() for counts in counted.values()), default=0)
        rows = [
            (
                name,
                counts.total(),
                bar(
                    [
                        Part(counts[source], f"s{colours.number(source)}", f"{counts[source]:,} {source}")
                        for source in colours.sources
                    ],
                    most,
                ),
            )
            for name, counts in ranked[:_TALLIED]
        ]
        return Tally(title, table.num_rows, rows, max(0, len(ranked) - _TALLIED))

    def column(table: pa.Table, name: str, missing: str) -> list[list[str]]:
        return [[value or missing] for value in table[name].to_pylist()]

    usable = view.table
    tallies = [
        tally("Split", usable, column(usable, "split", "no split")),
        tally("Status", index, column(index, "status", "no status")),
        tally("Verdict", index, column(index, "verdict", "not reviewed")),
        tally("Licence", usable, column(usable, "licence", "not stated")),
        tally("Tag", usable, usable["tags"].to_pylist()),
    ]
    return [tally for tally in tallies if tally.rows]


@dataclass(frozen=True)
class Chart:
    """A histogram with the numbers that go with it."""

    name: str
    what: str
    count: int
    median: float
    low: float
    high: float
    svg: Markup


def _charts(
    index: pa.Table,
    view: View,
    scores: Mapping[str, Numbers],
    measured: Mapping[str, Numbers],
    colours: _Colours,
) -> Sequence[Chart]:
    table = view.table
    height, width = (table[name].to_numpy().astype(np.float64) for name in ("height", "width"))
    facts: list[tuple[str, str, Numbers]] = [(name, "score", values) for name, values in scores.items()]
    sampled = f"measured on {min(_MEASURED, len(view)):,} samples" if len(view) > _MEASURED else "measured"
    facts += [
        ("coverage", f"mean of the alpha, {sampled}", measured["coverage"]),
        ("softness", f"share of half-clear pixels, {sampled}", measured["softness"]),
        ("long side", "pixels", np.maximum(height, width)),
        ("aspect ratio", "width to height", width / height),
        ("image size", "kB, encoded", table["image_length"].to_numpy() / 1e3),
    ]
    return [
        _chart(name, what, values, colours.parted(table, values))
        for name, what, values in facts
        if np.isfinite(values).any()
    ]


def _chart(name: str, what: str, values: Numbers, series: Mapping[str, Numbers]) -> Chart:
    finite = values[np.isfinite(values)]
    low, median, high = (float(x) for x in np.quantile(finite, (0.05, 0.5, 0.95)))
    label = (
        f"Histogram of {name}: {finite.size:,} samples, median {_number(median)}, "
        f"nine in ten from {_number(low)} to {_number(high)}"
    )
    return Chart(name, what, finite.size, median, low, high, histogram(series, label))


@dataclass(frozen=True)
class Comparison:
    """Predictions against the truth: how many, how many belong to no usable sample, and how good."""

    given: int
    unknown: int
    charts: Sequence[Chart]


def _comparison(
    compared: Mapping[str, Numbers], predictions: Mapping[str, Alpha] | None
) -> Comparison | None:
    if predictions is None:
        return None
    used = int(np.isfinite(compared["iou"]).sum()) if compared else 0
    what = {"iou": "intersection over union, from .5", "mae": "mean absolute error"}
    charts = [_chart(name, what[name], v, {"samples": v}) for name, v in compared.items()]
    return Comparison(used, len(predictions) - used, charts)


@dataclass(frozen=True)
class Losses:
    """A training loss: its curve and the numbers that go with it."""

    steps: int
    first: float
    last: float
    lowest: float
    broken: int
    svg: Markup


def _losses(losses: Sequence[float] | None) -> Losses | None:
    if losses is None or not len(losses):
        return None
    values = np.asarray(losses, np.float64)
    finite = values[np.isfinite(values)]
    first, last, lowest = (
        (float(finite[0]), float(finite[-1]), float(finite.min())) if finite.size else [math.nan] * 3
    )
    broken = values.size - finite.size
    label = f"Training loss over {values.size:,} steps, from {_number(first)} to {_number(last)}"
    return Losses(values.size, first, last, lowest, broken, curve(values.tolist(), label))


@dataclass(frozen=True)
class Difference:
    """What has changed since another run: counts by source, and samples by key."""

    recipe_hash: str
    version: str
    same_recipe: bool
    sources: Sequence[tuple[str, tuple[int, int], tuple[int, int]]]
    changes: Sequence[tuple[str, int, Sequence[str]]]


def _difference(dataset: Dataset, previous: Dataset) -> Difference:
    columns = ("key", "origin", "source", "alpha_hash", "status", "split")
    now, before = (
        {row["key"]: row for row in part.table().select(columns).to_pylist()}
        for part in (dataset, previous)
    )
    both = [key for key in now if key in before]
    changes = [
        ("new", [now[key] for key in now if key not in before]),
        ("gone", [before[key] for key in before if key not in now]),
        *(
            (what, [now[key] for key in both if now[key][column] != before[key][column]])
            for what, column in (
                ("other alpha", "alpha_hash"),
                ("other status", "status"),
                ("other split", "split"),
            )
        ),
    ]
    return Difference(
        recipe_hash=previous.info.get("recipe_hash", ""),
        version=previous.info.get("maskmill", ""),
        same_recipe=previous.info.get("recipe_hash") == dataset.info.get("recipe_hash"),
        sources=_sources_then_and_now(dataset, previous),
        changes=[
            (what, len(rows), [f"{row['source']} {row['origin']}" for row in rows[:5]])
            for what, rows in changes
        ],
    )


def _sources_then_and_now(
    dataset: Dataset, previous: Dataset
) -> Sequence[tuple[str, tuple[int, int], tuple[int, int]]]:
    now, before = dataset.info.get("counts", {}), previous.info.get("counts", {})

    def pair(source: str, what: str) -> tuple[int, int]:
        return before.get(source, {}).get(what, 0), now.get(source, {}).get(what, 0)

    return [(name, pair(name, "read"), pair(name, "kept")) for name in dict.fromkeys([*now, *before])]
