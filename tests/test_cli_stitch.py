"""The command that puts clips back on their photographs, and the sheet it draws."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, chelsea, coffee

from maskmill.cli import main
from maskmill.report.stitching import MAGENTA, over, pair_sheet

SCALE = 0.8


def ellipse(image: Any) -> Any:
    """Return the alpha of what is cut out, 0 to 1."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    centre, axes = (width // 2, height // 2), (width * 3 // 10, height * 7 // 20)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1, cv2.LINE_AA)
    return mask


def cut(image: Any, *, turned: bool = False) -> Any:
    """Cut an ellipse out of the middle, on white, smaller."""
    alpha = ellipse(image)[..., None]
    clip = image * alpha + 255 * (1 - alpha)
    clip = cv2.resize(clip, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    clip = np.rint(clip).astype(np.uint8)
    return np.ascontiguousarray(clip[:, ::-1]) if turned else clip


def write(path: Path, image: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1])
    return path


def stitch(*arguments: object) -> int:
    return main(["stitch", *map(str, arguments)])


def records(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "stitched.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert len({record["name"] for record in found}) == len(found)
    return {record["name"]: record for record in found}


def files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


def read_alpha(path: Path) -> Any:
    levels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert levels is not None
    assert (levels.ndim, levels.dtype) == (2, np.uint8)
    return levels / 255


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A pair, a mirrored pair in a folder, a wrong pair, and the folder of the results."""
    photographs, clips = tmp_path / "photographs", tmp_path / "clips"
    write(photographs / "cup.png", coffee())
    write(photographs / "pets" / "cat.jpg", chelsea())
    write(photographs / "wrong.png", astronaut())
    write(clips / "cup_clip.png", cut(coffee()))
    write(clips / "pets" / "cat.jpg", cut(chelsea(), turned=True))
    write(clips / "wrong.png", cut(coffee()))
    return photographs, clips, tmp_path / "out"


def test_alphas_come_out_in_the_frame_of_the_photographs(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert stitch(*folders[:2], "--out", folders[2]) == 0
    assert files(folders[2]) == [
        "cup_clip.alpha.png",
        "pets/cat.alpha.png",
        "stitched.csv",
        "stitched.jsonl",
    ]
    for name, image in (("cup_clip", coffee()), ("pets/cat", chelsea())):
        alpha, truth = read_alpha(folders[2] / f"{name}.alpha.png"), ellipse(image)
        assert alpha.shape == truth.shape
        both, either = np.minimum(alpha, truth).sum(), np.maximum(alpha, truth).sum()
        assert both / either > 0.97
    said = capsys.readouterr().out
    assert "3 pairs: 2 done, 1 refused" in said
    assert "wrong_pair" in said


def test_the_log_says_where_each_clip_lies(folders: tuple[Path, Path, Path]) -> None:
    stitch(*folders[:2], "--out", folders[2])
    found = records(folders[2])
    cup, cat, wrong = found["cup_clip"], found["pets/cat"], found["wrong"]
    expected = [[1 / SCALE, 0, 0.5 / SCALE - 0.5], [0, 1 / SCALE, 0.5 / SCALE - 0.5]]
    assert np.abs(np.array(cup["matrix"]) - expected).max() < 0.3
    assert (cup["status"], cup["original"], cup["clip"]) == ("done", "cup.png", "cup_clip.png")
    assert cup["alpha"] == "cup_clip.alpha.png"
    assert (cat["mirrored"], cup["mirrored"]) == (True, False)
    assert (wrong["status"], wrong["reason"], wrong["alpha"]) == ("refused", "wrong_pair", None)


def test_the_table_has_a_line_for_every_pair(folders: tuple[Path, Path, Path]) -> None:
    stitch(*folders[:2], "--out", folders[2])
    with (folders[2] / "stitched.csv").open(newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["cup_clip", "pets/cat", "wrong"]
    assert float(rows["cup_clip"]["matrix_00"]) == pytest.approx(1 / SCALE, abs=0.01)
    assert (rows["wrong"]["reason"], rows["wrong"]["alpha"]) == ("wrong_pair", "")


def test_other_processes_do_the_same(folders: tuple[Path, Path, Path]) -> None:
    stitch(*folders[:2], "--out", folders[2])
    stitch(*folders[:2], "--out", folders[2].with_name("two"), "--workers", 2)
    for name in ("cup_clip.alpha.png", "pets/cat.alpha.png"):
        one, other = ((folders[2].with_name(folder) / name) for folder in (folders[2].name, "two"))
        assert one.read_bytes() == other.read_bytes()


def test_what_was_done_before_is_passed_over(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    stitch(*folders[:2], "--out", folders[2])
    before = records(folders[2])
    (folders[2] / "cup_clip.alpha.png").unlink()
    write(folders[1] / "wrong.png", cut(astronaut()))
    capsys.readouterr()
    assert stitch(*folders[:2], "--out", folders[2], "--resume") == 0
    assert "1 were done before" in capsys.readouterr().out
    after = records(folders[2])
    assert after["pets/cat"] == before["pets/cat"]
    assert after["wrong"]["status"] == "done"
    assert "cup_clip.alpha.png" in files(folders[2])


def test_a_refused_pair_leaves_no_alpha_of_an_earlier_run(
    folders: tuple[Path, Path, Path],
) -> None:
    stitch(*folders[:2], "--out", folders[2])
    write(folders[1] / "cup_clip.png", cut(astronaut()))
    stitch(*folders[:2], "--out", folders[2])
    assert "cup_clip.alpha.png" not in files(folders[2])


def test_content_pairs_what_names_do_not(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[1] / "cup_clip.png").rename(folders[1] / "4711.png")
    assert stitch(*folders[:2], "--out", folders[2], "--match", "content") == 1
    found = records(folders[2])
    assert {name: record.get("original") for name, record in found.items()} == {
        "4711": "cup.png",
        "pets/cat": "pets/cat.jpg",
        "wrong": "cup.png",
        "original: wrong.png": None,
    }
    assert "original: wrong.png" in capsys.readouterr().err


def test_a_table_names_the_pairs(folders: tuple[Path, Path, Path], tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("original,clipped\ncup.png,wrong.png\n")
    assert stitch(*folders[:2], "--out", folders[2], "--pairs", table) == 0
    assert records(folders[2])["wrong"]["original"] == "cup.png"


def test_two_files_are_one_pair(folders: tuple[Path, Path, Path]) -> None:
    code = stitch(folders[0] / "cup.png", folders[1] / "wrong.png", "--out", folders[2], "--sheet")
    assert code == 0
    assert files(folders[2]) == [
        "stitched.csv",
        "stitched.jsonl",
        "wrong.alpha.png",
        "wrong.sheet.jpg",
    ]


def test_a_sheet_is_drawn_of_every_pair_the_refused_too(
    folders: tuple[Path, Path, Path],
) -> None:
    stitch(*folders[:2], "--out", folders[2], "--sheet")
    drawn = [name for name in files(folders[2]) if name.endswith(".sheet.jpg")]
    assert drawn == ["cup_clip.sheet.jpg", "pets/cat.sheet.jpg", "wrong.sheet.jpg"]


def test_clips_that_differ_in_their_suffix_alone_do_not_overwrite_each_other(
    folders: tuple[Path, Path, Path],
) -> None:
    write(folders[1] / "cup_clip.jpg", cut(coffee()))
    stitch(*folders[:2], "--out", folders[2])
    assert {"cup_clip.png.alpha.png", "cup_clip.jpg.alpha.png"} < set(files(folders[2]))


def test_bad_files_are_told_and_the_others_done(
    folders: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (folders[1] / "wrong.png").write_bytes(b"no picture")
    write(folders[1] / "alone.png", cut(coffee()))
    assert stitch(*folders[:2], "--out", folders[2]) == 1
    found = records(folders[2])
    assert (found["wrong"]["status"], found["wrong"]["reason"]) == ("failed", "unreadable")
    assert found["clip: alone.png"]["reason"] == "no_partner"
    assert found["cup_clip"]["status"] == "done"
    said = capsys.readouterr()
    assert "2 could not be done" in said.out
    assert "alone.png" in said.err


@pytest.mark.parametrize("kind", ["white", "clear", "pixel", "photograph"])
def test_odd_clips_get_a_reason_and_no_traceback(tmp_path: Path, kind: str) -> None:
    image = coffee()
    clips = {
        "white": np.full((90, 90, 3), 255, np.uint8),
        "clear": np.zeros((90, 90, 4), np.uint8),
        "pixel": np.zeros((1, 1, 3), np.uint8),
        "photograph": image[:, :, ::-1],
    }
    photograph = write(tmp_path / "a.png", image)
    clip = tmp_path / "b.png"
    assert cv2.imwrite(str(clip), clips[kind])
    stitch(photograph, clip, "--out", tmp_path / "out")
    record = records(tmp_path / "out")["b"]
    assert record["status"] in ("refused", "failed") or kind == "photograph"
    assert "error" not in record


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no", "clips"), "there must be a folder"),
        (("photographs", "clips", "--workers", 0), "--workers must be"),
        (("photographs", "clips", "--pairs", "no.csv"), "--pairs must be a file"),
        (("photographs", "photographs"), "must be different folders"),
        (("photographs/cup.png", "clips"), "must be two files or two folders"),
    ],
)
def test_mistakes_in_the_command_line_end_it_with_2(
    folders: tuple[Path, Path, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    message: str,
) -> None:
    monkeypatch.chdir(folders[0].parent)
    assert stitch(*arguments, "--out", "out") == 2
    assert message in capsys.readouterr().err
    assert not folders[2].exists()


def test_the_output_cannot_lie_in_the_input(folders: tuple[Path, Path, Path]) -> None:
    assert stitch(*folders[:2], "--out", folders[1]) == 2
    assert stitch(*folders[:2], "--out", folders[1] / "alphas") == 2


def test_a_file_of_the_input_is_never_overwritten(tmp_path: Path) -> None:
    photograph = write(tmp_path / "cup.alpha.png", coffee())
    before = photograph.read_bytes()
    assert stitch(photograph, write(tmp_path / "cup.png", cut(coffee())), "--out", tmp_path) == 2
    assert photograph.read_bytes() == before


def test_the_sheet_shows_the_object_on_magenta_and_what_differs() -> None:
    image, clip, alpha = coffee(), cut(coffee()), ellipse(coffee())
    matrix = np.array([[1 / SCALE, 0, 0.125], [0, 1 / SCALE, 0.125]])
    fitting = pair_sheet(image, clip, matrix, alpha, ("a title", "words"))
    moved = pair_sheet(image, clip, matrix + np.array([[0, 0, 4], [0, 0, 0]]), alpha)
    assert (np.abs(fitting.astype(int) - MAGENTA).max(axis=2) < 3).mean() > 0.02

    def heat(sheet: Any) -> float:
        tile = sheet[:, round(0.6 * sheet.shape[1]) : round(0.79 * sheet.shape[1])].astype(int)
        return float((tile[..., 0] - tile[..., 2] > 60).mean())  # the hot end of the colours

    assert heat(moved) > 3 * heat(fitting)


def test_a_sheet_without_a_place_shows_both_pictures() -> None:
    blank = np.full((60, 60, 3), 255, np.uint8)
    assert pair_sheet(coffee(), blank, None).shape[1] == 1440
    assert pair_sheet(coffee(), blank, np.eye(2, 3)).shape[1] == 1440


def test_a_large_photograph_is_drawn_from_its_part() -> None:
    image = cv2.resize(coffee(), (3000, 2000))
    alpha = np.zeros((2000, 3000), np.float32)
    alpha[20:60, 30:90] = 1
    sheet = pair_sheet(
        image, np.asarray(image[20:60, 30:90]), np.array([[1.0, 0, 30], [0, 1, 20]]), alpha
    )
    assert sheet.shape[0] < 1200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint8), None), "original must be"),
        ((np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9, 3), np.float32), None), "clip must be"),
    ],
)
def test_a_sheet_of_other_arrays_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pair_sheet(*arguments)
    with pytest.raises(ValueError, match="width must be"):
        pair_sheet(coffee(), coffee(), None, width=100)


def test_transparency_is_laid_over_white() -> None:
    clip = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], np.uint8)
    assert over(clip).tolist() == [[[10, 20, 30], [255, 255, 255]]]
