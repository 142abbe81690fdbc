"""Put one clip after another back on its photograph, here or in other processes; a record each."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskmill import __version__
from maskmill.images import Alpha

from .processes import each

if TYPE_CHECKING:
    from maskmill.stitch.alignment import Alignment
    from maskmill.stitch.pairs import ClipPair

Record = dict[str, Any]

DONE, REFUSED, FAILED = "done", "refused", "failed"
"""An alpha was made; the pair was looked at and turned away; it could not be looked at."""


@dataclass(frozen=True, slots=True)
class Task:
    """A pair, the folders it lies in, and the files to write of it."""

    name: str
    pair: "ClipPair"
    originals: str
    clips: str
    alpha: Path
    sheet: Path | None = None


def stamp(task: Task) -> Record:
    """Return what a record must agree in for its pair to count as done."""
    pair = task.pair
    names = [pair.clip, *pair.originals]
    read = [[name, *(file or ())] for name, file in zip(names, pair.files, strict=True)]
    return {"version": __version__, "read": read}


def carry_out(tasks: Sequence[Task], workers: int) -> Iterator[Record]:
    """Yield the record of each task as it is done; in order with one worker."""
    return each(stitch_one, tasks, workers, broken)


def broken(task: Task, error: BaseException) -> Record:
    """Return the record of a pair that an exception ended."""
    from . import explain

    said = explain(error) if isinstance(error, Exception) else str(error)
    return unread(task.name, type(error).__name__, {}) | {"clip": task.pair.clip, "error": said}


def unread(name: str, reason: str, values: Mapping[str, float]) -> Record:
    """Return the record of what could not be looked at."""
    return {"name": name, "status": FAILED, "reason": reason, "values": _finite(values)}


def stitch_one(task: Task) -> Record:
    """Read, align, solve, write; an error becomes the record's."""
    from maskmill.work import one_thread

    started = time.perf_counter()
    try:
        with one_thread():
            record = _stitched(task) | stamp(task)
    except Exception as error:  # one bad pair must not end a night's work: it is told of at the end
        return broken(task, error)
    return record | {"seconds": round(time.perf_counter() - started, 3)}


def _stitched(task: Task) -> Record:
    from maskmill.sample import Dropped
    from maskmill.stitch.alignment import align
    from maskmill.stitch.compositing import clip_matte
    from maskmill.stitch.context import ClipContext
    from maskmill.stitch.decoding import decode_clip
    from maskmill.stitch.pairs import opened

    # What an earlier run has written would pass for this one's.
    for file in (task.alpha, task.sheet):
        if file is not None:
            file.unlink(missing_ok=True)
    sample = opened(task.pair, task.originals, task.clips)
    record: Record = {"name": task.name, "clip": task.pair.clip, "original": None, "alpha": None}
    if isinstance(sample, Dropped):
        # By content it was tried, and lies nowhere.
        tried = sample.reason == "no_partner"
        verdict = {"status": REFUSED if tried else FAILED, "reason": sample.reason}
        return record | verdict | {"values": _finite(sample.values)}
    context = sample.context
    if not isinstance(context, ClipContext):
        raise TypeError(f"a pair's context must be a ClipContext, got {context!r}")
    original, clip = sample.image, decode_clip(context.clip)
    found = context.alignment or align(original, clip)
    record["original"] = context.original
    record |= {"width": sample.width, "height": sample.height} | _described(found)
    alpha: Alpha | None = None
    reason, values = found.reason, dict[str, float]()
    if found.accepted:
        solved = clip_matte(original, clip, found)
        reason, values = solved.reason, dict(solved.values)
        record["ambiguity"] = _finite({"": solved.ambiguity})[""]
        alpha = solved.alpha
    kept = found.accepted and not reason
    record |= {"status": DONE if kept else REFUSED, "reason": reason, "values": _finite(values)}
    if task.sheet is not None:
        from maskmill.report.stitching import write_pair_sheet

        matrix = found.matrix if np.any(found.matrix) else None
        write_pair_sheet(task.sheet, original, clip, matrix, alpha, words(record))
    if kept and alpha is not None:
        from maskmill.files import write_whole
        from maskmill.images import encode_alpha

        write_whole(task.alpha, encode_alpha(alpha))
        record["alpha"] = f"{task.name}.alpha.png"
    return record


def _described(found: "Alignment") -> Record:
    tiles = found.tiles
    return {
        "matrix": [[round(float(value), 6) for value in row] for row in found.matrix],
        "mirrored": bool(found.mirrored),
        "scale": round(found.scale, 5),
        "score": round(float(found.score), 4),
        "inliers": int(found.inliers),
        "tiles": len(tiles),
    }


def _finite(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them, which knows no NaN."""
    return {
        name: round(float(value), 6) if math.isfinite(value) else None
        for name, value in numbers.items()
    }


def words(record: Record) -> list[str]:
    """Return what the sheet says of a record."""
    told = [f"{record['clip']} on {record['original']}, {record['width']} x {record['height']}"]
    if record["status"] == DONE:
        told.append("done")
    else:
        told.append(
            f"refused: {record['reason']}: {MEANINGS.get(record['reason'], '')}".rstrip(": ")
        )
    numbers = [f"score {record['score']:.2f}", f"scale {record['scale']:.3f}"]
    if record["mirrored"]:
        numbers.append("mirrored")
    numbers.append(f"{record['inliers']} matches")
    if record.get("ambiguity") is not None:
        numbers.append(f"ambiguity {record['ambiguity']:.3f}")
    known = {name: value for name, value in record["values"].items() if value is not None}
    numbers += [f"{name} {value:.3g}" for name, value in known.items()]
    return [*told, ", ".join(numbers)]


MEANINGS: Mapping[str, str] = {
    "ambiguous_name": "several photographs are called like it",
    "low_texture": "too plain to be placed for certain",
    "near_white_background": "the photograph is nearly white round the object, as the clip is",
    "no_alignment": "nobody has found where the clip lies",
    "no_partner": "nothing belongs to it",
    "other_view": "the same thing from another side",
    "perspective": "the clip was bent, or taken from elsewhere",
    "repeating": "its texture fits in more places than one",
    "shadow": "a shadow cannot be told from the object",
    "too_small": "there is too little of the object",
    "wrong_pair": "the clip shows something else",
}
