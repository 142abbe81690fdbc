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
    the others follow. Nothing that is decided ever changes.

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

    Notes
    -----
    A group that reaches the stage with samples in two splits, joined after they were decided,
    leaves its undecided samples without a split: on either side they would leak into the other.

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
        if not all(_is_share(share) for share in shares) or abs(sum(shares) - 1) > 1e-9:
            raise ValueError(f"train, val and test must be shares that sum to 1, got {shares}")

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return ``key`` and ``split`` of the samples that this call decides."""
        missing = {"key", "group", "split"} - set(table.column_names)
        if missing:
            raise ValueError(
                f"table must have the columns key, group and split, got no {', '.join(missing)}"
            )
        keys = table["key"].to_pylist()
        named = table["group"].to_pylist()
        groups = [key if name is None else name for name, key in zip(named, keys, strict=True)]
        splits = table["split"].to_pylist()
        decided: dict[str, set[str]] = {}
        for group, split in zip(groups, splits, strict=True):
            if split is not None:
                decided.setdefault(group, set()).add(split)
        parted = sum(len(sides) > 1 for sides in decided.values())
        if parted:
            _log.warning("%d groups lie in several splits: their new samples get none", parted)
        fresh: dict[str, str] = {}
        for key, group, split in zip(keys, groups, splits, strict=True):
            sides = decided.get(group, ())
            if split is None and len(sides) < 2:
                fresh[key] = next(iter(sides), None) or split_of(
                    group, self.train, self.val, self.test, self.salt
                )
        return pa.table(
            {
                "key": pa.array(list(fresh), pa.string()),
                "split": pa.array(list(fresh.values()), pa.string()),
            }
        )


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
