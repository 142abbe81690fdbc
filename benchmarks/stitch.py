"""Put simulated clips back on real photographs: maskmill's `align` and what people do today.

    python benchmarks/stitch.py [--half development] [--limit 40] [--only ours] [--out stitch.json]
        [--views DIR]

Every method sees the same pairs, one after the other. The error is the mean over the corners of the
object's box, in the original's pixels. Thresholds are tuned on the half "development"; the half
"test" has other photographs and other seeds. Needs ../shared/data.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.stats import beta
from stitch_baselines import BASELINES
from stitch_pairs import DATA, HALVES, TRUE, WRONG, Case, Pair, cases, made, views

from maskmill.stitch.alignment import align
from maskmill.stitch.geometry import corners_of, mapped

Row = dict[str, Any]
OURS, OPTIONAL = "ours", "imreg_dft"


def measured(case: Case, methods: Sequence[str]) -> list[Row]:
    """Make a pair and align it by every method; return a row for each."""
    cv2.setNumThreads(1)
    pair = made(case)
    if pair is None:
        return []
    facts = {
        "name": pair.name,
        "stratum": pair.stratum,
        "kind": pair.kind,
        "scale": pair.making.scale,
        "side": int(np.ptp(corners_of(pair.clip_alpha >= 0.5), axis=0).max()) + 1,
        "clip_side": max(pair.clip.shape[:2]),
        "megapixels": pair.original.shape[0] * pair.original.shape[1] / 1e6,
    }
    return [facts | {"method": method} | _run(method, pair) for method in methods]


def _run(method: str, pair: Pair) -> Row:
    start = time.process_time()
    row: Row = {}
    if method == OURS:
        found = align(pair.original, pair.clip)
        matrix: Any = np.vstack([found.matrix, [0, 0, 1]]) if found.matrix.any() else None
        row = {"reason": found.reason, "score": found.score, "inliers": found.inliers}
        if found.evidence is not None:
            seen = found.evidence
            row["evidence"] = {
                "bend": seen.bend,
                "size": seen.size,
                "shift": seen.shift,
                "typical": seen.typical,
                "weak": seen.weak,
                "correlation": seen.correlation,
                "inside": seen.inside,
                "residual": seen.residual,
                "tiles": len(seen.tiles),
            }
        accepted = found.accepted
    else:
        cv2.setRNGSeed(0)
        clip = _plain(pair.clip)
        matrix = BASELINES[method](pair.original, clip)
        accepted = matrix is not None
    row |= {"accepted": accepted, "seconds": time.process_time() - start}
    if pair.kind == TRUE:
        corners = corners_of(pair.clip_alpha >= 0.5)
        truth = mapped(np.vstack([pair.matrix, [0, 0, 1]]), corners)
        row["error"] = 1e6
        if matrix is not None:
            off = mapped(matrix, corners) - truth
            row["error"] = float(np.nan_to_num(np.hypot(*off.T).mean(), nan=1e6, posinf=1e6))
    return row


def _plain(clip: Any) -> Any:
    """Return a clip as a program that knows only RGB of 8 bits sees it, over white."""
    if clip.dtype == np.uint16:
        clip = (clip // 257).astype(np.uint8)
    if clip.ndim == 2:
        return cv2.cvtColor(clip, cv2.COLOR_GRAY2RGB)
    if clip.shape[2] == 4:
        weight = clip[..., 3:] / 255
        return np.rint(clip[..., :3] * weight + 255 * (1 - weight)).astype(np.uint8)
    return clip


def bound(count: int, of: int) -> float:
    """Return the upper end of Clopper and Pearson's 95 % interval of a share."""
    return 1.0 if count >= of else float(beta.ppf(0.975, count + 1, of - count))


def textured(row: Row) -> bool:
    """Whether a pair counts for the first promise: scale .3 to 1.2, an object with texture."""
    return (
        row["stratum"] not in ("plain", "low_texture")
        and 0.3 <= row["scale"] <= 1.2
        and not small(row)
    )


def small(row: Row) -> bool:
    """Whether a clip is under 200 pixels: it is judged in its own pixels."""
    return row["clip_side"] < 200


def judged(rows: Sequence[Row]) -> dict[str, float]:
    """Return the numbers of one method on true pairs."""
    kept = [row for row in rows if row["accepted"]]
    errors = np.array([row["error"] for row in kept] or [np.nan])
    clip_errors = np.array([row["error"] * row["scale"] for row in rows])
    good = np.array([row["accepted"] for row in rows])
    return {
        "pairs": len(rows),
        "within 1 px": float(np.mean([row["accepted"] and row["error"] < 1 for row in rows])),
        "within 1.5 px": float(np.mean([row["accepted"] and row["error"] < 1.5 for row in rows])),
        "within half a clip px": float(np.mean(good & (clip_errors < 0.5))),
        "median": float(np.median(errors)),
        "95th percentile": float(np.percentile(errors, 95)),
        "over 3 px": int(np.sum(errors > 3)),
        "seconds": float(np.median([row["seconds"] for row in rows])),
    }


def show(rows: Sequence[Row], methods: Sequence[str]) -> dict[str, Any]:
    """Print the tables; return their numbers."""
    true = [row for row in rows if row["kind"] == TRUE]
    strata = sorted({row["stratum"] for row in true} - {"small"})
    found: dict[str, Any] = {}
    for title, chosen in [
        ("textured, scale .3 to 1.2", [row for row in true if textured(row)]),
        ("clips under 200 pixels", [row for row in true if small(row)]),
        *(
            (stratum, [row for row in true if row["stratum"] == stratum and not small(row)])
            for stratum in strata
        ),
    ]:
        print(f"\n{title}\n")
        names = ("<1 px", "<.5 clip px", "median", "p95", ">3 px", "CPU s")
        print(f"{'':26}{'pairs':>6}" + "".join(f"{name:>12}" for name in names))
        found[title] = {}
        for method in methods:
            some = [row for row in chosen if row["method"] == method]
            if not some:
                continue
            found[title][method] = judged(some)
            pairs, within, _, half, median, most, far, seconds = found[title][method].values()
            numbers = f"{within:12.3f}{half:12.3f}{median:12.3f}{most:12.3f}{far:12}{seconds:12.2f}"
            print(f"{method:26}{pairs:6}{numbers}")
    print(f"\nwrong pairs accepted{'':6}" + "".join(f"{kind:>16}" for kind in (*WRONG, "all")))
    found["wrong"] = {}
    for method in methods:
        cells: list[str] = []
        most = 1.0
        for kind in (*WRONG, "all"):
            some = [
                row
                for row in rows
                if row["method"] == method and row["kind"] in ((kind,) if kind != "all" else WRONG)
            ]
            count = sum(row["accepted"] for row in some)
            share, most = count / max(1, len(some)), bound(count, max(1, len(some)))
            found["wrong"].setdefault(method, {})[kind] = [count, len(some), most]
            cells.append(f"{count}/{len(some)} {share:.1%}".rjust(16))
        print(f"{method:26}" + "".join(cells) + f"  at most {most:.1%}")
    return found


def _known(path: Path | None, settings: list[str]) -> list[list[Row]]:
    """Return the rows of the cases an earlier run of the same settings has done."""
    if path is None:
        return []
    if not path.exists():
        path.write_text(json.dumps(settings) + "\n")
    first, *lines = path.read_text().splitlines()
    if json.loads(first) != settings:
        raise SystemExit(f"{path} is of another run: {first}")
    return [json.loads(line) for line in lines]


def main() -> int:
    """Measure, print the tables, write JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--limit", type=int, help="photographs")
    parser.add_argument("--skip", type=int, default=0, help="photographs, of these, left out")
    parser.add_argument("--views", type=Path, help="what scripts/render_views.py rendered")
    parser.add_argument("--only", nargs="+", choices=(OURS, *BASELINES), metavar="METHOD")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--rows",
        type=Path,
        help="JSON lines to which cases go as they end: a run that was killed goes on",
    )
    options = parser.parse_args()
    if not DATA.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    installed = importlib.util.find_spec(OPTIONAL) is not None
    methods = options.only or [OURS, *(name for name in BASELINES if name != OPTIONAL or installed)]
    todo = cases(options.half, options.limit, options.skip)
    if options.views:
        todo += views(options.half, options.views)
    known = _known(options.rows, [options.half, str(options.skip), *methods])
    rows = [row for some in known[: len(todo)] for row in some]
    left = todo[len(known) :]
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for number, some in enumerate(pool.map(measured, left, [methods] * len(left)), 1):
            rows += some
            if options.rows:
                with options.rows.open("a") as file:
                    file.write(json.dumps(some) + "\n")
            if number % 50 == 0:
                print(f"{len(known) + number} of {len(todo)}", file=sys.stderr, flush=True)
    numbers = show(rows, methods)
    if options.out:
        options.out.write_text(json.dumps({"tables": numbers, "rows": rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
