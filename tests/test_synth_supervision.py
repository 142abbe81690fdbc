"""Workers that hang, crash, are killed or never start: one sample is lost, the rest is done."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskmill.cli import main
from maskmill.synth.interpreter import NoBlenderError, find
from maskmill.synth.supervision import REASONS, Outcome, supervise

# A worker without Blender: it does what the sample's "does" says.
WORKER = """
import json, os, pathlib, signal, sys, time
job = json.loads(pathlib.Path(sys.argv[1]).read_text())
def tell(**event):
    os.write(1, ("\\n@maskmill " + json.dumps(event) + "\\n").encode())
if job["samples"][0].get("does") == "no_start":
    print("libSM.so.6: cannot open shared object file"); sys.exit(1)
tell(event="ready", blender="5", device="CPU", note=job["samples"][0].get("note", ""))
for spec in job["samples"]:
    name, does = spec["name"], spec.get("does")
    tell(event="begin", name=name)
    pathlib.Path(job["out"], name + ".pid").write_text(str(os.getpid()))
    print("Fra:1 Mem:12M", end="")
    if does == "hang":
        time.sleep(600)
    if does == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if does == "exit":
        print("out of patience"); sys.stdout.flush(); os._exit(3)
    if does == "fail":
        tell(event="failed", name=name, reason="missing_texture", detail="wood.png")
        continue
    tell(event="done", name=name, coverage=0.4, cpu=1.0)
tell(event="end")
if job["samples"][-1].get("does") == "die_late":
    os.kill(os.getpid(), signal.SIGSEGV)
"""

Run = Callable[..., list[Outcome]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)

    def carried_out(does: list[str | None], **options: Any) -> list[Outcome]:
        specs = [{"name": f"s{n}", "does": word} for n, word in enumerate(does)]
        settings = {"timeout": 20.0, **options}
        command = [sys.executable, str(script)]
        return list(supervise(specs, lambda job: [*command, str(job)], tmp_path, **settings))

    return carried_out


def reasons(outcomes: list[Outcome]) -> dict[str, str]:
    names = [outcome.name for outcome in outcomes]
    assert len(set(names)) == len(names), "each sample once"
    return {outcome.name: outcome.reason for outcome in outcomes}


def test_all_samples_are_done_in_order(run: Run) -> None:
    outcomes = run([None, None, None])
    assert [outcome.name for outcome in outcomes] == ["s0", "s1", "s2"]
    assert all(outcome.done and outcome.coverage == 0.4 for outcome in outcomes)


def test_several_workers_share_them(run: Run, tmp_path: Path) -> None:
    assert set(reasons(run([None] * 6, workers=3))) == {f"s{n}" for n in range(6)}
    assert len({(tmp_path / f"s{n}.pid").read_text() for n in range(6)}) == 3


def test_a_worker_is_replaced_after_a_number_of_samples(run: Run, tmp_path: Path) -> None:
    run([None] * 5, recycle=2)
    assert len({(tmp_path / f"s{n}.pid").read_text() for n in range(5)}) == 3


@pytest.mark.parametrize(
    ("does", "reason"),
    [("kill", "killed"), ("segv", "crashed"), ("exit", "crashed"), ("fail", "missing_texture")],
)
def test_what_ends_a_worker_loses_one_sample(run: Run, does: str, reason: str) -> None:
    found = reasons(run([None, does, None, None]))
    assert found == {"s0": "", "s1": reason, "s2": "", "s3": ""}


def test_a_sample_that_hangs_is_ended(run: Run) -> None:
    started = time.monotonic()
    assert reasons(run([None, "hang", None], timeout=1.0)) == {"s0": "", "s1": "timeout", "s2": ""}
    assert time.monotonic() - started < 15


def test_the_end_of_what_a_crashed_worker_said_is_kept(run: Run) -> None:
    outcome = next(outcome for outcome in run(["exit"]) if not outcome.done)
    assert "exit code 3" in outcome.detail
    assert "out of patience" in outcome.detail


def test_a_worker_that_dies_when_all_is_done_loses_nothing(run: Run) -> None:
    assert reasons(run([None, "die_late"])) == {"s0": "", "s1": ""}


def test_workers_that_never_start_are_given_up(run: Run) -> None:
    outcomes = run(["no_start", None, None])
    assert set(reasons(outcomes).values()) == {"no_start"}
    assert len(outcomes) == 3
    assert "libSM" in outcomes[0].detail


def test_bad_samples_one_after_another_do_not_look_like_no_start(run: Run) -> None:
    found = reasons(run(["kill", "kill", "kill", None]))
    assert found == {"s0": "killed", "s1": "killed", "s2": "killed", "s3": ""}


def test_every_reason_is_told_what_it_means() -> None:
    assert {"timeout", "killed", "crashed", "no_start", "framing", "disk_full"} <= set(REASONS)


def test_every_reason_that_the_worker_gives_is_one_of_them() -> None:
    folder = Path(__file__).resolve().parents[1] / "synth" / "blender"
    given = {
        word
        for path in folder.glob("*.py")
        for word in re.findall(r'Failure\(\s*"(\w+)"', path.read_text())
    }
    assert {"framing", "missing_texture", "corrupt_asset"} <= given <= set(REASONS)


def test_what_is_worth_saying_is_said_once(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    specs = [{"name": f"s{n}", "note": "no CUDA device was found"} for n in range(3)]
    said: list[str] = []
    command = [sys.executable, str(script)]
    list(supervise(specs, lambda job: [*command, str(job)], tmp_path, recycle=1, note=said.append))
    assert said == ["no CUDA device was found"]


def test_workers_end_with_who_has_started_them(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    command = [sys.executable, str(script)]
    specs = [{"name": "s0"}, {"name": "s1", "does": "hang"}]
    outcomes = supervise(specs, lambda job: [*command, str(job)], tmp_path)
    next(outcomes)
    deadline = time.monotonic() + 10
    while not (tmp_path / "s1.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    pid = int((tmp_path / "s0.pid").read_text())
    outcomes.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_without_blender_one_clear_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASKMILL_BLENDER", str(tmp_path / "none"))
    scene = tmp_path / "scene.toml"
    scene.write_text(
        "[subject]\nmonkey = 1\n[background]\ncount = [0, 0]\n[occluders]\nshare = 0\n"
    )
    assert main(["render", str(scene), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert "MASKMILL_BLENDER" in said[0]
    assert not (tmp_path / "out").exists()


def test_a_python_without_bpy_is_refused_with_what_it_said() -> None:
    with pytest.raises(NoBlenderError, match="bpy"):
        find(sys.executable)


def test_a_program_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoBlenderError, match="neither"):
        find(tmp_path / "blender")


def test_an_installed_blender_is_run_by_its_own_command_line(tmp_path: Path) -> None:
    blender = tmp_path / "blender"
    blender.write_text("#!/bin/sh\necho Blender 4.5.3 LTS\n")
    blender.chmod(0o755)
    found = find(blender)
    assert (found.is_blender, found.version) == (True, "4.5.3")
    command = found.command(Path("job.json"))
    assert command[1:3] == ["-b", "--factory-startup"]
    assert command[-2:] == ["--", "job.json"]


def test_a_blender_that_is_too_old_is_refused(tmp_path: Path) -> None:
    blender = tmp_path / "blender"
    blender.write_text("#!/bin/sh\necho Blender 3.4.1\n")
    blender.chmod(0o755)
    with pytest.raises(NoBlenderError, match=r"4\.2 or a later one"):
        find(blender)


def test_the_job_is_a_file_of_samples(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import shutil, sys; shutil.copy(sys.argv[1], 'job.json')")
    command = [
        sys.executable,
        "-c",
        f"import os; os.chdir({str(tmp_path)!r}); " + script.read_text(),
    ]
    specs = [{"name": "s0"}]
    list(supervise(specs, lambda job: [*command, str(job)], tmp_path, device="cuda", threads=2))
    job = json.loads((tmp_path / "job.json").read_text())
    cores = job.pop("cores")
    assert Path(cores).parent == Path(tempfile.gettempdir())
    assert job == {"out": str(tmp_path), "threads": 2, "device": "cuda", "samples": specs}


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores to choose from",
)
def test_workers_are_bound_to_different_cores(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from maskmill.synth.blender.cores import claim; "
        "claim(1, Path(sys.argv[1])); print(*os.sched_getaffinity(0), flush=True); sys.stdin.read()"
    )
    free = len(os.sched_getaffinity(0))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "cores")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(free + 1)
    ]
    bound = [((worker.stdout and worker.stdout.readline()) or "").split() for worker in workers]
    for worker in workers:
        worker.communicate()
    alone = [cores for cores in bound if len(cores) == 1]
    assert len(alone) == len({*map(tuple, alone)}) == free
    assert [len(cores) for cores in bound if len(cores) > 1] == [free]


def test_dry_counts_and_needs_no_blender(tmp_path: Path) -> None:
    scene = tmp_path / "scene.toml"
    scene.write_text(
        "[subject]\nmonkey = 1\n[background]\ncount = [0, 0]\n[occluders]\nshare = 0\n"
    )
    command = [sys.executable, "-m", "maskmill", "render", str(scene), "--out", str(tmp_path / "o")]
    answer = subprocess.run(
        [*command, "--count", "7", "--dry-run"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MASKMILL_BLENDER": "/none"},
    )
    assert "7 samples" in answer.stdout
    assert len((tmp_path / "o" / "dry.jsonl").read_text().splitlines()) == 7
