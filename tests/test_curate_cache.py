import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from coco_files import (
    SHARED,
    annotations_by_image,
    document,
    documents,
    examples,
    facts_of,
    image,
    kept,
    oracle,
    person,
    strip,
    write,
)
from hypothesis import given
from hypothesis import strategies as st

from maskmill.curate import select_people
from maskmill.curate.annotations import Rle, rle

PEOPLE = SHARED / "coco_person" / "person_keypoints.json"
CONTENT = document(
    [image(1), image(2), image(3)],
    [person(1), person(2, strip(9), 2), person(3, None, 3, iscrowd=1), person(3, [], 4)],
)


@pytest.fixture
def instances(tmp_path: Path) -> Path:
    return write(tmp_path / "instances.json", CONTENT)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What would change if a file of a folder were written again."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    facts = {path: path.stat() for path in files}
    return {str(p): (s.st_ino, s.st_mtime_ns, s.st_size) for p, s in facts.items()}


def same(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables agree in all but how much work they took."""
    rest = [
        {k: v for k, v in facts_of(table).items() if k not in ("decoded", "rasterised")}
        for table in (one, other)
    ]
    return one.equals(other) and one.schema.equals(other.schema) and rest[0] == rest[1]


RULES = [
    {"persons": persons, "coverage": coverage, "crowd": crowd, "area": area}
    for persons in ((1, 2), (0, 99))
    for coverage in ((0.2, 0.7), (0, 1), (0.07, 0.5))
    for crowd in ("reject", "ignore", "count")
    for area in ("union", "sum")
]


@examples
@given(documents(), st.sampled_from(RULES), st.sampled_from(["person", "cat"]))
def test_all_rules_give_what_they_give_without_a_cache(
    tmp_path_factory: Any, content: dict[str, Any], first: dict[str, Any], category: str
):
    folder = tmp_path_factory.mktemp("rules")
    path = write(folder / "instances.json", content)
    for rules in (first, *RULES[::5]):
        found = select_people(path, category=category, cache=folder / "cache", **rules)
        assert same(found, select_people(path, category=category, **rules)), rules
    assert len(entries(folder / "cache")) == 1


full = [[0, 0, 10, 0, 10, 10, 0, 10]]
segment = {"id": 7, "category_id": 1, "area": 100}
ODD: dict[str, dict[str, Any]] = {
    "empty": document([], []),
    "texts for ids": document([image("a"), image(2)], [person("a"), person(2, number="x")]),
    "full frame": document([image(1)], [person(1, full), person(1, full, 2)]),
    "no frames": document([image(1, height=0), {"id": None}, image(2, width=10**9)], [person(1)]),
    "unsafe name": document([image(1, file_name="../a.png")], [person(1)]),
    "half a character": document([image(1, file_name="\ud800.png")], [person(1)]),
    "merged": document([image(1), image(2, file_name="1.png")], [person(1), person(2, strip(2))]),
    "orphans": document([image(1)], [person(1), person(1), person(9, number=3), None]),
    "unseen": document([image(1, neg_category_ids=[]), image(2, neg_category_ids=[1])], []),
    "incomplete": document([image(1, not_exhaustive_category_ids=[1])], [person(1)]),
    "panoptic": document(
        [image(1), image(2), image(3), image(4)],
        [
            {"image_id": 1, "segments_info": [segment, segment | {"id": 8}]},
            {"image_id": 2, "segments_info": [segment | {"area": 30.5}]},
            {"image_id": 3, "segments_info": [segment | {"area": 20.5}, segment | {"area": 20}]},
            {"image_id": 4, "segments_info": [segment | {"area": "20"}]},
        ],
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_files_give_what_they_give_without_a_cache(tmp_path: Path, odd: str):
    path = write(tmp_path / "instances.json", ODD[odd])
    for rules in RULES:
        found = select_people(path, cache=tmp_path / "cache", **rules)
        assert same(found, select_people(path, **rules)), rules


@pytest.mark.skipif(not PEOPLE.exists(), reason="the shared images are not here")
def test_real_people_are_the_same_from_the_cache(tmp_path: Path):
    for rules in RULES:
        found = select_people(PEOPLE, cache=tmp_path, **rules)
        assert same(found, select_people(PEOPLE, **rules)), rules


def test_a_second_call_reads_the_cache_and_writes_nothing(tmp_path: Path, instances: Path):
    cache = tmp_path / "cache"
    steps: list[Any] = []

    def call(**rules: Any) -> pa.Table:
        return select_people(
            instances, cache=cache, progress=lambda *step: steps.append(step), **rules
        )

    call()
    assert steps
    before, steps[:] = state(cache), []
    assert kept(call(coverage=(0.6, 1))) == [2]
    assert kept(call(persons=(0, 9), crowd="ignore", area="sum")) == [1]
    assert (state(cache), steps) == (before, [])


def test_one_changed_byte_is_noticed_though_size_and_time_are_as_before(
    tmp_path: Path, instances: Path
):
    cache, facts = tmp_path / "cache", instances.stat()
    assert kept(select_people(instances, cache=cache)) == [1]
    old = entries(cache)
    text = instances.read_bytes()
    place = text.index(b"9, 0, 9, 10")
    instances.write_bytes(text[:place] + b"6, 0, 6" + text[place + 7 :])
    os.utime(instances, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert instances.stat().st_size == facts.st_size
    assert kept(select_people(instances, cache=cache)) == [1, 2]
    assert len(entries(cache)) == 1
    assert entries(cache) != old


def test_a_touched_file_is_still_known(tmp_path: Path, instances: Path):
    select_people(instances, cache=tmp_path / "cache")
    before = state(tmp_path / "cache")
    os.utime(instances, ns=(1, 1))
    select_people(instances, cache=tmp_path / "cache")
    assert state(tmp_path / "cache") == before


def test_another_category_is_kept_beside_the_first(tmp_path: Path, instances: Path):
    cache = tmp_path / "cache"
    assert kept(select_people(instances, cache=cache)) == [1]
    assert kept(select_people(instances, cache=cache, category="cat")) == []
    assert len(entries(cache)) == 2
    before = state(cache)
    assert kept(select_people(instances, cache=cache)) == [1]
    assert state(cache) == before


def test_an_unknown_category_is_an_error_and_leaves_nothing(tmp_path: Path, instances: Path):
    with pytest.raises(ValueError, match="the closest are person"):
        select_people(instances, cache=tmp_path / "cache", category="people")
    assert entries(tmp_path / "cache") == []


def test_two_files_of_one_name_share_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, columns in (("a", 5), ("b", 6)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "instances.json", document([image(1)], [person(1, strip(columns))]))
    cache = tmp_path / "cache"
    for _ in range(2):
        for name, share in (("a", 0.5), ("b", 0.6)):
            monkeypatch.chdir(tmp_path / name)
            found = select_people("instances.json", cache=cache)
            assert found["coverage"].to_pylist() == [share]
    assert len(entries(cache)) == 2


def test_a_file_is_one_however_its_path_is_written(
    tmp_path: Path, instances: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for location in (
        "instances.json",
        "./instances.json",
        instances,
        tmp_path / "." / "instances.json",
    ):
        select_people(location, cache="cache")
        assert len(entries(tmp_path / "cache")) == 1
    write(instances, document([image(1)], []))
    select_people(instances, cache="cache")
    assert len(entries(tmp_path / "cache")) == 1


def test_a_compressed_file_and_a_url_are_kept_too(tmp_path: Path):
    memory: Any = fsspec.filesystem("memory")
    packed = write(tmp_path / "a.json.gz", gzip.compress(json.dumps(CONTENT).encode()))
    url = "memory://cache/instances.json"
    for place, location in (("file", packed), ("url", url)):
        memory.pipe("/cache/instances.json", json.dumps(CONTENT).encode())
        cache = tmp_path / place
        assert kept(select_people(location, cache=cache)) == [1]
        before = state(cache)
        assert kept(select_people(location, cache=cache)) == [1]
        assert state(cache) == before
    changed = document([image(1)], [person(1, strip(6)), person(1, strip(1), 2)])
    memory.pipe("/cache/instances.json", json.dumps(changed).encode())
    assert select_people(url, cache=tmp_path / "url")["persons"].to_pylist() == [2]
    assert len(entries(tmp_path / "url")) == 1


def test_what_the_cache_holds_is_what_it_says(tmp_path: Path, instances: Path):
    select_people(instances, cache=tmp_path / "cache")
    [entry] = entries(tmp_path / "cache")
    assert sorted(path.name for path in entry.iterdir()) == [
        "annotations.parquet",
        "cache.json",
        "images.parquet",
    ]
    rows = pq.read_table(entry / "annotations.parquet").to_pylist()
    found = [(r["row"], r["annotation_id"], r["crowd"], r["area"], r["fault"]) for r in rows]
    assert found == [
        (0, 1, False, 50, None),
        (1, 2, False, 90, None),
        (2, 3, True, 50, None),
        (2, 4, False, None, "empty_segmentation"),
    ]
    assert Rle(10, 10, rows[1]["rle"]) == rle(strip(9), 10, 10)
    assert json.loads((entry / "cache.json").read_text())["category"] == "person"


class Stop(Exception):  # noqa: N818
    pass


def test_an_interrupted_call_leaves_nothing_behind(tmp_path: Path, instances: Path):
    def stop(*_: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        select_people(instances, cache=tmp_path / "cache", progress=stop)
    assert entries(tmp_path / "cache") == []
    assert kept(select_people(instances, cache=tmp_path / "cache")) == [1]


KILLED = """
    import os, signal, sys
    import pyarrow.parquet as pq
    from maskmill.curate import select_people
    write = pq.write_table
    def killed(*arguments, **rest):
        write(*arguments, **rest)
        os.kill(os.getpid(), signal.SIGKILL)
    pq.write_table = killed
    select_people(sys.argv[1], cache=sys.argv[2])
"""


def test_a_killed_call_does_not_disturb_the_next(tmp_path: Path, instances: Path):
    cache = tmp_path / "cache"
    program = [sys.executable, "-c", textwrap.dedent(KILLED), str(instances), str(cache)]
    assert subprocess.run(program, check=False).returncode == -signal.SIGKILL
    [left] = entries(cache)
    assert not list(left.rglob("cache.json"))
    assert kept(select_people(instances, cache=cache)) == [1]
    before = state(cache)
    assert kept(select_people(instances, cache=cache)) == [1]
    assert state(cache) == before


def test_an_entry_that_lost_its_note_is_made_again(tmp_path: Path, instances: Path):
    cache = tmp_path / "cache"
    select_people(instances, cache=cache)
    [entry] = entries(cache)
    (entry / "cache.json").unlink()
    assert kept(select_people(instances, cache=cache)) == [1]
    assert (entry / "cache.json").exists()


@pytest.mark.parametrize("note", ["[]", "{", "7", "{}", '{"location": 1}', ""])
def test_other_things_in_the_folder_stay_and_disturb_nothing(
    tmp_path: Path, instances: Path, note: str
):
    cache = tmp_path / "cache"
    for name in ("other", ".hidden"):
        (cache / name).mkdir(parents=True)
        write(cache / name / "cache.json", note)
    before = state(cache)
    assert kept(select_people(instances, cache=cache)) == [1]
    write(instances, document([image(1)], []))
    assert kept(select_people(instances, cache=cache)) == []
    assert before.items() <= state(cache).items()
    assert len(entries(cache)) == 3


def test_whoever_comes_second_leaves_the_first_ones_entry_alone(tmp_path: Path, instances: Path):
    """The first one may be just about to read it."""
    cache = tmp_path / "cache"
    seen: list[dict[str, Any]] = []

    def overtaken(*_: object) -> None:
        if not seen:
            select_people(instances, cache=cache)
            seen.append(state(cache))

    assert kept(select_people(instances, cache=cache, progress=overtaken)) == [1]
    assert len(seen[0]) == 3
    assert state(cache) == seen[0]


AT_ONCE = """
    import sys, time
    from pathlib import Path
    from maskmill.curate import select_people
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(5):
        table = select_people(sys.argv[1], cache=sys.argv[2])
        assert table["keep"].to_pylist().count(True) == 300, table
"""


def test_two_processes_at_once_get_the_same_and_leave_one_entry(tmp_path: Path):
    people = [person(k, [[0, 0, 5, 0, 5, 9.5, 0, 9.5]], k) for k in range(300)]
    path = write(tmp_path / "a.json", document([image(k) for k in range(300)], people))
    program = [sys.executable, "-c", textwrap.dedent(AT_ONCE), str(path), str(tmp_path / "cache")]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate(timeout=120)
    assert [process.returncode for process in running] == [0, 0]
    assert len(entries(tmp_path / "cache")) == 1


def test_several_processes_fill_the_cache_alike(tmp_path: Path, instances: Path):
    one = select_people(instances, cache=tmp_path / "one")
    two = select_people(instances, cache=tmp_path / "two", workers=2)
    assert two.equals(one, check_metadata=True)
    tables = [pq.read_table(p) for p in sorted(tmp_path.glob("*/*/annotations.parquet"))]
    assert len(tables) == 2
    assert tables[0].equals(tables[1])


def test_shares_from_the_cache_are_those_of_decoded_masks(tmp_path: Path):
    overlapping = [[strip(4), strip(4, 3)], [strip(2), strip(2)], [strip(9.5, 0.5)]]
    images = [image(k) for k in range(3)]
    people = [
        person(k, shape, 10 * k + n)
        for k, some in enumerate(overlapping)
        for n, shape in enumerate(some)
    ]
    content = document(images, people)
    path = write(tmp_path / "a.json", content)
    found = annotations_by_image(content)
    for area in ("union", "sum"):
        table = select_people(path, cache=tmp_path / "cache", coverage=(0, 1), area=area)
        shares = [oracle([a.segmentation for a in found[k]], 10, 10, area) for k in range(3)]
        assert table["coverage"].to_pylist() == shares
