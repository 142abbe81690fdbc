"""What the metrics promise: hand-computed values, defined corners, clear refusals."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskmill.metrics import f_beta, f_curve, iou, mae, relaxed_f
from maskmill.metrics.pair import Mask

ALL = [iou, mae, f_beta, f_curve, relaxed_f]
AGREEMENT = [iou, f_beta, relaxed_f]
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
@pytest.mark.parametrize("metric", [iou, relaxed_f, lambda p, t: f_beta(p, t, threshold=0.5)])
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
    assert metric(mask, mask) == 1


@pytest.mark.parametrize("metric", [*AGREEMENT, mae])
@examples
@given(pair=maps)
def test_mirroring_and_turning_change_nothing(metric: Any, pair: Any):
    score = metric(pair[0], pair[1])
    assert metric(pair[0][:, ::-1], pair[1][:, ::-1]) == pytest.approx(score)
    assert metric(pair[0].T, pair[1].T) == pytest.approx(score)


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
    ],
)
def test_parameters_out_of_range_are_refused(call: Any, message: str):
    with pytest.raises(ValueError, match=message):
        call()


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
