"""A folder that `maskmill render` has filled is a source of exact pairs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers import FACTS, disc, write_png, write_render

import maskmill as mm
from maskmill.door import Refused
from maskmill.images import decode_levels
from maskmill.recipe import RecipeError, read_recipe
from maskmill.sample import Dropped, Sample, content_key
from maskmill.shards import Dataset, verify
from maskmill.source import Source
from maskmill.synth import Renders
from maskmill.synth.facts import credited, parsed


def read(source: Renders) -> list[Sample | Dropped]:
    partitions = source.plan(())
    found = [item for partition in partitions for item in source.read(partition)]
    assert len(found) == sum(partition.count for partition in partitions)
    return found


def only(source: Renders) -> Any:
    (item,) = read(source)
    return item


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_render(tmp_path / "renders", "bottle_00", disc(), FACTS)
    return tmp_path / "renders"


def test_a_render_is_its_picture_with_its_alpha(folder: Path):
    source = Renders(str(folder))
    assert isinstance(source, Source)
    sample = only(source)
    assert sample.origin == "bottle_00"
    assert sample.image_bytes == (folder / "bottle_00.png").read_bytes()
    assert np.abs(sample.alpha - disc()[..., 3] / np.float32(255)).max() < 1e-6
    alpha = (folder / "bottle_00.alpha.png").read_bytes()
    assert sample.key == content_key(sample.image_bytes, alpha)


def test_what_the_facts_say_goes_with_it(folder: Path):
    sample = only(Renders(str(folder)))
    assert sample.group == "bottle-5"
    assert sample.licence == "CC BY 4.0 (label.png); CC0 1.0"
    assert sample.tags == ("rendered", "subject:product", "world:courtyard", "alpha:holdout")
    assert sample.scores["camera_lens"] == 70
    assert "camera_f_number" not in sample.scores
    assert sample.scores["coverage"] == pytest.approx(sample.alpha.mean(), abs=1e-6)
    (step,) = sample.history
    assert (step.stage, step.values) == ("render", {"seed": 7, "index": 0, "samples": 16})


def test_views_of_one_subject_are_a_group(folder: Path):
    write_render(folder, "bottle_01", disc(colour=(9, 9, 9)), FACTS | {"index": 1})
    write_render(folder, "shoe_00", disc(), FACTS | {"group": "shoe-1"})
    assert [getattr(item, "group", None) for item in read(Renders(str(folder)))] == [
        "bottle-5",
        "bottle-5",
        "shoe-1",
    ]


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_sixteen_bits_are_quantised_unless_asked_for(folder: Path, bits: Any, dtype: Any):
    write_render(folder, "bottle_00", disc(bits=16), FACTS)
    sample = only(Renders(str(folder), bits=bits))
    assert decode_levels(sample.alpha_bytes).dtype == dtype
    exact = disc(bits=16)[..., 3] / 65535
    assert np.abs(sample.alpha - exact).max() <= 0.5 / ((1 << bits) - 1) + 1e-6


def test_sixteen_bits_reach_the_dataset_where_both_ask_for_them(folder: Path, tmp_path: Path):
    write_render(folder, "bottle_00", disc(bits=16), FACTS)
    source = Renders(str(folder), bits=16)
    mm.run({"renders": (mm.Pipeline(), source)}, str(tmp_path / "sixteen"), bits=16)
    dataset = Dataset(str(tmp_path / "sixteen"))
    assert verify(str(tmp_path / "sixteen")) == []
    (key,) = dataset.split().keys
    exact = disc(bits=16)[..., 3] / np.float32(65535)
    assert np.array_equal(dataset.sample(key).alpha, exact)


def test_pairs_without_facts_are_read_and_say_so(tmp_path: Path):
    write_render(tmp_path / "renders", "a", disc())
    sample = only(Renders(str(tmp_path / "renders")))
    assert (sample.group, sample.licence, sample.history) == ("a", "", ())
    assert sample.tags == ("rendered", "no_facts")


def test_foregrounds_sheets_and_jobs_are_no_renders(folder: Path):
    write_png(folder / "sheet.png", disc()[..., :3])
    (folder / "scene.json").write_text("{}")
    (folder / ".hidden.alpha.png").write_bytes(b"")
    assert [item.origin for item in read(Renders(str(folder)))] == ["bottle_00"]


def test_folders_within_are_entered(folder: Path):
    write_render(folder / "more", "cup", disc(), FACTS)
    assert [item.origin for item in read(Renders(str(folder)))] == ["bottle_00", "more/cup"]


def broken(folder: Path, kind: str) -> dict[str, float]:
    """Spoil the render in one way and return the numbers its row of the ledger has."""
    image, alpha = folder / "bottle_00.png", folder / "bottle_00.alpha.png"
    if kind == "missing_file":
        alpha.unlink()
        return {"alpha": 1}
    if kind == "truncated":
        image.write_bytes(image.read_bytes()[:-30])
        return {}
    if kind == "unreadable":
        alpha.write_bytes(b"no picture")
        return {"alpha": 1}
    if kind == "frame_mismatch":
        write_png(alpha, np.full((48, 60), 65535, np.uint16))
        return {"height": 48, "width": 64, "alpha_height": 48, "alpha_width": 60}
    if kind == "unsupported_mode":
        write_png(alpha, disc()[..., :3])
        return {"alpha": 1}
    if kind == "empty_alpha":
        write_png(alpha, np.zeros((48, 64), np.uint16))
        return {"peak": 0}
    (folder / "bottle_00.json").write_text({"bad_record": "[1, 2]"}[kind])
    return {"facts": 1}


@pytest.mark.parametrize(
    "kind",
    [
        "missing_file",
        "truncated",
        "unreadable",
        "frame_mismatch",
        "unsupported_mode",
        "empty_alpha",
        "bad_record",
    ],
)
def test_what_cannot_be_used_is_dropped_with_its_reason(folder: Path, kind: str):
    values = broken(folder, kind)
    write_render(folder, "cup", disc(), FACTS)
    lost, kept = read(Renders(str(folder)))
    assert isinstance(lost, Dropped)
    assert (lost.reason, dict(lost.values)) == (kind, values)
    assert kept.origin == "cup"


def test_an_alpha_that_is_cut_short_is_not_half_an_alpha(folder: Path):
    alpha = folder / "bottle_00.alpha.png"
    alpha.write_bytes(alpha.read_bytes()[: alpha.stat().st_size * 2 // 3])
    lost = only(Renders(str(folder)))
    assert (lost.reason, dict(lost.values)) == ("truncated", {"alpha": 1})


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path):
    write_render(tmp_path / "elsewhere", "secret", disc(), FACTS)
    (folder / "secret.alpha.png").symlink_to(tmp_path / "elsewhere" / "secret.alpha.png")
    (folder / "secret.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    reasons = {item.origin: getattr(item, "reason", None) for item in read(Renders(str(folder)))}
    assert reasons == {"bottle_00": None, "secret": "unsafe_path"}


def test_a_file_that_vanished_after_planning_is_the_storages_fault(folder: Path):
    source = Renders(str(folder))
    (partition,) = source.plan(())
    (folder / "bottle_00.alpha.png").unlink()
    with pytest.raises(FileNotFoundError, match="was there when the run was planned"):
        list(source.read(partition))


def test_the_fingerprint_follows_the_files_and_not_their_place(folder: Path, tmp_path: Path):
    (first,) = Renders(str(folder)).plan(())
    moved = folder.rename(tmp_path / "moved")
    (second,) = Renders(str(moved)).plan(())
    assert first.fingerprint == second.fingerprint
    (moved / "bottle_00.json").write_text(json.dumps(FACTS | {"group": "other"}))
    (third,) = Renders(str(moved)).plan(())
    assert third.fingerprint != first.fingerprint


def test_wrong_parameters_and_empty_folders_are_errors(tmp_path: Path):
    with pytest.raises(ValueError, match="bits must be 8 or 16, got 12"):
        Renders(str(tmp_path), bits=12)
    with pytest.raises(ValueError, match="samples_per_partition must be at least 1, got 0"):
        Renders(str(tmp_path), samples_per_partition=0)
    with pytest.raises(ValueError, match="got none in"):
        Renders(str(tmp_path)).plan(())
    with pytest.raises(ValueError, match="there must be a folder"):
        Renders(str(tmp_path / "nowhere")).plan(())


def test_a_recipe_reads_renders(folder: Path):
    recipe = folder.parent / "recipe.toml"
    recipe.write_text('[synthetic.source]\nuse = "renders"\nfolder = "renders"\nbits = 16\n')
    _, source = read_recipe(recipe).sources["synthetic"]
    assert source == Renders(str(folder), bits=16)
    recipe.write_text('[synthetic.source]\nuse = "renders"\nfolder = "renders"\nbits = 12\n')
    with pytest.raises(RecipeError, match="bits: must be one of 8, 16, got 12"):
        read_recipe(recipe)


@pytest.mark.parametrize(
    "facts",
    [
        {"group": 7},
        {"group": ""},
        [],
        "text",
    ],
)
def test_facts_that_could_leak_are_refused(facts: Any):
    with pytest.raises(Refused, match="bad_record"):
        parsed(json.dumps(facts).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_facts_that_are_no_json_are_refused(data: bytes):
    with pytest.raises(Refused, match="bad_record"):
        parsed(data)


def test_facts_of_odd_forms_are_passed_over():
    facts = parsed(
        json.dumps(
            {
                "camera": {"lens": "long", "tilt": True, "far": 1e400, "near": 0.1},
                "credits": [None, {"asset": 3}, "x"],
                "subject": [],
                "world": "yard",
                "seed": "seven",
            }
        ).encode()
    )
    assert dict(facts.scores) == {"camera_near": 0.1}
    assert facts.tags == ("world:yard",)
    assert facts.licence == "licence not stated"
    assert dict(facts.step.values) == {}


def test_credit_is_given_where_a_licence_asks_for_it():
    assert credited([]) == ""
    assert credited([("yard", "CC0 1.0"), ("", "CC BY 4.0")]) == "CC BY 4.0; CC0 1.0"
