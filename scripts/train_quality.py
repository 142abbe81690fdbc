"""Learn the weights of `maskmill.refine.quality` from pictures of our own, and write them.

    python scripts/train_quality.py [--scenes 300] [--workers 2] [--out refine/quality.json]

The same scenes give the same file. Printed is what the weights are worth on scenes that were left
out of training; `benchmarks/refine_quality.py` says what they are worth on real photographs.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from quality_pairs import Scene, scenes, spoilt
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

from maskmill.metrics import iou
from maskmill.refine.degradation import KINDS
from maskmill.refine.scoring import Weights, evidence

OUT = Path(__file__).resolve().parents[1] / "refine" / "quality.json"
SHARE = 0.15  # of the second model: more tells good from bad better, and bad from worse worse
FLOOR = 0.005


class Row(NamedTuple):
    """A mask, what its quality is judged by, and its true IoU."""

    group: str
    kind: str
    iou: float
    features: dict[str, float]


def main() -> None:
    """Make the pairs, fit, report on left-out scenes, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    numbered = enumerate(scenes(options.scenes, seed=0))
    rows = measured_all(numbered, options.workers)
    guesses = left_out(rows)
    print(f"{options.scenes} scenes, {len(rows)} masks; on scenes left out of training:")
    for name, value in report(rows, guesses).items():
        print(f"  {name}: {value:.3f}")
    options.out.write_text(json.dumps(written(fitted(rows), options.scenes), indent=1) + "\n")


def measured_all(numbered: Iterator[tuple[int, Scene]], workers: int) -> list[Row]:
    """Spoil every scene in every way and measure it; in order, however many workers there are."""
    rows: list[Row] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # A few at a time: pictures waiting to be measured take memory.
        while batch := list(itertools.islice(numbered, 4 * workers)):
            for found in pool.map(measured, batch):
                rows += found
    return rows


def measured(numbered: tuple[int, Scene]) -> list[Row]:
    """Spoil one scene in every way."""
    cv2.setNumThreads(1)
    number, scene = numbered
    return [
        Row(scene.group, kind, iou(alpha, scene.alpha), evidence(alpha, scene.image))
        for kind, alpha in spoilt(scene, number)
    ]


def fitted(rows: Sequence[Row]) -> Weights:
    """Fit both models."""
    names = tuple(rows[0].features)
    features = table(rows, names)
    mean, spread = np.nanmean(features, 0), np.nanstd(features, 0) + 1e-9
    standard = np.nan_to_num(np.clip((features - mean) / spread, -3, 3), nan=0.0)
    target = -np.log(1 + FLOOR - np.array([row.iou for row in rows]))
    goodness: Any = Ridge(alpha=3.0).fit(standard, target)
    wrong = np.array([row.kind != "none" for row in rows])
    trouble: Any = LogisticRegression(C=1.0, max_iter=3000, class_weight="balanced")
    trouble.fit(standard, wrong)
    return Weights(
        names,
        mean,
        spread,
        np.concatenate([[goodness.intercept_], goodness.coef_]),
        np.concatenate([trouble.intercept_, trouble.coef_[0]]),
        SHARE,
    )


def left_out(rows: Sequence[Row], folds: int = 5) -> npt.NDArray[np.float64]:
    """Return the quality of each mask by weights that have not seen its picture."""
    groups = sorted({row.group for row in rows})
    fold = {group: number % folds for number, group in enumerate(groups)}
    of_row = np.array([fold[row.group] for row in rows])
    guesses = np.zeros(len(rows))
    for number in range(folds):
        weights = fitted([row for row, f in zip(rows, of_row, strict=True) if f != number])
        apart = [row for row, f in zip(rows, of_row, strict=True) if f == number]
        guesses[of_row == number] = weights(table(apart, weights.names))
    return guesses


def report(rows: Sequence[Row], guesses: npt.NDArray[np.float64]) -> dict[str, float]:
    """Say what the guesses are worth: on the common defects, and with large errors too."""
    defect = np.array([row.kind in ("none", *KINDS) for row in rows])
    told: dict[str, float] = {}
    for name, chosen in (("defects", defect), ("defects and large errors", defect | ~defect)):
        some = [row for row, take in zip(rows, chosen, strict=True) if take]
        guess = guesses[chosen]
        spoilt_ones = np.array([row.kind != "none" for row in some])
        bad = np.array([row.iou < 0.95 for row in some])
        worst = np.argsort(guess, kind="stable")[: int(0.3 * len(some))]
        told |= {
            f"{name}: AUC of spoilt against good": float(roc_auc_score(spoilt_ones, -guess)),
            f"{name}: AUC of IoU < .95": float(roc_auc_score(bad, -guess)),
            f"{name}: share with IoU < .95": float(bad.mean()),
            f"{name}: of these among the worst 30 %": float(bad[worst].sum() / bad.sum()),
        }
    return told


def table(rows: Sequence[Row], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the features as an array, one row a mask."""
    return np.array([[row.features[name] for name in names] for row in rows], np.float64)


def written(weights: Weights, count: int) -> dict[str, Any]:
    """Return the weights as plain values."""
    rows = zip(
        weights.names,
        weights.mean,
        weights.spread,
        weights.goodness[1:],
        weights.trouble[1:],
        strict=True,
    )
    return {
        "made_by": f"scripts/train_quality.py --scenes {count}",
        "share": weights.share,
        "goodness": round(float(weights.goodness[0]), 5),
        "trouble": round(float(weights.trouble[0]), 5),
        "features": [
            {"name": name}
            | {
                key: float(f"{value:.5g}")
                for key, value in zip(
                    ("mean", "spread", "goodness", "trouble"), values, strict=True
                )
            }
            for name, *values in rows
        ],
    }


if __name__ == "__main__":
    main()
