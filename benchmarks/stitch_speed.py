"""Cost of putting a clip back and solving its alpha, on one core.

    python benchmarks/stitch_speed.py [--rounds 5] [--out stitch_speed.json]

CPU time, because it does not depend on what else the machine does. Every measurement runs in a
process of its own; memory is that process's peak, interpreter and libraries included. Photographs
are scikit-image's, enlarged, with grain; clips are simulated. SIFT with a homography, as OpenCV's
tutorial has it, runs in the same rounds.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

CASES: dict[str, dict[str, Any]] = {
    "jpeg": {"scale": 0.7, "quality": 80},
    "jpeg, mirrored": {"scale": 0.7, "mirrored": True},
    "png": {"scale": 0.7, "encoding": "png"},
    "jpeg, turned, graded": {"scale": 0.5, "rotation": 3.0, "gamma": 0.9, "contrast": 1.1},
}
WRONG = ("another product", "perspective", "no texture")
LARGE: dict[str, dict[str, Any]] = {
    "jpeg": {"scale": 0.4, "quality": 80},
    "png": {"scale": 0.4, "encoding": "png"},
}


def photograph(name: str, megapixels: float) -> tuple[Any, Any]:
    """Return an enlarged photograph with grain, and an object in it."""
    import cv2
    import numpy as np
    from skimage import data

    image = getattr(data, name)()
    factor = (megapixels * 1e6 / (image.shape[0] * image.shape[1])) ** 0.5
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    random = np.random.default_rng(1)
    for row in large:  # one by one: all at once would take eight bytes for each
        grain = random.normal(0, 3, row.shape)
        row[:] = np.clip(np.rint(row + grain), 0, 255)
    mask = np.zeros(large.shape[:2], np.uint8)
    centre, axes = (size[0] // 2, size[1] // 2), (round(0.36 * size[0]), round(0.4 * size[1]))
    cv2.ellipse(mask, centre, axes, 10, 0, 360, 255, cv2.FILLED, cv2.LINE_AA)
    return large, mask.astype(np.float32) / np.float32(255)


def make(case: str, megapixels: float, folder: str) -> None:
    """Write what a case is measured on: making a clip takes more memory than laying it back."""
    import cv2
    import numpy as np

    from maskmill.stitch.simulation import Making, simulate

    original, alpha = photograph("coffee", megapixels)
    fixed = (LARGE if megapixels > 10 else CASES).get(case, {"scale": 0.7})
    clip = simulate(original, alpha, Making(**fixed)).image
    if case == "another product":
        original = photograph("astronaut", megapixels)[0]
    elif case == "perspective":
        height, width = original.shape[:2]
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        moved = corners + np.array([[0.04, 0.02], [-0.03, 0], [0, -0.04], [0.02, 0]], np.float32)
        side = np.array([width, height], np.float32)
        bent = cv2.getPerspectiveTransform(corners * side, moved * side)
        original = cv2.warpPerspective(original, bent, (width, height))
    elif case == "no texture":
        clip = np.where(clip < 240, np.uint8(120), clip)
    np.save(Path(folder, "original.npy"), original)
    np.save(Path(folder, "clip.npy"), clip)


def measure(case: str, megapixels: float, folder: str) -> dict[str, Any]:
    """Return what one case costs; to be called in a fresh process."""
    import cv2
    import numpy as np
    from stitch_baselines import sift_homography

    from maskmill.stitch.alignment import align
    from maskmill.stitch.compositing import clip_matte

    cv2.setNumThreads(1)
    original, clip = (np.load(Path(folder, f"{name}.npy")) for name in ("original", "clip"))
    small = np.s_[: original.shape[0] // 8, : original.shape[1] // 8]
    warm = np.full((200, 200, 3), 255, np.uint8)
    warm[50:150, 50:150] = original[small][:100, :100]
    clip_matte(original[small], warm, align(original[small], warm))  # imports
    start = time.process_time()
    found = align(original, clip)
    aligned = time.process_time()
    if found.accepted:
        clip_matte(original, clip, found)
    solved = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sift_homography(original, np.ascontiguousarray(clip[..., :3]))
    return {
        "case": case,
        "megapixels": megapixels,
        "clip": clip.shape[0] * clip.shape[1] / 1e6,
        "accepted": found.accepted,
        "reason": found.reason,
        "align": aligned - start,
        "alpha": solved - aligned,
        "sift": time.process_time() - solved,
        "peak_mb": peak,
    }


def main() -> int:
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="only the 24 megapixels")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    todo = [(case, 2.0) for case in (*CASES, *WRONG) if not options.large]
    todo += [(case, 24.0) for case in LARGE]
    rows: list[dict[str, Any]] = []
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as whole:
        for number, (case, megapixels) in enumerate(todo):
            Path(whole, str(number)).mkdir()
            with context.Pool(1) as pool:
                pool.apply(make, (case, megapixels, f"{whole}/{number}"))
        for turn in range(options.rounds):
            for number, (case, megapixels) in enumerate(todo):
                if megapixels > 10 and turn:
                    continue
                with context.Pool(1) as pool:
                    rows.append(pool.apply(measure, (case, megapixels, f"{whole}/{number}")))
    names = ("align s", "alpha s", "SIFT + homography s", "peak MB")
    print(f"{'':24}{'MP':>5}{'clip':>6}  {'':14}" + "".join(f"{name:>20}" for name in names))
    for case, megapixels in todo:
        some = [row for row in rows if (row["case"], row["megapixels"]) == (case, megapixels)]
        one = some[0]
        times = [statistics.median(row[key] for row in some) for key in ("align", "alpha", "sift")]
        peak = max(row["peak_mb"] for row in some)
        told = one["reason"] or "accepted"
        cells = "".join(f"{value:20.2f}" for value in times) + f"{peak:20.0f}"
        print(f"{case:24}{megapixels:5.0f}{one['clip']:6.1f}  {told:14}{cells}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
