"""What reduced a clip is told from both pictures, and undone."""

import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.stitch.geometry import corners_of, mapped
from maskmill.stitch.resampling import (
    KERNELS,
    USUAL,
    Resampling,
    resampled,
    resampling_of,
    restored,
)
from maskmill.stitch.simulation import Making, Simulated, simulate


def cup():
    image = data.coffee()
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    inside = np.hypot((rows - 190) / 150, (columns - 300) / 220) < 1
    return image, cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7)


def clip_of(making: Making) -> tuple[Simulated, np.ndarray, np.ndarray]:
    image, alpha = cup()
    clip = simulate(image, alpha, making)
    return clip, clip.image[..., :3].copy(), clip.image[..., 3].astype(np.float32) / np.float32(255)


def off(one: np.ndarray, clip: Simulated) -> float:
    corners = corners_of(clip.alpha > 0.5)
    whole = [np.vstack([matrix, [0, 0, 1]]) for matrix in (one, clip.matrix)]
    return float(np.abs(mapped(whole[0], corners) - mapped(whole[1], corners)).max())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [0.4, 0.8, 1.1])
def test_the_kernel_is_told(kernel: str, scale: float):
    clip, colours, shown = clip_of(Making(scale=scale, resampling=kernel, encoding="png"))
    found = resampling_of(cup()[0], colours, shown > 0.98, clip.matrix)
    assert found.kernel == kernel
    assert off(found.matrix, clip) < 0.1


@pytest.mark.parametrize("sharpening", [0.0, 0.8])
def test_grading_and_sharpening_hide_it_from_nobody(sharpening: float):
    making = Making(
        scale=0.6,
        resampling="bilinear",
        encoding="png",
        gamma=0.9,
        contrast=1.1,
        sharpening=sharpening,
    )
    clip, colours, shown = clip_of(making)
    assert resampling_of(cup()[0], colours, shown > 0.98, clip.matrix).kernel == "bilinear"


def test_a_matrix_a_little_off_is_made_exact():
    clip, colours, shown = clip_of(Making(scale=0.7, resampling="bicubic", encoding="png"))
    near = clip.matrix + np.array([[0.0003, 0, 0.15], [0, 0.0003, -0.1]])
    found = resampling_of(cup()[0], colours, shown > 0.98, near)
    assert off(near, clip) > 0.1
    assert off(found.matrix, clip) < 0.02


def test_the_way_there_is_the_studios():
    image, alpha = cup()
    for kernel in KERNELS:
        making = Making(scale=0.6, resampling=kernel, encoding="png", padding=0.1)
        clip = simulate(image, alpha, making)
        again = resampled(alpha, clip.alpha.shape, Resampling(clip.matrix, kernel))
        assert np.abs(again.clip(0, 1) - clip.alpha).max() < 0.1
        assert np.abs(again.clip(0, 1) - clip.alpha).mean() < 1e-3


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0.0, 3.0])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_reduced_alpha_is_restored_better_than_by_any_interpolation(
    kernel: str, rotation: float, mirrored: bool
):
    image, alpha = cup()
    making = Making(
        scale=0.6, resampling=kernel, encoding="png", rotation=rotation, mirrored=mirrored
    )
    clip, colours, shown = clip_of(making)
    found = restored(shown, alpha.shape, resampling_of(image, colours, shown > 0.98, clip.matrix))
    size = alpha.shape[::-1]
    others = [
        np.clip(cv2.warpAffine(shown, clip.matrix, size, flags=way), 0, 1)
        for way in (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
    ]
    edge = (alpha > 0.02) & (alpha < 0.98)
    errors = [float(np.abs(one - alpha)[edge].mean()) for one in (found, *others)]
    assert errors[0] < 0.8 * min(errors[1:])
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1


def test_where_hardly_anything_shows_the_object_alone_nothing_is_claimed():
    image, _ = cup()
    clip = np.zeros((20, 20, 3), np.uint8)
    matrix = np.array([[2.0, 0, 10], [0, 2.0, 10]])
    found = resampling_of(image, clip, np.zeros((20, 20), bool), matrix)
    assert found.kernel == USUAL
    assert np.array_equal(found.matrix, matrix)


def test_nothing_shown_is_nothing_and_what_lies_beyond_is_left_out():
    by = Resampling(np.array([[1.0, 0, -5], [0, 1.0, -5]]))
    assert not restored(np.zeros((10, 10), np.float32), (30, 30), by).any()
    found = restored(np.ones((10, 10), np.float32), (30, 30), by)
    assert found[:4, :4].min() > 0.99
    assert not found[8:].any()
    away = by._replace(matrix=np.array([[1.0, 0, 500], [0, 1.0, 500]]))
    assert not restored(np.ones((10, 10), np.float32), (30, 30), away).any()


def test_what_has_no_detail_tells_no_kernel_and_moves_nowhere():
    image = np.full((120, 120, 3), 90, np.uint8)
    clip = np.full((60, 60, 3), 90, np.uint8)
    matrix = np.array([[1.0, 0, 20], [0, 1.0, 30]])
    found = resampling_of(image, clip, np.ones((60, 60), bool), matrix)
    assert np.array_equal(found.matrix, matrix)
