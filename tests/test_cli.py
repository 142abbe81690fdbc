import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from procedural import Discs, FailsOn, Smallest

import maskmill as mm
from maskmill import cli
from maskmill.cli import main
from maskmill.shards import Dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("cli") / "dataset"
    pipeline = mm.Pipeline(FailsOn("disc-0002")) | Smallest(0.2)
    mm.run({"discs": (pipeline, Discs(20))}, str(out))
    return str(out)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_teaches_by_help(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: maskmill {command}" in text
    assert len(text.splitlines()) > 5


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["shwo"])
    assert ended.value.code == 2
    assert "invalid choice: 'shwo'" in capsys.readouterr().err


def test_the_program_runs_as_a_module():
    ran = subprocess.run(
        [sys.executable, "-m", "maskmill", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout == f"maskmill {mm.__version__}\n"


def test_show_tells_the_funnel_and_the_samples(dataset: str, capsys: pytest.CaptureFixture[str]):
    assert main(["show", dataset, "--limit", "2"]) == 0
    text = capsys.readouterr().out
    kept = len(Dataset(dataset))
    assert "discs: read 20" in text
    assert "too_small" in text
    assert f"... and {kept - 2} more" in text


def test_show_writes_the_pictures_of_a_sample(
    dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    key = Dataset(dataset).split().keys[0]
    assert main(["show", dataset, key[:8], "--save", str(tmp_path)]) == 0
    assert key in capsys.readouterr().out
    alpha = cv2.imread(str(tmp_path / f"{key[:12]}.alpha.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(alpha, np.rint(Dataset(dataset).sample(key).alpha * 255))
    assert len(list(tmp_path.iterdir())) == 3


def test_show_lists_what_was_dropped_and_why(dataset: str, capsys: pytest.CaptureFixture[str]):
    assert main(["show", dataset, "--dropped", "too_small", "--limit", "1"]) == 0
    text = capsys.readouterr().out
    assert "smallest  too_small  coverage=0." in text
    assert "dropped, 1 shown" in text


def test_show_lists_tracebacks_of_failures(dataset: str, capsys: pytest.CaptureFixture[str]):
    assert main(["show", dataset, "--failed"]) == 0
    text = capsys.readouterr().out
    assert "ZeroDivisionError: this stage cannot take discs" in text
    assert "1 failed" in text


def test_a_key_that_names_none_is_an_error_in_one_line(
    dataset: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["show", dataset, "zz"]) == 1
    error = capsys.readouterr().err
    assert error == "maskmill: error: key must name one sample, 'zz' names 0\n"


def test_verify_says_what_is_wrong_and_exits_with_one(
    dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    import shutil

    assert main(["verify", dataset, "--decode"]) == 0
    assert "no problem" in capsys.readouterr().out
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    next(copy.glob("shards/*")).unlink()
    assert main(["verify", str(copy)]) == 1
    assert "is missing" in capsys.readouterr().out


def test_a_folder_that_is_no_dataset_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["verify", str(tmp_path)]) == 1
    assert "no finished dataset" in capsys.readouterr().err


def test_stages_lists_the_parts_and_shows_one(capsys: pytest.CaptureFixture[str]):
    assert main(["stages"]) == 0
    text = capsys.readouterr().out
    for name in ("coco", "person_filter", "clean", "smooth", "split"):
        assert f"  {name} " in text
    assert main(["stages", "person_filter"]) == 0
    text = capsys.readouterr().out
    assert "[[people.stage]]" in text
    assert "coverage = [0.2, 0.7]" in text
    assert main(["stages", "person_fliter"]) == 1
    assert 'did you mean "person_filter"?' in capsys.readouterr().err


def test_report_writes_a_page_and_a_sheet(
    dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    page, sheet = tmp_path / "page.html", tmp_path / "sheet.png"
    assert main(["report", dataset, "--out", str(page), "--sheet", str(sheet)]) == 0
    assert "too_small" in page.read_text()
    assert cv2.imread(str(sheet)) is not None
    assert str(page) in capsys.readouterr().out


def test_train_and_predict_go_from_a_dataset_to_alphas(
    dataset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    flags = ["--size", "64", "--batch", "2", "--split", "all", "--validation", "none"]
    out = tmp_path / "run"
    assert main(["train", dataset, "--out", str(out), "--steps", "2", *flags]) == 0
    assert main(["train", dataset, "--out", str(out), "--steps", "3", *flags]) == 0
    assert "went on from step 2" in capsys.readouterr().out
    (tmp_path / "in").mkdir()
    sample = Dataset(dataset).split()[0]
    (tmp_path / "in/a.png").write_bytes(sample.image_bytes)
    (tmp_path / "in/broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    command = ["predict", str(out / "checkpoint.pt"), str(tmp_path / "in")]
    assert main([*command, "--out", str(tmp_path / "alphas"), "--cutout"]) == 1
    assert "broken.jpg: " in capsys.readouterr().err
    alpha = cv2.imread(str(tmp_path / "alphas/a.alpha.png"), cv2.IMREAD_UNCHANGED)
    assert alpha.shape == (sample.height, sample.width)
    cutout = cv2.imread(str(tmp_path / "alphas/a.cutout.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cutout[..., 3], alpha)
    assert np.array_equal(cutout[..., 2::-1], sample.image)


def test_a_reader_that_hangs_up_is_no_error(dataset: str):
    command = f"{sys.executable} -m maskmill show {dataset} --limit 100 | head -n 1"
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    ran = subprocess.run(  # noqa: S602  (a pipe is what this is about)
        command, shell=True, capture_output=True, text=True, env=environment, check=False
    )
    assert ran.stderr == ""
