"""Find the photographs that are one photograph, and keep them together."""

import hashlib
import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskmill.shards.schema import feature_column
from maskmill.stage import Feature

from .comparison import likeness
from .grouping import Indices, Marks, Pairs, bridges, coherent_pairs, components
from .hash_index import candidate_pairs
from .perceptual_hash import (
    SIDE,
    TURNS,
    Hashes,
    Thumbnail,
    Thumbnails,
    perceptual_hashes,
    turn_pictures,
)

_log = logging.getLogger(__name__)

Keep = Literal["all", "best", "first"]

_CERTAIN = 0.95
# Copies that lost a tenth of both sides come near once the other picture has lost most of it too.
_ZOOM = 0.07
# Mean squared difference of neighbouring pixels below which rounding is all there is to compare.
_EVEN = 0.5
_CHUNK = 4096
_FIRST_VERIFIED = 1 << 10


@dataclass(frozen=True)
class DuplicatePairs:
    """What `duplicate_pairs` found.

    Parameters
    ----------
    certain : ndarray, n x 2, int64
        Pairs alike beyond doubt. Of those that others join already not all are listed.
    doubtful : ndarray, m x 2, int64
        Pairs that may be a coincidence, most alike first.
    """

    certain: Pairs
    doubtful: Pairs


def duplicate_pairs(
    thumbnails: Thumbnails,
    order: Indices | None = None,
    *,
    similarity: float = 0.9,
    turned_similarity: float = 0.95,
    distance: int = 30,
    turned: bool = True,
) -> DuplicatePairs:
    """Find pairs of near-duplicates among thumbnails, verified pixel by pixel.

    Candidates are pictures whose hashes differ in few bits
    (`maskmill.curate.hash_index.candidate_pairs`), as they are and with one of them cropped a
    little, mirrored or turned. Each is laid over the other and compared
    (`maskmill.curate.comparison.likeness`); pictures with one and the same thumbnail are taken for
    copies as they are. So 901 distinct photographs stay apart, and are found again after
    recompression, halving, desaturation, crops of 3 and 10 percent, a rotation by 2 degrees,
    mirroring and turning; see docs/benchmarks.md.

    Parameters
    ----------
    thumbnails : ndarray, n x 32 x 32, uint8
        Luminance, 0 to 255; see `maskmill.curate.perceptual_hash.thumbnail`.
    order : ndarray, (n,), int64, optional
        Rows of `thumbnails`, each once from 0 to n - 1, in the order in which they count, such as
        that of their keys; the same pictures in this order give the same pairs however the rows
        lie.
    similarity : float
        Least likeness of a pair that lies as it is, in (0, 1]. From .95 on it is certain.
    turned_similarity : float
        Least likeness of a pair of which one is mirrored or turned, in (0, 1]; such a pair is
        certain. Left and right halves of symmetric things make mirrored pairs of .9: it should be
        the larger of the two.
    distance : int
        Most bits of 128 in which the hashes of a candidate differ.
    turned : bool
        Search for mirrored and turned ones: most of the time goes there.

    Returns
    -------
    DuplicatePairs
        Pairs of places in `order`, the first below the second.

    Examples
    --------
    >>> photos = np.random.default_rng(0).integers(0, 256, (4, 8, 8)).repeat(4, 1).repeat(4, 2)
    >>> photos = photos.astype(np.uint8)
    >>> photos[2], photos[3] = photos[0] // 2, photos[1, :, ::-1]
    >>> duplicate_pairs(photos).certain.tolist()
    [[0, 2], [1, 3]]
    """
    _check_parameters(similarity, turned_similarity, distance)
    rows = np.arange(len(thumbnails)) if order is None else order
    leader = _first_of_each(thumbnails, rows)
    copies = np.flatnonzero(leader != np.arange(len(rows)))
    certain = [np.stack([leader[copies], copies], axis=1)]
    doubtful = [np.zeros((0, 2), np.int64)]
    alikes = [np.zeros(0, np.float32)]
    distinct = np.flatnonzero(leader == np.arange(len(rows)))
    hashes, zoomed, detailed = _hashes(thumbnails, rows[distinct])
    distinct = distinct[detailed]
    first, second, turn = candidate_pairs(hashes[detailed], zoomed[detailed], distance, turned)
    first, second = distinct[first], distinct[second]
    joined = components(len(rows), certain[0])
    start, size = 0, _FIRST_VERIFIED
    while start < len(first):
        chunk = slice(start, start + size)
        one, other, way = first[chunk], second[chunk], turn[chunk]
        apart = joined[one] != joined[other]
        pairs, way = np.stack([one, other], axis=1)[apart], way[apart]
        alike = _likeness(thumbnails, rows[pairs], way)
        sure = np.where(way == 0, alike >= max(_CERTAIN, similarity), alike >= turned_similarity)
        perhaps = (way == 0) & (alike >= similarity) & ~sure
        certain.append(pairs[sure])
        doubtful.append(pairs[perhaps])
        alikes.append(alike[perhaps])
        start, size = start + size, 2 * size
        # The nearest first: in a crowd of copies these settle most of the others.
        joined = components(len(rows), np.concatenate(certain))
    best_first = np.argsort(-np.concatenate(alikes), kind="stable")
    found = np.unique(np.concatenate(certain), axis=0)
    return DuplicatePairs(found, np.concatenate(doubtful)[best_first])


def _likeness(thumbnails: Thumbnails, pairs: Pairs, turns: Any) -> Any:
    """Compare rows pair by pair, the first of each laid as its turn says."""
    alike = np.zeros(len(pairs), np.float32)
    for turn in range(TURNS):
        of_turn = np.flatnonzero(turns == turn)
        for start in range(0, len(of_turn), _CHUNK):
            which = of_turn[start : start + _CHUNK]
            laid = turn_pictures(thumbnails[pairs[which, 0]], turn)
            alike[which] = likeness(laid, thumbnails[pairs[which, 1]])
    return alike


def _first_of_each(thumbnails: Thumbnails, rows: Indices) -> Indices:
    """Return for every place the first one with the same thumbnail."""
    digests = np.empty((len(rows), 16), np.uint8)
    for place, row in enumerate(rows.tolist()):
        digest = hashlib.blake2b(thumbnails[row].data, digest_size=16).digest()
        digests[place] = np.frombuffer(digest, np.uint8)
    _, first, which = np.unique(digests.view("V16")[:, 0], return_index=True, return_inverse=True)
    return first[which]


def _hashes(thumbnails: Thumbnails, rows: Indices) -> tuple[Hashes, Hashes, Marks]:
    """Hash the pictures of these rows as they are and zoomed; tell which show anything at all."""
    hashes, zoomed = (np.empty((len(rows), 2, 16), np.uint8) for _ in range(2))
    detailed = np.empty(len(rows), bool)
    for start in range(0, len(rows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        pictures = thumbnails[rows[chunk]]
        hashes[chunk] = perceptual_hashes(pictures)
        zoomed[chunk] = perceptual_hashes(pictures, zoom=_ZOOM)
        levels = pictures.astype(np.int32)
        energy = sum((np.diff(levels, axis=axis) ** 2).mean(axis=(1, 2)) for axis in (1, 2))
        detailed[chunk] = energy >= 2 * _EVEN
    return hashes, zoomed, detailed


@dataclass(frozen=True)
class NearDuplicates:
    """Group samples whose photographs are near-duplicates; a table stage.

    Recompressed, resized, grey, slightly cropped or tilted copies are found, mirrored and turned
    ones too, by the image alone, whatever the alphas; see `duplicate_pairs`. Put it before
    `maskmill.curate.Split`: a group never parts, so no near-duplicate crosses a split.

    *Groups.* A source's own groups are respected: near-duplicates join them, nothing parts them.
    Doubtful pairs, of a likeness below .95, do not make chains: see
    `maskmill.curate.grouping.coherent_pairs`. A group is called by the name of a source's group
    within it, else by a key, and by one that has a split already before any other; so a group keeps
    its name when newcomers join. Input order and workers make no difference.

    *A set that grows.* The table's ``split`` is what sources and earlier runs have decided, and it
    is never changed. Newcomers follow their decided neighbours, step by step. Who has neighbours on
    two sides gets the status ``bridge`` and no split: in any it would leak into another. It joins
    no group, so what it would have bridged stays apart, and it is looked at anew in every run. When
    two samples that were decided apart turn out to be near-duplicates (an earlier run did without
    this stage, say), the split of both stands, but one gets the status ``bridge`` and is not used:
    the one whose side has fewer samples in what hangs together there, between equals the one whose
    side is larger in the whole set. See `maskmill.curate.grouping.bridges`.

    Parameters
    ----------
    similarity, turned_similarity : float
        Least likeness of near-duplicates as they lie, and mirrored or turned; see
        `duplicate_pairs`.
    distance : int
        Most bits of 128 in which hashes of candidates differ.
    turned : bool
        Search for mirrored and turned ones.
    keep : {"all", "best", "first"}
        ``"all"`` uses near-duplicates on, in one split. Else one of them stays, the others get the
        status ``duplicate``: the one with the most pixels (of equals, the one with the longest
        file, then the smallest key), or the first in the order of the sources. Samples that are one
        group of their source's only are no duplicates.

    Raises
    ------
    ValueError
        When a parameter is out of range, or the table lacks a column.

    Notes
    -----
    A million samples take three minutes of one core and 1.7 GB with the table, of which the
    thumbnails are 1 GB; see docs/benchmarks.md. One-sided crops of more than 6 percent or so,
    borders of more than 3 and large inscriptions make other pictures of a photograph.

    Examples
    --------
    >>> photos = np.random.default_rng(0).integers(0, 256, (2, 8, 8)).repeat(4, 1).repeat(4, 2)
    >>> thumbnails = [photo.astype(np.uint8).tobytes() for photo in (photos[0], *photos)]
    >>> table = pa.table(
    ...     {
    ...         "key": ["k1", "k2", "k3"],
    ...         "group": pa.nulls(3, pa.string()),
    ...         "split": [None, "val", None],
    ...         "feature.thumbnail": thumbnails,
    ...     }
    ... )
    >>> NearDuplicates()(table).to_pylist()  # doctest: +NORMALIZE_WHITESPACE
    [{'key': 'k1', 'group': 'k2', 'status': 'kept'},
     {'key': 'k2', 'group': 'k2', 'status': 'kept'}]
    """

    similarity: float = 0.9
    turned_similarity: float = 0.95
    distance: int = 30
    turned: bool = True
    keep: Keep = "all"

    features: ClassVar[tuple[Feature, ...]] = (Thumbnail(),)

    def __post_init__(self) -> None:
        _check_parameters(self.similarity, self.turned_similarity, self.distance)
        if self.keep not in get_args(Keep):
            raise ValueError(f"keep must be one of {', '.join(get_args(Keep))}, got {self.keep!r}")

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return ``key``, ``group`` and ``status`` of grouped samples and of bridges."""
        column = feature_column(self.features[0])
        needed = ["key", "group", "split", column]
        if self.keep == "best":
            needed += ["height", "width", "image_length"]
        missing = [name for name in needed if name not in table.column_names]
        if missing:
            raise ValueError(
                f"table must have the columns {', '.join(needed)}, got no {', '.join(missing)}"
            )
        order = pc.sort_indices(table["key"]).to_numpy().astype(np.int64)
        thumbnails = _thumbnails(table[column])
        found = duplicate_pairs(
            thumbnails,
            order,
            similarity=self.similarity,
            turned_similarity=self.turned_similarity,
            distance=self.distance,
            turned=self.turned,
        )

        def alike(first: Indices, second: Indices) -> Marks:
            one, other = thumbnails[order[first]], thumbnails[order[second]]
            ways = [likeness(turn_pictures(one, turn), other) for turn in range(TURNS)]
            return np.max(ways, axis=0) >= self.similarity

        near = coherent_pairs(len(order), found.certain, found.doubtful, alike)
        facts = table.drop_columns([column]).take(pa.array(order))
        return self._decisions(facts, near, order)

    def _decisions(self, facts: pa.Table, near: Pairs, order: Indices) -> pa.Table:
        """Return the decisions about `facts`, which lie in the order that `near` counts in."""
        size = facts.num_rows
        circle, circles = _numbered(facts["group"])
        side, sides = _numbered(facts["split"])
        grouped = np.flatnonzero(circle >= 0)
        within = np.stack([grouped, size + circle[grouped]], axis=1)
        pairs = np.concatenate([near, within])
        outside = np.zeros(size + len(circles), bool)
        outside[_outside(pairs, side, sides, size, len(circles))] = True
        if outside.any():
            _log.warning(
                "%d samples are near-duplicates across splits: they get the status bridge and are "
                "not used",
                outside.sum(),
            )
        near = near[~outside[near].any(axis=1)]
        pairs = pairs[~outside[pairs].any(axis=1)]
        together = components(len(outside), pairs)
        touched = np.zeros(len(outside), bool)
        touched[together[near[:, 0]]] = True
        members = np.flatnonzero(touched[together[:size]] & ~outside[:size])
        chosen = np.union1d(members, np.flatnonzero(outside[:size]))
        kept = _kept(facts)
        status = np.array(["kept"] * size if kept is None else facts["status"].to_pylist(), object)
        kept = np.ones(size, bool) if kept is None else kept
        status[kept & outside[:size]] = "bridge"
        if self.keep != "all":
            status[self._surplus(facts, near, kept & ~outside[:size], order)] = "duplicate"
        group = facts["group"].to_pylist()
        names = _names(together, members, facts["key"].to_pylist(), group, side)
        for member in members.tolist():
            group[member] = names[int(together[member])]
        return pa.table(
            {
                "key": facts["key"].take(pa.array(chosen)),
                "group": pa.array([group[place] for place in chosen.tolist()], pa.string()),
                "status": pa.array(status[chosen].tolist(), pa.string()),
            }
        )

    def _surplus(self, facts: pa.Table, near: Pairs, usable: Marks, order: Indices) -> Indices:
        """Return all usable near-duplicates but the one of each that stays."""
        near = near[usable[near].all(axis=1)]
        together = components(facts.num_rows, near)
        if self.keep == "first":
            rank = np.argsort(order, kind="stable")
        else:
            pixels = facts["height"].to_numpy().astype(np.int64) * facts["width"].to_numpy()
            rank = np.lexsort((-facts["image_length"].to_numpy(), -pixels))
        rank = rank[np.argsort(together[rank], kind="stable")]
        return rank[np.diff(together[rank], prepend=-1) == 0]


def _thumbnails(column: pa.ChunkedArray) -> Thumbnails:
    """Return a column of thumbnails as n x 32 x 32, without a copy where it is of one piece."""
    parts = [np.zeros((0, SIDE, SIDE), np.uint8)]
    for chunk in column.chunks:
        lengths = pc.unique(pc.binary_length(chunk)).to_pylist()
        if len(chunk) and lengths != [SIDE * SIDE]:
            raise ValueError(
                f"{SIDE} x {SIDE} thumbnails must have {SIDE * SIDE} bytes, got {lengths}"
            )
        _, offsets, data = chunk.buffers()
        start = np.frombuffer(offsets, np.int32)[chunk.offset] if len(chunk) else 0
        pixels = np.frombuffer(data, np.uint8, len(chunk) * SIDE * SIDE, start) if data else []
        parts.append(np.reshape(pixels, (-1, SIDE, SIDE)).astype(np.uint8, copy=False))
    parts = [part for part in parts if len(part)] or parts[:1]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _numbered(column: pa.ChunkedArray) -> tuple[Indices, list[str]]:
    """Return what a column of words says as numbers, -1 for null, and the words."""
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
    numbers = pc.fill_null(coded.indices.cast(pa.int64()), -1)
    return numbers.to_numpy(zero_copy_only=False), coded.dictionary.to_pylist()


def _outside(pairs: Pairs, side: Indices, sides: list[str], size: int, circles: int) -> list[int]:
    """Find the bridges of the components that lie in several splits."""
    together = components(size + circles, pairs)
    decided = np.flatnonzero(side >= 0)
    lowest = np.full(size + circles, len(sides))
    highest = np.full(size + circles, -1)
    np.minimum.at(lowest, together[decided], side[decided])
    np.maximum.at(highest, together[decided], side[decided])
    parted = highest > lowest
    neighbours: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one, other in pairs[parted[together[pairs[:, 0]]]].tolist():
        component = neighbours[int(together[one])]
        component[one].append(other)
        component[other].append(one)
    counts = np.bincount(side[decided], minlength=len(sides)).tolist()
    weight = dict(zip(sides, counts, strict=True))
    found: list[int] = []
    for component in neighbours.values():
        known = {m: sides[side[m]] for m in component if m < size and side[m] >= 0}
        around = frozenset(member for member in component if member >= size)
        found += bridges(component, known, around, weight)
    return found


def _names(
    together: Indices,
    members: Indices,
    keys: list[str],
    groups: list[str | None],
    side: Indices,
) -> dict[int, str]:
    """Name each group so that it is called the same when it grows."""
    best: dict[int, tuple[bool, bool, str]] = {}
    for member in members.tolist():
        group = groups[member]
        claim = (group is None, bool(side[member] < 0), keys[member] if group is None else group)
        component = int(together[member])
        best[component] = min(best.get(component, claim), claim)
    return {component: name for component, (_, _, name) in best.items()}


def _kept(facts: pa.Table) -> Marks | None:
    if "status" not in facts.column_names:
        return None
    return pc.equal(facts["status"], "kept").to_numpy()


def _check_parameters(similarity: Any, turned_similarity: Any, distance: Any) -> None:
    for name, value in (("similarity", similarity), ("turned_similarity", turned_similarity)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} must be above 0 and at most 1, got {value!r}")
    if not isinstance(distance, int) or isinstance(distance, bool) or not 0 <= distance <= 64:
        raise ValueError(f"distance must be bits from 0 to 64 of 128, got {distance!r}")
