"""The command that puts foregrounds before photographs."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from layers import FACTS, disc, texture, write_jpeg, write_png, write_render
from procedural import tree

from maskmill.cli import main
from maskmill.shards import Dataset, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        rgba = disc(colour=(60 * number, 90, 30))
        write_render(tmp_path / "fronts", f"f{number}", rgba, FACTS | {"group": f"g{number}"})
    for number in range(6):
        write_jpeg(tmp_path / "behind" / "more" / f"b{number}.jpg", texture(number))
    return tmp_path


def composite(folder: Path, *options: object, out: str = "out") -> int:
    return main(
        [
            "composite",
            *("--foregrounds", str(folder / "fronts"), "--backgrounds", str(folder / "behind")),
            *("--out", str(folder / out), *map(str, options)),
        ]
    )


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "composites.jsonl").read_text().splitlines()]


def test_it_makes_a_dataset_and_a_sheet(folder: Path, capsys: pytest.CaptureFixture[str]):
    sheet = folder / "sheet.png"
    assert composite(folder, "--each", "all", "--split", 1, 0, 0, "--sheet", sheet) == 0
    assert "composites: read 18" in capsys.readouterr().out
    assert verify(str(folder / "out")) == []
    dataset = Dataset(str(folder / "out"))
    assert len(dataset.split("train")) == 18
    assert dataset.split()[0].licence.startswith("foreground: CC BY 4.0 (label.png)")
    assert cv2.imread(str(sheet)).shape[1] > 1000


def test_it_makes_files_with_their_facts(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert composite(folder, "--each", 2, "--split", 1, 0, 0, "--files", "--bits", 16) == 0
    assert "6 pairs: 6 train" in capsys.readouterr().out
    found = records(folder / "out")
    assert len(found) == 6
    for record in found:
        image = cv2.imread(str(folder / "out" / record["image"]))
        alpha_file = folder / "out" / f"{record['name']}.alpha.png"
        alpha = cv2.imread(str(alpha_file), cv2.IMREAD_UNCHANGED)
        assert image.shape[:2] == alpha.shape == (record["height"], record["width"])
        assert alpha.dtype == np.uint16
        assert record["split"] == record["image"].split("/")[0] == "train"
        assert record == json.loads((folder / "out" / f"{record['name']}.json").read_text())


def test_files_are_the_same_from_two_processes_and_after_a_stop(folder: Path):
    assert composite(folder, "--each", "all", "--split", 1, 0, 0, "--files", out="one") == 0
    arguments = ("--each", "all", "--split", 1, 0, 0, "--files", "--workers", 2)
    assert composite(folder, *arguments, out="two") == 0
    assert tree(folder / "one") == tree(folder / "two")
    parts = sorted((folder / "two" / ".parts").iterdir())
    parts[0].unlink()
    (picture, *_) = sorted((folder / "two" / "train").glob("*.jpg"))
    picture.unlink()
    (folder / "two" / "composites.jsonl").unlink()
    assert composite(folder, *arguments, out="two") == 0
    assert tree(folder / "one") == tree(folder / "two")


def test_what_could_not_be_used_is_told_and_counts_when_strict(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    write_png(folder / "fronts" / "opaque.png", disc()[..., :3])
    arguments = ("--split", 1, 0, 0, "--files")
    assert composite(folder, *arguments) == 0
    assert "no_alpha" in capsys.readouterr().out
    assert [r["reason"] for r in records(folder / "out") if "reason" in r] == ["no_alpha"]
    assert composite(folder, *arguments, "--strict") == 3
    assert composite(folder, "--split", 1, 0, 0, "--strict", out="dataset") == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "1", "1", "0"], "train, val and test must be shares that sum to 1"),
        (["--coverage", "0.7", "0.2"], "coverage must be two shares"),
        (["--light", "3"], "light must be in"),
        (["--workers", "0"], "--workers must be 1 or more"),
        (["--place", "draw", "--shadows"], "a shadow cannot move"),
        (["--about", "nowhere.csv"], "nowhere.csv"),
    ],
)
@pytest.mark.parametrize("files", [[], ["--files"]])
def test_mistakes_are_told_before_any_work(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
    files: list[str],
):
    assert composite(folder, *options, *files) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_the_output_never_lies_among_the_input(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert composite(folder, out="fronts/out") == 2
    assert "--out must not lie in a folder of the input" in capsys.readouterr().err


def test_missing_and_empty_folders_are_one_line(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "empty").mkdir()
    for fronts in ("nowhere", "empty"):
        arguments = ["--foregrounds", str(folder / fronts), "--backgrounds", str(folder / "behind")]
        for files in ([], ["--files"]):
            out = ["--out", str(folder / "out"), *files]
            assert main(["composite", *arguments, *out]) == 2
            assert len(capsys.readouterr().err.splitlines()) == 1


def test_numbers_that_are_none_are_usage_errors(folder: Path):
    for each in ("0", "-1", "some"):
        with pytest.raises(SystemExit) as ended:
            composite(folder, "--each", each)
        assert ended.value.code == 2
