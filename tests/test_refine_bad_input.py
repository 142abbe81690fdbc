"""Whatever comes in: a clear error, or a result that is an alpha."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maskmill.refine import (
    auto_refine,
    clean,
    decontaminate,
    defects,
    matte,
    quality,
    sharpen,
    smooth,
    trimap,
)


def _disc(height: int = 60, width: int = 80) -> Any:
    y, x = np.mgrid[:height, :width]
    return (np.hypot(y - height / 2, x - width / 2) < min(height, width) / 3).astype(np.float32)


def _picture(alpha: Any) -> Any:
    return np.where(alpha[..., None] >= 0.5, 200, 40).astype(np.uint8).repeat(3, axis=2)


ALPHAS: dict[str, Callable[[Any, Any], Any]] = {
    "clean": clean,
    "smooth": lambda alpha, image: smooth(alpha),
    "sharpen": lambda alpha, image: sharpen(alpha, 32),
    "auto_refine": lambda alpha, image: auto_refine(alpha, image).alpha,
    "matte": lambda alpha, image: matte(image, trimap(alpha), alpha).alpha,
}
"""What returns an alpha of the size of the one that came in."""

OTHERS: dict[str, Callable[[Any, Any], Any]] = {
    "trimap": trimap,
    "decontaminate": lambda alpha, image: decontaminate(image, alpha),
    "defects": defects,
    "quality": quality,
}

WRONG_ALPHAS: dict[str, Any] = {
    "float64": _disc().astype(np.float64),
    "uint8": (_disc() * 255).astype(np.uint8),
    "bool": _disc() > 0.5,
    "not a number": np.where(_disc() > 0.5, np.float32("nan"), np.float32(0)),
    "infinite": np.where(_disc() > 0.5, np.float32("inf"), np.float32(0)),
    "above 1": _disc() * np.float32(255),
    "below 0": _disc() - np.float32(0.5),
    "three channels": np.stack([_disc()] * 3, axis=-1),
    "a row": _disc()[0],
    "no pixel": np.zeros((0, 0), np.float32),
}

WRONG_IMAGES: dict[str, Any] = {
    "RGBA": np.zeros((60, 80, 4), np.uint8),
    "16 bit": np.zeros((60, 80, 3), np.uint16),
    "float": np.zeros((60, 80, 3), np.float32),
    "grey": np.zeros((60, 80), np.uint8),
    "turned": np.zeros((80, 60, 3), np.uint8),
}

SHAPES = ((1, 1), (1, 2), (2, 1), (1, 50), (50, 1), (2, 2), (3, 7), (40, 3))


@pytest.mark.parametrize("function", [*ALPHAS, *OTHERS])
@pytest.mark.parametrize("what", WRONG_ALPHAS)
def test_what_is_no_alpha_is_refused(function: str, what: str):
    with pytest.raises(ValueError, match=r"must (be|lie|hold)"):
        (ALPHAS | OTHERS)[function](WRONG_ALPHAS[what], _picture(_disc()))


@pytest.mark.parametrize("function", sorted({*ALPHAS, *OTHERS} - {"smooth", "sharpen"}))
@pytest.mark.parametrize("what", WRONG_IMAGES)
def test_what_is_no_photograph_of_its_size_is_refused(function: str, what: str):
    with pytest.raises(ValueError, match="image must be"):
        (ALPHAS | OTHERS)[function](_disc(), WRONG_IMAGES[what])


@pytest.mark.parametrize("function", ALPHAS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("fill", ["empty", "full", "half", "one pixel", "random"])
def test_whatever_is_an_alpha_leads_to_one(function: str, shape: tuple[int, int], fill: str):
    rng = np.random.default_rng(5)
    alpha = np.full(shape, {"full": 1.0, "half": 0.5}.get(fill, 0.0), np.float32)
    if fill == "one pixel":
        alpha[-1, -1] = 1
    elif fill == "random":
        alpha = rng.random(shape, np.float32)
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    made = ALPHAS[function](alpha, image)
    assert made.shape == shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("level", [0, 0.5, 1])
def test_pictures_of_few_pixels_are_measured_too(shape: tuple[int, int], level: float):
    alpha = np.full(shape, level, np.float32)
    image = np.full((*shape, 3), 90, np.uint8)
    assert defects(alpha, image).found == ()
    assert 0 <= quality(alpha, image) <= 1
    foreground = decontaminate(image, alpha)
    assert foreground.shape == image.shape
    assert foreground.dtype == np.uint8


@pytest.mark.parametrize("level", [0, 1])
def test_an_empty_or_full_alpha_is_left_as_it_is(level: float):
    alpha = np.full((60, 80), level, np.float32)
    refined = auto_refine(alpha, _picture(_disc()))
    assert np.array_equal(refined.alpha, alpha)
    assert refined.mended == ()
