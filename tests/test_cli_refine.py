"""The command that makes masks better, and the picture it draws."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from maskmill.cli import main
from maskmill.report.refinement import COLOURS, Told, before_after, places

HEIGHT, WIDTH = 150, 200
HOLE = np.s_[60:74, 90:104]


def photograph() -> Any:
    """Return a reddish disc on a greenish ground, BGR, with some grain."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(rows - 75, columns - 100) < 50
    image = np.where(disc[..., None], (40, 60, 200), (60, 150, 70))
    grain = np.random.default_rng(0).normal(0, 3, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def mask() -> Any:
    """Return the disc, 0 and 255."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.where(np.hypot(rows - 75, columns - 100) < 50, 255, 0).astype(np.uint8)


def holed() -> Any:
    levels = mask()
    levels[HOLE] = 0
    return levels


def write(path: Path, picture: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def read(path: Path) -> Any:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture


def refine(*arguments: object) -> int:
    return main(["refine", *map(str, arguments)])


def records(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "refined.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert len({record["name"] for record in found}) == len(found)
    return {record["name"]: record for record in found}


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    folder = tmp_path / "in"
    return write(folder / "cat.jpg", photograph()), write(folder / "cat.mask.png", holed())


def test_a_mask_is_written_better_beside_the_old_one(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refine(*pair) == 0
    better = read(pair[1].with_name("cat.refined.png"))
    assert better.dtype == np.uint8
    assert np.array_equal(better, mask())
    assert np.array_equal(read(pair[1]), holed())
    said = capsys.readouterr().out
    assert "hole 0.9" in said
    assert "mended: clean" in said


def test_a_pair_may_go_where_it_is_told(pair: tuple[Path, Path], tmp_path: Path) -> None:
    assert refine(*pair, "--out", tmp_path / "new" / "b.png", "--cutout", "--picture") == 0
    assert files(tmp_path / "new") == ["b.before_after.jpg", "b.cutout.png", "b.png"]
    assert files(tmp_path / "in") == ["cat.jpg", "cat.mask.png"]


@pytest.mark.parametrize(
    "name",
    ["a.alpha.png", "a.mask.png", "a_alpha.png", "a_mask.PNG", "a.png", "a_mask.jpg"],
)
def test_a_folder_pairs_masks_by_their_names(tmp_path: Path, name: str) -> None:
    write(tmp_path / "in" / "a.webp", photograph())
    write(tmp_path / "in" / name, holed())
    write(tmp_path / "in" / "a.cutout.png", holed())
    assert refine(tmp_path / "in", "--out", tmp_path / "out") == 0
    assert files(tmp_path / "out") == ["a.alpha.png", "refined.csv", "refined.jsonl"]


def test_two_folders_pair_by_name(tmp_path: Path) -> None:
    for name, told in (("a", "a.png"), ("b", "b.alpha.png"), ("c_mask", "c_mask.png")):
        write(tmp_path / "photographs" / f"{name}.png", photograph())
        write(tmp_path / "masks" / told, mask())
    code = refine(tmp_path / "photographs", tmp_path / "masks", "--out", tmp_path / "out")
    assert code == 0
    assert sorted(records(tmp_path / "out")) == ["a", "b", "c_mask"]


def test_a_good_mask_comes_back_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "a.png", photograph())
    path = write(tmp_path / "a_mask.png", cv2.GaussianBlur(mask(), (0, 0), 0.5))
    assert refine(tmp_path / "a.png", path, "--json") == 0
    assert np.array_equal(read(tmp_path / "a.refined.png"), read(path))


def test_16_bits_stay_16_bits(tmp_path: Path) -> None:
    write(tmp_path / "a.png", photograph())
    levels = cv2.GaussianBlur(mask().astype(np.uint16) * 257, (0, 0), 0.5)
    path = write(tmp_path / "a_mask.png", levels)
    assert refine(tmp_path / "a.png", path) == 0
    better = read(tmp_path / "a.refined.png")
    assert better.dtype == np.uint16
    assert np.array_equal(better, levels)


def test_of_a_cut_out_the_alpha_counts(tmp_path: Path) -> None:
    write(tmp_path / "a.png", photograph())
    rgba = np.dstack([photograph(), holed()])
    assert refine(tmp_path / "a.png", write(tmp_path / "b.png", rgba)) == 0
    assert np.array_equal(read(tmp_path / "a.refined.png"), mask())


def test_a_colour_picture_is_no_mask(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refine(pair[0], pair[0].with_name("no.png")) == 2
    assert refine(pair[0], write(pair[0].with_name("no.png"), photograph())) == 1
    assert "got a colour picture without transparency" in capsys.readouterr().err


@pytest.mark.parametrize("size", [(64, 48), (64, 64), (400, 300)])
def test_a_mask_of_another_size_is_brought_to_the_photograph(
    tmp_path: Path, size: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.png", photograph())
    small = cv2.resize(mask(), size, interpolation=cv2.INTER_AREA)
    assert refine(tmp_path / "a.png", write(tmp_path / "m.png", small), "--json") == 0
    better = read(tmp_path / "a.refined.png")
    assert np.mean((better > 127) != (mask() > 127)) < 0.01
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    verb = "enlarged" if size[0] < WIDTH else "reduced"
    assert note == f"mask: {verb} from {size[0]} x {size[1]}"


def test_a_mask_of_other_proportions_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.png", photograph())
    path = write(tmp_path / "m.png", mask()[:100])
    assert refine(tmp_path / "a.png", path) == 1
    assert "the mask is 200 x 100, the photograph 200 x 150" in capsys.readouterr().err


def rotated(path: Path) -> Path:
    """Write the photograph on its side, with an EXIF tag that turns it upright."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    lying = np.rot90(photograph()[..., ::-1])
    Pillow.fromarray(np.ascontiguousarray(lying)).save(path, exif=exif)
    return path


def test_a_mask_of_a_rotated_photograph_fits_it_upright(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", holed())
    assert refine(rotated(tmp_path / "a.jpg"), path) == 0
    assert np.array_equal(read(tmp_path / "a.refined.png"), mask())


def test_a_mask_of_the_lying_file_is_told_from_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "m.png", np.ascontiguousarray(np.rot90(mask())))
    assert refine(rotated(tmp_path / "a.jpg"), path) == 1
    assert "after its EXIF orientation is applied" in capsys.readouterr().err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of two pairs, of which the first has a hole."""
    for name, levels in (("a", holed()), ("b", mask())):
        write(tmp_path / "in" / f"{name}.jpg", photograph())
        write(tmp_path / "in" / f"{name}.png", levels)
    return tmp_path / "in"


def test_a_bad_file_does_not_stop_the_others(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.png").write_bytes((folder / "a.png").read_bytes()[:100])
    (folder / "c.jpg").write_bytes(b"no picture")
    write(folder / "c.mask.png", mask())
    write(folder / "d.jpg", photograph())
    write(folder / "e_mask.png", mask())
    assert refine(folder, "--out", tmp_path / "out") == 1
    found = records(tmp_path / "out")
    assert [name for name, record in found.items() if record["error"] is None] == ["b"]
    assert found["d"]["error"] == "no mask"
    assert found["e"]["error"] == "no photograph"
    assert files(tmp_path / "out") == ["b.alpha.png", "refined.csv", "refined.jsonl"]
    captured = capsys.readouterr()
    assert "1 mask: 0 mended, 1 as they came; 4 could not be done" in captured.out
    assert "a.png must be a picture" in captured.err


def test_the_table_has_a_line_for_every_file(folder: Path, tmp_path: Path) -> None:
    write(folder / "d.jpg", photograph())
    assert refine(folder, "--out", tmp_path / "out") == 1
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "refined.csv").read_text())))
    assert [row["name"] for row in rows] == ["a", "b", "d"]
    assert [row["kept"] for row in rows] == ["clean", "", ""]
    assert [row["error"] for row in rows] == ["", "", "no mask"]
    assert float(rows[0]["hole"]) > 0.9 > float(rows[1]["hole"])


def test_quality_rises_where_a_hole_was_filled(folder: Path, tmp_path: Path) -> None:
    refine(folder, "--out", tmp_path / "out")
    found = records(tmp_path / "out")
    assert found["a"]["quality_before"] < found["a"]["quality_after"]
    assert found["b"]["quality_before"] == found["b"]["quality_after"]


def test_resume_passes_over_what_has_not_changed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    refine(folder, "--out", out)
    before = records(out)
    written = (out / "a.alpha.png").stat().st_mtime_ns
    capsys.readouterr()
    assert refine(folder, "--out", out, "--resume") == 0
    assert (out / "a.alpha.png").stat().st_mtime_ns == written
    assert records(out) == before
    assert "2 were done before" in capsys.readouterr().out


def test_resume_does_again_what_has_changed_or_is_gone(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refine(folder, "--out", out)
    write(folder / "a.png", mask())
    os.utime(folder / "a.png", ns=(0, 0))
    (out / "b.alpha.png").unlink()
    refine(folder, "--out", out, "--resume")
    assert not records(out)["a"]["touched"]
    assert (out / "b.alpha.png").exists()


def test_resume_survives_a_log_that_was_cut_off(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    refine(folder, "--out", out)
    log = out / "refined.jsonl"
    log.write_bytes(log.read_bytes()[:-40])
    assert refine(folder, "--out", out, "--resume") == 0
    assert sorted(records(out)) == ["a", "b"]


def test_processes_write_the_same_as_one(folder: Path, tmp_path: Path) -> None:
    assert refine(folder, "--out", tmp_path / "one", "--cutout") == 0
    assert refine(folder, "--out", tmp_path / "two", "--cutout", "--workers", 2) == 0
    for name in ("a.alpha.png", "a.cutout.png", "b.alpha.png", "b.cutout.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_dry_run_tells_and_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refine(folder, "--out", tmp_path / "out", "--picture", "--dry-run") == 0
    assert files(tmp_path) == ["in"]
    assert files(folder) == ["a.jpg", "a.png", "b.jpg", "b.png"]
    said = capsys.readouterr().out
    assert "hole 0.9" in said
    assert "nothing found" in said


def test_json_is_a_line_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder / "c.jpg", photograph())
    assert refine(folder, "--dry-run", "--json") == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(record["name"], record["error"]) for record in found] == [
        ("c", "no mask"),
        ("a", None),
        ("b", None),
    ]
    assert found[1]["regions"] == [["hole", 90, 60, 14, 14]]


def test_a_cut_out_has_lost_the_background(tmp_path: Path) -> None:
    soft = cv2.GaussianBlur(mask(), (0, 0), 1)
    share = soft[..., None] / 255
    mixed = share * (40, 60, 200) + (1 - share) * (250, 150, 70)
    write(tmp_path / "a.png", np.rint(mixed).astype(np.uint8))
    assert refine(tmp_path / "a.png", write(tmp_path / "m.png", soft), "--cutout") == 0
    rgba = read(tmp_path / "a.refined.cutout.png")
    edge = (rgba[..., 3] > 100) & (rgba[..., 3] < 250)
    assert edge.sum() > 100
    blue = rgba[edge][:, 0].astype(float)
    assert blue.mean() < 0.8 * mixed[edge][:, 0].mean()


def test_an_empty_mask_comes_back_with_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.png", photograph())
    assert refine(tmp_path / "a.png", write(tmp_path / "m.png", mask() * 0), "--picture") == 0
    assert not read(tmp_path / "a.refined.png").any()
    assert "the mask is empty" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["in/a.jpg"], "needs its mask"),
        (["in/a.jpg", "in"], "two files or two folders"),
        (["in/nothing.jpg", "in/a.png"], "there is no"),
        (["in"], "--out must name the folder"),
        (["in", "--out", "in"], "another folder"),
        (["in", "--out", "in/a.png"], "must be a folder"),
        (["in/a.jpg", "in/a.png", "--out", "in/b.jpg"], "must end in .png"),
        (["in/a.jpg", "in/a.png", "--out", "in/a.png"], "a file of the input"),
        (["in/a.jpg", "in/a.png", "--resume"], "for a folder"),
        (["in", "--dry-run", "--workers", "0"], "--workers must be 1"),
        (["empty", "--dry-run"], "got none"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_meant_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    assert refine(*arguments) == 2
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


def test_the_picture_marks_a_hole(pair: tuple[Path, Path]) -> None:
    assert refine(*pair, "--picture") == 0
    drawn = read(pair[1].with_name("cat.refined.before_after.jpg"))[..., ::-1]
    off = np.abs(drawn.astype(int) - COLOURS["hole"]).max(axis=2)
    assert np.count_nonzero(off < 40) > 100


def floats(levels: Any) -> Any:
    return levels.astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 3), (2000, 1500)])
def test_pictures_of_any_shape_are_drawn(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    before, after = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    assert before_after(image, before, after, width=400).shape[1] == 400


def test_long_words_are_wrapped_and_odd_ones_drawn() -> None:
    told = Told("x" * 300, [("unheard_of", "word " * 60)], ["ünïcödé \x00"])
    image = np.zeros((20, 30, 3), np.uint8)
    alpha = np.ones((20, 30), np.float32)
    short = before_after(image, alpha, alpha, width=300)
    assert before_after(image, alpha, alpha, (), told, width=300).shape[0] > short.shape[0] + 100


def test_no_place_is_shown_where_nothing_changed() -> None:
    alpha = floats(mask())
    assert places(alpha, alpha) == []


def test_the_places_lie_where_most_changed() -> None:
    before, after = floats(mask()), floats(mask())
    after[0:30, 0:30] = 1
    after[HOLE] = 0
    first, second, *_ = places(before, after, column=240)
    assert first[0] <= 10
    assert first[1] == 0
    assert second[0] <= 90
    assert second[2] >= 104


def test_a_picture_that_does_not_fit_is_refused() -> None:
    image, alpha = np.zeros((20, 30, 3), np.uint8), np.ones((20, 30), np.float32)
    with pytest.raises(ValueError, match="image must be"):
        before_after(image[..., 0], alpha, alpha)
    with pytest.raises(ValueError, match="alpha must"):
        before_after(image, alpha, alpha[:10])
    with pytest.raises(ValueError, match="width must be at least 300"):
        before_after(image, alpha, alpha, width=200)
