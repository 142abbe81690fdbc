"""Refine one pair of files after another, here or in other processes; one record for each."""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskmill import __version__
from maskmill.images import Alpha

from .refine_pairs import Opened, Pair, open_pair

if TYPE_CHECKING:
    from concurrent.futures import Future

    from maskmill.refine import Defects, Refined
    from maskmill.report.refinement import Told

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A pair, and the files to write of it; None for what is not wanted.

    With no `alpha` the defects are reported and nothing is mended.
    """

    pair: Pair
    alpha: Path | None = None
    cutout: Path | None = None
    picture: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files, the alpha last: where that is, the others are."""
        return tuple(file for file in (self.picture, self.cutout, self.alpha) if file is not None)


def stamp(task: Task) -> Record:
    """Return what a record must agree in for its file to count as done."""
    read = {
        which: [path.name, path.stat().st_size, path.stat().st_mtime_ns]
        for which, path in (("photograph", task.pair.photograph), ("mask", task.pair.mask))
    }
    return {"version": __version__, **read}


def carry_out(tasks: Sequence[Task], workers: int) -> Iterator[Record]:
    """Yield the record of each task as it is done; in order with one worker.

    Processes are spawned. When the consumer is interrupted, what a process has begun is finished,
    what waits is not begun.
    """
    if workers == 1 or len(tasks) < 2:
        yield from map(refine_one, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    # Forked children hang where OpenCV or OpenMP has used threads before.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, initializer=_deaf)
    waiting = {pool.submit(refine_one, task): task for task in tasks}
    try:
        for done in as_completed(waiting):
            yield _record(waiting.pop(done), done)
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        for done, task in waiting.items():
            if not done.cancelled():
                yield _record(task, done)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _deaf() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to every process


def _record(task: Task, done: "Future[Record]") -> Record:
    """Return what a process made of a task, or that it died of it."""
    error = done.exception()
    return done.result() if error is None else failed(task.pair.name, error)


def failed(name: str, error: BaseException | str) -> Record:
    """Return the record of what could not be done."""
    from maskmill.door import Refused

    from . import explain

    if isinstance(error, Refused):
        return {"name": name, "error": f"the photograph is {error}"}
    return {"name": name, "error": explain(error) if isinstance(error, Exception) else str(error)}


def refine_one(task: Task) -> Record:
    """Read, look, mend, write; an error becomes the record's."""
    from maskmill.work import one_thread

    started = time.perf_counter()
    try:
        with one_thread():
            record = stamp(task) | _refined(task)
    except Exception as error:  # one bad file must not end a night's work: it is told of at the end
        return failed(task.pair.name, error)
    return record | {"seconds": round(time.perf_counter() - started, 3)}


def _refined(task: Task) -> Record:
    from maskmill.refine import auto_refine, defects
    from maskmill.refine.scoring import quality

    opened = open_pair(task.pair.photograph, task.pair.mask)
    image, alpha, notes = opened.image, opened.alpha, list(opened.notes)
    height, width = alpha.shape
    record: Record = {"name": task.pair.name, "width": width, "height": height}
    before = quality(alpha, image)
    if task.alpha is None:
        record |= _looked(defects(alpha, image))
        return record | {"notes": notes, "quality_before": round(before, 4), "error": None}
    refined = auto_refine(alpha, image)
    made = refined.alpha
    if (alpha >= 0.5).any() and not (made >= 0.5).any():
        made = alpha
        notes.append("nothing would have been left of the mask: it is as it came")
    same = np.array_equal(made, alpha)
    after = before if same else quality(made, image)
    record |= _looked(refined.defects)
    record |= {
        "steps": [
            {"name": s.name, "kept": s.accepted, "values": _finite(s.values)} for s in refined.steps
        ],
        "touched": not same,
        "changed": round(float(np.mean((made >= 0.5) != (alpha >= 0.5))), 6),
        "moved": round(float(np.abs(made - alpha).mean()), 6),
        "quality_before": round(before, 4),
        "quality_after": round(after, 4),
        "notes": notes,
        "error": None,
    }
    _write(task, opened, made, refined, record)
    return record


def _looked(found: "Defects") -> Record:
    return {
        "found": list(found.found),
        "scores": _finite(found.scores),
        "measures": _finite(found.measures),
        "regions": [[r.kind, r.x, r.y, r.width, r.height] for r in found.regions],
    }


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them, which knows no NaN."""
    return {
        name: round(float(value), 6) if math.isfinite(value) else None
        for name, value in numbers.items()
    }


def _write(task: Task, opened: Opened, after: Alpha, refined: "Refined", record: Record) -> None:
    from maskmill.files import write_whole
    from maskmill.images import encode_alpha

    if task.picture is not None:
        from maskmill.report.refinement import before_after

        regions = refined.defects.regions
        drawn = before_after(opened.image, opened.alpha, after, regions, words(record))
        write_whole(task.picture, _encoded(".jpg", drawn[..., ::-1]))
    if task.cutout is not None:
        import cv2

        from maskmill.refine import decontaminate

        levels = np.rint(after * 255).astype(np.uint8)
        colours = decontaminate(opened.image, after)
        rgba = cv2.merge([*cv2.split(colours)[::-1], levels])
        write_whole(task.cutout, _encoded(".png", rgba))
    if task.alpha is not None:
        write_whole(task.alpha, encode_alpha(after, opened.bits))


def words(record: Record) -> "Told":
    """Return what the picture says of a record."""
    from maskmill.report.refinement import Told

    title = f"{record['name']}, {record['width']} x {record['height']}"
    title += f", quality {record['quality_before']:.2f}"
    if record["touched"]:
        title += f" before, {record['quality_after']:.2f} after"
    found = [
        (name, f"{name}: {MEANINGS.get(name, '')}, score {record['scores'][name]:.2f}")
        for name in record["found"]
    ]
    steps = [told(step) for step in record["steps"]]
    if not found and not steps:
        steps = ["nothing was found: the mask is as it came"]
    return Told(title, found, [*steps, *record["notes"]])


def told(step: Record) -> str:
    """Return a step and its numbers as one line."""
    numbers = ", ".join(
        f"{name} {value:.3g}" if abs(value) < 1000 else f"{name} {value:.0f}"
        for name, value in step["values"].items()
        if value is not None
    )
    return f"{step['name']} {'mended' if step['kept'] else 'tried, no better, not kept'}: {numbers}"


MEANINGS: Mapping[str, str] = {
    "hole": "has the object's colours and no edge round it",
    "island": "has the background's colours and no edge round it",
    "speckle": "single pixels on the wrong side",
    "stairs": "enlarged without interpolation",
    "polygon": "straight pieces beside the photograph's edges",
    "low_resolution": "soft everywhere, as a small map that was enlarged",
    "halo": "the photograph's edge runs beside the outline",
}


def _encoded(suffix: str, bgr: Any) -> bytes:
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix == ".jpg" else []
    done, data = cv2.imencode(suffix, np.ascontiguousarray(bgr), quality)
    if not done:
        raise ValueError(f"cannot encode {bgr.shape} {bgr.dtype} as {suffix}")
    return data.tobytes()


def read_log(path: Path) -> dict[str, Record]:
    """Return the records of a log by name; the last of a name counts.

    What a killed run left half written at its end is passed over.
    """
    records: dict[str, Record] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return records
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("name"), str):
            records[record["name"]] = record
    return records
