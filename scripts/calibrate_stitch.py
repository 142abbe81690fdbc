"""Draw how the score of `maskmill.stitch.align` divides true pairs from wrong ones.

    python benchmarks/stitch.py --only ours --out stitch.json
    python scripts/calibrate_stitch.py stitch.json docs/pictures/stitch_calibration.png

The first command aligns the half for development; the second prints, for thresholds from 0 to 1,
the share of true pairs that are accepted within a pixel (a clip's pixel, or the photograph's where
that is more), of those that are accepted farther off, and of wrong pairs that are accepted; and
which of the verifier's bounds refuses how many. `verification.THRESHOLD` is where the bounds lie
that its `LIMITS` and `FLOORS` set; the picture shows what another one would change.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskmill.images import Image, encode_image
from maskmill.stitch.verification import THRESHOLD

Row = dict[str, Any]
STEPS = np.linspace(0.01, 1, 100)
WIDTH, HEIGHT, EDGE = 640, 300, 60
Colour = tuple[int, int, int]
INK: Colour = (60, 60, 60)
GRID: Colour = (225, 225, 225)
COLOURS: tuple[Colour, ...] = ((30, 120, 90), (205, 130, 0), (180, 40, 70))


def shares(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Return three curves over `STEPS`."""
    true = [row for row in rows if row["kind"] == "true"]
    wrong = [row for row in rows if row["kind"] != "true"]
    near = np.array([row["error"] < max(1.0, 1.0 / row["scale"]) for row in true])
    score, other = (np.array([row["score"] for row in some]) for some in (true, wrong))
    return {
        "true pairs, put right": [float(np.mean(near & (score >= step))) for step in STEPS],
        "true pairs, put wrong": [float(np.mean(~near & (score >= step))) for step in STEPS],
        "wrong pairs": [float(np.mean(other >= step)) for step in STEPS],
    }


def drawn(curves: dict[str, list[float]]) -> Image:
    """Return the picture: shares in percent over the score."""
    picture = np.full((HEIGHT + 2 * EDGE, WIDTH + 2 * EDGE, 3), 255, np.uint8)

    def place(score: float, share: float) -> tuple[int, int]:
        return round(EDGE + score * WIDTH), round(EDGE + (1 - share) * HEIGHT)

    def written(text: str, at: tuple[int, int], colour: Colour = INK) -> None:
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)

    for share in (0, 0.25, 0.5, 0.75, 1):
        (x, y), end = place(0, share), place(1, share)
        cv2.line(picture, (x, y), end, GRID, 1)
        written(f"{share:.0%}", (x - 44, y + 5))
        x, y = place(share, 0)
        written(f"{share:g}", (x - 8, y + 20))
    written("score", place(0.47, -0.13))
    cv2.line(picture, place(THRESHOLD, 0), place(THRESHOLD, 1), INK, 1)
    written("threshold", place(THRESHOLD - 0.06, 1.03))
    for row, ((name, values), colour) in enumerate(zip(curves.items(), COLOURS, strict=True)):
        line = np.array([place(*point) for point in zip(STEPS, values, strict=True)], np.int32)
        cv2.polylines(picture, [line], False, colour, 2, cv2.LINE_AA)
        written(name, place(0.05, 0.62 - 0.07 * row), colour)
    return picture


def main() -> int:
    """Print the curve, draw it."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("measured", type=Path, help="what benchmarks/stitch.py wrote")
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    rows = [row for row in json.loads(options.measured.read_text())["rows"] if "score" in row]
    curves = shares(rows)
    print(f"{'score':>6}" + "".join(f"{name:>24}" for name in curves))
    for place in range(9, 100, 10):
        values = "".join(f"{curve[place]:24.4f}" for curve in curves.values())
        print(f"{STEPS[place]:6.2f}{values}")
    refused = Counter(row["reason"] for row in rows if row["kind"] == "true" and row["reason"])
    parts = ", ".join(f"{count} {reason}" for reason, count in refused.items())
    print("true pairs refused:", parts)
    options.picture.write_bytes(encode_image(drawn(curves)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
