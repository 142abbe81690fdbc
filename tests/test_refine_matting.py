import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.refine.matting import Matte, matte
from maskmill.refine.trimaps import trimap
from maskmill.sample import Sample


def disc(size=200, radius=60, softness=4.0):
    y, x = np.mgrid[:size, :size] - size / 2
    distance = np.hypot(y, x).astype(np.float32)
    return np.clip((radius - distance) / softness + 0.5, 0, 1)


def colours(size=200):
    """A warm, shaded object and a blue, shaded background: colours that a line can tell apart."""
    ramp = np.linspace(0, 60, size, dtype=np.float32)
    shade = np.random.default_rng(0).normal(0, 3, (2, size, size, 3)) + ramp[:, None]
    return (
        np.clip(shade[0] + (170, 110, 30), 0, 255).astype(np.uint8),
        np.clip(shade[1] + (20, 50, 140), 0, 255).astype(np.uint8),
    )


@pytest.fixture(scope="module")
def pair():
    alpha = disc()
    foreground, background = colours()
    weight = alpha[..., None]
    image = np.rint(weight * foreground + (1 - weight) * background).astype(np.uint8)
    return image, alpha


def test_the_band_lies_within_the_width_of_an_edge():
    alpha = np.zeros((100, 200), np.float32)
    alpha[:, 100:] = 1
    band = trimap(alpha, width=8 / 200)
    assert np.flatnonzero(band[50] == 128).tolist() == list(range(92, 108))
    assert set(band[:, :92].ravel()) == {0}
    assert set(band[:, 108:].ravel()) == {255}


def test_soft_pixels_are_unknown_however_far_from_an_edge_they_lie():
    alpha = np.ones((100, 100), np.float32)
    alpha[30:70, 30:70] = 0.5
    band = trimap(alpha, width=2 / 100)
    assert (band[30:70, 30:70] == 128).all()
    assert band[10, 10] == 255


def test_the_band_is_as_wide_at_any_size():
    masks = [(disc(size, 0.3 * size) >= 0.5).astype(np.float32) for size in (200, 800, 1600)]
    shares = [(trimap(mask, width=0.02) == 128).mean() for mask in masks]
    assert max(shares) - min(shares) < 0.002


@pytest.mark.parametrize("level", [0, 1])
def test_an_alpha_without_edges_leaves_nothing_open(level):
    band = trimap(np.full((5, 7), level, np.float32))
    assert (band == 255 * level).all()


def test_a_single_pixel_has_a_trimap():
    assert trimap(np.ones((1, 1), np.float32)).tolist() == [[255]]


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (np.ones((4, 4), np.uint8), "divide levels by 255"),
        (np.full((4, 4), np.nan, np.float32), "must lie in"),
        (np.ones((4, 4, 1), np.float32), "must be H x W"),
    ],
)
def test_a_trimap_needs_a_legal_alpha(alpha, message):
    with pytest.raises(ValueError, match=message):
        trimap(alpha)


@pytest.mark.parametrize("width", [0, -1, 0.2, float("nan")])
def test_a_trimap_needs_a_width_in_shares(width):
    with pytest.raises(ValueError, match="share of the long side"):
        trimap(disc(), width=width)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_mask_that_is_off_gets_the_edge_of_the_photograph(pair, scale):
    image, alpha = pair
    rough = np.roll((alpha >= 0.5).astype(np.float32), 4, axis=1)
    matted = matte(image, trimap(rough, width=10 / 200), scale=scale)
    assert matted.solved
    assert matted.reason == ""
    assert np.abs(matted.alpha - alpha).mean() < 0.15 * np.abs(rough - alpha).mean()


def test_what_the_trimap_knows_stays(pair):
    image, alpha = pair
    band = trimap((alpha >= 0.5).astype(np.float32), width=10 / 200)
    matted = matte(image, band)
    assert (matted.alpha[band == 255] == 1).all()
    assert (matted.alpha[band == 0] == 0).all()
    assert matted.unknown == (band == 128).mean()


def test_a_solution_is_that_of_the_paper(pair):
    from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf

    image, alpha = pair
    band = trimap((alpha >= 0.5).astype(np.float32), width=10 / 200)
    reference = estimate_alpha_cf(image / 255, band / 255)
    assert np.abs(matte(image, band, scale=1).alpha - reference).max() < 2e-3


def test_a_half_size_solution_is_close_to_the_full_one_on_a_photograph():
    image = data.astronaut()
    rough = np.zeros(image.shape[:2], np.float32)
    cv2.ellipse(rough, (220, 120), (95, 110), 0, 0, 360, 1, -1)
    band = trimap(rough, width=16 / 512)
    full, half = (matte(image, band, rough, scale=scale).alpha for scale in (1, 2))
    assert np.abs(full - half)[band == 128].mean() < 0.06


def test_a_heavy_prior_wins_over_the_colours(pair):
    image, alpha = pair
    band = trimap((alpha >= 0.5).astype(np.float32), width=10 / 200)
    prior = np.full(alpha.shape, 0.25, np.float32)
    matted = matte(image, band, prior, prior_weight=1e6, scale=1)
    assert np.abs(matted.alpha[band == 128] - 0.25).max() < 1e-3


def test_a_prior_without_weight_changes_nothing_but_the_start(pair):
    image, alpha = pair
    band = trimap((alpha >= 0.5).astype(np.float32), width=10 / 200)
    prior = np.full(alpha.shape, 0.25, np.float32)
    without, weightless = matte(image, band), matte(image, band, prior, prior_weight=0)
    assert np.abs(without.alpha - weightless.alpha).max() < 5e-3


@pytest.mark.parametrize(
    ("level", "reason"),
    [(0, "no_foreground"), (255, "no_background"), (128, "no_foreground")],
)
def test_a_trimap_of_one_side_falls_back_to_the_prior_and_says_so(level, reason):
    band = np.full((30, 30), level, np.uint8)
    band[10:20, 10:20] = 128
    prior = np.full((30, 30), 0.75, np.float32)
    matted = matte(np.zeros((30, 30, 3), np.uint8), band, prior)
    assert (matted.solved, matted.reason) == (False, reason)
    assert (matted.alpha[band == 128] == 0.75).all()


def test_without_a_prior_the_fallback_is_undecided():
    band = np.full((30, 30), 128, np.uint8)
    assert (matte(np.zeros((30, 30, 3), np.uint8), band).alpha == 0.5).all()


def test_a_trimap_without_unknown_pixels_is_its_own_answer():
    band = np.zeros((30, 30), np.uint8)
    band[10:20] = 255
    matted = matte(np.zeros((30, 30, 3), np.uint8), band)
    assert (matted.solved, matted.reason, matted.unknown) == (False, "no_unknown", 0)
    assert (matted.alpha == band / 255).all()


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (2, 3), (1, 900)])
def test_pictures_smaller_than_a_window_are_solved(shape):
    band = np.full(shape, 128, np.uint8)
    band.ravel()[0], band.ravel()[-1] = 0, 255
    matted = matte(np.zeros((*shape, 3), np.uint8), band, np.full(shape, 0.5, np.float32))
    assert matted.solved
    assert matted.alpha.shape == shape


def test_a_flat_picture_is_solved_without_a_prior():
    band = np.full((40, 40), 128, np.uint8)
    band[:4], band[-4:] = 0, 255
    matted = matte(np.full((40, 40, 3), 90, np.uint8), band)
    assert matted.solved
    assert (np.diff(matted.alpha.mean(axis=1)) > -1e-3).all()


def test_thin_known_parts_survive_the_reduction():
    band = np.full((60, 300), 128, np.uint8)
    band[30, 10:290] = 255  # one pixel high: no block of 3 x 3 holds it
    band[:10], band[-10:] = 0, 0
    image = np.full((60, 300, 3), 40, np.uint8)
    image[26:35] = 200
    matted = matte(image, band, scale=3)
    assert matted.solved
    assert matted.alpha[28, 150] > 0.9
    assert matted.alpha[15, 150] < 0.1


def test_two_bands_far_apart_are_both_solved(pair):
    image, alpha = pair
    wide = np.zeros((200, 1000, 3), np.uint8)
    wide[:, :200], wide[:, -200:], wide[:, 200:-200] = image, image, image[:1, :1]
    both = np.zeros((200, 1000), np.float32)
    both[:, :200], both[:, -200:] = alpha, alpha
    band = trimap((both >= 0.5).astype(np.float32), width=10 / 1000)
    matted = matte(wide, band, scale=2)
    for part in (np.s_[:, :200], np.s_[:, -200:]):
        assert np.abs(matted.alpha[part] - alpha).mean() < 0.01


def test_enlarging_leaves_no_seams_between_tiles():
    size = 700
    alpha = np.tile(np.clip(np.linspace(-2, 3, size, dtype=np.float32), 0, 1), (size, 1))
    image = np.rint(alpha * 200 + 20).astype(np.uint8)[..., None].repeat(3, axis=2)
    band = np.where(alpha == 0, 0, np.where(alpha == 1, 255, 128)).astype(np.uint8)
    matted = matte(image, band, scale=2)
    assert np.abs(np.diff(matted.alpha, axis=0)).max() < 1e-3
    assert np.abs(matted.alpha - alpha).max() < 0.02


@pytest.mark.parametrize("threads", [1, 3])
def test_the_answer_does_not_depend_on_threads(pair, threads):
    image, alpha = pair
    band = trimap((alpha >= 0.5).astype(np.float32), width=10 / 200)
    expected = matte(image, band, scale=2).alpha
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        assert np.array_equal(matte(image, band, scale=2).alpha, expected)
    finally:
        cv2.setNumThreads(before)


def test_inputs_are_left_as_they_are(pair):
    image, alpha = (array.copy() for array in pair)
    band = trimap(alpha, width=10 / 200)
    for array in (image, alpha, band):
        array.setflags(write=False)
    matte(image, band, alpha)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trimap": np.zeros((9, 9), np.float32)}, "trimap must be H x W uint8"),
        ({"trimap": np.full((9, 9), 7, np.uint8)}, "0, 128 and 255 only, got 7"),
        ({"trimap": np.zeros((0, 9), np.uint8)}, "trimap must be H x W uint8"),
        ({"image": np.zeros((9, 9, 4), np.uint8)}, "image must be 9 x 9 x 3 uint8"),
        ({"image": np.zeros((9, 9, 3), np.uint16)}, "image must be 9 x 9 x 3 uint8"),
        ({"prior": np.zeros((8, 9), np.float32)}, "image's shape"),
        ({"prior": np.full((9, 9), np.nan, np.float32)}, "must lie in"),
        ({"prior_weight": -1}, "prior_weight"),
        ({"prior_weight": float("nan")}, "prior_weight"),
        ({"scale": 0}, "scale"),
        ({"scale": 1.5}, "scale"),
    ],
)
def test_what_matting_cannot_use_is_refused(change, message):
    arguments = {"image": np.zeros((9, 9, 3), np.uint8), "trimap": np.zeros((9, 9), np.uint8)}
    with pytest.raises(ValueError, match=message):
        matte(**(arguments | change))


def test_the_stage_notes_what_it_did(pair):
    image, alpha = pair
    rough = np.roll((alpha >= 0.5).astype(np.float32), 3, axis=1)
    mended = Matte(width=10 / 200)(Sample.of(image, rough))
    (step,) = mended.history
    assert step.stage == "matte"
    assert set(step.values) == {"changed", "unknown", "solved"}
    assert step.values["solved"] == 1
    assert np.abs(mended.alpha - alpha).mean() < np.abs(rough - alpha).mean()


def test_the_stage_keeps_an_alpha_that_matting_cannot_decide():
    """All of a thin object lies in the band: there is no certain foreground."""
    alpha = np.zeros((100, 100), np.float32)
    alpha[50] = 1
    kept = Matte()(Sample.of(np.zeros((100, 100, 3), np.uint8), alpha))
    assert kept.history[0].values["solved"] == 0
    assert np.array_equal(kept.alpha, alpha)


@pytest.mark.parametrize("change", [{"width": 0}, {"prior_weight": -1}])
def test_the_stage_checks_its_parameters(change):
    with pytest.raises(ValueError, match="must be"):
        Matte(**change)


def test_colour_narrows_the_band_where_it_is_plain():
    alpha, image = disc(), np.full((200, 200, 3), 20, np.uint8)
    image[alpha >= 0.5] = 220
    plain, told = trimap(alpha, width=0.05), trimap(alpha, image, width=0.05)
    assert (told == 128).sum() < 0.3 * (plain == 128).sum()
    decided = (plain == 128) & (told != 128)
    assert np.array_equal(told[decided] == 255, alpha[decided] >= 0.5)


def test_colour_says_nothing_where_both_sides_look_alike():
    alpha, grey = disc(), np.full((200, 200, 3), 128, np.uint8)
    assert np.array_equal(trimap(alpha, grey), trimap(alpha))


def test_a_trimap_of_another_size_than_its_photograph_is_refused():
    with pytest.raises(ValueError, match="image must be 200 x 200 x 3 uint8"):
        trimap(disc(), np.zeros((100, 200, 3), np.uint8))


def test_a_large_picture_is_narrowed_as_a_small_one_is():
    alpha, image = disc(), np.full((200, 200, 3), 20, np.uint8)
    image[alpha >= 0.5] = 220
    larger = [array.repeat(11, axis=0).repeat(11, axis=1) for array in (alpha, image)]
    shares = [(trimap(*pair, width=0.05) == 128).mean() for pair in ((alpha, image), larger)]
    assert abs(shares[0] - shares[1]) < 0.02


def test_matting_prints_nothing(capsys: pytest.CaptureFixture[str]):
    # Nearly all unknown and without noise: the first shifts leave the factor indefinite.
    rows, columns = np.mgrid[:160, :160]
    lattice = ((rows // 8 + columns // 8) % 2).astype(np.float32)
    ramp = np.stack([rows, columns, rows], axis=-1).astype(np.uint8)
    assert matte(ramp, trimap(lattice, width=6 / 160), lattice, prior_weight=0).solved
    assert capsys.readouterr().out == ""
