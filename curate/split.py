"""Divide a dataset into splits that stay the same while it grows."""

import hashlib
import logging
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from maskmill.stage import Feature

_log = logging.getLogger(__name__)


def split_of(group: str, train: float, val: float, test: float, salt: str = "") -> str:
    """Return the split of a group, from its name alone.

    The name is hashed to a number u in [0, 1), BLAKE2b-64 of salt and name over 2**64, and u falls
    into ``train``, ``val`` or ``test`` at the cumulative shares. It needs no other sample, so
    neither order nor the number of workers matters and nothing moves when samples join. The shares
    are met on average: n groups miss one by about ``sqrt(share * (1 - share) / n)``.

    Parameters
    ----------
    group : str
        Name of the group; the key, for a sample that has none.
    train, val, test : float
        Shares in [0, 1]; a split whose share is 0 gets nothing.
    salt : str
        Another salt, another division.

    Returns
    -------
    str
        ``"train"``, ``"val"`` or ``"test"``.

    Examples
    --------
    >>> [split_of(name, 0.7, 0.2, 0.1) for name in ("a", "b", "c", "d")]
    ['train', 'train', 'train', 'val']
    >>> split_of("a", 0, 1, 0)
    'val'
    """
    digest = hashlib.blake2b((salt + group).encode(), digest_size=8).digest()
    u = int.from_bytes(digest, "big") / 2**64
    shares = {"train": train, "val": val, "test": test}
    named = [name for name, share in shares.items() if share > 0]
    edge = 0.0
    for name in named:
        edge += shares[name]
        if u < edge:
            return name
    return named[-1]  # rounding can leave the sum a hair below 1


@dataclass(frozen=True)
class Split:
    """Divide samples into train, val and test by group; a table stage.

    A group never parts: where the source or an earlier run has decided about one of its samples,
    the others follow. Nothing that is decided ever changes, so a set can grow in steps, and what
    vanishes and comes back finds its place again: every run writes down what it decided, by sample
    and by group.

    Samples with the status ``bridge`` get no split: on either side they would leak into the other.
    `maskmill.curate.NearDuplicates`, put before this stage, finds them among near-duplicates. So do
    the undecided samples of a group that reaches this stage with samples in two splits, which
    happens when a source joins groups that were decided apart: they become bridges here.

    Parameters
    ----------
    train, val, test : float
        Shares in [0, 1] that sum to 1.
    salt : str
        Another salt, another division of what is still undecided.

    Raises
    ------
    ValueError
        When the shares do not sum to 1, or the table lacks a column.

    Examples
    --------
    >>> table = pa.table({"key": ["k1", "k2"], "group": ["cat", "cat"], "split": ["val", None]})
    >>> Split()(table).to_pylist()
    [{'key': 'k2', 'split': 'val'}]
    """

    train: float = 0.7
    val: float = 0.2
    test: float = 0.1
    salt: str = ""

    features: ClassVar[tuple[Feature, ...]] = ()

    def __post_init__(self) -> None:
        shares = (self.train, self.val, self.test)
        if not all(is_share(share) for share in shares) or abs(sum(shares) - 1) > 1e-9:
            raise ValueError(f"train, val and test must be shares that sum to 1, got {shares}")

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return ``key`` and ``split`` of the samples that this call decides.

        Where the table has a ``status``, so has the answer, and it has rows for bridges.
        """
        missing = {"key", "group", "split"} - set(table.column_names)
        if missing:
            raise ValueError(
                f"table must have the columns key, group and split, got no {', '.join(missing)}"
            )
        keys = table["key"].to_pylist()
        named = table["group"].to_pylist()
        groups = [key if name is None else name for name, key in zip(named, keys, strict=True)]
        splits = table["split"].to_pylist()
        has_status = "status" in table.column_names
        statuses = table["status"].to_pylist() if has_status else ["kept"] * len(keys)
        rows = list(zip(keys, groups, splits, statuses, strict=True))
        decided: dict[str, set[str]] = {}
        for _, group, split, status in rows:
            if split is not None and status != "bridge":
                decided.setdefault(group, set()).add(split)
        parted = sum(len(sides) > 1 for sides in decided.values())
        if parted:
            _log.warning("%d groups lie in several splits: their new samples get none", parted)
        fresh: list[tuple[str, str | None, str]] = []
        for key, group, split, status in rows:
            sides = decided.get(group, set[str]())
            if split is not None or status == "bridge":
                continue
            if len(sides) < 2:
                shares = (self.train, self.val, self.test)
                side = next(iter(sides), None) or split_of(group, *shares, self.salt)
                fresh.append((key, side, status))
            elif has_status:
                fresh.append((key, None, "bridge" if status == "kept" else status))
        columns = ("key", "split", "status")[: 2 + has_status]
        return pa.table(
            {
                name: pa.array([row[place] for row in fresh], pa.string())
                for place, name in enumerate(columns)
            }
        )


def is_share(value: object) -> bool:
    """Tell whether a value is a number in [0, 1]."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
