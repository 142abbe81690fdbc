"""Make clips as a studio makes them, of photographs whose alpha is known: where they lie is known.

What is measured on such pairs is measured against the truth; what real studios do beyond this, it
cannot show.
"""

import hashlib
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, NamedTuple, Self

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from maskmill.images import Alpha, Image, check_alpha
from maskmill.refine import decontaminate

from .geometry import Matrix, inverse, mirroring, resizing, shifting

FILTERS = {
    "box": Pillow.Resampling.BOX,
    "bilinear": Pillow.Resampling.BILINEAR,
    "bicubic": Pillow.Resampling.BICUBIC,
    "lanczos": Pillow.Resampling.LANCZOS,
}
ENCODINGS = ("jpeg", "png", "grey", "cmyk", "png16")
SHADOWS = ("none", "drop", "contact")


@dataclass(frozen=True)
class Making:
    """What was done to a photograph on its way to a clip.

    Parameters
    ----------
    scale : float
        Pixels of the clip for one of the photograph.
    rotation : float
        Degrees, counterclockwise.
    crop : tuple of 4 floats
        Shares of the object's box that are cut off at its left, top, right and bottom.
    mirrored : bool
        Turned left to right.
    gamma, contrast, brightness, saturation : float
        Of the retouch, in this order, on colours in [0, 1].
    balance : tuple of 3 floats
        Factors of R, G and B.
    sharpening : float
        Of an unsharp mask of one pixel.
    decontaminated : bool
        Whether edges got the object's own colours; else the old background shows in them.
    shadow : str
        "none", "drop" (behind and below) or "contact" (under the object), baked into the canvas.
    darkness : float
        Of the shadow, in [0, 1].
    square : bool
        Whether the canvas is square; else it follows the object.
    padding : float
        Of the canvas around the object, as a share of its long side.
    canvas : int
        Level of the canvas: 255 is white.
    resampling : str
        "box", "bilinear", "bicubic" or "lanczos", with Pillow's kernels.
    encoding : str
        "jpeg", "png" (RGBA), "grey" (JPEG), "cmyk" (JPEG) or "png16" (RGB of 16 bits).
    quality : int
        Of the JPEG.
    halved : bool
        Whether its colours are subsampled (4:2:0); else 4:4:4.
    """

    scale: float = 1.0
    rotation: float = 0.0
    crop: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    mirrored: bool = False
    gamma: float = 1.0
    contrast: float = 1.0
    brightness: float = 0.0
    saturation: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    sharpening: float = 0.0
    decontaminated: bool = True
    shadow: str = "none"
    darkness: float = 0.3
    square: bool = True
    padding: float = 0.08
    canvas: int = 255
    resampling: str = "lanczos"
    encoding: str = "jpeg"
    quality: int = 85
    halved: bool = True

    def __post_init__(self) -> None:
        if not 0.01 <= self.scale <= 4:
            raise ValueError(f"scale must be from 0.01 to 4, got {self.scale}")
        if not all(0 <= share < 0.5 for share in self.crop):
            raise ValueError(f"crop must be four shares from 0 to below 0.5, got {self.crop}")
        for name, known in (
            ("shadow", SHADOWS),
            ("resampling", tuple(FILTERS)),
            ("encoding", ENCODINGS),
        ):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )

    @classmethod
    def drawn(cls, *identity: str | int, **fixed: Any) -> Self:
        """Draw what a studio might have done, from what names the pair; `fixed` fields stay."""
        digest = hashlib.blake2b("\0".join(map(str, identity)).encode(), digest_size=16).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "little"))
        facts: dict[str, Any] = {
            "scale": float(np.exp(rng.uniform(np.log(0.3), np.log(1.2)))),
            "square": bool(rng.random() < 0.5),
            "padding": float(rng.uniform(0.02, 0.2)),
            "resampling": str(rng.choice(list(FILTERS))),
            "quality": int(rng.integers(60, 96)),
            "halved": bool(rng.random() < 0.5),
            "decontaminated": bool(rng.random() < 0.5),
        }
        if rng.random() < 0.3:
            facts["rotation"] = float(rng.uniform(-5, 5))
        if rng.random() < 0.15:
            facts["crop"] = tuple(float(share) for share in rng.uniform(0, 0.15, 4))
        if rng.random() < 0.5:
            facts |= {
                "gamma": float(rng.uniform(0.8, 1.2)),
                "contrast": float(rng.uniform(0.95, 1.15)),
                "brightness": float(rng.uniform(-0.03, 0.07)),
                "saturation": float(rng.uniform(0.9, 1.2)),
                "balance": tuple(float(factor) for factor in rng.uniform(0.96, 1.04, 3)),
                "sharpening": float(rng.choice([0, 0.4, 0.8])),
            }
        return replace(cls(**facts), **fixed)


class Simulated(NamedTuple):
    """A clip and the truth about it.

    Parameters
    ----------
    data : bytes
        The file.
    image : ndarray, h x w, h x w x 3 or h x w x 4, uint8 or uint16
        What it decodes to; grey, RGB or RGBA.
    alpha : ndarray, h x w, float32 in [0, 1]
        The object's, in the clip's grid.
    matrix : ndarray, 2 x 3, float64
        From the clip's pixel centres to the photograph's.
    """

    data: bytes
    image: npt.NDArray[Any]
    alpha: Alpha
    matrix: npt.NDArray[np.float64]


def simulate(image: Image, alpha: Alpha, making: Making) -> Simulated:
    """Make a clip of a photograph's object.

    Parameters
    ----------
    image : ndarray, H x W x 3, uint8
        RGB.
    alpha : ndarray, H x W, float32 in [0, 1]
        With some foreground.
    making : Making

    Raises
    ------
    ValueError
        When the arrays are not as described or nothing is foreground.

    Examples
    --------
    >>> image = np.full((60, 80, 3), 90, np.uint8)
    >>> alpha = np.zeros((60, 80), np.float32)
    >>> alpha[20:40, 30:50] = 1
    >>> clip = simulate(image, alpha, Making(scale=0.5, padding=0.2))
    >>> clip.image.shape[2], (clip.matrix @ (0, 0, 1)).round(1).tolist()
    (3, [26.5, 16.5])
    """
    check_alpha(alpha, image.shape[:2])
    if not (alpha >= 0.5).any():
        raise ValueError("alpha must have some foreground, got none")
    colours = decontaminate(image, alpha) if making.decontaminated else image
    layer = np.dstack([colours.astype(np.float32) * alpha[..., None], alpha])
    layer, to_layer = _turned(layer, making.rotation)
    left, top, right, bottom = _box(layer[..., 3], making)
    layer = layer[top:bottom, left:right]
    height, width = layer.shape[:2]
    size = (max(8, round(width * making.scale)), max(8, round(height * making.scale)))
    layer = _resampled(layer, size, FILTERS[making.resampling])
    matrix = resizing((width, height), size) @ shifting(-left, -top) @ to_layer
    if making.mirrored:
        layer = np.ascontiguousarray(layer[:, ::-1])
        matrix = mirroring(size[0]) @ matrix
    shown = np.clip(layer[..., 3], 0, 1).astype(np.float32)
    object_ = np.clip(layer[..., :3] / np.maximum(layer[..., 3:], 1e-3), 0, 255)
    graded = _graded(object_.astype(np.float32), making)
    across, down = _margins(size, making)
    canvas = (size[1] + 2 * down, size[0] + 2 * across)
    place = np.s_[down : down + size[1], across : across + size[0]]
    truth = np.zeros(canvas, np.float32)
    truth[place] = shown
    picture = np.zeros((*canvas, 3), np.float32)
    picture[place] = graded
    matrix = inverse(shifting(across, down) @ matrix)[:2]
    data, decoded = _encoded(picture, truth, making)
    return Simulated(data, decoded, truth, matrix)


def _turned(layer: npt.NDArray[np.float32], degrees: float) -> tuple[Any, Matrix]:
    if degrees == 0:
        return layer, np.eye(3)
    height, width = layer.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ turn[:, :2].T
    corners = corners + turn[:, 2]
    low = np.floor(corners.min(axis=0)) - 2
    size = tuple((np.ceil(corners.max(axis=0)) + 2 - low).astype(int).tolist())
    matrix = shifting(*-low) @ np.vstack([turn, [0, 0, 1]])
    return cv2.warpAffine(layer, matrix[:2], size, flags=cv2.INTER_CUBIC), matrix


def _box(alpha: npt.NDArray[np.float32], making: Making) -> tuple[int, int, int, int]:
    rows = np.flatnonzero((alpha > 0.02).any(axis=1))
    columns = np.flatnonzero((alpha > 0.02).any(axis=0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    width, height = right - left, bottom - top
    cut = making.crop
    return (
        int(left + width * cut[0]),
        int(top + height * cut[1]),
        int(right - width * cut[2]),
        int(bottom - height * cut[3]),
    )


def _resampled(layer: Any, size: tuple[int, int], kernel: Pillow.Resampling) -> Any:
    channels = [
        np.asarray(Pillow.fromarray(np.ascontiguousarray(layer[..., c])).resize(size, kernel))
        for c in range(layer.shape[2])
    ]
    return np.dstack(channels)


def _graded(colours: npt.NDArray[np.float32], making: Making) -> npt.NDArray[np.float32]:
    x = (colours / 255) ** making.gamma
    x = (x - 0.5) * making.contrast + 0.5 + making.brightness
    luma = x.mean(axis=2, keepdims=True)
    x = (luma + (x - luma) * making.saturation) * np.array(making.balance, np.float32)
    if making.sharpening:
        x = x + making.sharpening * (x - cv2.GaussianBlur(x, (0, 0), 1.0))
    return (np.clip(x, 0, 1) * 255).astype(np.float32)


def _margins(size: tuple[int, int], making: Making) -> tuple[int, int]:
    margin = round(making.padding * max(size))
    side = max(size)
    if not making.square:
        return margin, margin
    return margin + (side - size[0]) // 2, margin + (side - size[1]) // 2


def _shadow(alpha: Alpha, making: Making) -> npt.NDArray[np.float32]:
    """Return by how much the canvas is darkened, in [0, 1]."""
    if making.shadow == "none":
        return np.zeros_like(alpha)
    rows, columns = np.nonzero(alpha >= 0.5)
    side = float(max(np.ptp(rows), np.ptp(columns)) + 1)
    if making.shadow == "drop":
        shift = np.array([[1, 0, 0.03 * side], [0, 1, 0.04 * side]])
        moved = cv2.warpAffine(alpha, shift, alpha.shape[::-1])
        soft = cv2.GaussianBlur(moved, (0, 0), max(0.5, 0.025 * side))
        return (making.darkness * soft).astype(np.float32)
    y, x = np.mgrid[: alpha.shape[0], : alpha.shape[1]].astype(np.float32)
    wide = max(4.0, 0.45 * float(np.ptp(columns)))
    high = max(2.0, 0.05 * float(np.ptp(rows)))
    away = ((x - columns.mean()) / wide) ** 2 + ((y - rows.max()) / high) ** 2
    return (making.darkness * np.exp(-away)).astype(np.float32)


def _encoded(
    picture: npt.NDArray[np.float32], alpha: Alpha, making: Making
) -> tuple[bytes, npt.NDArray[Any]]:
    weight = alpha[..., None]
    if making.encoding == "png":
        levels = np.dstack([picture, alpha * 255])
        return _png(np.rint(levels).astype(np.uint8))
    canvas = making.canvas * (1 - _shadow(alpha, making))[..., None]
    flat = np.rint(np.clip(picture * weight + canvas * (1 - weight), 0, 255))
    if making.encoding == "png16":
        return _png((flat * 257).astype(np.uint16))
    mode = {"grey": "L", "cmyk": "CMYK"}.get(making.encoding, "RGB")
    drawn = Pillow.fromarray(flat.astype(np.uint8)).convert(mode)
    out = BytesIO()
    drawn.save(out, "JPEG", quality=making.quality, subsampling=2 if making.halved else 0)
    data = out.getvalue()
    decoded = Pillow.open(BytesIO(data))
    return data, np.asarray(decoded if mode == "L" else decoded.convert("RGB"), np.uint8)


def _png(levels: npt.NDArray[Any]) -> tuple[bytes, npt.NDArray[Any]]:
    order = [2, 1, 0, 3][: levels.shape[2]]
    done, data = cv2.imencode(".png", np.ascontiguousarray(levels[..., order]))
    if not done:
        raise ValueError(f"cannot encode {levels.shape} {levels.dtype} as PNG")
    return data.tobytes(), levels
