"""Score a folder of predicted masks against a folder of true ones.

Files are paired by their names without suffix (the NAME.alpha.png of `maskmill predict` counts as
NAME). A mask is a picture of 8 or 16 bits with one channel; of a picture with transparency the
alpha channel counts. Prediction and truth must have the same size.

  maskmill evaluate predictions/ truths/
  maskmill evaluate predictions/ truths/ --metrics iou,relaxed_f --out scores.csv
  maskmill evaluate predictions/ truths/ --metrics all --workers 8 --out all.json --out all.csv

metrics (more is better unless said):
  iou, f_beta, e_measure      overlap; F (beta squared .3) and E over 256 thresholds: the best, the
                              mean, and that of an adaptive threshold
  s_measure, weighted_f       structure of a soft map; F with errors weighed by where they are
  boundary_iou                overlap of the bands inside the outlines, 2 % of the diagonal wide
  relaxed_f                   outlines that agree within 3 pixels
  relaxed_f_scaled            the same within .4 % of the long side
  mae, mse, sad, grad, conn   less is better: absolute and squared error; matting's sum of absolute
                              differences, gradient and connectivity error, in thousands

Three numbers are called maxF. f_max is the mean of every pair's own best; f_max_of_mean_curve the
highest value of the mean F curve (PySODMetrics); f_max_of_mean_pr the F of the mean precision and
recall curves (MATLAB toolboxes, most published saliency tables). Compare like with like.

Values count as they are; --stretch brings every prediction to [0, 1] first, as PySODMetrics does.
Exit code 1: a file was missing or could not be scored; the others are scored all the same.
"""

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskmill.metrics import Evaluation

HELP = "score predicted masks against true ones"

_SHOWN = 20  # faults on the terminal; files hold all


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("predictions", metavar="PRED_DIR", help="folder of the predicted masks")
    parser.add_argument("truths", metavar="GT_DIR", help="folder of the true ones")
    parser.add_argument(
        "--metrics",
        metavar="NAME,...",
        help="which, or 'all' (default: all but weighted_f, grad and conn, which take longest)",
    )
    parser.add_argument(
        "--out",
        action="append",
        default=[],
        metavar="FILE",
        help=".csv: a row per pair; .json: that, the summary, the curves and what was not scored; "
        "may be given several times",
    )
    parser.add_argument(
        "--resize",
        action="store_true",
        help="bring predictions of another size to the truth's (bilinear, or area means downwards)",
    )
    parser.add_argument(
        "--stretch", action="store_true", help="stretch every prediction to [0, 1] first"
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes (default: 1)"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from pathlib import Path

    from maskmill.files import write_whole
    from maskmill.metrics import METRICS, QUICK, evaluate_folders
    from maskmill.work import one_thread

    from . import mistakes
    from .bars import Bars

    chosen = QUICK
    if options.metrics is not None:
        named = tuple(dict.fromkeys(part.strip() for part in options.metrics.split(",")))
        chosen = METRICS if named == ("all",) else named
    with mistakes(ValueError), one_thread(), Bars() as bars:
        for out in options.out:
            if Path(out).suffix not in _FORMATS:
                raise ValueError(f"--out must end in {' or '.join(_FORMATS)}, got {out}")
        found, faults = evaluate_folders(
            options.predictions,
            options.truths,
            chosen,
            stretch=options.stretch,
            resize=options.resize,
            workers=options.workers,
            progress=bars.counter("evaluate"),
        )
    for name, why in list(faults.items())[:_SHOWN]:
        print(f"{name}: {why}", file=sys.stderr)
    if len(faults) > _SHOWN:
        print(f"... and {len(faults) - _SHOWN} more", file=sys.stderr)
    if found is None:
        print("maskmill: error: no pair could be scored", file=sys.stderr)
        return 1
    print(_table(found))
    if faults:
        print(f"not scored: {len(faults)}")
    facts = {"stretch": options.stretch, "resize": options.resize}
    for out in options.out:
        write_whole(out, _FORMATS[Path(out).suffix](found, faults, facts).encode())
        print(f"wrote {out}")
    return 1 if faults else 0


def _table(found: "Evaluation") -> str:
    """Return the summary for a terminal."""
    import numpy as np

    of_set = {
        "f_max_of_mean_pr": "as the MATLAB toolboxes and most published tables",
        "f_max_of_mean_curve": "as PySODMetrics",
        "e_max_of_mean_curve": "as PySODMetrics",
    }
    number = len(found.names)
    lines = [
        f"{number} pair{'s' * (number != 1)}",
        f"{'metric':<20}{'mean':>10}{'median':>10}{'worst':>10}  pair",
    ]
    for metric, scores in found.per_image.items():
        name, worst = found.worst(metric)
        mean, median = found.summary[metric], float(np.median(scores))
        lines.append(f"{metric:<20}{mean:>10.4f}{median:>10.4f}{worst:>10.4f}  {name}")
    lines += [
        f"{metric:<20}{found.summary[metric]:>10.4f}  of the set, {what}"
        for metric, what in of_set.items()
        if metric in found.summary
    ]
    return "\n".join(lines)


def _csv(found: "Evaluation", faults: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", *found.per_image])
    columns = [column.tolist() for column in found.per_image.values()]
    writer.writerows(zip(found.names, *columns, strict=True))
    return text.getvalue()


def _json(found: "Evaluation", faults: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    import json

    rows = zip(*(column.tolist() for column in found.per_image.values()), strict=True)
    record = {
        "pairs": len(found.names),
        **facts,
        "summary": dict(found.summary),
        "not_scored": dict(faults),
        "curves": {name: curve.tolist() for name, curve in found.curves.items()},
        "per_image": {
            name: dict(zip(found.per_image, row, strict=True))
            for name, row in zip(found.names, rows, strict=True)
        },
    }
    return json.dumps(record, indent=1) + "\n"


_FORMATS = {".csv": _csv, ".json": _json}
