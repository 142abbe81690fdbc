"""Render the samples of a scene into a folder, here or on a farm; go on where a run has ended."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskmill.files import TEMPORARY, write_whole

from .interpreter import NoBlenderError, find
from .scene import Scene, Spec, read_scene, stamp
from .supervision import Outcome, supervise

if TYPE_CHECKING:
    from distributed import Client

FAILURES = "failures.jsonl"
"""In the folder of the renders: a line for every sample that failed in the last run."""

DEVICES = ("auto", "cpu", "cuda", "optix", "hip", "oneapi", "metal")

# What a sample's files are called after its name.
_IMAGE, _ALPHA, _FACTS = ".png", ".alpha.png", ".json"


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What a run has done.

    Parameters
    ----------
    rendered : tuple of str
        Names of the samples that this run has rendered, in order.
    found : tuple of str
        Of those that an earlier run had rendered.
    failed : tuple of Outcome
        With reason and detail.
    cpu : float
        CPU-seconds of what was rendered, without the workers' start.
    """

    rendered: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    failed: tuple[Outcome, ...] = ()
    cpu: float = 0.0

    def __str__(self) -> str:
        lines = [f"{len(self.rendered)} rendered, {len(self.failed)} failed"]
        if self.found:
            lines[0] += f", {len(self.found)} were there"
        if self.rendered:
            lines[0] += f"; {self.cpu / len(self.rendered):.1f} CPU-s each"
        reasons = Counter(outcome.reason for outcome in self.failed)
        return "\n".join([*lines, *(f"  {word:<18}{n:>6}" for word, n in reasons.most_common())])


def specs_of(scene: Scene, count: int, size: int, samples: int, seed: int) -> list[Spec]:
    """Return the first samples of a scene, as the worker gets them.

    Parameters
    ----------
    scene : Scene
    count : int
    size : int
        Pixels of the longer side.
    samples : int
        Samples a pixel.
    seed : int

    Returns
    -------
    list of dict
        Each with its `stamp`, by which a later run knows it.
    """
    for name, value in {"count": count, "size": size, "samples": samples}.items():
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value}")
    made = (scene.sample(n, size=size, samples=samples, seed=seed) for n in range(count))
    return [spec | {"stamp": stamp(spec)} for spec in made]


def render(
    scene: Scene | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    count: int,
    size: int = 512,
    samples: int = 32,
    seed: int = 0,
    workers: int = 1,
    client: "Client | None" = None,
    blender: str | os.PathLike[str] | None = None,
    device: str = "auto",
    timeout: float = 600.0,
    recycle: int = 20,
    threads: int | None = None,
    progress: Callable[[Outcome, int, int], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> RenderReport:
    """Render pairs of picture and exact alpha.

    Each sample is NAME.png (8-bit sRGB), NAME.alpha.png (16 bit) and NAME.json (what is in it, with
    licences), in some scenes NAME.foreground.png (16-bit RGBA, straight) and NAME.shadow.png. The
    last is written last. What is there already is not rendered again.

    Parameters
    ----------
    scene : Scene or path-like
        Or the path of its TOML file.
    out : path-like
        The folder; made if missing.
    count : int
        How many samples: those of the indices 0 to count - 1.
    size : int
        Pixels of the longer side.
    samples : int
        Samples a pixel: noise falls with their root.
    seed : int
        Another one gives other pictures.
    workers : int
        Processes that render at a time.
    client : dask.distributed.Client, optional
        Renders on its workers instead: each needs Blender, and the folder under the same path.
    blender : path-like, optional
        See `interpreter.find`.
    device : str
        auto, cpu, cuda, optix, hip, oneapi or metal. What is not there is replaced by the CPU.
    timeout : float
        Seconds that a sample may take.
    recycle : int
        Samples after which a worker process is replaced.
    threads : int, optional
        Of each worker; the machine's, shared out, by default. The pixels do not depend on it.
    progress : callable, optional
        Called with an outcome, how many there are by now, and how many there will be.
    note : callable, optional
        Called with what is worth saying once.

    Returns
    -------
    RenderReport

    Raises
    ------
    NoBlenderError
        When there is none; nothing was done then.
    maskmill.recipe.RecipeError
        For a mistake in the scene's file.
    """
    scene = scene if isinstance(scene, Scene) else read_scene(scene)
    _check(workers, device, timeout, recycle, threads)
    specs = specs_of(scene, count, size, samples, seed)
    interpreter = None if client else find(blender)
    out = Path(out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    _swept(out)
    found = [spec["name"] for spec in specs if is_done(out, spec)]
    there = set(found)
    left = [spec for spec in specs if spec["name"] not in there]
    for spec in left:  # facts of another seed or scene must not pass for this one's
        (out / f"{spec['name']}{_FACTS}").unlink(missing_ok=True)
    threads = threads or max(1, (os.cpu_count() or 1) // workers)
    settings: dict[str, Any] = {
        "threads": threads,
        "device": device,
        "timeout": timeout,
        "recycle": recycle,
    }
    if client is not None:
        outcomes = _farmed(client, left, out, blender, settings)
    elif interpreter is not None and left:
        outcomes = supervise(left, interpreter.command, out, workers=workers, note=note, **settings)
    else:
        outcomes = iter(())
    return _gathered(outcomes, out, found, len(left), progress)


def _check(workers: int, device: str, timeout: float, recycle: int, threads: int | None) -> None:
    if workers < 1:
        raise ValueError(f"workers must be 1 or more processes, got {workers}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be 1 or more, got {threads}")
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {device!r}")
    if not timeout > 0:
        raise ValueError(f"timeout must be seconds above 0, got {timeout}")
    if recycle < 1:
        raise ValueError(f"recycle must be 1 or more samples, got {recycle}")


def is_done(out: Path, spec: Spec) -> bool:
    """Return whether a folder holds a sample, whole and just as it is asked for."""
    name = spec["name"]
    try:
        facts = json.loads((out / f"{name}{_FACTS}").read_bytes())
    except (OSError, ValueError):
        return False
    files = [f"{name}{_IMAGE}", f"{name}{_ALPHA}", *facts.get("pixels", {})]
    return facts.get("stamp") == spec["stamp"] and all((out / file).is_file() for file in files)


def _swept(out: Path) -> None:
    """Remove the files that a killed worker was at."""
    for path in out.iterdir():
        if TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _gathered(
    outcomes: Iterator[Outcome],
    out: Path,
    found: Sequence[str],
    total: int,
    progress: Callable[[Outcome, int, int], None] | None,
) -> RenderReport:
    done: list[Outcome] = []
    log = out / FAILURES
    log.unlink(missing_ok=True)
    for number, outcome in enumerate(outcomes, 1):
        done.append(outcome)
        if not outcome.done:
            _logged(log, outcome)
        if progress is not None:
            progress(outcome, number, total)
    done.sort(key=lambda outcome: outcome.name)
    failed = tuple(outcome for outcome in done if not outcome.done)
    if failed:
        try:
            write_whole(log, "".join(map(_line, failed)).encode())
        except OSError:  # a full disk is told of by the samples themselves
            log.unlink(missing_ok=True)
    return RenderReport(
        tuple(outcome.name for outcome in done if outcome.done),
        tuple(found),
        failed,
        sum(outcome.cpu for outcome in done),
    )


def _logged(log: Path, outcome: Outcome) -> None:
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(_line(outcome))
    except OSError:
        return


def _line(outcome: Outcome) -> str:
    told = {"name": outcome.name, "reason": outcome.reason, "detail": outcome.detail}
    return json.dumps(told) + "\n"


def _farmed(
    client: "Client",
    specs: Sequence[Spec],
    out: Path,
    blender: str | os.PathLike[str] | None,
    settings: dict[str, Any],
) -> Iterator[Outcome]:
    """Render on Dask workers, some samples a task, so that Blender's start is shared."""
    from distributed import as_completed

    workers = max(1, len(client.scheduler_info()["workers"]))
    size = max(1, min(settings["recycle"], -(-len(specs) // (2 * workers))))
    place = None if blender is None else os.fspath(blender)
    chunks = [list(specs[at : at + size]) for at in range(0, len(specs), size)]
    tasks = {
        client.submit(_chunk, chunk, str(out), place, settings, pure=False): chunk
        for chunk in chunks
    }
    for future in as_completed(tasks):
        chunk = tasks.pop(future)
        error = future.exception()
        if error is None:
            yield from future.result()
            continue
        reason = "no_start" if isinstance(error, NoBlenderError) else "killed"
        for spec in chunk:
            if is_done(out, spec):
                yield Outcome(spec["name"])
            else:
                yield Outcome(spec["name"], reason, str(error))


def _chunk(
    specs: list[Spec], out: str, blender: str | None, settings: dict[str, Any]
) -> list[Outcome]:
    """Render some samples in this process's own worker; what a killed task had done stays done."""
    left = [spec for spec in specs if not is_done(Path(out), spec)]
    there = {spec["name"] for spec in specs} - {spec["name"] for spec in left}
    done = [Outcome(name) for name in sorted(there)]
    return done + list(supervise(left, find(blender).command, Path(out), **settings))
