"""Put clips back on the photographs they were cut from, and get the alpha that they hide.

A clip is the object of a photograph on white, or with a transparent background, as clipping
services and web shops make it: cropped, centred, scaled, mirrored, retouched, compressed. It is
laid on its photograph to a fraction of a pixel; where that is not certain, the pair is refused.
Then the alpha is solved from both pictures: white parts of the object are no holes in it.

  maskmill stitch photographs/ clips/ --out alphas/                pairs by name
  maskmill stitch photographs/ clips/ --out alphas/ --match content --workers 8
  maskmill stitch photographs/ clips/ --out alphas/ --pairs pairs.csv --sheet --resume
  maskmill stitch 'shop/*_raw.jpg' 'shop/*_web.jpg' --out alphas/  globs, in quotes
  maskmill stitch bag.jpg bag_clip.png --out alphas/               one pair

pairs     by name: what is called alike belongs together, whatever suffix and marks such as _clip,
          -cutout, _white or _raw follow; folders are entered. By content: names do not matter,
          every clip is looked for in all photographs. Or a CSV or Parquet file with the columns
          original and clipped. A photograph may have several clips.
written   for each clip NAME its NAME.alpha.png, in 8 bits and of the photograph's size: white is
          the object. In stitched.jsonl and stitched.csv for every pair: where the clip lies (a
          matrix that maps its pixel centres to the photograph's), how certain that is (score), how
          much of the alpha could be otherwise (ambiguity; sort by it to review), or the reason.
--sheet   NAME.sheet.jpg: both pictures, a checkerboard of the two, what differs in their
          colours, and the object on magenta.
reasons   wrong_pair, other_view, perspective, low_texture, repeating, too_small,
          near_white_background, shadow: docs/reasons.md has them all.

Exit code 1: a file had no partner or could not be read; the others are done all the same. A pair
that is refused is an answer, not an error.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskmill.sample import Dropped
    from maskmill.stitch.pairs import ClipPair

    from .stitch_work import Record, Task

HELP = "put clips back on their photographs and get the alpha"

_LOG, _TABLE = "stitched.jsonl", "stitched.csv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("originals", metavar="ORIGINALS", help="folder, glob or file")
    parser.add_argument("clipped", metavar="CLIPPED", help="folder, glob or file")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder that gets the alphas"
    )
    parser.add_argument(
        "--pairs", type=Path, metavar="FILE", help="CSV or Parquet: original, clipped"
    )
    parser.add_argument(
        "--match", choices=("name", "content"), default="name", help="default: name"
    )
    parser.add_argument("--sheet", action="store_true", help="draw every pair, too")
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
        tasks, lost, names = _planned(options)
        _check_outputs(tasks)
    options.out.mkdir(parents=True, exist_ok=True)
    log = options.out / _LOG
    done, left = _resumed(tasks, log) if options.resume else ({}, tasks)
    records = _carried_out(left, done, lost, options, log)
    if options.match == "content":
        records += _never_matched(names, records)
    _finish(records, log)
    print(_summary(records, len(done)))
    print(f"wrote {options.out}")
    from .stitch_work import FAILED

    bad = any(r["status"] == FAILED or r["reason"] == "no_partner" for r in records)
    return 1 if bad else 0


def _check(options: argparse.Namespace) -> None:
    """Raise where options do not go together."""
    from . import check_folder

    if options.workers < 1:
        raise ValueError(f"--workers must be 1 or more processes, got {options.workers}")
    if options.pairs is not None and not options.pairs.is_file():
        raise ValueError(f"--pairs must be a file, got {options.pairs}")
    check_folder(options.out)
    out = options.out.resolve()
    for place in (options.originals, options.clipped):
        if Path(place).is_dir() and out.is_relative_to(Path(place).resolve()):
            raise ValueError(f"--out must not lie in a folder of the input, got {options.out}")


def _planned(options: argparse.Namespace) -> tuple[list["Task"], list["Dropped"], list[str]]:
    """Return what is to do, what cannot be done, and, by content, the photographs' names."""
    from maskmill.sample import Dropped
    from maskmill.stitch.folder import pictures_of, rooted
    from maskmill.stitch.pairs import ClipPairs, pairs_of

    if Path(options.originals).is_file() or Path(options.clipped).is_file():
        return [_single(options)], [], []
    source = ClipPairs(
        options.originals,
        options.clipped,
        pairs=None if options.pairs is None else str(options.pairs),
        match=options.match,
    )
    items = pairs_of(source)
    pairs = [item for item in items if not isinstance(item, Dropped)]
    lost = [item for item in items if isinstance(item, Dropped)]
    if not items:
        raise ValueError(f"{options.clipped} must hold clips of {options.originals}, got none")
    roots = rooted(str(source.originals))[0], rooted(str(source.clipped))[0]
    names = pictures_of(str(source.originals))[1] if options.match == "content" else []
    tasks = [
        _task(name, pair, roots, options) for name, pair in zip(_names(pairs), pairs, strict=True)
    ]
    return tasks, lost, names


def _single(options: argparse.Namespace) -> "Task":
    from maskmill.stitch.folder import facts_of
    from maskmill.stitch.pairs import ClipPair

    original, clip = Path(options.originals).resolve(), Path(options.clipped).resolve()
    for path in (original, clip):
        if not path.is_file():
            raise ValueError(f"ORIGINALS CLIPPED must be two files or two folders, got {path}")
    if options.pairs is not None or options.match == "content":
        raise ValueError("--pairs and --match are for folders")
    files = (facts_of(str(clip.parent), clip.name), facts_of(str(original.parent), original.name))
    pair = ClipPair(clip.name, clip.name, (original.name,), files=files)
    return _task(clip.stem, pair, (str(original.parent), str(clip.parent)), options)


def _names(pairs: Sequence["ClipPair"]) -> list[str]:
    """Return what to call the files of each: the clip's name; with its suffix where it must be."""
    bare = [str(PurePosixPath(pair.clip).with_suffix("")) for pair in pairs]
    often = Counter(name.casefold() for name in bare)
    return [
        pair.clip if often[name.casefold()] > 1 else name
        for name, pair in zip(bare, pairs, strict=True)
    ]


def _task(
    name: str, pair: "ClipPair", roots: tuple[str, str], options: argparse.Namespace
) -> "Task":
    from maskmill.folder import path_inside

    from .stitch_work import Task

    place = Path(path_inside(str(options.out.resolve()), f"{name}.alpha.png"))
    sheet = place.with_name(f"{PurePosixPath(name).name}.sheet.jpg") if options.sheet else None
    return Task(name, pair, *roots, place, sheet)


def _check_outputs(tasks: Sequence["Task"]) -> None:
    """Raise where a file of the input would be overwritten."""
    inputs = {
        Path(root, name).resolve()
        for task in tasks
        for root, names in ((task.clips, [task.pair.clip]), (task.originals, task.pair.originals))
        for name in names
    }
    for task in tasks:
        for file in (task.alpha, task.sheet):
            if file in inputs:
                raise ValueError(f"--out must not overwrite the input: {file}")


def _resumed(tasks: list["Task"], log: Path) -> tuple[dict[str, "Record"], list["Task"]]:
    """Return the records of what was done before, and what is left to do."""
    from .refine_work import read_log
    from .stitch_work import DONE, FAILED, stamp

    before = read_log(log)
    done: dict[str, Record] = {}
    for task in tasks:
        record = before.get(task.name, {"status": FAILED})
        wanted = [task.alpha] if record["status"] == DONE else []
        if task.sheet is not None:
            wanted.append(task.sheet)
        fresh = record["status"] != FAILED and stamp(task).items() <= record.items()
        if fresh and all(file.is_file() for file in wanted):
            done[task.name] = record
    return done, [task for task in tasks if task.name not in done]


def _carried_out(
    tasks: list["Task"],
    done: dict[str, "Record"],
    lost: list["Dropped"],
    options: argparse.Namespace,
    log: Path,
) -> list["Record"]:
    """Do it, telling and logging every pair at once; return all records."""
    import json

    from maskmill.files import write_whole

    from .bars import Bars
    from .stitch_work import FAILED, carry_out, unread

    records = [unread(one.origin or "", one.reason, one.values) for one in lost]
    with Bars() as bars:
        for record in records:
            print(_line(record), file=sys.stderr)
        write_whole(log, _lines([*done.values(), *records]))
        for number, record in enumerate(carry_out(tasks, options.workers), 1):
            records.append(record)
            if record["status"] == FAILED:
                print(_line(record), file=sys.stderr)
            else:
                bars.say(_line(record))
            # One write of a whole line: what is killed meanwhile can only lack it.
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            bars("stitch", number, len(tasks))
    return [*done.values(), *records]


def _never_matched(names: Iterable[str], records: Sequence["Record"]) -> list["Record"]:
    """Return records of the photographs that no clip was found to lie on."""
    from .stitch_work import unread

    told = {record["name"] for record in records}
    used = {record.get("original") for record in records}
    found: list[Record] = []
    for name in names:
        origin = f"original: {name}"
        if name not in used and origin not in told:
            found.append(unread(origin, "no_partner", {"clip": 0.0}))
            print(_line(found[-1]), file=sys.stderr)
    return found


def _finish(records: list["Record"], log: Path) -> None:
    from maskmill.files import write_whole

    records.sort(key=lambda record: record["name"])
    write_whole(log, _lines(records))  # in order, each once
    write_whole(log.with_name(_TABLE), _csv(records).encode())


def _lines(records: Iterable["Record"]) -> bytes:
    import json

    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _line(record: "Record") -> str:
    """Return what is said of a pair on a terminal."""
    from .stitch_work import DONE, FAILED, MEANINGS

    parts = [f"{record['name']:<24}", f"{record['status']:<8}"]
    if record["reason"]:
        meaning = record.get("error") or MEANINGS.get(record["reason"])
        parts.append(f"{record['reason']}: {meaning}" if meaning else record["reason"])
        if record["status"] == FAILED and record["values"].get("clip") and "clip" in record:
            parts.append("(the clip)")
    if "score" in record:
        parts.append(f"score {record['score']:.2f}")
    if record["status"] == DONE:
        parts.append(f"ambiguity {record['ambiguity']:.3f}")
    if record.get("mirrored") and record["status"] == DONE:
        parts.append("mirrored")
    if "seconds" in record:
        parts.append(f"{record['seconds']:.1f} s")
    return "  ".join(parts)


def _summary(records: list["Record"], passed: int) -> str:
    """Return how many pairs there were, and for each reason how many were not done."""
    from .stitch_work import DONE, FAILED, MEANINGS, REFUSED

    counts = Counter(record["status"] for record in records)
    total = counts[DONE] + counts[REFUSED]
    lines = [f"{total} pair{'s' * (total != 1)}: {counts[DONE]} done, {counts[REFUSED]} refused"]
    if counts[FAILED]:
        lines[0] += f"; {counts[FAILED]} could not be done"
    if passed:
        lines[0] += f"; {passed} were done before"
    reasons = Counter(record["reason"] for record in records if record["reason"])
    for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"  {reason:<22} {number:>6}  {MEANINGS.get(reason, '')}".rstrip())
    return "\n".join(lines)


def _csv(records: list["Record"]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    plain = ("name", "status", "reason", "original", "clip", "alpha")
    numbers = ("score", "ambiguity", "scale", "mirrored", "inliers", "width", "height", "seconds")
    matrix = [f"matrix_{row}{column}" for row in range(2) for column in range(3)]
    writer.writerow([*plain, *numbers, *matrix, "error"])
    for record in records:
        values = [value for row in record.get("matrix", []) for value in row] or [""] * 6
        told = ["" if record.get(name) is None else record[name] for name in (*plain, *numbers)]
        writer.writerow([*told, *values, record.get("error", "")])
    return text.getvalue()
