"""Which foreground meets which background."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

_Foreground = TypeVar("_Foreground")
_Background = TypeVar("_Background")

POINTS = 16
"""Places of a background on the circle: the more, the more evenly backgrounds are used."""
SIDE = 16
"""Backgrounds of a block: each is decoded once for all the foregrounds of it."""


def chosen(
    foregrounds: Sequence[str], backgrounds: Sequence[str], number: int, seed: int
) -> list[list[int]]:
    """Choose backgrounds for every foreground, by their identities alone.

    Backgrounds lie on a circle, each in several places that are hashed from its identity; a
    foreground takes the next ones from places hashed from its own. So what joins a pool later
    changes few of the pairs there were, and backgrounds are used about equally often.

    Parameters
    ----------
    foregrounds, backgrounds : sequence of str
        Identities.
    number : int
        Backgrounds for each, all different; all there are when there are no more.
    seed : int
        Another seed, other pairs.

    Returns
    -------
    list of list of int
        Places in `backgrounds`, for each foreground, in the order they were found.

    References
    ----------
    D. Karger et al., "Consistent hashing and random trees", STOC 1997.

    Examples
    --------
    >>> chosen(["bottle", "shoe"], ["beach", "desk", "yard"], 2, seed=0)
    [[0, 2], [1, 2]]
    """
    if number >= len(backgrounds):
        return [list(range(len(backgrounds))) for _ in foregrounds]
    places = np.array(
        [_place(seed, "background", one, at) for one in backgrounds for at in range(POINTS)],
        np.uint64,
    )
    order = np.argsort(places, kind="stable")
    circle, owners = places[order], order // POINTS
    found: list[list[int]] = []
    for one in foregrounds:
        taken: dict[int, None] = {}
        for turn in range(number):
            start = np.uint64(_place(seed, "foreground", one, turn))
            at = int(np.searchsorted(circle, start))
            while int(owners[at % len(owners)]) in taken:
                at += 1
            taken[int(owners[at % len(owners)])] = None
        found.append(list(taken))
    return found


def blocks(
    foregrounds: Sequence[_Foreground], backgrounds: Sequence[_Background], pairs: int
) -> Iterator[list[tuple[_Foreground, _Background]]]:
    """Yield all pairs, in blocks in which few foregrounds meet few backgrounds.

    Parameters
    ----------
    foregrounds, backgrounds : sequence
    pairs : int
        Most pairs of a block, at least 1.

    Examples
    --------
    >>> list(blocks("ab", "xy", 3))
    [[('a', 'x'), ('a', 'y')], [('b', 'x'), ('b', 'y')]]
    """
    across = min(SIDE, len(backgrounds), pairs)
    down = max(1, pairs // max(across, 1))
    for top in range(0, len(foregrounds), down):
        for left in range(0, len(backgrounds), across):
            yield [
                (foreground, background)
                for foreground in foregrounds[top : top + down]
                for background in backgrounds[left : left + across]
            ]


def _place(*identity: object) -> int:
    digest = hashlib.blake2b(repr(identity).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
