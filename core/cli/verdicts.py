"""Add or list reviewers' decisions. Readers of the dataset respect them at once.

  maskmill verdicts add dataset/ 3f2a --decision reject --reason halo --reviewer ann
  maskmill verdicts add dataset/ --from decisions.csv
  maskmill verdicts list dataset/ --standing reject

A CSV has the columns key, decision, reviewer and, where you have them, reason, note, seconds,
decided_at (ISO 8601) and alpha_hash. Without alpha_hash a decision is about the alpha of now.
"""

import argparse
import csv
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import MistakeError, mistakes, number

if TYPE_CHECKING:
    from maskmill.shards import Dataset, Verdict

HELP = "add or list reviewers' decisions"

_DECISIONS = ("accept", "reject", "fix")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="add|list", required=True)
    add = actions.add_parser("add", help="record decisions")
    add.add_argument("dataset", metavar="DATASET", help="folder or URL")
    add.add_argument("key", nargs="*", metavar="KEY", help="first digits of the samples' keys")
    add.add_argument("--from", dest="file", type=Path, metavar="FILE.csv", help="many at once")
    add.add_argument("--decision", choices=_DECISIONS, help="what is to become of the samples")
    add.add_argument(
        "--reason",
        metavar="WORD",
        help="needed to reject or fix: white_hole, halo, missing_part, extra_part, misaligned, "
        "wrong_subject or other",
    )
    add.add_argument("--note", metavar="TEXT", help="in your own words")
    add.add_argument("--reviewer", metavar="NAME", help="yours; needed without --from")
    show = actions.add_parser("list", help="show what stands")
    show.add_argument("dataset", metavar="DATASET", help="folder or URL")
    show.add_argument(
        "--standing",
        choices=(*_DECISIONS, "conflict", "stale"),
        help="only those of which this is what counts now",
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.shards import Dataset, append_verdicts

    dataset = Dataset(options.dataset)
    if options.action == "list":
        return _list(dataset, options.standing)
    if options.file and (options.key or options.decision):
        raise MistakeError("verdicts add takes KEY and --decision, or --from FILE.csv, not both")
    with mistakes(OSError, ValueError):
        if options.file:
            verdicts = _from_file(dataset, options.file)
        else:
            verdicts = _from_options(dataset, options)
    append_verdicts(dataset.storage, verdicts)
    print(f"{number(len(verdicts), 'verdict')} added to {options.dataset}")
    return 0


def _list(dataset: "Dataset", standing: str | None) -> int:
    from maskmill.shards import read_verdicts

    table = dataset.table().select(["key", "origin", "verdict"]).to_pylist()
    about = {row["key"]: row for row in table}
    shown = 0
    for row in read_verdicts(dataset.storage).to_pylist():
        sample = about.get(row["key"], {"origin": "(not in this dataset)", "verdict": None})
        if standing and sample["verdict"] != standing:
            continue
        shown += 1
        print(
            f"{row['key'][:12]}  {row['decided_at']:%Y-%m-%d %H:%M}  {row['reviewer']:<12} "
            f"{row['decision']:<7} {row['reason'] or '-':<14} now {sample['verdict'] or '-':<9} "
            f"{sample['origin']}  {row['note'] or ''}".rstrip()
        )
    print(number(shown, "verdict"))
    return 0


def _from_options(dataset: "Dataset", options: argparse.Namespace) -> list["Verdict"]:
    from maskmill.shards import Verdict

    if not options.key or not options.decision or not options.reviewer:
        raise ValueError("verdicts add needs KEY, --decision and --reviewer, or --from FILE.csv")
    hashes = _hashes(dataset)
    found = [_find(hashes, prefix) for prefix in options.key]
    return [
        Verdict(
            key,
            alpha_hash,
            options.decision,
            options.reviewer,
            reason=options.reason,
            note=options.note,
            decided_at=datetime.datetime.now(datetime.UTC),
        )
        for key, alpha_hash in found
    ]


def _from_file(dataset: "Dataset", path: Path) -> list["Verdict"]:
    from maskmill.shards import Verdict

    now = datetime.datetime.now(datetime.UTC)
    hashes = _hashes(dataset)
    verdicts: list[Verdict] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                key, alpha_hash = _find(hashes, row["key"] or "")
                decided = row.get("decided_at")
                verdicts.append(
                    Verdict(
                        key,
                        row.get("alpha_hash") or alpha_hash,
                        row["decision"] or "",
                        row["reviewer"] or "",
                        reason=row.get("reason") or None,
                        note=row.get("note") or None,
                        decided_at=datetime.datetime.fromisoformat(decided) if decided else now,
                        seconds=float(row["seconds"]) if row.get("seconds") else None,
                    )
                )
            except KeyError as error:
                raise ValueError(f"{path} line {line}: missing column {error}") from None
            except ValueError as error:
                raise ValueError(f"{path} line {line}: {error}") from None
    return verdicts


def _hashes(dataset: "Dataset") -> dict[str, str]:
    table = dataset.table()
    return dict(zip(table["key"].to_pylist(), table["alpha_hash"].to_pylist(), strict=True))


def _find(hashes: dict[str, str], prefix: str) -> tuple[str, str]:
    found = [prefix] if prefix in hashes else [key for key in hashes if key.startswith(prefix)]
    if not prefix or len(found) != 1:
        raise ValueError(f"key must name one sample, {prefix!r} names {len(found)}")
    return found[0], hashes[found[0]]
