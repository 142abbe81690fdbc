"""From annotations to a trained network, by the program a user calls."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from procedural import disc, tree

from maskmill.cli import main
from maskmill.images import encode_image
from maskmill.shards import Dataset, verify
from maskmill.synth.interpreter import NoBlenderError, find

COCO_PERSON = Path(__file__).resolve().parents[2] / "shared" / "data" / "coco_person"

RECIPE = """\
[people.source]
use = "coco"
annotations = "{annotations}"
images = "{images}"
samples_per_partition = 16

[[people.stage]]
use = "person_filter"
persons = {persons}
crowd = "{crowd}"

[[people.stage]]
use = "clean"
preset = "classic"

[[people.stage]]
use = "smooth"

[[finish]]
use = "split"
"""

real_coco = pytest.mark.skipif(
    not COCO_PERSON.exists(), reason="the real COCO photographs are not beside this checkout"
)


def write_recipe(folder: Path, annotations: Path, images: Path, **more: object) -> Path:
    values = {"persons": [1, 2], "crowd": "reject"} | more
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(annotations=annotations, images=images, **values))
    return path


@real_coco
def test_real_coco_goes_from_annotations_to_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    recipe = write_recipe(tmp_path, COCO_PERSON / "person_keypoints.json", COCO_PERSON / "images")
    out = tmp_path / "dataset"
    assert main(["run", str(recipe), "--out", str(out), "--strict"]) == 0
    assert "people: read 160" in capsys.readouterr().out
    dataset = Dataset(out)
    assert dataset.info["counts"]["people"] == {
        "read": 160,
        "kept": 40,
        "dropped": {
            "person_filter": {"crowd": 7, "person_count": 23, "too_large": 2, "too_small": 88}
        },
        "failed": {},
    }
    assert verify(out, decode=True) == []
    assert set(dataset.split().table["split"].to_pylist()) == {"train", "val", "test"}
    assert [step.stage for step in dataset.split()[0].history] == ["clean", "smooth"]

    training = tmp_path / "training"
    flags = ["--steps", "3", "--size", "64", "--batch", "2"]
    assert main(["train", str(out), "--out", str(training), *flags]) == 0
    photograph = COCO_PERSON / "images" / "000000000785.jpg"
    checkpoint = training / "checkpoint.pt"
    assert main(["predict", str(checkpoint), str(photograph), "--out", str(tmp_path)]) == 0
    assert (tmp_path / "000000000785.alpha.png").stat().st_size > 0
    page = tmp_path / "report.html"
    assert main(["report", str(out), "--out", str(page)]) == 0
    assert "person_count" in page.read_text()


@real_coco
@pytest.mark.parametrize(("crowd", "kept"), [("reject", 47), ("ignore", 49), ("count", 50)])
def test_the_crowd_rule_moves_the_number(tmp_path: Path, crowd: str, kept: int):
    recipe = write_recipe(
        tmp_path,
        COCO_PERSON / "person_keypoints.json",
        COCO_PERSON / "images",
        persons=[1, 20],
        crowd=crowd,
    )
    assert main(["run", str(recipe), "--out", str(tmp_path / "dataset")]) == 0
    assert len(Dataset(tmp_path / "dataset")) == kept


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Six photographs of one person each: two sound, four damaged in a way of their own."""
    images = tmp_path / "images"
    images.mkdir()
    names = ["sound", "missing", "truncated", "empty", "nan", "also_sound"]
    square = [4, 4, 24, 4, 24, 24, 4, 24]
    annotations: list[dict[str, object]] = []
    for number, name in enumerate(names, 1):
        data = encode_image(disc(number).image)
        if name == "truncated":
            data = data[: len(data) // 2]
        if name != "missing":
            (images / f"{name}.png").write_bytes(b"" if name == "empty" else data)
        polygon = [float("nan"), *square[1:]] if name == "nan" else square
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "area": 400,
                "bbox": [4, 4, 20, 20],
                "segmentation": [polygon],
            }
        )
    document = {
        "images": [
            {"id": number, "file_name": f"{name}.png", "height": 32, "width": 32}
            for number, name in enumerate(names, 1)
        ],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": annotations,
    }
    (tmp_path / "people.json").write_text(json.dumps(document))
    return write_recipe(tmp_path, tmp_path / "people.json", images)


def test_damaged_input_is_dropped_with_a_reason_and_counted(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "dataset"
    assert main(["run", str(damaged), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "4 items could not be used, being missing, damaged or without a partner" in printed
    ledger = Dataset(out).ledger().to_pylist()
    assert {row["origin"]: row["reason"] for row in ledger} == {
        "missing.png#2": "missing_file",
        "truncated.png#3": "truncated",
        "empty.png#4": "empty_file",
        "nan.png#5": "non_finite",
    }
    assert [sample.origin for sample in Dataset(out).split()] == ["sound.png#1", "also_sound.png#6"]


def test_strict_makes_damaged_input_an_exit_code(damaged: Path, tmp_path: Path):
    out = tmp_path / "dataset"
    assert main(["run", str(damaged), "--out", str(out), "--strict"]) == 3
    assert len(Dataset(out)) == 2


def test_a_missing_annotation_file_leaves_nothing_behind(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "people.json").unlink()
    assert main(["run", str(damaged), "--out", str(tmp_path / "dataset")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("maskmill: error: [people.source]: ")
    assert "people.json" in error
    assert not (tmp_path / "dataset").exists()


def test_the_program_writes_the_same_bytes_with_workers(damaged: Path, tmp_path: Path):
    assert main(["run", str(damaged), "--out", str(tmp_path / "a")]) == 0
    assert main(["run", str(damaged), "--out", str(tmp_path / "b"), "--workers", "2"]) == 0
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_the_demo_journeys_over_a_users_coco(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    command = [
        "demo",
        "--coco",
        str(tmp_path / "people.json"),
        "--images",
        str(tmp_path / "images"),
    ]
    flags = ["--out", str(tmp_path / "demo"), "--steps", "2", "--workers", "0"]
    assert main([*command, *flags]) == 0
    assert main([*command, *flags]) == 0
    printed = capsys.readouterr().out
    assert "resumed: 1 of 1 partitions were finished already" in printed
    assert "resumed: went on from step 2 of 2" in printed
    assert main([*command, *flags, "--seed", "1"]) == 0
    assert "starts over, as the earlier training does not fit" in capsys.readouterr().out
    for name in ("sheet.png", "report.html", "dataset/dataset.json", "training/checkpoint.pt"):
        assert (tmp_path / "demo" / name).exists()
    assert len(list((tmp_path / "demo/predictions").iterdir())) == 2
    assert set(Dataset(tmp_path / "demo/dataset").info["counts"]) == {"people"}


DEMO = ("--count", "40", "--renders", "2", "--steps", "2", "--workers", "0")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    assert main(["demo", "--out", str(out), *DEMO]) == 0
    return out


def test_the_demo_makes_its_own_photographs(demo: Path):
    counts = Dataset(demo / "dataset").info["counts"]["people"]
    assert counts["read"] >= 40
    assert counts["kept"] >= counts["read"] // 2
    assert verify(demo / "dataset", decode=True) == []
    alphas = [sample.alpha for sample in Dataset(demo / "dataset").split()]
    assert all(np.ptp(alpha) == 1 for alpha in alphas)


def test_the_demo_puts_products_beside_the_people_and_refuses_a_wrong_clip(demo: Path):
    dataset = Dataset(demo / "dataset")
    assert dataset.info["counts"]["products"] == {
        "read": 4,
        "kept": 3,
        "dropped": {"realign": {"wrong_pair": 1}},
        "failed": {},
    }
    refused = [row["origin"] for row in dataset.ledger().to_pylist() if row["stage"] == "realign"]
    assert refused == ["chelsea_clip.jpg"]
    splits: dict[str | None, set[str | None]] = {}
    for sample in dataset.split():
        splits.setdefault(sample.group, set()).add(sample.split)
    assert all(len(sides) == 1 for sides in splits.values()), splits


def test_the_demo_renders_people_where_there_is_blender(demo: Path):
    counts = Dataset(demo / "dataset").info["counts"]
    try:
        find()
    except NoBlenderError:
        assert "synthetic" not in counts
        return
    assert counts["synthetic"]["kept"] == 2
    assert counts["composites"]["kept"] >= 2
    rendered = [s for s in Dataset(demo / "dataset").split() if s.source == "synthetic"]
    assert all(0.2 <= (sample.alpha >= 0.5).mean() <= 0.7 for sample in rendered)


def test_the_demo_parts_no_person_and_no_backdrop(demo: Path):
    sides: dict[str, set[str | None]] = {}
    for row in Dataset(demo / "dataset").table().to_pylist():
        front, _, behind = row["origin"].partition(" on ")
        names = [row["group"] or row["key"]]
        if row["source"] == "composites":  # 03-brick-3.png is of the group brick-3
            names += [front.split(".")[0], behind.removesuffix(".png").partition("-")[2]]
        elif row["source"] == "synthetic":
            names.append(row["origin"])
        for name in names:
            sides.setdefault(name, set()).add(row["split"])
    assert [name for name, splits in sides.items() if len(splits - {None}) > 1] == []


def test_the_demo_draws_pairs_before_and_after(demo: Path):
    sheets = sorted(path.name for path in (demo / "products" / "sheets").iterdir())
    assert [name.rpartition("-")[0] for name in sheets] == [
        "0013-nobody-brick-1_clip",
        "0033-nobody-astronaut_clip",
        "chelsea_clip",
        "coffee_clip",
    ]
    assert "4 of them: products/sheets/" in (demo / "report.html").read_text()


def test_the_demo_makes_nothing_twice(demo: Path, capsys: pytest.CaptureFixture[str]):
    folders = ("photographs", "products", "dataset/shards")
    files = [path for folder in folders for path in (demo / folder).rglob("*")]
    times = [path.stat().st_mtime_ns for path in files]
    assert main(["demo", "--out", str(demo), *DEMO]) == 0
    partitions = len(Dataset(demo / "dataset").info["shards"])
    told = f"resumed: {partitions} of {partitions} partitions were finished already"
    assert told in capsys.readouterr().out
    assert [path.stat().st_mtime_ns for path in files] == times


def test_coco_without_images_is_a_mistake(capsys: pytest.CaptureFixture[str]):
    assert main(["demo", "--coco", "people.json"]) == 2
    assert "must be given together" in capsys.readouterr().err


def test_a_run_leaves_its_input_as_it_was(damaged: Path, tmp_path: Path):
    before = tree(tmp_path / "images")
    copy = shutil.copy(tmp_path / "people.json", tmp_path / "copy.json")
    assert main(["run", str(damaged), "--out", str(tmp_path / "dataset")]) == 0
    assert tree(tmp_path / "images") == before
    assert (tmp_path / "people.json").read_bytes() == Path(copy).read_bytes()
