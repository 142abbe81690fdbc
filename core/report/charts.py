"""Charts as inline SVG: no script, no colours of their own (the page's style sheet has them)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

Numbers = npt.NDArray[np.float64]

_BARS_PER_TICK = 5
_HISTOGRAM = (300.0, 96.0)  # user units, about the CSS pixels of a card
_CURVE = (720.0, 200.0)
_WIDEST = 28.0
_LARGEST = 1e100
_GUTTER = 60.0
_POINTS, _SMOOTH = 360, 40


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
        `drawable` are left out.
    label : str
        What a screen reader says the chart is.

    Notes
    -----
    Where some values lie far out, the axis ends before them (see `axis_of`), its last tick says so,
    and the bar at that end holds what lies beyond.

    Examples
    --------
    >>> svg = histogram({"people": np.array([0.1, 0.2, 0.2])}, "coverage")
    >>> svg.count("<rect"), "0.195 to 0.200: 2 people" in svg
    (2, True)
    """
    width, height = _HISTOGRAM
    finite = {name: drawable(values) for name, values in series.items()}
    everything = np.concatenate([np.empty(0), *finite.values()])
    if not everything.size:
        return Markup('<p class="none">no values</p>')
    axis = axis_of(everything)
    counts = {
        name: np.histogram(np.clip(values, axis.edges[0], axis.edges[-1]), axis.edges)[0]
        for name, values in finite.items()
    }
    top = float(max(1, sum(counts.values(), np.zeros(len(axis.edges) - 1, np.int64)).max()))
    plot = height - 18
    step = width / (len(axis.edges) - 1)
    wide = min(step - 1, _WIDEST)
    drawn: list[Markup] = []
    stacked = np.zeros(len(axis.edges) - 1)
    for number, (name, heights) in enumerate(counts.items()):
        for index in np.flatnonzero(heights):
            tall = (
                max(1.0, plot * heights[index] / top)
                if len(counts) == 1
                else (plot * heights[index] / top)
            )
            stacked[index] += tall
            drawn.append(
                Markup(
                    '<rect class="s{}" x="{}" y="{}" width="{}" height="{}">'
                    "<title>{}: {:,} {}</title></rect>"
                ).format(
                    number,
                    _short((index + 0.5) * step - wide / 2),
                    _short(plot - stacked[index]),
                    _short(wide),
                    _short(tall),
                    axis.between(int(index)),
                    int(heights[index]),
                    name,
                )
            )
    drawn.append(Markup('<path class="axis" d="M0 {0}.5H{1}"/>').format(int(plot), _short(width)))
    for value, text in axis.ticks:
        share = axis.share(value)
        drawn.append(_tick(share * width, height - 4, text, share))
    return _svg("histogram", _HISTOGRAM, label, drawn)


def curve(values: Sequence[float], label: str) -> Markup:
    """Draw a sequence against its step, such as a training loss; a long one with a smoothed line.

    Parameters
    ----------
    values : sequence of float
        One per step, from 0. Long sequences are averaged in runs; there is a gap where no value of
        a run is finite.
    label : str
        What a screen reader says the chart is.

    Examples
    --------
    >>> curve([3.0, 2.0, 1.5], "loss").count("<polyline")
    1
    """
    width, height = _CURVE
    numbers = np.asarray(values, np.float64)
    finite = drawable(numbers)
    if not finite.size:
        return Markup('<p class="none">no finite values</p>')
    numbers = np.where(np.abs(numbers) < _LARGEST, numbers, np.nan)
    axis = axis_of(finite)
    plot, reach = height - 22, max(1, len(numbers) - 1)

    def across(step: float) -> float:
        return _GUTTER + (width - _GUTTER) * step / reach

    def down(level: float) -> float:
        return 6 + (plot - 6) * (1 - min(max(axis.share(level), 0), 1))

    def lines(style: str, most: int) -> Iterator[Markup]:
        for run in _unbroken(*_averaged(numbers, most)):
            points = " ".join(f"{_short(across(x))},{_short(down(y))}" for x, y in run)
            yield Markup('<polyline class="{}" points="{}"/>').format(style, points)

    drawn: list[Markup] = []
    for value, text in axis.ticks:
        y = down(value)
        line = Markup('<path class="rule" d="M{} {}H{}"/>')
        drawn.append(line.format(_short(_GUTTER), _short(y), _short(width)))
        drawn.append(_tick(_GUTTER - 8, y + 4, text, 1.0))
    crowded = len(numbers) >= 2 * _SMOOTH
    drawn += lines("faint" if crowded else "line", _POINTS)
    if crowded:
        drawn += lines("line", _SMOOTH)
    every = max(1, round(_round_step(reach / 6)))
    for step in range(0, len(numbers), every):
        drawn.append(_tick(across(step), height - 3, f"{step:,}", 0.5))
    return _svg("curve", _CURVE, label, drawn)


@dataclass(frozen=True, eq=False)
class Axis:
    """Bin edges on round numbers, with the ticks among them.

    Attributes
    ----------
    edges : ndarray, N + 1, float64
    ticks : list of (float, str)
    whole : bool
        Each bin is one whole number.
    """

    edges: Numbers
    ticks: Sequence[tuple[float, str]]
    whole: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies between the ends, 0 to 1."""
        return float((value - self.edges[0]) / (self.edges[-1] - self.edges[0]))

    def between(self, index: int) -> str:
        """Say in words what bin `index` holds."""
        if self.whole:
            return f"{round(self.edges[index] + 0.5):,}"
        step = float(self.edges[1] - self.edges[0])
        return f"{_text(self.edges[index], step)} to {_text(self.edges[index + 1], step)}"


def axis_of(values: Numbers) -> Axis:
    """Choose an axis for finite values: whole numbers one by one, else bins on round numbers.

    It ends one and a half times the span of the middle nine tenths beyond them: a few stray values
    would squeeze all others into one bar.

    Examples
    --------
    >>> axis_of(np.array([1.0, 2, 2, 5])).edges.tolist()
    [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    >>> [text for _, text in axis_of(np.array([0.03, 0.5, 0.97])).ticks]
    ['0.00', '0.25', '0.50', '0.75', '1.00']
    """
    low, high = float(values.min()), float(values.max())
    # Beyond 2**52 neighbouring whole numbers have no halves between them.
    if high - low <= 24 and max(-low, high) < 2**52 and bool(np.all(values == np.rint(values))):
        first, last = round(low), round(high)
        every = max(1, -(-(last - first) // 6))
        ticks = [(float(k), f"{k:,}") for k in range(first, last + 1, every)]
        return Axis(np.arange(first - 0.5, last + 1), ticks, whole=True)
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-100):  # equal but for rounding
        spread = abs(high) * 0.05 if abs(high) > 1e-100 else 0.5
        low, high = low - spread, high + spread
    else:
        first, last = (float(level) for level in np.quantile(values, (0.05, 0.95)))
        reach = 1.5 * (last - first)
        if reach > 0:
            low, high = max(low, first - reach), min(high, last + reach)
    tick = _round_step((high - low) / 4)
    first, last = math.floor(low / tick + 1e-9), math.ceil(high / tick - 1e-9)
    edges = np.linspace(first * tick, last * tick, (last - first) * _BARS_PER_TICK + 1)
    texts = [_text(k * tick, tick) for k in range(first, last + 1)]
    if values.min() < edges[0]:
        texts[0] = f"≤ {texts[0]}"
    if values.max() > edges[-1]:
        texts[-1] = f"≥ {texts[-1]}"
    ticks = [(k * tick, text) for k, text in zip(range(first, last + 1), texts, strict=True)]
    return Axis(edges, ticks)


def drawable(values: Numbers) -> Numbers:
    """Return the values that fit on an axis: finite, and small enough for its arithmetic.

    Examples
    --------
    >>> drawable(np.array([1.0, np.nan, np.inf, 1e200])).tolist()
    [1.0]
    """
    return values[np.abs(values) < _LARGEST]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if rough <= power * nice * (1 + 1e-9))


def _digits(step: float) -> int:
    """Return how many decimals write multiples of a round step in full."""
    scaled = (step * 10**n for n in range(12))
    whole = (round(x) > 0 and abs(x - round(x)) < 1e-6 * x for x in scaled)
    return next((n for n, exact in enumerate(whole) if exact), 12)


def _text(value: float, step: float) -> str:
    if not 1e-9 < step < 1e9:
        text = f"{value:.3g}"
    elif step >= 1e6:
        text = f"{value / 1e6:,g}M"
    elif step >= 1e3:
        text = f"{value / 1e3:,g}k"
    else:
        text = f"{value + 0.0:,.{_digits(step)}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _short(value: float) -> str:
    """Write a coordinate without digits that nobody sees."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _tick(x: float, y: float, text: str, share: float) -> Markup:
    anchor = "start" if share < 0.02 else "end" if share > 0.98 else "middle"
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _short(x), _short(y), anchor, text
    )


def _averaged(values: Numbers, most: int) -> tuple[Numbers, Numbers]:
    """Average runs of neighbours so that at most `most` are left: middle steps and means.

    A mean is a gap only where all of its run are gaps.
    """
    runs = np.array_split(np.arange(len(values)), min(most, len(values)))
    means = [values[run][np.isfinite(values[run])] for run in runs]
    return (
        np.array([run.mean() for run in runs]),
        np.array([finite.mean() if finite.size else np.nan for finite in means]),
    )


def _unbroken(steps: Numbers, means: Numbers) -> Iterator[list[tuple[float, float]]]:
    """Yield the runs of points between gaps."""
    positions = np.flatnonzero(np.isfinite(means))
    for run in np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1):
        if run.size == 1:  # a line of one point shows only where it is drawn twice
            run = np.repeat(run, 2)
        yield [(float(steps[at]), float(means[at])) for at in run]


def _svg(style: str, size: tuple[float, float], label: str, drawn: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>'
    ).format(style, *size, label, Markup("").join(drawn))
