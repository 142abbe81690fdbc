from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from maskmill.images import encode_image
from maskmill.sample import Dropped, Sample
from maskmill.stitch.alignment import align
from maskmill.stitch.context import ClipContext
from maskmill.stitch.geometry import corners_of, mapped
from maskmill.stitch.realignment import Realign
from maskmill.stitch.simulation import Making, Simulated, simulate


def cup():
    """A photograph and a smooth outline of what could be a product in it."""
    image = data.coffee()
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    away = np.hypot((rows - 190) / 150, (columns - 300) / 220)
    return image, np.clip((1 - away) * 60 + 0.5, 0, 1).astype(np.float32)


def error(found, clip: Simulated) -> float:
    """Mean distance of the object's corners from where they are, in the photograph's pixels."""
    corners = corners_of(clip.alpha >= 0.5)
    places = [mapped(np.vstack([m, [0, 0, 1]]), corners) for m in (found.matrix, clip.matrix)]
    return float(np.hypot(*(places[0] - places[1]).T).mean())


MAKINGS = {
    "as it is": Making(),
    "half": Making(scale=0.5, quality=75),
    "enlarged": Making(scale=1.15, resampling="bicubic"),
    "mirrored": Making(scale=0.7, mirrored=True),
    "turned": Making(scale=0.8, rotation=4),
    "cropped": Making(scale=0.6, crop=(0.1, 0, 0.12, 0.05)),
    "graded": Making(scale=0.6, gamma=0.85, contrast=1.1, saturation=1.15, sharpening=0.6),
    "transparent": Making(scale=0.6, encoding="png"),
    "grey": Making(scale=0.6, encoding="grey"),
    "CMYK": Making(scale=0.6, encoding="cmyk"),
    "16 bits": Making(scale=0.6, encoding="png16"),
    "nearly white canvas": Making(scale=0.6, canvas=248),
    "with a shadow": Making(scale=0.7, shadow="drop"),
    "small": Making(scale=0.25),
}


@pytest.mark.parametrize("name", MAKINGS)
def test_a_clip_is_put_back(name: str):
    image, alpha = cup()
    making = MAKINGS[name]
    clip = simulate(image, alpha, making)
    found = align(image, clip.image)
    assert found.accepted, found.reason
    assert found.mirrored == making.mirrored
    assert error(found, clip) * making.scale < 0.25  # pixels of the clip
    assert found.scale == pytest.approx(making.scale, rel=0.01)


def test_a_grey_or_sixteen_bit_original_will_do():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.6))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shown = cv2.cvtColor(clip.image, cv2.COLOR_RGB2GRAY)
    assert error(align(grey, shown), clip) < 0.3
    assert error(align(image.astype(np.uint16) * 257, clip.image), clip) < 0.3


def test_the_same_pair_gives_the_same_matrix_and_inputs_are_left_alone():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.6))
    image.setflags(write=False)
    clip.image.setflags(write=False)
    assert np.array_equal(align(image, clip.image).matrix, align(image, clip.image).matrix)


def test_a_photograph_lies_on_itself():
    image = data.chelsea()
    found = align(image, image)
    assert found.accepted
    assert np.abs(found.matrix - [[1, 0, 0], [0, 1, 0]]).max() < 0.01


def test_another_product_is_refused():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.6))
    for other in (data.astronaut(), data.chelsea(), data.rocket()):
        found = align(other, clip.image)
        assert not found.accepted
        assert found.reason in ("wrong_pair", "low_texture")


def checkered(period: int) -> tuple[Any, Any]:
    """A symmetric bag with checks on a photograph: it fits a period aside, and mirrored."""
    behind = data.coffee()
    y, x = np.mgrid[: behind.shape[0], : behind.shape[1]].astype(np.float32)
    body = (np.abs((x - 300) / 140) ** 6 + np.abs((y - 210) / 130) ** 6) < 1
    checks = np.sign(np.sin(x * 2 * np.pi / period) * np.sin(y * 2 * np.pi / period))
    grain = np.random.default_rng(period).normal(0, 1.5, behind.shape)
    front = np.float32([150, 90, 60]) * (0.75 + 0.25 * checks)[..., None] + grain
    alpha = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 1)[..., None]
    mixed = front * alpha + behind * (1 - alpha)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8), alpha[..., 0].astype(np.float32)


@pytest.mark.parametrize("period", [11, 17])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_texture_that_repeats_is_laid_in_its_own_place_or_refused(period: int, mirrored: bool):
    image, alpha = checkered(period)
    clip = simulate(image, alpha, Making(scale=0.8, mirrored=mirrored, rotation=1.0))
    found = align(image, clip.image)
    if found.accepted:
        assert error(found, clip) < 0.5
    else:
        assert found.reason in ("repeating", "wrong_pair")


@pytest.mark.parametrize("seed", range(4))
def test_another_view_is_refused(seed: int):
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.8))
    height, width = image.shape[:2]
    rng = np.random.default_rng(seed)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-0.06, 0.06, (4, 2)).astype(np.float32) * (width, height)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    found = align(cv2.warpPerspective(image, matrix, (width, height)), clip.image)
    assert not found.accepted
    assert found.reason in ("perspective", "other_view", "wrong_pair")


def test_the_same_thing_a_little_deformed_is_refused():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.8))
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    bent = cv2.remap(image, x + 6 * np.sin(y / 60), y + 6 * np.sin(x / 70), cv2.INTER_CUBIC)
    assert not align(bent, clip.image).accepted


WHITE = np.full((50, 50, 3), 255, np.uint8)


@pytest.mark.parametrize(
    "clip",
    [
        WHITE,
        np.zeros((60, 60, 4), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((1, 300, 3), np.uint8),
        np.full((300, 1), 40, np.uint8),
        np.zeros((40, 40, 3), np.uint8),
        np.full((2000, 1800, 3), 77, np.uint8),
    ],
    ids=["white", "transparent", "a pixel", "a row", "a column", "black", "larger and flat"],
)
def test_a_clip_of_nothing_is_refused_with_a_reason(clip: np.ndarray):
    found = align(data.coffee(), clip)
    assert not found.accepted
    assert found.reason in ("too_small", "low_texture", "wrong_pair")


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (16, 16, 3)])
def test_a_photograph_of_few_pixels_holds_no_clip(shape: tuple[int, ...]):
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.6))
    assert not align(np.zeros(shape, np.uint8), clip.image).accepted


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((9, 9, 3), np.float32),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros((0, 9, 3), np.uint8),
        np.zeros(9, np.uint8),
    ],
)
def test_what_is_no_picture_is_an_error(array: np.ndarray):
    with pytest.raises(ValueError, match="original must be"):
        align(array, data.coffee())
    with pytest.raises(ValueError, match="clipped must be"):
        align(data.coffee(), array)


def test_the_stage_hands_the_alignment_on():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.6))
    realigned = Realign()(Sample.of(image, context=ClipContext(clip.data)))
    assert isinstance(realigned, Sample)
    assert isinstance(realigned.context, ClipContext)
    assert error(realigned.context.alignment, clip) < 0.3
    assert [step.stage for step in realigned.history] == ["realign"]
    again = Realign()(realigned)
    assert isinstance(again, Sample)
    assert isinstance(again.context, ClipContext)
    assert again.context.alignment is realigned.context.alignment


def test_the_stage_drops_what_is_refused_with_its_numbers():
    image, alpha = cup()
    clip = simulate(image, alpha, Making(scale=0.6))
    dropped = Realign()(Sample.of(data.astronaut(), context=ClipContext(clip.data)))
    assert isinstance(dropped, Dropped)
    assert dropped.reason in ("wrong_pair", "low_texture")
    assert set(dropped.values) == {"score", "scale", "mirrored", "inliers"}


def test_the_stage_drops_a_clip_that_cannot_be_read():
    broken = encode_image(data.coffee())[:500]
    dropped = Realign()(Sample.of(data.coffee(), context=ClipContext(broken)))
    assert isinstance(dropped, Dropped)
    assert dropped.values["clip"] == 1


def test_the_stage_asks_for_a_clip():
    with pytest.raises(ValueError, match="must come with a clip"):
        Realign()(Sample.of(data.coffee()))
    with pytest.raises(ValueError, match="threshold must be"):
        Realign(threshold=0.2)


def test_a_plain_thing_is_placed_by_its_outline():
    photograph, alpha = _plain_bag()
    clip = simulate(photograph, alpha, Making(scale=0.8, padding=0.1, quality=85))
    found = align(photograph, clip.image)
    assert found.accepted
    assert found.evidence is not None
    assert np.isfinite(found.evidence.outline)
    assert error(found, clip) < 1.5


def test_a_plain_thing_of_another_shape_is_refused():
    photograph, _ = _plain_bag()
    other, alpha = _plain_bag(power=1.2, wide=0.16)
    clip = simulate(other, alpha, Making(scale=0.8, padding=0.1, quality=85))
    assert not align(photograph, clip.image).accepted


def _plain_bag(power: float = 5.0, wide: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    behind = data.coffee()
    height, width = behind.shape[:2]
    y, x = np.mgrid[:height, :width]
    across, down = (x / width - 0.55) / wide, (y / height - 0.5) / 0.3
    alpha = ((np.abs(across) ** power + np.abs(down) ** power) < 1).astype(np.float32)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1)
    shade = 0.9 + 0.1 * np.cos(across)
    front = np.array([60, 120, 200]) * shade[..., None]
    mixed = front * alpha[..., None] + behind * (1 - alpha[..., None])
    return np.rint(mixed).astype(np.uint8), alpha


def test_a_symmetric_thing_is_not_taken_for_mirrored():
    photograph, alpha = _plain_bag()
    y, x = np.mgrid[: alpha.shape[0], : alpha.shape[1]]
    middle = 0.55 * alpha.shape[1]
    checks = np.sign(np.cos((x - middle) * 2 * np.pi / 17) * np.sin(y * 2 * np.pi / 17))
    front = np.clip(photograph + 25.0 * checks[..., None] * alpha[..., None], 0, 255)
    clip = simulate(np.rint(front).astype(np.uint8), alpha, Making(scale=0.45, quality=70))
    found = align(np.rint(front).astype(np.uint8), clip.image)
    assert not found.mirrored
    assert not found.accepted or error(found, clip) < 1.5
