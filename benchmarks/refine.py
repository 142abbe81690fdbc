"""What `auto_refine` mends and what it harms, beside the recipes everybody ships.

    python benchmarks/refine.py [--limit 20] [--sets alphamatting ecssd] [--out refine.json]

Real photographs with true alphas are spoilt by `maskmill.refine.degradation` (one seed an image)
and mended by each side in turn: nothing (threshold at .5), rembg's post-process (opening, Gaussian
of 2 pixels, threshold), the classic recipe (`clean(preset="classic")`) and `auto_refine`. Then the
published saliency maps of DSS over photographs of SOD, as they are. Needs shared/data.

SAD is in thousands of pixels. Against a soft truth (alphamatting) soft results count as they are;
a hard truth cannot tell how soft an edge should be, so results are made hard at .5 first.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from photographs import DATA, SETS, Photograph, listed

from maskmill.images import Alpha, Image, decode_image
from maskmill.metrics import iou, mae, relaxed_f
from maskmill.refine import auto_refine, clean
from maskmill.refine.degradation import degrade

KINDS = (
    "none",
    "holes",
    "islands",
    "speckle",
    "mixed",
    "polygon",
    "stairs",
    "net128",
    "net320",
    "halo",
)
Row = dict[str, Any]


def rembg(alpha: Alpha, image: Image) -> Alpha:
    """Return what rembg 2's post-processing of a mask makes of it."""
    from scipy.ndimage import gaussian_filter
    from skimage.morphology import disk, opening

    levels = np.rint(alpha * 255).astype(np.uint8)
    blurred = gaussian_filter(opening(levels, disk(1)).astype(np.float64), sigma=2)
    return (blurred >= 127).astype(np.float32)


METHODS: dict[str, Callable[[Alpha, Image], Alpha]] = {
    "threshold": lambda alpha, image: (alpha >= 0.5).astype(np.float32),
    "rembg": rembg,
    "classic": lambda alpha, image: clean(alpha, image, preset="classic"),
    "auto": lambda alpha, image: auto_refine(alpha, image).alpha,
}


def measure(photograph: Photograph, kinds: tuple[str, ...]) -> list[Row]:
    """Spoil and mend one photograph in every way; return a row for each."""
    cv2.setNumThreads(1)
    image, truth = photograph.read()
    seed = int.from_bytes(photograph.name.encode(), "little") % 2**32
    rows: list[Row] = []
    for kind in kinds:
        spoilt = truth if kind == "none" else degrade(truth, kind, seed)
        for method in METHODS:
            facts = {"dataset": photograph.dataset, "name": photograph.name, "kind": kind}
            rows.append(facts | judged(method, spoilt, image, truth))
    return rows


def judged(method: str, alpha: Alpha, image: Image, truth: Alpha) -> Row:
    """Mend an alpha by one method and compare it with the truth."""
    row: Row = {"method": method}
    start = time.process_time()
    if method == "auto":
        refined = auto_refine(alpha, image)
        made, row["steps"] = refined.alpha, [step.name for step in refined.steps if step.accepted]
    else:
        made = METHODS[method](alpha, image)
    row["seconds"] = time.process_time() - start
    row["iou"] = iou(made, truth)
    row["relaxed_f"] = relaxed_f(made, truth)
    # A hard truth has no soft edge to be right about: it is compared with the hard result.
    soft = bool(((truth > 0) & (truth < 1)).any())
    compared = made if soft else (made >= 0.5).astype(np.float32)
    row["sad"] = float(np.abs(compared - truth).sum(dtype=np.float64)) / 1000
    row["mae"] = mae(made, truth)
    return row


def saliency(name: str) -> list[Row]:
    """Compare a published saliency map, raw and mended, with the truth."""
    cv2.setNumThreads(1)
    image = decode_image((DATA / "sod" / "images" / f"{name}.jpg").read_bytes())
    levels, truth = (
        cv2.imread(str(DATA / "sod" / folder / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        for folder in ("pred_DSS", "gt")
    )
    assert levels is not None
    assert truth is not None
    wanted = (truth > 127).astype(np.float32)
    alpha = levels.astype(np.float32) / np.float32(255)
    facts = {"dataset": "sod", "name": name, "kind": "map"}
    raw = {"method": "raw", "iou": iou(alpha, wanted), "relaxed_f": relaxed_f(alpha, wanted)}
    raw |= {"mae": mae(alpha, wanted), "sad": mae(alpha, wanted) * alpha.size / 1000, "seconds": 0}
    return [facts | raw, *(facts | judged(method, alpha, image, wanted) for method in METHODS)]


def summary(rows: list[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the means by kind and method."""
    cells: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        cells[row["kind"]][row["method"]].append(row)
    names = ("iou", "relaxed_f", "sad", "mae", "seconds")
    return {
        kind: {
            method: {name: float(np.mean([row[name] for row in some])) for name in names}
            for method, some in methods.items()
        }
        for kind, methods in cells.items()
    }


def show(title: str, table: dict[str, dict[str, dict[str, float]]]) -> None:
    """Print IoU / relaxed F / SAD by kind (down) and method (across)."""
    methods = list(next(iter(table.values())))
    print(f"\n{title}: IoU / relaxed F / SAD\n")
    print(f"| {'defect':8} | " + " | ".join(f"{method:>18}" for method in methods) + " |")
    print("|---" * (len(methods) + 1) + "|")
    for kind, cells in table.items():
        texts = [f"{c['iou']:.4f}/{c['relaxed_f']:.3f}/{c['sad']:5.2f}" for c in cells.values()]
        print(f"| {kind:8} | " + " | ".join(f"{text:>18}" for text in texts) + " |")


def harm(rows: list[Row]) -> dict[str, Any]:
    """Say what `auto_refine` does to truths."""
    autos = [row for row in rows if row["kind"] == "none" and row["method"] == "auto"]
    worst = sorted(autos, key=lambda row: row["iou"])
    below = [row for row in worst if row["iou"] < 0.99]
    touched = sum(bool(row["steps"]) for row in autos)
    print(f"\ntruths: {len(autos)}, touched {touched}, IoU below .99: {len(below)}")
    for row in worst[: max(5, len(below))]:
        where = f"{row['dataset']}/{row['name']}"
        print(f"  {where} {row['iou']:.4f} {row['relaxed_f']:.3f} {row['steps']}")
    return {
        "images": len(autos),
        "touched": touched,
        "iou": float(np.mean([row["iou"] for row in autos])),
        "relaxed_f": float(np.mean([row["relaxed_f"] for row in autos])),
        "share_below_99": len(below) / len(autos),
        "least_iou": worst[0]["iou"],
        "below_99": [f"{row['dataset']}/{row['name']}" for row in below],
    }


def targets(table: dict[str, Any], truths: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Compare with what the room promises."""
    found: dict[str, tuple[str, bool]] = {}

    def promise(name: str, value: float, bound: float, below: bool = False) -> None:
        met = value <= bound if below else value >= bound
        sign = "<=" if below else ">="
        found[name] = (f"{value:.4f} {sign} {bound}", bool(met))

    if "none" in table:
        promise("truth: mean IoU", truths["iou"], 0.99)
        promise("truth: mean relaxed F", truths["relaxed_f"], 0.95)
        promise("truth: share of images under .99", truths["share_below_99"], 0.05, below=True)
        promise("truth: least IoU", truths["least_iou"], 0.98)
    floors = {"holes": (0.985, 0.94), "islands": (0.99, 0.95), "speckle": (0.985, 0.94)}
    for kind, (least_iou, least_f) in (floors | {"mixed": (0.98, 0.90)}).items():
        if kind in table:
            auto = table[kind]["auto"]
            promise(f"{kind}: IoU", auto["iou"], least_iou)
            promise(f"{kind}: relaxed F", auto["relaxed_f"], least_f)
            for rival in ("rembg", "classic"):
                for name in ("iou", "relaxed_f"):
                    promise(
                        f"{kind}: {name} over {rival}", auto[name] - table[kind][rival][name], 0
                    )
    for kind, saved in (("polygon", 0.30), ("net128", 0.18), ("net320", 0.12)):
        if kind in table:
            before, after = table[kind]["threshold"]["sad"], table[kind]["auto"]["sad"]
            promise(f"{kind}: SAD saved", 1 - after / before, saved)
    if "polygon" in table:
        promise("polygon: relaxed F", table["polygon"]["auto"]["relaxed_f"], 0.85)
    if "map" in table:
        for rival in ("raw", "rembg"):
            gain = table["map"]["auto"]["relaxed_f"] - table["map"][rival]["relaxed_f"]
            promise(f"network maps: relaxed F over {rival}", gain, 0)
            promise(
                f"network maps: MAE over {rival}",
                table["map"]["auto"]["mae"] - table["map"][rival]["mae"],
                0,
                below=True,
            )
    print("\ntargets\n")
    for name, (text, met) in found.items():
        print(f"  {'met   ' if met else 'MISSED'} {name}: {text}")
    return found


def main() -> int:
    """Measure, print the tables, write JSON; exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--limit", type=int, help="photographs of each data set")
    parser.add_argument("--no-sod", action="store_true", help="leave out the saliency maps")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not DATA.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    photographs = list(listed(options.sets, options.limit))
    maps = sorted(path.stem for path in (DATA / "sod" / "images").iterdir())[: options.limit]
    rows: list[Row] = []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        kinds = tuple(options.kinds)
        for some in pool.map(measure, photographs, [kinds] * len(photographs)):
            rows += some
        for some in pool.map(saliency, [] if options.no_sod else maps):
            rows += some
    results: dict[str, Any] = {"sets": {}}
    for name in dict.fromkeys(row["dataset"] for row in rows):
        results["sets"][name] = summary([row for row in rows if row["dataset"] == name])
        show(name, results["sets"][name])
    results["all"] = summary(rows)
    show("all", results["all"])
    results["truths"] = harm(rows) if "none" in options.kinds else {}
    results["targets"] = targets(results["all"], results["truths"])
    results["rows"] = rows
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all(met for _, met in results["targets"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
