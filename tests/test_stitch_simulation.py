import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from maskmill.stitch.simulation import FILTERS, Making, simulate


def dots(height: int = 300, width: int = 400):
    """White dots on grey, all of it foreground but for the frame; and where their centres are."""
    image = np.full((height, width, 3), 60, np.uint8)
    centres = [(x, y) for y in range(70, height - 60, 40) for x in range(80, width - 70, 50)]
    for x, y in centres:
        cv2.circle(image, (x, y), 6, (255, 255, 255), -1, cv2.LINE_AA)
    alpha = np.zeros((height, width), np.float32)
    alpha[40 : height - 40, 40 : width - 40] = 1
    return image, alpha, np.array(centres, float)


def found(image: np.ndarray) -> np.ndarray:
    """Centroids of what is bright within the object."""
    luma = image[..., :3].mean(axis=2)
    weight = np.clip(luma - 80, 0, None)
    bright = (luma > 150).astype(np.uint8)
    count, parts, _, _ = cv2.connectedComponentsWithStats(bright)
    places = []
    for part in range(1, count):
        near = cv2.dilate((parts == part).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        if near[0].any() or near[:, 0].any():
            continue
        rows, columns = np.nonzero(near)
        mass = weight[rows, columns]
        places.append(((columns * mass).sum() / mass.sum(), (rows * mass).sum() / mass.sum()))
    return np.array(places)


@pytest.mark.parametrize("resampling", FILTERS)
@pytest.mark.parametrize(
    "facts",
    [
        {"scale": 0.7},
        {"scale": 1.2},
        {"scale": 0.83, "mirrored": True},
        {"scale": 0.9, "rotation": 4.0},
        {"scale": 1.0, "crop": (0.05, 0.1, 0.02, 0.0)},
    ],
    ids=str,
)
def test_the_matrix_says_where_everything_is(resampling: str, facts: dict[str, object]):
    image, alpha, centres = dots()
    making = Making(encoding="png", resampling=resampling, decontaminated=False, **facts)
    clip = simulate(image, alpha, making)
    shown = clip.image.copy()
    shown[clip.alpha < 0.99] = 0
    places = found(shown)
    under = places @ clip.matrix[:, :2].T + clip.matrix[:, 2]
    away = under[:, None] - centres[None]
    nearest = np.hypot(away[..., 0], away[..., 1]).argmin(axis=1)
    off = away[np.arange(len(under)), nearest]
    assert len(off) >= 12
    # Pillow's box takes whole pixels and moves each dot by up to half of one, but not all together.
    assert np.abs(off.mean(axis=0)).max() < (0.1 if resampling == "box" else 0.02)


def test_the_same_making_gives_the_same_bytes():
    image, alpha, _ = dots()
    making = Making.drawn("dots", 7)
    assert simulate(image, alpha, making).data == simulate(image, alpha, making).data
    assert Making.drawn("dots", 7) == making
    assert Making.drawn("dots", 8) != making


def test_what_is_fixed_is_not_drawn():
    assert Making.drawn("a", scale=0.5, mirrored=True).scale == 0.5


@pytest.mark.parametrize(
    ("encoding", "mode", "shape"),
    [("jpeg", "RGB", 3), ("png", "RGBA", 4), ("grey", "L", 2), ("cmyk", "CMYK", 3)],
)
def test_the_file_is_what_was_asked_for(encoding: str, mode: str, shape: int):
    image, alpha, _ = dots()
    clip = simulate(image, alpha, Making(encoding=encoding))
    assert Pillow.open(io.BytesIO(clip.data)).mode == mode
    assert (clip.image.ndim if shape == 2 else clip.image.shape[2]) == shape
    assert clip.image.shape[:2] == clip.alpha.shape


def test_sixteen_bits_are_kept():
    image, alpha, _ = dots()
    clip = simulate(image, alpha, Making(encoding="png16"))
    decoded = cv2.imdecode(np.frombuffer(clip.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert decoded.dtype == np.uint16 == clip.image.dtype


def test_the_canvas_has_its_level_and_the_shadow_darkens_it():
    image, alpha, _ = dots()
    plain = simulate(image, alpha, Making(canvas=250, encoding="png16")).image // 257
    shaded = (
        simulate(image, alpha, Making(canvas=250, encoding="png16", shadow="drop")).image // 257
    )
    assert plain[0, 0].tolist() == [250, 250, 250]
    darker: Any = np.all(shaded.astype(int) < plain.astype(int) - 20, axis=2)
    assert darker.any()
    assert not darker[simulate(image, alpha, Making(canvas=250)).alpha == 1].any()


def test_decontaminated_edges_show_no_old_background():
    image = np.zeros((120, 120, 3), np.uint8)
    image[..., 2] = 255
    alpha = np.zeros((120, 120), np.float32)
    cv2.circle(alpha, (60, 60), 40, 1.0, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 2)
    mixed = np.rint(alpha[..., None] * (200, 40, 40) + (1 - alpha[..., None]) * image)
    pair = mixed.astype(np.uint8), alpha
    blue = {
        clean: float(np.clip(clip.image[..., 2].astype(float) - clip.image[..., 0], 0, None).mean())
        for clean in (True, False)
        for clip in [simulate(*pair, Making(decontaminated=clean, encoding="png16"))]
    }
    assert blue[True] < 0.5 * blue[False]


@pytest.mark.parametrize(
    "facts", [{"scale": 0}, {"crop": (0.6, 0, 0, 0)}, {"shadow": "long"}, {"encoding": "gif"}]
)
def test_what_no_studio_does_is_refused(facts: dict[str, object]):
    with pytest.raises(ValueError, match="must be"):
        Making(**facts)


def test_an_empty_alpha_is_refused():
    with pytest.raises(ValueError, match="some foreground"):
        simulate(data.coffee(), np.zeros((400, 600), np.float32), Making())
