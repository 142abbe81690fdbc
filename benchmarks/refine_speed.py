"""Speed and memory of the refining functions that work on whole pictures, on one core.

  python benchmarks/refine_speed.py --out refine_speed.json

CPU time, because it does not depend on what else the machine does. Every measurement runs in a
process of its own: memory is that process's peak above what it held before, so it counts the
result and every temporary, but not the arrays that are passed in. The picture is an object with a
soft, wavy outline on a noisy background; the masks that `clean` gets are it as it is, and with
holes, islands and speckle (`degrade`).
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from pathlib import Path
from typing import Any

MEGAPIXELS = (12, 24, 48)
CASES = (
    "clean, good mask",
    "clean, holes",
    "clean, islands",
    "clean, speckle",
    "clean, mixed",
    "clean, classic",
    "smooth",
    "sharpen, 320",
    "enlarge, 320",
)


def measure(case: str, megapixels: int) -> dict[str, Any]:
    """Return what one case costs; to be called in a fresh process."""
    import cv2
    import numpy as np

    from maskmill.refine.cleaning import clean
    from maskmill.refine.degradation import degrade
    from maskmill.refine.sharpening import enlarge, sharpen
    from maskmill.refine.smoothing import smooth

    cv2.setNumThreads(1)
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    alpha, image = _picture(height, width)
    name, _, detail = case.partition(", ")
    small = np.clip(cv2.resize(alpha, (320, 320), interpolation=cv2.INTER_AREA), 0, 1)
    if detail in ("holes", "islands", "speckle", "mixed"):
        alpha = degrade(alpha, detail, 1)
    elif name == "sharpen":
        alpha = degrade(alpha, "net320", 1)
    calls: dict[str, Any] = {
        "clean": lambda: clean(alpha, image),
        "smooth": lambda: smooth(alpha),
        "sharpen": lambda: sharpen(alpha, 320),
        "enlarge": lambda: enlarge(small, height, width),
    }
    call = calls[name] if detail != "classic" else lambda: clean(alpha, preset="classic")
    call_small = np.zeros((64, 64), np.float32)
    smooth(call_small)  # OpenCV picks its kernels at the first call
    before = _held()
    began = time.process_time()
    result = call()
    seconds = time.process_time() - began
    grown = _peak() - before
    pixels = result.size / 1e6
    return {
        "case": case,
        "megapixels": round(pixels, 2),
        "MP/s": round(pixels / seconds, 1),
        "MB/MP": round(grown / 1e6 / pixels, 1),
    }


def _picture(height: int, width: int) -> tuple[Any, Any]:
    import cv2
    import numpy as np

    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    reach = height * (0.33 + 0.03 * np.sin(9 * angle) + 0.01 * np.sin(40 * angle))
    outline = np.stack(
        [width / 2 + reach * np.cos(angle), height / 2 + reach * np.sin(angle)], axis=1
    )
    levels = np.zeros((height, width), np.uint8)
    cv2.fillPoly(levels, [np.rint(outline).astype(np.int32)], 255)
    levels = cv2.GaussianBlur(levels, (0, 0), 1.5)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60, (height, width, 3), np.uint8)
    image = noise + (levels // 2)[..., None]
    return levels.astype(np.float32) / np.float32(255), image


def _held() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    # The peak is measured from here on where the kernel allows it to be set back.
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGESIZE")


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def main() -> None:
    """Measure, print a table, write it down."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--out", type=Path, metavar="FILE")
    parser.add_argument("--megapixels", type=int, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--case", action="append", choices=CASES)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    spawn = multiprocessing.get_context("spawn")
    for case in options.case or CASES:
        for megapixels in options.megapixels:
            with spawn.Pool(1) as pool:
                rows.append(pool.apply(measure, (case, megapixels)))
            row = rows[-1]
            print(
                f"{row['case']:18} {row['megapixels']:6.1f} MP {row['MP/s']:8.1f} MP/s "
                f"{row['MB/MP']:6.1f} MB/MP",
                flush=True,
            )
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
