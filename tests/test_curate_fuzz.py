"""No file, however broken, takes the process down: everything here runs in a child.

As a program it reads all files of a folder in every way and prints a line of JSON for each.
"""

import copy
import json
import math
import random
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coco_files import compressed, document, facts_of, image, person, strip, write
from PIL import Image

from maskmill.curate import Coco, PersonFilter, select_people
from maskmill.sample import Dropped

NAN, INF = math.nan, math.inf
HUGE = "9" * 5000
FRAMES = [image(k) for k in range(1, 4)]


def explored(path: Path, pictures: Path) -> dict[str, Any]:
    """Select and read; a ValueError of ours is an answer too, any other exception is not."""
    rules: dict[str, Any] = {"persons": (1, 9), "coverage": (0.1, 1), "crowd": "count"}
    try:
        table = select_people(path, **rules)
    except ValueError as error:
        return {"error": str(error), "type": type(error).__name__}
    kept = select_people(path, cache=path.parent / "cache", **rules)
    trusting = select_people(path, trust_boxes=True, **rules)
    alone = select_people(path, persons=(0, 99), coverage=(0, 1), crowd="ignore", area="sum")
    source = Coco(str(path), images=str(pictures))
    planned = [item for part in source.plan((PersonFilter(**rules),)) for item in part.items]
    items = [item for part in source.plan(()) for item in source.read(part)]
    others = {"refined": str(path), "keypoints": str(path), "panoptic": str(pictures)}
    beside = Coco(str(pictures / "sound.json"), images=str(pictures), **others)
    overlaid = [item for part in beside.plan(()) for item in beside.read(part)]
    return {
        "rows": {str(r["image_id"]): [r["keep"], r["reason"]] for r in table.to_pylist()},
        "faults": facts_of(table)["faults"],
        "counts": [table.num_rows, trusting.num_rows, alone.num_rows],
        "cached alike": kept.equals(table),
        "planned alike": [_word(item) for item in planned][: table.num_rows]
        == table["reason"].to_pylist(),
        "read": len(items),
        "overlaid": len(overlaid),
        "read as": [_word(item) for item in items],
    }


def _word(item: object) -> str | None:
    return item.reason if isinstance(item, Dropped) else None


def main(folder: Path) -> None:
    for path in sorted(folder.glob("*.json")):
        print(path.name, end="\t", flush=True)
        try:
            answer = explored(path, folder / "images")
        except Exception:  # the rest is to be seen too; the test fails for it
            answer = {"crash": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


def explore(folder: Path, files: dict[str, str | bytes]) -> dict[str, dict[str, Any]]:
    """Let a child read files, and return what it found."""
    (folder / "images").mkdir()
    for number in range(60):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (10, 10, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
    write(folder / "images" / "sound.json", sound())
    for name, content in files.items():
        write(folder / f"{name}.json", content)
    program = [sys.executable, "-X", "faulthandler", __file__, str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=500)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{lines[-1] if lines else 'start'}: {done.stderr[-3000:]}"
    assert len(lines) == len(files)
    found = {name.removesuffix(".json"): json.loads(text) for name, text in lines}
    crashes = [f"{name}: {one['crash'][-1500:]}" for name, one in found.items() if "crash" in one]
    assert not crashes, f"{len(crashes)} times: {crashes[0]}"
    return found


RUNS = {"size": [10, 10]}
TRAPS: list[tuple[str, str]] = [  # a segmentation as the file has it, and what becomes of it
    ("[[NaN, 2, 3, 4, 5, 6]]", "non_finite"),
    ("[[1, 2, 3, NaN, 5, 6, 7, 8, 9, 1]]", "non_finite"),
    ("[[1, 2, Infinity, 4, 5, 6]]", "non_finite"),
    ("[[1, 2, 3, 4, 5, -Infinity]]", "non_finite"),
    ("[[1e400, 2, 3, 4, 5, 6]]", "non_finite"),
    (f"[[{HUGE}, 2, 3, 4, 5, 6]]", "non_finite"),
    ("[[2e8, 2, 3, 4, 5, 6]]", "far_outside"),
    ("[[1, 2, 3, 4, 5, -200000000]]", "far_outside"),
    (f"[[1, 2, {10**300}, 4, 5, 6]]", "far_outside"),
    ("[[1, 2, 3, 4]]", "short_polygon"),
    ("[[0, 0, 5, 0, 5, 10, 0, 10], [1, 2, 3, 4]]", "short_polygon"),
    ("[[]]", "short_polygon"),
    ("[[1, 2, 3, 4, 5, 6, 7]]", "odd_polygon"),
    ("[]", "empty_segmentation"),
    ("null", "no_segmentation"),
    ("", "no_segmentation"),
    ("[1, 2, 3, 4, 5, 6]", "flat_polygon"),
    ('[["1", 2, 3, 4, 5, 6]]', "non_numeric"),
    ("[[true, 2, 3, 4, 5, 6]]", "non_numeric"),
    ("[[null, 2, 3, 4, 5, 6]]", "non_numeric"),
    ('"x"', "segmentation_type"),
    ("7", "segmentation_type"),
    ("NaN", "segmentation_type"),
    ("[{}]", "segmentation_type"),
    ("[" * 200 + "]" * 200, "short_polygon"),
    ('{"size": [10, 10], "counts": [10, 20]}', "rle_sum"),
    ('{"size": [10, 10], "counts": [10, 2000]}', "rle_sum"),
    ('{"size": [10, 10], "counts": [1e30]}', "rle_sum"),
    ('{"size": [10, 10], "counts": [18446744073709551616]}', "rle_sum"),
    ('{"size": [10, 10], "counts": [4294967296, 100]}', "rle_sum"),
    ('{"size": [10, 10], "counts": [NaN]}', "rle_counts"),
    ('{"size": [10, 10], "counts": [Infinity]}', "rle_counts"),
    ('{"size": [10, 10], "counts": [200, -100]}', "rle_counts"),
    ('{"size": [10, 10], "counts": [0.5, 99.5]}', "rle_counts"),
    ('{"size": [10, 10], "counts": "ooooooooooooo"}', "rle_counts"),
    ('{"size": [10, 10], "counts": "\\ud800"}', "rle_counts"),
    ('{"size": [10, 10], "counts": "\\u0000"}', "rle_counts"),
    ('{"size": [10, 10], "counts": {}}', "rle_counts"),
    ('{"size": [10, 10]}', "rle_counts"),
    ('{"size": [9, 10], "counts": [90]}', "rle_size"),
    ('{"size": [-10, -10], "counts": [100]}', "rle_size"),
    ('{"size": [1e30, 1e30], "counts": [100]}', "rle_size"),
    ('{"size": 10, "counts": [100]}', "rle_size"),
    ('{"counts": [100]}', "rle_size"),
    ("{}", "rle_size"),
]


def test_every_trap_has_its_reason_and_good_annotations_stay(tmp_path: Path):
    """The table of inputs that crash pycocotools or make it lie, in one file."""
    images: list[Any] = [image(k) for k in range(1, len(TRAPS) + 1)]
    records: list[str] = []
    for number, (segmentation, _) in enumerate(TRAPS, 1):
        one = json.dumps({"id": number, "image_id": number, "category_id": 1})
        records.append(f'{one[:-1]}, "segmentation": {segmentation}}}' if segmentation else one)
        records.append(json.dumps(person(number, number=1000 + number)))  # good, but beside it
    good = range(101, 111)
    images += [image(k, file_name=f"{k - 51}.png") for k in good]
    ring = [[0, 0, 10, 0, 10, 10, 0, 10], [4, 4, 6, 4, 6, 6, 4, 6]]
    runs = {"size": [10, 10], "counts": [0, 50, 50]}
    shapes = [strip(), ring, [[-30, -30, 5, -30, 5, 40, -30, 40]], runs, compressed(runs)]
    people = [
        *[person(101 + k, shape, 101 + k) for k, shape in enumerate(shapes)],
        {k: v for k, v in person(106, number=106).items() if k != "iscrowd"},
        person("107", number="107", category_id=1.0),
        person(108, number=108, iscrowd=True),
        person(109, number=109, bbox=[0, 0, NAN, 1e400], area=INF, keypoints="x"),
        person(110, number=110),
        person(110, strip(2, 7), 110),  # its id again
        person(110, strip(2, 7), 110),  # the same word for word
        person(9999, number=200),  # of no image
        person(101, number=201, category_id=77),
    ]
    images += [image(101, file_name="other.png"), image(0, height=-10), {"id": 1}, None, "x"]
    text = json.dumps(document(images, people))
    text = text.replace('"annotations": [', f'"annotations": [{", ".join(records)}, ')
    found = explore(tmp_path, {"traps": text})["traps"]
    for number, (segmentation, reason) in enumerate(TRAPS, 1):
        assert found["rows"][str(number)] == [False, reason], segmentation[:80]
        assert found["read as"][number - 1] == reason, segmentation[:80]
    assert [found["rows"][str(k)] for k in good if k != 101] == [[True, None]] * 9
    read = found["read as"][len(TRAPS) : len(TRAPS) + 10]
    assert read == [None] * 10
    assert found["rows"]["0"] == [False, "bad_frame"]
    assert found["faults"] == {
        "orphan_annotation": 1,
        "repeated_annotation": 1,
        "unknown_category": 1,
    }
    assert found["cached alike"]
    assert found["planned alike"]


def test_nests_of_every_depth_are_survived(tmp_path: Path):
    """Decoders give up at some depth; each of them at another one."""
    depths = [*range(880, 1000), 3000, 30_000]
    nests = ["[" * d + "]" * d for d in depths]
    nests += ['{"a":' * d + "1" + "}" * d for d in depths]
    files: dict[str, str | bytes] = {}
    for member in ("segmentation", "bbox", "image_id", "extra", "segments_info"):
        for category in (1, 17):
            texts = [
                f'{{"id": {k}, "image_id": 1, "category_id": {category}, "{member}": {nest}}}'
                for k, nest in enumerate(nests)
            ]
            good = json.dumps(person(2, number=10**6))
            text = json.dumps(document(FRAMES, []))
            records = ", ".join([*texts, good])
            files[f"{member}-{category}"] = text.replace("[], ", f"[{records}], ")
    for name, found in explore(tmp_path, files).items():
        assert found["rows"]["2"] == [True, None], name


NASTY: list[Any] = [
    *[None, True, [], {}, "", "x", "1", 0, -1, 1, 7, 0.5, -0.0, NAN, INF, -INF, 1e30, -1e30],
    *[2e8, -2e8, 10**30, 2**31, -(2**63), 2**63, 10**400],
    *["\ud800", "a\0b", "../../etc/passwd", "/"],
    *[[[]], [[[]]], [None], [NAN], [1] * 4, [0] * 300],
    *[{"size": [10, 10], "counts": "0"}, {"size": [0, 0], "counts": []}, {"counts": [1e30]}],
    *[{"id": 1, "area": 5}, [{"id": 1, "category_id": 1, "area": 5}]],
]
TOKENS = [
    *[b"NaN", b"]", b"}", b"[", b"{", b"},{", b'"', b"\\", b",", b":", b"1e999", b"-", b"'"],
    *[b"\xff", b"\0", b"\xf0\x9f", b"Infinity", b"null", b"\\ud800", b'"images": ['],
    *[b"9" * 500, b"[" * 50],
]


def sound() -> dict[str, Any]:
    """A small sound file with a bit of everything."""
    runs = {"size": [10, 10], "counts": [0, 50, 50]}
    panoptic = {
        "image_id": 3,
        "file_name": "3.png",
        "segments_info": [{"id": 1, "category_id": 1, "area": 30}, {"id": 2, "category_id": 17}],
    }
    people: list[Any] = [
        person(1, number=1, bbox=[0, 0, 5, 10], area=50, keypoints=[1, 2, 2]),
        person(1, runs, 2, iscrowd=1),
        person(2, compressed(runs), 3),
        person(2, strip(2), 4, category_id=17),
        panoptic,
    ]
    return document(copy.deepcopy(FRAMES), people, licenses=[{"id": 1, "name": "BY"}], info={})


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    keys: list[Any] = []
    if isinstance(node, dict):
        keys = list(node)
    elif isinstance(node, list):
        keys = list(range(len(node)))
    found = [(node, key) for key in keys]
    return found + [place for key in keys for place in places(node[key])]


def with_nasty_values(rng: random.Random) -> bytes:
    content = copy.deepcopy(sound())
    for _ in range(rng.randint(1, 4)):
        node, key = rng.choice(places(content))
        change = rng.random()
        if change < 0.6:
            node[key] = copy.deepcopy(rng.choice(NASTY))
        elif change < 0.8:
            del node[key]
        elif isinstance(node, list):
            node.insert(rng.randint(0, len(node)), copy.deepcopy(rng.choice([*NASTY, *node])))
        else:
            node[rng.choice(["id", "image_id", "images", "segments_info", "counts"])] = (
                copy.deepcopy(node[key])
            )
    return json.dumps(content, indent=rng.choice([None, 1])).encode()


def with_other_bytes(rng: random.Random) -> bytes:
    text = bytearray(json.dumps(sound()).encode())
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(text))
        stop = min(start + rng.choice([0, 1, 1, 5, 60]), len(text))
        change = rng.random()
        if change < 0.4:
            text[start:stop] = rng.choice(TOKENS)
        elif change < 0.7:
            text[start:stop] = bytes(rng.randrange(256) for _ in range(stop - start))
        else:
            at = rng.randrange(len(text))
            text[at:at] = text[start:stop]
    return bytes(text)


OURS = ("annotations must be", "annotations must have", "a category", "category must be")


@pytest.mark.parametrize("change", [with_nasty_values, with_other_bytes])
def test_mutants_of_a_sound_file_are_read_or_refused_with_a_word_of_ours(
    tmp_path: Path, change: Any
):
    rng = random.Random(change.__name__)  # noqa: S311
    mutants: dict[str, str | bytes] = {f"{k:04}": change(rng) for k in range(400)}
    found = explore(tmp_path, mutants)
    refused = 0
    for name, answer in found.items():
        where = f"{name}: {mutants[name]!r:.2000}: {answer}"
        if "error" in answer:
            assert answer["type"] == "ValueError", where
            assert answer["error"].startswith(OURS), where
            refused += 1
            continue
        assert answer["cached alike"], where
        assert answer["planned alike"], where
        assert len(set(answer["counts"])) == 1, where
        assert answer["read"] >= answer["counts"][0], where
        assert answer["overlaid"] == 3, where
    assert refused < 300, "too few of them are read at all"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
