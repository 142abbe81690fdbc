import argparse
import dataclasses
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from procedural import Discs, FailsOn, Smallest

import maskmill as mm
from maskmill import cli
from maskmill.catalogue import installed
from maskmill.cli import MistakeError, main, mistakes
from maskmill.cli.bars import Bars
from maskmill.cli.run import conclude
from maskmill.files import write_whole
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


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def test_every_option_says_what_it_is_and_what_it_is_by_default():
    lacking: list[str] = []
    for parser in parsers(cli.build_parser()):
        for action in parser._actions:
            name = f"{parser.prog}: {'/'.join(action.option_strings) or action.dest}"
            told = action.help or ""
            if not told and not isinstance(action, argparse._SubParsersAction):
                lacking.append(name)
            given = action.default not in (None, False, True, [], "", argparse.SUPPRESS)
            if action.option_strings and given and "default" not in told:
                lacking.append(f"{name}, by default {action.default}")
    assert lacking == []


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


def test_show_writes_a_split_as_files(dataset: str, tmp_path: Path):
    assert main(["show", dataset, "--split", "all", "--save", str(tmp_path)]) == 0
    view = Dataset(dataset).split()
    for kind, place in (("images", 0), ("alphas", 1)):
        found = {path.stem: path.read_bytes() for path in (tmp_path / kind).iterdir()}
        assert found == {key: view.read(row)[place] for row, key in enumerate(view.keys)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "all"], "need --save DIR"),
        (["3f2a", "--split", "all", "--save", "nowhere"], "no KEY"),
        (["--split", "tset", "--save", "nowhere"], "split must be"),
        (["--source", "cubes", "--save", "nowhere"], "source must be one of discs, got 'cubes'"),
    ],
)
def test_a_split_that_cannot_be_written_is_a_mistake(
    dataset: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["show", dataset, *options]) == 2
    assert message in capsys.readouterr().err
    assert not Path("nowhere").exists()


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
    assert main(["show", dataset, "zz"]) == 2
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
    assert main(["stages", "person_fliter"]) == 2
    assert 'did you mean "person_filter"?' in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["source", "stage", "table stage"])
def test_stages_tells_of_every_parameter(kind: str, capsys: pytest.CaptureFixture[str]):
    for name, entry in installed(kind).items():
        assert main(["stages", name]) == 0
        text = capsys.readouterr().out.partition("In a recipe:")[0]
        for field in dataclasses.fields(entry.load()):
            assert re.search(rf"^(\w+, )*{field.name}(, \w+)* : ", text, re.MULTILINE), field.name


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "DATASET", "--save", "pictures"), "--save needs the KEY"),
        (("show", "nowhere"), "no dataset at {here}/nowhere: no such folder"),
        (("report", "DATASET", "--worst-by", "curls"), "worst_by must be one of coverage"),
        (("report", "DATASET", "--sheet", "sheet.txt"), "--sheet must end in .png, got sheet.txt"),
        (("report", "DATASET", "--out", "folder"), "folder must be a file, got a folder"),
        (("demo", "--coco", "a.json"), "--coco and --images must be given together"),
        (("demo", "--out", "file"), "--out must be a folder, got file"),
        (("run", "recipe.toml", "--out", "file"), "out must be a folder or URL, got the file"),
        (("run", "recipe.toml", "--out", "folder"), "{here}/folder holds notes.txt"),
        (("run", "recipe.toml", "--out", "nosuch://bucket"), "Protocol not known: nosuch"),
        (("run", "lost.toml", "--out", "new"), "[people.source]: {here}/lost.json: no such file"),
        (("train", "DATASET", "--out", "file"), "--out must be a folder, got file"),
        (("train", "DATASET", "--out", "new"), "split must be None, or --split all for all pairs"),
        (("train", "DATASET", "--out", "new", "--split", "all"), "without any: None, --validation"),
        (("train", "DATASET", "--out", "new", "--steps", "0"), "steps must be 1 or more, got 0"),
        (("predict", "a.pt", "photo.jpg", "--out", "new"), "there is no photo.jpg"),
        (("predict", "a.pt", "empty", "--out", "new"), "empty must hold a JPEG, PNG or WebP"),
        (("predict", "a.pt", "file", "--out", "new"), "a.pt: no such file or directory"),
        (("predict", "empty", "file", "--out", "new"), "checkpoint must be a file"),
        (("predict", "file", "file", "--out", "file"), "--out must be a folder, got file"),
        (("predict", "file", "file", "--out", "new"), "checkpoint must be a whole file"),
        (("coco", "nowhere.json"), "nowhere.json: no such file or directory"),
        (("coco", "empty"), "empty: is a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_in_one_line_and_nothing_is_written(
    arguments: tuple[str, ...],
    message: str,
    dataset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("nothing")
    Path("empty").mkdir()
    Path("folder").mkdir()
    Path("folder/notes.txt").write_text("somebody's")
    person = '{"id": 1, "name": "person"}'
    document = f'{{"images": [], "annotations": [], "categories": [{person}]}}'
    Path("people.json").write_text(document)
    recipe = '[people.source]\nuse = "coco"\nannotations = "people.json"\nimages = "empty"\n'
    Path("recipe.toml").write_text(recipe)
    Path("lost.toml").write_text(recipe.replace("people.json", "lost.json"))
    before = sorted(tmp_path.rglob("*"))
    given = [dataset if word == "DATASET" else word for word in arguments]
    unreadable = message.startswith(("no dataset", "folder must be", "Protocol"))
    assert main(given) == (1 if unreadable else 2)
    error = capsys.readouterr().err
    assert error.startswith("maskmill: error: ")
    assert error.count("\n") == 1
    assert message.format(here=tmp_path) in error
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "dataset", "--limit", "-1"),
        ("report", "dataset", "--gallery", "-1"),
        ("demo", "--count", "0"),
        ("demo", "--steps", "none"),
        ("run", "recipe.toml", "--workers", "0"),
        ("train", "dataset", "--out", "run", "--workers", "-1"),
    ],
    ids=" ".join,
)
def test_a_number_that_is_too_small_is_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "must be a whole number, " in capsys.readouterr().err


def test_a_reason_that_no_item_has_names_those_there_are(
    dataset: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["show", dataset, "--dropped", "to_small"]) == 0
    assert "no item has the reason 'to_small'; did you mean" in capsys.readouterr().out


def test_a_run_that_keeps_nothing_says_where_the_reasons_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    report = mm.run({"discs": (mm.Pipeline(Smallest(1.0)), Discs(2))}, tmp_path / "dataset")
    assert conclude(report, strict=False) == 0
    assert f"maskmill show {report.out} --dropped" in capsys.readouterr().err


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path):
    # As root, a rename over /dev/full would take its place.
    with pytest.raises(OSError, match="must be a file, got a device"):
        write_whole("/dev/full", b"page")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_reader_that_hangs_up_is_no_error(dataset: str):
    command = f"{sys.executable} -m maskmill show {dataset} --limit 100 | head -n 1"
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    ran = subprocess.run(  # noqa: S602  (a pipe is what this is about)
        command, shell=True, capture_output=True, text=True, env=environment, check=False
    )
    assert ran.stderr == ""


def test_what_goes_wrong_in_the_work_is_no_mistake_in_the_command_line():
    bars = Bars()
    with pytest.raises(MistakeError), mistakes(ValueError, before=bars):
        raise ValueError("size must be 64 or more")
    bars("train", 1, 2)
    with pytest.raises(ValueError, match="cannot be decoded"), mistakes(ValueError, before=bars):
        raise ValueError("the picture cannot be decoded")
