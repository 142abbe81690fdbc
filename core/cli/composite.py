"""Put foregrounds with a transparent background before photographs, in linear light.

Foregrounds are RGBA PNGs of 8 or 16 bits: cut-outs, or the layers that `maskmill render` writes.
Both folders are divided into splits first, by hashes of what is in the files; pairs are made within
a split, so no foreground and no photograph is ever on two sides. The foreground takes on the
photograph's light, softness, noise and compression. The same folders and options give the same
pairs, whatever the number of processes.

  maskmill composite --foregrounds views/ --backgrounds photos/ --out dataset/ --each all
  maskmill composite --foregrounds cutouts/ --backgrounds photos/ --out dataset/ --each 4
      --place draw --coverage 0.2 0.6 --size 512 --sheet sheet.png --workers 8
  maskmill composite --foregrounds cutouts/ --backgrounds photos/ --out pairs/ --files

foregrounds  of a render its NAME.foreground.png, with the licence and the group of NAME.json; else
             every PNG that has some transparency. What shows one thing belongs together:
             --views folder keeps what lies in one folder on one side.
place        keep: in the frame it has, to which photographs are cropped. draw: moved and scaled in
             the photograph's frame, so that it covers a share of --coverage; what its own frame
             cuts off stays at the edge.
written      a dataset, as `maskmill run` makes it (go on with show, report, train); with --files a
             folder: SPLIT/NAME.jpg or .png, NAME.alpha.png, NAME.json, and composites.jsonl with a
             line for every pair, or the reason why there is none.
stopping     loses what is in the making; run it again, and it goes on where it was.

One thing and a few photographs: --split 1 0 0. Recipes can do the same among other sources: see
examples/gontar_views.toml and examples/erasebg_people.toml.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from maskmill.sample import Sample
    from maskmill.synth import Composite

HELP = "put foregrounds before photographs, by split"

_ON_SHEET = 24


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--foregrounds", required=True, metavar="DIR", help="folder of RGBA PNGs")
    parser.add_argument("--backgrounds", required=True, metavar="DIR", help="folder of photographs")
    parser.add_argument(
        "--out", required=True, metavar="DATASET", help="folder or URL; with --files a folder"
    )
    pairs = parser.add_argument_group("which pairs")
    pairs.add_argument(
        "--each",
        type=_number_or_all,
        default=1,
        metavar="N",
        help="photographs for each foreground, or all (default: 1)",
    )
    pairs.add_argument(
        "--split",
        nargs=3,
        type=float,
        default=(0.7, 0.2, 0.1),
        metavar=("TRAIN", "VAL", "TEST"),
        help="shares that sum to 1 (default: 0.7 0.2 0.1)",
    )
    pairs.add_argument("--salt", default="", metavar="WORD", help="another word, another division")
    pairs.add_argument(
        "--views",
        choices=("file", "folder"),
        default="file",
        help="what shows one thing (default: file)",
    )
    pairs.add_argument("--about", metavar="CSV", help="image, licence and group of the photographs")
    pairs.add_argument(
        "--seed", type=int, default=0, metavar="S", help="another number, other pairs (default: 0)"
    )
    place = parser.add_argument_group("where")
    place.add_argument("--place", choices=("keep", "draw"), default="keep", help="default: keep")
    place.add_argument(
        "--coverage",
        nargs=2,
        type=float,
        default=(0.2, 0.7),
        metavar=("LOW", "HIGH"),
        help="with draw: share of the frame that is covered (default: 0.2 0.7)",
    )
    place.add_argument(
        "--size", type=int, metavar="PX", help="long side (default: the foreground's)"
    )
    match = parser.add_argument_group("what is matched")
    match.add_argument(
        "--light",
        type=float,
        default=0.5,
        metavar="SHARE",
        help="the colour of light, 0 to 1 (default: 0.5)",
    )
    for name, about in (
        ("blur", "softness"),
        ("noise", "noise"),
        ("jpeg", "compression; else pictures are PNGs"),
    ):
        match.add_argument(
            f"--{name}", action=argparse.BooleanOptionalAction, default=True, help=about
        )
    match.add_argument(
        "--shadows", action="store_true", help="lay NAME.shadow.png on the photograph first"
    )
    how = parser.add_argument_group("how")
    how.add_argument("--files", action="store_true", help="write files instead of a dataset")
    how.add_argument(
        "--bits", type=int, choices=(8, 16), default=8, help="of the alphas (default: 8)"
    )
    how.add_argument("--sheet", type=Path, metavar="PNG", help="draw some of the pairs")
    how.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    how.add_argument(
        "--strict", action="store_true", help="exit with 3 when a file could not be used"
    )


def _number_or_all(text: str) -> int | str:
    if text == "all":
        return text
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be 1 or more, or all, got {text!r}")
    return int(text)


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from . import mistakes

    with mistakes(OSError, ValueError):
        source = _source(options)
        _check(options)
    return _to_files(options, source) if options.files else _to_dataset(options, source)


def _source(options: argparse.Namespace) -> "Composite":
    from maskmill.synth import Composite

    train, val, test = options.split
    return Composite(
        options.foregrounds,
        options.backgrounds,
        per_foreground=options.each,
        place=options.place,
        coverage=tuple(options.coverage),
        size=options.size,
        light=options.light,
        blur=options.blur,
        noise=options.noise,
        jpeg=options.jpeg,
        shadows=options.shadows,
        views=options.views,
        about=options.about,
        train=train,
        val=val,
        test=test,
        salt=options.salt,
        seed=options.seed,
    )


def _check(options: argparse.Namespace) -> None:
    """Raise where options do not go together."""
    if options.workers < 1:
        raise ValueError(f"--workers must be 1 or more processes, got {options.workers}")
    if "://" in options.out:
        if options.files:
            raise ValueError(f"--out must be a folder where --files is given, got {options.out}")
        return
    out = Path(options.out).resolve()
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, got {options.out}")
    for place in (options.foregrounds, options.backgrounds):
        if out.is_relative_to(Path(place).resolve()):
            raise ValueError(f"--out must not lie in a folder of the input, got {options.out}")
    if options.files and (out / "dataset.json").exists():
        raise ValueError(f"--out must not be a dataset where --files is given, got {options.out}")


def _to_dataset(options: argparse.Namespace, source: "Composite") -> int:
    from maskmill.execute import run
    from maskmill.pipeline import Pipeline

    from .bars import Bars
    from .run import conclude

    with Bars() as bars:
        report = run(
            {"composites": (Pipeline(), source)},
            options.out,
            workers=options.workers if options.workers > 1 else None,
            bits=options.bits,
            progress=bars,
        )
    print(report)
    if options.sheet is not None and report.kept:
        from maskmill.shards import Dataset

        view = Dataset(options.out).split()
        _draw(options.sheet, [view[at] for at in _some(view.keys)])
    return conclude(report, strict=options.strict)


def _to_files(options: argparse.Namespace, source: "Composite") -> int:
    from . import mistakes
    from .bars import Bars
    from .composite_work import Task, carry_out, finish, read_pair

    out = Path(options.out)
    with mistakes(OSError, ValueError):
        tasks = [Task(source, part, out, options.bits) for part in source.plan(())]
    with Bars() as bars:
        for number, error in enumerate(carry_out(tasks, options.workers), 1):
            if error:
                print(error, file=sys.stderr)
            bars("composites", number, len(tasks))
    told = finish(tasks)
    print(told)
    print(f"wrote {options.out}")
    if options.sheet is not None and told.kept:
        some = _some([record["key"] for record in told.kept])
        _draw(options.sheet, [read_pair(out, told.kept[at]) for at in some])
    if told.broken:
        return 1
    return 3 if options.strict and told.lost else 0


def _some(keys: "Sequence[str]") -> list[int]:
    """Return the places of some pairs: those of the lowest keys, which are hashes."""
    order = sorted(range(len(keys)), key=lambda at: keys[at])
    return sorted(order[:_ON_SHEET])


def _draw(path: Path, samples: "Sequence[Sample]") -> None:
    from maskmill.report.sheet import Row, write_sheet

    rows = [
        Row(one.image, one.alpha, f"{one.origin}\n{one.split}, {one.licence}") for one in samples
    ]
    across = 3 if len(rows) > 4 else 1
    print(f"wrote {write_sheet(path, rows, columns=('image', 'alpha'), across=across, tile=224)}")
