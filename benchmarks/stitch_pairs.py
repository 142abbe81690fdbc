"""Pairs of photographs and clips whose truth is known, for the benchmarks of the stitch room.

Photographs of ../shared/data are halved by a hash of their names: one half to develop with, the
other to be opened when nothing is tuned any more. Clips are simulated (`maskmill.stitch`); wrong
pairs are other products, the photograph in perspective, the product photographed again (a smooth
deformation, other light) and, where there are renders of `scripts/render_views.py`, the product
from another side before the same background.
"""

import csv
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from photographs import DATA, Photograph, listed

from maskmill.images import Alpha, Image, decode_image
from maskmill.stitch.simulation import Making, simulate

HALVES = ("development", "test")
TRUE, WRONG = "true", ("other", "perspective", "again", "view")
BINARY, LENS = 0.001, 0.7
"""Share of pixels between 0 and 1 up to which a mask is binary; the blur of its edge, pixels."""


class Pair(NamedTuple):
    """One case: `kind` is "true" or what is wrong with it."""

    name: str
    stratum: str
    kind: str
    original: Image
    clip: npt.NDArray[Any]
    matrix: npt.NDArray[np.float64]  # from the clip's pixel centres to the original's
    clip_alpha: Alpha
    alpha: Alpha  # in the original's frame
    making: Making


class Case(NamedTuple):
    """A pair before anything is read or made."""

    photograph: Photograph
    stratum: str
    kind: str
    other: Photograph | None = None


def cases(half: str, limit: int | None = None, skip: int = 0) -> list[Case]:
    """Return what is in a half, in an order that any beginning of is a fair sample of.

    Photographs up to `skip` are left out: with it, those that nobody has seen yet.
    """
    photographs = sorted(
        (one for one in _everything() if _half_of(one) == half),
        key=lambda one: _number("order", one.dataset, one.name),
    )
    found: list[Case] = []
    for place, one in enumerate(photographs[:limit]):
        if place < skip:
            continue
        strata = [_usual(one)]
        extra = ("mirror", "small", "shadow", "near_white", "png", "format")
        if one.dataset in ("plain", "repeat"):
            extra = ()
        if extra:
            strata.append(extra[place % len(extra)])
        found += [Case(one, stratum, TRUE) for stratum in strata]
        for step in (1, 2, 5):
            other = photographs[(place + step) % len(photographs)]
            if other != one:
                found.append(Case(one, "negative", "other", other))
        found += [Case(one, "negative", kind) for kind in ("perspective", "again")]
    return found


def views(half: str, folder: Path) -> list[Case]:
    """Return wrong pairs of what `scripts/render_views.py` rendered: a side, and the next one."""
    products: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*_???.png")):
        products.setdefault(path.stem[:-4], []).append(path.stem)
    found: list[Case] = []
    for product, names in products.items():
        if HALVES[_number("half", "views", product) % 2] == half:
            sides = [Photograph(str(folder), name) for name in names]
            turned = [*sides[1:], sides[0]]
            found += [
                Case(one, "negative", "view", other)
                for one, other in zip(sides, turned, strict=True)
            ]
    return found


def made(case: Case) -> Pair | None:
    """Read and make a pair; None where the photograph has no usable object."""
    original, alpha = read(case.photograph) if case.kind != "view" else _side(case.photograph)
    share = float((alpha >= 0.5).mean())
    if not 0.005 < share < 0.9:
        return None
    name = f"{Path(case.photograph.dataset).name}/{case.photograph.name}"
    rows, columns = np.nonzero(alpha >= 0.5)
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    identity = (name, case.stratum, case.kind)
    number = _number(*identity)
    fixed: dict[str, Any] = {}
    if case.stratum == "small":
        fixed = {"scale": (70 + number % 61) / side, "crop": (0.0,) * 4, "rotation": 0.0}
    elif case.stratum == "mirror":
        fixed = {"mirrored": True}
    elif case.stratum == "shadow":
        fixed = {"shadow": ("drop", "contact")[number % 2], "crop": (0.0,) * 4}
    elif case.stratum == "near_white":
        fixed = {"canvas": 245 + number % 10}
    elif case.stratum == "png":
        fixed = {"encoding": "png"}
    elif case.stratum == "format":
        fixed = {"encoding": ("grey", "cmyk", "png16")[number % 3]}
    making = Making.drawn(*identity, **fixed)
    clip = simulate(original, alpha, making)
    if case.kind == "other":
        assert case.other is not None
        original = read(case.other)[0]
    elif case.kind == "view":
        assert case.other is not None
        original = _side(case.other)[0]
    elif case.kind == "perspective":
        original = _from_the_side(original, number)
    elif case.kind == "again":
        original = _again(original, number)
    return Pair(
        name,
        case.stratum,
        case.kind,
        original,
        clip.image,
        clip.matrix,
        clip.alpha,
        alpha,
        making,
    )


@functools.lru_cache(8)
def read(one: Photograph) -> tuple[Image, Alpha]:
    """Return a photograph and its object's alpha."""
    if one.dataset == "product_photos":
        image = decode_image((DATA / one.dataset / "images" / f"{one.name}.jpg").read_bytes())
        return image, _cut(image)
    if one.dataset == "cutout_pairs":
        folder = DATA / one.dataset
        image = decode_image((folder / f"{one.name}.jpg").read_bytes())
        levels: Any = cv2.imread(str(folder / f"{one.name}.out.png"), cv2.IMREAD_UNCHANGED)
        return image, levels[..., 3].astype(np.float32) / np.float32(255)
    if one.dataset in ("plain", "repeat"):
        return _drawn(one)
    image, alpha = one.read()
    return image, _softened(alpha)


def _softened(alpha: Alpha) -> Alpha:
    """Give a mask of 0 and 1 the edges that a lens makes; a matte has its own.

    Annotations know no part of a pixel, alphas of clips do: without this, what is measured at an
    edge is how well stairs are guessed.
    """
    if ((alpha > 0) & (alpha < 1)).mean() > BINARY:
        return alpha
    return cv2.GaussianBlur(alpha, (0, 0), LENS).astype(np.float32, copy=False)


def _everything() -> Iterator[Photograph]:
    yield from listed()
    with (DATA / "product_photos" / "images.csv").open() as file:
        for row in csv.DictReader(file):
            if (DATA / "product_photos" / "images" / f"{row['image']}.jpg").is_file():
                yield Photograph("product_photos", row["image"])
    for path in sorted((DATA / "cutout_pairs").glob("*.jpg")):
        yield Photograph("cutout_pairs", path.stem)
    for kind in ("plain", "repeat"):
        for path in sorted((DATA / "backgrounds" / "images").iterdir()):
            yield Photograph(kind, path.stem)


def _usual(one: Photograph) -> str:
    if one.dataset in ("plain", "repeat"):
        return one.dataset
    if one.dataset != "product_photos":
        return "core"
    image, alpha = read(one)
    inner = cv2.erode((alpha >= 0.5).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    if inner.sum() < 200:
        return "cloth"
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    detail = np.abs(cv2.Laplacian(cv2.GaussianBlur(luma, (0, 0), 1).astype(np.float32), cv2.CV_32F))
    if image[inner].min(axis=1).mean() > 165:
        return "white"
    return "low_texture" if detail[inner].mean() < 1.3 else "cloth"


def _half_of(one: Photograph) -> str:
    return HALVES[_number("half", one.dataset, one.name) % 2]


def _number(*identity: str) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(identity).encode(), digest_size=8).digest())


def _cut(image: Image) -> Alpha:
    """Cut a product out by GrabCut: its alpha is true by construction, whatever it shows."""
    height, width = image.shape[:2]
    kinds = np.zeros((height, width), np.uint8)
    box = (int(width * 0.08), int(height * 0.06), int(width * 0.84), int(height * 0.88))
    cv2.setRNGSeed(1)
    model = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(image[..., ::-1])
    cv2.grabCut(bgr, kinds, box, *model, 3, cv2.GC_INIT_WITH_RECT)
    mask = ((kinds == cv2.GC_FGD) | (kinds == cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return np.zeros((height, width), np.float32)
    mask = (parts == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(1 - mask)
    for part in range(1, count):
        if stats[part, cv2.CC_STAT_AREA] < 0.004 * mask.size:
            mask[parts == part] = 1
    return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8).astype(np.float32)


def _drawn(one: Photograph) -> tuple[Image, Alpha]:
    """Draw a bag: plain with soft shading, or of a texture that repeats."""
    path = next((DATA / "backgrounds" / "images").glob(f"{one.name}.*"))
    behind = decode_image(path.read_bytes())
    height, width = behind.shape[:2]
    rng = np.random.default_rng(_number(one.dataset, one.name))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across, down = (x / width - 0.5) / rng.uniform(0.2, 0.28), (y / height - 0.55) / 0.28
    body = (np.abs(across) ** 6 + np.abs(down) ** 6) < 1
    ring = np.hypot(x / width - 0.5, (y / height - 0.28) * 0.9)
    handle = (ring < 0.13) & (ring > 0.105)
    alpha = cv2.GaussianBlur((body | handle).astype(np.float32), (0, 0), 1).astype(np.float32)
    colour = rng.uniform(40, 230, 3)
    if one.dataset == "plain":
        shade = 0.85 + 0.15 * np.cos(across * rng.uniform(0.8, 1.6) + rng.uniform(-0.5, 0.5))
        shade = shade * (1 - 0.08 * down)
    else:
        period = rng.uniform(9, 22)
        shade = 0.75 + 0.25 * np.sign(np.sin(x * 2 * np.pi / period) * np.sin(y * 6.283 / period))
    front = colour * shade[..., None] + rng.normal(0, 1.5, (height, width, 1))
    mixed = front * alpha[..., None] + behind * (1 - alpha[..., None])
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8), alpha


def _side(one: Photograph) -> tuple[Image, Alpha]:
    """Return a rendered side of a product before the background that all its sides have."""
    levels: Any = cv2.imread(str(Path(one.dataset) / f"{one.name}.png"), cv2.IMREAD_UNCHANGED)
    shares = levels.astype(np.float32) / np.float32(65535)
    front, alpha = shares[..., 2::-1], shares[..., 3]
    paths = sorted((DATA / "backgrounds" / "images").iterdir())
    path = paths[_number("behind", one.name[:-4]) % len(paths)]
    behind = cv2.resize(decode_image(path.read_bytes()), alpha.shape[::-1])
    mixed = front * 255 * alpha[..., None] + behind * (1 - alpha[..., None])
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8), alpha


def _from_the_side(image: Image, number: int) -> Image:
    rng = np.random.default_rng(number)
    height, width = image.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.06, 0.06, (4, 2)).astype(np.float32) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    turned = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return _relit(turned, rng)


def _again(image: Image, number: int) -> Image:
    rng = np.random.default_rng(number)
    height, width = image.shape[:2]
    side = max(height, width)
    amount = rng.uniform(0.01, 0.03) * side
    y, x = np.mgrid[:height, :width].astype(np.float32)
    flow = [
        cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), 0.12 * side) for _ in range(2)
    ]
    flow = [(field / field.std() * amount).astype(np.float32) for field in flow]
    moved = cv2.remap(
        image, x + flow[0], y + flow[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return _relit(moved, rng)


def _relit(image: Any, rng: np.random.Generator) -> Image:
    levels = 255 * (image / 255) ** rng.uniform(0.8, 1.25)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
