"""What a folder of clips may hold besides clips: a reason each, and the others are done."""

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.data import chelsea, coffee

from maskmill.cli import main
from maskmill.stitch.alignment import align

CROP = np.s_[60:340, 150:450]


def png(image: Any) -> bytes:
    done, data = cv2.imencode(".png", image[..., ::-1] if image.ndim == 3 else image)
    assert done
    return data.tobytes()


def clip(image: Any = None) -> Any:
    """Cut a rectangle out, on white."""
    image = coffee() if image is None else image
    canvas = np.full((320, 340, 3), 255, np.uint8)
    canvas[20:300, 20:320] = image[CROP]
    return canvas


def animation() -> bytes:
    frames = [Pillow.fromarray(clip()), Pillow.fromarray(clip()[::-1].copy())]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return file.getvalue()


def bomb() -> bytes:
    """Return a PNG of a few bytes that claims 60,000 x 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def truncated() -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(clip()).save(file, "JPEG", quality=90)
    return file.getvalue()[: len(file.getvalue()) // 2]


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "animated.webp": (animation, "animated"),
    "bomb.png": (bomb, "too_many_pixels"),
    "clear.png": (lambda: png(np.zeros((90, 90, 4), np.uint8)), "too_small"),
    "empty.png": (bytes, "empty_file"),
    "noise.png": (lambda: b"no picture", "unreadable"),
    "one.png": (lambda: png(np.zeros((1, 1, 3), np.uint8)), "too_small"),
    "truncated.jpg": (truncated, "truncated"),
    "white.png": (lambda: png(np.full((90, 90, 3), 255, np.uint8)), "too_small"),
    "wrong.png": (lambda: png(clip(chelsea()[:, ::-1].repeat(2, 0).repeat(2, 1))), "wrong_pair"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The log of a run over every bad file, clips and photographs, with a good pair among them."""
    folder = tmp_path_factory.mktemp("bad")
    for name, (made, _) in BAD.items():
        for place, data in (("photographs", png(coffee())), ("clips", made())):
            (folder / place).mkdir(exist_ok=True)
            suffix = ".png" if place == "photographs" else Path(name).suffix
            (folder / place / Path(name).with_suffix(suffix)).write_bytes(data)
    for name in ("animated.webp", "bomb.png", "empty.png", "truncated.jpg"):
        stem = f"original-{Path(name).stem}"
        (folder / "photographs" / f"{stem}{Path(name).suffix}").write_bytes(BAD[name][0]())
        (folder / "clips" / f"{stem}.png").write_bytes(png(clip()))
    for name, made in (("good", clip()), ("same", coffee()), ("larger", larger())):
        (folder / "photographs" / f"{name}.png").write_bytes(png(coffee()))
        (folder / "clips" / f"{name}.png").write_bytes(png(made))
    (folder / "clips" / "folder.png").mkdir()
    code = main(
        ["stitch", str(folder / "photographs"), str(folder / "clips"), "--out", str(folder / "out")]
    )
    assert code == 1
    lines = (folder / "out" / "stitched.jsonl").read_text().splitlines()
    return {record["name"]: record for record in map(json.loads, lines)}


def larger() -> Any:
    return cv2.resize(clip(), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_clip_has_its_reason(told: dict[str, dict[str, Any]], name: str) -> None:
    record = next(
        one for key, one in told.items() if Path(name).stem in key and "original" not in key
    )
    assert record["status"] != "done"
    assert record["reason"] == BAD[name][1]
    assert "error" not in record


@pytest.mark.parametrize("name", ["animated.webp", "bomb.png", "empty.png", "truncated.jpg"])
def test_so_has_a_bad_photograph(told: dict[str, dict[str, Any]], name: str) -> None:
    record = told[f"original-{Path(name).stem}"]
    assert (record["status"], record["reason"]) == ("failed", BAD[name][1])


def test_the_others_are_done(told: dict[str, dict[str, Any]]) -> None:
    assert told["good"]["status"] == "done"
    assert not any("folder" in name for name in told)


def test_a_clip_that_is_its_photograph_is_told(told: dict[str, dict[str, Any]]) -> None:
    assert (told["same"]["status"], told["same"]["reason"]) == ("failed", "same_file")


def test_a_clip_larger_than_its_photograph_lies_where_it_belongs(
    told: dict[str, dict[str, Any]],
) -> None:
    assert told["larger"]["status"] == "done"
    expected = [[0.25, 0, 0.125 - 0.5 + 130], [0, 0.25, 0.125 - 0.5 + 40]]
    assert np.abs(np.array(told["larger"]["matrix"]) - expected).max() < 0.05


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("factor", [1.6, 3.0, 6.0])
def test_enlarging_a_clip_loses_nothing(factor: float, turned: bool) -> None:
    made = cv2.resize(clip(), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    found = align(coffee(), np.ascontiguousarray(made[:, ::-1]) if turned else made)
    assert (found.accepted, found.mirrored) == (True, turned)
    assert found.scale == pytest.approx(factor, rel=1e-3)
    assert len(found.tiles)
    assert 0 <= found.tiles[:, 0].min() < found.tiles[:, 0].max() < made.shape[1]
    assert found.tiles[:, 0].max() > 0.5 * made.shape[1]


def test_an_enlarged_clip_of_which_hardly_anything_is_left_ends_with_a_reason() -> None:
    photograph = np.asarray(coffee()).copy()
    made = np.full((320, 340, 3), 255, np.uint8)
    for row in range(20, 300, 40):  # lines, thinner than a pixel of the photograph
        made[row : row + 3, 20:320] = photograph[row // 6 + 60, 150 + np.arange(300) // 6][None]
    found = align(photograph, made)
    assert not found.accepted
    assert found.reason
