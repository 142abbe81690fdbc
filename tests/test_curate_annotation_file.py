import gzip
import itertools
import json
import os
import zlib
from pathlib import Path
from typing import Any

import fsspec
import msgspec
import pytest
from coco_files import CATEGORIES, document, examples, faults_of, image, kept, person, write
from hypothesis import given
from hypothesis import strategies as st

from maskmill.curate import Coco, select_people
from maskmill.curate.annotation_file import (
    AnnotationFile,
    Record,
    Span,
    pieces,
    value_of,
    with_arrays,
)

ARRAYS = ("images", "annotations", "categories")
NOTHING = msgspec.Raw(b"")


class Item(Record, gc=False):
    """A record with every member that those of this test have."""

    id: int
    word: msgspec.Raw = NOTHING
    rest: msgspec.Raw = NOTHING


def members(records: list[Item | None]) -> list[Any]:
    """Records as `json` decodes them."""
    found: list[Any] = []
    for record in records:
        if record is None:
            found.append(None)
            continue
        values: dict[str, Any] = {"id": record.id}
        for name in ("word", "rest"):
            raw = getattr(record, name)
            if bytes(raw):
                values[name] = value_of(raw)
        found.append(values)
    return found


def read_all(path: Path, span: Span, size: int = 2**20, end: int | None = None) -> list[Any]:
    return [
        record
        for piece in pieces(str(path), span, Item, size, end)
        for record in members(piece.records)
    ]


def items(path: str | Path, size: int = 2**20) -> dict[str, list[Any]]:
    """Every array of a file, its records decoded."""

    def work(file: AnnotationFile) -> dict[str, list[Any]]:
        return {name: read_all(Path(file.path), file.arrays[name], size) for name in ARRAYS}

    return with_arrays(os.fspath(path), work)


def content(number: int = 4) -> dict[str, Any]:
    return {
        name: [
            {"id": k, "word": f"{name} }},{{ ]", "rest": [{"a": [k]}, {}]} for k in range(number)
        ]
        for name in ARRAYS
    }


STYLES: dict[str, dict[str, Any]] = {
    "plain": {},
    "compact": {"separators": (",", ":")},
    "pretty": {"indent": 2},
    "tabs": {"indent": "\t"},
    "one line each": {"separators": (",\n", ": ")},
    "sorted": {"sort_keys": True},
    "characters": {"ensure_ascii": False},
}


@pytest.mark.parametrize("style", STYLES)
def test_arrays_are_found_in_every_order_and_style(tmp_path: Path, style: str):
    full = content() | {"info": {"year": 2017}, "licenses": [{"id": 1, "word": "BY ä"}]}
    for order in itertools.permutations(full):
        path = write(tmp_path / "a.json", {name: full[name] for name in order}, **STYLES[style])
        assert items(path) == content(), order


@pytest.mark.parametrize("empty", [*ARRAYS, None])
def test_arrays_may_be_empty(tmp_path: Path, empty: str | None):
    full = content()
    for name in ARRAYS if empty is None else [empty]:
        full[name] = []
    for style in STYLES.values():
        assert items(write(tmp_path / "a.json", full, **style)) == full


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbf", b""),
        (b" \n\t", b" \r\n\n "),
        (b"\xef\xbb\xbf\n", b"\n"),
        (b" " * 200, b""),
    ],
)
def test_marks_and_blanks_around_the_document_are_passed_over(
    tmp_path: Path, before: bytes, after: bytes
):
    path = write(tmp_path / "a.json", before + json.dumps(content()).encode() + after)
    assert items(path) == content()


EXTRAS: dict[str, Any] = {
    "an object with a list of the same name": {"images": [{"id": 9}], "annotations": []},
    "a list of records": [{"id": k, "word": "x" * 50} for k in range(20)],
    "a long list of records": [{"id": k, "word": "x" * 50} for k in range(2000)],
    "a long list of numbers": list(range(40_000)),
    "a long text": "], {" * 40_000,
    "a long object": {str(k): [k] for k in range(9000)},
    "nothing": None,
    "a nest": [[[{"categories": [[]]}]]],
}


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("place", range(4))
def test_other_members_may_stand_anywhere(tmp_path: Path, extra: str, place: int):
    pairs: list[tuple[str, Any]] = list(content().items())
    pairs.insert(place, ("videos", EXTRAS[extra]))
    for style in ({}, {"indent": 1}):
        assert items(write(tmp_path / "a.json", dict(pairs), **style)) == content()


@pytest.mark.parametrize("inner", ARRAYS)
@pytest.mark.parametrize("outer", ARRAYS)
def test_a_record_may_hold_a_list_called_like_an_array(tmp_path: Path, outer: str, inner: str):
    records = [{"id": 1, "images": 7, inner: [{"id": 5}, {"id": 6}]}, {"id": 2, inner: []}]
    for order in itertools.permutations(ARRAYS):
        full = {name: content()[name] for name in order} | {outer: records}
        found = items(write(tmp_path / "a.json", {name: full[name] for name in order}))
        assert [one["id"] for one in found[outer]] == [1, 2]
        assert all(found[name] == content()[name] for name in ARRAYS if name != outer)


@pytest.mark.parametrize("length", [1, 3000])
def test_of_a_name_that_stands_there_twice_the_last_counts_as_in_every_json_reader(
    tmp_path: Path, length: int
):
    last = [{"id": k, "word": "the last"} for k in range(length)]
    for name in ARRAYS:
        text = json.dumps(content())[:-1] + f', "{name}": {json.dumps(last)}}}'
        assert items(write(tmp_path / "a.json", text)) == content() | {name: last}


def test_names_within_texts_are_no_arrays(tmp_path: Path):
    full = {"info": '"images": [', **content()}
    full["images"] = [{"id": 1, "word": '"annotations": [{"id": 1}, {"id": 2}], "x": ['}]
    assert items(write(tmp_path / "a.json", full)) == {name: full[name] for name in ARRAYS}


def test_a_name_may_be_written_in_escapes(tmp_path: Path):
    text = json.dumps(content()).replace('"images"', '"im\\u0061ges"')
    assert items(write(tmp_path / "a.json", text)) == content()


words = st.text(st.sampled_from('{}[],:" \\\n\u00e4\U0001f600ab'), max_size=12)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | words
nests = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
records = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 9)}, optional={"word": words, "rest": nests}),
    max_size=6,
)
styles = st.sampled_from(list(STYLES.values()))


def body(values: list[Any], style: dict[str, Any]) -> bytes:
    """An array without its brackets."""
    return json.dumps(values, **style).encode()[1:-1]


@examples
@given(records, styles, st.integers(1, 400))
def test_pieces_of_any_size_give_all_records(
    tmp_path_factory: Any, values: list[Any], style: dict[str, Any], size: int
):
    text = body(values, style)
    path = write(tmp_path_factory.mktemp("pieces") / "a", text)
    assert read_all(path, Span(0, len(text)), size) == values


@examples
@given(records, styles, st.integers(1, 400), st.data())
def test_a_span_that_ends_within_a_record_gives_it_whole_and_the_next_goes_on(
    tmp_path_factory: Any, values: list[Any], style: dict[str, Any], size: int, data: Any
):
    text = body(values, style)
    path = write(tmp_path_factory.mktemp("spans") / "a", text)
    cut = data.draw(st.integers(0, len(text)))
    first = list(pieces(str(path), Span(0, cut), Item, size, end=len(text)))
    place = first[-1].stop if first else 0
    assert place >= cut
    found = [record for piece in first for record in members(piece.records)]
    assert found + read_all(path, Span(place, len(text)), size) == values


odd = st.sampled_from([{"id": "7"}, {"id": 1.0}, {"id": None}, {"rest": []}, 7, None, "}, {", []])
strange = st.sampled_from([{"id": float("nan")}, {"id": 1, "rest": [float("inf"), {}, {}]}])
large = st.sampled_from([{"id": 10**30}, {"id": 10**350}, {"id": 1, "rest": [10**350]}])


def comparable(values: list[Any]) -> str:
    """Records by what `Item` keeps of them; NaN equals itself."""
    kept_of = [
        {"id": one.get("id")} | {k: one[k] for k in ("word", "rest") if k in one}
        if isinstance(one, dict)
        else None
        for one in values
    ]
    return json.dumps(kept_of, sort_keys=True)


one = records.map(lambda some: some[0] if some else {"id": 1})


@examples
@given(st.lists(one | odd | strange | large, max_size=6), styles, st.integers(1, 300))
def test_odd_records_keep_their_place_among_the_others(
    tmp_path_factory: Any, values: list[Any], style: dict[str, Any], size: int
):
    text = body(values, style)
    path = write(tmp_path_factory.mktemp("odd") / "a", text)
    assert comparable(read_all(path, Span(0, len(text)), size)) == comparable(values)


MALFORMED = [
    '{"id": oops}',
    '{"id": 1, "word": "no end}',
    '{"id": 1, "rest": [1, 2}',
    "{'id': 1}",
    '{"id": 1, "rest": [{"a": oops}, {"b": 1}, {"c": [{}, {}]}]}',
    '{"id": oops, "rest": [{"a": 1}, {"b": 1}], "word": ""}',
    "{id: 1}",
    '{"id": 1 "word": 2}',
]
TAKING_THE_NEXT_ALONG = ['{"id": 1', "{", "oops", '{"id": 1, "rest": [{}']  # there is no "}, {"


@pytest.mark.parametrize("bad", MALFORMED)
def test_a_record_that_is_no_json_is_counted_and_its_neighbours_stay(tmp_path: Path, bad: str):
    good = [{"id": k, "word": f"w{k}"} for k in range(6)]
    texts = [json.dumps(one) for one in good]
    texts.insert(3, bad)
    text = ", ".join(texts)
    path = write(tmp_path / "a", text)
    for size in range(1, len(text) + 2):
        found = list(pieces(str(path), Span(0, len(text)), Item, size))
        read = [one for piece in found for one in members(piece.records) if one is not None]
        assert [one for one in read if "word" in one] == good, size
        assert sum(piece.broken for piece in found) >= 1


@pytest.mark.parametrize("bad", TAKING_THE_NEXT_ALONG)
def test_a_record_without_an_end_is_lost_with_the_one_behind_it_and_no_other(
    tmp_path: Path, bad: str
):
    texts = [json.dumps({"id": k, "word": f"w{k}"}) for k in range(6)]
    text = ", ".join([*texts[:3], bad, *texts[3:]])
    path = write(tmp_path / "a", text)
    for size in range(1, len(text) + 2):
        read = [one["id"] for one in read_all(path, Span(0, len(text)), size) if "word" in one]
        assert read in ([0, 1, 2, 4, 5], [0, 1, 2, 3, 4, 5]), size


@pytest.mark.parametrize("bad", MALFORMED)
def test_a_malformed_annotation_is_a_broken_record_and_the_others_are_read(
    tmp_path: Path, bad: str
):
    people = [json.dumps(person(k, number=k)) for k in range(1, 7)]
    people.insert(3, bad)
    text = json.dumps(document([image(k) for k in range(1, 7)], []))
    text = text.replace('"annotations": []', f'"annotations": [{", ".join(people)}]')
    table = select_people(write(tmp_path / "a.json", text))
    assert kept(table) == [1, 2, 3, 4, 5, 6]
    assert faults_of(table)["broken_record"] == 1


@pytest.mark.parametrize(
    "bad",
    [
        '{"image_id": oops}',
        '{"image_id": 1, "segments_info": [{"id": x}, {"id": 1, "category_id": 1}]}',
        '{"image_id": 1, "segments_info": [{"id": 1, "category_id": 1}, {"id": 2, "area": 1}}',
    ],
)
def test_a_malformed_panoptic_record_leaves_the_others(tmp_path: Path, bad: str):
    def record(number: int) -> str:
        segments = [
            {"id": 1, "category_id": 1, "area": 50},
            {"id": 2, "category_id": 17, "area": 9},
        ]
        return json.dumps({"image_id": number, "file_name": "a.png", "segments_info": segments})

    texts = [record(1), bad, record(2), record(3)]
    text = json.dumps(document([image(k) for k in (1, 2, 3)], []))
    text = text.replace('"annotations": []', f'"annotations": [{", ".join(texts)}]')
    table = select_people(write(tmp_path / "a.json", text))
    assert kept(table) == [1, 2, 3]


def test_a_malformed_image_record_is_counted_and_the_others_are_read(tmp_path: Path):
    images = [json.dumps(image(k)) for k in (1, 2, 3)]
    images.insert(1, '{"id": oops, "file_name": "9.png"}')
    text = json.dumps(document([], [person(k, number=k) for k in (1, 2, 3)]))
    text = text.replace('"images": []', f'"images": [{", ".join(images)}]')
    table = select_people(write(tmp_path / "a.json", text))
    assert table["reason"].to_pylist() == [None, "bad_record", None, None]


SMALL = document([image(1)], [person(1)])


def test_a_file_that_was_cut_off_anywhere_is_an_error(tmp_path: Path):
    text = json.dumps(SMALL)
    for stop in range(len(text)):
        with pytest.raises(ValueError, match=r"annotations must be a JSON file, got .*a\.json"):
            select_people(write(tmp_path / "a.json", text[:stop]))


@pytest.mark.parametrize("tail", ["x", "{}", "]", "}", "\0"])
def test_something_behind_the_document_is_an_error(tmp_path: Path, tail: str):
    with pytest.raises(ValueError, match="annotations must be a JSON file"):
        select_people(write(tmp_path / "a.json", json.dumps(SMALL) + tail))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_another_encoding_is_an_error_that_names_the_file(tmp_path: Path, encoding: str):
    with pytest.raises(ValueError, match=r"annotations must be a JSON file, got .*a\.json"):
        select_people(write(tmp_path / "a.json", json.dumps(SMALL).encode(encoding)))


def test_bytes_that_are_no_utf_8_spoil_nothing_but_their_record(tmp_path: Path):
    images = [image(1), image(2, file_name="caf\xe9.png"), image(3)]
    people = [person(k, number=k) for k in (1, 2, 3)]
    people[2] |= {"segmentation": ["\xff\xfe"]}
    people.append(person(1, [[0, 0, 1, 0, 1, 1]], 4, category_id=17, note="\xe4"))
    cats = [*CATEGORIES, {"id": 3, "name": "b\xe4r"}]
    text = json.dumps(document(images, people, categories=cats), ensure_ascii=False)
    table = select_people(write(tmp_path / "a.json", text.encode("latin-1")))
    assert table["reason"].to_pylist()[0] is None
    assert table["reason"].to_pylist()[2] == "segmentation_type"
    assert table.num_rows == 3


def test_a_number_of_thousands_of_digits_spoils_nothing_but_its_record(tmp_path: Path):
    huge = "9" * 5000
    rest = (
        f'{{"id": {huge}, "image_id": 1, "category_id": 1, "segmentation": [[0,0,5,0,5,10,0,10]]}},'
        f'{{"id": 2, "image_id": {huge}, "category_id": 1, "segmentation": []}},'
        f'{{"id": 3, "image_id": 1, "category_id": {huge}, "segmentation": []}},'
        f'{{"id": 4, "image_id": 2, "category_id": 1, "segmentation": [[0,0,{huge},0,5,5]]}},'
        f'{{"id": 5, "image_id": 1, "category_id": 17, "bbox": [0,0,{huge},1]}}'
    )
    text = json.dumps(document([image(1), image(2)], []))
    text = text.replace('"annotations": []', f'"annotations": [{rest}]')
    table = select_people(write(tmp_path / "a.json", text))
    assert table["reason"].to_pylist() == [None, "non_finite"]
    assert faults_of(table) == {"orphan_annotation": 1, "unknown_category": 1}


@pytest.mark.parametrize("name", ["a.json.gz", "a.json", "a"])
def test_a_compressed_file_is_known_by_its_first_bytes(tmp_path: Path, name: str):
    path = write(tmp_path / name, gzip.compress(json.dumps(content()).encode()))
    assert items(path) == content()


def test_a_file_of_several_compressed_members_is_read_whole(tmp_path: Path):
    text = json.dumps(content()).encode()
    parts = gzip.compress(text[:100]) + gzip.compress(text[100:])
    assert items(write(tmp_path / "a.json.gz", parts)) == content()


def test_a_plain_file_with_the_suffix_of_a_compressed_one_is_read(tmp_path: Path):
    assert items(write(tmp_path / "a.json.gz", content())) == content()


def test_a_compressed_file_that_is_damaged_anywhere_is_an_error(tmp_path: Path):
    whole = gzip.compress(json.dumps(SMALL).encode(), mtime=0)
    spoiled = [whole[:stop] for stop in range(2, len(whole))]
    spoiled += [  # its checksum and its length
        whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        for place in range(len(whole) - 8, len(whole))
    ]
    spoiled.append(whole[:2] + b"\xff" + whole[3:])  # an unknown method
    spoiled.append(whole + b"rest")
    for data in spoiled:
        with pytest.raises(ValueError, match="annotations must be a JSON file"):
            select_people(write(tmp_path / "a.json.gz", data))


def test_a_gzip_bomb_is_an_error_before_it_fills_the_disk(tmp_path: Path):
    packer = zlib.compressobj(9, wbits=31)
    zeros = b" " * 2**20
    parts = [packer.compress(b"{")] + [packer.compress(zeros) for _ in range(400)]
    path = write(tmp_path / "a.json.gz", b"".join([*parts, packer.flush()]))
    with pytest.raises(ValueError, match="swells to more than 200 times its size"):
        select_people(path)


def test_a_url_is_read(tmp_path: Path):
    memory: Any = fsspec.filesystem("memory")
    text = json.dumps(SMALL).encode()
    memory.pipe("/curate/plain.json", text)
    memory.pipe("/curate/packed.json.gz", gzip.compress(text))
    plain = select_people(write(tmp_path / "a.json", text))
    assert select_people("memory://curate/plain.json").equals(plain, check_metadata=True)
    assert select_people("memory://curate/packed.json.gz").equals(plain, check_metadata=True)
    assert select_people((tmp_path / "a.json").as_uri()).equals(plain, check_metadata=True)
    with pytest.raises(FileNotFoundError):
        select_people("memory://curate/nothing.json")


def test_a_file_that_is_not_there_or_is_a_folder_is_an_error_of_the_system(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        select_people(tmp_path / "a.json")
    with pytest.raises(IsADirectoryError):
        select_people(tmp_path)


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path):
    path = write(tmp_path / "a.json", content(1000))

    def work(file: AnnotationFile) -> list[Any]:
        os.truncate(file.path, 60)
        return read_all(Path(file.path), file.arrays["annotations"], 2**12)

    with pytest.raises((ValueError, OSError), match="became shorter while it was read"):
        with_arrays(str(path), work)


@pytest.mark.parametrize("licences", [None, "CC BY", {"a": 1}, 7, [], {}, [[]], [None]])
def test_licences_in_any_form_spoil_nothing(tmp_path: Path, licences: object):
    path = write(tmp_path / "a.json", SMALL | {"licenses": licences})
    assert len(Coco(str(path), images=str(tmp_path)).plan(())[0].items) == 1


@pytest.mark.parametrize("size", [20, 2000])
def test_licences_are_found_wherever_they_stand(tmp_path: Path, size: int):
    rest = {
        "licenses": [{"id": 4, "name": "BY"}],
        "videos": [{"id": k, "name": "x" * 50} for k in range(size)],
    }
    full = document([image(1, license=4)], [person(1)]) | rest
    for order in itertools.permutations(full):
        path = write(tmp_path / "a.json", {name: full[name] for name in order})
        items_of = Coco(str(path), images=str(tmp_path)).plan(())[0].items
        assert [one.licence for one in items_of] == ["BY"], order


def test_nothing_is_left_of_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    packed = write(tmp_path / "a.json.gz", gzip.compress(json.dumps(SMALL).encode()))
    odd_one = write(tmp_path / "b.json", {"info": {"images": []}, **SMALL})
    for path in (packed, odd_one):
        assert kept(select_people(path)) == [1]
    with pytest.raises(ValueError, match="JSON"):
        select_people(write(tmp_path / "c.json.gz", packed.read_bytes()[:-9]))
    assert list((tmp_path / "tmp").iterdir()) == []
