"""examples/all_together.toml, small, from end to end: four sources, one dataset, one network."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask_processes import scheduler_and_workers
from procedural import tree
from three_sources import (
    BACKGROUNDS,
    COPIED,
    COPY,
    HALF,
    LOST,
    MISFIT,
    OPAQUE,
    PEOPLE,
    PRODUCTS,
    RECIPE,
    RENDERED,
    UNCLIPPED,
    WRONG,
    write_world,
)

from maskmill.cli import main
from maskmill.curate import Roughness
from maskmill.lease import LEASE
from maskmill.recipe import read_recipe
from maskmill.refine import Clean, Smooth
from maskmill.shards import Dataset
from maskmill.synth.interpreter import NoBlenderError, find
from maskmill.train import fit

SCENE = """\
name = "real"
[subject]
monkey = 1
[background]
count = [0, 0]
[occluders]
share = 0
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def serial(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of an undisturbed run in one process; not to be changed."""
    out = tmp_path_factory.mktemp("serial") / "dataset"
    assert main(["run", str(recipe), "--out", str(out)]) == 0
    return out


def rows(dataset: Path) -> list[dict[str, Any]]:
    return Dataset(dataset).table().to_pylist()


def lost(dataset: Path, source: str) -> dict[str, str]:
    ledger = Dataset(dataset).ledger().to_pylist()
    return {row["origin"]: row["reason"] for row in ledger if row["source"] == source}


def sides(dataset: Path) -> dict[str, set[str | None]]:
    """Splits by what must be in one: groups, and by their files' names subjects and backgrounds."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for row in rows(dataset):
        names = [f"group {row['group'] or row['key']}"]
        if row["source"] in ("synthetic", "composites"):
            front, _, behind = row["origin"].partition(" on ")
            names += [f"subject {front.split('.')[0]}", f"background {behind or row['key']}"]
        for name in names:
            found[name].add(row["split"])
    return found


def test_the_example_says_only_what_there_is():
    recipe = read_recipe(RECIPE)
    named = {
        name: [type(part).__name__ for part in (source, *pipeline.stages)]
        for name, (pipeline, source) in recipe.sources.items()
    }
    signals = ["Animals", "HeldObjects", "BodyParts", "Lighting"]
    assert named == {
        "people": ["Coco", "PersonFilter", *signals, "AutoRefine", "Roughness"],
        "products": ["ClipPairs", "Realign", "ClipMatte", "AutoRefine"],
        "synthetic": ["Renders"],
        "composites": ["Composite"],
    }
    assert [type(stage).__name__ for stage in recipe.finish] == ["NearDuplicates", "Split", "Mix"]


def test_what_the_example_has_commented_out_is_right_as_well(tmp_path: Path):
    text = RECIPE.read_text()
    automatic = '[[people.stage]]\nuse = "auto_refine"\n'
    assert automatic in text
    classic = text.replace(automatic, "").replace("# [[people", "[[people").replace("# use", "use")
    (tmp_path / "classic.toml").write_text(classic.replace("# preset", "preset"))
    stages = read_recipe(tmp_path / "classic.toml").sources["people"][0].stages
    assert stages[-3:] == (Clean(preset="classic"), Smooth(), Roughness(action="tag"))


def test_every_item_is_in_the_index_or_in_the_ledger_once(serial: Path):
    dataset = Dataset(serial)
    items = [
        (row["source"], row["origin"])
        for table in (dataset.table(), dataset.ledger())
        for row in table.select(["source", "origin"]).to_pylist()
    ]
    assert max(Counter(items).values()) == 1
    origins: dict[str, set[str]] = defaultdict(set)
    for source, origin in items:
        origins[source].add(origin)
    people = [*(f"{name}.jpg" for name in PEOPLE), COPY, *LOST]
    assert origins["people"] == {f"{name}#{number}" for number, name in enumerate(people, 1)}
    clips = {f"{name}_clip" for name in (*PRODUCTS, WRONG)}
    unclipped = f"original: {UNCLIPPED}.png"
    assert {name.split(".")[0] for name in origins["products"] - {unclipped}} == clips
    assert unclipped in origins["products"]
    assert origins["synthetic"] == {*RENDERED, MISFIT}
    pairs = [origin.split(" on ") for origin in origins["composites"]]
    layers = {f"{name}.foreground.png" for name in RENDERED}
    assert {front for front, _ in pairs} == {*layers, OPAQUE}
    assert {behind for _, behind in pairs} <= {*BACKGROUNDS, HALF}
    for source, counts in dataset.info["counts"].items():
        gone = [sum(r.values()) for k in ("dropped", "failed") for r in counts[k].values()]
        assert counts["read"] == counts["kept"] + sum(gone) == len(origins[source])
        assert counts["failed"] == {}


def test_each_mistake_is_in_the_ledger_with_its_reason(serial: Path):
    named = {origin.split("#")[0]: reason for origin, reason in lost(serial, "people").items()}
    assert named == LOST
    products = lost(serial, "products")
    assert products == {
        f"{WRONG}_clip.jpg": "wrong_pair",
        f"original: {UNCLIPPED}.png": "no_partner",
    }
    assert lost(serial, "synthetic") == {MISFIT: "frame_mismatch"}
    expected = {
        origin: "no_alpha" if origin.startswith(OPAQUE) else "truncated"
        for origin in lost(serial, "composites")
    }
    assert lost(serial, "composites") == expected
    assert set(expected.values()) == {"no_alpha", "truncated"}


def test_nothing_that_belongs_together_is_in_two_splits(serial: Path):
    found = sides(serial)
    assert [name for name, splits in found.items() if len(splits) > 1] == []
    for kind in ("group street", "subject person", "background place"):
        splits = [splits for name, splits in found.items() if name.startswith(kind)]
        assert set[str | None]().union(*splits) == {"train", "val", "test"}, kind


def test_a_copy_follows_its_photograph(serial: Path):
    found = {row["origin"].split("#")[0]: row for row in rows(serial)}
    assert (found[COPY]["group"], found[COPY]["split"]) == (PEOPLE[COPIED], "test")


def test_each_split_has_the_mixture(serial: Path):
    for split in ("train", "val", "test"):
        table = Dataset(serial).split(split).table
        counts = Counter(table["source"].to_pylist())
        for source in ("synthetic", "composites"):
            assert abs(counts[source] - 0.2 * table.num_rows) < 1, (split, counts)
    assert {row["status"] for row in rows(serial)} == {"kept", "unused"}


def test_verify_finds_nothing_wrong(serial: Path):
    assert main(["verify", str(serial), "--decode"]) == 0


def test_a_scheduler_of_its_own_leads_to_the_same_bytes(recipe: Path, serial: Path, tmp_path: Path):
    out = tmp_path / "dataset"
    with scheduler_and_workers(tmp_path / "workers") as address:
        assert main(["run", str(recipe), "--out", str(out), "--scheduler", address]) == 0
    assert tree(out) == tree(serial)


@pytest.mark.parametrize(("shards", "workers"), [(2, None), (9, 2)])
def test_a_killed_run_goes_on_to_the_same_bytes(
    recipe: Path, serial: Path, tmp_path: Path, shards: int, workers: int | None
):
    out = tmp_path / "dataset"
    arguments = ["run", str(recipe), "--out", str(out)]
    command = [sys.executable, "-m", "maskmill", *arguments]
    process = subprocess.Popen(
        [*command, *(["--workers", str(workers)] if workers else [])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # In the middle of a partition: its shard is being written.
    while len(list(out.glob("shards/[a-z]*"))) < shards or not list(out.glob("shards/.tmp-*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "dataset.json").exists()
    assert (out / LEASE).exists()
    finished = {path: path.stat().st_mtime_ns for path in out.glob("shards/[a-z]*")}
    assert shards <= len(finished) < len(Dataset(serial).info["shards"])
    assert main(arguments) == 0
    assert tree(out) == tree(serial)
    assert finished == {path: path.stat().st_mtime_ns for path in finished}


def test_another_run_does_nothing(recipe: Path, serial: Path):
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in serial.rglob("*.*")}

    before, then = tree(serial), times()
    assert main(["run", str(recipe), "--out", str(serial)]) == 0
    assert (tree(serial), times()) == (before, then)


def test_verdicts_are_respected_after_another_run(recipe: Path, serial: Path, tmp_path: Path):
    out = tmp_path / "dataset"
    shutil.copytree(serial, out)
    before = Dataset(out).split("train").keys
    rejected, accepted = before[:2]
    reject = [rejected, "--decision", "reject", "--reason", "halo", "--reviewer", "ann"]
    accept = [accepted, "--decision", "accept", "--reviewer", "ann"]
    for verdict in (reject, accept):
        assert main(["verdicts", "add", str(out), *verdict]) == 0
    assert main(["run", str(recipe), "--out", str(out)]) == 0
    standing = {row["key"]: row["verdict"] for row in rows(out) if row["verdict"]}
    assert standing == {rejected: "reject", accepted: "accept"}
    assert Dataset(out).split("train").keys == [key for key in before if key != rejected]
    decided = {name: digest for name, digest in tree(out).items() if "verdicts" not in name}
    assert decided == tree(serial)
    assert main(["verify", str(out), "--decode"]) == 0


def test_the_network_learns_and_is_scored_on_the_test_split(serial: Path, tmp_path: Path):
    test, found = tmp_path / "test", tmp_path / "found"
    settings: dict[str, Any] = {"size": 64, "batch": 4, "device": "cpu", "threads": 1}
    result = fit(serial, out=tmp_path / "training", steps=12, seed=0, **settings)
    assert np.mean(result.losses[-4:]) < 0.8 * np.mean(result.losses[:4])
    assert result.iou is not None

    assert main(["show", str(serial), "--split", "test", "--save", str(test)]) == 0
    predict = ["predict", str(result.checkpoint), str(test / "images"), "--out", str(found)]
    assert main([*predict, "--post", "sharpen", "--device", "cpu"]) == 0
    scores = tmp_path / "scores.json"
    assert main(["evaluate", str(found), str(test / "alphas"), "--out", str(scores)]) == 0
    scored = json.loads(scores.read_text())
    assert set(scored["per_image"]) == set(Dataset(serial).split("test").keys)
    assert scored["not_scored"] == {}
    page = tmp_path / "report.html"
    assert main(["report", str(serial), "--out", str(page)]) == 0
    text = page.read_text()
    assert all(name in text for name in ("people", "products", "synthetic", "composites"))


def test_real_renders_join_what_is_there(recipe: Path, serial: Path, tmp_path: Path):
    try:
        find()
    except NoBlenderError as error:
        pytest.skip(f"no Blender: {error}")
    world, out = tmp_path / "world", tmp_path / "dataset"
    shutil.copytree(recipe.parent, world)
    shutil.copytree(serial, out)
    (world / "scene.toml").write_text(SCENE)
    size = ["--count", "2", "--size", "64", "--samples", "4", "--device", "cpu"]
    rendered = ["render", str(world / "scene.toml"), "--out", str(world / "layers"), *size]
    assert main([*rendered, "--foreground"]) == 0
    for path in (world / "layers").glob("real_*"):
        if ".foreground" not in path.name:
            shutil.copy2(path, world / "renders")
    assert main(["run", str(world / RECIPE.name), "--out", str(out)]) == 0
    assert main(["verify", str(out), "--decode"]) == 0
    joined = [row for row in rows(out) if row["origin"].startswith("real_")]
    assert [row["origin"] for row in joined if row["source"] == "synthetic"] == [
        "real_00000000",
        "real_00000001",
    ]
    assert {row["source"] for row in joined} == {"synthetic", "composites"}
    assert [name for name, splits in sides(out).items() if len(splits) > 1] == []
    splits = {row["key"]: row["split"] for row in rows(out)}
    standing = {row["key"]: row["split"] for row in rows(serial) if row["key"] in splits}
    assert standing == {key: splits[key] for key in standing}
    assert {row["key"] for row in rows(serial) if row["source"] != "composites"} <= set(standing)
