"""Draw the refine room's pictures: what every defect becomes, and what every function does.

Every number below a picture is measured when it is drawn, and a picture that no longer shows what
the page says of it is an error. The photographs are those of the scikit-image wheel with our
outlines; hair and cane, whose colours and alpha are known exactly, are drawn.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from curate_scenes import Photographs
from picture_sheets import PEOPLE, Colour, Panel, outlined, sheet, write_sheet
from refine_scenes import Truth, basket, before, hair, lamps

from maskmill.cli import main as maskmill
from maskmill.images import Alpha, Image, encode_alpha, encode_image
from maskmill.light import composite
from maskmill.metrics import iou, relaxed_f, sad
from maskmill.refine import (
    auto_refine,
    clean,
    decontaminate,
    degrade,
    enlarge,
    matte,
    sharpen,
    smooth,
    trimap,
)
from maskmill.refine.scoring import quality
from maskmill.report.refinement import MAGENTA, places

SIDE, WIDTH = 288, 1080
WALL: Colour = (214, 196, 170)
BLUE, GREEN = (40, 90, 255), (70, 230, 60)

Pair = tuple[Image, Alpha]
Box = tuple[int, int, int, int]

# Each defect on two photographs: which, how it is made, and from which seed.
_DEFECTS = {
    "hole": (("astronaut", "holes", 1), ("coffee", "holes", 1)),
    "island": (("astronaut", "islands", 1), ("coffee", "islands", 1)),
    "speckle": (("astronaut", "speckle", 1), ("coffee", "speckle", 1)),
    "stairs": (("astronaut", "stairs", 1), ("coffee", "stairs", 1)),
    "polygon": (("astronaut", "polygon", 1), ("coffee", "polygon", 1)),
    "low_resolution": (("astronaut", "net128", 1), ("coffee", "net128", 1)),
    "halo": (("astronaut", "halo", 1), ("coffee", "bitten", 1)),
}
_OBJECTS = {"astronaut": ("person",), "coffee": ("cup", "spoon", "saucer")}


def draw_all(folder: Path) -> Iterator[Path]:
    """Write every picture into a folder, as ``refine_<what>.png``."""
    with tempfile.TemporaryDirectory() as name:
        photographs = Photographs(Path(name))
        pairs = {name: _pair(photographs, name) for name in _OBJECTS}
    head = before(hair(480), lamps(480, BLUE))
    cane = before(basket(480), lamps(480, GREEN))
    for defect, cases in _DEFECTS.items():
        panels = [_mended(pairs[name], defect, kind, seed) for name, kind, seed in cases]
        yield _written(folder, defect, panels, 1)
    image, alpha = pairs["coffee"]
    good = ((image, (alpha >= 0.5).astype(np.float32)), *((t.image, t.alpha) for t in (head, cane)))
    yield _written(folder, "unharmed", [_unharmed(*pair) for pair in good], 1)
    yield _written(folder, "smooth", _smoothed(*pairs["astronaut"]), 4)
    yield _written(folder, "sharpen", _sharpened(*pairs["coffee"]), 4)
    yield _written(folder, "matte", [_matted(head), _matted(cane, harmful=True)], 1)
    yield _written(folder, "blue_hair", _decontaminated(head), 1)
    yield _written(folder, "small_gaps", _decontaminated(cane), 1)
    yield _written(folder, "quality", _ordered(*pairs["astronaut"]), 4)
    yield _by_command(folder, *pairs["astronaut"])


def _pair(photographs: Photographs, name: str) -> Pair:
    alpha = photographs.cutout(name, *_OBJECTS[name]).alpha
    return photographs.shot(name).scene.pixels, np.asarray(alpha, np.float32)


def _written(folder: Path, name: str, panels: Sequence[Panel], across: int) -> Path:
    path = folder / f"refine_{name}.png"
    write_sheet(path, sheet(panels, across=across, side=SIDE))
    return path


def _mended(pair: Pair, defect: str, kind: str, seed: int) -> Panel:
    """Draw a spoilt outline, and the cut-out before and after, where most has changed."""
    image, truth = pair
    spoilt = degrade(truth, kind, seed)
    refined = auto_refine(spoilt, image)
    if defect not in refined.defects.found or not refined.mended:
        raise ValueError(f"{kind} must be found as {defect} and mended, got {refined.steps}")
    box = _where(spoilt, refined.alpha)
    whole = (0, 0, image.shape[1], image.shape[0])
    # Where outlines are everywhere they hide what they are about.
    first = _details(image, [spoilt], whole)[0] if defect == "speckle" else _traced(image, spoilt)
    pictures = [first, *_details(image, (spoilt, refined.alpha), box)]
    _expect_less(sad(refined.alpha, truth), sad(spoilt, truth), kind)
    score = refined.defects.scores[defect]
    title = f"{defect} {score:.2f}, mended by: {', '.join(refined.mended)}"
    return Panel(pictures, title, [_rise(spoilt, refined.alpha, truth)])


def _rise(spoilt: Alpha, made: Alpha, truth: Alpha) -> str:
    parts = [
        f"{name} {was:.3f} -> {now:.3f}"
        for name, was, now in (
            ("IoU", iou(spoilt, truth), iou(made, truth)),
            ("relaxed F", relaxed_f(spoilt, truth), relaxed_f(made, truth)),
        )
    ]
    return f"{', '.join(parts)}, SAD {sad(spoilt, truth):.2f} -> {sad(made, truth):.2f}"


def _unharmed(image: Image, good: Alpha) -> Panel:
    """Draw what auto_refine and the classic recipe make of a good mask."""
    refined = auto_refine(good, image)
    if not np.array_equal(refined.alpha, good):
        raise ValueError(f"a good mask must come back as it was, got {refined.steps}")
    classic = clean(good, preset="classic")
    box = _where(good, classic)
    pictures = [outlined(image, side=SIDE), *_details(image, (refined.alpha, classic), box)]
    tried = ", ".join(step.name for step in refined.steps)
    title = f"auto_refine: as it came{f' (tried and thrown away: {tried})' if tried else ''}"
    return Panel(pictures, f"{title}; classic", [f"classic: {_rise(good, classic, good)}"])


def _smoothed(image: Image, truth: Alpha) -> list[Panel]:
    spoilt = degrade(truth, "stairs", 1)
    made = {
        "128-pixel mask, enlarged": spoilt,
        "smooth(edge_width=2, sigma=.5/128)": smooth(spoilt, 2, 0.5 / 128),
        "smooth(edge_width=12, sigma=.02)": smooth(spoilt, 12, 0.02),
        "smooth(edge_width=2, sigma=.02)": smooth(spoilt, 2, 0.02),
    }
    errors = [sad(alpha, truth) for alpha in made.values()]
    _expect_less(errors[1], min(errors[0], *errors[2:]), "smooth")
    return _compared(image, made, truth, _where(spoilt, truth))


def _sharpened(image: Image, truth: Alpha) -> list[Panel]:
    """Draw ways to enlarge a network's map of 128 pixels."""
    small = np.asarray(cv2.resize(truth, (128, 128), interpolation=cv2.INTER_AREA), np.float32)
    small = np.asarray(cv2.GaussianBlur(small, (0, 0), 1), np.float32).clip(0, 1)
    height, width = truth.shape
    whole = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    linear = np.asarray(whole, np.float32)
    made = {
        "a map of 128 pixels, linear": linear,
        "made hard at .5": (linear >= 0.5).astype(np.float32),
        "enlarge(map, height, width)": enlarge(small, height, width),
        "sharpen(linear, 128)": sharpen(linear, 128),
    }
    errors = [sad(alpha, truth) for alpha in made.values()]
    _expect_less(errors[2], errors[0], "enlarge")
    _expect_less(errors[3], errors[2], "sharpen")
    return _compared(image, made, truth, _where(linear, truth))


def _compared(image: Image, made: dict[str, Alpha], truth: Alpha, box: Box) -> list[Panel]:
    return [
        Panel(_details(image, [alpha], box), name, [f"SAD {sad(alpha, truth):.2f}"])
        for name, alpha in made.items()
    ]


def _matted(truth: Truth, *, harmful: bool = False) -> Panel:
    """Draw a trimap, and what matting makes of a hard mask with it."""
    hard = (truth.alpha >= 0.5).astype(np.float32)
    width = 0.0125 if harmful else 0.05
    known = trimap(hard, truth.image, width=width)
    matted = matte(truth.image, known)
    was, now = sad(hard, truth.alpha), sad(matted.alpha, truth.alpha)
    if harmful:
        was, now = now, was
    _expect_less(now, was, "matte")
    shown = truth.image.copy()
    shown[known == 128] = shown[known == 128] // 3 + np.array((170, 160, 60), np.uint8)
    box = (0, 40, 240, 280)
    pictures = [outlined(shown, side=SIDE), *_details(truth.image, (hard, matted.alpha), box)]
    title = f"trimap(mask, image, width={width}): {matted.unknown:.0%} unknown; the mask; matte"
    errors = f"SAD {sad(hard, truth.alpha):.2f} -> {sad(matted.alpha, truth.alpha):.2f}"
    return Panel(pictures, title, [errors])


def _decontaminated(truth: Truth) -> list[Panel]:
    """Draw a cut-out on another wall: with its colours as photographed, and decontaminated."""
    colours = decontaminate(truth.image, truth.alpha)
    wall = np.array(WALL, np.uint8)
    laid = [
        composite(image, truth.alpha, wall) for image in (truth.image, colours, truth.foreground)
    ]
    soft = (truth.alpha > 0.02) & (truth.alpha < 0.98)
    errors = [float(np.abs(one[soft].astype(float) - laid[2][soft]).mean()) for one in laid[:2]]
    _expect_less(errors[1], errors[0] / 4, "decontaminate")
    box = np.s_[180:276, 60:156]
    shown = [truth.image, *laid[:2]]
    title = "the photograph; laid over another wall; decontaminated and laid"
    line = f"mean error of soft pixels: {errors[0]:.1f} -> {errors[1]:.1f} of 255"
    return [
        Panel([outlined(one, side=SIDE) for one in shown], title, [line]),
        Panel([outlined(one[box], side=SIDE) for one in shown], "three times as large"),
    ]


def _ordered(image: Image, truth: Alpha) -> list[Panel]:
    """Draw masks of one photograph, the worst by `quality` first."""
    kinds = ("halo", "bitten", "holes", "islands", "speckle", "polygon", "net128")
    made = {kind: degrade(truth, kind, 1) for kind in kinds}
    made["our outline"] = (truth >= 0.5).astype(np.float32)
    guessed = {name: quality(alpha, image) for name, alpha in made.items()}
    order = sorted(made, key=lambda name: guessed[name])
    if order[-1] != "our outline":
        raise ValueError(f"quality must put the good mask last, got {guessed}")
    return [
        Panel(
            [outlined(composite(image, made[name], np.array(MAGENTA, np.uint8)), side=SIDE)],
            f"{name}: quality {guessed[name]:.2f}",
            [f"IoU {iou(made[name], truth):.3f}"],
        )
        for name in order
    ]


def _by_command(folder: Path, image: Image, truth: Alpha) -> Path:
    """Keep the picture that `maskmill refine --picture` draws, at a page's width."""
    path = folder / "refine_before_after.jpg"
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "astronaut.png").write_bytes(encode_image(image))
        (scratch / "mask.png").write_bytes(encode_alpha(degrade(truth, "mixed", 1)))
        files = [str(scratch / file) for file in ("astronaut.png", "mask.png", "refined.png")]
        if maskmill(["refine", *files[:2], "--out", files[2], "--picture"]):
            raise ValueError("maskmill refine must draw its picture")
        drawn = cv2.imread(str(scratch / "refined.before_after.jpg"))
    if drawn is None:
        raise FileNotFoundError("maskmill refine wrote no picture")
    height = round(drawn.shape[0] * WIDTH / drawn.shape[1])
    small = cv2.resize(drawn, (WIDTH, height), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), small, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return path


def _where(was: Alpha, now: Alpha) -> Box:
    """Return a square in which most has changed."""
    left, top, right, bottom = places(was, now, SIDE)[0]
    side = min(right - left, *was.shape)
    top = min(max(0, (top + bottom - side) // 2), was.shape[0] - side)
    return left, top, left + side, top + side


def _traced(image: Image, alpha: Alpha) -> Image:
    return outlined(image, [(alpha >= 0.5, PEOPLE)], side=SIDE)


def _details(image: Image, alphas: Sequence[Alpha], box: Box) -> list[Image]:
    """Draw cut-outs within a box (left, top, right, bottom)."""
    part = np.s_[box[1] : box[3], box[0] : box[2]]
    behind = np.array(MAGENTA, np.uint8)
    return [outlined(composite(image[part], alpha[part], behind), side=SIDE) for alpha in alphas]


def _expect_less(small: float, large: float, what: str) -> None:
    if not small < large:
        raise ValueError(f"{what} must come to an error below {large:.3f}, got {small:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the pictures of docs/refine.md.")
    parser.add_argument("folder", type=Path, nargs="?", help="default: docs/pictures")
    chosen = parser.parse_args().folder or Path(__file__).parents[1] / "docs" / "pictures"
    for written in draw_all(chosen):
        print(f"wrote {written}")
