"""Worker processes that may hang, crash or be killed, and lose one sample by it.

What a worker says is judged by `Shift`, which knows nothing of processes; `supervise` is the rest.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .interpreter import environment

Spec = dict[str, Any]

MARK = b"@maskmill "
"""What a line of a worker's output begins with that is for us."""

REASONS: Mapping[str, str] = {
    "bad_world": "the panorama of the world cannot be read",
    "corrupt_asset": "a file of the user's assets cannot be read",
    "empty_asset": "a file of the user's assets holds nothing to see",
    "outside_folder": "a part of an asset leads out of its folder",
    "no_body_data": "the files of MakeHuman, from which people are made, are missing",
    "unknown_kind": "a job asks for something that nobody builds",
    "missing_texture": "a picture that a material asks for is not there",
    "framing": "no camera distance brings the subject to the share of the frame that is asked for",
    "disk_full": "there is no space left for the files",
    "out_of_memory": "the worker has run out of memory",
    "error": "an exception, told in full",
    "timeout": "it took longer than is allowed",
    "killed": "the worker was killed while it was at it, by somebody or for want of memory",
    "crashed": "the worker died of it",
    "no_start": "the worker did not start",
}
"""Why a sample was not rendered: stable words, and what they mean."""

_START_SECONDS = 300.0
_END_SECONDS = 30.0
_STARTS = 2  # workers in a row that may fail to start before none is tried any more


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a sample.

    Parameters
    ----------
    name : str
    reason : str
        Empty when it is done, else a key of `REASONS` or a word of a builder.
    detail : str
        For people.
    coverage : float
        Share of the frame, 0 to 1; 0 where it failed.
    cpu : float
        CPU-seconds, without the start of the worker.
    """

    name: str
    reason: str = ""
    detail: str = ""
    coverage: float = 0.0
    cpu: float = 0.0

    @property
    def done(self) -> bool:
        """Whether its files are there."""
        return not self.reason


@dataclass
class Shift:
    """One worker's samples: what it is at, since when, and what is left.

    Parameters
    ----------
    left : deque of dict
        Sample specs, the current one first.
    since : float
        Seconds on some clock: when it was started, or began the current sample.

    Examples
    --------
    >>> shift = Shift(deque([{"name": "a"}, {"name": "b"}]), since=0.0)
    >>> shift.heard({"event": "begin", "name": "a"}, now=4.0)
    >>> shift.is_overdue(now=70.0, timeout=60.0)
    True
    >>> shift.ended(-signal.SIGKILL, timed_out=True, said="").reason
    'timeout'
    >>> [spec["name"] for spec in shift.left]
    ['b']
    """

    left: deque[Spec]
    since: float
    current: str | None = None
    started: bool = False
    over: bool = False
    notes: list[str] = field(default_factory=list[str])

    def heard(self, event: Mapping[str, Any], now: float) -> Outcome | None:
        """Take in what the worker said; return what it has finished."""
        kind, name = event.get("event"), event.get("name")
        if kind == "ready":
            self.since = now
            if event.get("note"):
                self.notes.append(str(event["note"]))
        elif kind == "begin":
            self.started, self.current, self.since = True, name, now
        elif kind == "end":
            self.over, self.since = True, now
        elif kind in ("done", "failed") and name == self.current and self.left:
            self.left.popleft()
            self.current, self.since = None, now
            if kind == "done":
                return Outcome(str(name), coverage=event["coverage"], cpu=event["cpu"])
            return Outcome(str(name), event["reason"], event["detail"])
        return None

    def is_overdue(self, now: float, timeout: float) -> bool:
        """Return whether the worker has to be ended."""
        allowed = timeout if self.current else _END_SECONDS if self.over else _START_SECONDS
        return now - self.since > allowed

    def ended(self, code: int, *, timed_out: bool, said: str) -> Outcome | None:
        """Take in the end of the worker; return the sample that it took along.

        Parameters
        ----------
        code : int
            Its exit code, negative for a signal.
        timed_out : bool
            Whether it was ended by us.
        said : str
            The end of its output.
        """
        if self.current is None:
            return None
        name, self.current = self.current, None
        self.left.popleft()
        if timed_out:
            return Outcome(name, "timeout", said)
        if code == -signal.SIGKILL:
            return Outcome(name, "killed", said)
        told = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return Outcome(name, "crashed", f"{told}: {said}")


class _Worker:
    """A process with its shift."""

    def __init__(self, shift: Shift, process: "subprocess.Popen[bytes]", folder: Any) -> None:
        self.shift, self.process, self.folder = shift, process, folder
        self.said: deque[str] = deque(maxlen=6)
        self.rest = b""
        self.timed_out = False

    @property
    def output(self) -> IO[bytes]:
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        return self.process.stdout

    def events(self, data: bytes) -> Iterator[dict[str, Any]]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line.startswith(MARK):
                with contextlib.suppress(ValueError):
                    yield json.loads(line[len(MARK) :])
            elif line.strip():
                self.said.append(line.decode(errors="replace").strip()[:300])

    def kill(self) -> None:
        """End it and what it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> int:
        code = self.process.wait()
        self.output.close()
        self.folder.cleanup()
        return code


def supervise(
    specs: Sequence[Spec],
    command: Callable[[Path], list[str]],
    out: Path,
    *,
    workers: int = 1,
    threads: int = 1,
    device: str = "auto",
    timeout: float = 600.0,
    recycle: int = 20,
    note: Callable[[str], None] | None = None,
) -> Iterator[Outcome]:
    """Render samples in worker processes, and yield what becomes of each as soon as it is known.

    Parameters
    ----------
    specs : sequence of dict
        Samples, each whole in itself.
    command : callable
        Returns the command line that renders a job file, such as `Interpreter.command`.
    out : Path
        The folder that gets the files.
    workers, threads : int
        Processes at a time, and threads of each.
    device : str
        auto, cpu, cuda, optix, hip, oneapi or metal.
    timeout : float
        Seconds that a sample may take.
    recycle : int
        Samples after which a worker is replaced: Blender keeps some memory of each.
    note : callable, optional
        Gets what is worth saying once, such as that there is no GPU.
    """
    waiting = deque(specs)
    running: dict[int, _Worker] = {}
    failed_starts = 0
    noted: set[str] = set()
    chunk = max(1, min(recycle, -(-len(specs) // max(1, workers))))
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < workers and failed_starts < _STARTS:
                    shift = [waiting.popleft() for _ in range(min(chunk, len(waiting)))]
                    worker = _started(shift, command, out, threads, device)
                    running[worker.output.fileno()] = worker
                    selector.register(worker.output, selectors.EVENT_READ)
                if not running:
                    break
                for key, _ in selector.select(timeout=0.25):
                    worker = running[key.fd]
                    data = os.read(key.fd, 1 << 16)
                    now = time.monotonic()
                    for event in worker.events(data):
                        outcome = worker.shift.heard(event, now)
                        if outcome:
                            yield outcome
                    for line in worker.shift.notes:
                        if note is not None and line not in noted:
                            note(line)
                        noted.add(line)
                    if data:
                        continue
                    selector.unregister(worker.output)
                    del running[key.fd]
                    code = worker.close()
                    said = "; ".join(worker.said)
                    outcome = worker.shift.ended(code, timed_out=worker.timed_out, said=said)
                    failed_starts = 0 if worker.shift.started else failed_starts + 1
                    if outcome:
                        yield outcome
                    # What is left goes first: a sample that ends its worker is never tried twice.
                    waiting.extendleft(reversed(worker.shift.left))
                    if failed_starts >= _STARTS:
                        yield from _never(waiting, code, said)
                for worker in running.values():
                    if worker.shift.is_overdue(time.monotonic(), timeout):
                        worker.timed_out = True
                        worker.kill()
        finally:
            for worker in running.values():
                worker.kill()
                worker.close()


def _never(waiting: deque[Spec], code: int, said: str) -> Iterator[Outcome]:
    while waiting:
        detail = f"exit code {code}: {said}"
        yield Outcome(waiting.popleft()["name"], "no_start", detail)


def _started(
    specs: Sequence[Spec],
    command: Callable[[Path], list[str]],
    out: Path,
    threads: int,
    device: str,
) -> _Worker:
    folder = tempfile.TemporaryDirectory(prefix="maskmill-render-", ignore_cleanup_errors=True)
    job = Path(folder.name, "job.json")
    content = {
        "out": str(out),
        "threads": threads,
        "device": device,
        "cores": str(Path(tempfile.gettempdir(), f"maskmill-cores-{os.getuid()}")),
        "samples": list(specs),
    }
    job.write_text(json.dumps(content), encoding="utf-8")
    process = subprocess.Popen(  # noqa: S603 - Blender's interpreter, as the user has named it
        command(job),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(Path(folder.name)),
        start_new_session=True,  # a Ctrl-C on the terminal is for us, who then end the workers
    )
    return _Worker(Shift(deque(specs), time.monotonic()), process, folder)
