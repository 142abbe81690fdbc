"""What rendering pairs costs, how exact the alphas are, and what goes on when something breaks.

    python benchmarks/synth.py all --out synth.json
    python benchmarks/synth.py cost layers ...      some of: cost, layers, veil, threads, resume,
                                                    people, frames, faults
    python benchmarks/synth.py all --quick          a tenth of the pictures, to see that it runs

Needs Blender (`make blender`, or MASKMILL_BLENDER). CPU-seconds are those of the whole process
tree, the worker's start included where it says so. benchmarks/synth_composite.py has the rest.
"""

import argparse
import dataclasses
import functools
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from maskmill.synth import RenderReport, Scene, read_scene, render
from maskmill.synth.blender.catalogue import OCCLUDERS
from maskmill.synth.interpreter import Interpreter, environment, find
from maskmill.synth.rendering import specs_of
from maskmill.synth.supervision import Outcome, supervise

ROOT = Path(__file__).resolve().parents[1]
PEOPLE = ROOT / "examples" / "scenes" / "people.toml"
LAYERS, BODIES, REFERENCE = (
    ROOT / "benchmarks" / f"synth_{name}.py" for name in ("layers", "bodies", "reference")
)

Row = dict[str, Any]
Result = TypeVar("Result")


def main() -> None:
    """Measure what is asked for, print the table, write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=["all", *PARTS])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--blender")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    blender = find(options.blender)
    parts = list(PARTS) if "all" in options.parts else options.parts
    results: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "blender": blender.version,
        "load": round(os.getloadavg()[0], 1),
        "rows": [],
    }
    print(f"Blender {blender.version}, {results['machine']}, load {results['load']}")
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="synth-") as folder:
            for row in PARTS[part](blender, Path(folder), options.quick):
                results["rows"].append({"part": part, **row})
                told = "; ".join(f"{name} {_told(value)}" for name, value in row.items())
                print(f"{part:<8}{told}", flush=True)
                if options.out:
                    options.out.write_text(json.dumps(results, indent=1) + "\n")


def _told(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def people(**tables: dict[str, Any]) -> Scene:
    """Return the example of people, with some of its tables changed."""
    scene = read_scene(PEOPLE)
    changed = {
        name: dataclasses.replace(getattr(scene, name), **values) for name, values in tables.items()
    }
    return dataclasses.replace(scene, **changed)


def busy() -> Scene:
    """Return people with hair, something behind them and something before them, sharp."""
    return people(
        person={"hair": ["curly", "afro", "bob", "long", "ponytail", "bun", "side_part"]},
        background={"count": (1, 2)},
        occluders={"share": 1.0, "kinds": [name for name in OCCLUDERS if name != "veil"]},
        lights={"count": (0, 1)},
        camera={"depth_of_field": 0.0, "motion_blur": 0.0},
        picture={"shapes": ["1:1"], "denoise": False},
    )


def cpu_of(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the CPU-seconds of the processes that a piece of work starts, and what it returns."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result


def cost(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Measure pairs of a person with hair, background and occluder, beside a simple scene."""
    for size, samples, count in ((256, 16, 8), (512, 32, 4)):
        count = 2 if quick else count
        simple = [in_blender(blender, REFERENCE, [(size, samples)], folder)[0]]
        work = functools.partial(_pairs, blender, folder, size, samples)
        alone, _ = cpu_of(functools.partial(work, 1))
        many, report = cpu_of(functools.partial(work, count))
        simple += in_blender(blender, REFERENCE, [(size, samples)], folder)
        yield {
            "what": f"one pair, {size} px, {samples} samples",
            "pairs": len(report.rendered),
            "failed": len(report.failed),
            "cpu_s": report.cpu / max(1, len(report.rendered)),
            "cpu_s_of_a_simple_scene": statistics.mean(simple),
            "times_a_simple_scene": report.cpu
            / max(1, len(report.rendered))
            / statistics.mean(simple),
            "cpu_s_with_start_shared": many / count,
            "cpu_s_alone_with_start": alone,
            "load": os.getloadavg()[0],
        }


def _pairs(blender: Interpreter, folder: Path, size: int, samples: int, count: int) -> RenderReport:
    return render(
        busy(), folder / f"{size}-{count}", count=count, size=size, samples=samples,
        blender=blender.program, threads=1, recycle=count,
    )  # fmt: skip


def in_blender(
    blender: Interpreter, script: Path, samples: Sequence[Any], folder: Path
) -> list[Any]:
    """Run a script of this folder in Blender's Python, and return what it has found."""
    job, result = folder / "job.json", folder / "result.json"
    job.write_text(json.dumps({"samples": samples}))
    subprocess.run(  # Blender's interpreter
        [str(blender.program), str(script), str(job), str(result)],
        check=True,
        env=environment(),
        stdout=subprocess.DEVNULL,
    )
    return json.loads(result.read_text())


def layers(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Compare foreground plus background with the whole, and Cryptomatte with the holdout."""
    scene = busy()
    count = 1 if quick else 4
    for name, camera in (
        ("opaque", {}),
        ("opaque, depth of field and motion blur", {"f_number": 1.2, "shutter": 0.6, "pan": 0.02}),
    ):
        samples = specs_of(scene, count, 160, 16, 0)
        for spec in samples:
            spec["camera"] |= camera
        found = in_blender(blender, LAYERS, samples, folder)
        yield {
            "what": name,
            "scenes": len(found),
            "soft_pixels": sum(one["soft_pixels"] for one in found),
            "max_linear_error": max(one["max_linear_error"] for one in found),
            "differing_8bit_pixels": sum(one["differing_8bit_pixels"] for one in found),
            "of_these_rounding": sum(one["rounding_8bit_pixels"] for one in found),
            "cryptomatte_max": max(one["cryptomatte_max"] for one in found),
            "mixed_in_srgb_instead": statistics.mean(one["srgb_mixing_error"] for one in found),
            "holdout_cost": statistics.mean(one["cpu_holdout"] / one["cpu_whole"] for one in found),
            "paths": dict(Counter(one["path"] for one in found)),
        }


def veil(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Measure the alpha of what is half transparent against 16 times the samples."""
    scene = Scene(
        name="veil",
        subject=dataclasses.replace(people().subject, person=0.0, monkey=1.0),
        background=people(background={"count": (0, 0)}).background,
        occluders=people(occluders={"share": 0.0}).occluders,
    )
    opacities = (0.4,) if quick else (0.2, 0.4, 0.6, 0.8)
    samples = specs_of(scene, len(opacities), 96, 16, 0)
    for spec, opacity in zip(samples, opacities, strict=True):
        spec["subject"]["veil"] = spec["opacity"] = opacity
    for one in in_blender(blender, LAYERS, samples, folder):
        yield {
            "what": f"a veil of opacity {one['opacity']}",
            "path": one["path"],
            "why": one["why"],
            "bias_of_the_picture": one["bias"],
            "bias_of_the_veil": one["bias_where_half"],
            "pixels_of_the_veil": one["pixels"],
        }


def hashes(folder: Path) -> dict[str, str]:
    """Return the hashes of the pixels in a folder of renders, as told by their facts."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        found |= json.loads(path.read_text())["pixels"]
    return found


def threads(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Compare the pixels of 1, 2 and 4 threads."""
    scene = people(picture={"denoise": True})
    found: list[dict[str, str]] = []
    for number in (1, 2, 4):
        out = folder / str(number)
        render(
            scene, out, count=1 if quick else 3, size=96, samples=8, blender=blender.program,
            threads=number,
        )  # fmt: skip
        found.append(hashes(out))
    yield {
        "what": "pixels of 1, 2 and 4 threads, denoised",
        "files": len(found[0]),
        "differing": sum(one[name] != found[0][name] for one in found for name in found[0]),
    }


def resume(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Kill workers, run again, and compare with an undisturbed run."""
    scene, count = people(), 3 if quick else 6
    options: dict[str, Any] = {"count": count, "size": 96, "samples": 8, "threads": 1}
    options["blender"] = blender.program
    render(scene, folder / "undisturbed", **options)
    lost: list[str] = []
    for _ in range(2):
        report = render(scene, folder / "killed", **options, progress=_Killer(blender))
        lost += [outcome.reason for outcome in report.failed]
    render(scene, folder / "killed", **options)
    before, after = hashes(folder / "undisturbed"), hashes(folder / "killed")
    yield {
        "what": "pixels of an undisturbed run and of one killed and run again",
        "files": len(before),
        "differing": sum(after.get(name) != value for name, value in before.items()),
        "lost_on_the_way": dict(Counter(lost)),
    }


class _Killer:
    """Kills the worker after its first sample, some time into the second."""

    def __init__(self, blender: Interpreter) -> None:
        self.blender = blender
        self.done = False

    def __call__(self, outcome: Outcome, done: int, total: int) -> None:
        if self.done:
            return
        self.done = True
        time.sleep(0.8)
        for pid in workers(self.blender):
            os.kill(pid, signal.SIGKILL)


def workers(blender: Interpreter) -> list[int]:
    """Return the render workers that this process has started, and no other child of it."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(parent) == os.getpid() and command[0] == os.fsencode(blender.program):
            found.append(int(process.name))
    return found


def bodies(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Build 200 people without rendering them, and measure them."""
    samples = specs_of(people(), 20 if quick else 200, 64, 1, 0)
    subjects = [spec["subject"] for spec in samples]
    heights = np.array([subject["height"] for subject in subjects])
    garments = Counter(
        word for subject in subjects for word in subject["garments"].values() if word
    )
    yield {
        "what": "dry scenes",
        "scenes": len(samples),
        "height_p5_p95_cm": float(np.diff(np.percentile(heights, (5, 95)))[0] * 100),
        "poses": len({subject["pose"] for subject in subjects}),
        "worlds": len({spec["world"]["name"] for spec in samples}),
        "garments": len(garments),
        "hair_styles": len({subject["hair"]["style"] for subject in subjects}),
    }
    found = in_blender(blender, BODIES, samples, folder)
    built = [one for one in found if "error" not in one]
    standing = [one for one in built if one["standing"]]
    near = [one for one in standing if max(map(abs, one["soles"])) <= 0.01]
    measured = np.array([one["height_m"] for one in built])
    yield {
        "what": "bodies built",
        "built": len(built),
        "failed": len(found) - len(built),
        "standing": len(standing),
        "both_soles_within_1_cm": len(near) / max(1, len(standing)),
        "worst_cm": max((max(map(abs, one["soles"])) * 100 for one in standing), default=0.0),
        "measured_height_p5_p95_cm": float(np.diff(np.percentile(measured, (5, 95)))[0] * 100),
        "cpu_s_each": statistics.mean(one["cpu"] for one in built),
    }


def frames(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Render 24 scenes and measure how much of the frame is covered."""
    count = 4 if quick else 24
    report = render(
        people(), folder, count=count, size=192, samples=4, blender=blender.program, threads=1
    )
    facts = [json.loads((folder / f"{name}.json").read_text()) for name in report.rendered]
    covered = [one["coverage"] for one in facts]
    yield {
        "what": "rendered scenes",
        "scenes": count,
        "accepted": len(covered),
        "refused": dict(Counter(outcome.reason for outcome in report.failed)),
        "within_20_to_70_percent": sum(0.2 <= part <= 0.7 for part in covered),
        "least": min(covered, default=0.0),
        "most": max(covered, default=0.0),
        "moved_the_camera": sum(len(one["framing"]) > 1 + bool(one["occluders"]) for one in facts),
        "paths": dict(Counter(one["alpha"]["path"] for one in facts)),
        "cpu_s_each": report.cpu / max(1, len(facts)),
    }


def faults(blender: Interpreter, folder: Path, quick: bool) -> Iterator[Row]:
    """Break what can break, and see that the rest is rendered."""
    command = [str(ROOT / ".venv" / "bin" / "maskmill"), "render", str(PEOPLE)]
    answer = subprocess.run(
        [*command, "--out", str(folder / "none"), "--blender", str(folder / "nothing")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    yield {
        "what": "no Blender",
        "exit_code": answer.returncode,
        "lines": len(answer.stderr.strip().splitlines()),
        "said": answer.stderr.strip(),
        "wrote": (folder / "none").exists(),
    }
    samples = specs_of(people(), 7, 48, 2, 0)
    glb, obj = folder / "broken.glb", folder / "cup.obj"
    glb.write_bytes(b"glTF\x02\0\0\0 this is no model")
    obj.write_text("mtllib cup.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl a\nf 1/1 2/1 3/1\n")
    (folder / "cup.mtl").write_text("newmtl a\nmap_Kd gone.png\n")
    for spec, path in ((samples[1], glb), (samples[2], obj)):
        spec["subject"] = {"kind": "asset", "path": str(path), "asset": "a", "licence": "CC0"}
    out = folder / "out"
    out.mkdir()
    (out / f".tmp-{'0' * 32}-{samples[4]['name']}.png").symlink_to("/dev/full")
    outcomes: dict[str, Outcome] = {}
    for outcome in supervise(samples, blender.command, out, timeout=120.0, recycle=7):
        outcomes[outcome.name] = outcome
        if outcome.name == samples[4]["name"]:
            time.sleep(0.8)
            for pid in workers(blender):
                os.kill(pid, signal.SIGKILL)
    expected = ["", "corrupt_asset", "missing_texture", "", "disk_full", "killed", ""]
    yield {
        "what": "corrupt .glb, missing texture, full disk, SIGKILL",
        "reasons": [outcomes[spec["name"]].reason for spec in samples],
        "as_expected": [outcomes[spec["name"]].reason for spec in samples] == expected,
        "whole_samples": len(list(out.glob("*.json"))),
    }


PARTS: dict[str, Callable[[Interpreter, Path, bool], Iterator[Row]]] = {
    "cost": cost,
    "layers": layers,
    "veil": veil,
    "threads": threads,
    "resume": resume,
    "people": bodies,
    "frames": frames,
    "faults": faults,
}


if __name__ == "__main__":
    main()
