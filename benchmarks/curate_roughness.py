"""How well `maskmill.curate.roughness` tells a mask's error without seeing the truth.

    python benchmarks/curate_roughness.py [--backgrounds 8] [--out roughness.json]

Mattes with true alpha (alphamatting.com's ten and pymatting's lemur) are laid over photographs, in
linear light, as JPEG 85; the masks become polygons simplified by 0 to 16 pixels. The same on ECSSD:
whole photographs, masks drawn pixel by pixel, and none of them used to choose a constant. Printed
beside it: what the gradient's peak alone says, and where masks of real data sets lie. Needs
shared/data.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import loadmat
from scipy.stats import spearmanr

from maskmill.curate.annotations import rle, union
from maskmill.curate.roughness import SIDE, Boundary, roughness
from maskmill.images import Alpha, Image, decode_image
from maskmill.light import composite
from maskmill.metrics import iou

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COARSE = (0, 2, 4, 8, 16)
MARGIN = 3  # pixels at the frame that neither side measures


def main() -> int:
    """Measure, print the tables, write JSON; exit with 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backgrounds", type=int, default=8, help="for each of the 11 mattes")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not DATA.is_dir():
        print("shared/data is not here: nothing to measure")
        return 2
    cv2.setNumThreads(1)
    results = {
        "composites": against_truth("composites", composites(options.backgrounds)),
        "ECSSD": against_truth("photographs of ECSSD", ecssd()),
        "data sets": of_data_sets(),
    }
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if results["composites"]["target"] and results["ECSSD"]["target"] else 1


def against_truth(title: str, pairs: Iterable[tuple[Image, Alpha]]) -> dict[str, Any]:
    """Measure pictures whose alphas are true, with polygons for masks; return what was printed."""
    columns: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds: list[float] = []
    for image, alpha in pairs:
        scale = max(alpha.shape) / SIDE
        for coarse in COARSE:
            mask = simplified(alpha, coarse * scale)
            start = time.process_time()
            found = roughness(image, mask)
            seconds.append(time.process_time() - start)
            row = {
                "roughness": found.roughness,
                "alignment": found.alignment,
                "judged": found.judged,
                "true distance": true_distance(mask, alpha) / scale,
                "IoU": iou(mask, (alpha >= 0.5).astype(np.float32)),
                "peak alone": peak_alone(image, mask) / scale,
            }
            for name, value in row.items():
                columns[name][coarse].append(value)
    number = len(columns["roughness"][0])
    print(f"\n{number} {title}; pixels at a long side of {SIDE}: median (p10 to p90) by eps\n")
    print(f"{'eps':<16}" + "".join(f"{coarse:>20}" for coarse in COARSE))
    spread = {
        name: {c: np.percentile(values[c], [10, 50, 90]).round(3).tolist() for c in COARSE}
        for name, values in columns.items()
    }
    for name, values in spread.items():
        cells = (f"{p50:.2f} ({p10:.2f} to {p90:.2f})" for p10, p50, p90 in values.values())
        print(f"{name:<16}" + "".join(f"{cell:>20}" for cell in cells))
    ranks = {
        name: rank_correlation(flat(columns[name]), flat(columns["true distance"]))
        for name in ("roughness", "alignment", "peak alone")
    }
    print(f"\nrank correlation with the true distance: {rounded(ranks)}")
    error = np.abs(np.subtract(flat(columns["roughness"]), flat(columns["true distance"])))
    milliseconds = float(np.median(seconds)) * 1e3
    print(
        f"mean error of the estimate: {error.mean():.2f} px; CPU: {milliseconds:.0f} ms a picture"
    )
    verdicts = {
        "roughness rises": rises([spread["roughness"][c][1] for c in COARSE]),
        "alignment falls": rises([-spread["alignment"][c][1] for c in COARSE]),
        "roughness: p90 at 2 below p10 at 8": spread["roughness"][2][2] < spread["roughness"][8][0],
        "alignment: p10 at 2 above p90 at 8": spread["alignment"][2][0] > spread["alignment"][8][2],
    }
    for name, holds in verdicts.items():
        print(f"{name:<40}{'yes' if holds else 'NO'}")
    return {
        "number": number,
        "spread": spread,
        "rank correlation": ranks,
        "mean error": float(error.mean()),
        "CPU ms": milliseconds,
        "verdicts": verdicts,
        "target": all(verdicts.values()),
    }


def of_data_sets() -> dict[str, Any]:
    """Measure the masks of real data sets; return what was printed."""
    print(f"\n{'masks of':<16}{'number':>8}{'judged':>8}" + f"{'roughness: p10, p50, p90':>28}")
    results: dict[str, Any] = {}
    for name, pairs in {
        "ecssd": ecssd(),
        "ccp": clothing(),
        "coco_person": coco_people(),
    }.items():
        found = [roughness(image, mask) for image, mask in pairs]
        sure = [one for one in found if one.judged >= 0.25]
        values = np.percentile([one.roughness for one in sure], [10, 50, 90])
        aligned = np.percentile([one.alignment for one in sure], [10, 50, 90])
        print(
            f"{name:<16}{len(found):>8}{len(sure):>8}    "
            + "  ".join(f"{v:5.2f}" for v in values)
            + "   alignment "
            + "  ".join(f"{v:4.2f}" for v in aligned)
            + f"   bias {median_bias(sure):+.2f}"
        )
        results[name] = {
            "number": len(found),
            "judged": len(sure),
            "roughness": values.round(3).tolist(),
            "alignment": aligned.round(3).tolist(),
            "bias": median_bias(sure),
        }
    return results


def median_bias(found: list[Boundary]) -> float:
    """Return the median of the signed distances."""
    return float(np.median([one.bias for one in found]))


def composites(backgrounds: int) -> Iterator[tuple[Image, Alpha]]:
    """Yield pictures and their true alphas, each matte over `backgrounds` photographs."""
    photographs = sorted((DATA / "backgrounds" / "images").glob("*.jpg"))
    number = 0
    for foreground, alpha in mattes():
        for _ in range(backgrounds):
            behind = covering(read(photographs[number % len(photographs)]), alpha.shape)
            number += 1
            yield jpeg(composite(foreground, alpha, behind)), alpha


def mattes() -> Iterator[tuple[Image, Alpha]]:
    """Yield foreground colours and true alphas at the known scale."""
    folder = DATA / "alphamatting"
    places = [(path, folder / "alpha" / path.name) for path in sorted(folder.glob("input/*.png"))]
    places.append((DATA / "lemur" / "lemur.png", DATA / "lemur" / "lemur_alpha.png"))
    for picture, matte in places:
        levels = cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE)
        assert levels is not None, matte
        alpha = levels.astype(np.float32) / np.float32(255)
        scale = SIDE / max(alpha.shape)
        size = (round(alpha.shape[1] * scale), round(alpha.shape[0] * scale))
        foreground = cv2.resize(
            spread_out(read(picture), alpha), size, interpolation=cv2.INTER_AREA
        )
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
        yield foreground.astype(np.uint8), np.clip(alpha, 0, 1).astype(np.float32)


def spread_out(image: Image, alpha: Alpha) -> Image:
    """Carry the colours of what is solid outwards, over those that hold the old background."""
    core = np.asarray(cv2.erode((alpha > 0.98).astype(np.uint8), np.ones((3, 3), np.uint8)))
    _, nearest = cv2.distanceTransformWithLabels(
        1 - core, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(nearest, np.intp)
    colours = np.zeros((labels.max() + 1, 3), np.uint8)
    colours[labels[core > 0]] = image[core > 0]
    outside = cv2.GaussianBlur(colours[labels], (0, 0), 1.5)
    return np.where(core[..., None] > 0, image, outside).astype(np.uint8)


def covering(image: Image, shape: tuple[int, ...]) -> Image:
    """Return the middle of the picture at the least scale at which it fills the frame."""
    scale = max(shape[0] / image.shape[0], shape[1] / image.shape[1])
    size = (
        max(shape[1], round(image.shape[1] * scale)),
        max(shape[0], round(image.shape[0] * scale)),
    )
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    large = cv2.resize(image, size, interpolation=way)
    top, left = (large.shape[0] - shape[0]) // 2, (large.shape[1] - shape[1]) // 2
    return large[top : top + shape[0], left : left + shape[1]].astype(np.uint8)


def simplified(alpha: Alpha, coarse: float) -> Alpha:
    """Return the mask with each of its outlines, holes too, simplified by so many pixels."""
    solid = (alpha >= 0.5).astype(np.uint8)
    if coarse == 0:
        return solid.astype(np.float32)
    contours, tree = cv2.findContours(solid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    mask = np.zeros_like(solid)
    for holes in (False, True):
        for contour, place in zip(contours, tree[0], strict=True):
            if (place[3] >= 0) == holes:
                corners = cv2.approxPolyDP(contour, coarse, True)
                if len(corners) > 2:
                    cv2.fillPoly(mask, [corners], 0 if holes else 1)
    return mask.astype(np.float32)


def true_distance(mask: Alpha, alpha: Alpha) -> float:
    """Return the mean distance from the mask's boundary to the true one, in pixels."""
    truth, ours = outline(alpha), outline(mask)
    far = cv2.distanceTransform((~truth).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ours[:MARGIN] = ours[-MARGIN:] = False
    ours[:, :MARGIN] = ours[:, -MARGIN:] = False
    return float(far[ours].mean())


def outline(alpha: Alpha) -> Any:
    """Return which pixels are the mask's last ones inside."""
    solid = (alpha >= 0.5).astype(np.uint8)
    return (solid - cv2.erode(solid, np.ones((3, 3), np.uint8), borderValue=1)) > 0


def peak_alone(image: Image, mask: Alpha) -> float:
    """Return the mean distance to the strongest gradient within 10 px, each point on its own."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
    steep = np.hypot(cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1))
    solid = (mask >= 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 5) - cv2.distanceTransform(
        1 - solid, cv2.DIST_L2, 5
    )
    depth = cv2.GaussianBlur(depth, (0, 0), 2)
    away = np.stack([cv2.Sobel(depth, cv2.CV_32F, 1, 0), cv2.Sobel(depth, cv2.CV_32F, 0, 1)], -1)
    away /= np.linalg.norm(away, axis=2, keepdims=True) + 1e-6
    ours = outline(mask)
    ours[:14] = ours[-14:] = False
    ours[:, :14] = ours[:, -14:] = False
    rows, columns = np.nonzero(ours)
    offsets = np.arange(-10, 11)
    x = columns[:, None] + away[rows, columns, :1] * offsets
    y = rows[:, None] + away[rows, columns, 1:] * offsets
    profile = cv2.remap(steep, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return float(np.abs(offsets[profile.argmax(1)]).mean())


def ecssd() -> Iterator[tuple[Image, Alpha]]:
    """Yield the pictures of ECSSD: masks drawn by hand, pixel by pixel."""
    for path in sorted((DATA / "ecssd" / "masks").glob("*.png")):
        levels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert levels is not None, path
        image = read(DATA / "ecssd" / "images" / f"{path.stem}.jpg")
        yield image, (levels >= 128).astype(np.float32)


def clothing() -> Iterator[tuple[Image, Alpha]]:
    """Yield the pictures of Clothing Co-Parsing: masks made of superpixels."""
    for path in sorted((DATA / "ccp" / "pixel-level").glob("*.mat")):
        labels = np.ascontiguousarray(loadmat(path)["groundtruth"])
        yield read(DATA / "ccp" / "photos" / f"{path.stem}.jpg"), (labels > 0).astype(np.float32)


def coco_people() -> Iterator[tuple[Image, Alpha]]:
    """Yield pictures of COCO with at most two people who fill 5 % and more: polygons by hand."""
    document = json.loads((DATA / "coco_person" / "person_keypoints.json").read_bytes())
    drawn: dict[int, list[Any]] = defaultdict(list)
    for annotation in document["annotations"]:
        drawn[annotation["image_id"]].append(annotation)
    for record in document["images"]:
        height, width, people = record["height"], record["width"], drawn[record["id"]]
        if len(people) > 2 or any(a["iscrowd"] for a in people):
            continue
        mask = union([rle(a["segmentation"], height, width) for a in people], height, width)
        if mask.coverage >= 0.05:
            yield read(DATA / "coco_person" / "images" / record["file_name"]), mask.alpha()


def read(path: Path) -> Image:
    """Read a photograph as RGB."""
    return decode_image(path.read_bytes())


def jpeg(image: Image) -> Image:
    """Return the picture as it comes out of a JPEG of quality 85."""
    done, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85]
    )
    assert done
    return decode_image(data.tobytes())


def rank_correlation(values: list[float], truth: list[float]) -> float:
    """Return Spearman's coefficient."""
    found: Any = spearmanr(values, truth)
    return float(found.statistic)


def flat(column: dict[int, list[float]]) -> list[float]:
    """Return a column's values, of every eps in turn."""
    return [value for coarse in COARSE for value in column[coarse]]


def rises(values: list[float]) -> bool:
    """Tell whether each value from an eps of 2 on is above the one before."""
    return all(a < b for a, b in pairwise(values[1:]))


def rounded(values: dict[str, float]) -> str:
    """Return names and values in one line."""
    return ", ".join(f"{name} {value:+.2f}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
