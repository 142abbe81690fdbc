"""Use so much of every source that the mixture is the one asked for."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from maskmill.catalogue import nearest
from maskmill.stage import Feature

from .split import is_share

_log = logging.getLogger(__name__)


def mix(*, salt: str = "", **shares: float) -> "Mix":
    """Ask for shares by source; see `Mix`.

    Parameters
    ----------
    salt : str
        Another salt, another choice.
    **shares : float
        Share of the whole that each named source gets, in [0, 1]; the others share the rest.

    Examples
    --------
    >>> mix(synthetic=0.3)
    Mix(shares={'synthetic': 0.3}, salt='')
    """
    return Mix(shares, salt)


def quotas(available: Mapping[str, int], shares: Mapping[str, float]) -> dict[str, int]:
    """Return how many of each source make the largest mixture of these shares.

    What has a share of its own gets it; the others share the rest in proportion to what they have.
    What there is none of is left out, and the others keep their proportions.

    Parameters
    ----------
    available : mapping of str to int
        Samples by source.
    shares : mapping of str to float
        Shares of some or all sources, in [0, 1], of a sum of at most 1.

    Returns
    -------
    dict of str to int
        Never more than there are; rounded to whole samples.

    Examples
    --------
    >>> quotas({"photos": 70, "renders": 100}, {"renders": 0.3})
    {'photos': 70, 'renders': 30}
    >>> quotas({"people": 300, "products": 100, "renders": 30}, {"renders": 0.3})
    {'people': 52, 'products': 18, 'renders': 30}
    """
    others = sum(number for source, number in available.items() if source not in shares)
    rest = 1 - sum(shares.values())
    wanted = {
        source: shares[source] if source in shares else rest * number / max(others, 1)
        for source, number in available.items()
        if number
    }
    # With nothing but sources of share 0 left, or nobody to take the rest, these are all there is.
    total = min((available[s] / share for s, share in wanted.items() if share > 0), default=0.0)
    return {
        source: min(number, round(wanted.get(source, 0.0) * total))
        for source, number in available.items()
    }


@dataclass(frozen=True)
class Mix:
    """Mark as ``unused`` what a mixture of given shares has no room for; a table stage.

    Each split gets the mixture, the undecided samples too, so put it behind
    `maskmill.curate.Split`. It is the largest there is: the source that is scarcest for its share
    is used whole. Only samples with the status ``kept`` count and change. A split without a sample
    of a named source goes without it, with a warning: synthetic pairs often are for training alone.

    Which samples are used is decided by a hash of salt and key, BLAKE2b-64, those of the lowest
    first: no order of the input matters, and of a set that grows only those change which the new
    numbers ask for. No picture is written or deleted: other shares are a quick run of the table
    stages.

    Parameters
    ----------
    shares : mapping of str to float
        Share of the whole by source, in [0, 1]. Sources that are not named share the rest in
        proportion to what they have.
    salt : str
        Another salt, another choice.

    Raises
    ------
    ValueError
        When the shares are none, a source of that name has no samples, or the table lacks a column.

    Examples
    --------
    >>> table = pa.table(
    ...     {
    ...         "key": ["a", "b", "c", "d"],
    ...         "source": ["photos", "renders", "renders", "renders"],
    ...         "split": ["train"] * 4,
    ...         "status": ["kept"] * 4,
    ...     }
    ... )
    >>> Mix({"renders": 0.5})(table).to_pylist()
    [{'key': 'b', 'status': 'unused'}, {'key': 'd', 'status': 'unused'}]
    """

    shares: Mapping[str, float]
    salt: str = ""

    features: ClassVar[tuple[Feature, ...]] = ()

    def __post_init__(self) -> None:
        if not self.shares:
            raise ValueError("shares must name at least one source, got none")
        for source, share in self.shares.items():
            if not is_share(share):
                raise ValueError(f"share of {source} must be in [0, 1], got {share!r}")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares must sum to 1 or less, got {dict(self.shares)}")

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return ``key`` and ``status`` of the samples that are not used."""
        needed = ("key", "source", "split", "status")
        missing = [name for name in needed if name not in table.column_names]
        if missing:
            raise ValueError(
                f"table must have the columns {', '.join(needed)}, got no {', '.join(missing)}"
            )
        columns = [table[name].to_pylist() for name in needed]
        sources = set(columns[1])
        for source in self.shares:
            if sources and source not in sources:
                raise ValueError(
                    f"shares must name sources that have samples, got {source!r}"
                    f"{nearest(source, sources)}"
                )
        if sources and sources <= self.shares.keys() and sum(self.shares.values()) < 1 - 1e-9:
            raise ValueError(
                f"shares must sum to 1 when they name every source, got {dict(self.shares)}"
            )
        kept: dict[str | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for key, source, split, status in zip(*columns, strict=True):
            if status == "kept":
                kept[split][source].append(key)
        unused: set[str] = set()
        for split, by_source in kept.items():
            lacking = [s for s in self.shares if s not in by_source and self.shares[s] > 0]
            if lacking:
                _log.warning("split %s has nothing of %s to mix", split, ", ".join(lacking))
            counts = Counter({source: len(keys) for source, keys in by_source.items()})
            for source, number in quotas(counts, self.shares).items():
                unused |= set(sorted(by_source[source], key=self._rank)[number:])
        chosen = [key for key in columns[0] if key in unused]
        return pa.table(
            {
                "key": pa.array(chosen, pa.string()),
                "status": pa.array(["unused"] * len(chosen), pa.string()),
            }
        )

    def _rank(self, key: str) -> bytes:
        return hashlib.blake2b((self.salt + key).encode(), digest_size=8).digest()
