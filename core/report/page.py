"""The report of a dataset: one page that opens anywhere and asks for nothing from the network."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from maskmill.files import write_whole
from maskmill.images import Alpha
from maskmill.shards import Dataset

from .charts import Part, bar
from .difference import difference
from .funnel import Funnel, Level, funnels
from .gallery import Order, card, choose_order, drawn, scores_of, worst
from .measures import Numbers, Progress, compare, measure
from .summary import Colours, charts, comparison, tallies, training
from .wording import FILTERS

MEASURED = 500
"""How many alphas are decoded to measure coverage and softness."""

# Bytes before base64, which adds a third: with its text a page then stays below 2 MB.
_ALL_PICTURES, _ONE_PICTURE = 1_200_000, 24_000


def write_report(
    dataset: Dataset,
    path: str | os.PathLike[str],
    *,
    title: str = "Dataset report",
    notes: Sequence[str] = (),
    predictions: Mapping[str, Alpha] | None = None,
    losses: Sequence[float] | None = None,
    previous: Dataset | None = None,
    worst_by: str | None = None,
    gallery: int = 18,
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
    notes : sequence of str
        Lines of text under the heading, such as where more is to be seen.
    predictions : mapping of str to ndarray, optional
        By key, H x W float32 in [0, 1] of the image's size: shown beside the truth and compared
        with it. It may make them on demand; each is asked for once or twice.
    losses : sequence of float, optional
        A training loss per step, drawn as a curve.
    previous : Dataset, optional
        What to compare with: an earlier run of the recipe, or another recipe.
    worst_by : str, optional
        Score that orders the gallery of worst samples: ``"name"`` takes the lowest, ``"-name"`` the
        highest. Besides the dataset's own scores there are ``coverage`` and ``softness``, measured
        on up to 500 samples, and with predictions ``iou`` and ``mae``. By default the IoU of the
        predictions, else a score of which the bad end is known (`gallery.KNOWN_SCORES`), else the
        first telling score by name, else the coverage.
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
    progress = progress or (lambda label, done, total: None)
    predictions_given, predictions = predictions is not None, predictions or {}
    index, view = dataset.table(), dataset.split()
    colours = Colours.of([*dataset.info.get("counts", ()), *index["source"].to_pylist()])

    scores = scores_of(view.table)
    measured = measure(view, drawn(view.keys, MEASURED, seed), progress)
    # A stage that scored the coverage has seen every sample.
    measured = {name: values for name, values in measured.items() if name not in scores}
    compared = compare(view, predictions, progress)
    known = {**scores, **measured, **compared}
    order = _order(worst_by, scores, compared, known)

    bad = worst(known[order.score], view.keys, gallery, order.highest)
    some = drawn(view.keys, gallery, seed)
    shown = list(dict.fromkeys([*bad, *some]))
    tiles = sum(5 if view.keys[at] in predictions else 3 for at in [*bad, *some])
    budget = min(_ONE_PICTURE, _ALL_PICTURES // max(1, tiles))
    cards: dict[int, Any] = {}
    for done, at in enumerate(shown, 1):
        numbers = {name: float(values[at]) for name, values in known.items()}
        cards[at] = card(view[at], numbers, predictions.get(view.keys[at]), budget)
        progress("gallery", done, len(shown))

    text = _template().render(
        title=title,
        notes=notes,
        info=dataset.info,
        recipe=json.dumps(dataset.info.get("recipe"), indent=2, ensure_ascii=False),
        samples=index.num_rows,
        usable=len(view),
        funnels=_funnels(dataset, index),
        difference=None if previous is None else difference(dataset, previous),
        legend=colours.legend,
        tallies=tallies(index, view, colours),
        charts=charts(view, scores, measured, colours),
        has_scores=bool(scores),
        comparison=comparison(compared, len(predictions)) if predictions_given else None,
        losses=training(losses) if losses is not None and len(losses) else None,
        worst=[cards[at] for at in bad],
        random=[cards[at] for at in some],
        order=order,
        seed=seed,
        waterfall=_waterfall,
        bar=bar,
        Part=Part,
    )
    # Origins come from file names, which need not be valid text.
    return write_whole(path, text.lstrip().encode(errors="backslashreplace"))


def _template() -> Template:
    page = resources.files("maskmill.report").joinpath("page.html.j2").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(FILTERS)
    return environment.from_string(page)


def _order(
    worst_by: str | None,
    scores: Mapping[str, Numbers],
    compared: Mapping[str, Numbers],
    known: Mapping[str, Numbers],
) -> Order:
    if worst_by is not None:
        order = Order.of(worst_by)
        if order.score not in known:
            names = ", ".join(sorted(known))
            raise ValueError(
                f"worst_by must be one of {names} (- in front: highest first), got {worst_by!r}"
            )
        return order
    if compared:
        return Order("iou", highest=False)
    return choose_order(scores) or Order("coverage", highest=False)


def _funnels(dataset: Dataset, index: pa.Table) -> Sequence[Funnel]:
    recipe = dataset.info.get("recipe") or {}
    order = {
        name: ["source", *(stage["use"] for stage in part["stages"])]
        for name, part in recipe.get("sources", {}).items()
    }
    kept = Counter(index["source"].to_pylist())
    return funnels(dataset.info.get("counts", {}), dataset.ledger().to_pylist(), kept, order)


def _waterfall(funnel: Funnel, level: Level) -> tuple[Markup, Sequence[Markup]]:
    """Draw who is left after a stage, and below it, piece by piece, who was lost."""
    dropped = level.lost - level.failed
    parts = [
        Part(level.left, "left", f"{level.left:,} left"),
        Part(dropped, "lost", f"{dropped:,} dropped"),
        Part(level.failed, "failed", f"{level.failed:,} failed"),
    ]
    of_stage = bar(parts, funnel.read)
    of_reasons: list[Markup] = []
    before = level.left
    for reason in level.reasons:
        style = "failed" if reason.failed else "lost"
        piece = Part(reason.count, style, f"{reason.count:,} {reason.word}")
        of_reasons.append(bar([Part(before, "gone"), piece], funnel.read))
        before += reason.count
    return of_stage, of_reasons
