"""Make masks better: those of rembg, of a network, of annotators, of anything.

Every mask is looked at beside its photograph. Specks, islands and holes that the photograph does
not show go; coarse, blocky, soft or misplaced outlines are moved to the photograph's edges, and
kept there only if they follow them better than before. A good mask comes back as it was.

  maskmill refine cat.jpg cat.mask.png                        writes cat.refined.png
  maskmill refine cat.jpg cat.mask.png --out better.png --picture
  maskmill refine pictures/ --out better/ --picture           pairs in one folder
  maskmill refine photographs/ masks/ --out better/ --workers 8 --resume
  maskmill refine pictures/ --dry-run                         only says what is wrong

pairs     in one folder a mask is called NAME.alpha.png, NAME.mask.png, NAME_alpha.png or
          NAME_mask.png, or is a NAME.png beside a NAME.jpg or NAME.webp; in a folder of its own,
          NAME.png does as well. Folders inside are not entered.
masks     grey, of 8 or 16 bits, hard or soft; of pictures with transparency (cut-outs, as rembg
          writes them) the alpha counts. A smaller one, such as a network's map, is enlarged.
written   of a folder NAME.alpha.png: white is the object, in 8 bits, or 16 where the mask has them;
          for every file in refined.jsonl and refined.csv what was found, what was done, how good
          the mask was and is (0 to 1, a guess without the truth), and how long that took.
defects   hole, island, speckle, stairs, polygon, low_resolution, halo; docs/refine.md shows each.

Exit code 1: a file had no partner or could not be done; the others are done all the same.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .refine_pairs import Pair
    from .refine_work import Record, Task

HELP = "make masks better: for people who only want this"

_LOG, _TABLE = "refined.jsonl", "refined.csv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "photographs", type=Path, metavar="IMAGE|DIR", help="a photograph, or a folder of them"
    )
    parser.add_argument(
        "masks",
        type=Path,
        nargs="?",
        metavar="MASK|DIR",
        help="its mask, or a folder of them (default: the photographs' folder)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="OUT",
        help="a PNG for one pair (default: NAME.refined.png beside the photograph), a folder for "
        "many",
    )
    parser.add_argument(
        "--cutout",
        action="store_true",
        help="write NAME.cutout.png too: the object in its own colours, without the old fringe",
    )
    parser.add_argument(
        "--picture",
        action="store_true",
        help="write NAME.before_after.jpg too, with the defects marked",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a line of JSON for each file, and no words"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is wrong with the masks, write nothing"
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes (default: 1)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="pass over what was done before and has not changed"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from . import mistakes

    with mistakes(OSError, ValueError):
        _check(options)
        tasks, faults = _planned(options)
    log = None if options.dry_run or not options.photographs.is_dir() else options.out / _LOG
    done, left = _resumed(tasks, log) if options.resume else ({}, tasks)
    records = _carried_out(left, done, faults, options, log)
    if log is not None:
        from maskmill.files import write_whole

        write_whole(log.with_name(_TABLE), _csv(records).encode())
    bad = sum(record["error"] is not None for record in records)
    if not options.json and options.photographs.is_dir():
        print(_summary(records, len(done), mended=not options.dry_run))
        if log is not None:
            print(f"wrote {options.out}")
    return 1 if bad else 0


def _check(options: argparse.Namespace) -> None:
    """Raise where options do not go together."""
    for path in (options.photographs, options.masks):
        if path is not None and not path.exists():
            raise ValueError(f"there is no {path}")
    many = options.photographs.is_dir()
    if options.masks is None and not many:
        raise ValueError("a photograph needs its mask: maskmill refine IMAGE MASK")
    if options.masks is not None and options.masks.is_dir() != many:
        raise ValueError("IMAGE MASK must be two files or two folders")
    if options.workers < 1:
        raise ValueError(f"--workers must be 1 or more processes, got {options.workers}")
    if many and options.out is None and not options.dry_run:
        raise ValueError(
            "--out must name the folder that gets the masks; or look only, with --dry-run"
        )
    if options.resume and not many:
        raise ValueError("--resume is for a folder")
    if many and options.out:
        inputs = {path.resolve() for path in (options.photographs, options.masks) if path}
        if options.out.resolve() in inputs:
            raise ValueError(f"--out must be another folder than those of the input: {options.out}")
        if options.out.exists() and not options.out.is_dir():
            raise ValueError(f"--out must be a folder, as the input is, got {options.out}")
    elif options.out and options.out.suffix.lower() != ".png":
        raise ValueError(f"--out must end in .png, got {options.out}")


def _planned(options: argparse.Namespace) -> tuple[list["Task"], dict[str, str]]:
    """Return what is to do, and what cannot be done and why."""
    from .refine_pairs import Pair, pairs_between, pairs_in
    from .refine_work import Task

    if not options.photographs.is_dir():
        pair = Pair(options.photographs.stem, options.photographs, options.masks)
        if options.dry_run:
            return [Task(pair)], {}
        out = options.out or options.masks.with_name(f"{pair.name}.refined.png")
        if out.exists() and any(file.samefile(out) for file in pair[1:]):
            raise ValueError(f"--out must not be a file of the input, got {out}")
        return [_task(pair, out, out.stem, options)], {}
    if options.masks is None:
        pairs, faults = pairs_in(options.photographs)
    else:
        pairs, faults = pairs_between(options.photographs, options.masks)
    if not pairs and not faults:
        raise ValueError(f"{options.photographs} must hold photographs with masks, got none")
    if options.dry_run:
        return [Task(pair) for pair in pairs], faults
    options.out.mkdir(parents=True, exist_ok=True)
    tasks = [
        _task(pair, options.out / f"{pair.name}.alpha.png", pair.name, options) for pair in pairs
    ]
    return tasks, faults


def _task(pair: "Pair", alpha: Path, name: str, options: argparse.Namespace) -> "Task":
    from .refine_work import Task

    cutout = alpha.with_name(f"{name}.cutout.png") if options.cutout else None
    picture = alpha.with_name(f"{name}.before_after.jpg") if options.picture else None
    return Task(pair, alpha, cutout, picture)


def _resumed(tasks: list["Task"], log: Path | None) -> tuple[dict[str, "Record"], list["Task"]]:
    """Return the records of what was done before, and what is left to do."""
    from .refine_work import read_log, stamp

    before = read_log(log) if log else {}
    done: dict[str, Record] = {}
    for task in tasks:
        record = before.get(task.pair.name, {"error": "not done"})
        fresh = record["error"] is None and stamp(task).items() <= record.items()
        if fresh and all(file.is_file() for file in task.outputs):
            done[task.pair.name] = record
    return done, [task for task in tasks if task.pair.name not in done]


def _carried_out(
    tasks: list["Task"],
    done: dict[str, "Record"],
    faults: dict[str, str],
    options: argparse.Namespace,
    log: Path | None,
) -> list["Record"]:
    """Do it, telling and logging every file at once; return all records by name."""
    import json

    from maskmill.files import write_whole

    from .bars import Bars
    from .refine_work import carry_out, failed

    records = [failed(name, why) for name, why in faults.items()]
    with Bars() as bars:
        say = _teller(bars.say, as_json=options.json)
        for record in records:
            say(record)
        if log is not None:
            write_whole(log, _lines([*done.values(), *records]))
        for number, record in enumerate(carry_out(tasks, options.workers), 1):
            records.append(record)
            say(record)
            if log is not None:
                # One write of a whole line: what is killed meanwhile can only lack it.
                with log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
            bars("refine", number, len(tasks))
    records = sorted([*done.values(), *records], key=lambda record: record["name"])
    if log is not None:
        write_whole(log, _lines(records))  # in order, each once
    return records


def _lines(records: Iterable["Record"]) -> bytes:
    import json

    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _teller(say: Callable[[str], None], *, as_json: bool) -> Callable[["Record"], None]:
    import json

    def tell(record: "Record") -> None:
        if as_json:
            say(json.dumps(record))
        elif record["error"] is not None:
            print(f"{record['name']}: {record['error']}", file=sys.stderr)
        else:
            say(_line(record))

    return tell


def _line(record: "Record") -> str:
    """Return what is said of a file on a terminal."""
    quality = f"quality {record['quality_before']:.2f}"
    if record.get("touched"):
        quality += f" -> {record['quality_after']:.2f}"
    found = ", ".join(f"{name} {record['scores'][name]:.2f}" for name in record["found"])
    parts = [f"{record['name']:<20}", f"{quality:<20}", found or "nothing found"]
    if "steps" in record:
        kept = [step["name"] for step in record["steps"] if step["kept"]]
        lost = [step["name"] for step in record["steps"] if not step["kept"]]
        did = [f"mended: {', '.join(kept)}"] if kept else []
        did += [f"tried, no better: {', '.join(lost)}"] if lost else []
        parts.append("; ".join(did) or "as it came")
    return "  ".join([*parts, *record["notes"], f"{record['seconds']:.1f} s"])


def _summary(records: list["Record"], passed: int, *, mended: bool) -> str:
    """Return how many files there were, what was found in them and what became of it."""
    from maskmill.refine.detection import DEFECTS

    good = [record for record in records if record["error"] is None]
    found = Counter(name for record in good for name in record["found"])
    lines = [f"{len(good)} mask{'s' * (len(good) != 1)}"]
    if mended:
        touched = sum(record["touched"] for record in good)
        lines[0] += f": {touched} mended, {len(good) - touched} as they came"
    if len(records) > len(good):
        lines[0] += f"; {len(records) - len(good)} could not be done"
    if passed:
        lines[0] += f"; {passed} were done before"
    lines += [f"  {name:<15} found in {found[name]:>6}" for name in DEFECTS if found[name]]
    if mended:
        steps = [step for record in good for step in record["steps"]]
        tried = Counter(step["name"] for step in steps)
        kept = Counter(step["name"] for step in steps if step["kept"])
        lines += [
            f"  step {name:<15} tried {number:>6}, kept {kept[name]:>6}"
            for name, number in sorted(tried.items())
        ]
    return "\n".join(lines)


def _csv(records: list["Record"]) -> str:
    import csv
    import io

    from maskmill.refine.detection import DEFECTS

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    plain = ("width", "height", "touched", "changed", "moved", "quality_before", "quality_after")
    writer.writerow(["name", "error", *plain, *DEFECTS, "kept", "not_kept", "seconds", "notes"])
    for record in records:
        steps = record.get("steps", [])
        writer.writerow(
            [
                record["name"],
                record["error"] or "",
                *(record.get(name, "") for name in plain),
                *(record.get("scores", {}).get(name, "") for name in DEFECTS),
                " ".join(step["name"] for step in steps if step["kept"]),
                " ".join(step["name"] for step in steps if not step["kept"]),
                record.get("seconds", ""),
                "; ".join(record.get("notes", [])),
            ]
        )
    return text.getvalue()
