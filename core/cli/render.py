"""Render pictures with exact alpha from a scene: people, products, things of your own.

A scene is a TOML file of shares and ranges: what stands in the middle, what is behind and before
it, light, camera. Every choice is hashed from the seed and the sample's number. Cycles, Blender's
path tracer, renders it; the alpha comes from the same render, or, where something lets light
through, from a second one. Blender runs in an interpreter of its own: `make blender` makes it.

  maskmill render examples/scenes/people.toml --out renders --count 24 --dry-run  what would come
  maskmill render examples/scenes/people.toml --out renders --count 24 --size 256 --samples 16
  maskmill render people.toml --out renders --count 5000 --workers 8 --seed 1
  maskmill render views.toml --out renders --count 120 --foreground     12 views each of 10 things
  maskmill render people.toml --out renders --count 5000 --scheduler tcp://farm:8786
  maskmill render people.toml --out renders --count 100 --blender /opt/blender/blender

written   NAME.png, the picture; NAME.alpha.png, 16 bits, white is the subject; NAME.json: seed,
          what is in it with licences, camera, the share of the frame that is covered, and how the
          alpha was got. With --foreground NAME.foreground.png: the subject's own colours and its
          alpha, to be laid over photographs by `maskmill composite`. sheet.jpg shows the first 24.
resumes   what is there and was made from the same scene, seed, size and samples is passed over.
          Run it again after whatever has ended it: the pixels will be the same.
failures  a sample that fails, hangs (--timeout) or takes the worker along is told of in
          failures.jsonl with its reason; the others are rendered all the same:
          framing, missing_texture, corrupt_asset, empty_asset, outside_folder, bad_world,
          no_body_data, timeout, killed, crashed, disk_full, out_of_memory, no_start, error.
device    auto takes a GPU where there is one, else the CPU; pictures of different devices differ
          in their noise.

Exit code 1: some samples failed. 2: a mistake in the scene, or no Blender; nothing was done.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskmill.synth.scene import Scene
    from maskmill.synth.supervision import Outcome

HELP = "render pictures with exact alpha, in Blender"

_SHEET = "sheet.jpg"
_SHOWN = 24


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("scene", metavar="SCENE.toml", type=Path, help="such as examples/scenes/people.toml")
    add("--out", type=Path, required=True, metavar="DIR", help="folder that gets the pictures")
    add("--count", type=int, default=12, metavar="N", help="pictures (default: 12)")
    add("--size", type=int, default=512, metavar="PX", help="long side (default: 512)")
    add("--samples", type=int, default=32, metavar="SPP", help="rays a pixel (default: 32)")
    add("--seed", type=int, default=0, metavar="S", help="another one, other pictures (default: 0)")
    add("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="render on the workers of a running Dask scheduler instead",
    )
    add(
        "--blender",
        metavar="FILE",
        help="Blender, or a Python with bpy (default: $MASKMILL_BLENDER, or .venv-blender)",
    )
    devices = ("auto", "cpu", "cuda", "optix", "hip", "oneapi", "metal")
    add("--device", choices=devices, default="auto", help="default: auto")
    add("--timeout", type=float, default=600, metavar="S", help="seconds a sample (default: 600)")
    add("--recycle", type=int, default=20, metavar="N", help="samples a process (default: 20)")
    add("--foreground", action="store_true", help="write the subject's own colours, too")
    add("--dry-run", action="store_true", help="render nothing: say what would be in the pictures")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.synth.interpreter import NoBlenderError
    from maskmill.synth.scene import read_scene

    from . import check_folder, mistakes

    with mistakes(NoBlenderError, ValueError):
        scene = read_scene(options.scene)
        if options.foreground:
            scene = _with_foreground(scene)
        check_folder(options.out)
        return _dry(scene, options) if options.dry_run else _rendered(scene, options)


def _with_foreground(scene: "Scene") -> "Scene":
    from dataclasses import replace

    return replace(scene, alpha=replace(scene.alpha, foreground=True))


def _rendered(scene: "Scene", options: argparse.Namespace) -> int:
    from maskmill.report.rendering import write_render_sheet
    from maskmill.synth.rendering import FAILURES, render

    from .bars import Bars

    client: Any = None
    if options.scheduler:
        from distributed import Client

        client = Client(options.scheduler)
    with Bars() as bars:

        def progress(outcome: "Outcome", done: int, total: int) -> None:
            if outcome.done:
                bars.say(f"{outcome.name:<24}  covers {outcome.coverage:.0%}")
            else:
                detail = " ".join(outcome.detail.split())[-200:]
                print(f"{outcome.name:<24}  {outcome.reason}: {detail}", file=sys.stderr)
            bars("render", done, total)

        report = render(
            scene,
            options.out,
            count=options.count,
            size=options.size,
            samples=options.samples,
            seed=options.seed,
            workers=options.workers,
            client=client,
            blender=options.blender,
            device=options.device,
            timeout=options.timeout,
            recycle=options.recycle,
            progress=progress,
            note=lambda line: print(f"maskmill: {line}", file=sys.stderr),
        )
    print(report)
    names = sorted((*report.rendered, *report.found))[:_SHOWN]
    try:
        if write_render_sheet(options.out / _SHEET, options.out, names):
            print(f"wrote {options.out / _SHEET}")
    except OSError as error:
        print(f"maskmill: {_SHEET} could not be written: {error.strerror}", file=sys.stderr)
    if report.failed:
        print(f"reasons: {options.out / FAILURES}")
    return 1 if report.failed else 0


def _dry(scene: "Scene", options: argparse.Namespace) -> int:
    """Print what would be in the pictures, and write the samples as JSON lines."""
    from maskmill.files import write_whole
    from maskmill.synth.rendering import specs_of

    specs = specs_of(scene, options.count, options.size, options.samples, options.seed)
    lines = "".join(json.dumps(spec) + "\n" for spec in specs)
    write_whole(options.out / "dry.jsonl", lines.encode())
    counts: dict[str, Counter[str]] = {}
    for spec in specs:
        for name, word in _words(spec):
            counts.setdefault(name, Counter())[word] += 1
    print(f"{len(specs)} samples of {scene.name}, seed {options.seed}; nothing was rendered")
    for name, counter in counts.items():
        told = ", ".join(f"{word} {number}" for word, number in counter.most_common())
        print(f"  {name:<12}{told}")
    print(f"wrote {options.out / 'dry.jsonl'}")
    return 0


def _words(spec: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is to be counted of a sample."""
    subject = spec["subject"]
    words = [("subject", subject.get("product") or subject.get("asset") or subject["kind"])]
    if subject["kind"] == "person":
        words += [("pose", subject["pose"]), ("hair", subject["hair"]["style"])]
        words += [("garment", word) for word in subject["garments"].values() if word]
    words += [("world", spec["world"]["name"])]
    words += [("ground", spec["ground"]["kind"] if spec["ground"] else "none")]
    for key in ("background", "occluders"):
        words += [(key, thing["kind"]) for thing in spec[key]] or [(key, "none")]
    words += [("picture", f"{spec['width']} x {spec['height']}")]
    return words
