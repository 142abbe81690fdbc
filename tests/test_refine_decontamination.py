import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.light import composite
from maskmill.refine.decontamination import Decontaminate, decontaminate
from maskmill.sample import Sample


def strands(size=256, number=60):
    """Thin bright strands that grow out of a disc: true coverage and colours."""
    scale = 8
    mask = np.zeros((size * scale, size * scale), np.uint8)
    cv2.circle(mask, (size * scale // 2,) * 2, size * scale // 5, 255, -1)
    for angle in np.linspace(0, 2 * np.pi, number, endpoint=False):
        tip = size * scale / 2 + 0.4 * size * scale * np.array([np.cos(angle), np.sin(angle + 0.1)])
        middle = (size * scale // 2,) * 2
        cv2.line(mask, middle, tuple(int(part) for part in tip), 255, scale)
    alpha = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    foreground = np.empty((size, size, 3), np.uint8)
    foreground[:] = np.linspace((200, 150, 60), (230, 90, 90), size)[:, None]
    return foreground, alpha


@pytest.fixture(scope="module")
def hair():
    foreground, alpha = strands()
    background = np.ascontiguousarray(data.astronaut()[100:356, 100:356])
    return foreground, alpha, composite(foreground, alpha, background)


def error(foreground, truth, alpha):
    """Mean difference over a new background, levels of 255, in soft pixels."""
    behind = np.ascontiguousarray(data.coffee()[:256, :256])
    soft = (alpha > 0) & (alpha < 1)
    new, right = (composite(colour, alpha, behind) for colour in (foreground, truth))
    return np.abs(new.astype(int) - right)[soft].mean()


def test_hair_over_a_photograph_loses_its_fringe(hair):
    truth, alpha, image = hair
    assert error(image, truth, alpha) > 10
    assert error(decontaminate(image, alpha), truth, alpha) < 1.5


def test_it_is_better_than_the_published_weights(hair):
    from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml

    truth, alpha, image = hair
    published = np.rint(255 * estimate_foreground_ml(image / 255, alpha)).astype(np.uint8)
    ours = error(decontaminate(image, alpha), truth, alpha)
    assert ours < 0.5 * error(published, truth, alpha)


def test_a_composite_of_srgb_values_is_taken_apart_as_one():
    truth, alpha = strands()
    behind = data.astronaut()[100:356, 100:356]
    weight = alpha[..., None]
    image = np.rint(weight * truth + (1 - weight) * behind).astype(np.uint8)
    right, wrong = (decontaminate(image, alpha, linear=linear) for linear in (False, True))
    assert error(right, truth, alpha) < 1.5 < error(wrong, truth, alpha)


def test_what_is_solid_stays(hair):
    _, alpha, image = hair
    result = decontaminate(image, alpha)
    assert np.array_equal(result[alpha == 1], image[alpha == 1])


def test_far_from_the_edge_the_photograph_stays():
    alpha = np.zeros((300, 300), np.float32)
    alpha[100:200, 100:200] = 1
    alpha[99] = alpha[100] / 2
    image = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    result = decontaminate(image, alpha)
    assert np.array_equal(result[:90], image[:90])
    assert not np.array_equal(result[98], image[98])


def test_halving_the_layer_draws_no_old_background_in():
    alpha = np.zeros((400, 400), np.float32)
    alpha[:, 201:] = 1
    alpha[:, 200] = 0.5
    red, blue = np.uint8([200, 30, 30]), np.uint8([0, 0, 255])
    image = composite(np.broadcast_to(red, (400, 400, 3)), alpha, blue)
    small = cv2.resize(decontaminate(image, alpha), (200, 200), interpolation=cv2.INTER_AREA)
    assert np.abs(small[100, 98:].astype(int) - red).max() <= 5


@pytest.mark.parametrize("level", [0, 1])
def test_an_alpha_without_soft_pixels_changes_nothing(level):
    image = data.astronaut()[:50, :50]
    assert np.array_equal(decontaminate(image, np.full((50, 50), level, np.float32)), image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2)])
def test_small_pictures_have_an_answer(shape):
    image = np.full((*shape, 3), 77, np.uint8)
    result = decontaminate(image, np.full(shape, 0.5, np.float32))
    assert np.array_equal(result, image)  # one colour in front and behind explains it


def test_inputs_are_left_as_they_are(hair):
    _, alpha, image = (array.copy() for array in hair)
    alpha.setflags(write=False)
    image.setflags(write=False)
    assert decontaminate(image, alpha).flags.writeable


@pytest.mark.parametrize(
    ("image", "alpha", "message"),
    [
        (np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4), np.float32), "image must be"),
        (np.zeros((4, 4, 3), np.uint16), np.zeros((4, 4), np.float32), "image must be"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.float32), "image must be"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), "alpha must be"),
        (np.zeros((4, 4, 3), np.uint8), np.full((4, 4), np.nan, np.float32), "alpha must lie"),
        (np.zeros((0, 4, 3), np.uint8), np.zeros((0, 4), np.float32), "alpha must be"),
    ],
)
def test_what_it_cannot_use_is_refused(image, alpha, message):
    with pytest.raises(ValueError, match=message):
        decontaminate(image, alpha)


def test_the_stage_notes_how_far_the_colours_moved(hair):
    _, alpha, image = hair
    cut = Decontaminate()(Sample.of(image, alpha))
    (step,) = cut.history
    soft = (alpha > 0) & (alpha < 1)
    moved = np.abs(cut.image[soft].astype(int) - image[soft]).mean()
    assert step.values == {"soft": soft.mean(), "shift": pytest.approx(moved)}
    assert np.array_equal(cut.alpha, alpha)
