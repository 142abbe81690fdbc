"""What the metrics promise: hand-computed values, defined corners, clear refusals."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskmill.metrics import (
    boundary_iou,
    conn,
    e_curve,
    e_measure,
    f_beta,
    f_curve,
    grad,
    iou,
    mae,
    mse,
    normalised,
    precision_recall_curve,
    relaxed_f,
    s_measure,
    sad,
    weighted_f,
)
from maskmill.metrics import thresholds as counting
from maskmill.metrics.pair import Mask

MATTING = [sad, mse, grad, conn]
ALL = [
    *(iou, mae, f_beta, f_curve, relaxed_f, precision_recall_curve, e_measure, e_curve),
    *(s_measure, weighted_f, boundary_iou),
    *MATTING,
]
AGREEMENT = [iou, f_beta, relaxed_f, weighted_f, boundary_iou]
EMPTY = np.zeros((4, 5), bool)
FULL = np.ones((4, 5), bool)
SOD = Path(__file__).resolve().parents[2] / "shared" / "data" / "sod"

examples = settings(deadline=None, database=None, derandomize=True, max_examples=40)
shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
masks = shapes.flatmap(lambda shape: hnp.arrays(bool, (2, *shape)))
shares = st.floats(0, 1, width=32)
maps = shapes.flatmap(lambda shape: hnp.arrays(np.float32, (2, *shape), elements=shares))


def block(shape: tuple[int, int], rows: slice, columns: slice) -> Mask:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


def test_iou_is_the_shared_part_of_the_union():
    prediction = np.array([[1, 1, 0], [1, 0, 0]], bool)
    truth = np.array([[1, 1, 1], [0, 0, 0]], bool)
    assert iou(prediction, truth) == 2 / 4


def test_iou_threshold_belongs_to_the_prediction():
    prediction, truth = np.array([[0.9, 0.5, 0.4]]), np.array([[0.5, 0.0, 0.0]])
    assert iou(prediction, truth, threshold=0.9) == 1
    assert iou(prediction, truth) == 1 / 2
    assert iou(prediction, truth, threshold=0.1) == 1 / 3


@examples
@given(masks)
def test_iou_does_not_care_which_mask_is_which(pair: Any):
    assert iou(pair[0], pair[1]) == iou(pair[1], pair[0])


def test_mae_compares_soft_values_as_they_are():
    prediction = np.array([[0.0, 0.25], [1.0, 0.5]], np.float32)
    truth = np.array([[0.0, 0.75], [0.5, 0.5]], np.float32)
    assert mae(prediction, truth) == (0 + 0.5 + 0.5 + 0) / 4


def test_mae_takes_bool_for_zero_and_one():
    assert mae(FULL, EMPTY) == 1
    assert mae(FULL, FULL.astype(np.float32)) == 0


@examples
@given(maps)
def test_mae_is_symmetric_and_zero_only_for_equal_maps(pair: Any):
    assert mae(pair[0], pair[1]) == mae(pair[1], pair[0])
    assert (mae(pair[0], pair[1]) == 0) == np.array_equal(pair[0], pair[1])


def test_f_beta_weighs_precision_and_recall():
    prediction = np.array([[1, 1, 1, 0]], bool)  # precision 2/3
    truth = np.array([[1, 1, 0, 1]], bool)  # recall 2/3
    assert f_beta(prediction, truth, threshold=0.5) == pytest.approx(2 / 3)
    assert f_beta(prediction, truth | True, threshold=0.5) == pytest.approx(
        1.3 * 1 * 0.75 / (0.3 * 1 + 0.75)
    )


def test_f_beta_with_beta2_of_one_is_f1():
    prediction, truth = np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 1, 1]], bool)
    precision, recall = 1 / 2, 1 / 3
    f1 = 2 * precision * recall / (precision + recall)
    assert f_beta(prediction, truth, beta2=1, threshold=0.5) == pytest.approx(f1)


def test_f_curve_has_one_value_per_level():
    prediction, truth = np.array([[1.0, 0.8, 0.2, 0.0]]), np.array([[1, 0, 1, 0]], bool)
    curve = f_curve(prediction, truth)
    expected = np.empty(256)
    expected[0] = 1.3 * 2 / (0.3 * 2 + 4)  # everything is foreground
    expected[1:52] = 1.3 * 2 / (0.3 * 2 + 3)  # .2 is level 51
    expected[52:205] = 1.3 * 1 / (0.3 * 2 + 2)  # .8 is level 204
    expected[205:] = 1.3 * 1 / (0.3 * 2 + 1)
    np.testing.assert_allclose(curve, expected, rtol=1e-14)


def test_f_beta_max_and_mean_are_those_of_the_curve():
    prediction, truth = np.array([[1.0, 0.8, 0.2, 0.0]]), np.array([[1, 0, 1, 0]], bool)
    curve = f_curve(prediction, truth)
    assert f_beta(prediction, truth) == curve.max() == curve[205]
    assert f_beta(prediction, truth, threshold="mean") == curve.mean()


def test_f_beta_adaptive_cuts_at_twice_the_mean():
    truth = np.array([[1, 1, 0, 0]], bool)
    prediction = np.array([[0.9, 0.5, 0.2, 0.0]])  # twice the mean is .8
    expected = f_beta(prediction, truth, threshold=0.8)
    assert f_beta(prediction, truth, threshold="adaptive") == expected == 1.3 * 1 / (0.3 * 2 + 1)


def test_f_beta_adaptive_cuts_at_one_where_the_prediction_is_bright():
    truth = np.array([[1, 1, 0, 0]], bool)
    assert f_beta(np.array([[1.0, 0.9, 0.8, 0.7]]), truth, threshold="adaptive") == pytest.approx(
        1.3 * 1 / (0.3 * 2 + 1)
    )


def test_f_beta_adaptive_finds_nothing_in_an_empty_prediction():
    assert f_beta(EMPTY, FULL, threshold="adaptive") == 0


def test_a_map_and_its_eight_bit_file_have_the_same_curve():
    prediction = np.random.default_rng(7).random((20, 30), np.float32)
    written = np.rint(prediction * 255) / 255
    truth = prediction > 0.3
    np.testing.assert_array_equal(f_curve(prediction, truth), f_curve(written, truth))
    np.testing.assert_array_equal(
        f_curve(prediction, truth), f_curve(written.astype(np.float32), truth)
    )


@examples
@given(maps, st.floats(0.1, 5))
def test_f_beta_max_is_no_less_than_the_mean(pair: Any, beta2: float):
    best = f_beta(pair[0], pair[1], beta2=beta2)
    assert f_beta(pair[0], pair[1], beta2=beta2, threshold="mean") <= best + 1e-12


@pytest.mark.parametrize("rule", ["median", ""])
def test_f_beta_refuses_an_unknown_rule(rule: Any):
    with pytest.raises(ValueError, match=f"'max', 'mean' or 'adaptive', got '{rule}'"):
        f_beta(FULL, FULL, threshold=rule)


def test_relaxed_f_forgives_a_shift_of_rho():
    truth = block((20, 20), slice(6, 14), slice(6, 14))
    assert relaxed_f(np.roll(truth, 3, axis=1), truth, rho=3) == 1
    assert relaxed_f(np.roll(truth, 4, axis=1), truth, rho=3) < 1


def test_relaxed_f_counts_boundary_pixels():
    truth = block((12, 12), slice(4, 8), slice(4, 8))  # a ring of 12 pixels
    shifted = np.roll(truth, 2, axis=1)
    # Within one pixel of the other ring are 8 of the 12, either way.
    assert relaxed_f(shifted, truth, rho=1) == pytest.approx(8 / 12)


def test_relaxed_f_weighs_precision_over_recall():
    truth = block((30, 30), slice(3, 9), slice(3, 9)) | block((30, 30), slice(20, 26), slice(3, 9))
    half = block((30, 30), slice(3, 9), slice(3, 9))  # precision 1, recall 1/2
    assert relaxed_f(half, truth) == pytest.approx(1.3 * 0.5 / (0.3 + 0.5))
    assert relaxed_f(half, truth, beta2=1) == pytest.approx(2 / 3)
    assert relaxed_f(truth, half) == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1))


def test_relaxed_f_has_no_boundary_where_the_frame_cuts_the_object():
    truth = block((10, 20), slice(0, 10), slice(0, 10))
    prediction = truth.copy()
    prediction[0, 2] = False  # takes five pixels of boundary in, far from the true one
    found = 10 + 5
    precision = 10 / found
    assert relaxed_f(prediction, truth) == pytest.approx(
        1.3 * precision * 1 / (0.3 * precision + 1)
    )


def test_relaxed_f_takes_rho_below_one_for_a_share_of_the_long_side():
    truth = block((40, 200), slice(10, 30), slice(50, 100))
    shifted = np.roll(truth, 3, axis=1)
    assert relaxed_f(shifted, truth, rho=0.015) == relaxed_f(shifted, truth, rho=3) == 1
    assert relaxed_f(shifted, truth, rho=0.0149) < 1


def test_relaxed_f_allows_one_pixel_in_the_smallest_picture():
    truth = block((8, 8), slice(2, 6), slice(2, 6))
    assert relaxed_f(np.roll(truth, 1, axis=0), truth, rho=0.004) == 1


def test_relaxed_f_of_masks_without_boundary_asks_whether_they_are_equal():
    assert relaxed_f(FULL, FULL) == 1
    assert relaxed_f(FULL, EMPTY) == relaxed_f(EMPTY, FULL) == 0
    assert relaxed_f(block((4, 5), slice(1, 2), slice(1, 2)), FULL) == 0


@examples
@given(masks, st.sampled_from([1.0, 2.0, 2.5, 3.0]))
def test_relaxed_f_measures_the_euclidean_distance(pair: Any, rho: float):
    edges = [np.argwhere(mask & _boundary(mask)) for mask in pair]
    if all(map(len, edges)):
        apart = np.linalg.norm(edges[0][:, None] - edges[1][None], axis=2) <= rho
        precision, recall = apart.any(axis=1).mean(), apart.any(axis=0).mean()
        expected = 0.0
        if precision + recall:
            expected = 1.3 * precision * recall / (0.3 * precision + recall)
        assert relaxed_f(pair[0], pair[1], rho=rho) == pytest.approx(expected)


def _boundary(mask: Mask) -> Mask:
    padded = np.pad(mask, 1, constant_values=True)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.logical_not(around.all(axis=(2, 3)))


@pytest.mark.parametrize("metric", AGREEMENT)
def test_two_empty_masks_agree(metric: Any):
    assert metric(EMPTY, EMPTY) == 1
    assert metric(EMPTY.astype(np.float32), EMPTY) == 1


@pytest.mark.parametrize("rule", ["max", "mean", "adaptive", 0.5])
def test_f_beta_of_two_empty_masks_under_every_rule(rule: Any):
    # Level 0 calls everything foreground, so the mean misses one of the 256 thresholds.
    expected = 255 / 256 if rule == "mean" else 1
    assert f_beta(EMPTY, EMPTY, threshold=rule) == expected


@pytest.mark.parametrize(
    ("prediction", "truth"), [(EMPTY, block((4, 5), slice(1, 3), slice(1, 3))), (FULL, EMPTY)]
)
@pytest.mark.parametrize(
    "metric",
    [iou, relaxed_f, boundary_iou, lambda p, t: f_beta(p, t, threshold=0.5)],
)
def test_one_empty_mask_is_no_agreement(metric: Any, prediction: Any, truth: Any):
    assert metric(prediction, truth) == 0


@pytest.mark.parametrize("metric", AGREEMENT)
@examples
@given(pair=maps)
def test_agreement_lies_between_zero_and_one_and_is_one_for_equal_masks(metric: Any, pair: Any):
    score = metric(pair[0], pair[1])
    assert type(score) is float
    assert 0 <= score <= 1
    mask = pair[1] >= 0.5
    assert metric(mask, mask) == pytest.approx(1, abs=1e-15)


# The S-measure's four parts, equal distances and equal areas fall to one side.
@pytest.mark.parametrize(
    "metric", [iou, f_beta, relaxed_f, boundary_iou, mae, e_measure, sad, mse, grad]
)
@examples
@given(pair=maps)
def test_mirroring_and_turning_change_nothing(metric: Any, pair: Any):
    score = metric(pair[0], pair[1])
    assert metric(pair[0][:, ::-1], pair[1][:, ::-1]) == pytest.approx(score)
    assert metric(pair[0].T, pair[1].T) == pytest.approx(score)


@pytest.mark.parametrize("metric", [mae, *MATTING])
@examples
@given(pair=maps)
def test_an_error_is_no_less_than_zero_and_zero_for_equal_maps(metric: Any, pair: Any):
    assert metric(pair[0], pair[1]) >= 0
    assert metric(pair[1], pair[1]) == 0


@pytest.mark.parametrize("metric", ALL)
def test_the_arrays_stay_as_they_are(metric: Any):
    prediction = np.random.default_rng(1).random((9, 9))
    truth = prediction > 0.5
    before = prediction.copy(), truth.copy()
    prediction.setflags(write=False)
    truth.setflags(write=False)
    metric(prediction, truth)
    np.testing.assert_array_equal(prediction, before[0])
    np.testing.assert_array_equal(truth, before[1])


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    "view",
    [lambda a: a[:, ::-1], lambda a: a.T, lambda a: a[::2, 1::3]],
    ids=["mirror", "T", "sub"],
)
def test_arrays_may_lie_in_memory_as_they_like(metric: Any, view: Any):
    random = np.random.default_rng(2)
    for dtype in (bool, np.float32):
        prediction, truth = random.random((24, 30)) > 0.3, random.random((24, 30)) > 0.5
        there = metric(view(prediction.astype(dtype)), view(truth))
        packed = [np.ascontiguousarray(view(values)) for values in (prediction, truth)]
        np.testing.assert_allclose(there, metric(packed[0].astype(dtype), packed[1]), rtol=1e-12)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.zeros((4, 5), np.uint8), FULL, "prediction must be .* uint8; divide levels by 255"),
        (FULL, np.zeros((4, 5), np.int64), r"truth must be .* got \(4, 5\) int64$"),
        (np.zeros((4, 5, 1)), FULL, r"prediction must be H x W .* got \(4, 5, 1\)"),
        (np.zeros((0, 5)), np.zeros((0, 5)), r"prediction must be .* got \(0, 5\)"),
        (np.zeros((4, 6)), FULL, r"must have the truth's shape \(4, 5\), got \(4, 6\)"),
        (np.full((4, 5), 1.5), FULL, r"prediction must lie in \[0, 1\], .* to 1.5"),
        (FULL, np.full((4, 5), -0.5), r"truth must lie in \[0, 1\], got values from -0.5"),
        (np.full((4, 5), np.nan), FULL, r"prediction must lie in \[0, 1\], .* nan"),
    ],
)
def test_wrong_arrays_are_refused_by_name(metric: Any, prediction: Any, truth: Any, message: str):
    with pytest.raises(ValueError, match=message):
        metric(prediction, truth)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: iou(FULL, FULL, threshold=0), "threshold must be above 0 and at most 1, got 0"),
        (lambda: iou(FULL, FULL, threshold=128), "threshold must be .* got 128"),
        (lambda: f_beta(FULL, FULL, threshold=1.1), "threshold must be .* got 1.1"),
        (lambda: f_beta(FULL, FULL, beta2=0), "beta2 must be a positive number, got 0"),
        (lambda: f_curve(FULL, FULL, beta2=float("nan")), "beta2 must be .* got nan"),
        (lambda: relaxed_f(FULL, FULL, beta2=-1), "beta2 must be .* got -1"),
        (lambda: relaxed_f(FULL, FULL, rho=0), "rho must be .* share of the long side, got 0"),
        (lambda: relaxed_f(FULL, FULL, rho=float("inf")), "rho must be .* got inf"),
        (lambda: e_measure(FULL, FULL, threshold="median"), "'adaptive', got 'median'"),
        (lambda: e_measure(FULL, FULL, threshold=0), "threshold must be .* got 0"),
        (lambda: s_measure(FULL, FULL, alpha=1.5), r"alpha must lie in \[0, 1\], got 1.5"),
        (lambda: weighted_f(FULL, FULL, beta2=0), "beta2 must be a positive number, got 0"),
        (lambda: boundary_iou(FULL, FULL, width=0), "width must be a share .* got 0"),
        (lambda: boundary_iou(FULL, FULL, width=3), "width must be a share .* got 3"),
        (lambda: normalised(np.zeros((2, 2), np.uint8)), "prediction must be .* divide levels"),
    ],
)
def test_parameters_out_of_range_are_refused(call: Any, message: str):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("metric", MATTING)
@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        (EMPTY, r"unknown must mark at least one pixel, got none of \(4, 5\)"),
        (np.full((4, 5), 128, np.uint8), "unknown must be bool .* band is trimap == 128"),
        (np.ones((4, 6), bool), r"unknown must be bool of the truth's shape \(4, 5\), got"),
    ],
)
def test_a_wrong_band_is_refused(metric: Any, unknown: Any, message: str):
    with pytest.raises(ValueError, match=message):
        metric(FULL, FULL, unknown=unknown)


def test_precision_and_recall_are_shares_of_what_is_found_and_wanted():
    prediction, truth = np.array([[1.0, 0.8, 0.2, 0.0]]), np.array([[1, 0, 1, 0]], bool)
    precision, recall = precision_recall_curve(prediction, truth)
    assert precision[[0, 1, 52, 205]].tolist() == [2 / 4, 2 / 3, 1 / 2, 1]
    assert recall[[0, 1, 52, 205]].tolist() == [1, 1, 1 / 2, 1 / 2]


def test_precision_of_nothing_found_and_recall_of_nothing_wanted_are_zero():
    assert precision_recall_curve(EMPTY, FULL)[0][1:].tolist() == [0] * 255
    assert not precision_recall_curve(FULL, EMPTY)[1].any()


@examples
@given(masks)
def test_e_measure_is_the_mean_of_the_enhanced_alignment_matrix(pair: Any):
    found, wanted = pair[0].astype(float), pair[1].astype(float)
    if wanted.any() and not wanted.all() and found.any() and not found.all():
        a, b = found - found.mean(), wanted - wanted.mean()
        enhanced = (2 * a * b / (a**2 + b**2) + 1) ** 2 / 4
        expected = enhanced.sum() / (wanted.size - 1)
        assert e_measure(pair[0], pair[1], threshold=0.5) == pytest.approx(expected, abs=1e-9)


def test_e_measure_counts_pixels_that_agree_where_the_truth_has_one_value():
    half = block((4, 5), slice(0, 2), slice(0, 5))
    assert e_measure(half, FULL, threshold=0.5) == 10 / 19
    assert e_measure(half, EMPTY, threshold=0.5) == 10 / 19
    assert e_measure(EMPTY, EMPTY, threshold=0.5) == 20 / 19


def test_e_measure_of_a_single_pixel_is_defined():
    one, none = np.ones((1, 1), bool), np.zeros((1, 1), bool)
    assert e_measure(one, one) == 1
    assert e_measure(none, one, threshold=0.5) == 0


def test_e_measure_max_and_mean_are_those_of_the_curve():
    prediction, truth = np.array([[1.0, 0.8, 0.2, 0.0]]), np.array([[1, 0, 1, 0]], bool)
    curve = e_curve(prediction, truth)
    assert e_measure(prediction, truth) == curve.max()
    assert e_measure(prediction, truth, threshold="mean") == curve.mean()
    assert curve[52] == e_measure(prediction, truth, threshold=52 / 255)


def test_e_measure_adaptive_finds_nothing_in_an_empty_prediction():
    half = block((4, 5), slice(0, 2), slice(0, 5))
    adaptive = e_measure(EMPTY, half, threshold="adaptive")
    assert adaptive == e_measure(EMPTY, half, threshold=0.5) == pytest.approx(20 / 4 / 19)


def test_counts_stay_exact_in_pictures_of_many_strips(monkeypatch: pytest.MonkeyPatch):
    prediction = np.random.default_rng(3).random((50, 40))
    truth = prediction > 0.4
    whole = f_curve(prediction, truth)
    monkeypatch.setattr(counting, "_STRIP", 120)  # three rows at a time
    np.testing.assert_array_equal(f_curve(prediction, truth), whole)


def test_s_measure_of_one_valued_truths_is_the_brightness():
    grey = np.full((4, 5), 0.25)
    assert s_measure(grey, FULL) == 0.25
    assert s_measure(grey, EMPTY) == 0.75


def test_s_measure_object_part_asks_for_even_brightness():
    truth = block((8, 8), slice(0, 8), slice(0, 4))
    values = np.where(truth, 0.5, 0.0)
    # Inside 2 * .5 / (.25 + 1), outside 1, each half of the frame.
    assert s_measure(values, truth, alpha=1) == pytest.approx((0.8 + 1) / 2)


def test_s_measure_region_part_compares_four_parts_about_the_centre_of_mass():
    truth = block((4, 4), slice(0, 2), slice(0, 2))  # its centre is .5, .5, rounded to 0, 0
    prediction = truth * 0.5
    # The parts are 1, 3, 3 and 9 pixels. A scaled part of correlation 1 loses by its means only.
    x, y = prediction[0, 1:].mean(), truth[0, 1:].mean()
    sx, sy = prediction[0, 1:].var(), truth[0, 1:].var()
    side = 4 * x * y * (sx * sy) ** 0.5 / ((x**2 + y**2) * (sx + sy))
    x, y = prediction[1:, 1:].mean(), truth[1:, 1:].mean()
    sx, sy = prediction[1:, 1:].var(), truth[1:, 1:].var()
    rest = 4 * x * y * (sx * sy) ** 0.5 / ((x**2 + y**2) * (sx + sy))
    expected = (1 * 1 + 2 * 3 * side + 9 * rest) / 16
    assert s_measure(prediction, truth, alpha=0) == pytest.approx(expected)


def test_s_measure_is_defined_for_an_object_in_the_last_row_and_column():
    truth = block((4, 5), slice(3, 4), slice(4, 5))
    assert s_measure(truth, truth) == pytest.approx(1)


def test_s_measure_takes_a_part_of_constant_grey_for_constant():
    truth = block((9, 9), slice(0, 9), slice(0, 6))
    truth[8, 5] = False
    prediction = np.full((9, 9), 0.7)  # whose mean over 15 pixels rounds to another number
    parts = s_measure(prediction, truth, alpha=0)
    assert parts == s_measure(np.full((9, 9), 0.75), truth, alpha=0) > 0.1


@examples
@given(maps)
def test_s_measure_lies_between_zero_and_one(pair: Any):
    assert 0 <= s_measure(pair[0], pair[1]) <= 1 + 1e-12
    mask = pair[1] >= 0.5
    assert s_measure(mask, mask) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("apart", [1, 4, 20])
def test_weighted_f_weighs_a_false_pixel_by_its_distance(apart: int):
    truth = block((40, 40), slice(10, 20), slice(5, 15))
    prediction = truth.copy()
    prediction[15, 14 + apart] = True
    precision = 100 / (100 + 2 - 0.5 ** (apart / 5))
    assert weighted_f(prediction, truth) == pytest.approx(2 * precision / (1 + precision))


def test_weighted_f_forgives_a_hole_among_hits():
    truth = block((40, 40), slice(5, 35), slice(5, 35))
    hole = truth.copy()
    hole[20, 20] = False
    # Its error is the Gaussian's centre instead of 1.
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / 50)
    recall = 1 - 1 / kernel.sum() ** 2 / 900
    assert weighted_f(hole, truth) == pytest.approx(2 * recall / (recall + 1))


def test_weighted_f_of_a_full_truth_is_the_recall_side_alone():
    assert weighted_f(FULL, FULL) == 1
    grey = np.full((100, 100), 0.5)  # but for the frame's three pixels every error is .5
    assert weighted_f(grey, np.ones((100, 100), bool)) == pytest.approx(2 * 0.5 / 1.5, abs=0.03)


def test_weighted_f_of_an_empty_prediction_is_zero_away_from_the_frame():
    truth = block((30, 30), slice(10, 20), slice(10, 20))
    assert weighted_f(np.zeros((30, 30)), truth) == pytest.approx(0, abs=1e-12)
    assert weighted_f(truth, np.zeros((30, 30), bool)) == 0


@examples
@given(masks, st.sampled_from([0.02, 0.15, 0.5]))
def test_boundary_iou_compares_what_erosions_take_off(pair: Any, width: float):
    steps = max(1, round(width * float(np.hypot(*pair[0].shape))))
    bands: list[Mask] = []
    for mask in pair:
        inner = mask
        for _ in range(steps):
            around = np.lib.stride_tricks.sliding_window_view(np.pad(inner, 1), (3, 3))
            inner = around.all(axis=(2, 3))
        bands.append(mask & ~inner)
    union = (bands[0] | bands[1]).sum()
    expected = (bands[0] & bands[1]).sum() / union if union else 1
    assert boundary_iou(pair[0], pair[1], width=width) == expected


def test_boundary_iou_has_a_boundary_where_the_frame_cuts_the_object():
    truth = block((100, 100), slice(0, 100), slice(0, 50))  # the diagonal's 2 % are 3 pixels
    prediction = block((100, 100), slice(10, 100), slice(0, 50))
    band, other = 100 * 50 - 94 * 44, 90 * 50 - 84 * 44
    shared = 2 * 3 * 90 + 3 * 44  # both sides and the lower end
    assert boundary_iou(prediction, truth) == shared / (band + other - shared)


def test_sad_counts_thousands_and_mse_means():
    prediction, truth = np.full((10, 20), 0.75), np.ones((10, 20), bool)
    assert sad(prediction, truth) == 200 * 0.25 / 1000
    assert mse(prediction, truth) == 0.25**2


@pytest.mark.parametrize("metric", MATTING)
def test_only_the_band_counts(metric: Any):
    prediction, truth = matte(3, 6), matte(0, 6)
    band = (truth > 0) & (truth < 1)
    score = metric(prediction, truth, unknown=band)
    assert score > 0
    assert metric(np.where(band, prediction, 1 - truth), truth, unknown=band) == score
    assert metric(np.where(band, truth, 0.5), truth, unknown=band) == 0


def test_grad_of_a_constant_has_no_gradient():
    truth = matte(0, 6)
    assert grad(np.full(truth.shape, 0.3), truth) == grad(np.zeros(truth.shape), truth) > 0


def test_grad_stretches_both_maps():
    truth = matte(0, 6)
    assert grad(0.5 * matte(3, 6), truth) == pytest.approx(grad(matte(3, 6), truth))


def test_conn_counts_what_floats_free_of_the_object():
    truth = np.zeros((30, 30))
    truth[5:15, 5:15] = 1
    near, far = truth.copy(), truth.copy()
    near[15, 5:15] = far[20, 5:15] = 0.9  # neither is part of the source, which needs both maps
    assert conn(near, truth) == conn(far, truth) == pytest.approx(10 * 0.9 / 1000)
    truth[20, 5:15] = truth[15, 5:15] = 0.9
    # What hangs on the source is connected up to .9, what floats not at all.
    assert conn(near, truth) == pytest.approx(10 * 0.9 / 1000)
    halved = truth.copy()
    halved[15, 5:15] = 0.5  # connected up to .5 in both: above that the truth sticks out by .4
    assert conn(halved, truth) == pytest.approx(10 * 0.4 / 1000)


def test_conn_tolerates_small_differences():
    truth = np.zeros((30, 30))
    truth[5:15, 5:15] = 1
    blurred = truth.copy()
    blurred[15, 5:15] = 0.14
    assert conn(blurred, truth) == 0


def matte(shift: float, softness: float) -> np.ndarray[Any, Any]:
    rows, columns = np.mgrid[:96, :128].astype(np.float64)
    body = 30 - np.hypot(rows - 50, 0.8 * (columns - 60 - shift))
    hair = 9 + 3 * np.sin(columns / 2) - np.abs(rows - 16)
    wisp = 4 - np.hypot(rows - 80, columns - 112)
    inside = np.maximum(np.maximum(body, hair), wisp)
    return np.rint(255 * np.clip(0.5 + inside / softness, 0, 1)) / 255


def _levels(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.rint(255 * values) / 255


PAIRS = {
    "shifted": (matte(3, 6), matte(0, 6)),
    "harder": (matte(0, 1), matte(0, 8)),
    "softer": (matte(-2, 14), matte(0, 4)),
    "faint": (_levels(0.7 * matte(1, 5)), matte(0, 5)),
    "floating": (
        _levels(np.maximum(matte(0, 6), 0.45 * (matte(0, 6)[::-1, ::-1] > 0.5))),
        matte(0, 6),
    ),
}

# Grad, Conn, SAD and MSE by PaddleSeg's Matting/ppmatting/metrics/metric.py (commit f8feafae) for
# PAIRS: of the whole frame, then of the truth's soft band.
PADDLESEG = {
    "shifted": (
        (0.5008375644683838, 0.3514176607131958, 0.3290392156862745, 0.007737990646626298),
        (0.3534051179885864, 0.3019431531429291, 0.27667450980392155, 0.031853742482273864),
    ),
    "harder": (
        (2.1519887447357178, 0.7730686068534851, 0.7609568627450981, 0.018020685653754965),
        (1.9409749507904053, 0.7730686068534851, 0.7609568627450981, 0.06350392466686006),
    ),
    "softer": (
        (2.8632771968841553, 1.1753137111663818, 1.1261215686274508, 0.02314037744897796),
        (0.39110350608825684, 0.35852158069610596, 0.3169411764705882, 0.04596306894651024),
    ),
    "faint": (
        (0.08926992863416672, 2.2321274280548096, 1.7472745098039217, 0.04057021963707869),
        (0.277834415435791, 0.3792097866535187, 0.3429725490196079, 0.03383628419165004),
    ),
    "floating": (
        (1.3700933456420898, 0.8723608255386353, 0.8567333333333333, 0.030221117629036908),
        (0.10914167761802673, 0.10840000957250595, 0.09277254901960785, 0.010289896173125116),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_matting_errors_are_those_of_paddleseg(name: str):
    prediction, truth = PAIRS[name]
    band = (truth > 0) & (truth < 1)
    for unknown, expected in zip((None, band), PADDLESEG[name], strict=True):
        found = [metric(prediction, truth, unknown) for metric in (grad, conn, sad, mse)]
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_grad_follows_its_definition(name: str):
    prediction, truth = PAIRS[name]
    apart = _gradient(prediction) - _gradient(truth)
    assert grad(prediction, truth) == pytest.approx(float((apart**2).sum()) / 1000, rel=1e-9)


def _gradient(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    values = (values - values.min()) / (values.max() - values.min())
    y, x = np.mgrid[-4:5, -4:5]
    filtered = -x * np.exp(-(x**2 + y**2) / (2 * 1.4**2))
    filtered /= np.sqrt((filtered**2).sum())
    around = np.lib.stride_tricks.sliding_window_view(np.pad(values, 4, "edge"), (9, 9))
    return np.hypot(
        np.einsum("ijkl,kl->ij", around, filtered), np.einsum("ijkl,kl->ij", around, filtered.T)
    )


@pytest.mark.parametrize("name", PAIRS)
def test_conn_follows_its_definition(name: str):
    label: Any = pytest.importorskip("scipy.ndimage").label
    prediction, truth = PAIRS[name]
    joined = np.zeros(truth.shape)
    always = np.ones(truth.shape, bool)
    for step in range(1, 11):
        parts, number = label((prediction >= step / 10) & (truth >= step / 10))
        sizes = [np.count_nonzero(parts == part) for part in range(1, number + 1)]
        always &= (parts == 1 + int(np.argmax(sizes))) if sizes else False
        joined[always] = step / 10
    degrees = [1 - (values - joined) * (values - joined >= 0.15) for values in (prediction, truth)]
    expected = np.abs(degrees[0] - degrees[1]).sum() / 1000
    assert conn(prediction, truth) == pytest.approx(expected, rel=1e-9)


def test_normalised_stretches_to_the_whole_range():
    assert normalised(np.array([[0.25, 0.5, 0.75]], np.float32)).tolist() == [[0, 0.5, 1]]
    assert normalised(np.full((2, 2), 0.3)).tolist() == [[0.3, 0.3]] * 2


def _pairs_for_the_oracle() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (37, 52), np.uint8)
    soft, hard = (np.rint(255 * matte(*of)).astype(np.uint8) for of in ((3, 20), (0, 1)))
    return {
        "soft": (soft, hard),
        "dim": ((soft // 3 + 40).astype(np.uint8), hard),
        "binary": (np.where(soft > 99, 255, 0).astype(np.uint8), hard),
        "noise": (noise, np.where(rng.random((37, 52)) < 0.3, 255, 0).astype(np.uint8)),
        "inverse": (255 - hard, hard),
        "empty truth": (soft, np.zeros_like(soft)),
        "full truth": (soft, np.full_like(soft, 255)),
        "constant": (np.full_like(soft, 51), hard),
        "full": (np.full_like(soft, 255), hard),
        "four pixels": (np.uint8([[255, 9], [0, 99]]), np.uint8([[255, 0], [0, 0]])),
    }


@pytest.mark.filterwarnings("ignore:This class will be removed")
@pytest.mark.parametrize("name", _pairs_for_the_oracle())
def test_scores_are_those_of_pysodmetrics(name: str):
    oracle: Any = pytest.importorskip("py_sod_metrics")
    levels, true_levels = _pairs_for_the_oracle()[name]
    prediction, truth = normalised(levels / 255), true_levels > 128
    cut = np.floor(255 * prediction) / 255

    def scores_of(measure: Any) -> Any:
        measure.step(levels, true_levels)
        return measure.get_results()

    def same(found: Any, expected: Any) -> None:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)

    same(mae(prediction, truth), scores_of(oracle.MAE())["mae"])
    f, e = scores_of(oracle.Fmeasure()), scores_of(oracle.Emeasure())
    # Its curves run from the highest threshold down.
    precision, recall = precision_recall_curve(cut, truth)
    same(precision[::-1], f["pr"]["p"])
    same(recall[::-1], f["pr"]["r"])
    nothing = np.zeros(256, bool) if truth.any() else (f_curve(cut, truth) == 1)
    same(np.where(nothing, 0, f_curve(cut, truth))[::-1], f["fm"]["curve"])
    same(f_beta(prediction, truth, threshold="adaptive"), f["fm"]["adp"])
    same(e_curve(cut, truth)[::-1], e["em"]["curve"])
    same(e_measure(prediction, truth, threshold="adaptive"), e["em"]["adp"])
    same(weighted_f(prediction, truth), scores_of(oracle.WeightedFmeasure())["wfm"])
    same(s_measure(prediction, truth), scores_of(oracle.Smeasure())["sm"])


def test_published_scores_of_a_saliency_toolbox_come_out_again():
    if not SOD.is_dir():
        pytest.skip("the SOD maps and their published scores are not on this machine")
    loadmat: Any = pytest.importorskip("scipy.io").loadmat
    published = loadmat(SOD / "published_DSS.mat")
    # Its columns run from the highest threshold down.
    precision, recall = (published[f"{name}_image"][:, ::-1] for name in ("Pre", "Recall"))
    for row, path in enumerate(sorted((SOD / "gt").glob("*.png"))[:20]):
        truth = _grey(path) >= 128
        prediction = _grey(SOD / "pred_DSS" / path.name) / 255
        assert mae(prediction, truth) == pytest.approx(published["MAE_image"][row, 0], abs=1e-12)
        weight = np.maximum(0.3 * precision[row] + recall[row], 1e-300)
        curve = 1.3 * precision[row] * recall[row] / weight
        np.testing.assert_allclose(f_curve(prediction, truth), curve, atol=1e-12)
        adaptive = published["mean_Fmeasure_image"][row, 2]
        assert f_beta(prediction, truth, threshold="adaptive") == pytest.approx(adaptive, abs=1e-9)


def _grey(path: Path) -> np.ndarray[Any, Any]:
    levels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert levels is not None, path
    return levels
