"""What `auto_refine` promises: good alphas come back, defects are mended, nothing gets worse."""

import cv2
import numpy as np
import pytest
from skimage import data

from maskmill import Dropped, Sample
from maskmill.images import Alpha, Image
from maskmill.light import composite
from maskmill.metrics import iou, mae, relaxed_f
from maskmill.refine import AutoRefine, auto_refine, degrade
from maskmill.refine.agreement import agreement
from maskmill.refine.degradation import KINDS

MENDED = ("holes", "islands", "speckle", "mixed", "polygon", "stairs", "net128", "halo", "bitten")


def blob(height: int, width: int, seed: int, hole: bool = False) -> Alpha:
    """A wavy shape with bays and, if asked for, a hole that the photograph shows too."""
    rng = np.random.default_rng(seed)
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = 0.3 * min(height, width) * np.ones_like(angles)
    for wave in range(2, 14):
        radius *= 1 + rng.normal(0, 0.25 / wave) * np.sin(wave * angles + rng.uniform(0, 6.3))
    points = np.stack([np.cos(angles) * radius, np.sin(angles) * radius], -1)
    points = 4 * (points + np.array([width / 2, height / 2]))
    drawn = np.zeros((4 * height, 4 * width), np.uint8)
    cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], 255)
    if hole:
        cv2.circle(drawn, (2 * width, 2 * height), height // 4, 0, -1)
    small = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255)


def scene(seed: int, hole: bool = False) -> tuple[Image, Alpha]:
    """One photograph of scikit-image in the shape of a blob over another one, with grain."""
    rng = np.random.default_rng([seed, 1])
    front, back = (cv2.resize(picture, (600, 450)) for picture in (data.cat(), data.coffee()))
    alpha = blob(450, 600, seed, hole)
    image = composite(front, alpha, back).astype(np.float32) + rng.normal(0, 2, front.shape)
    return np.clip(image, 0, 255).astype(np.uint8), alpha


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", ["soft", "hard"])
def test_a_good_alpha_comes_back_bit_for_bit(seed: int, form: str) -> None:
    image, alpha = scene(seed, hole=seed % 2 == 1)
    given = alpha if form == "soft" else (alpha >= 0.5).astype(np.float32)
    refined = auto_refine(given, image)
    assert refined.mended == ()
    assert np.array_equal(refined.alpha, given)


@pytest.mark.parametrize("kind", MENDED)
def test_a_defect_is_mended(kind: str) -> None:
    gain: list[float] = []
    less: list[float] = []
    for seed in range(3):
        image, truth = scene(seed, hole=seed == 1)
        spoilt = degrade(truth, kind, seed)
        refined = auto_refine(spoilt, image)
        assert refined.mended
        gain.append(iou(refined.alpha, truth) - iou(spoilt, truth))
        less.append(mae(refined.alpha, truth) / mae(spoilt, truth))
    assert min(gain) > -0.002
    assert max(less) < 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_time_changes_little(kind: str) -> None:
    image, truth = scene(2)
    once = auto_refine(degrade(truth, kind, 2), image).alpha
    again = auto_refine(once, image).alpha
    assert iou(again, truth) >= iou(once, truth) - 0.005


def test_a_polygon_that_lies_on_the_edges_of_the_photograph_stays() -> None:
    corners = np.array([[120, 60], [480, 90], [520, 330], [300, 400], [90, 310]], np.int32)
    alpha = np.zeros((450, 600), np.uint8)
    cv2.fillPoly(alpha, [corners], 1)
    front, back = (cv2.resize(picture, (600, 450)) for picture in (data.cat(), data.coffee()))
    image = np.where(alpha[..., None] > 0, front, back).astype(np.uint8)
    refined = auto_refine(alpha.astype(np.float32), image)
    assert iou(refined.alpha, alpha.astype(np.float32)) > 0.995


def test_a_step_that_is_thrown_away_leaves_its_numbers() -> None:
    corners = np.array([[120, 60], [480, 90], [520, 330], [300, 400], [90, 310]], np.int32)
    mask = np.zeros((450, 600), np.uint8)
    cv2.fillPoly(mask, [corners], 1)
    flat = np.full((450, 600, 3), 120, np.uint8)
    flat[mask > 0] = 140
    refined = auto_refine(mask.astype(np.float32), flat)
    for step in refined.steps:
        assert not step.accepted
        assert "gain" in step.values
    assert np.array_equal(refined.alpha, mask)


@pytest.mark.parametrize("level", [0.0, 1.0, 0.4])
def test_an_alpha_of_one_value_comes_back(level: float) -> None:
    image = cv2.resize(data.coffee(), (90, 60))
    alpha = np.full((60, 90), level, np.float32)
    assert np.array_equal(auto_refine(alpha, image).alpha, alpha)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 5)])
def test_tiny_pictures_are_no_error(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    refined = auto_refine(rng.random(shape).astype(np.float32), image)
    assert refined.alpha.shape == shape
    assert refined.alpha.dtype == np.float32


def test_a_fortran_ordered_or_strided_alpha_gives_the_same() -> None:
    image, truth = scene(1)
    spoilt = degrade(truth, "mixed", 1)
    wanted = auto_refine(spoilt, image).alpha
    wide = np.zeros((450, 1200), np.float32)
    wide[:, ::2] = spoilt
    for given in (np.asfortranarray(spoilt), wide[:, ::2]):
        assert np.array_equal(auto_refine(given, image).alpha, wanted)
    doubled = np.repeat(image, 2, axis=1)[:, ::2]
    assert np.array_equal(auto_refine(spoilt, doubled).alpha, wanted)


def test_nothing_that_is_given_is_changed() -> None:
    image, truth = scene(0)
    spoilt = degrade(truth, "mixed", 0)
    before = spoilt.copy(), image.copy()
    spoilt.setflags(write=False)
    image.setflags(write=False)
    auto_refine(spoilt, image)
    assert np.array_equal(spoilt, before[0])
    assert np.array_equal(image, before[1])


@pytest.mark.parametrize(
    ("alpha", "image"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)),
        (np.full((4, 4), np.nan, np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 5, 3), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4, 3), np.uint16)),
        (np.zeros((4, 4), np.float32), np.zeros((4, 4), np.uint8)),
        (np.zeros((4, 4, 1), np.float32), np.zeros((4, 4, 3), np.uint8)),
        (np.zeros((0, 4), np.float32), np.zeros((0, 4, 3), np.uint8)),
    ],
)
def test_what_is_no_alpha_or_no_photograph_is_refused(alpha: Alpha, image: Image) -> None:
    with pytest.raises(ValueError, match="must"):
        auto_refine(alpha, image)


def test_the_stage_keeps_the_steps_with_their_numbers() -> None:
    image, truth = scene(3)
    sample = AutoRefine()(Sample.of(image, degrade(truth, "polygon", 3)))
    assert isinstance(sample, Sample)
    names = [step.stage for step in sample.history]
    assert "auto_refine.polygon" in names
    assert names[-1] == "auto_refine"
    polygon = sample.history[names.index("auto_refine.polygon")].values
    assert polygon["accepted"] == 1
    assert polygon["gain"] > 0
    assert relaxed_f(sample.alpha, truth) > relaxed_f(degrade(truth, "polygon", 3), truth)


def test_the_stage_drops_what_loses_all_its_foreground() -> None:
    image = np.full((300, 300, 3), 128, np.uint8)
    image[::2] = 130
    noise = (np.random.default_rng(0).random((300, 300)) < 0.02).astype(np.float32)
    outcome = AutoRefine()(Sample.of(image, noise))
    if isinstance(outcome, Sample):
        pytest.fail("specks alone are no object")
    assert isinstance(outcome, Dropped)
    assert outcome.reason == "empty_alpha"


def test_agreement_falls_as_the_outline_leaves_the_edge() -> None:
    image, truth = scene(0)
    values = [agreement(np.roll(truth, shift, 1), image, 0.02) for shift in (0, 3, 6)]
    assert values[0] > values[1] > values[2]


def test_agreement_means_the_same_at_another_size() -> None:
    image, truth = scene(0)
    large = cv2.resize(image, (1800, 1350), interpolation=cv2.INTER_CUBIC)
    wide = np.clip(cv2.resize(truth, (1800, 1350), interpolation=cv2.INTER_CUBIC), 0, 1)
    apart = agreement(wide, large, 0.02) - agreement(truth, image, 0.02)
    assert abs(apart) < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_degraded_alpha_follows_from_its_seed(kind: str) -> None:
    _, truth = scene(0)
    assert np.array_equal(degrade(truth, kind, 5), degrade(truth, kind, 5))
    assert not np.array_equal(degrade(truth, kind, 5), truth)


def test_an_unknown_kind_of_defect_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be one of holes, islands"):
        degrade(np.zeros((4, 4), np.float32), "whole")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_an_alpha_without_an_outline_can_be_degraded(kind: str, level: float) -> None:
    spoilt = degrade(np.full((30, 40), level, np.float32), kind)
    assert spoilt.shape == (30, 40)
    assert 0 <= spoilt.min() <= spoilt.max() <= 1
