"""Run pipelines over sources into a dataset: plan, work, assemble. What was finished stays."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from maskmill import __version__
from maskmill.shards.dataset import Dataset
from maskmill.shards.schema import FORMAT
from maskmill.shards.storage import TEMPORARY, Storage, open_storage

from .assemble import Counts, assemble
from .executors import Executor, PartitionFailedError, pick
from .lease import lease
from .pipeline import Pipeline
from .source import Source
from .stage import Feature, TableStage, describe, digest_of
from .work import Job

if TYPE_CHECKING:
    from distributed import Client

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""

_SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]*")


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
        """Read, dropped by stage and reason, failed and kept, for every source."""
        lines: list[str] = []
        for name, source in self.counts.items():
            lines.append(f"{name}: read {source['read']}")
            for kind in ("dropped", "failed"):
                for stage, reasons in source[kind].items():
                    for reason, number in reasons.items():
                        lines.append(f"  {kind} by {stage:<16} {reason:<20} {number:>8}")
            lines.append(f"  kept {source['kept']:>{54 - len('  kept ')}}")
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
    progress : callable, optional
        Called with (label, done, total).

    Returns
    -------
    Report

    Raises
    ------
    DatasetBusyError
        When another writer holds the dataset.
    PartitionFailedError
        When a partition could not be finished; the others are kept, the next run retries it.

    Examples
    --------
    ::

        people = mm.Pipeline(PersonFilter()) | Clean() | Smooth()
        print(mm.run({"people": (people, Coco("instances.json", "train2017/"))}, out="dataset/"))
    """
    _check(sources, bits)
    storage = open_storage(out)
    recipe = describe_recipe(sources, finish, bits)
    report = progress or (lambda label, done, total: None)
    features = tuple(feature for stage in finish for feature in stage.features)
    jobs = _plan(sources, features, bits, storage, report)
    with lease(storage):
        _sweep(storage, keep={name for job in jobs for name in (job.shard, job.ledger)})
        finished = {*storage.names("shards"), *storage.names("dropped")}
        waiting = [job for job in jobs if not finished >= {job.shard, job.ledger}]
        with pick(workers, client) as execute:
            _carry_out(execute, waiting, len(jobs), report)
        report("index", 0, 1)
        counts = assemble(storage, jobs, finish, recipe, __version__)
        report("index", 1, 1)
        _sweep(storage, keep=None)
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


def _check(sources: Mapping[str, tuple[Pipeline, Source]], bits: int) -> None:
    if bits not in (8, 16):
        raise ValueError(f"bits must be 8 or 16, got {bits}")
    if not sources:
        raise ValueError("sources must name at least one (Pipeline, Source), got none")
    for name, pair in sources.items():
        if not _SOURCE_NAME.fullmatch(name):
            raise ValueError(f"a source's name must be snake_case, got {name!r}")
        if list(map(isinstance, pair, (Pipeline, Source))) != [True, True]:
            raise TypeError(f"source {name!r} must be a (Pipeline, Source), got {pair!r}")


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
        for partition in source.plan(pipeline.stages):
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


def _sweep(storage: Storage, keep: set[str] | None) -> None:
    """Remove what stopped runs left, and (given what to keep) what no dataset refers to any more.

    Files of the dataset that stands there now survive this run, so that its readers do too.
    """
    if keep is not None and storage.exists("dataset.json"):
        try:
            standing = Dataset(storage.url).info
        except (ValueError, OSError):
            standing = {"shards": [], "dropped": []}
        keep = {*keep, *standing["shards"], *standing["dropped"]}
    for folder in ("", "shards", "dropped", "splits", "verdicts"):
        for name in storage.names(folder):
            stray = keep is not None and folder in ("shards", "dropped") and name not in keep
            if stray or name.rsplit("/", 1)[-1].startswith(TEMPORARY):
                storage.remove(name)


__all__ = ["PartitionFailedError", "Progress", "Report", "run"]
