"""What the refining stages promise: what they mend, what they leave, what they refuse."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskmill import Dropped, Pipeline, Sample
from maskmill.images import Alpha
from maskmill.metrics import iou, relaxed_f
from maskmill.refine import Clean, Smooth, clean, smooth
from maskmill.stage import describe

RECIPE = Path(__file__).resolve().parents[1] / "examples" / "coco_people.toml"
FUNCTIONS = [clean, smooth]
STAGES = [Clean, Smooth]

examples = settings(deadline=None, database=None, derandomize=True, max_examples=40)
shapes = st.tuples(st.integers(1, 30), st.integers(1, 30))
alphas = shapes.flatmap(
    lambda shape: hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
)


def board(scale: int = 1) -> Alpha:
    """A rectangle on a picture whose long side has 800 pixels, times `scale`."""
    alpha = np.zeros((100 * scale, 800 * scale), np.float32)
    alpha[30 * scale : 70 * scale, 200 * scale : 600 * scale] = 1
    return alpha


def edge(pixels: int = 800) -> Alpha:
    alpha = np.zeros((3, pixels), np.float32)
    alpha[:, pixels // 2 :] = 1
    return alpha


def pair(alpha: Alpha) -> Sample:
    return Sample.of(np.zeros((*alpha.shape, 3), np.uint8), alpha)


def test_clean_removes_a_speck_and_fills_a_pinhole():
    alpha = board()
    alpha[10:13, 50:53], alpha[50:53, 400:403] = 1, 0
    cleaned = clean(alpha)
    assert cleaned[5:17, 45:57].max() < 0.5
    assert cleaned[45:57, 395:407].min() > 0.5


def test_clean_leaves_what_is_larger_than_its_kernel():
    alpha = board()
    alpha[5:17, 50:62], alpha[44:56, 400:412] = 1, 0
    cleaned = clean(alpha)
    assert cleaned[11, 56] == 1
    assert cleaned[50, 406] == 0


def test_clean_mends_a_speckled_mask():
    truth = board()
    speckled = np.abs(truth - (np.random.default_rng(5).random(truth.shape) < 0.01))
    cleaned = clean(speckled.astype(np.float32))
    assert relaxed_f(speckled, truth) < 0.5
    assert relaxed_f(cleaned, truth) > 0.95


def test_clean_costs_a_good_mask_its_fine_structure():
    alpha = board()
    alpha[48:51, 600:700] = 1  # a strap of three pixels
    cleaned = clean(alpha)
    assert cleaned[49, 650] < 0.5
    assert iou(cleaned, alpha) < 0.99


def test_clean_keeps_the_outline_and_leaves_it_soft():
    alpha = board()
    cleaned = clean(alpha)
    np.testing.assert_array_equal(cleaned[50] >= 0.5, alpha[50] >= 0.5)
    soft = cleaned[50][(cleaned[50] > 0) & (cleaned[50] < 1)]
    assert 4 <= soft.size <= 8  # two edges


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_kernel_of_clean_grows_with_the_picture(scale: int):
    alpha = board(scale)
    alpha[10 * scale : 13 * scale, 50 * scale : 53 * scale] = 1
    assert clean(alpha)[: 20 * scale, : 100 * scale].max() < 0.5


@pytest.mark.parametrize(
    ("pixels", "side"), [(100, 3), (480, 3), (640, 5), (800, 5), (960, 7), (1600, 11)]
)
def test_the_kernel_of_clean_is_the_nearest_odd_number_from_three(pixels: int, side: int):
    alpha = np.zeros((9 * side, pixels), np.float32)
    alpha[:, pixels // 2 :] = 1
    # At a straight edge only the blur shows, on half a kernel to either side.
    row = clean(alpha)[-1]
    assert np.count_nonzero((row > 0) & (row < 1)) == side - 1


def test_clean_refuses_an_unknown_preset_and_knows_the_nearest():
    message = r"preset must be one of 'classic', got 'clasic'; did you mean 'classic'\?"
    with pytest.raises(ValueError, match=message):
        clean(board(), preset="clasic")
    with pytest.raises(ValueError, match=message):
        Clean(preset="clasic")
    with pytest.raises(ValueError, match=r"got 'guided'$"):
        Clean(preset="guided")


def test_clean_refuses_an_image_of_another_size():
    with pytest.raises(ValueError, match=r"image must be 100 x 800 x 3 uint8, .* \(10, 8, 3\)"):
        clean(board(), np.zeros((10, 8, 3), np.uint8))


@pytest.mark.parametrize("sigma", [2, 4, 8, 16])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_edge_of_smooth_is_as_wide_as_asked_at_any_sigma(width: float, sigma: float):
    row = smooth(edge(), edge_width=width, sigma=sigma / 800)[1]
    # Across the edge the alpha climbs 1 / width a pixel, hence from 0 to 1 over width pixels.
    assert row[400] - row[399] == pytest.approx(1 / width, rel=1e-3)
    assert np.count_nonzero((row > 0) & (row < 1)) <= width + 2


@pytest.mark.parametrize("sigma", [2, 4, 8, 16])
@pytest.mark.parametrize(("width", "expected"), [(1, 0.8), (2, 2.2), (3, 2.5)])
def test_the_10_to_90_percent_width_does_not_depend_on_sigma(
    width: float, expected: float, sigma: float
):
    row = smooth(edge(), edge_width=width, sigma=sigma / 800)[1].astype(np.float64)
    low, high = (_crossing(row, level) for level in (0.1, 0.9))
    assert high - low == pytest.approx(expected, abs=0.12)


def _crossing(row: np.ndarray[Any, Any], level: float) -> float:
    after = int(np.argmax(row > level))
    return after - 1 + float((level - row[after - 1]) / (row[after] - row[after - 1]))


def test_smooth_never_stretches_an_edge_wider_than_its_blur():
    sigma = 1.0
    row = smooth(edge(), edge_width=10, sigma=sigma / 800)[1]
    assert row[400] - row[399] == pytest.approx(1 / (sigma * np.sqrt(2 * np.pi)), rel=0.01)


def test_smooth_leaves_a_straight_outline_where_it_is():
    alpha = board()
    smoothed = smooth(alpha)
    np.testing.assert_array_equal(smoothed[50] >= 0.5, alpha[50] >= 0.5)
    np.testing.assert_array_equal(smoothed[:, 400] >= 0.5, alpha[:, 400] >= 0.5)


def test_smooth_evens_out_stairs():
    rows, columns = np.indices((200, 800))
    slope = (columns > 3 * rows).astype(np.float32)
    stairs = np.kron(slope[::8, ::8], np.ones((8, 8), np.float32))
    smoothed = smooth(stairs, sigma=4 / 800)
    assert np.abs(smoothed - slope).mean() < 0.8 * np.abs(stairs - slope).mean()


def test_smooth_reads_a_soft_alpha_as_a_mask():
    alpha = board()
    np.testing.assert_array_equal(smooth(alpha * 0.4 + 0.3), smooth(alpha))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Smooth(edge_width=0), "edge_width must be a positive number of pixels, got 0"),
        (lambda: smooth(edge(), edge_width=float("nan")), "edge_width must be .* got nan"),
        (lambda: Smooth(sigma=2), "sigma must be a share of the long side .* got 2; 2 pixels"),
        (lambda: smooth(edge(), sigma=0), "sigma must be .* got 0;"),
        (lambda: Clean(size=5), "size must be a share of the long side .* got 5; 5 pixels"),
        (lambda: clean(edge(), size=0), "size must be .* got 0;"),
    ],
)
def test_parameters_out_of_range_are_refused(wrong: Any, message: str):
    with pytest.raises(ValueError, match=message):
        wrong()


@pytest.mark.parametrize("refine", FUNCTIONS)
@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (np.zeros((4, 4), np.uint8), "float32 .* got .* uint8; divide levels by 255"),
        (np.zeros((4, 4)), "must be H x W float32 .* got .* float64"),
        (np.zeros((4, 4, 1), np.float32), r"must be H x W .* got \(4, 4, 1\)"),
        (np.full((4, 4), 1.5, np.float32), r"must lie in \[0, 1\], got values from 1.5"),
        (np.full((4, 4), np.nan, np.float32), r"must lie in \[0, 1\], .* nan"),
    ],
)
def test_wrong_alphas_are_refused(refine: Any, alpha: Any, message: str):
    with pytest.raises(ValueError, match=message):
        refine(alpha)


@pytest.mark.parametrize("refine", FUNCTIONS)
@examples
@given(alpha=alphas)
def test_the_result_is_an_alpha_of_the_same_shape(refine: Any, alpha: Alpha):
    result = refine(alpha)
    assert result.shape == alpha.shape
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.parametrize("refine", FUNCTIONS)
@examples
@given(alpha=alphas)
def test_mirroring_commutes_with_refining(refine: Any, alpha: Alpha):
    for axis in (0, 1):
        mirrored = refine(np.flip(alpha, axis))
        np.testing.assert_allclose(np.flip(mirrored, axis), refine(alpha), atol=1e-5)


@pytest.mark.parametrize("refine", FUNCTIONS)
def test_the_alpha_passed_in_is_left_alone(refine: Any):
    alpha = board()
    alpha[10, 50] = 1
    before = alpha.copy()
    alpha.setflags(write=False)
    assert not np.shares_memory(refine(alpha), alpha)
    np.testing.assert_array_equal(alpha, before)


@pytest.mark.parametrize("refine", FUNCTIONS)
@pytest.mark.parametrize(
    "pixels", [60, 1280, 4320, 8640]
)  # sums of kernel weights below and over 1
@pytest.mark.parametrize("value", [0, 1])
def test_an_empty_or_full_alpha_stays_exactly_so(refine: Any, value: int, pixels: int):
    alpha = np.full((40, pixels), value, np.float32)
    np.testing.assert_array_equal(refine(alpha), alpha)


@pytest.mark.parametrize("refine", FUNCTIONS)
def test_an_object_cut_by_the_frame_stays_cut_by_the_frame(refine: Any):
    alpha = np.zeros((60, 80), np.float32)
    alpha[20:, 20:60] = 1
    np.testing.assert_array_equal(refine(alpha)[-1, 25:55], 1)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_notes_what_share_of_the_pixels_crossed_a_half(stage: Any):
    alpha = board()
    alpha[10, 50:52] = 1  # two pixels of 100 x 800 go
    result = stage()(pair(alpha))
    assert isinstance(result, Sample)
    (step,) = result.history
    assert step.stage == stage.__name__.lower()
    gone = np.count_nonzero((result.alpha >= 0.5) != (alpha >= 0.5))
    assert step.values == {"changed": gone / alpha.size}
    assert result.alpha[10, 50] < 0.5
    assert gone >= 2


def test_a_stage_does_what_its_function_does():
    alpha = board()
    alpha[10, 50] = 1
    cleaned, smoothed = Clean(size=0.01)(pair(alpha)), Smooth(3, 0.005)(pair(alpha))
    assert isinstance(cleaned, Sample)
    assert isinstance(smoothed, Sample)
    np.testing.assert_array_equal(cleaned.alpha, clean(alpha, size=0.01))
    np.testing.assert_array_equal(smoothed.alpha, smooth(alpha, 3, 0.005))


@pytest.mark.parametrize("stage", STAGES)
def test_a_foreground_that_vanishes_is_dropped_with_its_numbers(stage: Any):
    alpha = np.zeros((100, 800), np.float32)
    alpha[50, 400] = 1
    sample = pair(alpha)
    result = stage()(sample)
    assert isinstance(result, Dropped)
    assert result.reason == "empty_alpha"
    assert result.sample is sample
    assert result.values["foreground"] == 1 / alpha.size
    assert 0 <= result.values["peak"] < 0.5


def test_stages_stand_in_a_pipeline_and_in_a_fingerprint():
    pipeline = Pipeline(Clean()) | Smooth()
    result = pipeline(pair(board()))
    assert isinstance(result, Sample)
    assert [step.stage for step in result.history] == ["clean", "smooth"]
    assert describe(Clean()) == {
        "use": "clean",
        "class": "maskmill.refine.cleaning:Clean",
        "preset": "classic",
        "size": 5 / 800,
    }


def test_the_example_recipe_gives_the_stages_parameters_they_have():
    recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    parameters = {stage.pop("use"): stage for stage in recipe["people"]["stage"]}
    assert list(parameters) == ["person_filter", "clean", "smooth"]
    assert Clean(**parameters["clean"]) == Clean(preset="classic")
    assert Smooth(**parameters["smooth"]) == Smooth()


@pytest.mark.parametrize("stage", [Clean(), Smooth()])
def test_a_picture_of_nothing_stays_one(stage: Any):
    nothing = Sample.of(np.zeros((60, 80, 3), np.uint8), np.zeros((60, 80), np.float32))
    kept = stage(nothing)
    assert isinstance(kept, Sample)
    assert not kept.alpha.any()
