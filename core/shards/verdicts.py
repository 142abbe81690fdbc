"""Reviewers' decisions: a keyed, append-only table beside the shards that every reader respects.

A verdict is about one alpha of one sample. When a later run changes the alpha, an accept or a fix
goes stale and the sample wants another look, while a reject for a reason that lies in the picture
itself (`IMAGE_REASONS`) holds. A reviewer's later verdict replaces that reviewer's earlier one; two
reviewers who disagree make a conflict, which readers leave out and somebody has to settle.
"""

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pyarrow as pa

from .parquet import table_of
from .storage import Storage
from .writer import write_table

DECISIONS = ("accept", "reject", "fix")
REASONS = (
    "white_hole",
    "halo",
    "missing_part",
    "extra_part",
    "misaligned",
    "wrong_subject",
    "other",
)
IMAGE_REASONS = ("misaligned", "wrong_subject")
BLOCKING = ("reject", "fix", "conflict")

VERDICTS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("alpha_hash", pa.string(), nullable=False),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("note", pa.string()),
        pa.field("reviewer", pa.string(), nullable=False),
        pa.field("decided_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("seconds", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Verdict:
    """One reviewer's decision about one alpha.

    Parameters
    ----------
    key, alpha_hash : str
        The sample and the alpha that was looked at, as in the index.
    decision : str
        One of `DECISIONS`.
    reviewer : str
        Who decided.
    reason : str or None
        One of `REASONS`; required for ``reject`` and ``fix``.
    note : str or None
    decided_at : datetime
        With a time zone.
    seconds : float or None
        How long the decision took.

    Examples
    --------
    >>> Verdict("0" * 32, "1" * 32, "reject", "ann")
    Traceback (most recent call last):
        ...
    ValueError: reason must be one of white_hole, halo, missing_part, extra_part, misaligned, \
wrong_subject, other for a reject, got None
    """

    key: str
    alpha_hash: str
    decision: str
    reviewer: str
    reason: str | None = None
    note: str | None = None
    decided_at: datetime.datetime = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise ValueError(
                f"decision must be one of {', '.join(DECISIONS)}, got {self.decision!r}"
            )
        if self.reason not in REASONS and (self.reason is not None or self.decision != "accept"):
            raise ValueError(
                f"reason must be one of {', '.join(REASONS)} for a {self.decision}, "
                f"got {self.reason!r}"
            )
        if not self.reviewer:
            raise ValueError("reviewer must be a name, got an empty one")
        if self.decided_at.tzinfo is None:
            raise ValueError(f"decided_at must have a time zone, got {self.decided_at}")


def append_verdicts(storage: Storage, verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as one new file of the dataset and return its name."""
    rows = [asdict(verdict) for verdict in verdicts]
    table = pa.Table.from_pylist(rows, schema=VERDICTS)
    digest = hashlib.blake2b(repr(rows).encode(), digest_size=8).hexdigest()
    latest = max((row["decided_at"] for row in rows), default=Verdict.decided_at)
    stamp = latest.astimezone(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    name = f"verdicts/{stamp}-{digest}.parquet"
    write_table(storage, name, table)
    return name


def read_verdicts(storage: Storage) -> pa.Table:
    """Return all verdicts of a dataset, oldest first."""
    parts: list[pa.Table] = []
    for name in storage.names("verdicts"):
        if name.endswith(".parquet"):
            with storage.open(name) as file:
                parts.append(table_of(file, VERDICTS))
    table = pa.concat_tables([VERDICTS.empty_table(), *parts])
    return table.sort_by([("decided_at", "ascending"), ("reviewer", "ascending")])


def settle(keys: list[str], alpha_hashes: list[str], verdicts: pa.Table) -> list[str | None]:
    """Return what stands about each sample.

    Parameters
    ----------
    keys, alpha_hashes : list of str
        The samples of an index.
    verdicts : pyarrow.Table
        Of schema `VERDICTS`, oldest first.

    Returns
    -------
    list of str or None
        ``accept``, ``reject``, ``fix``, ``conflict``, ``stale``, or None where nobody has decided.
    """
    latest: dict[str, dict[str, dict[str, str]]] = {}
    for row in verdicts.select(["key", "alpha_hash", "decision", "reason", "reviewer"]).to_pylist():
        latest.setdefault(row["key"], {})[row["reviewer"]] = row
    return [
        _standing(latest[key].values(), alpha_hash) if key in latest else None
        for key, alpha_hash in zip(keys, alpha_hashes, strict=True)
    ]


def _standing(rows: Iterable[dict[str, str]], alpha_hash: str) -> str:
    valid = {
        row["decision"]
        for row in rows
        if row["alpha_hash"] == alpha_hash
        or (row["decision"] == "reject" and row["reason"] in IMAGE_REASONS)
    }
    if not valid:
        return "stale"
    return valid.pop() if len(valid) == 1 else "conflict"
