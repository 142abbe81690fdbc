import datetime
from pathlib import Path

import numpy as np
import pytest
from procedural import Discs

import maskmill as mm
from maskmill.cli import main
from maskmill.sample import Sample
from maskmill.shards import Dataset, Verdict, append_verdicts


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    mm.run({"discs": (mm.Pipeline(), Discs(6))}, str(tmp_path / "dataset"))
    return Dataset(tmp_path / "dataset")


def decide(
    dataset: Dataset, row: int, decision: str, reviewer: str = "ann", **more: object
) -> None:
    facts = dataset.table().to_pylist()[row]
    minute = len(dataset.storage.names("verdicts"))
    at = datetime.datetime(2026, 1, 1, 12, minute, tzinfo=datetime.UTC)
    alpha = str(more.pop("alpha_hash", facts["alpha_hash"]))
    reason = None if decision == "accept" else str(more.pop("reason", "halo"))
    append_verdicts(
        dataset.storage,
        [Verdict(facts["key"], alpha, decision, reviewer, reason=reason, decided_at=at)],
    )


def standing(dataset: Dataset) -> list[str | None]:
    return dataset.table()["verdict"].to_pylist()


def test_a_rejected_sample_is_not_trained_on(dataset: Dataset):
    decide(dataset, 1, "reject")
    decide(dataset, 2, "accept")
    decide(dataset, 3, "fix")
    assert standing(dataset) == [None, "reject", "accept", "fix", None, None]
    keys = dataset.table()["key"].to_pylist()
    assert dataset.split().keys == [keys[0], keys[2], keys[4], keys[5]]


def test_a_reviewers_later_decision_replaces_the_earlier(dataset: Dataset):
    decide(dataset, 0, "reject")
    decide(dataset, 0, "accept")
    assert standing(dataset)[0] == "accept"


def test_reviewers_who_disagree_make_a_conflict_that_is_left_out(dataset: Dataset):
    decide(dataset, 0, "reject")
    decide(dataset, 0, "accept", reviewer="ben")
    assert standing(dataset)[0] == "conflict"
    assert len(dataset.split()) == 5


@pytest.mark.parametrize(
    ("decision", "reason", "expected"),
    [
        ("accept", None, "stale"),
        ("reject", "halo", "stale"),
        ("reject", "wrong_subject", "reject"),
        ("reject", "misaligned", "reject"),
    ],
)
def test_what_was_said_of_another_alpha_goes_stale_unless_the_picture_is_at_fault(
    dataset: Dataset, decision: str, reason: str | None, expected: str
):
    decide(dataset, 0, decision, alpha_hash="0" * 32, reason=reason)
    assert standing(dataset)[0] == expected


def test_the_alpha_hash_is_of_the_pixels_not_of_the_encoding():
    import cv2

    from maskmill.images import decode_levels
    from maskmill.shards.writer import alpha_hash

    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    files = [cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, c])[1] for c in (0, 9)]
    assert files[0].tobytes() != files[1].tobytes()
    assert len({alpha_hash(decode_levels(file.tobytes())) for file in files}) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"decision": "maybe"}, "decision must be one of accept, reject, fix, got 'maybe'"),
        ({"decision": "reject", "reason": "ugly"}, "reason must be one of white_hole"),
        ({"decision": "accept", "reviewer": ""}, "reviewer must be a name"),
        (
            {"decision": "accept", "decided_at": datetime.datetime(2026, 1, 1)},
            "must have a time zone",
        ),
    ],
)
def test_a_verdict_that_says_nothing_clear_is_refused(fields: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        Verdict(**({"key": "k", "alpha_hash": "h", "reviewer": "ann"} | fields))  # pyright: ignore


def test_verdicts_go_in_and_out_by_the_command_line(
    dataset: Dataset, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    keys = dataset.table()["key"].to_pylist()
    folder = dataset.storage.url
    flags = ["--decision", "reject", "--reason", "halo", "--reviewer", "ann"]
    assert main(["verdicts", "add", folder, keys[0][:10], *flags]) == 0
    table = tmp_path / "more.csv"
    table.write_text(f"key,decision,reviewer,note\n{keys[1]},accept,ben,fine\n")
    assert main(["verdicts", "add", folder, "--from", str(table)]) == 0
    capsys.readouterr()
    assert main(["verdicts", "list", folder]) == 0
    listed = capsys.readouterr().out
    assert "ann" in listed
    assert "fine" in listed
    assert "2 verdicts" in listed
    assert standing(dataset)[:2] == ["reject", "accept"]


def test_a_csv_line_with_a_mistake_is_named_and_nothing_is_added(
    dataset: Dataset, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    keys = dataset.table()["key"].to_pylist()
    table = tmp_path / "more.csv"
    table.write_text(f"key,decision,reviewer\n{keys[1]},accept,ben\n{keys[2]},maybe,ben\n")
    assert main(["verdicts", "add", dataset.storage.url, "--from", str(table)]) == 2
    assert "line 3: decision must be one of" in capsys.readouterr().err
    assert standing(dataset) == [None] * 6


def test_verdicts_survive_the_next_run(dataset: Dataset):
    decide(dataset, 0, "reject")
    mm.run({"discs": (mm.Pipeline(), Discs(12))}, dataset.storage.url)
    again = Dataset(dataset.storage.url)
    assert standing(again)[0] == "reject"
    assert len(again.split()) == 11


def test_a_sample_read_by_key_ignores_verdicts(dataset: Dataset):
    decide(dataset, 0, "reject")
    assert isinstance(dataset.sample(dataset.table()["key"].to_pylist()[0]), Sample)
