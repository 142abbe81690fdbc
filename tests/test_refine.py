"""What the refining stages promise: what they mend, what they leave, what they refuse."""

import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import gaussian_filter

from maskmill import Dropped, Pipeline, Sample
from maskmill.images import Alpha, Image, decode_image
from maskmill.metrics import iou, relaxed_f
from maskmill.refine import AutoRefine, Clean, Smooth, clean, smooth
from maskmill.refine.cleaning import cleaned
from maskmill.refine.degradation import degrade
from maskmill.stage import describe

PHOTOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "alphamatting"
RECIPE = Path(__file__).resolve().parents[1] / "examples" / "coco_people.toml"
classic = partial(clean, preset="classic")


def coloured(alpha: Alpha) -> Alpha:
    """Clean by the colours of a photograph that knows nothing of the alpha."""
    return clean(alpha, np.zeros((*alpha.shape, 3), np.uint8))


FUNCTIONS = [classic, coloured, smooth]
STAGES = [partial(Clean, "classic"), Smooth]

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


def test_classic_removes_a_speck_and_fills_a_pinhole():
    alpha = board()
    alpha[10:13, 50:53], alpha[50:53, 400:403] = 1, 0
    result = classic(alpha)
    assert result[5:17, 45:57].max() < 0.5
    assert result[45:57, 395:407].min() > 0.5


def test_classic_leaves_what_is_larger_than_its_kernel():
    alpha = board()
    alpha[5:17, 50:62], alpha[44:56, 400:412] = 1, 0
    result = classic(alpha)
    assert result[11, 56] == 1
    assert result[50, 406] == 0


def test_classic_mends_a_speckled_mask():
    truth = board()
    speckled = np.abs(truth - (np.random.default_rng(5).random(truth.shape) < 0.01))
    result = classic(speckled.astype(np.float32))
    assert relaxed_f(speckled, truth) < 0.5
    assert relaxed_f(result, truth) > 0.95


def test_classic_costs_a_good_mask_its_fine_structure():
    alpha = board()
    alpha[48:51, 600:700] = 1  # a strap of three pixels
    result = classic(alpha)
    assert result[49, 650] < 0.5
    assert iou(result, alpha) < 0.99


def test_classic_keeps_the_outline_and_leaves_it_soft():
    alpha = board()
    result = classic(alpha)
    np.testing.assert_array_equal(result[50] >= 0.5, alpha[50] >= 0.5)
    soft = result[50][(result[50] > 0) & (result[50] < 1)]
    assert 4 <= soft.size <= 8  # two edges


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_kernel_of_classic_grows_with_the_picture(scale: int):
    alpha = board(scale)
    alpha[10 * scale : 13 * scale, 50 * scale : 53 * scale] = 1
    assert classic(alpha)[: 20 * scale, : 100 * scale].max() < 0.5


@pytest.mark.parametrize(
    ("pixels", "side"), [(100, 3), (480, 3), (640, 5), (800, 5), (960, 7), (1600, 11)]
)
def test_the_kernel_of_classic_is_the_nearest_odd_number_from_three(pixels: int, side: int):
    alpha = np.zeros((9 * side, pixels), np.float32)
    alpha[:, pixels // 2 :] = 1
    # At a straight edge only the blur shows, on half a kernel to either side.
    row = classic(alpha)[-1]
    assert np.count_nonzero((row > 0) & (row < 1)) == side - 1


def scene(scale: float = 1) -> tuple[Alpha, Image]:
    """A red disc on a green ground, both grainy, and its alpha: 400 x 300 pixels times `scale`."""
    height, width = round(300 * scale), round(400 * scale)
    rows, columns = np.mgrid[:height, :width] / scale
    alpha = np.clip(scale * (100 - np.hypot(rows - 150, columns - 180)) + 0.5, 0, 1)
    alpha = alpha.astype(np.float32)
    return alpha, painted(alpha)


def painted(alpha: Alpha) -> Image:
    grain = np.random.default_rng(1).normal(0, 8, (*alpha.shape, 3))
    colours = np.where(alpha[..., None] >= 0.5, (170, 60, 50), (60, 130, 70))
    return np.clip(colours + grain, 0, 255).astype(np.uint8)


def spot(alpha: Alpha, row: float, column: float, radius: float, soft: float = 0) -> Alpha:
    """Return a disc, blurred by `soft`, on the grid of `alpha`."""
    rows, columns = np.indices(alpha.shape)
    disc = (np.hypot(rows - row, columns - column) <= radius).astype(np.float32)
    return cv2.GaussianBlur(disc, (0, 0), soft) if soft else disc


def test_a_hole_that_the_photograph_does_not_show_is_filled():
    alpha, image = scene()
    done = cleaned(np.minimum(alpha, 1 - spot(alpha, 150, 180, 8)), image)
    np.testing.assert_array_equal(done.alpha, alpha)
    assert (done.holes, done.islands, done.specks) == (1, 0, 0)
    assert done.hole_area == spot(alpha, 150, 180, 8).mean(dtype=np.float64)


def test_a_hole_that_shows_the_background_stays():
    alpha, _ = scene()
    alpha = np.minimum(alpha, 1 - spot(alpha, 150, 180, 8))
    done = cleaned(alpha, painted(alpha))
    np.testing.assert_array_equal(done.alpha, alpha)
    assert done.holes == 0


def test_an_island_that_the_photograph_does_not_show_goes():
    alpha, image = scene()
    done = cleaned(np.maximum(alpha, spot(alpha, 60, 340, 8)), image)
    np.testing.assert_array_equal(done.alpha, alpha)
    assert done.islands == 1


def test_an_island_with_the_colours_of_the_object_stays():
    alpha, _ = scene()
    alpha = np.maximum(alpha, spot(alpha, 60, 340, 8))
    np.testing.assert_array_equal(clean(alpha, painted(alpha)), alpha)


@pytest.mark.parametrize("soft", [1, 2])
def test_the_soft_edge_of_an_island_goes_along(soft: float):
    alpha, image = scene()
    made = clean(np.maximum(alpha, spot(alpha, 60, 340, 8, soft)), image)
    assert made[40:80, 320:360].max() < 0.01


@pytest.mark.parametrize("soft", [1, 2])
def test_a_filled_hole_leaves_no_grey_ring(soft: float):
    alpha, image = scene()
    made = clean(np.minimum(alpha, 1 - spot(alpha, 150, 180, 8, soft)), image)
    assert made[130:170, 160:200].min() > 0.99


def test_a_soft_veil_around_an_island_stays():
    alpha, image = scene()
    veil = np.full_like(alpha, 0.3)
    veil[:, :300] = 0
    made = clean(np.maximum(np.maximum(alpha, veil), spot(alpha, 60, 350, 6)), image)
    np.testing.assert_allclose(made[40:80, 330:370], 0.3, atol=1e-6)


def test_an_island_beside_the_object_goes_without_the_objects_edge():
    alpha, image = scene()
    near = spot(alpha, 150, 292, 8, 1)  # its soft edge meets that of the disc
    made = clean(np.maximum(alpha, near), image)
    assert made[142:159, 290:300].max() < 0.05
    assert np.abs(made - alpha)[:, :280].max() < 1e-6


def test_a_hole_at_a_soft_edge_is_not_left_grey():
    alpha, image = scene()
    alpha = cv2.GaussianBlur(alpha, (0, 0), 5)
    holed = np.minimum(alpha, 1 - spot(alpha, 150, 265, 8))
    made = clean(holed, image)
    np.testing.assert_allclose(made, alpha, atol=0.2)
    assert np.abs(made - alpha).mean() < 0.1 * np.abs(holed - alpha).mean()


def test_an_object_of_its_own_stays_whatever_its_colours():
    alpha, image = scene()
    alpha = np.maximum(alpha, spot(alpha, 60, 340, 30))  # 9 % of the disc
    np.testing.assert_array_equal(clean(alpha, image), alpha)


def test_background_between_object_and_frame_stays_whatever_its_colours():
    alpha = board()
    alpha[30:, 200:600] = 1
    alpha[90:, 390:400] = 0
    np.testing.assert_array_equal(coloured(alpha), alpha)


def test_specks_all_over_the_picture_go():
    alpha, image = scene()
    flips = np.random.default_rng(3).random(alpha.shape) < 0.005
    speckled = np.where(flips, 1 - alpha, alpha).astype(np.float32)
    done = cleaned(speckled, image)
    assert done.specks > 500
    assert iou(done.alpha, alpha) > 0.998
    assert relaxed_f(speckled, alpha) < 0.5
    assert relaxed_f(done.alpha, alpha) > 0.99


def test_hair_is_not_taken_for_specks():
    alpha, image = scene()
    rng = np.random.default_rng(4)
    for angle in rng.uniform(0, 2 * np.pi, 300):
        reach = rng.uniform(60, 125)
        tip = (180 + reach * np.cos(angle), 150 + reach * np.sin(angle))
        start = (180 + 95 * np.cos(angle + 0.1), 150 + 95 * np.sin(angle + 0.1))
        ends = [(round(x), round(y)) for x, y in (start, tip)]
        cv2.line(alpha, *ends, float(rng.uniform(0.3, 1)), 1, cv2.LINE_AA)  # pyright: ignore
    alpha = np.clip(alpha, 0, 1)
    done = cleaned(alpha, painted(alpha))
    assert done.specks == 0
    assert iou(done.alpha, alpha) > 0.998
    assert cleaned(alpha, image, islands=False, holes=False).alpha.tolist() == alpha.tolist()


def test_what_is_looked_for_can_be_chosen():
    alpha, image = scene()
    spoilt = np.maximum(alpha, spot(alpha, 60, 340, 8))
    spoilt = np.minimum(spoilt, 1 - spot(alpha, 150, 180, 8))
    spoilt[200, 180] = 0
    nothing = cleaned(spoilt, image, speckle=False, islands=False, holes=False)
    np.testing.assert_array_equal(nothing.alpha, spoilt)
    for choice in ("speckle", "islands", "holes"):
        chosen = {"speckle": False, "islands": False, "holes": False, choice: True}
        counts = cleaned(spoilt, image, **chosen).values
        names = {"speckle": "specks"}
        found = {name for name in ("specks", "islands", "holes") if counts[name]}
        assert found == {names.get(choice, choice)}


@pytest.mark.parametrize("kind", ["holes", "islands", "speckle"])
@pytest.mark.parametrize("scale", [1, 2.5])
def test_colour_mends_at_every_size_what_the_photograph_contradicts(kind: str, scale: float):
    alpha, image = scene(scale)
    spoilt = degrade(alpha, kind, 1)
    assert iou(spoilt, alpha) < 0.99
    assert iou(clean(spoilt, image), alpha) > 0.998


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="needs the alphamatting.com photographs")
@pytest.mark.parametrize("name", ["GT01", "GT04", "GT06"])
def test_colour_mends_masks_of_photographs_and_spares_true_ones(name: str):
    image = decode_image((PHOTOGRAPHS / "input" / f"{name}.png").read_bytes())
    levels = cv2.imread(str(PHOTOGRAPHS / "alpha" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    alpha = np.asarray(levels).astype(np.float32) / np.float32(255)
    kept = clean(alpha, image)
    assert iou(kept, alpha) > 0.995
    assert relaxed_f(kept, alpha) > 0.99
    for kind in ("holes", "islands", "speckle", "mixed"):
        spoilt = degrade(alpha, kind, 1)
        made = clean(spoilt, image)
        if kind != "mixed":  # whose low resolution cleaning leaves as it is
            assert 1 - iou(made, alpha) < 0.7 * (1 - iou(spoilt, alpha)), kind
        assert relaxed_f(made, alpha) > relaxed_f(spoilt, alpha), kind


def test_colour_asks_for_the_photograph():
    with pytest.raises(ValueError, match=r"given for preset 'colour', .* preset='classic'"):
        clean(board())


def test_clean_keeps_what_it_did_in_the_history():
    alpha, image = scene()
    spoilt = np.minimum(alpha, 1 - spot(alpha, 150, 180, 8))
    result = Clean()(Sample.of(image, spoilt))
    assert isinstance(result, Sample)
    (step,) = result.history
    assert step.stage == "clean"
    assert step.values["holes"] == 1
    assert step.values["hole_area"] == step.values["changed"] > 0
    np.testing.assert_array_equal(result.alpha, clean(spoilt, image))


def test_clean_refuses_an_unknown_preset_and_knows_the_nearest():
    message = r"preset must be one of 'colour', 'classic', got 'clasic'; did you mean 'classic'\?"
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
    assert row[400] - row[399] == pytest.approx(1 / width, rel=2e-3)
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


@pytest.mark.parametrize("pixels", [300, 801, 2403])
@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("sigma", [1 / 800, 2 / 800, 8 / 800])
def test_smooth_is_within_a_level_of_its_formula(pixels: int, width: float, sigma: float):
    coarse = np.random.default_rng(2).random((pixels // 30, pixels // 10)).astype(np.float32)
    size = (pixels, pixels // 3)
    alpha = np.clip(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    spread = sigma * pixels
    mask = (alpha >= 0.5).astype(np.float64)
    blurred = gaussian_filter(mask, spread, mode="nearest", truncate=6)
    gain = max(1, spread * np.sqrt(2 * np.pi) / width)
    expected = np.clip((blurred - 0.5) * gain + 0.5, 0, 1)
    np.testing.assert_allclose(smooth(alpha, width, sigma), expected, rtol=0, atol=1 / 255)


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
        (lambda: classic(edge(), size=0), "size must be .* got 0;"),
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
    gone = np.count_nonzero((result.alpha >= 0.5) != (alpha >= 0.5))
    assert step.values == {"changed": gone / alpha.size}
    assert result.alpha[10, 50] < 0.5
    assert gone >= 2


def test_a_stage_does_what_its_function_does():
    alpha = board()
    alpha[10, 50] = 1
    mended, smoothed = Clean("classic", 0.01)(pair(alpha)), Smooth(3, 0.005)(pair(alpha))
    assert isinstance(mended, Sample)
    assert isinstance(smoothed, Sample)
    np.testing.assert_array_equal(mended.alpha, classic(alpha, size=0.01))
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
        "preset": "colour",
        "size": 5 / 800,
    }


def test_the_example_recipe_gives_the_stages_parameters_they_have():
    recipe = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    parameters = {stage.pop("use"): stage for stage in recipe["people"]["stage"]}
    assert list(parameters) == ["person_filter", "auto_refine"]
    assert AutoRefine(**parameters["auto_refine"]) == AutoRefine()


@pytest.mark.parametrize("stage", [Clean(), Clean("classic"), Smooth()])
def test_a_picture_of_nothing_stays_one(stage: Any):
    nothing = Sample.of(np.zeros((60, 80, 3), np.uint8), np.zeros((60, 80), np.float32))
    kept = stage(nothing)
    assert isinstance(kept, Sample)
    assert not kept.alpha.any()
