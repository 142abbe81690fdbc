import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as pycocotools

from maskmill.curate.annotations import MAX_PIXELS, Rle, SegmentationError, problem, rle, union

PEOPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "coco_person"
NAN, INF = float("nan"), float("inf")
SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]

TRAPS: list[tuple[object, str]] = [
    (None, "no_segmentation"),
    ([], "empty_segmentation"),
    ("x", "segmentation_type"),
    (7, "segmentation_type"),
    (["x"], "segmentation_type"),
    ([None], "segmentation_type"),
    ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "flat_polygon"),
    ([[]], "short_polygon"),
    ([[1.0, 2.0]], "short_polygon"),
    ([[1.0, 2.0, 3.0, 4.0]], "short_polygon"),  # pycocotools takes it for a box
    ([*SQUARE, [1.0, 2.0, 3.0, 4.0]], "short_polygon"),
    ([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]], "odd_polygon"),
    ([[1, 2, "3", 4, 5, 6]], "non_numeric"),
    ([[1, 2, None, 4, 5, 6]], "non_numeric"),
    ([[1, 2, True, 4, 5, 6]], "non_numeric"),
    ([[1, 2, [3], 4, 5, 6]], "non_numeric"),
    ([[NAN, 2.0, 3.0, 4.0, 5.0, 6.0]], "non_finite"),
    ([[INF, 2.0, 3.0, 4.0, 5.0, 6.0]], "non_finite"),
    ([[1.0, 2.0, 3.0, 4.0, 5.0, -INF]], "non_finite"),
    ([[2e8, 2.0, 3.0, 4.0, 5.0, 6.0]], "far_outside"),
    ([[-41.0, 2.0, 3.0, 4.0, 5.0, 6.0]], "far_outside"),
    ([[10**400, 2, 3, 4, 5, 6]], "far_outside"),
    ([[-40, 0, 50, 0] * 12_000], "long_outline"),
    ({"size": [9, 9], "counts": [81]}, "rle_size"),
    ({"size": [10], "counts": [100]}, "rle_size"),
    ({"size": None, "counts": [100]}, "rle_size"),
    ({"counts": [100]}, "rle_size"),
    ({"size": [10, 10]}, "rle_counts"),
    ({"size": [10, 10], "counts": None}, "rle_counts"),
    ({"size": [10, 10], "counts": [50, -50, 100]}, "rle_counts"),
    ({"size": [10, 10], "counts": [50, 2.5, 47.5]}, "rle_counts"),
    ({"size": [10, 10], "counts": [50, "50"]}, "rle_counts"),
    ({"size": [10, 10], "counts": [NAN]}, "rle_counts"),
    ({"size": [10, 10], "counts": [10, 20]}, "rle_sum"),
    ({"size": [10, 10], "counts": [10, 2000]}, "rle_sum"),
    ({"size": [10, 10], "counts": []}, "rle_sum"),
    ({"size": [10, 10], "counts": ""}, "rle_sum"),
    ({"size": [10, 10], "counts": "\x00"}, "rle_counts"),
    ({"size": [10, 10], "counts": "né"}, "rle_counts"),
    ({"size": [10, 10], "counts": "P"}, "rle_counts"),  # ends within a number
    ({"size": [10, 10], "counts": "ooooooooo0"}, "rle_counts"),  # a number without end
    ({"size": [10, 10], "counts": "O"}, "rle_counts"),  # below nothing
]


@pytest.mark.parametrize(("segmentation", "reason"), TRAPS)
def test_what_describes_no_mask_has_a_reason(segmentation: object, reason: str):
    assert problem(segmentation, 10, 10) == reason
    with pytest.raises(SegmentationError) as caught:
        rle(segmentation, 10, 10)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("segmentation", "area"),
    [
        (SQUARE, 36),
        ([[2.0, 2.0, 8.0, 2.0, 8.0, 8.0]], 15),
        ([[0, 0, 20, 0, 20, 10, 0, 10]], 100),  # clipped
        ([[-30, 0, 5, 0, 5, 10, -30, 10]], 50),
        ([[20, 20, 30, 20, 30, 30]], 0),  # beside the frame
        ([[2, 2, 2, 2, 2, 2]], 0),  # a point
        ([[0, 0, 6, 0, 6, 10, 0, 10], [4, 0, 10, 0, 10, 10, 4, 10]], 100),  # counted once
        ({"size": [10, 10], "counts": [100]}, 0),
        ({"size": [10, 10], "counts": [0, 100]}, 100),
        ({"size": [10.0, 10.0], "counts": [90.0, 10.0]}, 10),
    ],
)
def test_what_describes_a_mask_has_its_area(segmentation: object, area: int):
    assert problem(segmentation, 10, 10) is None
    assert rle(segmentation, 10, 10).area == area
    assert rle(segmentation, 10, 10).alpha().sum() == area


def test_a_ring_inside_another_is_filled():
    ring = [[0, 0, 20, 0, 20, 20, 0, 20], [5, 5, 15, 5, 15, 15, 5, 15]]
    assert rle(ring, 20, 20).area == 400


def test_a_polygon_becomes_the_pixels_whose_centres_it_covers():
    alpha = rle([[1, 1, 3, 1, 3, 2, 1, 2]], 3, 4).alpha()
    assert alpha.dtype == np.float32
    assert alpha.tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]


def runs_of(mask: np.ndarray) -> list[int]:
    runs = [(int(value), len(list(run))) for value, run in groupby(mask.ravel(order="F"))]
    lengths = [length for _, length in runs]
    return [0, *lengths] if runs[0][0] else lengths


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (37, 53), (200, 3)])
def test_run_lengths_give_their_mask_back(shape: tuple[int, int], share: float):
    mask = np.random.default_rng(5).random(shape) < share
    height, width = shape
    plain = rle({"size": [height, width], "counts": runs_of(mask)}, height, width)
    packed: Any = pycocotools.encode(np.asfortranarray(mask, np.uint8))
    text = rle({"size": [height, width], "counts": packed["counts"].decode()}, height, width)
    assert np.array_equal(plain.alpha(), mask)
    assert text == plain
    assert plain.counts == packed["counts"]


def test_empty_runs_are_joined_however_many():
    # pycocotools would write ten thousand runs into the room of 101.
    counts = [0] * 9_999 + [40, 0, 10, 50]
    mask = rle({"size": [10, 10], "counts": counts}, 10, 10)
    assert mask == rle({"size": [10, 10], "counts": [0, 50, 50]}, 10, 10)
    assert union([mask, mask], 10, 10).area == 50


def test_a_union_counts_overlap_once():
    left, right = (rle([[x, 0, x + 6, 0, x + 6, 10, x, 10]], 10, 10) for x in (0, 4))
    assert (left.coverage, right.coverage, union([left, right], 10, 10).coverage) == (0.6, 0.6, 1)


def test_the_union_of_nothing_is_empty():
    assert union([], 4, 6).coverage == 0
    assert union([], 4, 6).alpha().shape == (4, 6)


def test_masks_of_different_frames_do_not_unite():
    with pytest.raises(ValueError, match="masks must be of one frame, 10 x 10, got 20 x 10"):
        union([rle(SQUARE, 10, 10), rle(SQUARE, 20, 10)], 10, 10)


@pytest.mark.parametrize("frame", [(0, 10), (10, -1), (MAX_PIXELS + 1, 1)])
def test_a_frame_without_pixels_or_with_too_many_is_an_error(frame: tuple[int, int]):
    with pytest.raises(ValueError, match="the frame must have 1 to"):
        rle(SQUARE, *frame)


def test_the_largest_frame_works():
    side = 3 * 2**12, 2**12
    half = MAX_PIXELS // 2
    mask = rle({"size": [*side], "counts": [half, half]}, *side)
    assert union([mask, mask], *side).coverage == 0.5


@pytest.mark.skipif(not PEOPLE.exists(), reason="the shared COCO images are not on this machine")
def test_masks_of_real_people_are_those_of_pycocotools():
    document = json.loads((PEOPLE / "person_keypoints.json").read_text())
    frames = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    library: Any = pycocotools
    for annotation in document["annotations"]:
        height, width = frames[annotation["image_id"]]
        theirs = library.frPyObjects(annotation["segmentation"], height, width)
        if isinstance(theirs, list):
            theirs = library.merge(theirs)
        ours = rle(annotation["segmentation"], height, width)
        assert ours == Rle(height, width, theirs["counts"])
    assert len(document["annotations"]) == 364


READS_A_FILE = """
import json, sys
from maskmill.curate import Coco, PersonFilter
source, rows = Coco(sys.argv[1], images=sys.argv[2]), []
for stages in (), (PersonFilter(coverage=(0, 1)),), (PersonFilter(crowd="count"),):
    items = [item for part in source.plan(stages) for item in source.read(part)]
    rows.append([getattr(item, "reason", "kept") for item in items])
print(json.dumps(rows))
"""


@pytest.mark.parametrize("iscrowd", [0, 1])
def test_a_file_of_traps_ends_with_one_reason_each_and_the_good_kept(tmp_path: Path, iscrowd: int):
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (segmentation, _) in enumerate(TRAPS):
        for image in (2 * number, 2 * number + 1):
            frame = {"file_name": f"{image}.png", "height": 10, "width": 10}
            images.append({"id": image, **frame})
            Image.new("RGB", (10, 10)).save(tmp_path / f"{image}.png")
        annotations += [
            {"image_id": 2 * number, "category_id": 1, "segmentation": SQUARE},
            {"image_id": 2 * number + 1, "category_id": 1, "segmentation": SQUARE},
            {"image_id": 2 * number + 1, "category_id": 1, "segmentation": segmentation}
            | {"iscrowd": iscrowd},
        ]
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person"}],
    }
    (tmp_path / "traps.json").write_text(json.dumps(document))
    alone, led, counting = in_a_child(READS_A_FILE, str(tmp_path / "traps.json"), str(tmp_path))
    reasons = [reason for _, reason in TRAPS]
    assert alone[0::2] == led[0::2] == counting[0::2] == ["kept"] * len(TRAPS)
    assert counting[1::2] == reasons
    assert led[1::2] == (["crowd"] * len(TRAPS) if iscrowd else reasons)
    assert alone[1::2] == (["kept"] * len(TRAPS) if iscrowd else reasons)


MUTATES = """
import json, random, sys
from collections import Counter
from maskmill.curate.annotations import problem, rle, union
rng, seen = random.Random(int(sys.argv[1])), Counter()
odd = [0, -1, 0.5, -0.0, 5e-324, 1e308, float("nan"), float("inf"), -float("inf"), 2**31, 2**32,
       2**63, -(2**31), 10**30, 10**400, "7", "", None, True, [], [1], {}, "\\ud800", 49.99, -40]
def number():
    return rng.choice((rng.uniform(-40, 50), rng.randint(-3, 13)))
def polygon():
    return [number() for _ in range(rng.choice((5, 6, 6, 7, 8, 8, 10, 12)))]
def text():
    return "".join(chr(rng.randint(40, 115)) for _ in range(rng.randint(0, 9)))
def runs():
    ends = sorted(rng.randint(0, 100) for _ in range(rng.randint(0, 120))) + [100]
    return [end - start for start, end in zip([0, *ends], ends)]
for _ in range(4000):
    kind = rng.randrange(3)
    if kind == 0:
        seg = [polygon() for _ in range(rng.randint(1, 3))]
        inner = seg[0]
    else:
        seg = {"size": [10, 10], "counts": runs() if kind == 1 else text()}
        inner = rng.choice((seg["counts"], seg["size"]))
    for _ in range(rng.choice((0, 0, 1, 2))):
        target = rng.choice((inner, seg))
        if isinstance(target, list) and target:
            target[rng.randrange(len(target))] = rng.choice(odd)
        elif isinstance(target, dict):
            target[rng.choice(("size", "counts"))] = rng.choice(odd)
    reason = problem(seg, 10, 10)
    seen[reason or "fine"] += 1
    if reason is None:
        mask = rle(seg, 10, 10)
        assert mask.alpha().sum() == mask.area == union([mask, mask], 10, 10).area
print(json.dumps(seen))
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_no_mutation_of_a_mask_brings_the_process_down(seed: int):
    seen = in_a_child(MUTATES, str(seed))
    assert seen["fine"] > 500
    assert {reason for _, reason in TRAPS} - set(seen) <= {
        "no_segmentation",
        "long_outline",
        "empty_segmentation",
    }


def in_a_child(script: str, *arguments: str) -> Any:
    """What a script prints: pycocotools may take its process down, and must not take the tests'."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
