"""Runs that go on where they have ended, here and on Dask, with a stand-in for Blender."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from maskmill.synth import Scene, render
from maskmill.synth.rendering import FAILURES
from maskmill.synth.scene import BackgroundTable, OccludersTable, SubjectTable

# Writes what a sample consists of, and counts how often; "bad" samples fail.
WORKER = """
import json, os, pathlib, sys
job = json.loads(pathlib.Path(sys.argv[-1]).read_text())
def tell(**event):
    os.write(1, ("@maskmill " + json.dumps(event) + "\\n").encode())
tell(event="ready", blender="5", device="CPU", note="")
out = pathlib.Path(job["out"])
for spec in job["samples"]:
    name = spec["name"]
    tell(event="begin", name=name)
    with (out / "log.txt").open("a") as log:
        log.write(name + "\\n")
    if (out / (name + ".bad")).exists():
        tell(event="failed", name=name, reason="framing", detail="covers 0.1")
        continue
    for end in (".png", ".alpha.png"):
        (out / (name + end)).write_text(spec["stamp"])
    facts = {"stamp": spec["stamp"], "pixels": {}}
    (out / (name + ".json")).write_text(json.dumps(facts))
    tell(event="done", name=name, coverage=0.4, cpu=0.5)
tell(event="end")
"""

SCENE = Scene(
    name="m",
    subject=SubjectTable(monkey=1),
    background=BackgroundTable(count=(0, 0)),
    occluders=OccludersTable(share=0),
)


@pytest.fixture
def blender(tmp_path: Path) -> Path:
    """A program that answers as an installed Blender does, and renders nothing."""
    worker, program = tmp_path / "worker.py", tmp_path / "blender"
    worker.write_text(WORKER)
    run = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(worker))}"
    program.write_text(f'#!/bin/sh\n[ "$2" = --version ] && echo Blender 5.0.1 || {run} "$@"\n')
    program.chmod(0o755)
    return program


def carried_out(blender: Path, out: Path, count: int = 4, **options: Any) -> Any:
    settings = {"size": 32, "samples": 1, **options}
    return render(SCENE, out, count=count, blender=blender, **settings)


def rendered(out: Path) -> list[str]:
    log = out / "log.txt"
    names = log.read_text().split()
    log.unlink()
    return sorted(names)


def test_what_is_there_is_not_rendered_again(blender: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert len(carried_out(blender, out).rendered) == 4
    rendered(out)
    (out / "m_00000001.png").unlink()
    report = carried_out(blender, out, 5)
    assert rendered(out) == ["m_00000001", "m_00000004"] == list(report.rendered)
    assert len(report.found) == 3


@pytest.mark.parametrize("changed", [{"seed": 1}, {"size": 48}, {"samples": 2}])
def test_what_was_asked_for_otherwise_is_rendered_anew(
    blender: Path, tmp_path: Path, changed: dict[str, int]
) -> None:
    out = tmp_path / "out"
    carried_out(blender, out)
    rendered(out)
    assert len(carried_out(blender, out, **changed).rendered) == 4


def test_what_failed_is_told_and_tried_again(blender: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "m_00000002.bad").touch()
    report = carried_out(blender, out)
    told = [json.loads(line) for line in (out / FAILURES).read_text().splitlines()]
    assert told == [{"name": "m_00000002", "reason": "framing", "detail": "covers 0.1"}]
    assert "3 rendered, 1 failed" in str(report)
    assert "framing" in str(report)
    (out / "m_00000002.bad").unlink()
    assert carried_out(blender, out).rendered == ("m_00000002",)
    assert not (out / FAILURES).exists()


def test_what_a_killed_worker_was_writing_is_swept(blender: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    half = out / f".tmp-{'0' * 32}-m_00000000.png"
    half.touch()
    carried_out(blender, out)
    assert not half.exists()


def test_progress_counts_what_is_left_to_do(blender: Path, tmp_path: Path) -> None:
    out, seen = tmp_path / "out", list[tuple[int, int]]()
    carried_out(blender, out, 2)
    carried_out(blender, out, 4, progress=lambda outcome, done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    "wrong", [{"workers": 0}, {"size": 0}, {"timeout": 0}, {"recycle": 0}, {"device": "tpu"}]
)
def test_settings_out_of_range_are_a_mistake(
    blender: Path, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        carried_out(blender, tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_a_farm_renders_the_same_and_goes_on_likewise(blender: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    out = tmp_path / "out"
    carried_out(blender, out, 2)
    rendered(out)
    (out / "m_00000005.bad").touch()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        report = carried_out(blender, out, 8, client=client)
        assert (len(report.rendered), len(report.found)) == (5, 2)
        assert [failed.reason for failed in report.failed] == ["framing"]
        assert len(rendered(out)) == 6
        nowhere = render(SCENE, tmp_path / "other", count=2, client=client, blender="/none/blender")
    assert {failed.reason for failed in nowhere.failed} == {"no_start"}
