"""Foregrounds and backgrounds made of arrays, for the tests of renders and composites."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def disc(height: int = 48, width: int = 64, *, bits: int = 8, colour: Any = (200, 60, 30)) -> Any:
    """A soft disc of one colour: H x W x 4, straight."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    away = np.hypot(rows - height / 2, columns - width / 2)
    alpha = np.clip((0.4 * min(height, width) - away) / 3 + 0.5, 0, 1)
    top = (1 << bits) - 1
    rgba = np.dstack([np.full((height, width, 3), np.array(colour) / 255), alpha]) * top
    return np.rint(rgba).astype(np.uint8 if bits == 8 else np.uint16)


def texture(seed: int, height: int = 60, width: int = 80, *, scale: int = 6) -> Any:
    """A photograph of nothing: smooth colours, H x W x 3, uint8."""
    rng = np.random.default_rng(seed)
    small = rng.integers(20, 235, (max(2, height // scale), max(2, width // scale), 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def write_png(path: Path, array: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    turn = order[array.ndim if array.ndim == 2 else array.shape[2]]
    assert cv2.imwrite(str(path), array if turn is None else cv2.cvtColor(array, turn))
    return path


def write_jpeg(path: Path, array: Any, quality: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = cv2.cvtColor(array, cv2.COLOR_RGB2BGR)
    assert cv2.imwrite(str(path), bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path


def write_render(folder: Path, name: str, rgba: Any, facts: dict[str, Any] | None = None) -> None:
    """What `maskmill render` leaves of a sample: picture, 16-bit alpha, foreground, facts."""
    alpha = (rgba[..., 3].astype(np.uint32) * 65535 // np.iinfo(rgba.dtype).max).astype(np.uint16)
    seen = np.rint(rgba[..., :3] * (alpha / 65535)[..., None]).astype(np.uint8)
    write_png(folder / f"{name}.png", seen)
    write_png(folder / f"{name}.alpha.png", alpha)
    write_png(folder / f"{name}.foreground.png", rgba)
    if facts is not None:
        (folder / f"{name}.json").write_text(json.dumps(facts))


FACTS = {
    "name": "bottle_00",
    "seed": 7,
    "index": 0,
    "samples": 16,
    "group": "bottle-5",
    "subject": {"kind": "product", "product": "bottle"},
    "world": {"name": "courtyard"},
    "camera": {"lens": 70.0, "azimuth": 0.5, "f_number": None, "crop": [0, 1]},
    "alpha": {"path": "holdout", "why": "the foreground is asked for"},
    "occluders": [],
    "credits": [
        {"asset": "courtyard", "licence": "CC0 1.0"},
        {"asset": "label.png", "licence": "CC BY 4.0"},
    ],
    "coverage": 0.3,
}
