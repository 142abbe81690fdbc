import itertools
import json
from importlib import resources

import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.images import Alpha, Image
from maskmill.light import composite
from maskmill.refine.degradation import KINDS, degrade
from maskmill.refine.scoring import evidence, quality, trained


def photograph(number: int, side: int = 600) -> tuple[Image, Alpha]:
    """A photograph's piece of some shape, laid over another photograph."""
    over, under = [
        (data.coffee(), data.astronaut()),
        (data.astronaut(), data.coffee()),
        (data.chelsea(), data.coffee()),
        (data.coffee(), data.chelsea()),
    ][number % 4]
    random = np.random.default_rng(number)
    angles = np.linspace(0, 2 * np.pi, 800, endpoint=False)
    distance = np.ones_like(angles)
    for wave in range(2, 60):
        distance += 0.25 * random.normal() / wave * np.cos(wave * angles + random.uniform(0, 6.3))
    unit = np.stack([np.cos(angles), np.sin(angles)], 1) * np.maximum(distance, 0.2)[:, None]
    drawn = np.zeros((side, side), np.uint8)
    points = np.rint((unit * 0.3 + 0.5) * side * 16).astype(np.int32)
    cv2.fillPoly(drawn, [points], 255, shift=4, lineType=cv2.LINE_AA)
    alpha = drawn.astype(np.float32) / np.float32(255)
    layers = (cv2.resize(layer, (side, side)).astype(np.uint8) for layer in (over, under))
    return composite(next(layers), alpha, next(layers)), alpha


def shifted(alpha: Alpha, pixels: int) -> Alpha:
    return np.roll(alpha, pixels, axis=1)


def test_good_masks_come_after_spoilt_ones() -> None:
    pairs = [photograph(number) for number in range(4)]
    good = [quality(alpha, image) for image, alpha in pairs]
    spoilt = [
        quality(degrade(alpha, kind, seed), image)
        for seed, (image, alpha) in enumerate(pairs)
        for kind in KINDS
    ]
    before = [bad < fine for bad, fine in itertools.product(spoilt, good)]
    assert np.mean(before) >= 0.9


@pytest.mark.parametrize("number", range(4))
def test_the_further_off_a_mask_lies_the_worse_it_is(number: int) -> None:
    image, alpha = photograph(number)
    qualities = [quality(shifted(alpha, pixels), image) for pixels in (0, 8, 40)]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] - qualities[2] > 0.1


@pytest.mark.parametrize("number", range(4))
def test_a_mask_that_lacks_a_piece_is_worse(number: int) -> None:
    image, alpha = photograph(number)
    piece = alpha.copy()
    piece[:, 300:] = 0
    assert quality(piece, image) < quality(alpha, image) - 0.02


@pytest.mark.parametrize("kind", ["none", "holes", "polygon", "bitten"])
def test_the_size_of_the_picture_hardly_matters(kind: str) -> None:
    image, alpha = photograph(0, 800)
    spoilt = alpha if kind == "none" else degrade(alpha, kind, 1)
    usual = quality(spoilt, image)
    for side, way in ((400, cv2.INTER_AREA), (1600, cv2.INTER_LINEAR)):
        resized = cv2.resize(spoilt, (side, side), interpolation=way).astype(np.float32)
        picture = cv2.resize(image, (side, side), interpolation=way).astype(np.uint8)
        assert quality(np.clip(resized, 0, 1), picture) == pytest.approx(usual, abs=0.12)


def test_the_same_mask_has_the_same_quality_and_is_left_as_it_is() -> None:
    image, alpha = photograph(2)
    image.setflags(write=False)
    alpha.setflags(write=False)
    assert quality(alpha, image) == quality(alpha.copy(order="F"), image.copy())


@pytest.mark.parametrize("value", [0.0, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (50, 60)])
def test_a_mask_without_two_sides_has_no_quality(value: float, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert quality(np.full(shape, value, np.float32), image) == 0


def test_a_single_pixel_has_a_quality_like_any_other_mask() -> None:
    alpha = np.zeros((40, 40), np.float32)
    alpha[20, 20] = 1
    assert 0 <= quality(alpha, np.zeros((40, 40, 3), np.uint8)) <= 1


@pytest.mark.parametrize(
    ("alpha", "image"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)),
        (np.full((4, 4), np.nan, np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.full((4, 4), -0.1, np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((5, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint16)),
    ],
)
def test_other_arrays_are_refused(alpha: Alpha, image: Image) -> None:
    with pytest.raises(ValueError, match=r"^(alpha|image) must be|^alpha must lie"):
        quality(alpha, image)


def test_the_weights_are_small_and_belong_to_what_is_measured() -> None:
    image, alpha = photograph(3)
    assert set(trained().names) == set(evidence(alpha, image))
    stored = (resources.files("maskmill.refine") / "quality.json").read_bytes()
    assert len(stored) < 20_000
    assert json.loads(stored)["made_by"].startswith("scripts/train_quality.py")
