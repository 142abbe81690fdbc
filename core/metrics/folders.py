"""Two folders of masks, paired by name."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .evaluation import QUICK, Evaluation, Measured, check_metrics, collect, measure

Values = npt.NDArray[np.float64]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""Files that are masks; others in the folder are passed over."""

_PREDICTED = ".alpha"  # what `maskmill predict` puts between name and suffix


def evaluate_folders(
    predictions: str | os.PathLike[str],
    truths: str | os.PathLike[str],
    metrics: Sequence[str] = QUICK,
    *,
    stretch: bool = False,
    resize: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Evaluation | None, dict[str, str]]:
    """Score the masks of one folder against those of the same name in another.

    Parameters
    ----------
    predictions, truths : path-like
        Folders; `pair_up` says how files are paired and `read_mask` what they may hold.
    metrics, stretch
        As in `evaluate`.
    resize : bool
        Bring a prediction of another size to the truth's: bilinear where it grows, area means where
        it shrinks. Without it such a pair is a fault.
    workers : int
        Processes; the scores are the same bits for any number.
    progress : callable, optional
        Called with (pairs done, pairs).

    Returns
    -------
    evaluation : Evaluation or None
        Of the pairs that could be scored, by name; None where there is none.
    faults : dict of str to str
        What could not be scored, by name, and why.

    Raises
    ------
    ValueError
        When a folder is not there or a parameter is out of range.

    Examples
    --------
    >>> for folder, level in (("found", 255), ("true", 255)):
    ...     Path(folder).mkdir()
    ...     _ = cv2.imwrite(f"{folder}/cat.png", np.full((4, 6), level, np.uint8))
    >>> _ = Path("true/dog.png").write_bytes(Path("true/cat.png").read_bytes())
    >>> scores, faults = evaluate_folders("found", "true", ["iou"])
    >>> scores.summary["iou"], faults
    (1.0, {'dog': 'no prediction'})
    """
    check_metrics(metrics)
    if workers < 1:
        raise ValueError(f"workers must be a number of processes from 1 on, got {workers}")
    pairs, faults = pair_up(predictions, truths)
    tasks = [_Task(*pairs[name], tuple(metrics), stretch, resize) for name in sorted(pairs)]

    def measured() -> Iterator[tuple[str, Measured]]:
        found = zip(sorted(pairs), _carry_out(tasks, workers), strict=True)
        for done, (name, one) in enumerate(found, 1):
            if progress is not None:
                progress(done, len(tasks))
            if isinstance(one, str):
                faults[name] = one
            else:
                yield name, one

    scored = measured()
    first = next(scored, None)
    if first is None:
        return None, dict(sorted(faults.items()))
    evaluation = collect(_with_first(first, scored))
    return evaluation, dict(sorted(faults.items()))


def pair_up(
    predictions: str | os.PathLike[str], truths: str | os.PathLike[str]
) -> tuple[dict[str, tuple[Path, Path]], dict[str, str]]:
    """Pair the files of two folders by their names without suffix; sub-folders are not entered.

    A folder in which some file is called ``NAME.alpha.png`` was written by ``maskmill predict``:
    there only such files count, as NAME.

    Returns
    -------
    pairs : dict of str to (prediction, truth)
    faults : dict of str to str
        Names that stand in one folder only, or twice in one.

    Raises
    ------
    ValueError
        When one of them is not a folder.
    """
    found, twice = _masks(predictions, "predictions")
    wanted, twice_wanted = _masks(truths, "truths")
    faults = dict.fromkeys(wanted.keys() - found.keys(), "no prediction")
    faults |= dict.fromkeys(found.keys() - wanted.keys(), "no truth")
    faults |= {name: f"several predictions: {files}" for name, files in twice.items()}
    faults |= {name: f"several truths: {files}" for name, files in twice_wanted.items()}
    both = (found.keys() & wanted.keys()) - faults.keys()
    return {name: (found[name], wanted[name]) for name in both}, faults


def read_mask(path: Path, *, truth: bool = False) -> Values:
    """Read a mask of 8 or 16 bits as H x W float64 in [0, 1].

    One channel, or three that are equal, count as they are. A picture with transparency counts by
    its alpha channel; one that is opaque everywhere, by its colours. An orientation in EXIF is not
    applied.

    Parameters
    ----------
    path : Path
    truth : bool
        A truth that has no value above 1 / 255 is refused unless it is all 0: it holds labels 0 and
        1, or 8-bit levels in 16 bits.

    Returns
    -------
    ndarray, H x W, float64
        Levels / 255 or / 65535.

    Raises
    ------
    ValueError
        When the file is not such a picture.

    Examples
    --------
    >>> _ = cv2.imwrite("a.png", np.uint16([[0, 13107, 65535]]))
    >>> read_mask(Path("a.png")).tolist()
    [[0.0, 0.2, 1.0]]
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    levels: Any = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if levels is None:
        raise ValueError(f"{path.name} must be a picture that OpenCV can decode")
    if levels.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"{path.name} must have 8 or 16 bits, got {levels.dtype}")
    top = int(np.iinfo(levels.dtype).max)
    if levels.ndim == 3:
        if levels.shape[2] == 4 and int(levels[..., 3].min()) < top:
            levels = levels[..., 3]
        elif not all(np.array_equal(levels[..., 0], levels[..., k]) for k in (1, 2)):
            raise ValueError(
                f"{path.name} must be a mask, got a colour picture without transparency; "
                "write masks with one channel"
            )
        else:
            levels = levels[..., 0]
    highest = int(levels.max())
    if truth and 0 < highest * 255 <= top:
        raise ValueError(
            f"{path.name} must use the levels up to {top}, got none above {highest}; "
            f"multiply labels by {top // highest}"
        )
    return levels / float(top)


@dataclass(frozen=True, slots=True)
class _Task:
    prediction: Path
    truth: Path
    metrics: tuple[str, ...]
    stretch: bool
    resize: bool


def _carry_out(tasks: list[_Task], workers: int) -> Iterator[Measured | str]:
    if workers == 1 or len(tasks) < 2:
        yield from map(_score, tasks)
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Forked children hang where OpenCV has used threads before.
    context = multiprocessing.get_context("spawn")
    number = min(workers, len(tasks))
    with ProcessPoolExecutor(number, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(_score, tasks, chunksize=4)


def _score(task: _Task) -> Measured | str:
    try:
        prediction, truth = read_mask(task.prediction), read_mask(task.truth, truth=True)
    except (OSError, ValueError) as error:
        return str(error)
    if prediction.shape != truth.shape:
        if not task.resize:
            sizes = (f"{width} x {height}" for height, width in (prediction.shape, truth.shape))
            return "the prediction is {} and the truth {}".format(*sizes)
        prediction = _resized(prediction, truth.shape)
    return measure(prediction, truth, task.metrics, stretch=task.stretch)


def _resized(values: Values, shape: tuple[int, ...]) -> Values:
    height, width = shape
    shrinks = values.shape[0] >= height and values.shape[1] >= width
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized: Any = cv2.resize(values, (width, height), interpolation=kernel)
    return np.clip(resized, 0, 1)  # rounding leaves area means a hair outside


def _masks(folder: str | os.PathLike[str], which: str) -> tuple[dict[str, Path], dict[str, str]]:
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{which} must be a folder, got {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    predicted = [path for path in files if path.stem.endswith(_PREDICTED)]
    masks: dict[str, Path] = {}
    twice: dict[str, str] = {}
    for path in predicted or files:
        name = path.stem.removesuffix(_PREDICTED)
        if name in masks:
            twice[name] = f"{twice.get(name, masks[name].name)}, {path.name}"
        masks.setdefault(name, path)
    return masks, twice


def _with_first(
    first: tuple[str, Measured], others: Iterator[tuple[str, Measured]]
) -> Iterator[tuple[str, Measured]]:
    yield first
    yield from others
