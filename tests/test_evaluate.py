"""A set of pairs scored in one pass, and the command that scores two folders."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskmill.cli import main
from maskmill.metrics import (
    METRICS,
    QUICK,
    Evaluation,
    boundary_iou,
    conn,
    e_curve,
    e_measure,
    evaluate,
    evaluate_folders,
    f_beta,
    f_curve,
    grad,
    iou,
    mae,
    mse,
    normalised,
    precision_recall_curve,
    relaxed_f,
    s_measure,
    sad,
    weighted_f,
)
from maskmill.metrics.folders import pair_up, read_mask

SOD = Path(__file__).resolve().parents[2] / "shared" / "data" / "sod"
SINGLE = {
    "iou": iou,
    "mae": mae,
    "s_measure": s_measure,
    "relaxed_f": relaxed_f,
    "boundary_iou": boundary_iou,
    "sad": sad,
    "mse": mse,
    "weighted_f": weighted_f,
    "grad": grad,
    "conn": conn,
}


def discs(number: int) -> list[tuple[Any, Any]]:
    """Return soft discs of several sizes with the hard ones that they stand for."""
    pairs: list[tuple[Any, Any]] = []
    for index in range(number):
        rows, columns = np.mgrid[: 24 + index % 7, : 31 + index % 5].astype(np.float64)
        radius = 5 + index % 6
        off = np.hypot(rows - 12 - index % 3, columns - 15)
        soft = np.clip(0.5 + (radius - off) / (2 + index % 9), 0, 1)
        pairs.append((np.rint(255 * soft) / 255, np.hypot(rows - 12, columns - 15) < radius))
    return pairs


def test_every_column_is_the_metric_of_each_pair():
    pairs = discs(9)
    found = evaluate(pairs, METRICS)
    for name, metric in SINGLE.items():
        assert found.per_image[name].tolist() == [metric(*pair) for pair in pairs], name
        assert found.summary[name] == pytest.approx(float(found.per_image[name].mean()), abs=1e-15)
    scaled = [relaxed_f(*pair, rho=0.004) for pair in pairs]
    assert found.per_image["relaxed_f_scaled"].tolist() == scaled
    for rule in ("max", "mean", "adaptive"):
        f = [f_beta(*pair, threshold=rule) for pair in pairs]
        e = [e_measure(*pair, threshold=rule) for pair in pairs]
        np.testing.assert_allclose(found.per_image[f"f_{rule}"], f, rtol=1e-14)
        np.testing.assert_allclose(found.per_image[f"e_{rule}"], e, rtol=1e-14)


def test_the_curves_of_a_set_are_means_over_more_pairs_than_a_block_holds():
    pairs = discs(130)
    found = evaluate(pairs, ["f_beta", "e_measure"])
    for name, curve in (("f", f_curve), ("e", e_curve)):
        expected = np.mean([curve(*pair) for pair in pairs], axis=0)
        np.testing.assert_allclose(found.curves[name], expected, rtol=1e-13)
    rates = np.mean([precision_recall_curve(*pair) for pair in pairs], axis=0)
    np.testing.assert_allclose(found.curves["precision"], rates[0], rtol=1e-13)
    np.testing.assert_allclose(found.curves["recall"], rates[1], rtol=1e-13)


def test_three_numbers_are_called_max_f():
    right, wrong = np.array([[1.0, 0.0, 0.0, 0.0]]), np.array([[0.4, 0.8, 0.0, 0.0]])
    truth = np.array([[1, 0, 0, 0]], bool)
    found = evaluate([(right, truth), (wrong, truth)], ["f_beta"]).summary
    half = 1.3 * 1 * 0.5 / (0.3 * 0.5 + 1)  # of the second pair, up to level 102
    assert found["f_max"] == pytest.approx((1 + half) / 2)
    assert found["f_max_of_mean_curve"] == pytest.approx((1 + half) / 2)
    assert found["f_max_of_mean_pr"] == pytest.approx(1.3 * 0.75 / (0.3 * 0.75 + 1))


def test_the_best_threshold_of_a_set_is_not_that_of_each_pair():
    dim, bright = np.array([[0.3, 0.1, 0.0]]), np.array([[0.9, 0.6, 0.0]])
    truth = np.array([[1, 0, 0]], bool)
    found = evaluate([(dim, truth), (bright, truth)], ["f_beta"]).summary
    assert found["f_max"] == 1
    assert found["f_max_of_mean_curve"] < 0.9


def test_a_generator_is_read_one_pair_at_a_time():
    held: list[int] = []

    def pairs() -> Any:
        for index, pair in enumerate(discs(5)):
            held.append(index)
            yield pair

    assert len(evaluate(pairs(), ["iou"]).names) == 5
    assert held == [0, 1, 2, 3, 4]


def test_pairs_carry_their_names_and_the_worst_is_known():
    pairs = discs(3)
    pairs[1] = (1 - pairs[1][0], pairs[1][1])
    found = evaluate(pairs, ["iou", "mae"], names=["a", "b", "c"])
    assert found.names == ("a", "b", "c")
    assert found.worst("iou") == ("b", found.per_image["iou"][1])
    assert found.worst("mae") == ("b", found.per_image["mae"][1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluate([]), "pairs must be at least one, got none"),
        (lambda: evaluate(discs(1), ["dice"]), "metrics must be out of iou, .* got 'dice'"),
        (lambda: evaluate(discs(1), []), "metrics must be out of iou, .* got none"),
        (lambda: evaluate(discs(1), "iou"), "metrics must be out of iou, .* got 'iou'"),
        (lambda: evaluate(discs(2), names=["a"]), "names must be one for each pair, got 1 for"),
        (lambda: evaluate(discs(1), names=["a", "b"]), "got more names than pairs"),
        (lambda: evaluate([(np.ones((2, 2)), np.ones((3, 2)))], names=["x"]), "pair x: .* shape"),
    ],
)
def test_a_set_that_cannot_be_scored_is_refused(call: Any, message: str):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.filterwarnings("ignore:This class will be removed")
def test_stretched_sets_score_as_in_pysodmetrics():
    oracle: Any = pytest.importorskip("py_sod_metrics")
    levels = [
        (np.rint(prediction * 150 + 20).astype(np.uint8), np.where(truth, 255, 0).astype(np.uint8))
        for prediction, truth in discs(70)
    ]
    measures = {name: getattr(oracle, name)() for name in ("Fmeasure", "Emeasure", "MAE")}
    measures |= {name: getattr(oracle, name)() for name in ("Smeasure", "WeightedFmeasure")}
    for prediction, truth in levels:
        for measure in measures.values():
            measure.step(prediction, truth)
    expected: dict[str, Any] = {}
    for measure in measures.values():
        expected |= measure.get_results()
    found = evaluate(
        ((prediction / 255, truth > 128) for prediction, truth in levels),
        ["mae", "f_beta", "e_measure", "s_measure", "weighted_f"],
        stretch=True,
    ).summary
    assert found["mae"] == pytest.approx(expected["mae"], abs=1e-12)
    assert found["s_measure"] == pytest.approx(expected["sm"], abs=1e-12)
    assert found["weighted_f"] == pytest.approx(expected["wfm"], abs=1e-12)
    assert found["f_max_of_mean_curve"] == pytest.approx(expected["fm"]["curve"].max(), abs=1e-12)
    assert found["f_mean"] == pytest.approx(expected["fm"]["curve"].mean(), abs=1e-12)
    assert found["f_adaptive"] == pytest.approx(expected["fm"]["adp"], abs=1e-12)
    assert found["e_max_of_mean_curve"] == pytest.approx(expected["em"]["curve"].max(), abs=1e-12)
    assert found["e_mean"] == pytest.approx(expected["em"]["curve"].mean(), abs=1e-12)
    assert found["e_adaptive"] == pytest.approx(expected["em"]["adp"], abs=1e-12)


def test_published_scores_of_a_set_come_out_again():
    if not SOD.is_dir():
        pytest.skip("the SOD maps and their published scores are not on this machine")
    loadmat: Any = pytest.importorskip("scipy.io").loadmat
    published = loadmat(SOD / "published_DSS.mat")
    found, faults = evaluate_folders(SOD / "pred_DSS", SOD / "gt", ["mae", "f_beta", "s_measure"])
    assert found is not None
    assert faults == {}
    assert len(found.names) == 300
    summary = found.summary
    assert summary["mae"] == pytest.approx(published["MAE"].item(), abs=1e-4)
    assert summary["f_max_of_mean_pr"] == pytest.approx(published["MaxFmeasure"].item(), abs=1e-4)
    assert summary["f_adaptive"] == pytest.approx(published["mean_Fmeasure"][2, 0], abs=1e-4)
    assert summary["s_measure"] == pytest.approx(published["S_measure"].item(), abs=1e-4)
    assert summary["f_max_of_mean_curve"] == pytest.approx(0.8038, abs=1e-4)
    assert summary["f_max"] == pytest.approx(0.8346, abs=1e-4)


# Folders and files


def write(path: Path, levels: Any) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    assert cv2.imwrite(str(path), levels)
    return path


def save(folder: Path, pairs: list[tuple[Any, Any]]) -> tuple[str, str]:
    for index, (prediction, truth) in enumerate(pairs):
        write(folder / "found" / f"{index:03}.png", np.rint(255 * prediction).astype(np.uint8))
        write(folder / "true" / f"{index:03}.png", np.where(truth, 255, 0).astype(np.uint8))
    return str(folder / "found"), str(folder / "true")


def scored(found: Evaluation | None) -> Evaluation:
    assert found is not None
    return found


def test_folders_score_as_their_arrays(tmp_path: Path):
    pairs = discs(6)
    found, faults = evaluate_folders(*save(tmp_path, pairs))
    expected = evaluate(pairs, QUICK, names=[f"{index:03}" for index in range(6)])
    assert faults == {}
    assert scored(found).names == expected.names
    assert scored(found).summary == expected.summary


def test_workers_give_the_same_bits(tmp_path: Path):
    folders = save(tmp_path, discs(9))
    one, two = (scored(evaluate_folders(*folders, workers=n)[0]) for n in (1, 2))
    assert one.names == two.names
    assert one.summary == two.summary
    assert all(np.array_equal(one.curves[name], two.curves[name]) for name in one.curves)


def test_files_pair_by_name_whatever_their_suffix(tmp_path: Path):
    grey = np.full((8, 9), 255, np.uint8)
    write(tmp_path / "found" / "a.jpg", grey)
    write(tmp_path / "found" / "only.png", grey)
    (tmp_path / "found" / "notes.txt").write_text("no mask")
    write(tmp_path / "true" / "a.png", grey)
    write(tmp_path / "true" / "b.png", grey)
    write(tmp_path / "true" / "c.png", grey)
    write(tmp_path / "true" / "c.bmp", grey)
    pairs, faults = pair_up(tmp_path / "found", tmp_path / "true")
    assert pairs == {"a": (tmp_path / "found" / "a.jpg", tmp_path / "true" / "a.png")}
    assert faults == {
        "b": "no prediction",
        "c": "several truths: c.bmp, c.png",
        "only": "no truth",
    }


def test_what_predict_wrote_pairs_with_the_photographs_masks(tmp_path: Path):
    grey = np.full((8, 9), 255, np.uint8)
    write(tmp_path / "found" / "a.alpha.png", grey)
    write(tmp_path / "found" / "a.cutout.png", grey)
    write(tmp_path / "true" / "a.png", grey)
    pairs, faults = pair_up(tmp_path / "found", tmp_path / "true")
    assert list(pairs) == ["a"]
    assert faults == {}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_read_in_full(tmp_path: Path, suffix: str):
    path = write(tmp_path / f"a.{suffix}", np.uint16([[0, 1, 40000, 65535]]))
    assert read_mask(path).tolist() == [[0, 1 / 65535, 40000 / 65535, 1]]


def test_transparency_counts_before_colour(tmp_path: Path):
    rgba = np.random.default_rng(0).integers(0, 256, (5, 6, 4)).astype(np.uint8)
    path = write(tmp_path / "a.png", rgba)
    assert np.array_equal(read_mask(path), rgba[..., 3] / 255)


def test_a_grey_mask_saved_in_colour_counts_by_its_grey(tmp_path: Path):
    grey = np.arange(30, dtype=np.uint8).reshape(5, 6)
    for name, levels in (
        ("rgb", cv2.merge([grey] * 3)),
        ("opaque", cv2.merge([grey, grey, grey, np.full_like(grey, 255)])),
    ):
        assert np.array_equal(read_mask(write(tmp_path / f"{name}.png", levels)), grey / 255)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (np.uint8([[[1, 2, 3]]]), "a.png must be a mask, got a colour picture without transp"),
        (np.uint8([[[1, 2, 3, 255]]]), "a.png must be a mask, got a colour picture"),
        (
            np.uint8([[0, 1, 1]]),
            "must use the levels up to 255, got none above 1; .* labels by 255",
        ),
        (np.uint16([[0, 255]]), "must use the levels up to 65535, got none above 255; .* by 257"),
    ],
)
def test_a_truth_that_is_no_mask_is_refused(tmp_path: Path, levels: Any, message: str):
    path = write(tmp_path / "a.png", levels)
    with pytest.raises(ValueError, match=message):
        read_mask(path, truth=True)


def test_an_empty_truth_and_a_faint_prediction_are_masks(tmp_path: Path):
    assert not read_mask(write(tmp_path / "a.png", np.zeros((3, 3), np.uint8)), truth=True).any()
    assert read_mask(write(tmp_path / "b.png", np.uint8([[0, 1]]))).max() == 1 / 255


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_a_broken_file_is_refused(tmp_path: Path, data: bytes):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"a.png must be a picture that OpenCV can decode"):
        read_mask(tmp_path / "a.png")


def test_a_prediction_of_another_size_is_a_fault_unless_it_is_resized(tmp_path: Path):
    truth = np.zeros((40, 60), np.uint8)
    truth[10:30, 20:40] = 255
    write(tmp_path / "true" / "a.png", truth)
    write(tmp_path / "found" / "a.png", truth[::2, ::2])
    found, faults = evaluate_folders(tmp_path / "found", tmp_path / "true", ["iou"])
    assert found is None
    assert faults == {"a": "the prediction is 30 x 20 and the truth 60 x 40"}
    found, faults = evaluate_folders(tmp_path / "found", tmp_path / "true", ["iou"], resize=True)
    assert scored(found).summary["iou"] > 0.9
    assert faults == {}


def test_a_larger_prediction_shrinks_by_area_means(tmp_path: Path):
    truth = np.zeros((6, 8), np.uint8)
    truth[2:4, 2:6] = 255
    write(tmp_path / "true" / "a.png", truth)
    write(tmp_path / "found" / "a.png", np.repeat(np.repeat(truth, 3, axis=0), 3, axis=1))
    found, _ = evaluate_folders(tmp_path / "found", tmp_path / "true", ["mae"], resize=True)
    assert scored(found).summary["mae"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": 0}, "workers must be a number of processes from 1 on, got 0"),
        ({"metrics": ["dice"]}, "metrics must be out of"),
        ({"predictions": "nowhere"}, "predictions must be a folder, got nowhere"),
    ],
)
def test_folders_with_wrong_parameters_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    found, true = save(tmp_path, discs(1))
    with pytest.raises(ValueError, match=message):
        evaluate_folders(**{"predictions": found, "truths": true} | changes)


# The command


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folders = save(tmp_path, discs(3))
    assert main(["evaluate", *folders]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 pairs"
    first = [line.split()[0] for line in lines[2:]]
    assert first[:5] == ["iou", "mae", "f_max", "f_mean", "f_adaptive"]
    assert first[-3:] == ["f_max_of_mean_pr", "f_max_of_mean_curve", "e_max_of_mean_curve"]


def test_the_command_measures_what_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folders = save(tmp_path, discs(2))
    assert main(["evaluate", *folders, "--metrics", "conn, iou"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == ["iou", "conn"]


def test_the_command_writes_csv_and_json(tmp_path: Path):
    pairs = discs(3)
    folders = save(tmp_path, pairs)
    rows, record = tmp_path / "new" / "scores.csv", tmp_path / "scores.json"
    options = ["--metrics", "all", "--out", str(rows), "--out", str(record)]
    assert main(["evaluate", *folders, *options]) == 0
    with rows.open() as file:
        table = list(csv.DictReader(file))
    expected = evaluate(pairs, METRICS)
    assert [row["name"] for row in table] == ["000", "001", "002"]
    assert [float(row["conn"]) for row in table] == expected.per_image["conn"].tolist()
    written = json.loads(record.read_text())
    assert written["summary"] == expected.summary
    assert written["pairs"] == 3
    assert written["per_image"]["001"]["f_max"] == expected.per_image["f_max"][1]
    assert written["curves"]["f"] == expected.curves["f"].tolist()
    assert written["not_scored"] == {}


def test_the_command_stretches(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    prediction, truth = discs(1)[0]
    dim = np.rint(255 * prediction * 0.5) / 255
    folders = save(tmp_path, [(dim, truth)])
    out = tmp_path / "a.json"
    assert main(["evaluate", *folders, "--metrics", "mae", "--stretch", "--out", str(out)]) == 0
    written = json.loads(out.read_text())
    assert written["summary"]["mae"] == mae(normalised(dim), truth)
    assert written["stretch"] is True


def test_the_command_scores_the_rest_and_exits_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folders = save(tmp_path, discs(4))
    (tmp_path / "found" / "001.png").unlink()
    write(tmp_path / "found" / "002.png", np.zeros((3, 3), np.uint8))
    (tmp_path / "true" / "003.png").write_bytes(b"broken")
    assert main(["evaluate", *folders, "--metrics", "iou"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("1 pair\n")
    assert said.out.endswith("not scored: 3\n")
    assert "001: no prediction" in said.err
    assert "002: the prediction is 3 x 3 and the truth 33 x 26" in said.err
    assert "003: 003.png must be a picture" in said.err


def test_the_command_says_so_when_there_is_nothing_to_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "found").mkdir()
    write(tmp_path / "true" / "a.png", np.zeros((3, 3), np.uint8))
    assert main(["evaluate", str(tmp_path / "found"), str(tmp_path / "true")]) == 1
    assert "a: no prediction" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metrics", "dice"], "metrics must be out of"),
        (["--out", "scores.xlsx"], "--out must end in .csv or .json, got scores.xlsx"),
        (["--workers", "0"], "workers must be a number of processes"),
    ],
)
def test_mistakes_in_the_command_line_exit_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
):
    folders = save(tmp_path, discs(1))
    assert main(["evaluate", *folders, *options]) == 2
    assert message in capsys.readouterr().err
