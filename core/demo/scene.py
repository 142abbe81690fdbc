"""Pictures made of layers, and what can still be seen of each thing in them.

Coordinates are those of pixel edges: the first pixel covers 0 to 1, its centre is 0.5.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as masks

from maskmill.images import Alpha, Image
from maskmill.light import composite

Matrix = npt.NDArray[np.float64]

_FINE = 4  # samples per pixel and axis when an outline is filled
_SPECK = 6.0  # square pixels; what is smaller is no part of an outline
_TOLERANCE = 0.3  # pixels that an outline may stray from the edge it follows


@dataclass(frozen=True, slots=True)
class Thing:
    """One annotated object, or a crowd, as far as it can be seen.

    Parameters
    ----------
    category : str
        Name of its COCO category.
    amount : ndarray, H x W, float32 in [0, 1]
        Visible share of each pixel.
    crowd : bool
        Whether it stands for a group that nobody takes apart.
    """

    category: str
    amount: Alpha = field(repr=False)
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, H x W x 3 uint8 RGB, and the things in it."""

    pixels: Image = field(repr=False)
    things: tuple[Thing, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


@dataclass(frozen=True, slots=True)
class Cutout:
    """Things cut out of a photograph together, in the photograph's own frame.

    Parameters
    ----------
    pixels : ndarray, H x W x 3, uint8
        Their colours, carried on past their edge, so that no background comes along.
    alpha : ndarray, H x W, float32 in [0, 1]
        The things together, soft over about a pixel.
    things : tuple of Thing
        One by one.
    box : tuple of float
        Left, top, right and bottom of what is opaque.
    severed : frozenset of str
        Sides of the box where the photograph's frame cuts the things off: "left", "top", "bottom".
        They must lie outside the picture they are laid into.
    """

    pixels: Image = field(repr=False)
    alpha: Alpha = field(repr=False)
    things: tuple[Thing, ...]
    box: tuple[float, float, float, float]
    severed: frozenset[str]


def filled(polygons: Iterable[Sequence[float]], size: tuple[int, int]) -> Alpha:
    """Return how much of each pixel lies inside an outline.

    Parameters
    ----------
    polygons : iterable of sequence of float
        ``[x1, y1, x2, y2, ...]`` each, in pixels; together they are one thing.
    size : (int, int)
        Height and width.

    Returns
    -------
    ndarray, H x W, float32 in [0, 1]

    Examples
    --------
    >>> filled([[1, 0, 3, 0, 3, 2, 1, 2]], (2, 4)).round().tolist()
    [[0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]
    """
    height, width = size
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    for polygon in polygons:
        points = np.asarray(polygon, np.float64).reshape(-1, 2) * _FINE - 0.5
        cv2.fillPoly(fine, [np.rint(points * 16).astype(np.int32)], 255, shift=4)
    share = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    return share.astype(np.float32) / np.float32(255)


def cut_out(scene: Scene, softness: float, severed: Iterable[str]) -> Cutout:
    """Cut all things out of a photograph.

    Parameters
    ----------
    scene : Scene
        The photograph.
    softness : float
        Standard deviation in pixels of the photograph by which the edge is blurred: a property of
        its focus, so not relative to its size.
    severed : iterable of str
        See `Cutout`.
    """
    whole = _share(np.add.reduce([thing.amount for thing in scene.things]))
    # Neighbouring outlines are rounded separately; the crack between them is no background.
    whole = _share(cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    alpha = cv2.GaussianBlur(whole, (0, 0), softness, borderType=cv2.BORDER_REPLICATE)
    rows, columns = (np.flatnonzero((whole > 0.5).any(axis)) for axis in (1, 0))
    return Cutout(
        pixels=_carried_on(scene.pixels, whole, softness),
        alpha=_share(alpha),
        things=scene.things,
        box=(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)),
        severed=frozenset(severed),
    )


def _carried_on(pixels: Image, whole: Alpha, softness: float) -> Image:
    """Replace colours at and beyond the edge by those from inside, which no background mixes with.

    What is so thin that it has no inside keeps its own.
    """
    reach = 1 + math.ceil(2 * softness)
    inside = (whole > 0.98).astype(np.uint8)
    solid = cv2.morphologyEx(inside, cv2.MORPH_OPEN, _disc(2 * reach)) > 0
    deep, shallow = (cv2.erode(inside, _disc(radius)) > 0 for radius in (reach, 1))
    core = np.where(solid, deep, shallow)
    result = pixels.astype(np.float32)
    known = core.astype(np.float32)
    missing = ~core
    # From near to far: each ring of pixels takes the nearest scale that knows something.
    for sigma in (1.0, 2.0, 4.0, 8.0):
        weight = cv2.GaussianBlur(known, (0, 0), sigma)
        mean = cv2.GaussianBlur(pixels * known[..., None], (0, 0), sigma)
        found = missing & (weight > 0.02)
        result[found] = mean[found] / weight[found, None]
        missing &= ~found
    return np.rint(np.clip(result, 0, 255)).astype(np.uint8)


def _share(amount: npt.NDArray[Any]) -> Alpha:
    return np.clip(amount, 0, 1).astype(np.float32)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    side = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


def placed(
    cutout: Cutout,
    size: tuple[int, int],
    *,
    scale: float,
    turn: float = 0.0,
    flip: bool = False,
    across: float = 0.5,
    down: float = 0.0,
) -> Matrix:
    """Return where a cut-out goes, so that its severed sides stay outside the picture.

    Parameters
    ----------
    cutout : Cutout
    size : (int, int)
        Height and width of the picture in pixels.
    scale : float
        Pixels of the picture per pixel of the photograph.
    turn : float
        Degrees, clockwise.
    flip : bool
        Whether it is mirrored left to right.
    across : float
        Where its middle goes, as a share of the picture's width; of a cut-out that is severed on
        the left: the share of its own width that is hidden beyond the side.
    down : float
        The same for the height and the bottom.

    Returns
    -------
    ndarray, 2 x 3, float64
        Takes the photograph's coordinates to the picture's.
    """
    height, width = size
    left, top, right, bottom = cutout.box
    angle = math.radians(turn)
    turned = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turned @ np.diag([-scale if flip else scale, scale])
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) @ linear.T
    low, high = corners.min(0), corners.max(0)
    middle, extent, hidden = (low + high) / 2, high - low, 2.0
    if "left" in cutout.severed:
        side = corners[[0, 3], 0]
        beyond = hidden + across * extent[0]
        x = width - side.min() + beyond if flip else -side.max() - beyond
    else:
        x = across * width - middle[0]
    if cutout.severed >= {"top", "bottom"}:
        y = height / 2 - middle[1]
    elif "bottom" in cutout.severed:
        y = height - corners[2:, 1].min() + hidden + down * extent[1]
    else:
        y = down * height - middle[1]
    return np.column_stack([linear, [x, y]])


def lay(
    scene: Scene,
    cutout: Cutout,
    matrix: Matrix,
    *,
    shade: float = 0.0,
    crowd: bool = False,
) -> Scene:
    """Lay a cut-out over a picture, in linear light; what it hides is hidden for the things, too.

    Parameters
    ----------
    scene : Scene
    cutout : Cutout
    matrix : ndarray, 2 x 3
        See `placed`.
    shade : float
        How dark its shadow on the picture is, in [0, 1].
    crowd : bool
        Whether its things are annotated as crowds.
    """
    height, width = scene.size
    pixels, alpha, amounts = _moved(cutout, matrix, (height, width))
    below = scene.pixels
    if shade > 0:
        reach = 0.02 * max(height, width)
        shadow = cv2.GaussianBlur(alpha, (0, 0), reach)
        shift = np.array([[1, 0, reach], [0, 1, reach / 2]])
        shadow = cv2.warpAffine(shadow, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        below = composite(np.zeros_like(below), _share(shade * shadow), below)
    seen = np.float32(1) - alpha
    hidden = tuple(replace(thing, amount=thing.amount * seen) for thing in scene.things)
    laid = tuple(
        Thing(thing.category, amount, crowd)
        for thing, amount in zip(cutout.things, amounts, strict=True)
    )
    return Scene(composite(pixels, alpha, below), hidden + laid)


def _moved(
    cutout: Cutout, matrix: Matrix, size: tuple[int, int]
) -> tuple[Image, Alpha, list[Alpha]]:
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    layers: list[Any] = [cutout.pixels, cutout.alpha, *(thing.amount for thing in cutout.things)]
    if scale < 1:
        # Averaged first: interpolation alone would skip pixels.
        old_height, old_width = cutout.alpha.shape
        small = (max(1, round(old_width * scale)), max(1, round(old_height * scale)))
        layers = [cv2.resize(layer, small, interpolation=cv2.INTER_AREA) for layer in layers]
        factors = [old_width / small[0], old_height / small[1]]
        matrix = np.column_stack([matrix[:, :2] * factors, matrix[:, 2]])
    # OpenCV counts from pixel centres, `matrix` from pixel edges.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    around = [cv2.BORDER_REPLICATE] + [cv2.BORDER_CONSTANT] * (len(layers) - 1)
    pixels, *rest = (
        cv2.warpAffine(layer, centred, size[::-1], flags=cv2.INTER_LINEAR, borderMode=border)
        for layer, border in zip(layers, around, strict=True)
    )
    alpha, *amounts = (_share(layer) for layer in rest)
    return pixels.astype(np.uint8), alpha, amounts


def window(
    scene: Scene, box: tuple[int, int, int, int], size: tuple[int, int], *, flip: bool = False
) -> Scene:
    """Cut a window out of a picture and bring it to another size.

    Parameters
    ----------
    scene : Scene
    box : (int, int, int, int)
        Left, top, right and bottom in pixels.
    size : (int, int)
        New height and width.
    flip : bool
        Whether the result is mirrored left to right.
    """
    left, top, right, bottom = box
    grows = size[0] > bottom - top

    def brought(layer: Any) -> Any:
        how = cv2.INTER_CUBIC if grows and layer.ndim == 3 else cv2.INTER_AREA
        if grows and layer.ndim == 2:
            how = cv2.INTER_LINEAR
        part = cv2.resize(layer[top:bottom, left:right], size[::-1], interpolation=how)
        return np.ascontiguousarray(part[:, ::-1]) if flip else part

    things = tuple(replace(thing, amount=brought(thing.amount)) for thing in scene.things)
    return Scene(brought(scene.pixels), things)


def gathered(things: Iterable[Thing]) -> list[Thing]:
    """Return the things with all crowds of a category as one, and without what is out of sight."""
    single: list[Thing] = []
    crowds: dict[str, Thing] = {}
    for thing in things:
        if not thing.crowd:
            single.append(thing)
        elif thing.category in crowds:
            amount = np.minimum(crowds[thing.category].amount + thing.amount, np.float32(1))
            crowds[thing.category] = replace(thing, amount=amount)
        else:
            crowds[thing.category] = thing
    least = 2 * _SPECK
    return [t for t in (*single, *crowds.values()) if np.count_nonzero(t.amount >= 0.5) > least]


def share_of(category: str, scene: Scene) -> float:
    """Return how much of the frame the things of a category cover together, without crowds."""
    amounts = [t.amount for t in scene.things if t.category == category and not t.crowd]
    if not amounts:
        return 0.0
    return float(np.mean(np.maximum.reduce(amounts) >= 0.5))


def segmentation(amount: Alpha, form: str) -> tuple[Any, int, list[float]]:
    """Write down what can be seen of a thing as COCO does.

    Parameters
    ----------
    amount : ndarray, H x W, float32 in [0, 1]
        Inside is 0.5 and more.
    form : str
        "polygons", which cannot have holes: a thing with a hole becomes "rle" instead; "rle",
        uncompressed run lengths; "compressed", the same as a string.

    Returns
    -------
    segmentation : list or dict
    area : int
        Pixels inside, as pycocotools counts them.
    bbox : list of four float
        Left, top, width and height.

    Examples
    --------
    >>> amount = np.zeros((4, 6), np.float32)
    >>> amount[1:3, 2:5] = 1
    >>> segmentation(amount, "rle")[0]
    {'counts': [9, 2, 2, 2, 2, 2, 5], 'size': [4, 6]}
    >>> segmentation(amount, "polygons")[1:]
    (6, [2.0, 1.0, 3.0, 2.0])
    """
    height, width = amount.shape
    polygons = _outlines(amount) if form == "polygons" else []
    if polygons:
        parts: Any = masks.frPyObjects(polygons, height, width)  # pyright: ignore
        runs = masks.merge(parts)
        points = np.concatenate([np.reshape(polygon, (-1, 2)) for polygon in polygons])
        low, high = points.min(0), points.max(0)
        box = [round(float(v), 1) for v in (*low, *(high - low))]
        return polygons, int(masks.area(runs)), box
    inside = np.asfortranarray(amount >= 0.5)
    runs: Any = masks.encode(inside.view(np.uint8))
    area, box = int(masks.area(runs)), [float(v) for v in masks.toBbox(runs)]
    if form == "compressed":
        return {"counts": runs["counts"].decode("ascii"), "size": [height, width]}, area, box
    flat = inside.ravel(order="F")
    turns = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], turns, [flat.size]])).tolist()
    return {"counts": [0, *counts] if flat[0] else counts, "size": [height, width]}, area, box


def _outlines(amount: Alpha) -> list[list[float]]:
    """Return the outlines at one half as flat lists, or none where there is a hole."""
    from skimage.measure import find_contours

    height, width = amount.shape
    outlines: list[list[float]] = []
    for contour in find_contours(np.pad(amount, 1), 0.5):
        # Padded by one, counted from pixel centres, y before x, the first point again at the end.
        points = np.clip(contour[:-1, ::-1] - 0.5, 0, (width, height)).astype(np.float32)
        turn = cv2.contourArea(points, oriented=True)
        if abs(turn) < _SPECK:
            continue
        if turn < 0:
            return []
        outline = cv2.approxPolyDP(points, _TOLERANCE, closed=True).reshape(-1, 2)
        outlines.append([round(float(v), 1) for v in outline.ravel()])
    return outlines
