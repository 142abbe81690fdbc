"""What `maskmill.metrics` gives and takes beside PySODMetrics, on published saliency maps.

    python benchmarks/metrics.py [--pairs 100] [--rounds 5] [--out metrics.json]

Three tables: the published scores of the 300 SOD maps of DSS and what comes out here; the largest
difference from PySODMetrics on as many pairs as are timed; CPU time per megapixel on one thread,
both taking turns. Targets: scores within 1e-4, differences within 1e-12, F and E of a set at least
5 times as fast. Exits with 1 where one is missed. Needs shared/data; without it, or without the
test-only package pysodmetrics, what can be measured is.
"""

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import loadmat

from maskmill.metrics import METRICS, Evaluation, evaluate, evaluate_folders
from maskmill.metrics.folders import read_mask

SOD = Path(__file__).resolve().parents[2] / "shared" / "data" / "sod"
SAME = 1e-4  # of published scores
EQUAL = 1e-12  # of scores by PySODMetrics
FASTER = 5

Levels = tuple[Any, Any]

# What is asked of either side: metrics of maskmill, classes of PySODMetrics.
ALIKE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "F + E": (("f_beta", "e_measure"), ("Fmeasure", "Emeasure")),
    "MAE": (("mae",), ("MAE",)),
    "S-measure": (("s_measure",), ("Smeasure",)),
    "weighted F": (("weighted_f",), ("WeightedFmeasure",)),
}


def main() -> int:
    """Measure, print the tables, write JSON; exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100, help="of the 300, for the timing")
    parser.add_argument("--rounds", type=int, default=5, help="turns of which the median counts")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not SOD.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    cv2.setNumThreads(1)
    results: dict[str, Any] = {"published": published()}
    pairs = read(options.pairs)
    try:
        oracle = import_module("py_sod_metrics")
    except ModuleNotFoundError:
        print("\npysodmetrics is not installed: nothing to compare with")
        oracle = None
    if oracle is not None:
        results["parity"] = parity(oracle, pairs)
    results["speed"] = speed(oracle, pairs, options.rounds)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(table["target"] for table in results.values()) else 1


def published() -> dict[str, Any]:
    """Compare the scores of the whole set with those that its authors' toolbox gave."""
    table: Any = loadmat(SOD / "published_DSS.mat")
    theirs = {
        "mae": float(table["MAE"].item()),
        "f_max_of_mean_pr": float(table["MaxFmeasure"].item()),
        "f_adaptive": float(table["mean_Fmeasure"][2, 0]),
        "s_measure": float(table["S_measure"].item()),
    }
    found, faults = evaluate_folders(
        SOD / "pred_DSS", SOD / "gt", ["mae", "f_beta", "e_measure", "s_measure"]
    )
    assert found is not None
    assert not faults
    print(f"{len(found.names)} SOD maps of DSS\n")
    print(f"{'score':<22}{'here':>10}{'published':>11}{'apart':>10}")
    for name, score in found.summary.items():
        line = f"{name:<22}{score:>10.6f}"
        if name in theirs:
            line += f"{theirs[name]:>11.6f}{abs(score - theirs[name]):>10.1e}"
        print(line)
    apart = {name: abs(found.summary[name] - score) for name, score in theirs.items()}
    target = max(apart.values()) <= SAME
    print(f"published scores within {SAME:.0e}: {'yes' if target else 'NO'}")
    return {
        "here": dict(found.summary),
        "published": theirs,
        "apart": apart,
        "target": target,
    }


def read(number: int) -> list[Levels]:
    """Read pairs as both sides get them: 8-bit levels."""
    names = sorted(path.name for path in (SOD / "gt").glob("*.png"))[:number]
    both = [(read_mask(SOD / "pred_DSS" / name), read_mask(SOD / "gt" / name)) for name in names]
    return [
        (np.rint(255 * prediction).astype(np.uint8), np.rint(255 * truth).astype(np.uint8))
        for prediction, truth in both
    ]


def parity(oracle: Any, pairs: list[Levels]) -> dict[str, Any]:
    """Compare every score that PySODMetrics has too."""
    found = here(pairs, [name for names, _ in ALIKE.values() for name in names])
    expected = there(oracle, pairs, [name for _, names in ALIKE.values() for name in names])
    # Its curves run from the highest threshold down.
    theirs: dict[str, Any] = {
        "mae": expected["mae"],
        "s_measure": expected["sm"],
        "weighted_f": expected["wfm"],
        "f_adaptive": expected["fm"]["adp"],
        "e_adaptive": expected["em"]["adp"],
        "f_max_of_mean_curve": expected["fm"]["curve"].max(),
        "e_max_of_mean_curve": expected["em"]["curve"].max(),
        "f curve": expected["fm"]["curve"][::-1],
        "e curve": expected["em"]["curve"][::-1],
        "precision curve": expected["pr"]["p"][::-1],
        "recall curve": expected["pr"]["r"][::-1],
    }
    ours = dict(found.summary) | {f"{name} curve": curve for name, curve in found.curves.items()}
    apart = {name: float(np.abs(ours[name] - value).max()) for name, value in theirs.items()}
    print(f"\nlargest difference from PySODMetrics, {len(pairs)} pairs\n")
    for name, value in apart.items():
        print(f"{name:<22}{value:>10.1e}")
    target = max(apart.values()) <= EQUAL
    print(f"within {EQUAL:.0e}: {'yes' if target else 'NO'}")
    return {"pairs": len(pairs), "apart": apart, "target": target}


def speed(oracle: Any, pairs: list[Levels], rounds: int) -> dict[str, Any]:
    """Time both sides, taking turns; a ratio is the median over the turns."""
    size = sum(truth.size for _, truth in pairs) / 1e6
    print(f"\nCPU seconds per megapixel, one thread, {len(pairs)} pairs of {size / len(pairs):.2f}")
    print(f"\n{'':<22}{'here':>10}{'there':>10}{'ratio':>8}")
    rows: dict[str, dict[str, float]] = {}
    for title, (metrics, classes) in ALIKE.items():
        mine: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            mine.append(seconds(lambda asked=metrics: here(pairs, asked)))
            if oracle is not None:
                theirs.append(seconds(lambda asked=classes: there(oracle, pairs, asked)))
        row = {"here": statistics.median(mine) / size}
        line = f"{title:<22}{row['here']:>10.4f}"
        if theirs:
            row["there"] = statistics.median(theirs) / size
            row["ratio"] = statistics.median(b / a for a, b in zip(mine, theirs, strict=True))
            line += f"{row['there']:>10.4f}{row['ratio']:>8.1f}"
        rows[title] = row
        print(line, flush=True)
    compared = {name for names, _ in ALIKE.values() for name in names}
    for metric in (name for name in METRICS if name not in compared):
        taken = statistics.median(
            seconds(lambda asked=metric: here(pairs, [asked])) for _ in range(rounds)
        )
        rows[metric] = {"here": taken / size}
        print(f"{metric:<22}{taken / size:>10.4f}", flush=True)
    ratio = rows["F + E"].get("ratio")
    target = ratio is None or ratio >= FASTER
    print(f"F and E at least {FASTER} times as fast: {'yes' if target else 'NO'}")
    return {"pairs": len(pairs), "megapixels": size, "rows": rows, "target": target}


def here(pairs: list[Levels], metrics: Sequence[str]) -> Evaluation:
    """Score a set with maskmill, from 8-bit levels on."""
    arrays = ((prediction / 255, truth > 128) for prediction, truth in pairs)
    return evaluate(arrays, metrics, stretch=True)


def there(oracle: Any, pairs: list[Levels], classes: Sequence[str]) -> dict[str, Any]:
    """Score a set with PySODMetrics, from 8-bit levels on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Fmeasure says that it will be removed
        measures = [getattr(oracle, name)() for name in classes]
    found: dict[str, Any] = {}
    for prediction, truth in pairs:
        for measure in measures:
            measure.step(prediction, truth)
    for measure in measures:
        found |= measure.get_results()
    return found


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that a call takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
