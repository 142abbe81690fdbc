import numpy as np
import pytest
from procedural import disc

from maskmill.images import decode_alpha, encode_alpha
from maskmill.sample import Dropped, Sample, content_key


def test_the_key_tells_apart_where_the_image_ends_and_the_alpha_begins():
    assert content_key(b"ab", b"c") != content_key(b"a", b"bc")


def test_the_key_is_the_same_in_every_process():
    assert content_key(b"image", b"alpha") == "5261e7e4a898dec16a526b04492cf4b3"


def test_arrays_of_a_sample_cannot_be_written_to():
    sample = disc(1)
    with pytest.raises(ValueError, match="read-only"):
        sample.image[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        sample.alpha[0, 0] = 0


def test_methods_leave_the_sample_as_it_was():
    sample = disc(1)
    changed = (
        sample.tagged("a", "a")
        .scored(x=1.0)
        .with_alpha(np.zeros((32, 32), np.float32), "zero", n=2)
    )
    assert (sample.tags, sample.scores, sample.history) == ((), {}, ())
    assert (changed.tags, changed.scores) == (("a",), {"x": 1.0})
    assert [(step.stage, step.values) for step in changed.history] == [("zero", {"n": 2})]
    assert sample.alpha.max() == 1
    assert changed.key == sample.key


def test_alpha_stays_exact_until_it_is_quantised_once():
    alpha = np.full((32, 32), 0.3, np.float32)
    sample = disc(1).with_alpha(alpha)
    assert sample.alpha_bytes is None
    assert sample.alpha[0, 0] == np.float32(0.3)
    written = sample.quantised()
    assert written.alpha_bytes is not None
    assert decode_alpha(written.alpha_bytes)[0, 0] == np.float32(76 / 255)
    assert written.quantised() is written


def test_an_image_without_alpha_says_what_to_do():
    bare = Sample.of(np.zeros((4, 4, 3), np.uint8), origin="shoe.jpg")
    assert not bare.has_alpha
    with pytest.raises(ValueError, match=r"shoe.jpg has no alpha yet: put a stage that sets one"):
        _ = bare.alpha


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (np.zeros((4, 4), np.uint8), "divide levels by 255"),
        (np.zeros((4, 5), np.float32), "must have the image's shape"),
        (np.full((4, 4), np.nan, np.float32), r"must lie in \[0, 1\], got values from nan"),
        (np.full((4, 4), 1.5, np.float32), "got values from 1.5 to 1.5"),
        (np.zeros((4, 4, 1), np.float32), "must be H x W"),
    ],
)
def test_a_wrong_alpha_is_refused_by_name(alpha: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        Sample.of(np.zeros((4, 4, 3), np.uint8)).with_alpha(alpha)


def test_another_image_keeps_the_key_and_the_size():
    sample = disc(1)
    assert sample.with_image(255 - sample.image).key == sample.key
    with pytest.raises(ValueError, match="must keep its size"):
        sample.with_image(sample.image[:8])


def test_sixteen_bits_survive_the_file():
    levels = np.linspace(0, 1, 65536, dtype=np.float32).reshape(256, 256)
    assert np.abs(decode_alpha(encode_alpha(levels, 16)) - levels).max() < 1e-6


@pytest.mark.parametrize("reason", ["", "Too small", "too-small", "too_small_"])
def test_a_reason_is_one_snake_case_word(reason: str):
    with pytest.raises(ValueError, match="snake_case"):
        Dropped(None, reason, origin="x")


def test_a_drop_without_a_sample_names_its_origin():
    with pytest.raises(ValueError, match="origin of the item, got neither"):
        Dropped(None, "missing_file")
