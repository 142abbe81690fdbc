"""Pictures with true alphas that are all our own, and the ways to spoil them: what quality learns.

Two kinds of scenes. People cut out of scikit-image's photographs (`maskmill.demo`), and drawn
things (lumps, figures with limbs, furniture that one can look through, hair) that are given the
texture of these photographs and laid over others of them, with shadow, grain, blur and JPEG.
"""

import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as masks
from skimage import data

from maskmill.demo import write_photographs
from maskmill.demo.scene import filled
from maskmill.images import Alpha, Image, decode_image
from maskmill.light import composite
from maskmill.refine.degradation import KINDS, degrade

TEXTURES = (
    *("astronaut", "camera", "chelsea", "coffee", "motorcycle_left", "rocket", "brick", "grass"),
    *("gravel", "coins", "clock_motion", "hubble_deep_field", "ihc", "retina", "moon", "page"),
)
_FINE = 2  # samples per pixel and axis when a shape is drawn

Mask = npt.NDArray[np.uint8]


class Scene(NamedTuple):
    """A picture, its alpha, and the group that must not be parted between folds."""

    group: str
    image: Image
    alpha: Alpha


def scenes(count: int, seed: int) -> Iterator[Scene]:
    """Yield `count` scenes, one of three a photographed person; all follow from the seed."""
    people = _people(count - count * 2 // 3, seed)
    textures = _textures()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        person = next(people, None) if number % 3 == 0 else None
        scene = person or Scene(f"drawn-{number}", *_drawn(rng, textures))
        if rng.random() < 0.6:  # most data sets' truths are hard
            scene = scene._replace(alpha=(scene.alpha >= 0.5).astype(np.float32))
        yield scene


def _people(count: int, seed: int) -> Iterator[Scene]:
    with tempfile.TemporaryDirectory() as folder:
        annotations, images = write_photographs(folder, count=max(4, count * 5 // 4), seed=seed)
        document = json.loads(annotations.read_bytes())
        for record in document["images"]:
            image = decode_image((images / record["file_name"]).read_bytes())
            size = image.shape[:2]
            alpha = np.zeros(size, np.float32)
            for annotation in document["annotations"]:
                if annotation["image_id"] == record["id"] and not annotation["iscrowd"]:
                    alpha = np.maximum(alpha, _amount(annotation["segmentation"], size))
            # Neighbouring outlines are rounded separately; the crack between them is no background.
            alpha = cv2.morphologyEx(alpha, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
            alpha = np.clip(alpha, 0, 1).astype(np.float32)
            if (alpha >= 0.5).mean() > 0.02:
                yield Scene(f"person-{record['file_name']}", image, alpha)


def _amount(segmentation: Any, size: tuple[int, int]) -> Alpha:
    if isinstance(segmentation, list):
        return filled(segmentation, size)
    if isinstance(segmentation["counts"], list):
        segmentation = masks.frPyObjects(segmentation, *size)
    return masks.decode(segmentation).astype(np.float32)


def _textures() -> list[Image]:
    found: list[Image] = []
    folder = Path(data.__file__).parent
    for name in TEXTURES:
        path = next(folder.glob(f"{name}.*"))
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise FileNotFoundError(f"scikit-image must come with {name} as its wheels do")
        found.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8))
    return found


def _drawn(rng: np.random.Generator, textures: list[Image]) -> tuple[Image, Alpha]:
    long = int(rng.integers(360, 820))
    short = round(long * rng.uniform(0.6, 1))
    size = (long, short) if rng.random() < 0.5 else (short, long)
    picture = _backdrop(rng, textures, size)
    for _ in range(int(rng.integers(0, 3))):  # other things, which are no foreground
        thing, parts = _shape(rng, size, rng.uniform(0.1, 0.3))
        picture = composite(_painted(rng, textures, parts, thing), thing, picture)
    alpha, parts = _shape(rng, size, rng.uniform(0.5, 1.25))
    colours = _painted(rng, textures, parts, alpha)
    if rng.random() < 0.25:  # much like what lies behind
        lean = rng.uniform(0.4, 0.75)
        colours = cv2.addWeighted(colours, 1 - lean, _spread(picture), lean, 0).astype(np.uint8)
    if rng.random() < 0.5:
        picture = _shaded(rng, picture, alpha)
    picture = composite(colours, alpha, picture)
    return _taken(rng, picture), alpha


def _spread(picture: Image) -> Image:
    return np.broadcast_to(picture.reshape(-1, 3).mean(0), picture.shape).astype(np.uint8)


def _patch(rng: np.random.Generator, textures: list[Image], size: tuple[int, int]) -> Image:
    """Cut a piece of a photograph in other light, mirrored on where it is too small."""
    texture = textures[int(rng.integers(len(textures)))]
    scale = rng.uniform(0.7, 2.2) * max(size) / 512
    height, width = (max(8, round(side / scale)) for side in size)
    tall, wide = min(height, texture.shape[0]), min(width, texture.shape[1])
    y = int(rng.integers(texture.shape[0] - tall + 1))
    x = int(rng.integers(texture.shape[1] - wide + 1))
    part = texture[y : y + tall, x : x + wide]
    part = cv2.copyMakeBorder(part, 0, height - tall, 0, width - wide, cv2.BORDER_REFLECT_101)
    part = cv2.resize(part, size[::-1], interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    hue = rng.uniform(0.82, 1.18, 3)
    contrast, lift = rng.uniform(0.4, 1.1), rng.uniform(-0.1, 0.2)
    part = (part - part.mean()) * contrast + part.mean() + lift
    part = np.clip(part * hue, 0, 1) ** rng.uniform(0.7, 1.5)
    return np.rint(part * 255).astype(np.uint8)


def _backdrop(rng: np.random.Generator, textures: list[Image], size: tuple[int, int]) -> Image:
    picture = _patch(rng, textures, size)
    if rng.random() < 0.5:  # a floor before a wall
        line = round(size[0] * rng.uniform(0.45, 0.85))
        picture[line:] = _patch(rng, textures, size)[line:]
    if rng.random() < 0.3:  # a studio's
        picture = cv2.addWeighted(picture, 0.12, _spread(picture), 0.88, 0).astype(np.uint8)
    sigma = rng.choice([0.0, 0.0, 0.002, 0.006]) * max(size)
    return cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.uint8) if sigma > 0.3 else picture


def _painted(
    rng: np.random.Generator, textures: list[Image], parts: list[Mask], alpha: Alpha
) -> Image:
    size = alpha.shape
    picture = _patch(rng, textures, size)
    for part in parts:
        picture[part > 0] = _patch(rng, textures, size)[part > 0]
    if rng.random() < 0.6:  # rounder than a piece of paper
        inside = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        depth = rng.uniform(0.03, 0.1) * max(size)
        light = 1 - rng.uniform(0.1, 0.5) * np.exp(-inside / depth)
        picture = np.rint(picture * light[..., None]).astype(np.uint8)
    return picture


def _shaded(rng: np.random.Generator, picture: Image, alpha: Alpha) -> Image:
    reach = rng.uniform(0.01, 0.05) * max(alpha.shape)
    moved = np.array([[1, 0, rng.uniform(-2, 2) * reach], [0, 1, reach]], np.float32)
    shadow = cv2.warpAffine(alpha, moved, alpha.shape[::-1])
    shadow = cv2.GaussianBlur(shadow, (0, 0), reach) * rng.uniform(0.2, 0.6)
    return np.rint(picture * (1 - shadow[..., None])).astype(np.uint8)


def _taken(rng: np.random.Generator, picture: Image) -> Image:
    """Return the picture as a camera and a file leave it."""
    noisy = picture + rng.normal(0, rng.uniform(0.5, 4), picture.shape)
    picture = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 0.9)).astype(np.uint8)
    done, encoded = cv2.imencode(
        ".jpg",
        cv2.cvtColor(picture, cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 97))],
    )
    if not done:
        raise ValueError(f"cannot encode {picture.shape} as JPEG")
    return decode_image(encoded.tobytes())


def _shape(
    rng: np.random.Generator, size: tuple[int, int], reach: float
) -> tuple[Alpha, list[Mask]]:
    """Draw a thing whose extent is `reach` of the short side: its alpha, and parts of it."""
    height, width = size[0] * _FINE, size[1] * _FINE
    radius = reach * min(height, width) / 2
    centre = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
    drawers = (_lump, _lump, _figure, _figure, _furniture, _hairy)
    parts = drawers[int(rng.integers(len(drawers)))](rng, (height, width), centre, radius)
    whole = np.bitwise_or.reduce(parts)
    if rng.random() < 0.5:  # cloth and skin are not drawn with a ruler
        whole = _frayed(rng, whole)
    alpha = cv2.resize(whole * np.float32(1), size[::-1], interpolation=cv2.INTER_AREA)
    sigma = rng.choice([0.0, 0.5, 0.8, 1.5])
    if sigma:
        alpha = cv2.GaussianBlur(alpha, (0, 0), sigma)
    alpha = np.clip(alpha, 0, 1).astype(np.float32)
    small = [cv2.resize(p, size[::-1], interpolation=cv2.INTER_NEAREST) for p in parts[1:]]
    return alpha, [part.astype(np.uint8) for part in small]


def _frayed(rng: np.random.Generator, whole: Mask) -> Mask:
    """Move an outline to and fro by up to some pixels, pixel by pixel or in waves."""
    sides = [cv2.distanceTransform(side, cv2.DIST_L2, 5) for side in (whole, 1 - whole)]
    waves = _field(rng, whole.shape, rng.uniform(0.001, 0.006)) * rng.uniform(0.4, 2.5)
    return (sides[0] - sides[1] + waves > 0).astype(np.uint8)


def _outline(
    rng: np.random.Generator, centre: npt.NDArray[np.float64], radius: float, rough: float
) -> npt.NDArray[np.int32]:
    angles = np.linspace(0, 2 * np.pi, 1200, endpoint=False)
    distance = np.ones_like(angles)
    fine = rng.uniform(
        1, 1.5
    )  # how fast the waves die away: what grows is rough, what is made is not
    for wave in range(2, 120):
        distance += rough * rng.normal() / wave**fine * np.cos(wave * angles + rng.uniform(0, 6.3))
    distance = np.maximum(distance, 0.15) * radius
    stretch = np.array([rng.uniform(0.6, 1), 1])
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * distance[:, None] * stretch
    return np.rint(points + centre).astype(np.int32)


def _lump(
    rng: np.random.Generator, shape: tuple[int, int], centre: Any, radius: float
) -> list[Mask]:
    body = cv2.fillPoly(np.zeros(shape, np.uint8), [_outline(rng, centre, radius, 0.4)], 1)
    other = cv2.fillPoly(
        np.zeros(shape, np.uint8),
        [_outline(rng, centre + rng.normal(0, radius / 3, 2), radius / 2, 0.4)],
        1,
    )
    if rng.random() < 0.3:  # a handle, a wreath
        hole = _outline(rng, centre + rng.normal(0, radius / 4, 2), radius * 0.3, 0.2)
        body = cv2.fillPoly(body.astype(np.uint8), [hole], 0)
        return [body.astype(np.uint8)]
    return [body.astype(np.uint8), (other & body).astype(np.uint8)]


def _figure(
    rng: np.random.Generator, shape: tuple[int, int], centre: Any, radius: float
) -> list[Mask]:
    def limb(*points: Any, thick: float) -> Mask:
        drawn = np.zeros(shape, np.uint8)
        for start, end in itertools.pairwise(points):
            ends = [tuple(int(v) for v in np.rint(point)) for point in (start, end)]
            cv2.line(drawn, ends[0], ends[1], 1, max(2, round(thick)))
        return drawn

    neck, hip = centre - np.array([0, radius * 0.5]), centre + np.array([0, radius * 0.2])
    parts = [limb(neck, hip, thick=radius * rng.uniform(0.4, 0.6))]
    head = cv2.circle(
        np.zeros(shape, np.uint8),
        tuple(int(v) for v in neck - [0, radius * 0.35]),
        round(radius * 0.22),
        1,
        -1,
    )
    parts.append(head.astype(np.uint8))
    for side in (-1, 1):
        shoulder = neck + np.array([side * radius * 0.2, 0.1 * radius])
        for root, length in ((shoulder, 0.45), (hip, 0.5)):
            bend = root + radius * length * _towards(rng.uniform(0.1, 1.3), side)
            end = bend + radius * length * _towards(rng.uniform(0, 1.6), side)
            parts.append(limb(root, bend, end, thick=radius * rng.uniform(0.1, 0.2)))
    return parts


def _towards(angle: float, side: int) -> npt.NDArray[np.float64]:
    return np.array([side * np.sin(angle), np.cos(angle)])


def _furniture(
    rng: np.random.Generator, shape: tuple[int, int], centre: Any, radius: float
) -> list[Mask]:
    turn = cv2.getRotationMatrix2D(
        tuple(float(v) for v in centre), float(rng.uniform(-25, 25)), 1.0
    )

    def board(x: float, y: float, wide: float, high: float) -> Mask:
        corners = centre + radius * np.array(
            [[x, y], [x + wide, y], [x + wide * 0.95, y + high], [x + 0.05 * wide, y + high]]
        )
        points = cv2.transform(corners[None], turn)[0]
        return cv2.fillPoly(np.zeros(shape, np.uint8), [np.rint(points).astype(np.int32)], 1)

    thin = rng.uniform(0.05, 0.14)
    parts = [board(-0.7, 0, 1.4, rng.uniform(0.1, 0.3))]
    legs = np.linspace(-0.65, 0.65 - thin, int(rng.integers(2, 4)))
    parts += [board(float(leg), 0.1, thin, 0.8) for leg in legs]
    bars = np.linspace(-0.65, 0.65 - thin, int(rng.integers(2, 6)))
    parts += [board(float(bar), -0.9, thin, 1.0) for bar in bars]
    parts.append(board(-0.7, -0.9, 1.4, thin))
    return parts


def _hairy(
    rng: np.random.Generator, shape: tuple[int, int], centre: Any, radius: float
) -> list[Mask]:
    outline = _outline(rng, centre, radius * 0.75, 0.25)
    body = cv2.fillPoly(np.zeros(shape, np.uint8), [outline], 1).astype(np.uint8)
    hair = np.zeros(shape, np.uint8)
    for _ in range(int(rng.integers(80, 400))):
        at = outline[int(rng.integers(len(outline)))].astype(np.float64)
        way = at - centre
        way = way / max(1e-6, float(np.hypot(*way))) + rng.normal(0, 0.4, 2)
        bend = rng.normal(0, 0.02, 2)
        steps = np.arange(12)[:, None]
        length = radius * rng.uniform(0.01, 0.035)
        strand = at + steps * length * (way + steps * bend)
        cv2.polylines(hair, [np.rint(strand).astype(np.int32)], False, 1, int(rng.integers(1, 4)))
    return [body | hair]


def spoilt(scene: Scene, seed: int) -> Iterator[tuple[str, Alpha]]:
    """Yield the alpha as it is, then with every kind of defect and of large error."""
    yield "none", scene.alpha
    for kind in KINDS:
        yield kind, degrade(scene.alpha, kind, seed)
    for number, (kind, make) in enumerate(ERRORS.items()):
        made = make(scene, np.random.default_rng([seed, number]))
        if (made >= 0.5).any():
            yield kind, made


def _missing(scene: Scene, rng: np.random.Generator) -> Alpha:
    """Take a piece off: everything beyond a wavy line."""
    alpha = scene.alpha
    rows, columns = np.mgrid[: alpha.shape[0], : alpha.shape[1]].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    ahead = columns * np.cos(angle) + rows * np.sin(angle)
    ahead += _field(rng, alpha.shape, 0.08) * 0.04 * max(alpha.shape)
    keep = np.quantile(ahead[alpha >= 0.5], 1 - np.exp(rng.uniform(np.log(0.02), np.log(0.5))))
    return np.where(ahead <= keep, alpha, 0).astype(np.float32)


def _extra(scene: Scene, rng: np.random.Generator) -> Alpha:
    """Add a piece of the background that lies at the object: of like colours, or any."""
    alpha, image = scene.alpha, scene.image
    solid = (alpha >= 0.5).astype(np.uint8)
    rim = cv2.dilate(solid, np.ones((9, 9), np.uint8)) & (1 - solid)
    places = np.argwhere(rim)
    if not len(places):
        return alpha
    y, x = (int(v) for v in places[int(rng.integers(len(places)))])
    if rng.random() < 0.5:
        smooth = cv2.GaussianBlur(image, (0, 0), 2).astype(np.uint8)
        walls = np.ascontiguousarray(np.pad(solid, 1))  # solid may lie by columns
        allowed = (float(rng.uniform(2, 8)),) * 3
        flags = 4 | (1 << 8) | cv2.FLOODFILL_MASK_ONLY
        cv2.floodFill(smooth, walls, (x, y), (0, 0, 0), allowed, allowed, flags)
        added = walls[1:-1, 1:-1] & (1 - solid)
        most = rng.uniform(0.1, 1) * solid.sum()
        if added.sum() > most:  # the floor as far as it is near
            far = np.hypot(*(np.mgrid[: alpha.shape[0], : alpha.shape[1]] - [[[y]], [[x]]]))
            added &= (far <= np.quantile(far[added > 0], most / added.sum())).astype(np.uint8)
    else:
        radius = float(np.sqrt(solid.sum() * np.exp(rng.uniform(np.log(0.02), np.log(0.6))) / 3))
        outline = _outline(rng, np.array([x, y], np.float64), radius, 0.3)
        added = cv2.fillPoly(np.zeros(alpha.shape, np.uint8), [outline], 1).astype(np.uint8)
    return np.maximum(alpha, added.astype(np.float32))


def _moved(scene: Scene, rng: np.random.Generator) -> Alpha:
    """Lay the alpha beside where it belongs, or mirror it."""
    alpha = scene.alpha
    if rng.random() < 0.2:
        return np.ascontiguousarray(alpha[:, ::-1])
    away = rng.normal(0, 0.05, 2) * max(alpha.shape)
    matrix = np.array([[1, 0, away[0]], [0, 1, away[1]]], np.float32)
    return np.clip(cv2.warpAffine(alpha, matrix, alpha.shape[::-1]), 0, 1).astype(np.float32)


def _other(scene: Scene, rng: np.random.Generator) -> Alpha:
    """Take something else for the object."""
    alpha = scene.alpha
    radius = float(np.sqrt((alpha >= 0.5).mean() * alpha.size / 3) * rng.uniform(0.5, 1.2))
    centre = rng.uniform(0.1, 0.9, 2) * alpha.shape[::-1]
    outline = _outline(rng, centre, radius, 0.4)
    drawn = cv2.fillPoly(np.zeros(alpha.shape, np.uint8), [outline], 1).astype(np.float32)
    return np.maximum(drawn, alpha) if rng.random() < 0.3 else drawn


def _unsure(scene: Scene, rng: np.random.Generator) -> Alpha:
    """Draw what a weak network says: soft, low, and of two minds over whole regions."""
    alpha = scene.alpha
    side = int(rng.choice([40, 64, 96, 160, 320]))
    small = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.6, 1.5)).astype(np.float32)
    doubt = _field(rng, small.shape, rng.uniform(0.03, 0.15)) * rng.uniform(0.05, 0.4)
    colours = cv2.resize(scene.image, (side, side), interpolation=cv2.INTER_AREA)
    shade = colours.astype(np.float32).mean(2)
    doubt += (shade - shade.mean()) / max(1.0, float(shade.std())) * rng.normal(0, 0.1)
    sure = 1 / (1 + np.exp(-rng.uniform(4, 14) * (small - 0.5 + doubt)))
    made = cv2.resize(sure.astype(np.float32), alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(np.rint(made * 255) / 255, 0, 1).astype(np.float32)


def _field(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Any:
    """Return smooth noise of unit variance, whose waves are `scale` of the long side."""
    noise = rng.normal(0, 1, shape).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), max(0.5, scale * max(shape)))
    return (smooth - smooth.mean()) / max(1e-6, float(smooth.std()))


ERRORS: dict[str, Callable[[Scene, np.random.Generator], Alpha]] = {
    "missing": _missing,
    "extra": _extra,
    "moved": _moved,
    "other": _other,
    "unsure": _unsure,
}
