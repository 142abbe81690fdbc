"""Renders by a real Blender: the files, their pixels, and what happens when something goes wrong.

Small pictures of a small subject: the whole file takes about a CPU-minute.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskmill.cli import main
from maskmill.light import to_linear
from maskmill.synth import Scene, render
from maskmill.synth.blender import catalogue
from maskmill.synth.interpreter import Interpreter, NoBlenderError, find
from maskmill.synth.rendering import FAILURES, specs_of
from maskmill.synth.scene import (
    AlphaTable,
    BackgroundTable,
    CameraTable,
    OccludersTable,
    PictureTable,
    SubjectTable,
)
from maskmill.synth.supervision import Outcome, supervise

SIZE, SAMPLES = 48, 4


@pytest.fixture(scope="module")
def blender() -> Interpreter:
    try:
        return find()
    except NoBlenderError as error:
        pytest.skip(f"no Blender: {error}")


def monkeys(**tables: Any) -> Scene:
    return Scene(
        name="monkey",
        subject=SubjectTable(monkey=1),
        **{
            "background": BackgroundTable(count=(0, 0)),
            "occluders": OccludersTable(share=0),
            **tables,
        },
    )


def specs(count: int, scene: Scene | None = None) -> list[dict[str, Any]]:
    return specs_of(scene or monkeys(), count, SIZE, SAMPLES, 0)


def carried_out(
    blender: Interpreter, out: Path, samples: list[dict[str, Any]], **options: Any
) -> dict[str, Outcome]:
    out.mkdir(parents=True, exist_ok=True)
    outcomes = supervise(samples, blender.command, out, device="cpu", **options)
    return {outcome.name: outcome for outcome in outcomes}


def read(path: Path) -> Any:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None, path
    return pixels


def facts_of(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def rendered(blender: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three samples, undisturbed."""
    out = tmp_path_factory.mktemp("renders")
    report = render(
        monkeys(), out, count=3, size=SIZE, samples=SAMPLES, blender=blender.program, threads=1
    )
    assert (len(report.rendered), report.failed) == (3, ())
    return out


def test_a_sample_is_a_picture_its_alpha_and_its_facts(rendered: Path) -> None:
    image, alpha = (read(rendered / f"monkey_00000000{end}") for end in (".png", ".alpha.png"))
    assert (image.shape, image.dtype) == ((SIZE, SIZE, 3), np.uint8)
    assert (alpha.shape, alpha.dtype) == ((SIZE, SIZE), np.uint16)
    facts = facts_of(rendered, "monkey_00000000")
    assert facts["coverage"] == pytest.approx(alpha.mean() / 65535, abs=1e-4)
    assert facts["alpha"] == {"path": "cryptomatte", "why": "nothing lets light through"}
    assert {"asset": "Suzanne, made by Blender", "licence": "CC0 1.0"} in facts["credits"]
    assert facts["seed"] == 0
    assert {"azimuth", "lens", "place", "distance"} <= set(facts["camera"])


def test_accepted_frames_are_covered_as_asked(rendered: Path) -> None:
    for number in range(3):
        alpha = read(rendered / f"monkey_{number:08d}.alpha.png")
        assert 0.2 <= alpha.mean() / 65535 <= 0.7


def test_facts_hold_no_times_and_no_places(rendered: Path) -> None:
    text = (rendered / "monkey_00000000.json").read_text()
    assert str(rendered) not in text
    assert not {"time", "cpu", "seconds", "pid", "host"} & set(json.loads(text))


def test_a_second_run_renders_nothing(rendered: Path, blender: Interpreter) -> None:
    before = {path: path.stat().st_mtime_ns for path in rendered.iterdir()}
    options = {"size": SIZE, "samples": SAMPLES, "blender": blender.program}
    report = render(monkeys(), rendered, count=3, **options)
    assert (len(report.rendered), len(report.found)) == (0, 3)
    assert before == {path: path.stat().st_mtime_ns for path in rendered.iterdir()}


@pytest.mark.parametrize("threads", [2, 4])
def test_the_number_of_threads_changes_no_pixel(
    rendered: Path, blender: Interpreter, tmp_path: Path, threads: int
) -> None:
    carried_out(blender, tmp_path, specs(2), threads=threads)
    for number in range(2):
        for end in (".png", ".alpha.png"):
            name = f"monkey_{number:08d}{end}"
            assert (tmp_path / name).read_bytes() == (rendered / name).read_bytes()


def test_a_killed_worker_loses_one_sample_and_a_rerun_brings_it_back_alike(
    rendered: Path, blender: Interpreter, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = {"size": SIZE, "samples": SAMPLES, "blender": blender.program, "threads": 1}

    def kill_it(outcome: Outcome, done: int, total: int) -> None:
        if outcome.name == "monkey_00000000":
            [worker] = workers(blender)
            os.kill(worker, signal.SIGKILL)

    report = render(monkeys(), out, count=3, **options, progress=kill_it)
    assert [(failed.name, failed.reason) for failed in report.failed] in (
        [("monkey_00000001", "killed")],
        [],  # it was between two samples
    )
    assert "monkey_00000002" in report.rendered
    again = render(monkeys(), out, count=3, **options)
    assert again.failed == ()
    assert len(again.rendered) == len(report.failed)
    for path in rendered.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes(), path.name
    assert not (out / FAILURES).exists()


def workers(blender: Interpreter) -> Iterator[int]:
    """Yield the render workers that this process has started, and no other child of it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(parent) == os.getpid() and command[0] == os.fsencode(blender.program):
            yield int(process.name)


def test_what_goes_wrong_has_its_reason_and_the_rest_is_rendered(
    blender: Interpreter, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    glb, obj = tmp_path / "broken.glb", tmp_path / "cup.obj"
    glb.write_bytes(b"glTF\x02\0\0\0 this is no model")
    obj.write_text("mtllib cup.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl a\nf 1/1 2/1 3/1\n")
    (tmp_path / "cup.mtl").write_text("newmtl a\nmap_Kd gone.png\n")
    (tmp_path / "yard.hdr").write_bytes(b"no panorama")
    wrong = specs(6)
    wrong[0]["world"]["path"] = str(tmp_path / "yard.hdr")
    for spec, path in ((wrong[1], glb), (wrong[2], obj)):
        spec["subject"] = {"kind": "asset", "path": str(path), "asset": "a", "licence": "CC0"}
    wrong[3]["camera"]["coverage"] = [0.99, 0.999]
    # What is written to it finds the disk full, really.
    (out / f".tmp-{'0' * 32}-{wrong[4]['name']}.png").symlink_to("/dev/full")
    found = carried_out(blender, out, wrong)
    assert [found[spec["name"]].reason for spec in wrong] == [
        "bad_world",
        "corrupt_asset",
        "missing_texture",
        "framing",
        "disk_full",
        "",
    ]
    assert "gone.png" in found[wrong[2]["name"]].detail
    written = sorted(path.name for path in out.iterdir())
    assert written == [f"{wrong[5]['name']}{end}" for end in (".alpha.png", ".json", ".png")]


def test_a_foreground_is_the_subject_of_the_picture(blender: Interpreter, tmp_path: Path) -> None:
    scene = monkeys(
        alpha=AlphaTable(foreground=True, shadow=True),
        camera=CameraTable(depth_of_field=1.0, f_number=(1.4, 1.4), motion_blur=1.0),
    )
    name = specs(1, scene)[0]["name"]
    carried_out(blender, tmp_path, specs(1, scene))
    facts = facts_of(tmp_path, name)
    assert facts["alpha"] == {"path": "holdout", "why": "the foreground is asked for"}
    front, alpha = (read(tmp_path / f"{name}{end}") for end in (".foreground.png", ".alpha.png"))
    assert (front.shape, front.dtype) == ((SIZE, SIZE, 4), np.uint16)
    assert np.array_equal(front[..., 3], alpha)
    image = to_linear(read(tmp_path / f"{name}.png"))
    own = to_linear((front[..., :3] // 257).astype(np.uint8))
    solid = alpha == 65535
    assert solid.sum() > 100
    assert np.abs(image - own)[solid].max() < 0.02
    shadow = read(tmp_path / f"{name}.shadow.png")
    assert (shadow.shape, shadow.dtype) == ((SIZE, SIZE), np.uint16)
    assert shadow.max() > 20_000


def test_what_lets_light_through_takes_the_second_render(
    blender: Interpreter, tmp_path: Path
) -> None:
    veiled = specs(1)
    veiled[0]["subject"]["veil"] = 0.4
    carried_out(blender, tmp_path, veiled)
    facts = facts_of(tmp_path, veiled[0]["name"])
    assert facts["alpha"] == {"path": "holdout", "why": "lets light through: veil"}


def test_a_gpu_that_is_not_there_is_replaced_and_told_of(
    blender: Interpreter, tmp_path: Path
) -> None:
    said: list[str] = []
    samples = specs(1)
    list(supervise(samples, blender.command, tmp_path, device="metal", note=said.append))
    facts = facts_of(tmp_path, samples[0]["name"])
    if facts["device"] == "CPU":
        assert len(said) == 1
        assert "CPU instead" in said[0]


def test_the_program_renders_and_draws_a_sheet(
    blender: Interpreter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = tmp_path / "scene.toml"
    scene.write_text(
        "name = 'm'\n[subject]\nmonkey = 1\n[background]\ncount = [0, 0]\n[occluders]\nshare = 0\n"
    )
    out = tmp_path / "out"
    arguments = ["render", str(scene), "--out", str(out), "--count", "2", "--size", "32"]
    assert main([*arguments, "--samples", "2", "--blender", str(blender.program)]) == 0
    assert "2 rendered, 0 failed" in capsys.readouterr().out
    assert read(out / "sheet.jpg").shape[1] > 4 * 200
    assert facts_of(out, "m_00000001")["index"] == 1


def test_denoised_foregrounds_do_not_shine_at_their_edges(
    blender: Interpreter, tmp_path: Path
) -> None:
    scene = monkeys(alpha=AlphaTable(foreground=True), picture=PictureTable(denoise=True))
    name = specs(1, scene)[0]["name"]
    carried_out(blender, tmp_path, specs(1, scene))
    front = read(tmp_path / f"{name}.foreground.png").astype(float)
    alpha, light = front[..., 3], front[..., :3].max(axis=-1)
    soft = (alpha > 0) & (alpha < 65535)
    assert soft.sum() > 20
    assert light[soft].max() <= 1.1 * light[alpha == 65535].max()


def test_every_ground_and_every_world_is_there(blender: Interpreter, tmp_path: Path) -> None:
    samples = specs(max(len(catalogue.GROUNDS), len(catalogue.WORLDS)))
    for number, spec in enumerate(samples):
        ground = catalogue.GROUNDS[number % len(catalogue.GROUNDS)]
        spec["ground"] = {"kind": ground, "seed": number}
        spec["world"] |= {"name": catalogue.WORLDS[number % len(catalogue.WORLDS)]}
        spec |= {"width": 24, "height": 24, "samples": 1}
    found = carried_out(blender, tmp_path, samples)
    assert {name: outcome.detail for name, outcome in found.items() if not outcome.done} == {}
    pictures = [read(tmp_path / f"{spec['name']}.png") for spec in samples]
    assert all(picture.std() > 5 for picture in pictures)


def test_shapes_of_pictures_are_kept(blender: Interpreter, tmp_path: Path) -> None:
    tall = specs(1, monkeys(picture=PictureTable(shapes=["3:4"], denoise=True)))
    carried_out(blender, tmp_path, tall)
    assert read(tmp_path / f"{tall[0]['name']}.png").shape == (SIZE, SIZE * 3 // 4, 3)
