"""Find the hashes that differ in few bits, without comparing all with all."""

import numpy as np
import numpy.typing as npt

from .perceptual_hash import BITS, TURNS, Hashes, turn_hashes

Indices = npt.NDArray[np.int64]

# Every table sorts the hashes by other bits. Among a million, eight of them miss half a percent of
# the copies tilted by 2 degrees; for copies that are turned and little else, four will do.
_TABLES = 8
_TABLES_TURNED = 4
_PER_BUCKET = 256
_NEAREST = 8
_QUERIES = 1 << 16


def candidate_pairs(
    hashes: Hashes, zoomed: Hashes, distance: int, turned: bool
) -> tuple[Indices, Indices, npt.NDArray[np.uint8]]:
    """Find pairs of pictures whose hashes are near each other.

    A pair counts when it is among the eight nearest of either picture, eight as they lie and eight
    turned: candidates stay a few times the pictures, however alike all of them are. Hashes are
    looked up in eight tables (faiss ``IndexBinaryHash``), each keyed by other low waves,
    the number of keys growing with the number of pictures: an entry meets about 256 others per
    table, however many there are. A pair that is near in all other bits is missed when every table
    has one of the few differing bits in its key.

    Parameters
    ----------
    hashes : ndarray, n x 2 x 16, uint8
        What is looked for: see `maskmill.curate.perceptual_hash.perceptual_hashes`.
    zoomed : ndarray, n x 2 x 16, uint8
        The same pictures cropped a little. They are looked up too, which brings crops near.
    distance : int
        Most bits that differ.
    turned : bool
        Look up mirrored and rotated pictures as well.

    Returns
    -------
    first, second : ndarray, int64
        Numbers of the pictures, ``first < second``, sorted by distance; each pair and turn once.
    turn : ndarray, uint8
        How `first` is to be laid to be like `second`, as `turn_pictures` lays it.

    Examples
    --------
    >>> from .perceptual_hash import perceptual_hashes
    >>> photos = np.random.default_rng(0).integers(0, 256, (5, 32, 32), np.uint8)
    >>> photos[4] = photos[1, :, ::-1]
    >>> hashes = perceptual_hashes(photos)
    >>> first, second, turn = candidate_pairs(hashes, hashes, 20, turned=True)
    >>> first.tolist(), second.tolist(), turn.tolist()
    ([1], [4], [1])
    """
    import faiss

    # Sorted, so that neither the order of the pictures nor that of their copies matters.
    upright = np.ascontiguousarray(hashes[:, 0])
    codes, leader, code_of = np.unique(
        upright.view(f"V{BITS // 8}")[:, 0], return_index=True, return_inverse=True
    )
    codes = codes.view(np.uint8).reshape(-1, BITS // 8)
    found = _same_code(leader, code_of, len(hashes))
    key_bits = min(16, max(1, (len(codes) // _PER_BUCKET).bit_length()))
    for table in range(_TABLES):
        index = faiss.IndexBinaryHash(BITS, key_bits)
        index.add(_keyed(codes, table))
        turns = TURNS if turned and table < _TABLES_TURNED else 1
        parts = [found]
        for queries in (hashes, zoomed):
            for turn in range(turns):
                for start in range(0, len(hashes), _QUERIES):
                    chunk = turn_hashes(queries[start : start + _QUERIES], turn)
                    # One more than asked for: a picture finds itself.
                    near, which = index.search(_keyed(chunk, table), _NEAREST + 1)
                    asked, rank = np.nonzero((which >= 0) & (near <= distance))
                    parts.append(
                        _packed(
                            asked + start,
                            leader[which[asked, rank]],
                            turn,
                            near[asked, rank],
                            len(hashes),
                        )
                    )
        found = _nearest_of_each(np.concatenate(parts))
    found = found[np.lexsort((found >> 8, found & 255))]
    pair, turn = np.divmod(found >> 8, TURNS)
    first, second = np.divmod(pair, max(len(hashes), 1))
    near = _nearest(first, second, turn > 0)
    return first[near], second[near], turn[near].astype(np.uint8)


def _keyed(hashes: Hashes, table: int) -> Hashes:
    """Put the bits that a table is keyed by in front."""
    return np.ascontiguousarray(np.roll(hashes, -2 * table, axis=1))


def _packed(
    first: Indices, second: Indices, turn: int, distance: npt.NDArray[np.int32], n: int
) -> Indices:
    """Write pair, turn and distance as one number, the pair in order; without what met itself."""
    back = (turn & 4) | (turn & 1) << 1 | (turn & 2) >> 1 if turn & 4 else turn
    turns = np.where(first < second, turn, back)
    pair = np.minimum(first, second) * n + np.maximum(first, second)
    packed = (pair * TURNS + turns) << 8 | distance
    return packed[first != second]


def _same_code(leader: Indices, code_of: Indices, n: int) -> Indices:
    """Pair pictures of one hash with the first of them and with the one before."""
    order = np.argsort(code_of, kind="stable")
    follows = np.flatnonzero(np.diff(code_of[order]) == 0)
    before, after = order[follows], order[follows + 1]
    zero = np.zeros(len(after), np.int32)
    with_first = _packed(leader[code_of[after]], after, 0, zero, n)
    return np.concatenate([with_first, _packed(before, after, 0, zero, n)])


def _nearest_of_each(packed: Indices) -> Indices:
    """Keep every pair and turn once, with its smallest distance."""
    packed = np.unique(packed)
    fresh = np.diff(packed >> 8, prepend=-1) != 0
    return packed[fresh]


def _nearest(first: Indices, second: Indices, turned: npt.NDArray[np.bool_]) -> Indices:
    """Return which pairs, sorted by distance, are among the nearest of either picture."""
    ends = np.concatenate([first, second]) * 2 + np.tile(turned, 2)
    order = np.lexsort((np.tile(np.arange(len(first)), 2), ends))
    starts = np.flatnonzero(np.diff(ends[order], prepend=-1))
    rank = np.empty(len(ends), np.int64)
    rank[order] = np.arange(len(ends)) - np.repeat(starts, np.diff(starts, append=len(ends)))
    return np.flatnonzero(rank.reshape(2, -1).min(axis=0) < _NEAREST)
