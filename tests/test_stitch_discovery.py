"""Which photograph a clip was cut from, by what they show."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, chelsea, coffee

from maskmill.sample import Dropped, Sample
from maskmill.stitch import gallery
from maskmill.stitch.context import ClipContext
from maskmill.stitch.discovery import best_of, discover
from maskmill.stitch.gallery import Gallery, clip_signature, mirrored, photograph_signature
from maskmill.stitch.keypoints import keypoints_of
from maskmill.stitch.pairs import ClipPairs
from maskmill.stitch.support import clip_of


def photographs() -> list[Any]:
    return [astronaut(), coffee(), chelsea()]


def cut(image: Any, *, scale: float = 0.7, turned: bool = False, gamma: float = 1.0) -> Any:
    """Cut an ellipse out of the middle, on white, as a studio does."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width, 1), np.float32)
    centre, axes = (width // 2, height // 2), (width * 3 // 10, height * 7 // 20)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1, cv2.LINE_AA)
    graded = 255 * (image / np.float32(255)) ** gamma
    clip = graded * mask + 255 * (1 - mask)
    size = (round(width * scale), round(height * scale))
    clip = cv2.resize(clip, size, interpolation=cv2.INTER_AREA)
    clip = np.rint(clip).astype(np.uint8)
    return np.ascontiguousarray(clip[:, ::-1]) if turned else clip


def crops(count: int) -> list[Any]:
    """Cut as many different scenes out of the three photographs."""
    random = np.random.default_rng(0)
    scenes: list[Any] = []
    for number in range(count):
        image = photographs()[number % 3]
        height, width = image.shape[:2]
        y, x = random.integers(0, height - 200), random.integers(0, width - 240)
        scenes.append(np.ascontiguousarray(image[y : y + 200, x : x + 240]))
    return scenes


def test_mirrored_features_are_those_of_the_mirrored_picture() -> None:
    image = chelsea()
    turned = np.ascontiguousarray(image[:, ::-1])
    here, there = keypoints_of(image, None, 500), keypoints_of(turned, None, 500)
    alike = (mirrored(here.descriptors) @ there.descriptors.T).max(axis=1)
    assert np.median(alike) > 0.999
    assert np.median((here.descriptors @ there.descriptors.T).max(axis=1)) < 0.95


@pytest.mark.parametrize("turned", [False, True])
def test_the_photograph_of_a_clip_is_the_first_of_the_list(turned: bool) -> None:
    scenes = photographs()
    known = Gallery([photograph_signature(scene) for scene in scenes])
    for number, scene in enumerate(scenes):
        clip = cut(scene, turned=turned, gamma=1.2)
        assert known.shortlist(clip_signature(clip_of(clip)))[0] == number


def test_a_plain_object_is_found_by_its_colour() -> None:
    scenes = [np.full((200, 300, 3), 128, np.uint8) for _ in range(12)]
    for number, scene in enumerate(scenes):
        hue = cv2.cvtColor(np.uint8([[[15 * number, 220, 200]]]), cv2.COLOR_HSV2RGB)
        scene[60:140, 100:200] = hue[0, 0]
    known = Gallery([photograph_signature(scene) for scene in scenes])
    clip = np.full((150, 150, 3), 255, np.uint8)
    clip[30:110, 20:120] = scenes[7][100, 150]
    signature = clip_signature(clip_of(clip))
    assert len(signature.features) == 0
    assert known.shortlist(signature, 3)[0] == 7


def test_a_list_has_no_photograph_twice_and_as_many_as_asked_for() -> None:
    scenes = crops(15)
    known = Gallery([photograph_signature(scene) for scene in scenes])
    clip = clip_signature(clip_of(cut(scenes[4])))
    for most in (1, 2, 5, 10, 15, 40):
        found = known.shortlist(clip, most)
        assert len(set(found)) == len(found) == min(most, 15)


def test_many_features_are_searched_in_parts_and_still_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenes = crops(18)
    monkeypatch.setattr(gallery, "PLENTY", 1000)
    monkeypatch.setattr(gallery, "CELLS", 32)
    known = Gallery([photograph_signature(scene) for scene in scenes])
    for number, scene in enumerate(scenes):
        # Crops of one photograph overlap: another may show the same, whole.
        clip = clip_signature(clip_of(cut(scene)))
        assert number in known.shortlist(clip, 8)
        votes = known.votes([clip])[0]
        assert votes[number] > 0.5 * votes.max()


def test_many_clips_at_once_get_the_lists_that_each_gets_alone() -> None:
    scenes = crops(9)
    known = Gallery([photograph_signature(scene) for scene in scenes])
    clips = [clip_signature(clip_of(cut(scene))) for scene in scenes]
    clips.insert(4, clip_signature(clip_of(np.full((50, 50, 3), 255, np.uint8))))
    assert known.shortlists(clips, 4) == [known.shortlist(clip, 4) for clip in clips]


def test_nothing_known_gives_an_empty_list() -> None:
    assert Gallery([]).shortlist(clip_signature(clip_of(cut(chelsea())))) == []


def test_a_clip_without_an_object_has_a_list_all_the_same() -> None:
    known = Gallery([photograph_signature(coffee()), photograph_signature(chelsea())])
    blank = clip_signature(clip_of(np.full((50, 50, 3), 255, np.uint8)))
    assert sorted(known.shortlist(blank)) == [0, 1]


def test_clips_find_their_photographs_and_the_rest_is_told() -> None:
    clips = [cut(coffee()), cut(coffee(), scale=0.5, turned=True), cut(chelsea())]
    found = discover([astronaut(), chelsea(), coffee()], clips)
    assert [match and match.original for match in found.matches] == [2, 2, 1]
    assert [match and match.alignment.mirrored for match in found.matches] == [False, True, False]
    assert found.unmatched == (0,)


def test_a_clip_of_something_else_belongs_to_none() -> None:
    found = discover([chelsea(), coffee()], [cut(astronaut())], candidates=1)
    assert found.matches == (None,)
    assert found.unmatched == (0, 1)


def test_no_candidate_is_tried_after_one_that_is_certain() -> None:
    asked: list[int] = []

    def photograph(number: int) -> Any:
        asked.append(number)
        return [coffee(), chelsea(), astronaut()][number]

    verdict = best_of(cut(coffee()), [0, 1, 2], photograph)
    assert verdict.match is not None
    assert asked == [0]


def test_a_photograph_that_cannot_be_read_is_passed_over() -> None:
    verdict = best_of(cut(coffee()), [0, 1], lambda number: coffee() if number else None)
    assert verdict.match is not None
    assert (verdict.match.original, verdict.tried) == (1, 1)


def test_a_blank_clip_is_tried_on_one_photograph_only() -> None:
    blank = np.full((60, 60, 3), 255, np.uint8)
    assert best_of(blank, [0, 1], lambda number: photographs()[number]).tried == 1


def test_at_least_one_candidate_is_tried() -> None:
    with pytest.raises(ValueError, match="candidates must be at least 1"):
        discover([coffee()], [cut(coffee())], candidates=0)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """Three photographs and four clips whose names tell nothing."""
    pictures = {
        "photos/1.jpg": astronaut(),
        "photos/2.jpg": coffee(),
        "photos/3.jpg": chelsea(),
        "clips/a.jpg": cut(chelsea(), turned=True),
        "clips/b.png": cut(coffee(), gamma=0.9),
        "clips/c.png": cut(coffee(), scale=0.4),
        "clips/d.png": cut(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)),
    }
    for name, array in pictures.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(array).save(path)
    (tmp_path / "clips" / "e.png").write_bytes(b"no picture")
    (tmp_path / "photos" / "4.jpg").write_bytes(b"no picture")
    return str(tmp_path / "photos"), str(tmp_path / "clips")


def test_the_source_pairs_by_content_and_hands_the_alignment_on(folders: tuple[str, str]) -> None:
    source = ClipPairs(*folders, match="content", candidates=2)
    partitions = source.plan(())
    items = [item for partition in partitions for item in source.read(partition)]
    assert len(items) == sum(partition.count for partition in partitions)
    found = {item.origin: item for item in items if isinstance(item, Sample)}
    contexts = {name: sample.context for name, sample in found.items()}
    assert {
        name: context.original
        for name, context in contexts.items()
        if isinstance(context, ClipContext) and context.alignment is not None
    } == {"a.jpg": "3.jpg", "b.png": "2.jpg", "c.png": "2.jpg"}
    assert found["b.png"].group == found["c.png"].group != found["a.jpg"].group
    lost = {str(item.origin): item.reason for item in items if isinstance(item, Dropped)}
    assert lost["d.png"] == "no_partner"
    assert (lost["e.png"], lost["original: 4.jpg"]) == ("unreadable", "unreadable")


def test_planning_by_content_twice_gives_the_same(folders: tuple[str, str]) -> None:
    source = ClipPairs(*folders, match="content")
    assert [one.fingerprint for one in source.plan(())] == [
        one.fingerprint for one in source.plan(())
    ]
