"""The work on one partition: read, run the stages, write ledger and shard."""

import contextlib
import threading
import traceback
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import cv2
from threadpoolctl import threadpool_limits

from maskmill.shards.storage import open_storage
from maskmill.shards.writer import ShardWriter, row_of, write_ledger

from .pipeline import Pipeline
from .sample import Dropped, Sample
from .source import Partition, Source
from .stage import Feature


@dataclass(frozen=True)
class Job:
    """Everything the work on one partition needs; it pickles without pixels.

    The name carries the hash of all that shapes the bytes, so a file of this name is this result.
    """

    name: str
    source_name: str
    source: Source
    partition: Partition
    pipeline: Pipeline
    features: tuple[Feature, ...]
    bits: int
    out: str

    @property
    def shard(self) -> str:
        return f"shards/{self.name}.parquet"

    @property
    def ledger(self) -> str:
        return f"dropped/{self.name}.parquet"


def work(job: Job) -> str:
    """Do one job and return its name.

    The ledger part is written first, the shard last: the shard's presence is the commit, also when
    every item was dropped and it is empty.

    Raises
    ------
    RuntimeError
        When the source does not deliver as many items as it planned.
    """
    storage = open_storage(job.out)
    pipeline = Pipeline(*job.pipeline.stages[job.partition.absorbed :])
    ledger: list[dict[str, Any]] = []
    with one_thread(), ShardWriter(job.shard, storage, features=job.features) as shard:
        for item in job.source.read(job.partition):
            origin = _origin(item)
            try:
                outcome = _run(item, job.source_name, pipeline)
                row = None
                if isinstance(outcome, Sample):
                    row = row_of(outcome, bits=job.bits, features=job.features)
            except Exception as error:
                ledger.append(_failed(job, item, origin, error))
                continue
            if isinstance(outcome, Dropped):
                ledger.append(_dropped(job, outcome, origin))
            elif row is not None:
                shard.append(row)
        if shard.rows + len(ledger) != job.partition.count:
            raise RuntimeError(
                f"source {job.source_name!r} planned {job.partition.count} items for {job.name}, "
                f"delivered {shard.rows + len(ledger)}"
            )
        write_ledger(storage, job.ledger, ledger)
    return job.name


def _run(item: Sample | Dropped, source: str, pipeline: Pipeline) -> Sample | Dropped:
    if isinstance(item, Dropped):
        return item
    outcome = pipeline(replace(item, source=source))
    if isinstance(outcome, Sample) and not outcome.has_alpha:
        return Dropped(outcome, "no_alpha", stage="writer")
    return outcome


def _origin(item: Sample | Dropped) -> str:
    if isinstance(item, Dropped) and item.sample is not None:
        item = item.sample
    return _storable(item.origin or "")


def _storable(text: str) -> str:
    """Write out what UTF-8 has no bytes for, such as half a surrogate pair in a file name."""
    return text.encode("utf-8", "backslashreplace").decode()


def _dropped(job: Job, dropped: Dropped, origin: str) -> dict[str, Any]:
    return {
        "source": job.source_name,
        "origin": origin,
        "key": dropped.sample.key if dropped.sample else None,
        "stage": dropped.stage or "source",
        "kind": "dropped",
        "reason": dropped.reason,
        "values": sorted((name, float(value)) for name, value in dropped.values.items()),
        "detail": None,
    }


def _failed(job: Job, item: Sample | Dropped, origin: str, error: Exception) -> dict[str, Any]:
    stages = [note for note in getattr(error, "__notes__", ()) if note.startswith("in ")]
    return {
        "source": job.source_name,
        "origin": origin,
        "key": item.key if isinstance(item, Sample) else None,
        "stage": stages[0].removeprefix("in ").partition(":")[0] if stages else "writer",
        "kind": "failed",
        "reason": type(error).__name__,
        "values": [],
        "detail": _storable("".join(traceback.format_exception(error))),
    }


_entered = 0
_entering = threading.Lock()
_threads_before = 0


@contextlib.contextmanager
def one_thread() -> Generator[None]:
    """Run OpenCV and the BLAS on one thread, in workers and in serial runs, so that bytes agree."""
    global _entered, _threads_before  # the setting belongs to the process, whose threads share it
    with _entering:
        if _entered == 0:
            _threads_before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _entered += 1
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        with _entering:
            _entered -= 1
            if _entered == 0:
                cv2.setNumThreads(_threads_before)
