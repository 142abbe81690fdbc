"""The recipe for product photographs, from pairs as a studio makes them to a dataset."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from maskmill.cli import main
from maskmill.curate import Coco
from maskmill.demo import write_photographs
from maskmill.files import write_whole
from maskmill.recipe import read_recipe
from maskmill.sample import Sample
from maskmill.shards.dataset import Dataset
from maskmill.stitch.pairs import ClipPairs
from maskmill.stitch.simulation import Making, simulate

RECIPE = Path(__file__).resolve().parents[1] / "examples" / "vestiaire_products.toml"


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sample]:
    """People of the scikit-image wheel's photographs, with their outlines, by name."""
    annotations, images = write_photographs(tmp_path_factory.mktemp("people"), count=24)
    source = Coco(str(annotations), images=str(images))
    items = [item for part in source.plan(()) for item in source.read(part)]
    whole = [item for item in items if isinstance(item, Sample) and item.has_alpha]
    return {f"{number:03d}": sample for number, sample in enumerate(whole[:10])}


@pytest.fixture(scope="module")
def folder(truth: dict[str, Sample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe with photographs and clips beside it; the last clip shows another photograph."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copy(RECIPE, folder)
    samples = list(truth.items())
    for number, (name, sample) in enumerate(samples):
        last = number == len(samples) - 1
        made_of = samples[0][1] if last else sample
        encoding = "png" if number % 3 == 0 else "jpeg"
        making = Making.drawn("shop", number, mirrored=number % 4 == 1, encoding=encoding)
        clip = simulate(made_of.image, made_of.alpha, making)
        suffix = ".png" if clip.data.startswith(b"\x89PNG") else ".jpg"
        write_whole(folder / "photographs" / f"{name}.png", sample.image_bytes)
        write_whole(folder / "clips" / f"{name}_clip{suffix}", clip.data)
    return folder


def test_the_recipe_names_what_there_is() -> None:
    recipe = read_recipe(RECIPE)
    pipeline, source = recipe.sources["products"]
    assert isinstance(source, ClipPairs)
    assert [type(stage).__name__ for stage in pipeline.stages] == [
        "Realign",
        "ClipMatte",
        "AutoRefine",
    ]


def test_the_recipe_makes_a_dataset_of_photographs_and_clips(
    folder: Path, truth: dict[str, Sample]
) -> None:
    assert main(["run", str(folder / RECIPE.name), "--out", str(folder / "dataset")]) == 0
    dataset = Dataset(folder / "dataset")
    reasons = {row["origin"]: row["reason"] for row in dataset.ledger().to_pylist()}
    wrong = next(origin for origin in reasons if origin.startswith("009"))
    assert reasons[wrong] in ("wrong_pair", "other_view", "perspective", "low_texture")
    found = {sample.origin[:3]: sample for sample in dataset.split()}
    assert len(found) >= 6
    likeness = [
        np.minimum(sample.alpha, truth[name].alpha).sum()
        / np.maximum(sample.alpha, truth[name].alpha).sum()
        for name, sample in found.items()
    ]
    assert np.median(likeness) > 0.93
