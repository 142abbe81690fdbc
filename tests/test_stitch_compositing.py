import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.metrics import iou
from maskmill.sample import Dropped, Sample
from maskmill.stitch.alignment import Alignment, align
from maskmill.stitch.compositing import ClipMatte, clip_matte
from maskmill.stitch.context import ClipContext
from maskmill.stitch.simulation import Making, simulate


def cup():
    image = data.coffee()
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    away = np.hypot((rows - 190) / 150, (columns - 300) / 220)
    return image, np.clip((1 - away) * 60 + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    "making",
    [
        Making(scale=0.9, quality=75),
        Making(scale=0.6, mirrored=True),
        Making(scale=0.8, gamma=0.85, contrast=1.1),
        Making(scale=0.8, shadow="drop"),
        Making(scale=0.8, canvas=248),
    ],
    ids=["as it is", "mirrored", "graded", "with a shadow", "nearly white canvas"],
)
def test_the_alpha_behind_a_clip_is_found(making: Making):
    image, alpha = cup()
    clip = simulate(image, alpha, making)
    solved = clip_matte(image, clip.image, align(image, clip.image))
    assert solved.reason == ""
    assert solved.alpha.shape == solved.confidence.shape == alpha.shape
    assert solved.alpha.dtype == np.float32
    assert iou(solved.alpha, alpha) > 0.98


def test_a_transparent_clip_keeps_its_alpha():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.8, encoding="png"))
    solved = clip_matte(image, clip.image, align(image, clip.image))
    assert iou(solved.alpha, alpha) > 0.995
    assert solved.confidence.min() == 1
    assert solved.ambiguity == 0


def test_white_inside_the_object_is_no_hole():
    image, alpha = cup()
    image = image.copy()
    cv2.circle(image, (300, 190), 40, (252, 252, 252), -1)
    clip = simulate(image, alpha, Making(scale=0.8))
    solved = clip_matte(image, clip.image, align(image, clip.image))
    assert solved.alpha[170:210, 280:320].min() > 0.9


def test_a_hole_that_shows_the_old_background_is_one():
    image, alpha = cup()
    alpha[170:210, 380:420] = 0
    clip = simulate(image, alpha, Making(scale=0.8))
    solved = clip_matte(image, clip.image, align(image, clip.image))
    assert solved.alpha[180:200, 390:410].max() < 0.2


def test_without_a_place_there_is_no_alpha():
    image, alpha = cup()
    clip = simulate(image, alpha, Making())
    with pytest.raises(ValueError, match="must have a place"):
        clip_matte(image, clip.image, Alignment(np.zeros((2, 3)), False, False, "too_small", 0.0))


def test_the_stage_gives_the_sample_its_alpha():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.8))
    context = ClipContext(clip.data, align(image, clip.image))
    made = ClipMatte()(Sample.of(image, context=context))
    assert isinstance(made, Sample)
    assert iou(made.alpha, alpha) > 0.98
    assert "ambiguity" in made.scores
    dropped = ClipMatte(most_ambiguous=0)(Sample.of(image, context=context))
    assert isinstance(dropped, Dropped) == (made.scores["ambiguity"] > 0)


def test_the_stage_asks_for_an_alignment():
    image, _ = cup()
    with pytest.raises(ValueError, match="put Realign before"):
        ClipMatte()(Sample.of(image, context=ClipContext(b"")))
    with pytest.raises(ValueError, match="most_ambiguous must be"):
        ClipMatte(most_ambiguous=2)
