"""Scenes: what may be in a picture, drawn from a seed; mistakes told before any work."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from maskmill.recipe import RecipeError
from maskmill.synth import Scene, read_scene
from maskmill.synth.blender import catalogue
from maskmill.synth.scene import (
    AlphaTable,
    AssetTable,
    BackgroundTable,
    CameraTable,
    OccludersTable,
    PersonTable,
    PictureTable,
    SubjectTable,
    ViewsTable,
    WorldTable,
    stamp,
)

ROOT = Path(__file__).resolve().parents[1]
ALONE = {"background": BackgroundTable(count=(0, 0)), "occluders": OccludersTable(share=0)}


def scene(**tables: Any) -> Scene:
    return Scene(**{"subject": SubjectTable(monkey=1), **ALONE, **tables})


def drawn(made: Scene, count: int, seed: int = 0) -> list[dict[str, Any]]:
    return [made.sample(index, size=64, samples=4, seed=seed) for index in range(count)]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_sample_depends_on_seed_and_index_alone() -> None:
    made = scene()
    assert drawn(made, 5)[4] == made.sample(4, size=64, samples=4, seed=0)
    assert drawn(made, 5, seed=1)[4] != drawn(made, 5, seed=0)[4]


def test_a_choice_that_is_added_changes_no_other_one() -> None:
    plain, blurred = (
        made.sample(7, size=64, samples=4, seed=0)
        for made in (
            scene(camera=CameraTable(depth_of_field=0)),
            scene(camera=CameraTable(depth_of_field=1)),
        )
    )
    assert plain["camera"].pop("f_number") is None
    assert 1.4 <= blurred["camera"].pop("f_number") <= 5.6
    assert plain == blurred


def test_a_sample_is_json_and_says_all() -> None:
    spec = drawn(scene(subject=SubjectTable(person=1)), 1)[0]
    assert json.loads(json.dumps(spec)) == spec
    assert {"name", "seed", "index", "width", "height", "samples", "subject", "world"} <= set(spec)


def test_shares_are_kept() -> None:
    made = scene(subject=SubjectTable(person=1, monkey=3))
    kinds = Counter(spec["subject"]["kind"] for spec in drawn(made, 400))
    assert 0.18 < kinds["person"] / 400 < 0.32


def test_ranges_are_kept() -> None:
    made = scene(camera=CameraTable(lens=(50, 60), azimuth=(-10, 20), elevation=(0, 0)))
    for spec in drawn(made, 50):
        assert 50 <= spec["camera"]["lens"] <= 60
        assert -10 <= math.degrees(spec["camera"]["azimuth"]) <= 20
        assert spec["camera"]["elevation"] == 0


def test_people_are_only_those_who_fit() -> None:
    table = PersonTable(age=(20, 40), height=(1.6, 1.8), poses=["walking", "waving"])
    for spec in drawn(scene(subject=SubjectTable(person=1), person=table), 25):
        person = spec["subject"]
        assert 20 <= person["age"] <= 40
        assert 1.6 <= person["height"] <= 1.8
        assert person["pose"] in ("walking", "waving")


def test_people_who_cannot_be_are_a_mistake() -> None:
    table = PersonTable(age=(4, 5), height=(1.9, 2.0))
    with pytest.raises(RecipeError, match="nobody fits"):
        drawn(scene(subject=SubjectTable(person=1), person=table), 1)


def test_two_hundred_scenes_span_reality() -> None:
    specs = drawn(read_scene(ROOT / "examples" / "scenes" / "people.toml"), 200)
    people = [spec["subject"] for spec in specs]
    heights = sorted(person["height"] for person in people)
    assert heights[190] - heights[9] >= 0.35
    assert len({person["pose"] for person in people}) >= 12
    assert len({person["hair"]["style"] for person in people}) >= 5
    assert len({word for person in people for word in person["garments"].values() if word}) >= 6
    assert len({spec["world"]["name"] for spec in specs}) >= 8


def test_views_go_round_one_subject() -> None:
    specs = drawn(scene(views=ViewsTable(count=12)), 24)
    first, second = specs[:12], specs[12:]
    assert len({json.dumps(spec["subject"]) for spec in first}) == 1
    assert len({spec["group"] for spec in first}) == 1
    assert first[0]["group"] != second[0]["group"]
    turns = [
        round(math.degrees(spec["camera"]["azimuth"] - first[0]["camera"]["azimuth"]))
        for spec in first
    ]
    assert turns == list(range(0, 360, 30))


def test_the_longer_side_is_the_size() -> None:
    spec = drawn(scene(picture=PictureTable(shapes=["3:4"])), 1)[0]
    assert (spec["width"], spec["height"]) == (48, 64)


def test_own_panoramas_bring_their_licence(tmp_path: Path) -> None:
    write(tmp_path / "yard.hdr", "")
    made = scene(world=WorldTable(folder=str(tmp_path), licence="CC BY 4.0"))
    world = drawn(made, 1)[0]["world"]
    assert (world["name"], world["licence"]) == ("yard", "CC BY 4.0")


def test_a_stamp_changes_with_what_is_asked_for_and_with_the_files(tmp_path: Path) -> None:
    spec = drawn(scene(), 1)[0]
    assert stamp(spec) != stamp(spec | {"samples": 8})
    places = [tmp_path / name for name in ("one", "two", "three")]
    for place, text in zip(places, ("same", "same", "other"), strict=True):
        place.mkdir()
        write(place / "cup.glb", text)
    one, two, three = (
        stamp(spec | {"subject": {"path": str(place / "cup.glb"), "root": str(place)}})
        for place in places
    )
    assert one == two
    assert one != three


def test_the_examples_are_right() -> None:
    files = sorted((ROOT / "examples" / "scenes").glob("*.toml"))
    assert {file.stem for file in files} >= {"people", "products", "views"}
    for file in files:
        assert read_scene(file).name == file.stem


def test_every_list_of_names_has_some() -> None:
    for name in ("POSES", "HAIR_STYLES", "TOPS", "BOTTOMS", "SHOES", "GROUNDS", "WORLDS"):
        assert len(set(getattr(catalogue, name))) == len(getattr(catalogue, name)) > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[subject]\nperson = 1\n[camra]\n", "unknown key 'camra'; did you mean \"camera\"?"),
        ("[subject]\npersn = 1\n", "[subject]: unknown key 'persn'; did you mean \"person\"?"),
        ("[subject]\nperson = 'a'\n", "[subject]: person: expected `float`, got `str`"),
        ("[subject]\nperson = 0\n", "must give a kind a share"),
        ("[subject]\nperson = -1\n", "shares must be weights of 0 and more"),
        ("subject = 1\n", "top level: subject must be a table, write [subject]"),
        ("name = 'A b'\n[subject]\nperson = 1\n", "name must be of lower-case letters"),
        ("[subject]\nasset = 1\n", "[asset] must name a folder"),
        (
            "[subject]\nperson = 1\n[camera]\nlens = [90, 50]\n",
            "[camera]: lens must be [low, high] with 10 <= low <= high <= 600, got [90.0, 50.0]",
        ),
        ("[subject]\nperson = 1\n[camera]\nlens = 50\n", "[camera]: lens: expected `array`"),
        ("[subject]\nperson = 1\n[camera]\ncoverage = [0.3, 0.31]\n", "at least 0.1 wide"),
        ("[subject]\nperson = 1\n[ground]\nshare = 2\n", "share must be a share of 0 to 1"),
        ("[subject]\nperson = 1\n[ground]\nkinds = ['tile']\n", 'did you mean "tiles"?'),
        ("[subject]\nperson = 1\n[world]\nnames = ['city', 'cort']\n", "unknown name 'cort'"),
        ("[subject]\nperson = 1\n[person]\nposes = ['walkin']\n", 'did you mean "walking"?'),
        ("[subject]\nperson = 1\n[alpha]\npath = 'mat'\n", "must be one of auto, cryptomatte"),
        ("[subject]\nperson = 1\n[picture]\nshapes = ['3x4']\n", "must be WIDTH:HEIGHT"),
        ("[subject\n", "not valid TOML"),
    ],
)
def test_mistakes_name_the_file_the_table_the_key_and_the_spelling(
    tmp_path: Path, text: str, said: str
) -> None:
    path = write(tmp_path / "scene.toml", text)
    with pytest.raises(RecipeError) as caught:
        read_scene(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_scene_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_scene(tmp_path / "none.toml")


def test_a_folder_without_panoramas_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"must hold \.hdr or \.exr"):
        drawn(scene(world=WorldTable(folder=str(tmp_path))), 1)


def test_assets_come_with_their_licences_and_a_wrong_folder_is_a_mistake(tmp_path: Path) -> None:
    write(tmp_path / "cup.glb", "")
    write(tmp_path / "cup.json", '{"licence": "CC BY 4.0"}')
    made = scene(subject=SubjectTable(asset=1), asset=AssetTable(folder=str(tmp_path)))
    spec = drawn(made, 1)[0]
    assert spec["subject"]["licence"] == "CC BY 4.0"
    assert spec["group"] == f"asset-{spec['subject']['asset']}"
    nowhere = AssetTable(folder=str(tmp_path / "none"))
    with pytest.raises(RecipeError, match=r"\[asset\]"):
        drawn(scene(subject=SubjectTable(asset=1), asset=nowhere), 1)


def test_folders_are_meant_from_the_scenes_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "[subject]\nmonkey = 1\n[world]\nfolder = 'hdri'\n")
    assert read_scene(path).world.folder == str(tmp_path / "hdri")


def test_the_foreground_is_asked_for_in_the_scene() -> None:
    assert drawn(scene(alpha=AlphaTable(foreground=True)), 1)[0]["foreground"] is True
