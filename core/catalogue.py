"""The sources, stages and table stages that are installed, by the names recipes use.

They are entry points, so other packages add theirs and `maskmill` imports none before it is used.
"""

import difflib
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

GROUPS = {
    "source": "maskmill.sources",
    "stage": "maskmill.stages",
    "table stage": "maskmill.table_stages",
}


def installed(kind: str) -> dict[str, EntryPoint]:
    """Return the entry points of one kind of part by name.

    Parameters
    ----------
    kind : str
        A key of `GROUPS`.

    Raises
    ------
    ValueError
        When two packages claim the same name.

    Examples
    --------
    >>> "clean" in installed("stage")
    True
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=GROUPS[kind]), key=lambda entry: entry.name):
        known = found.setdefault(entry.name, entry)
        if known.value != entry.value:
            raise ValueError(
                f"{kind} {entry.name!r} must be one thing, got {known.value} and {entry.value}: "
                "uninstall one of the two packages"
            )
    return found


def load(kind: str, name: str) -> type:
    """Return the class behind a name.

    Raises
    ------
    LookupError
        When nothing of that name is installed; the message has the nearest right spelling.
    """
    known = installed(kind)
    if name not in known:
        raise LookupError(f"unknown {kind} {name!r}{nearest(name, known)}")
    return known[name].load()


def nearest(word: str, words: Iterable[str]) -> str:
    """Return a hint at the nearest right spelling, or at all there is.

    Examples
    --------
    >>> nearest("coverge", ["coverage", "persons"])
    '; did you mean "coverage"?'
    >>> nearest("x", ["coverage", "persons"])
    '; known are coverage, persons'
    """
    words = sorted(words)
    close = difflib.get_close_matches(word.lower(), words, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; known are {', '.join(words)}" if words else ""
