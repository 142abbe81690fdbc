"""What `enlarge`, `sharpen` and `network_size_of` promise."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskmill import Dropped, Sample
from maskmill.images import Alpha
from maskmill.metrics import mae, relaxed_f
from maskmill.refine.degradation import degrade
from maskmill.refine.sharpening import Sharpen, enlarge, network_size_of, sharpen
from maskmill.stage import describe

examples = settings(deadline=None, database=None, derandomize=True, max_examples=40)
shapes = st.tuples(st.integers(1, 30), st.integers(1, 30))
alphas = shapes.flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
)


def blob(height: int = 500, width: int = 800) -> Alpha:
    """An object with a wavy outline and thin spikes, sampled without stairs."""
    rows, columns = np.mgrid[:height, :width] / height
    away = np.hypot(rows - 0.5, columns - width / height / 2)
    angle = np.arctan2(rows - 0.5, columns - width / height / 2)
    reach = 0.3 + 0.03 * np.sin(9 * angle) + 0.04 * np.abs(np.sin(30 * angle)) ** 8
    return np.clip((reach - away) * height + 0.5, 0, 1).astype(np.float32)


def lowered(alpha: Alpha, side: int) -> Alpha:
    small: Any = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 1)


def levels(alpha: Any) -> Alpha:
    return (np.rint(alpha * 255) / 255).astype(np.float32)


def test_enlarging_with_a_cubic_kernel_comes_nearer_than_with_a_linear_one():
    truth = blob()
    small = lowered(truth, 128)
    linear = cv2.resize(small, (800, 500), interpolation=cv2.INTER_LINEAR)
    assert mae(enlarge(small, 500, 800), truth) < 0.9 * mae(linear, truth)


def test_an_enlarged_map_stays_within_0_and_1_where_the_kernel_overshoots():
    large = enlarge(np.float32([[0, 0, 1, 1]]), 4, 64)
    assert (large.min(), large.max()) == (0, 1)


@pytest.mark.parametrize(("height", "width"), [(400, 400), (300, 200), (1001, 777)])
def test_what_is_enlarged_lies_where_it_lay(height: int, width: int):
    small = lowered(blob(400, 400), 100)
    small[:50] = 0
    assert middle(enlarge(small, height, width)) == pytest.approx(middle(small), abs=2e-3)


def middle(alpha: Alpha) -> list[float]:
    """Return the centre of mass as shares of the sides."""
    rows, columns = np.indices(alpha.shape) + 0.5
    return [
        float(np.average(at, weights=alpha) / side)
        for at, side in zip((rows, columns), alpha.shape, strict=True)
    ]


def test_a_side_that_shrinks_is_averaged():
    striped = np.tile(np.float32([0, 1]), (4, 50))
    np.testing.assert_allclose(enlarge(striped, 8, 50), 0.5, atol=1e-6)


def test_gain_steepens_the_edge_and_leaves_the_outline():
    small = lowered(blob(), 128)
    plain, steep = enlarge(small, 500, 800), enlarge(small, 500, 800, gain=2)
    clear = np.abs(plain - 0.5) > 1e-6
    np.testing.assert_array_equal((steep >= 0.5)[clear], (plain >= 0.5)[clear])
    inner = (steep > 0.01) & (steep < 0.99)
    np.testing.assert_allclose(steep[inner] - 0.5, 2 * (plain[inner] - 0.5), atol=1e-5)


@pytest.mark.parametrize("kind", ["net128", "net320"])
def test_sharpen_comes_nearer_to_the_truth_than_the_map_and_than_a_threshold(kind: str):
    truth = cv2.GaussianBlur(blob(), (0, 0), 1)
    spoilt = degrade(truth, kind, 2)
    sharp = sharpen(spoilt)
    assert mae(sharp, truth) < 0.7 * mae(spoilt, truth)
    assert mae(sharp, truth) < 0.9 * mae(spoilt >= 0.5, truth)
    assert relaxed_f(sharp, truth) >= relaxed_f(spoilt, truth)


def test_sharpen_recovers_the_map_before_it_enlarges_again():
    small = lowered(blob(), 128)
    linear = cv2.resize(small, (800, 500), interpolation=cv2.INTER_LINEAR)
    made = sharpen(linear, 128, restore=0, gain=1)
    np.testing.assert_allclose(made, enlarge(small, 500, 800), atol=0.01)


def test_sharpen_leaves_alone_what_was_not_enlarged():
    truth = blob()
    np.testing.assert_array_equal(sharpen(truth), truth)
    np.testing.assert_array_equal(sharpen(truth, 1024), truth)


@pytest.mark.parametrize("side", [64, 128, 320])
@pytest.mark.parametrize("kernel", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_the_side_of_an_enlarged_map_is_found(side: int, kernel: int):
    small = lowered(blob(900, 1200), side)
    large = np.clip(cv2.resize(small, (1200, 900), interpolation=kernel), 0, 1)
    assert network_size_of(large) == side
    assert network_size_of(levels(large)) == side


def test_the_side_is_found_beside_the_hard_edges_of_something_else():
    large = degrade(blob(), "net128", 1)
    large[240:260, 380:420], large[20:40, 20:60] = 0, 1
    assert network_size_of(large) == 128


@pytest.mark.parametrize("soft", [0, 1, 2, 4, 8])
def test_no_side_is_found_in_an_alpha_of_full_resolution(soft: float):
    truth = blob()
    assert network_size_of(levels(cv2.GaussianBlur(truth, (0, 0), soft) if soft else truth)) is None


@pytest.mark.parametrize("kind", ["holes", "islands", "speckle", "polygon", "stairs", "halo"])
def test_no_side_is_found_in_a_hard_mask(kind: str):
    assert network_size_of(degrade(blob(), kind, 1)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (60, 70)])
def test_no_side_is_found_in_small_and_even_pictures(shape: tuple[int, int]):
    for value in (0, 0.5, 1):
        assert network_size_of(np.full(shape, value, np.float32)) is None


@pytest.mark.parametrize("value", [0, 1])
def test_an_empty_or_full_map_stays_exactly_so(value: int):
    even = np.full((90, 120), value, np.float32)
    np.testing.assert_array_equal(sharpen(even, 64), even)
    np.testing.assert_array_equal(enlarge(even, 900, 700, restore=1, gain=1.5), value)


@examples
@given(alpha=alphas, side=st.integers(2, 40))
def test_the_result_is_an_alpha_of_the_same_shape(alpha: Alpha, side: int):
    result = sharpen(alpha, side)
    assert result.shape == alpha.shape
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


def test_the_alpha_passed_in_is_left_alone():
    alpha = degrade(blob(), "net128", 1)
    before = alpha.copy()
    alpha.setflags(write=False)
    assert not np.shares_memory(sharpen(alpha, 128), alpha)
    assert not np.shares_memory(sharpen(alpha, 4096), alpha)
    assert not np.shares_memory(enlarge(alpha, *alpha.shape), alpha)
    np.testing.assert_array_equal(alpha, before)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: sharpen(blob(), 1), "network_size must be .* 2 or more, .* got 1"),
        (lambda: Sharpen(network_size=0), "network_size must be .* got 0"),
        (lambda: Sharpen(float("nan")), "network_size must be .* got nan"),
        (lambda: Sharpen(restore=-1), r"restore must lie in \[0, 4\], got -1"),
        (lambda: Sharpen(gain=0.5), "gain must be a number from 1, got 0.5"),
        (lambda: enlarge(blob(), 0, 5), "height and width must be 1 or more, got 0 x 5"),
        (lambda: enlarge(np.zeros((4, 4), np.uint8), 8, 8), "divide levels by 255"),  # pyright: ignore
        (lambda: sharpen(np.full((4, 4), np.nan, np.float32)), r"must lie in \[0, 1\], .* nan"),
        (lambda: network_size_of(np.zeros((4, 4, 3), np.float32)), r"must be H x W .* 4, 3\)"),
    ],
)
def test_wrong_values_are_refused(wrong: Any, message: str):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_the_stage_does_what_the_function_does_and_notes_the_side():
    alpha = degrade(blob(), "net128", 1)
    sample = Sample.of(np.zeros((*alpha.shape, 3), np.uint8), alpha)
    for stage, side in ((Sharpen(), 128), (Sharpen(100), 100), (Sharpen(4096), 4096)):
        result = stage(sample)
        assert isinstance(result, Sample)
        (step,) = result.history
        assert step.stage == "sharpen"
        assert step.values["network_size"] == side
        np.testing.assert_array_equal(result.alpha, sharpen(alpha, side))


def test_a_foreground_that_vanishes_is_dropped():
    faint = np.zeros((60, 80), np.float32)
    faint[30, 40] = 1
    result = Sharpen(8)(Sample.of(np.zeros((60, 80, 3), np.uint8), faint))
    assert isinstance(result, Dropped)
    assert result.reason == "empty_alpha"


def test_the_stage_stands_in_a_fingerprint():
    assert describe(Sharpen()) == {
        "use": "sharpen",
        "class": "maskmill.refine.sharpening:Sharpen",
        "network_size": None,
        "restore": 1.0,
        "gain": 1.5,
    }
