"""Write composites as files, partition by partition, here or in other processes."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .processes import each

if TYPE_CHECKING:
    from maskmill.sample import Dropped, Sample
    from maskmill.source import Partition
    from maskmill.synth import Composite

Record = dict[str, Any]

LOG = "composites.jsonl"
_PARTS = ".parts"


@dataclass(frozen=True, slots=True)
class Task:
    """A partition and the folder that gets its pairs."""

    source: "Composite"
    partition: "Partition"
    out: Path
    bits: int = 8

    @property
    def part(self) -> Path:
        """The file whose presence says that all of the partition is there."""
        return self.out / _PARTS / f"{self.partition.fingerprint}-{self.bits}.jsonl"


@dataclass(frozen=True)
class Told:
    """What became of the pairs."""

    kept: list[Record] = field(default_factory=list[Record])
    lost: list[Record] = field(default_factory=list[Record])
    broken: int = 0

    def __str__(self) -> str:
        lines = [f"{len(self.kept)} pairs"]
        splits = Counter(record["split"] for record in self.kept)
        if splits:
            lines[0] += ": " + ", ".join(f"{number} {name}" for name, number in splits.items())
        if self.lost:
            lines.append(f"{len(self.lost)} could not be made:")
        reasons = Counter(record["reason"] for record in self.lost)
        for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"  {reason:<22} {number:>6}")
        if self.broken:
            lines.append(f"{self.broken} parts failed: the next run tries them again")
        return "\n".join(lines)


def carry_out(tasks: Sequence[Task], workers: int) -> Iterator[str | None]:
    """Do what is not done yet; yield for each task what went wrong, or None."""
    left = [task for task in tasks if not task.part.is_file()]
    yield from [None] * (len(tasks) - len(left))
    yield from each(write_part, left, workers, _died)


def _died(task: Task, error: BaseException) -> str:
    return f"part {task.partition.fingerprint}: {type(error).__name__}: {error}"


def write_part(task: Task) -> str | None:
    """Make and write the pairs of a partition, and last the list of them."""
    from maskmill.files import write_whole
    from maskmill.sample import Dropped
    from maskmill.work import one_thread

    try:
        with one_thread():
            records = [
                _lost(item) if isinstance(item, Dropped) else _written(item, task)
                for item in task.source.read(task.partition)
            ]
        write_whole(task.part, _lines(records))
    except Exception as error:  # one bad part must not end a night's work: it is told of
        return _died(task, error)
    return None


def _written(sample: "Sample", task: Task) -> Record:
    from maskmill.files import write_whole

    name = _name(sample)
    suffix = ".jpg" if sample.image_bytes.startswith(b"\xff\xd8") else ".png"
    record: Record = {
        "name": name,
        "image": f"{name}{suffix}",
        **{key: getattr(sample, key) for key in ("key", "origin", "split", "group", "licence")},
        "width": sample.width,
        "height": sample.height,
        "tags": list(sample.tags),
        "scores": _rounded(sample.scores),
        "history": [
            {"stage": step.stage, "values": _rounded(step.values)} for step in sample.history
        ],
    }
    write_whole(task.out / record["image"], sample.image_bytes)
    alpha = sample.quantised(task.bits).alpha_bytes or b""
    write_whole(task.out / f"{name}.alpha.png", alpha)
    write_whole(task.out / f"{name}.json", (json.dumps(record, indent=1) + "\n").encode())
    return record


def _name(sample: "Sample") -> str:
    """Return a name that no other pair has: both files' names, and the start of the key."""
    parts = [
        str(PurePosixPath(part).with_suffix("")).replace("/", "+")
        for part in sample.origin.split(" on ", 1)
    ]
    plain = "__".join(part.removesuffix(".foreground")[:80] for part in parts)
    return f"{sample.split}/{plain}__{sample.key[:8]}"


def _lost(dropped: "Dropped") -> Record:
    return {
        "origin": dropped.origin,
        "reason": dropped.reason,
        "values": _rounded(dropped.values),
    }


def _rounded(numbers: Any) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in sorted(numbers.items())}


def finish(tasks: Sequence[Task]) -> Told:
    """Write the list of all pairs, and return what became of them."""
    from maskmill.files import write_whole

    told, broken = Told(), 0
    for task in tasks:
        if not task.part.is_file():
            broken += 1
            continue
        for line in task.part.read_text().splitlines():
            record = json.loads(line)
            (told.lost if "reason" in record else told.kept).append(record)
    if tasks:
        write_whole(tasks[0].out / LOG, _lines([*told.kept, *told.lost]))
    return Told(told.kept, told.lost, broken)


def read_pair(out: Path, record: Record) -> "Sample":
    """Return a pair that was written."""
    from maskmill.sample import Sample

    facts = ("key", "origin", "split", "group", "licence", "width", "height")
    return Sample(
        source="composites",
        image_bytes=(out / record["image"]).read_bytes(),
        alpha_bytes=(out / f"{record['name']}.alpha.png").read_bytes(),
        **{name: record[name] for name in facts},
    )


def _lines(records: Sequence[Record]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()
