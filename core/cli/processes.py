"""Work on many files in other processes, telling of each as soon as it is done."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def each(
    function: Callable[[_Task], _Result],
    tasks: Sequence[_Task],
    workers: int,
    broken: Callable[[_Task, BaseException], _Result],
) -> Iterator[_Result]:
    """Yield what a function makes of each task as it is done; in order with one worker.

    Processes are spawned. When the consumer is interrupted, what a process has begun is finished,
    what waits is not begun.

    Parameters
    ----------
    function, broken : callable
        The second says what stands for a task whose process died of it.
    tasks : sequence
    workers : int
        Processes; with 1 it is this one.
    """
    if workers == 1 or len(tasks) < 2:
        yield from map(function, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    def result(task: _Task, done: "Future[_Result]") -> _Result:
        error = done.exception()
        return done.result() if error is None else broken(task, error)

    # Forked children hang where OpenCV or OpenMP has used threads before.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, initializer=_deaf)
    waiting = {pool.submit(function, task): task for task in tasks}
    try:
        for done in as_completed(waiting):
            yield result(waiting.pop(done), done)
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        for done, task in waiting.items():
            if not done.cancelled():
                yield result(task, done)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _deaf() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to every process
