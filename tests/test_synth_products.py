"""Products, assets and surroundings: each name builds, in its size and place, or says why not.

One Blender builds all of it and renders nothing: about twenty CPU-seconds.
"""

import json
import struct
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskmill.synth.assets_folder import found
from maskmill.synth.blender.asset_files import NOT_STATED, check_asset, textures
from maskmill.synth.blender.catalogue import BACKGROUND, OCCLUDERS, PRODUCTS
from maskmill.synth.blender.failure import Failure
from maskmill.synth.interpreter import Interpreter, NoBlenderError, environment, find

HELPER = Path(__file__).with_name("blender_builds.py")
TRIANGLE = "v 0 0 0\nv 2 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\n"
FACE = "f 1/1 2/2 3/3\n"


@pytest.fixture(scope="module")
def blender() -> Interpreter:
    try:
        return find()
    except NoBlenderError as error:
        pytest.skip(f"no Blender: {error}")


def builds(blender: Interpreter, folder: Path, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tasks.json").write_text(json.dumps(tasks))
    files = [str(folder / "tasks.json"), str(folder / "answers.json")]
    command = [str(blender.program), str(HELPER), *files]
    if blender.is_blender:
        command = [str(blender.program), "-b", "--factory-startup", "--python", str(HELPER)]
        command += ["--", *files]
    subprocess.run(command, check=True, capture_output=True, env=environment(), timeout=600)
    return json.loads((folder / "answers.json").read_text())


def product(name: str, seed: int | None, turn: float = 0.3) -> dict[str, Any]:
    spec = {"kind": "product", "product": name, "seed": seed, "turn": turn}
    return {"what": "product", "spec": spec}


def around(kind: str, seed: int = 1, **more: Any) -> dict[str, Any]:
    return {"what": "around", "spec": {"kind": kind, "seed": seed, "side": 0.1, **more}}


SHARES = (0.12, 0.35)


@pytest.fixture(scope="module")
def answers(
    blender: Interpreter, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    wanted = {
        "products": [product(name, 1) for name in PRODUCTS],
        "again": [product(name, 1) for name in ("mug", "tote")],
        "others": [product(name, 2) for name in ("mug", "tote")],
        "turned": [product("mug", 1, 1.3)],
        "occluders": [around(name, share=share) for name in OCCLUDERS for share in SHARES],
        "most": [around("pole", share=0.95)],
        "background": [around(name, distance=1.5) for name in BACKGROUND],
    }
    tasks = [task for group in wanted.values() for task in group]
    results = iter(builds(blender, tmp_path_factory.mktemp("builds"), tasks))
    return {key: [next(results) for _ in group] for key, group in wanted.items()}


def test_each_product_is_one_object_of_real_size_on_the_ground(
    answers: dict[str, list[dict[str, Any]]],
) -> None:
    for name, made in zip(PRODUCTS, answers["products"], strict=True):
        assert made["objects"] == 1, name
        assert made["own"], name
        assert abs(made["low"][2]) < 1e-5, name
        largest = max(high - low for low, high in zip(made["low"], made["high"], strict=True))
        # Turned about the vertical, its box is a little larger or smaller.
        assert 0.7 < largest / made["facts"]["size"] < 1.45, name
        assert 0.05 < made["facts"]["size"] < 1.2, name
        assert made["credits"] == [[f"maskmill product {name}", "MIT"]]


def test_what_lets_light_through_says_so(answers: dict[str, list[dict[str, Any]]]) -> None:
    clear = set()
    for name, made in zip(PRODUCTS, answers["products"], strict=True):
        assert made["said_transparent"] == made["transparent"], name
        clear |= {name} if made["transparent"] else set()
    assert clear == {"tumbler", "wine_glass", "wine_bottle"}
    names = [name for name in OCCLUDERS for _ in SHARES]
    for name, made in zip(names, answers["occluders"], strict=True):
        assert made["said_transparent"] == made["transparent"] == (name == "veil"), name


def test_a_seed_is_a_product_and_another_seed_another(
    answers: dict[str, list[dict[str, Any]]],
) -> None:
    first = {made["facts"]["product"]: made for made in answers["products"]}
    for again, other in zip(answers["again"], answers["others"], strict=True):
        same = first[again["facts"]["product"]]
        assert (again["hash"], again["colours"]) == (same["hash"], same["colours"])
        assert other["hash"] != same["hash"]
        assert other["colours"] != same["colours"]
    # Turned it is the same thing, seen from another side.
    turned = answers["turned"][0]
    assert turned["colours"] == first["mug"]["colours"]
    assert turned["hash"] != first["mug"]["hash"]


def test_occluders_stand_before_the_subject_and_cover_about_the_share(
    answers: dict[str, list[dict[str, Any]]],
) -> None:
    asked = [(name, share) for name in OCCLUDERS for share in SHARES]
    for (name, share), made in zip(asked, answers["occluders"], strict=True):
        assert made["objects"] == 1, name
        assert -5.0 < made["low"][1] < made["high"][1] < -0.3, (name, made["low"], made["high"])
        assert 0.4 * share < made["share"] <= share + 0.08, (name, share, made["share"])
    assert answers["most"][0]["share"] <= 0.65


def test_the_background_stands_behind_on_the_ground(
    answers: dict[str, list[dict[str, Any]]],
) -> None:
    for name, made in zip(BACKGROUND, answers["background"], strict=True):
        assert made["objects"] == 1, name
        assert made["own"], name
        assert made["linked"] == [], name
        assert made["low"][1] > 0.3, (name, made["low"])
        assert abs(made["low"][2]) < 0.05, (name, made["low"])
        assert made["high"][2] > 0.3, name


def test_assets_are_scaled_and_grounded(blender: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "wood.obj").write_text("mtllib wood.mtl\n" + TRIANGLE + "usemtl a\n" + FACE)
    (tmp_path / "wood.mtl").write_text("newmtl a\nmap_Kd wood.png\n")
    cv2.imwrite(str(tmp_path / "wood.png"), np.full((8, 8, 3), 99, np.uint8))
    (tmp_path / "torn.obj").write_text("mtllib torn.mtl\n" + TRIANGLE + "usemtl a\n" + FACE)
    (tmp_path / "torn.mtl").write_text("newmtl a\nmap_Kd torn.png\n")
    (tmp_path / "torn.png").write_text("no picture")
    (tmp_path / "noise.blend").write_bytes(b"BLENDER-v500" + bytes(range(256)) * 9)
    made = [
        {"what": "make", "path": str(tmp_path / f"cube.{end}")} for end in ("glb", "fbx", "blend")
    ]
    paths = ["wood.obj", "cube.glb", "cube.fbx", "cube.blend", "torn.obj", "noise.blend"]
    asset: dict[str, Any] = {"asset": "thing", "licence": "CC0 1.0", "turn": 0.0}
    wanted = [{"what": "asset", "spec": asset | {"path": str(tmp_path / path)}} for path in paths]
    wanted[0]["spec"] = {"path": str(tmp_path / "wood.obj"), "turn": 0.0, "size": [0.5, 0.5]}
    answers = builds(blender, tmp_path / "out", [*made, *wanted])[3:]
    wood, glb, fbx, blend, torn, noise = answers
    assert wood["credits"] == [["wood", NOT_STATED]]
    assert wood["facts"]["size"] == 0.5
    for answer in (glb, fbx):
        assert answer["credits"] == [["thing", "CC0 1.0"]]
        sides = np.subtract(answer["high"], answer["low"])
        np.testing.assert_allclose(sides, answer["facts"]["size"], atol=1e-4)
        assert 0.25 <= answer["facts"]["size"] <= 2.0
        assert abs(answer["low"][2]) < 1e-5
        assert abs(answer["low"][0] + answer["high"][0]) < 1e-5
    # Two cubes beside each other, one of them a copy; what is not rendered does not count.
    sides = np.subtract(blend["high"], blend["low"])
    np.testing.assert_allclose(sides / sides[2], (2, 1, 1), atol=1e-3)
    assert torn["reason"] == "missing_texture"
    assert "torn.png" in torn["detail"]
    assert noise["reason"] == "corrupt_asset"


def glb(scene: dict[str, Any], binary: bytes = b"") -> bytes:
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<III", 0x46546C67, 2, 12 + len(chunks)) + chunks


MESHES = {"meshes": [{"primitives": []}]}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.glb", glb(MESHES)[:-4], "corrupt_asset"),
        ("a.glb", b"glTF", "corrupt_asset"),
        ("a.glb", glb(MESHES | {"buffers": [{"byteLength": 8}]}, b"1234"), "corrupt_asset"),
        ("a.glb", glb({"meshes": []}), "empty_asset"),
        ("a.glb", glb(MESHES | {"images": [{"uri": "no.png"}]}), "missing_texture"),
        ("a.glb", glb(MESHES | {"images": [{"uri": "../no.png"}]}), "outside_folder"),
        ("a.glb", glb(MESHES | {"images": [{"uri": "https://a/b.png"}]}), "outside_folder"),
        ("a.gltf", b"{", "corrupt_asset"),
        ("a.gltf", json.dumps(MESHES | {"buffers": [{"uri": "no.bin", "byteLength": 4}]}).encode(),
         "corrupt_asset"),
        ("a.obj", b"", "corrupt_asset"),
        ("a.obj", b"\0\1\2", "corrupt_asset"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\n", "empty_asset"),
        ("a.obj", b"v 0 0 0\nf 1 2 3\n", "corrupt_asset"),
        ("a.obj", b"v nan 0 0\nf 1 1 1\n", "corrupt_asset"),
        ("a.obj", b"mtllib no.mtl\nv 0 0 0\nf 1 1 1\n", "missing_texture"),
        ("a.obj", b"mtllib ../no.mtl\nv 0 0 0\nf 1 1 1\n", "outside_folder"),
        ("a.blend", b"PK\3\4 a zip", "corrupt_asset"),
        ("a.fbx", b"no model", "corrupt_asset"),
        ("a.stl", b"solid", "corrupt_asset"),
    ],
)  # fmt: skip
def test_a_bad_asset_is_found_without_blender(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Failure) as caught:
        check_asset(tmp_path / name, tmp_path)
    assert caught.value.reason == reason


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.obj").write_text(TRIANGLE + FACE)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.obj").symlink_to(tmp_path / "other" / "a.obj")
    with pytest.raises(Failure, match="outside_folder"):
        check_asset(tmp_path / "own" / "a.obj", tmp_path / "own")


def test_textures_are_read_past_their_options() -> None:
    text = (
        "map_Kd -s 2 2 1 oak dark.png\nbump -bm 0.5 b\\n.png\nmap_Ks -clamp on c.png\nNs 3\nmap_d\n"
    )
    assert list(textures(text)) == ["oak dark.png", "b/n.png", "c.png"]


def test_licences_come_from_the_nearest_place(tmp_path: Path) -> None:
    (tmp_path / "LICENSE.txt").write_text("Creative Commons Legal Code\n\nCC0 1.0 Universal\n")
    for name in (
        "a.glb",
        "b.OBJ",
        "c.fbx",
        "in/d.blend",
        "in/e.glb",
        "in/f.gltf",
        ".g.glb",
        "h.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "a.json").write_text('{"licence": "CC BY 4.0", "asset": "Apple", "source": "a/b"}')
    facts = {"e": {"license": "MIT", "up": "z"}, "d.blend": {"size": [1, 2], "without": ["Lid"]}}
    (tmp_path / "in" / "assets.json").write_text(json.dumps(facts))
    assets = {Path(asset["path"]).name: asset for asset in found(tmp_path)}
    assert list(assets) == ["a.glb", "b.OBJ", "c.fbx", "d.blend", "e.glb", "f.gltf"]
    assert assets["a.glb"]["licence"] == "CC BY 4.0"
    assert assets["a.glb"]["asset"] == "Apple"
    assert assets["a.glb"]["source"] == "a/b"
    assert assets["b.OBJ"]["licence"] == "CC0 1.0"
    assert assets["e.glb"] | {"licence": "MIT", "up": "z"} == assets["e.glb"]
    assert assets["d.blend"]["size"] == [1, 2]
    assert assets["d.blend"]["asset"] == "in/d"
    assert all(asset["root"] == str(tmp_path.resolve()) for asset in assets.values())


def test_a_licence_that_nobody_states_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(b"1")
    (asset,) = found(tmp_path)
    assert (asset["licence"], asset["source"]) == (NOT_STATED, NOT_STATED)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"licens": "CC0"}', '{"licence": 3}', '{"up": "x"}', '{"size": [2, 1]}',
     '{"size": [1]}'],
)  # fmt: skip
def test_facts_that_cannot_be_right_are_an_error_with_the_file_named(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "a.glb").write_bytes(b"1")
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json"):
        found(tmp_path)
