"""Charts as inline SVG: no script, no colours of their own (the page's style sheet has them)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

Numbers = npt.NDArray[np.float64]

_BARS_PER_TICK = 5
_HISTOGRAM = (300.0, 96.0)  # user units, about the CSS pixels of a card
_CURVE = (720.0, 200.0)


@dataclass(frozen=True)
class Part:
    """One piece of a bar: how many of the whole, its CSS class, and what a pointer reads there."""

    count: float
    style: str
    title: str = ""


def bar(parts: Sequence[Part], whole: float) -> Markup:
    """Draw counts as one stacked bar whose full width is `whole`.

    It is hidden from screen readers: the numbers stand beside it.

    Examples
    --------
    >>> bar([Part(1, "kept", "1 kept")], 4)
    Markup('<svg class="bar" aria-hidden="true"><rect class="kept" x="0%" width="25%" \
height="100%"><title>1 kept</title></rect></svg>')
    """
    drawn: list[Markup] = []
    start = 0.0
    for part in parts:
        if part.count > 0 and whole > 0:
            drawn.append(
                Markup('<rect class="{}" x="{}%" width="{}%" height="100%">{}</rect>').format(
                    part.style,
                    _short(100 * start / whole),
                    _short(100 * part.count / whole),
                    Markup("<title>{}</title>").format(part.title) if part.title else "",
                )
            )
        start += part.count
    return Markup('<svg class="bar" aria-hidden="true">{}</svg>').format(Markup("").join(drawn))


def histogram(series: Mapping[str, Numbers], label: str) -> Markup:
    """Draw the distribution of one number, stacked by series.

    Parameters
    ----------
    series : mapping of str to ndarray
        Values by name, drawn with the CSS classes ``s0``, ``s1``, ... in order; values that are not
        finite are left out.
    label : str
        What a screen reader says the chart is.

    Notes
    -----
    Where a few values lie far out, the axis ends at the 0.5th and 99.5th percentile, its last ticks
    say so, and the bars at its ends hold what lies beyond.

    Examples
    --------
    >>> svg = histogram({"people": np.array([0.1, 0.2, 0.2])}, "coverage")
    >>> svg.count("<rect"), "0.20 to 0.22: 2 people" in svg
    (2, True)
    """
    width, height = _HISTOGRAM
    finite = {name: values[np.isfinite(values)] for name, values in series.items()}
    everything = np.concatenate([np.empty(0), *finite.values()])
    if not everything.size:
        return Markup('<p class="none">no values</p>')
    axis = axis_of(everything)
    counts = {
        name: np.histogram(np.clip(values, axis.low, axis.high), axis.edges)[0]
        for name, values in finite.items()
    }
    top = float(max(1, sum(counts.values(), np.zeros(len(axis.edges) - 1, np.int64)).max()))
    plot = height - 18
    step = width / (len(axis.edges) - 1)
    drawn: list[Markup] = []
    stacked = np.zeros(len(axis.edges) - 1)
    for number, (name, heights) in enumerate(counts.items()):
        for index in np.flatnonzero(heights):
            tall = max(1.0, plot * heights[index] / top) if len(counts) == 1 else (
                plot * heights[index] / top
            )
            stacked[index] += tall
            drawn.append(
                Markup(
                    '<rect class="s{}" x="{}" y="{}" width="{}" height="{}">'
                    "<title>{}: {:,} {}</title></rect>"
                ).format(
                    number,
                    _short(index * step + 0.5),
                    _short(plot - stacked[index]),
                    _short(step - 1),
                    _short(tall),
                    axis.between(int(index)),
                    int(heights[index]),
                    name,
                )
            )
    drawn.append(Markup('<path class="axis" d="M0 {0}.5H{1}"/>').format(int(plot), _short(width)))
    for value, text in axis.ticks:
        share = (value - axis.edges[0]) / (axis.edges[-1] - axis.edges[0])
        drawn.append(_tick(share * width, height - 4, text, share))
    return _svg("histogram", _HISTOGRAM, label, drawn)


def curve(values: Sequence[float], label: str) -> Markup:
    """Draw a sequence against its step, such as a training loss, with a smoothed line over it.

    Parameters
    ----------
    values : sequence of float
        One per step; gaps are left where a value is not finite. More than 360 are averaged in runs.
    label : str
        What a screen reader says the chart is.

    Examples
    --------
    >>> curve([3.0, 2.0, 1.5], "loss").count("<polyline")
    1
    """
    width, height = _CURVE
    numbers = np.asarray(values, np.float64)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return Markup('<p class="none">no finite values</p>')
    axis = axis_of(finite)
    plot = height - 22

    def down(level: Numbers | float) -> Numbers:
        share = (axis.high - np.clip(level, axis.low, axis.high)) / (axis.high - axis.low)
        return 2 + (plot - 4) * share

    def line(style: str, means: Numbers) -> list[Markup]:
        across = np.linspace(0, width, len(means)) if len(means) > 1 else np.array([width / 2])
        heights = down(means)
        drawn: list[Markup] = []
        for run in _unbroken(heights):
            points = " ".join(f"{_short(across[at])},{_short(heights[at])}" for at in run)
            drawn.append(Markup('<polyline class="{}" points="{}"/>').format(style, points))
        return drawn

    drawn: list[Markup] = []
    for value, text in axis.ticks:
        y = float(down(value))
        drawn.append(
            Markup('<path class="grid" d="M0 {0}H{1}"/><text x="0" y="{2}">{3}</text>').format(
                _short(y), _short(width), _short(y - 4 if y > 16 else y + 14), text
            )
        )
    means = _averaged(numbers, 360)
    smooth = len(means) >= 40
    drawn += line("faint" if smooth else "line", means)
    if smooth:
        drawn += line("line", _averaged(numbers, 40))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        step = f"{1 + round(share * (len(numbers) - 1)):,}"
        drawn.append(_tick(share * width, height - 5, step, share))
    return _svg("curve", _CURVE, label, drawn)


@dataclass(frozen=True, eq=False)
class Axis:
    """Bin edges on round numbers, with the ticks among them.

    Attributes
    ----------
    edges : ndarray, N + 1, float64
    low, high : float
        What values are clipped to; beyond the outermost edges only where the tails were cut.
    ticks : list of (float, str)
    whole : bool
        Each bin is one whole number.
    """

    edges: Numbers
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    whole: bool = False

    def between(self, index: int) -> str:
        """Say in words what bin `index` holds."""
        if self.whole:
            return f"{round(self.edges[index] + 0.5):,}"
        digits = _digits(self.edges[1] - self.edges[0])
        return f"{self.edges[index]:,.{digits}f} to {self.edges[index + 1]:,.{digits}f}"


def axis_of(values: Numbers) -> Axis:
    """Choose an axis for finite values: whole numbers one by one, else bins on round numbers.

    Examples
    --------
    >>> axis_of(np.array([1.0, 2, 2, 5])).edges.tolist()
    [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    >>> [text for _, text in axis_of(np.array([0.03, 0.5, 0.97])).ticks]
    ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']
    """
    low, high = float(values.min()), float(values.max())
    if high - low <= 24 and bool(np.all(values == np.rint(values))):
        first, last = round(low), round(high)
        every = max(1, -(-(last - first) // 6))
        ticks = [(float(k), f"{k:,}") for k in range(first, last + 1, every)]
        return Axis(np.arange(first, last + 2) - 0.5, low, high, ticks, whole=True)
    if high == low:
        spread = abs(high) * 0.05 or 0.5
        low, high = low - spread, high + spread
    inner = np.quantile(values, (0.005, 0.995))
    cut = high - low > 4 * (inner[1] - inner[0]) > 0
    if cut:
        low, high = float(inner[0]), float(inner[1])
    tick = _round_step((high - low) / 4)
    first, last = math.floor(low / tick + 1e-9), math.ceil(high / tick - 1e-9)
    edges = np.linspace(first * tick, last * tick, (last - first) * _BARS_PER_TICK + 1)
    texts = [_text(k * tick, tick) for k in range(first, last + 1)]
    if cut and values.min() < edges[0]:
        texts[0] = f"≤ {texts[0]}"
    if cut and values.max() > edges[-1]:
        texts[-1] = f"≥ {texts[-1]}"
    ticks = [(k * tick, text) for k, text in zip(range(first, last + 1), texts, strict=True)]
    return Axis(edges, float(edges[0]), float(edges[-1]), ticks)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if rough <= power * nice * (1 + 1e-9))


def _digits(step: float) -> int:
    return next((n for n in range(12) if abs(step * 10**n - round(step * 10**n)) < 1e-6), 12)


def _text(value: float, step: float) -> str:
    if step >= 1e6:
        return f"{value / 1e6:,g}M"
    if step >= 1e3:
        return f"{value / 1e3:,g}k"
    return f"{value + 0.0:,.{_digits(step)}f}"


def _short(value: float) -> str:
    """Write a coordinate without digits that nobody sees."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _tick(x: float, y: float, text: str, share: float) -> Markup:
    anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _short(x), _short(y), anchor, text
    )


def _averaged(values: Numbers, most: int) -> Numbers:
    """Average runs of neighbours so that at most `most` are left; a gap only where all are gaps."""
    if len(values) <= most:
        return values
    runs = np.array_split(values, most)
    kept = [run[np.isfinite(run)] for run in runs]
    return np.array([run.mean() if run.size else np.nan for run in kept])


def _unbroken(values: Numbers) -> list[npt.NDArray[np.int64]]:
    """Return the runs of positions whose values are finite."""
    positions = np.flatnonzero(np.isfinite(values))
    runs = np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)
    return [run for run in runs if run.size]


def _svg(style: str, size: tuple[float, float], label: str, drawn: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(style, *size, label, Markup("").join(drawn))
