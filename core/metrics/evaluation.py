"""A set of pairs: every metric's mean, the worst pairs, and the curves of the set."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .alignment import e_of
from .boundary import boundary_iou, relaxed_f
from .connectivity import conn
from .differences import mae, mse, sad
from .f_measure import f_of, f_of_rates, precision_recall_of
from .gradient import grad
from .overlap import iou
from .pair import Map, check_pair, normalised
from .structure import s_measure
from .thresholds import LEVELS, Counts, Curve, count_adaptive, count_levels, stack
from .weighted import weighted_f

_SCALED_RHO = 0.004
_BETA2 = 0.3

_SINGLE: dict[str, Callable[[Map, Map], float]] = {
    "iou": iou,
    "mae": mae,
    "s_measure": s_measure,
    "relaxed_f": relaxed_f,
    "relaxed_f_scaled": lambda prediction, truth: relaxed_f(prediction, truth, rho=_SCALED_RHO),
    "boundary_iou": boundary_iou,
    "weighted_f": weighted_f,
    "sad": sad,
    "mse": mse,
    "grad": grad,
    "conn": conn,
}

METRICS = (
    "iou",
    "mae",
    "f_beta",
    "e_measure",
    "s_measure",
    "relaxed_f",
    "relaxed_f_scaled",
    "boundary_iou",
    "sad",
    "mse",
    "weighted_f",
    "grad",
    "conn",
)
"""What `evaluate` can measure."""

QUICK = METRICS[:-3]
"""What it measures unless told: all but the last three, which take some .1 s per megapixel each."""

_OF_CURVES = {
    "f_beta": ("f_max", "f_mean", "f_adaptive"),
    "e_measure": ("e_max", "e_mean", "e_adaptive"),
}
_COLUMNS = tuple(column for name in METRICS for column in _OF_CURVES.get(name, (name,)))

_ERRORS = frozenset({"mae", "sad", "mse", "grad", "conn"})

# Pairs whose curves are worked out together: 64 take 2 MB.
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Measured:
    """What one pair contributes to a set; a few kilobytes, whatever the picture's size."""

    scores: dict[str, float]
    counts: Counts | None


@dataclass(frozen=True)
class Evaluation:
    """The scores of a set of pairs.

    Parameters
    ----------
    names : tuple of str
        One per pair, in the order they came.
    per_image : mapping of str to ndarray, (number of pairs,), float64
        A column for every metric. ``f_beta`` has three, ``f_max``, ``f_mean`` and ``f_adaptive``,
        and ``e_measure`` likewise; ``relaxed_f`` is at 3 pixels, ``relaxed_f_scaled`` at .4 % of
        the long side.
    summary : mapping of str to float
        Every column's mean under its own name, and scores that only a set has, where ``f_beta`` or
        ``e_measure`` was asked for:

        - ``f_max_of_mean_pr``: the highest F of the *mean precision and recall* curves, over 256
          thresholds; "maxF" of the MATLAB toolboxes and most published saliency tables;
        - ``f_max_of_mean_curve``: the highest value of the *mean F curve*; PySODMetrics' maxF;
        - (``f_max``, the third number called so, is the mean of the pairs' own best);
        - ``e_max_of_mean_curve``: the highest value of the mean E curve, PySODMetrics' maxE.
    curves : mapping of str to ndarray, (256,), float64
        Means over the pairs at levels 0 to 255: ``precision``, ``recall``, ``f`` and ``e``.
    """

    names: tuple[str, ...]
    per_image: Mapping[str, npt.NDArray[np.float64]]
    summary: Mapping[str, float]
    curves: Mapping[str, Curve]

    def worst(self, metric: str) -> tuple[str, float]:
        """Return name and score of the pair that does worst by a column of `per_image`."""
        scores = self.per_image[metric]
        place = int(scores.argmax() if metric in _ERRORS else scores.argmin())
        return self.names[place], float(scores[place])


def evaluate(
    pairs: Iterable[tuple[Map, Map]],
    metrics: Sequence[str] = QUICK,
    *,
    names: Iterable[str] | None = None,
    stretch: bool = False,
) -> Evaluation:
    """Score pairs one after the other, holding one at a time.

    Parameters
    ----------
    pairs : iterable of (prediction, truth)
        H x W each, bool or float in [0, 1]; pairs may differ in size. A generator is read once.
    metrics : sequence of str
        Out of `METRICS`; the default `QUICK` leaves out weighted_f, grad and conn.
    names : iterable of str, optional
        One for each pair; "0", "1" and so on by default.
    stretch : bool
        Stretch every prediction to [0, 1] first, as PySODMetrics does (see `normalised`).

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        When there is no pair, an unknown metric, not one name per pair, or a pair is not as
        described; the pair is named.

    Examples
    --------
    >>> truth = np.zeros((20, 20), bool)
    >>> truth[4:12, 4:12] = True
    >>> found = evaluate([(truth, truth), (np.roll(truth, 1, 0), truth)], ["iou", "f_beta"])
    >>> found.per_image["iou"].round(4).tolist(), round(found.summary["f_max_of_mean_pr"], 4)
    ([1.0, 0.7778], 0.9375)
    """
    check_metrics(metrics)

    def measured() -> Iterator[tuple[str, Measured]]:
        given = iter(names) if names is not None else None
        for index, (prediction, truth) in enumerate(pairs):
            name = str(index) if given is None else next(given, None)
            if name is None:
                raise ValueError(f"names must be one for each pair, got {index} for more pairs")
            try:
                yield name, measure(prediction, truth, metrics, stretch=stretch)
            except ValueError as error:
                raise ValueError(f"pair {name}: {error}") from error
        if given is not None and next(given, None) is not None:
            raise ValueError("names must be one for each pair, got more names than pairs")

    return collect(measured())


def measure(
    prediction: Map, truth: Map, metrics: Sequence[str] = QUICK, *, stretch: bool = False
) -> Measured:
    """Measure one pair: what a worker process does, for `collect` to put together.

    Examples
    --------
    >>> measure(np.array([[1.0, 0.5]]), np.array([[True, True]]), ["mae"])
    Measured(scores={'mae': 0.25}, counts=None)
    """
    if stretch:
        prediction = normalised(prediction)
    scores = {name: _SINGLE[name](prediction, truth) for name in metrics if name in _SINGLE}
    counts = None
    if len(scores) < len(metrics):
        check_pair(prediction, truth)
        counts = count_levels(prediction, truth, round_down=stretch)
        adaptive = count_adaptive(prediction, truth)
        if "f_beta" in metrics:
            scores["f_adaptive"] = float(f_of(adaptive, _BETA2)[0])
        if "e_measure" in metrics:
            scores["e_adaptive"] = float(e_of(adaptive)[0])
    return Measured(scores, counts)


def collect(measured: Iterable[tuple[str, Measured]]) -> Evaluation:
    """Put what was measured of each pair together, in the order it comes.

    Raises
    ------
    ValueError
        When there is nothing.
    """
    table = _Table()
    for name, one in measured:
        table.add(name, one)
    return table.finish()


def check_metrics(metrics: Sequence[str]) -> None:
    """Raise unless `metrics` are names out of `METRICS`, at least one.

    Examples
    --------
    >>> check_metrics(["iou", "dice"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: metrics must be out of iou, mae, ..., conn, got 'dice'
    """
    unknown = sorted(set(metrics) - set(METRICS))
    if isinstance(metrics, str) or unknown or not metrics:
        got = repr(metrics) if isinstance(metrics, str) else ", ".join(map(repr, unknown))
        raise ValueError(f"metrics must be out of {', '.join(METRICS)}, got {got or 'none'}")


@dataclass
class _Table:
    """Columns that grow, and pairs whose curves wait for their block to be full."""

    names: list[str] = field(default_factory=list[str])
    columns: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    waiting: list[Counts] = field(default_factory=list[Counts])
    sums: dict[str, Curve] = field(default_factory=dict[str, Curve])

    def add(self, name: str, one: Measured) -> None:
        self.names.append(name)
        for column, score in one.scores.items():
            self.columns.setdefault(column, []).append(score)
        if one.counts is not None:
            self.waiting.append(one.counts)
            if len(self.waiting) == _BLOCK:
                self._work_off()

    def finish(self) -> Evaluation:
        if not self.names:
            raise ValueError("pairs must be at least one, got none")
        self._work_off()
        number = len(self.names)
        curves = {name: total / number for name, total in self.sums.items()}
        columns = {name: np.array(self.columns[name]) for name in _COLUMNS if name in self.columns}
        # An exact sum does not depend on the order of the pairs.
        summary = {name: math.fsum(column) / number for name, column in columns.items()}
        if "f" in curves:
            of_means = f_of_rates(curves["precision"], curves["recall"], _BETA2)
            summary["f_max_of_mean_pr"] = float(of_means.max())
            summary["f_max_of_mean_curve"] = float(curves["f"].max())
        if "e" in curves:
            summary["e_max_of_mean_curve"] = float(curves["e"].max())
        return Evaluation(tuple(self.names), columns, summary, curves)

    def _work_off(self) -> None:
        if not self.waiting:
            return
        counts = stack(self.waiting)
        self.waiting.clear()
        if "f_adaptive" in self.columns:
            precision, recall = precision_recall_of(counts)
            self._add_curves("precision", precision)
            self._add_curves("recall", recall)
            self._add_curves("f", f_of(counts, _BETA2))
        if "e_adaptive" in self.columns:
            self._add_curves("e", e_of(counts))

    def _add_curves(self, name: str, curves: Curve) -> None:
        self.sums[name] = self.sums.get(name, np.zeros(LEVELS)) + curves.sum(axis=0)
        if name in ("f", "e"):
            self.columns.setdefault(f"{name}_max", []).extend(curves.max(axis=1).tolist())
            self.columns.setdefault(f"{name}_mean", []).extend(curves.mean(axis=1).tolist())
