"""How the page writes numbers and foreign text."""

import math
from collections.abc import Callable, Mapping
from typing import Any

_NOTHING = "\N{EN DASH}"


def count(number: int) -> str:
    """Write a whole number in groups of three.

    Examples
    --------
    >>> count(118287)
    '118,287'
    """
    return f"{number:,}"


def share(part: float, whole: float) -> str:
    """Write a share in percent, never rounding something to nothing, nor nearly all to all.

    Examples
    --------
    >>> share(1, 3), share(1, 100_000), share(99_999, 100_000)
    ('33.3%', '<0.1%', '>99.9%')
    """
    if not whole:
        return _NOTHING
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1%"
    if 99.9 < percent < 100:
        return ">99.9%"
    return f"{percent:.1f}%"


def number(value: float) -> str:
    """Write a measurement with three digits; whole numbers whole.

    Examples
    --------
    >>> number(0.123456), number(640.0), number(15234.7)
    ('0.123', '640', '15,235')
    """
    if not math.isfinite(value):
        return _NOTHING
    if abs(value) < 1000 and value != round(value):
        text = f"{value:.3g}"
    else:
        text = f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def values(numbers: Mapping[str, float]) -> str:
    """Write named numbers in one line.

    Examples
    --------
    >>> values({"coverage": 0.05, "persons": 3.0})
    'coverage 0.05, persons 3'
    """
    return ", ".join(f"{visible(name)} {number(value)}" for name, value in numbers.items())


def visible(text: str | None, longest: int = 160) -> str:
    r"""Make control and direction marks visible; shorten in the middle, as paths differ at the end.

    Examples
    --------
    >>> visible("a\u202etxt.exe"), visible("photos/2017/000001.jpg", 12)
    ('a\ufffdtxt.exe', 'photos…01.jpg')
    """
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in text or "")
    if len(shown) <= longest:
        return shown
    return f"{shown[: longest // 2]}…{shown[-(longest // 2) :]}"


def traceback(text: str, longest: int = 6000) -> str:
    """Keep the lines of a traceback, and of a long one its end, where the error stands."""
    shown = "\n".join(visible(line, 400) for line in text.splitlines())
    return shown if len(shown) <= longest else f"…\n{shown[-longest:]}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "count": count,
    "share": share,
    "number": number,
    "values": values,
    "visible": visible,
    "traceback": traceback,
}
