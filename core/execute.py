"""Run pipelines over sources into a dataset: plan, work, assemble. What was finished stays."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from maskmill import __version__
from maskmill.shards.dataset import read_info
from maskmill.shards.parquet import table_of
from maskmill.shards.schema import FORMAT
from maskmill.shards.storage import LocalStorage, Storage, open_storage

from .assemble import Counts, assemble, features_of
from .executors import Executor, PartitionFailedError, pick
from .files import TEMPORARY, why
from .lease import LEASE, lease
from .pipeline import Pipeline
from .source import Source
from .stage import Feature, TableStage, describe, digest_of
from .work import Job

if TYPE_CHECKING:
    from distributed import Client

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""

_LEFT = 66  # columns of the funnel, up to what is left
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PART = re.compile(r"(shards|dropped)/[a-z][a-z0-9_]*-[0-9a-f]{16}\.parquet")


class PlanError(ValueError):
    """A source cannot say what there is to read: a file is missing, a category unknown."""

    def __init__(self, source: str, error: Exception) -> None:
        text = why(error) if isinstance(error, OSError) else str(error)
        super().__init__(f"[{source}.source]: {text}")


class OccupiedError(ValueError):
    """Something that is no dataset is where one is to go; it was left as it is."""


@dataclass(frozen=True)
class Report:
    """What a run did: ``print(report)`` shows the funnel of every source.

    Parameters
    ----------
    out : str
        Where the dataset lies.
    counts : dict
        Per source: ``read``, ``kept``, ``dropped`` and ``failed`` by stage and reason.
    partitions, reused : int
        Partitions in all, and those an earlier run had finished already.
    """

    out: str
    counts: Counts
    partitions: int
    reused: int

    @cached_property
    def read(self) -> int:
        """Items read, over all sources."""
        return sum(source["read"] for source in self.counts.values())

    @cached_property
    def kept(self) -> int:
        """Samples in the index."""
        return sum(source["kept"] for source in self.counts.values())

    @cached_property
    def dropped(self) -> int:
        """Items dropped with a reason."""
        return self._sum("dropped")

    @cached_property
    def failed(self) -> int:
        """Items lost to an exception in a stage; the ledger has the tracebacks."""
        return self._sum("failed")

    @cached_property
    def unusable(self) -> int:
        """Items whose files or annotations are damaged: what the sources themselves dropped."""
        return sum(sum(s["dropped"].get("source", {}).values()) for s in self.counts.values())

    def _sum(self, kind: str) -> int:
        stages = (stage for source in self.counts.values() for stage in source[kind].values())
        return sum(sum(reasons.values()) for reasons in stages)

    @property
    def funnel(self) -> str:
        """Read, dropped and failed by stage and reason with what was left then, and kept."""
        lines: list[str] = []
        for name, source in self.counts.items():
            left = source["read"]
            lines.append(f"{name}: read {left}")
            for kind in ("dropped", "failed"):
                for stage, reasons in source[kind].items():
                    for reason, number in reasons.items():
                        left -= number
                        line = f"  {kind} by {stage:<16} {reason:<20} {number:>8}"
                        lines.append(f"{line}{left:>{_LEFT - len(line)}}")
            lines.append(f"  kept {source['kept']:>{_LEFT - len('  kept ')}}")
        return "\n".join(lines)

    def __str__(self) -> str:
        done = f"{self.partitions} partitions, {self.reused} of them finished earlier"
        return f"{self.funnel}\n{self.out}: {self.kept} samples; {done}"


def run(
    sources: Mapping[str, tuple[Pipeline, Source]],
    out: str | os.PathLike[str],
    *,
    finish: Sequence[TableStage] = (),
    workers: int | None = None,
    client: "Client | None" = None,
    bits: int = 8,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Run each source's pipeline and write one dataset.

    Finished partitions of an earlier run are reused when nothing that shapes them has changed; a
    stopped run loses at most the partitions in flight. The same input gives the same bytes whatever
    the workers.

    Parameters
    ----------
    sources : mapping of str to (Pipeline, Source)
        Named in snake_case; where keys repeat, the earlier source wins.
    out : str or path-like
        Folder or fsspec URL of the dataset.
    finish : sequence of TableStage
        Decide over the whole index, in order.
    workers : int or None
        None: serial, in this process; N: a local Dask cluster of N processes. Start scripts that
        use it with ``if __name__ == "__main__":``, as every spawned process imports the script.
    client : dask.distributed.Client or None
        Of an existing scheduler, instead of `workers`.
    bits : int
        Levels of the written alphas, 8 or 16.
    retry_failed : bool
        Do partitions again in which an earlier run counted a failure (an exception in a stage).
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    Report

    Raises
    ------
    DatasetBusyError
        When another writer holds the dataset.
    PlanError, OccupiedError
        When a source cannot say what there is to read, or something that is no dataset is at
        `out`; nothing was written then.
    PartitionFailedError
        When a partition could not be finished; the others are kept, the next run retries it.

    Examples
    --------
    ::

        people = mm.Pipeline(PersonFilter()) | Clean() | Smooth()
        print(mm.run({"people": (people, Coco("instances.json", "train2017/"))}, out="dataset/"))
    """
    _check(sources, out, bits, workers, client)
    storage = open_storage(out)
    features = features_of(finish)
    report = progress or (lambda label, done, total: None)
    facts = {"maskmill": __version__, "recipe": describe_recipe(sources, finish, bits)}
    jobs = _plan(sources, features, bits, storage, report)
    _check_folder(storage)
    with lease(storage) as check:
        standing = read_info(storage)
        waiting = _unfinished(storage, jobs, standing, retry_failed)
        _sweep(storage, jobs, standing)
        if waiting:
            with pick(workers, client) as execute:
                _carry_out(execute, waiting, len(jobs), report)
        report("index", 0, 1)
        counts = assemble(storage, jobs, finish, facts, check)
        report("index", 1, 1)
        check()
        _sweep_temporary(storage)
    return Report(storage.url, counts, len(jobs), len(jobs) - len(waiting))


def describe_recipe(
    sources: Mapping[str, tuple[Pipeline, Source]], finish: Sequence[TableStage], bits: int
) -> dict[str, Any]:
    """Return the ordered recipe as plain JSON values, without locations."""
    return {
        "sources": {
            name: {
                "source": describe(source),
                "stages": [describe(stage) for stage in pipeline.stages],
            }
            for name, (pipeline, source) in sources.items()
        },
        "finish": [describe(stage) for stage in finish],
        "bits": bits,
    }


def _check(
    sources: Mapping[str, tuple[Pipeline, Source]],
    out: str | os.PathLike[str],
    bits: int,
    workers: int | None,
    client: "Client | None",
) -> None:
    if not os.fspath(out):
        raise ValueError("out must be a folder or URL, got an empty string")
    if bits not in (8, 16):
        raise ValueError(f"bits must be 8 or 16, got {bits}")
    if workers is not None and client is not None:
        raise ValueError("workers must be None when a client is given: the cluster has its own")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be None (serial) or at least 1, got {workers}")
    if not sources:
        raise ValueError("sources must name at least one (Pipeline, Source), got none")
    for name, pair in sources.items():
        if not SOURCE_NAME.fullmatch(name):
            raise ValueError(f"a source's name must be snake_case, got {name!r}")
        if list(map(isinstance, pair, (Pipeline, Source))) != [True, True]:
            raise TypeError(f"source {name!r} must be a (Pipeline, Source), got {pair!r}")


def _check_folder(storage: Storage) -> None:
    """Refuse a folder of somebody else's: what a run does not recognise, it must not live among."""
    if isinstance(storage, LocalStorage) and storage.folder.is_file():
        raise OccupiedError(f"out must be a folder or URL, got the file {storage.url}")
    if storage.exists("dataset.json") or storage.exists(LEASE):
        return
    found = [*storage.names(""), *storage.names("shards"), *storage.names("dropped")]
    foreign = [name for name in found if not _is_ours(name)]
    if foreign:
        raise OccupiedError(
            f"out must be an empty or new folder, or a dataset: {storage.url} holds "
            f"{', '.join(foreign[:3])}{' and more' if len(foreign) > 3 else ''}"
        )


def _is_ours(name: str) -> bool:
    file = name.rsplit("/", 1)[-1]
    return bool(_PART.fullmatch(name) or TEMPORARY.fullmatch(file)) or name == "index.parquet"


def _plan(
    sources: Mapping[str, tuple[Pipeline, Source]],
    features: tuple[Feature, ...],
    bits: int,
    storage: Storage,
    report: Progress,
) -> list[Job]:
    jobs: list[Job] = []
    for number, (name, (pipeline, source)) in enumerate(sources.items()):
        report("plan", number, len(sources))
        shape = (
            FORMAT,
            __version__,
            describe(source),
            [describe(stage) for stage in pipeline.stages],
            [describe(feature) for feature in features],
            bits,
        )
        try:
            partitions = source.plan(pipeline.stages)
        except (OSError, ValueError) as error:
            raise PlanError(name, error) from error
        for partition in partitions:
            digest = digest_of(*shape, partition.fingerprint, partition.absorbed)
            jobs.append(
                Job(
                    name=f"{name}-{digest}",
                    source_name=name,
                    source=source,
                    partition=partition,
                    pipeline=pipeline,
                    features=features,
                    bits=bits,
                    out=storage.url,
                )
            )
    report("plan", len(sources), len(sources))
    names = [job.name for job in jobs]
    if len(set(names)) < len(names):
        raise ValueError("partitions of a source must have different fingerprints, got equal ones")
    return jobs


def _carry_out(execute: Executor, waiting: list[Job], total: int, report: Progress) -> None:
    done = total - len(waiting)
    errors: list[tuple[Job, Exception]] = []
    report("partitions", done, total)
    for job, error in execute(waiting):
        if error is not None:
            errors.append((job, error))
        done += 1
        report("partitions", done, total)
    if errors:
        job, error = errors[0]
        raise PartitionFailedError(
            f"{len(errors)} of {total} partitions failed, {job.name} with {error!r}; the others "
            "are finished and kept, and the next run tries these again"
        ) from error


def _unfinished(
    storage: Storage, jobs: Sequence[Job], standing: dict[str, Any] | None, retry_failed: bool
) -> list[Job]:
    """Return the jobs that have to be done, by what an earlier run has left."""
    finished = {*storage.names("shards"), *storage.names("dropped")}
    waiting = {job.name for job in jobs if not finished >= {job.shard, job.ledger}}
    if retry_failed:
        again = [job for job in jobs if job.name not in waiting and _has_failures(storage, job)]
        if standing and {job.shard for job in again} & set(standing["shards"]):
            # Its index is about to be wrong: no reader may open it before the new one is there.
            storage.remove("dataset.json")
        for job in again:
            storage.remove(job.shard)
            waiting.add(job.name)
    return [job for job in jobs if job.name in waiting]


def _has_failures(storage: Storage, job: Job) -> bool:
    with storage.open(job.ledger) as file:
        return "failed" in table_of(file, columns=["kind"])["kind"].to_pylist()


def _sweep(storage: Storage, jobs: Sequence[Job], standing: dict[str, Any] | None) -> None:
    """Remove parts that no dataset refers to any more, and what stopped runs left half written.

    The dataset that stands there now survives this run, so that its readers do too. Files whose
    names are not of our making are never touched.
    """
    keep = {name for job in jobs for name in (job.shard, job.ledger)}
    if standing:
        keep |= {*standing["shards"], *standing["dropped"]}
    for folder in ("shards", "dropped"):
        for name in storage.names(folder):
            if _PART.fullmatch(name) and name not in keep:
                storage.remove(name)
    _sweep_temporary(storage)


def _sweep_temporary(storage: Storage) -> None:
    for folder in ("", "shards", "dropped", "splits"):
        for name in storage.names(folder):
            file = name.rsplit("/", 1)[-1]
            # The lease's are of this moment's heartbeat.
            if TEMPORARY.fullmatch(file) and not file.endswith(LEASE):
                storage.remove(name)
