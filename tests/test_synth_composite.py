"""Composites: pools are divided first, pairs are made within a split, and nothing is lost."""

import io
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers import FACTS, disc, texture, write_jpeg, write_png, write_render
from PIL import Image
from procedural import tree

import maskmill as mm
from maskmill.curate import Split
from maskmill.curate.split import split_of
from maskmill.door import Refused
from maskmill.light import composite
from maskmill.recipe import RecipeError, read_recipe
from maskmill.sample import Dropped, Sample
from maskmill.shards import Dataset, verify
from maskmill.source import Source
from maskmill.synth import Composite, Renders
from maskmill.synth.compression import compression_of
from maskmill.synth.decoding import decode_foreground
from maskmill.synth.division import Shares
from maskmill.synth.pairing import POINTS, blocks, chosen

TRAIN: dict[str, Any] = {"train": 1.0, "val": 0.0, "test": 0.0}
PLAIN: dict[str, Any] = {"light": 0.0, "blur": False, "noise": False, "jpeg": False}


def read(source: Composite) -> list[Sample | Dropped]:
    partitions = source.plan(())
    found = [item for partition in partitions for item in source.read(partition)]
    assert len(found) == sum(partition.count for partition in partitions)
    return found


def samples(source: Composite) -> list[Sample]:
    found = read(source)
    assert [item for item in found if isinstance(item, Dropped)] == []
    return [item for item in found if isinstance(item, Sample)]


def losses(source: Composite) -> dict[str, tuple[str, dict[str, float]]]:
    return {
        item.origin or "": (item.reason, dict(item.values))
        for item in read(source)
        if isinstance(item, Dropped)
    }


def partner(sample: Sample, kind: str) -> str:
    (tag,) = [tag for tag in sample.tags if tag.startswith(f"{kind}:")]
    return tag


def fill(folder: Path, fronts: int = 3, behind: int = 4) -> Path:
    for number in range(fronts):
        write_png(folder / "fronts" / f"f{number}.png", disc(colour=(40 * number, 99, 50)))
    for number in range(behind):
        write_jpeg(folder / "behind" / f"b{number}.jpg", texture(number))
    return folder


def source(folder: Path, **options: Any) -> Composite:
    return Composite(str(folder / "fronts"), str(folder / "behind"), **{**TRAIN, **options})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path)


def test_a_composite_is_its_foreground_over_its_background_in_linear_light(tmp_path: Path):
    write_png(tmp_path / "fronts" / "f.png", disc())
    write_png(tmp_path / "behind" / "b.png", texture(0, 48, 64))
    assert isinstance(source(tmp_path), Source)
    (sample,) = samples(source(tmp_path, **PLAIN))
    rgba = disc()
    alpha = rgba[..., 3] / np.float32(255)
    exact = composite(rgba[..., :3], alpha, texture(0, 48, 64))
    assert np.array_equal(sample.alpha, alpha)
    assert np.abs(sample.image.astype(int) - exact).max() <= 1
    assert sample.origin == "f.png on b.png"
    assert sample.scores["coverage"] == pytest.approx(float(alpha.mean()))


def test_each_foreground_meets_as_many_backgrounds_as_asked(folder: Path):
    found = samples(source(folder, per_foreground=2))
    assert list(Counter(partner(s, "foreground") for s in found).values()) == [2, 2, 2]
    assert len({(partner(s, "foreground"), partner(s, "background")) for s in found}) == 6


def test_more_backgrounds_than_there_are_is_all_of_them(folder: Path):
    assert len(samples(source(folder, per_foreground=99))) == 12


def test_all_is_every_combination_in_blocks(tmp_path: Path):
    fill(tmp_path, 12, 10)
    whole = source(tmp_path, per_foreground="all", samples_per_partition=32)
    pairs = [sample.origin for sample in samples(whole)]
    assert sorted(pairs) == sorted(
        f"f{front}.png on b{behind}.jpg" for front in range(12) for behind in range(10)
    )
    assert max(partition.count for partition in whole.plan(())) <= 32


@given(st.integers(1, 9), st.integers(1, 40), st.integers(1, 50))
def test_blocks_hold_every_pair_once(fronts: int, behind: int, pairs: int):
    parts = list(blocks(range(fronts), range(behind), pairs))
    assert sorted(itertools.chain(*parts)) == list(itertools.product(range(fronts), range(behind)))
    assert max(map(len, parts)) <= pairs


def test_a_pool_that_grows_changes_few_of_the_pairs():
    fronts = [f"f{number}" for number in range(200)]
    behind = [f"b{number}" for number in range(50)]
    before = chosen(fronts, behind, 3, 0)
    after = chosen(fronts, [*behind, "new"], 3, 0)
    same = [set(one) == set(other) for one, other in zip(before, after, strict=True)]
    assert np.mean(same) > 0.85
    assert before == chosen(fronts, behind, 3, 0) != chosen(fronts, behind, 3, 1)


def test_backgrounds_are_used_about_equally():
    fronts = [f"f{number}" for number in range(2000)]
    used = Counter(itertools.chain(*chosen(fronts, [f"b{n}" for n in range(20)], 2, 0)))
    assert POINTS >= 16
    assert min(used.values()) > 0.4 * 200
    assert max(used.values()) < 2 * 200


def test_no_foreground_and_no_background_is_in_two_splits(tmp_path: Path):
    fill(tmp_path, 12, 24)
    found = [
        item
        for item in read(source(tmp_path, per_foreground="all", train=0.5, val=0.3, test=0.2))
        if isinstance(item, Sample)
    ]
    assert {sample.split for sample in found} == {"train", "val", "test"}
    for kind in ("foreground", "background"):
        sides: dict[str, set[str | None]] = {}
        for sample in found:
            sides.setdefault(partner(sample, kind), set()).add(sample.split)
        assert all(len(splits) == 1 for splits in sides.values())


def test_copies_under_other_names_are_on_one_side(tmp_path: Path):
    fill(tmp_path, 6, 12)
    for number in range(12):
        path = tmp_path / "behind" / f"b{number}.jpg"
        (tmp_path / "behind" / f"copy{number}.jpg").write_bytes(path.read_bytes())
    found = read(source(tmp_path, per_foreground="all", train=0.5, val=0.3, test=0.2))
    sides: dict[str, set[str | None]] = {}
    for item in found:
        if isinstance(item, Sample):
            sides.setdefault(partner(item, "background"), set()).add(item.split)
    assert len(sides) == 12
    assert all(len(splits) == 1 for splits in sides.values())


@given(st.text(max_size=20), st.floats(0, 1), st.text(max_size=3))
def test_a_group_is_divided_as_the_table_stage_divides_it(group: str, train: float, salt: str):
    shares = Shares(train, (1 - train) / 2, 1 - train - (1 - train) / 2)
    assert shares.side_of(group, salt) == split_of(group, *shares, salt)


def test_views_of_one_subject_are_on_one_side(tmp_path: Path):
    for group, view in itertools.product(range(8), range(3)):
        rgba = disc(colour=(20 * group, 70 * view, 9))
        write_render(
            tmp_path / "fronts", f"v{group}_{view}", rgba, FACTS | {"group": f"subject {group}"}
        )
    for number in range(20):
        write_jpeg(tmp_path / "behind" / f"b{number}.jpg", texture(number))
    found = read(source(tmp_path, train=0.5, val=0.3, test=0.2))
    sides: dict[str | None, set[str | None]] = {}
    for item in found:
        if isinstance(item, Sample):
            sides.setdefault(item.group, set()).add(item.split)
    assert len(sides) == 8
    assert all(len(splits) == 1 for splits in sides.values())


def test_folders_can_hold_views_of_one_thing(tmp_path: Path):
    for name in ("cup/0", "cup/1", "hat/0", "single"):
        rgba = disc(colour=(len(name), ord(name[0]), ord(name[-1])))
        write_png(tmp_path / "fronts" / f"{name}.png", rgba)
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0))
    groups = {s.origin.split(" on ")[0]: s.group for s in samples(source(tmp_path, views="folder"))}
    assert groups["cup/0.png"] == groups["cup/1.png"] == "cup"
    assert groups["hat/0.png"] == "hat"
    assert groups["single.png"] not in (None, "", ".")
    apart = {s.group for s in samples(source(tmp_path))}
    assert len(apart) == 4


def test_backgrounds_of_one_group_are_on_one_side_and_bring_their_licences(tmp_path: Path):
    fill(tmp_path, 8, 12)
    rows = [f"b{number}.jpg,CC BY 2.0,room {number % 3}" for number in range(12)]
    about = tmp_path / "about.csv"
    about.write_text("\n".join(["image,licence,group", *rows]))
    found = read(
        source(tmp_path, per_foreground="all", train=0.5, val=0.3, test=0.2, about=str(about))
    )
    sides: dict[int, set[str | None]] = {}
    for item in found:
        if isinstance(item, Sample):
            number = int(item.origin.split(" on b")[1].removesuffix(".jpg"))
            sides.setdefault(number % 3, set()).add(item.split)
            assert item.licence == "foreground: not stated; background: CC BY 2.0"
    assert all(len(splits) == 1 for splits in sides.values())


def test_a_renders_layer_brings_its_facts_and_its_picture_is_no_foreground(tmp_path: Path):
    write_render(tmp_path / "fronts", "bottle_00", disc(bits=16), FACTS)
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0))
    (sample,) = samples(source(tmp_path))
    assert sample.origin == "bottle_00.foreground.png on b.jpg"
    assert sample.group == "bottle-5"
    assert sample.licence == ("foreground: CC BY 4.0 (label.png); CC0 1.0; background: not stated")
    assert {"composite", "subject:product", "alpha:holdout"} <= set(sample.tags)
    assert sample.scores["camera_lens"] == 70
    assert [step.stage for step in sample.history] == ["render", "composite"]


def test_a_render_and_its_composites_are_on_one_side_of_a_dataset(tmp_path: Path):
    for number in range(12):
        facts = FACTS | {"group": f"subject {number}"}
        write_render(tmp_path / "fronts", f"r{number}", disc(colour=(20 * number, 9, 9)), facts)
    for number in range(12):
        write_jpeg(tmp_path / "behind" / f"b{number}.jpg", texture(number))
    shares = {"train": 0.5, "val": 0.3, "test": 0.2}
    mm.run(
        {
            "renders": (mm.Pipeline(), Renders(str(tmp_path / "fronts"))),
            "composites": (mm.Pipeline(), source(tmp_path, **shares)),
        },
        str(tmp_path / "out"),
        finish=[Split(**shares)],
    )
    table = Dataset(str(tmp_path / "out")).table()
    sides: dict[str, set[str]] = {}
    for group, split in zip(table["group"].to_pylist(), table["split"].to_pylist(), strict=True):
        sides.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {"train", "val", "test"} <= set().union(*sides.values())


def test_a_picture_is_cropped_to_the_foregrounds_frame(tmp_path: Path):
    write_png(tmp_path / "fronts" / "f.png", disc(60, 40))
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0, 240, 320))
    (sample,) = samples(source(tmp_path, size=120))
    assert (sample.height, sample.width) == (120, 80)
    values = sample.history[-1].values
    assert values["crop_height"] == 240
    assert values["crop_width"] == 160
    assert values["scale"] == 2


def test_a_drawn_place_moves_and_scales_the_foreground_within_the_backgrounds_frame(
    tmp_path: Path,
):
    fill(tmp_path, 2, 6)
    found = samples(source(tmp_path, place="draw", coverage=(0.2, 0.4), size=64, per_foreground=6))
    assert {(sample.width, sample.height) for sample in found} == {(64, 48)}
    coverages = [sample.scores["coverage"] for sample in found]
    assert all(0.19 < coverage < 0.41 for coverage in coverages)
    assert np.ptp(coverages) > 0.05
    assert len({sample.history[-1].values["left"] for sample in found}) > 4


def test_what_its_own_frame_cuts_off_stays_at_the_frames_side(tmp_path: Path):
    write_png(tmp_path / "fronts" / "bust.png", disc(80, 80)[:50])
    for number in range(6):
        write_jpeg(tmp_path / "behind" / f"b{number}.jpg", texture(number))
    for sample in samples(source(tmp_path, place="draw", size=64, per_foreground=6)):
        assert (sample.alpha[-1] > 0.9).sum() > 5


def test_what_spans_its_frame_keeps_its_place(tmp_path: Path):
    wall = np.full((40, 60, 4), (90, 80, 70, 255), np.uint8)
    wall[:25, :, 3] = 0
    wall[25, :, 3] = 128
    write_png(tmp_path / "fronts" / "wall.png", wall)
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0))
    # It touches three sides, as what is cropped to its outline does: one of the two has to give.
    write_png(tmp_path / "fronts" / "bar.png", wall[:, :, :][::-1].copy()[5:])
    assert len(samples(source(tmp_path, place="draw", size=48))) == 2


def test_composites_are_compressed_as_their_backgrounds_were(tmp_path: Path):
    write_png(tmp_path / "fronts" / "f.png", disc())
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0, 48, 64), 60)
    (sample,) = samples(source(tmp_path))
    found = compression_of(sample.image_bytes)
    assert found is not None
    assert found.quality == sample.history[-1].values["quality"] == 60
    (plain,) = samples(source(tmp_path, jpeg=False))
    assert plain.image_bytes.startswith(b"\x89PNG")


def test_a_background_that_is_no_jpeg_makes_no_jpeg(tmp_path: Path):
    write_png(tmp_path / "fronts" / "f.png", disc())
    write_png(tmp_path / "behind" / "b.png", texture(0))
    (sample,) = samples(source(tmp_path))
    assert sample.image_bytes.startswith(b"\x89PNG")
    assert "quality" not in sample.history[-1].values


def test_a_shadow_darkens_the_background_alone(tmp_path: Path):
    write_render(tmp_path / "fronts", "f", disc(), FACTS)
    write_png(tmp_path / "fronts" / "f.shadow.png", np.full((48, 64), 32768, np.uint16))
    write_png(tmp_path / "behind" / "b.png", np.full((48, 64, 3), 188, np.uint8))
    (lit,) = samples(source(tmp_path, **PLAIN))
    (dark,) = samples(source(tmp_path, shadows=True, **PLAIN))
    assert lit.image[0, 0].tolist() == [188, 188, 188]
    assert abs(int(dark.image[0, 0, 0]) - 137) <= 1
    assert np.array_equal(dark.image[24, 32], lit.image[24, 32])
    assert dark.key != lit.key


def test_keys_tell_how_a_composite_was_made_and_stay_when_splits_change(folder: Path):
    keys = [
        sorted(sample.key for sample in samples(source(folder, per_foreground="all", **options)))
        for options in ({}, {"samples_per_partition": 5}, {"seed": 1}, {"light": 0.1})
    ]
    assert keys[0] == keys[1]
    assert not set(keys[0]) & set(keys[2])
    assert not set(keys[0]) & set(keys[3])
    divided = source(folder, per_foreground="all", train=0.5, val=0.5, test=0.0)
    kept = {item.key for item in read(divided) if isinstance(item, Sample)}
    assert kept <= set(keys[0])


def test_partitions_in_two_processes_give_the_bytes_of_a_serial_run(folder: Path, tmp_path: Path):
    made = source(folder, per_foreground="all", samples_per_partition=6)
    assert len(made.plan(())) == 3
    for name, workers in (("serial", None), ("two", 2)):
        mm.run({"composites": (mm.Pipeline(), made)}, str(tmp_path / name), workers=workers)
        assert verify(str(tmp_path / name)) == []
    serial, two = tree(tmp_path / "serial"), tree(tmp_path / "two")
    assert serial == two


def test_the_partition_does_not_shape_a_pair(folder: Path):
    together = {s.origin: s.image_bytes for s in samples(source(folder, per_foreground="all"))}
    apart = source(folder, per_foreground="all", samples_per_partition=1)
    assert {s.origin: s.image_bytes for s in samples(apart)} == together


def test_a_dataset_of_composites_keeps_their_splits(tmp_path: Path):
    fill(tmp_path, 12, 24)
    made = source(tmp_path, per_foreground=2, train=0.5, val=0.3, test=0.2)
    report = mm.run(
        {"composites": (mm.Pipeline(), made)},
        str(tmp_path / "out"),
        finish=[Split(train=0.0, val=0.0, test=1.0)],
    )
    assert report.failed == 0
    table = Dataset(str(tmp_path / "out")).table()
    assert set(table["split"].to_pylist()) == {"train", "val", "test"}
    again = mm.run(
        {"composites": (mm.Pipeline(), made)},
        str(tmp_path / "out"),
        finish=[Split(train=0.0, val=0.0, test=1.0)],
    )
    assert again.reused == again.partitions


def spoil(folder: Path, kind: str) -> None:
    """Make one foreground or background unusable."""
    front, behind = folder / "fronts" / "f0.png", folder / "behind" / "b0.jpg"
    if kind == "front truncated":
        front.write_bytes(front.read_bytes()[:-40])
    elif kind == "front unreadable":
        front.write_bytes(b"no picture")
    elif kind == "front empty_file":
        front.write_bytes(b"")
    elif kind == "front empty_alpha":
        write_png(front, disc() * np.uint8([1, 1, 1, 0]))
    elif kind == "front no_alpha":
        write_png(front, disc()[..., :3])
    elif kind == "behind truncated":
        behind.write_bytes(behind.read_bytes()[:-200])
    elif kind == "behind unreadable":
        behind.write_bytes(b"no picture")
    elif kind == "behind too_small":
        write_jpeg(behind, texture(0, 16, 20))


@pytest.mark.parametrize(
    "kind",
    [
        "front truncated",
        "front unreadable",
        "front empty_file",
        "front empty_alpha",
        "front no_alpha",
        "behind truncated",
        "behind unreadable",
        "behind too_small",
    ],
)
def test_what_cannot_be_used_loses_its_own_pairs_alone(folder: Path, kind: str):
    spoil(folder, kind)
    side, reason = kind.split()
    found = losses(source(folder, per_foreground="all"))
    if side == "front":
        assert set(found) == {f"f0.png on b{number}.jpg" for number in range(4)}
    else:
        assert set(found) == {f"f{number}.png on b0.jpg" for number in range(3)}
    fault = "foreground" if side == "front" else "background"
    for given_reason, values in found.values():
        assert given_reason == reason
        assert values[fault] == 1


def test_an_opaque_picture_is_no_foreground(folder: Path):
    opaque = disc()
    opaque[..., 3] = 255
    write_png(folder / "fronts" / "f0.png", opaque)
    found = losses(source(folder))
    assert [(reason, values["coverage"]) for reason, values in found.values()] == [("no_alpha", 1)]


def test_links_out_of_the_folders_are_not_followed(folder: Path, tmp_path: Path):
    write_png(tmp_path / "elsewhere" / "secret.png", disc())
    write_jpeg(tmp_path / "elsewhere" / "secret.jpg", texture(9))
    (folder / "fronts" / "secret.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    (folder / "behind" / "secret.jpg").symlink_to(tmp_path / "elsewhere" / "secret.jpg")
    found = losses(source(folder, per_foreground="all"))
    assert found == {
        "foreground: secret.png": ("unsafe_path", {"foreground": 1}),
        "background: secret.jpg": ("unsafe_path", {"background": 1}),
    }


def test_a_layer_whose_render_is_not_finished_is_left_out(folder: Path):
    write_render(folder / "fronts", "half", disc())
    found = losses(source(folder))
    assert found == {"foreground: half.foreground.png": ("missing_file", {"facts": 1})}


def test_broken_facts_lose_their_foreground(folder: Path):
    (folder / "fronts" / "f0.json").write_text("{")
    assert losses(source(folder)) == {"foreground: f0.png": ("bad_record", {"facts": 1})}


def test_who_finds_no_partner_stands_in_the_ledger(tmp_path: Path):
    fill(tmp_path, 3, 30)
    made = source(tmp_path, train=0.4, val=0.3, test=0.3, salt="7")
    items = read(made)
    fronts = {tag for item in items if isinstance(item, Sample) for tag in item.tags}
    splits = {item.split for item in items if isinstance(item, Sample)}
    lost = losses(made)
    assert all(reason == "no_partner" for reason, _ in lost.values())
    assert all(values in ({"foreground": 1}, {"background": 1}) for _, values in lost.values())
    assert len(splits) < 3
    assert lost
    assert fronts


def test_no_pair_at_all_is_an_error_that_says_what_there_is(tmp_path: Path):
    fill(tmp_path, 1, 1)
    for salt in map(str, range(50)):
        made = source(tmp_path, train=0.5, val=0.5, test=0.0, salt=salt)
        front = Shares(0.5, 0.5, 0).side_of(_identity(tmp_path / "fronts" / "f0.png"), salt)
        behind = Shares(0.5, 0.5, 0).side_of(_identity(tmp_path / "behind" / "b0.jpg"), salt)
        if front != behind:
            with pytest.raises(ValueError, match=r"train = 1.0, val = 0.0, test = 0.0"):
                made.plan(())
            return
    pytest.fail("in fifty divisions the two should have parted once")


def _identity(path: Path) -> str:
    from maskmill.synth.folder import Facts, looked_at

    (facts,) = looked_at(str(path.parent.resolve()), [path.name])
    assert isinstance(facts, Facts)
    return facts.identity


def test_empty_and_missing_folders_are_errors(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    for fronts, behind, message in (
        ("empty", "behind", "foregrounds must hold PNG files"),
        ("fronts", "empty", "backgrounds must hold photographs"),
        ("nowhere", "behind", "there must be a folder"),
        ("fronts", "nowhere", "there must be a folder"),
    ):
        with pytest.raises(ValueError, match=message):
            Composite(str(tmp_path / fronts), str(tmp_path / behind)).plan(())


def test_renders_without_foreground_layers_are_told_how_to_get_them(tmp_path: Path):
    write_render(tmp_path / "fronts", "a", disc(), FACTS)
    (tmp_path / "fronts" / "a.foreground.png").unlink()
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0))
    with pytest.raises(ValueError, match=r"foreground = true under \[alpha\] in the scene"):
        source(tmp_path).plan(())


def test_a_file_that_vanished_after_planning_is_the_storages_fault(folder: Path):
    made = source(folder)
    (partition,) = made.plan(())
    (folder / "fronts" / "f1.png").unlink()
    with pytest.raises(FileNotFoundError, match="was there"):
        list(made.read(partition))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_foreground": 0}, "per_foreground must be 1 or more, or 'all', got 0"),
        ({"per_foreground": "some"}, "per_foreground must be 1 or more, or 'all', got 'some'"),
        ({"place": "left"}, "place must be 'keep' or 'draw', got 'left'"),
        ({"views": "name"}, "views must be 'file' or 'folder', got 'name'"),
        ({"coverage": (0.7, 0.2)}, "coverage must be two shares"),
        ({"size": 8}, "size must be 16 pixels or more, got 8"),
        ({"light": 2.0}, "light must be in"),
        ({"train": 0.9}, "train, val and test must be shares that sum to 1"),
        ({"shadows": True, "place": "draw"}, "a shadow cannot move"),
        ({"samples_per_partition": 0}, "samples_per_partition must be at least 1, got 0"),
    ],
)
def test_wrong_parameters_are_refused(folder: Path, options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        source(folder, **options)


def test_one_folder_cannot_be_both(folder: Path):
    with pytest.raises(ValueError, match="must be different folders"):
        Composite(str(folder / "fronts"), str(folder / "fronts"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,licence\nb0.jpg,CC0\n", "about must have the columns image and"),
        ("image,size\nb0.jpg,3\n", "about must have the columns image and"),
        ("", "about must have the columns image and"),
        ("image,licence\nb\xe9.jpg,CC0\n", "about must be a CSV in UTF-8"),
    ],
)
def test_a_table_about_backgrounds_says_what_is_wrong_with_it(
    folder: Path, text: str, message: str
):
    about = folder / "about.csv"
    about.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=message):
        source(folder, about=str(about)).plan(())


def test_a_recipe_makes_composites(folder: Path):
    recipe = folder / "recipe.toml"
    lines = [
        "[composites.source]",
        'use = "composite"',
        'foregrounds = "fronts"',
        'backgrounds = "behind"',
        'per_foreground = "all"',
        "coverage = [0.3, 0.5]",
        "train = 1.0",
        "val = 0.0",
        "test = 0.0",
    ]
    recipe.write_text("\n".join(lines))
    _, made = read_recipe(recipe).sources["composites"]
    assert made == source(folder, per_foreground="all", coverage=(0.3, 0.5))
    for line, message in (
        ("per_foreground = 2.5", "per_foreground"),
        ("bluur = true", 'did you mean "blur"'),
        ('place = "lift"', "place: must be one of keep, draw"),
        ("train = 0.5", "must be shares that sum to 1"),
    ):
        recipe.write_text("\n".join([one for one in lines if one[:5] != line[:5]] + [line]))
        with pytest.raises(RecipeError, match=message):
            read_recipe(recipe)


def test_examples_are_recipes_that_can_be_read():
    for name in ("erasebg_people", "gontar_views"):
        recipe = read_recipe(Path(__file__).parents[1] / "examples" / f"{name}.toml")
        assert any(isinstance(made, Composite) for _, made in recipe.sources.values())


def encoded(array: Any, mode: str | None = None, **options: Any) -> bytes:
    data = io.BytesIO()
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(data, "PNG", **options)
    return data.getvalue()


def test_foregrounds_of_every_form_are_decoded():
    rgba = disc()
    assert np.array_equal(decode_foreground(encoded(rgba)), rgba)
    done, data = cv2.imencode(".png", cv2.cvtColor(disc(bits=16), cv2.COLOR_RGBA2BGRA))
    assert done
    assert np.array_equal(decode_foreground(data.tobytes()), disc(bits=16))
    grey = decode_foreground(encoded(rgba, "LA"))
    assert np.array_equal(grey[..., 3], rgba[..., 3])
    assert np.ptp(grey[..., :3], axis=2).max() == 0
    flat = np.dstack([rgba[..., :3], np.where(rgba[..., 3] > 127, 255, 0)]).astype(np.uint8)
    palette = Image.fromarray(flat).quantize(8)
    data = io.BytesIO()
    palette.save(data, "PNG")
    assert np.array_equal(decode_foreground(data.getvalue()), np.asarray(palette.convert("RGBA")))


def test_a_turned_foreground_is_made_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode_foreground(encoded(disc(40, 60), exif=exif))
    assert turned.shape == (60, 40, 4)
    assert np.array_equal(turned, np.rot90(disc(40, 60), -1))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"x" * 100, "unreadable"),
        (encoded(disc())[:-60], "truncated"),
        (encoded(disc()[..., :3].copy()), "no_alpha"),
    ],
)
def test_what_is_no_foreground_is_refused(data: bytes, reason: str):
    with pytest.raises(Refused, match=reason):
        decode_foreground(data)


def test_facts_enter_the_fingerprint(tmp_path: Path):
    write_render(tmp_path / "fronts", "a", disc(), FACTS)
    write_jpeg(tmp_path / "behind" / "b.jpg", texture(0))
    (before,) = source(tmp_path).plan(())
    facts = FACTS | {"credits": [{"asset": "a", "licence": "CC BY 4.0"}]}
    (tmp_path / "fronts" / "a.json").write_text(json.dumps(facts))
    (after,) = source(tmp_path).plan(())
    assert before.fingerprint != after.fingerprint


def test_what_is_forgotten_is_opened_again_to_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = {s.origin: s.image_bytes for s in samples(source(folder, per_foreground="all"))}
    monkeypatch.setattr("maskmill.synth.making._MEMORY", 1)
    again = {s.origin: s.image_bytes for s in samples(source(folder, per_foreground="all"))}
    assert again == whole


def test_a_large_photograph_is_shrunk_while_it_is_decoded(tmp_path: Path):
    write_png(tmp_path / "fronts" / "f.png", disc(48, 48))
    photograph = texture(0, 480, 500, scale=80)
    write_jpeg(tmp_path / "behind" / "b.jpg", photograph, 98)
    (sample,) = samples(source(tmp_path, **PLAIN))
    values = sample.history[-1].values
    crop = [round(values[f"crop_{name}"]) for name in ("left", "top", "width", "height")]
    assert crop[2:] == [480, 480]
    part = photograph[crop[1] : crop[1] + 480, crop[0] : crop[0] + 480]
    small = cv2.resize(part, (48, 48), interpolation=cv2.INTER_AREA)
    outside = sample.alpha == 0
    assert np.abs(sample.image[outside].astype(int) - small[outside]).mean() < 1.5
