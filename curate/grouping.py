"""From pairs that are alike to groups that hold together, and whose split is one."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

# So many doubtful neighbours a picture may have before they have to be like each other as well.
_FEW = 4
_ASKED = 4  # how many of the others each is compared with then


def components(size: int, pairs: Pairs) -> Indices:
    """Return the smallest member of everybody's component.

    Parameters
    ----------
    size : int
        Members are 0 to ``size - 1``.
    pairs : ndarray, n x 2, int64
        Who belongs together.

    Examples
    --------
    >>> components(5, np.array([[4, 2], [2, 1]])).tolist()
    [0, 1, 1, 3, 1]
    """
    parent = list(range(size))
    for one, other in pairs.tolist():
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        while parent[other] != other:
            parent[other] = other = parent[parent[other]]
        parent[max(one, other)] = min(one, other)
    root = np.array(parent, np.int64)
    while (root != root[root]).any():
        root = root[root]
    return root


def coherent_pairs(
    size: int,
    certain: Pairs,
    doubtful: Pairs,
    alike: Callable[[Indices, Indices], Marks],
) -> Pairs:
    """Keep the doubtful pairs that do not make a chain of coincidences.

    Certain pairs always hold. What they join is a core; a doubtful pair holds only between a core
    and the centre that it was given to: centres are taken in the order of their doubtful
    neighbours, most first, and each takes all its neighbours that no other took before. So A ~ B ~
    C is a group around B, while a fourth that is like C alone stays outside. A centre with more
    than four neighbours keeps those which are like half of the others that they are compared with:
    a blurred sky resembles hundreds of photographs that do not resemble one another.

    Parameters
    ----------
    size : int
        Members are 0 to ``size - 1``.
    certain, doubtful : ndarray, n x 2, int64
        Pairs that are alike beyond doubt, and the others, most alike first.
    alike : callable
        Compares members pair by pair.

    Returns
    -------
    ndarray, n x 2, int64
        `certain`, and the doubtful pairs that hold.

    Examples
    --------
    >>> nobody = lambda first, second: np.zeros(len(first), bool)
    >>> chain = np.array([[0, 1], [1, 2], [2, 3]])
    >>> coherent_pairs(4, chain[:0], chain, nobody).tolist()
    [[0, 1], [1, 2]]
    >>> coherent_pairs(4, chain[2:], chain[:2], nobody).tolist()
    [[2, 3], [0, 1], [1, 2]]
    """
    core = components(size, certain)
    links: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for one, other in doubtful.tolist():
        left, right = int(core[one]), int(core[other])
        if left != right and right not in links[left]:
            links[left][right] = one, other
            links[right][left] = other, one
    taken: set[int] = set()
    held: list[tuple[int, ...]] = []
    for centre in sorted(links, key=lambda member: (-len(links[member]), member)):
        if centre in taken:
            continue
        leaves = sorted(leaf for leaf in links[centre] if leaf not in taken)
        ends = np.array([links[centre][leaf][1] for leaf in leaves], np.int64)
        if len(leaves) > _FEW:
            agreed = _agreeing(ends, alike)
            leaves = [leaf for leaf, agrees in zip(leaves, agreed, strict=True) if agrees]
        taken |= {centre, *leaves}
        held += [tuple(sorted(links[centre][leaf])) for leaf in leaves]
    return np.concatenate([certain, np.array(held, np.int64).reshape(-1, 2)])


def _agreeing(members: Indices, alike: Callable[[Indices, Indices], Marks]) -> list[bool]:
    """Tell who is like at least half of those it is compared with."""
    votes, asked = np.zeros(len(members), int), np.zeros(len(members), int)
    for step in range(1, 1 + min(_ASKED, len(members) // 2)):
        answer = alike(members, np.roll(members, -step))
        votes += answer.astype(int) + np.roll(answer, step)
        asked += 2
    return (2 * votes >= asked).tolist()


def bridges(
    neighbours: Mapping[int, Sequence[int]],
    sides: Mapping[int, str],
    circles: frozenset[int],
    weight: Mapping[str, int],
) -> set[int]:
    """Find who has to stay outside so that no neighbours lie in different splits.

    Everybody undecided follows its decided neighbours, and theirs in turn. Who has neighbours on
    two sides is a bridge, and so are two who come to lie on different sides at once. Where two that
    were decided earlier are neighbours, one gives way: the one whose side has fewer members here;
    between equals the one whose side is larger in the whole set, which feels the loss least.

    Parameters
    ----------
    neighbours : mapping of int to sequence of int
        All members of one component, with whom each must not part.
    sides : mapping of int to str
        Split of those that are decided.
    circles : frozenset of int
        Members that stand for a source's group: all its samples are their neighbours, and nothing
        else is. They are never a bridge themselves; a group that would part makes bridges of all
        its undecided samples.
    weight : mapping of str to int
        How many samples each split has in the whole set.

    Returns
    -------
    set of int

    Examples
    --------
    >>> path = {0: [1], 1: [0, 2], 2: [1, 3], 3: [2]}
    >>> bridges(path, {0: "train", 3: "val"}, frozenset(), {"train": 7, "val": 2})
    {1, 2}
    >>> bridges(path, {0: "train", 3: "train"}, frozenset(), {"train": 7})
    set()
    """
    here = Counter(sides.values())
    firm = sorted(here, key=lambda side: (-here[side], weight[side], side))
    settled: dict[int, str] = {}
    outside: set[int] = set()
    for side in firm:  # the firmest first: what is its neighbour and decided otherwise gives way
        for member in sorted(member for member, found in sides.items() if found == side):
            if {settled.get(other, side) for other in neighbours[member]} <= {side}:
                settled[member] = side
                settled |= dict.fromkeys(circles & set(neighbours[member]), side)
            else:
                outside.add(member)
    waiting = set(neighbours) - set(settled) - outside
    while True:
        met = {
            member: {settled[other] for other in neighbours[member] if other in settled}
            for member in sorted(waiting)
        }
        fresh = {member: next(iter(found)) for member, found in met.items() if len(found) == 1}
        torn = {member for member, found in met.items() if len(found) > 1}
        torn |= {
            member
            for member, side in fresh.items()
            if any(fresh.get(other, side) != side for other in neighbours[member])
        }
        torn |= {
            member
            for circle in torn & circles
            for member in neighbours[circle]
            if member not in sides
        }
        if not fresh and not torn:
            return outside - circles
        settled |= fresh
        for member in torn:
            settled.pop(member, None)
        outside |= torn
        waiting -= set(fresh) | torn
