"""How jobs are carried out: one after the other in this process, or on a Dask cluster.

An executor takes jobs and yields the names of those that are done; both run the same function, so
both leave the same bytes. The serial one is the oracle the other is tested against.
"""

import contextlib
import itertools
import logging
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from .work import Job, work

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

# Tasks waiting at each worker thread: enough to keep it busy, few enough to lose little.
_AHEAD = 2


class PartitionFailedError(RuntimeError):
    """A partition could not be finished, for a reason that lies outside its samples."""


class Executor(Protocol):
    """Carry out jobs; yield each one's name when it is done, or its error."""

    def __call__(self, jobs: Sequence[Job], /) -> Iterator[tuple[Job, Exception | None]]: ...


def serial(jobs: Sequence[Job]) -> Iterator[tuple[Job, Exception | None]]:
    """Carry out jobs in this process, in order."""
    for job in jobs:
        try:
            work(job)
        except Exception as error:
            logger.error("partition %s failed: %r", job.name, error)
            yield job, error
        else:
            yield job, None


def on_cluster(client: "Client") -> Executor:
    """Return an executor that sends jobs to a Dask cluster: one task per partition, no pixels sent.

    Every worker needs the same maskmill and must reach the inputs and the output by the same paths.
    """

    def execute(jobs: Sequence[Job]) -> Iterator[tuple[Job, Exception | None]]:
        from distributed import as_completed

        waiting = iter(jobs)
        running: dict[object, Job] = {}
        finished = as_completed()

        def submit_ahead() -> None:
            threads: dict[str, int] = client.nthreads()  # pyright: ignore[reportAssignmentType]
            if not threads:
                logger.warning("the cluster has no worker yet: waiting for one")
            room = _AHEAD * max(1, sum(threads.values())) - len(running)
            for job in itertools.islice(waiting, max(0, room)):
                future = client.submit(work, job, pure=False)
                running[future.key] = job
                finished.add(future)

        submit_ahead()
        for future in finished:
            job = running.pop(future.key)
            error = future.exception()
            future.release()
            submit_ahead()  # the cluster may have grown
            if error is not None:
                logger.error("partition %s failed: %r", job.name, error)
            yield job, error

    return execute


@contextlib.contextmanager
def local_cluster(workers: int) -> Generator[Executor]:
    """Start a Dask cluster of processes on this machine, on loopback, for the block."""
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        stack.enter_context(_own_environment())
        with _deaf():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,  # pyright: ignore[reportArgumentType]
                silence_logs=logging.ERROR,
            )
        client = stack.enter_context(Client(stack.enter_context(cluster)))
        yield on_cluster(client)


@contextlib.contextmanager
def _own_environment() -> Generator[None]:
    """Take back what Dask sets for its workers in our environment, too: one thread for each BLAS.

    What is imported later, such as PyTorch, would have one thread for good.
    """
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def _deaf() -> Generator[None]:
    """Let processes that start in the block ignore Ctrl-C, which a terminal sends to all of them.

    This one still hears it afterwards, and ends them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what becomes of signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def pick(
    workers: int | None, client: "Client | None"
) -> contextlib.AbstractContextManager[Executor]:
    """Return the executor that `mm.run` was asked for."""
    if client is not None:
        return contextlib.nullcontext(on_cluster(client))
    if workers is None:
        return contextlib.nullcontext(serial)
    return local_cluster(workers)
