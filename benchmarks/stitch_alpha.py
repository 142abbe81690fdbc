"""Solve the alpha of simulated clips: maskmill's `clip_matte` and what people do today.

    python benchmarks/stitch_alpha.py [--half development] [--limit 30] [--out stitch_alpha.json]

Every method gets the same clips, aligned by maskmill's `align` and accepted by it. Clips whose old
background is near white are counted apart: there threshold and equation know equally little.
Transparent clips hold their alpha; what is measured is how it is brought to the photograph's size.
Needs ../shared/data.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from stitch_pairs import DATA, HALVES, TRUE, Case, Pair, cases, made

from maskmill.metrics import iou, relaxed_f
from maskmill.refine import clean
from maskmill.stitch.alignment import align
from maskmill.stitch.compositing import AUTOMATIC, clip_matte

Row = dict[str, Any]
Plane = npt.NDArray[np.float32]
OURS = "ours"
WHITE, NEAR_WHITE = 225, 0.3  # level of the least channel; share of the band around the object
HOLES, OVER = 0.001, 0.005  # shares of the object from which an image has them
KERNELS = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos4": cv2.INTER_LANCZOS4,
}


def threshold(clip: npt.NDArray[Any]) -> Plane:
    """Take for object what is darker than 245 in any channel."""
    return (clip.reshape(*clip.shape[:2], -1).min(axis=2) < 245).astype(np.float32)


def threshold_filled(clip: npt.NDArray[Any]) -> Plane:
    """Fill the holes of `threshold`."""
    mask = threshold(clip).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(mask, outlines, -1, 1, cv2.FILLED).astype(np.float32)


def classic(clip: npt.NDArray[Any]) -> Plane:
    """Blur the mask of `threshold`, close and open it."""
    return clean(threshold(clip), preset="classic")


BASELINES: dict[str, Callable[[npt.NDArray[Any]], Plane]] = {
    "threshold 245": threshold,
    "threshold 245, filled": threshold_filled,
    "blur + morphology": classic,
}


def measured(case: Case) -> Row | None:
    """Make a pair, align it and solve its alpha by every method; None where it is refused."""
    cv2.setNumThreads(1)
    pair = made(case)
    if pair is None:
        return None
    start = time.process_time()
    found = align(pair.original, pair.clip)
    aligned = time.process_time()
    if not found.accepted:
        return None
    solved = clip_matte(pair.original, pair.clip, found)
    seconds = time.process_time() - aligned
    truth = shown_truth(pair)
    transparent = pair.clip.ndim == 3 and pair.clip.shape[2] == 4
    alphas: dict[str, Plane] = {OURS: solved.alpha}
    for name, baseline in {} if transparent else BASELINES.items():
        alphas[name] = _brought(baseline(_eight_bits(pair.clip)), found.matrix, truth.shape)
    for name, kernel in KERNELS.items() if transparent else ():
        shown = pair.clip[..., 3].astype(np.float32) / np.float32(255)
        alphas[name] = _brought(shown, found.matrix, truth.shape, kernel)
    return {
        "name": pair.name,
        "stratum": pair.stratum,
        "transparent": transparent,
        "scale": pair.making.scale,
        "near_white": near_white(pair.original, truth),
        "ambiguity": solved.ambiguity,
        "reason": solved.reason,
        "seconds": seconds,
        "align_seconds": aligned - start,
        "methods": {
            name: judged(alpha, truth, pair.making.scale) for name, alpha in alphas.items()
        },
    }


def shown_truth(pair: Pair) -> Plane:
    """Return the true alpha of what the clip shows: it may have cut the object."""
    if not any(pair.making.crop):
        return pair.alpha
    rows, columns = np.nonzero(pair.clip_alpha > 0.02)
    box = np.zeros(pair.clip_alpha.shape, np.float32)
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 1
    return np.where(_brought(box, pair.matrix, pair.alpha.shape) > 0.5, pair.alpha, 0)


def near_white(original: npt.NDArray[np.uint8], truth: Plane) -> float:
    """Return the share of 12 pixels around the object that are near white in the photograph."""
    around = cv2.dilate((truth > 0).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    around &= truth < 0.02
    return float((original[around].min(axis=1) >= WHITE).mean()) if around.any() else 0.0


def judged(alpha: Plane, truth: Plane, scale: float = 1.0) -> dict[str, float]:
    """Return how an alpha differs from the truth.

    Holes, over-fill and what is missing count beyond 2 pixels, or one of a clip smaller than that;
    the edge is 2 pixels either way.
    """
    object_, taken = truth >= 0.5, alpha >= 0.5
    area = max(1, int(object_.sum()))
    levels = object_.astype(np.uint8)
    reach = max(2, round(1 / scale))
    square = np.ones((2 * reach + 1,) * 2, np.uint8)
    inside, outside = cv2.erode(levels, square) > 0, cv2.dilate(levels, square) == 0
    near = np.ones((5, 5), np.uint8)
    edge = cv2.dilate(levels, near) > cv2.erode(levels, near)
    parts = cv2.connectedComponents((~taken).astype(np.uint8), connectivity=4)[1]
    frame = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    enclosed = ~taken & ~np.isin(parts, frame)
    return {
        "iou": iou(alpha, truth),
        "relaxed_f": relaxed_f(alpha, truth),
        "holes": float((enclosed & inside).sum() / area),
        "over": float((taken & outside).sum() / area),
        "missing": float((~taken & inside).sum() / area),
        "edge_mae": float(np.abs(alpha - truth)[edge].mean() * 255) if edge.any() else 0.0,
    }


def _eight_bits(clip: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return (clip // 257).astype(np.uint8) if clip.dtype == np.uint16 else clip


def _brought(
    plane: Plane,
    matrix: npt.NDArray[np.float64],
    shape: tuple[int, ...],
    kernel: int = cv2.INTER_LINEAR,
) -> Plane:
    size = (shape[1], shape[0])
    return np.clip(cv2.warpAffine(plane, matrix, size, flags=kernel), 0, 1).astype(np.float32)


def show(rows: Sequence[Row]) -> dict[str, Any]:
    """Print the tables; return their numbers."""
    found: dict[str, Any] = {}
    whole = [row for row in rows if not row["transparent"]]
    opaque = [row for row in whole if not row["reason"]]
    found["refused"] = [len(whole) - len(opaque), len(whole)]
    print(f"refused as too ambiguous: {len(whole) - len(opaque)} of {len(whole)}")
    dark = [row for row in opaque if row["near_white"] < NEAR_WHITE]
    strata = sorted({row["stratum"] for row in dark})
    groups = {
        "old background not near white": dark,
        "old background near white": [row for row in opaque if row["near_white"] >= NEAR_WHITE],
    } | {f"of the first: {one}": [row for row in dark if row["stratum"] == one] for one in strata}
    for title, some in groups.items():
        found[title] = _table(title, some)
    automatic = [row for row in whole if row["ambiguity"] <= AUTOMATIC]
    ious = np.array([row["methods"][OURS]["iou"] for row in automatic] or [np.nan])
    found["automatic"] = {
        "cut": AUTOMATIC,
        "pairs": len(whole),
        "share": len(automatic) / max(1, len(whole)),
        "iou": float(ious.mean()),
        "below .95": float((ious < 0.95).mean()),
    }
    print(
        f"\naccepted without review (ambiguity up to {AUTOMATIC}): {len(automatic)} of "
        f"{len(whole)}, IoU mean {ious.mean():.4f}, below .95: {(ious < 0.95).mean():.1%}"
    )
    for title, least, most in [("scale .7 and more", 0.7, 9.0), ("scale .3 to .7", 0.3, 0.7)]:
        chosen = [row for row in rows if row["transparent"] and least <= row["scale"] < most]
        found[f"transparent, {title}"] = _table(f"transparent, {title}", chosen)
    print(f"\nCPU s of clip_matte: {np.median([row['seconds'] for row in rows]):.2f}")
    return found


def _table(title: str, rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    if not rows:
        return found
    names = ("IoU", "relaxed F", "with holes", "over-filled", "edge MAE")
    print(f"\n{title}\n\n{'':24}{'pairs':>6}" + "".join(f"{name:>13}" for name in names))
    for method in rows[0]["methods"]:
        some = [row["methods"][method] for row in rows]
        numbers = found[method] = {
            "pairs": len(some),
            "iou": float(np.mean([one["iou"] for one in some])),
            "relaxed_f": float(np.mean([one["relaxed_f"] for one in some])),
            "with_holes": float(np.mean([one["holes"] > HOLES for one in some])),
            "over_filled": float(np.mean([one["over"] > OVER for one in some])),
            "edge_mae": float(np.mean([one["edge_mae"] for one in some])),
        }
        pairs, overlap, edges, holes, over, mae = numbers.values()
        print(
            f"{method:24}{pairs:6}{overlap:13.4f}{edges:13.3f}{holes:13.1%}{over:13.1%}{mae:13.2f}"
        )
    return found


def chosen(half: str, limit: int | None, skip: int = 0) -> list[Case]:
    """Return the true pairs of a half, and each photograph's first as a transparent clip too."""
    true = [case for case in cases(half, limit, skip) if case.kind == TRUE]
    firsts = {case.photograph: case for case in reversed(true)}
    known = {case.photograph for case in true if case.stratum == "png"}
    return true + [one._replace(stratum="png") for key, one in firsts.items() if key not in known]


def main() -> int:
    """Measure, print the tables, write JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--limit", type=int, help="photographs")
    parser.add_argument("--skip", type=int, default=0, help="photographs, of these, left out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not DATA.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    todo = chosen(options.half, options.limit, options.skip)
    rows: list[Row] = []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for number, row in enumerate(pool.map(measured, todo), 1):
            rows += [row] if row is not None else []
            if number % 50 == 0:
                print(f"{number} of {len(todo)}", file=sys.stderr, flush=True)
    numbers = show(rows)
    if options.out:
        options.out.write_text(json.dumps({"tables": numbers, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
