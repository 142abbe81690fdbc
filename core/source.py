"""Where samples come from: a source lists its work in partitions and reads them one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .sample import Dropped, Sample
from .stage import Stage


@dataclass(frozen=True)
class Partition:
    """The unit of work, of retry and of resume.

    Parameters
    ----------
    items : tuple
        What `Source.read` needs to read it; picklable, without pixels.
    fingerprint : str
        Changes when an item's identity, size or time or the source's parameters change.
    count : int
        How many items of the source it accounts for, kept or dropped.
    absorbed : int
        How many of the pipeline's leading stages the source has answered while planning.
    """

    items: tuple[Any, ...]
    fingerprint: str
    count: int
    absorbed: int = 0


@runtime_checkable
class Source(Protocol):
    """Lists its work and reads it; a frozen dataclass.

    `plan` may absorb leading stages of the pipeline that it can answer without pixels; the ledger
    is the same either way. `read` yields every item of the partition exactly once, as a `Sample`
    or as a `Dropped`; the run fills in the source's name.
    """

    def plan(self, stages: Sequence[Stage]) -> list[Partition]: ...

    def read(self, partition: Partition) -> Iterator[Sample | Dropped]: ...
