"""Where the items of a source went: counting, apart from any reading or drawing."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EXAMPLES = 5
"""How many origins stand for a reason, and how many tracebacks for the failures of a stage."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One item of the ledger: what it was, and the numbers or the traceback behind its loss."""

    origin: str
    values: Mapping[str, float]
    detail: str | None = None


@dataclass
class Reason:
    """Items lost at one stage for one reason; `failed` where it was an exception."""

    word: str
    failed: bool
    count: int = 0
    examples: list[Example] = field(default_factory=list[Example])
    numbers: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def add(self, entry: Entry) -> None:
        """Count one entry of the ledger."""
        values = dict(entry["values"] or ())
        self.count += 1
        for name, value in values.items():
            self.numbers.setdefault(name, []).append(value)
        if len(self.examples) < EXAMPLES:
            self.examples.append(Example(entry["origin"], values, entry["detail"]))

    @property
    def medians(self) -> Mapping[str, float]:
        """The middle of each number behind the decisions."""
        return {name: statistics.median(values) for name, values in self.numbers.items()}


@dataclass(frozen=True)
class Level:
    """One stage of a funnel: who came in, who was lost and why, who is left.

    Reasons come most frequent first, failures last.
    """

    stage: str
    entered: int
    reasons: Sequence[Reason]

    @property
    def failed(self) -> int:
        """How many items ended here in an exception."""
        return sum(reason.count for reason in self.reasons if reason.failed)

    @property
    def lost(self) -> int:
        """How many items ended here."""
        return sum(reason.count for reason in self.reasons)

    @property
    def left(self) -> int:
        """How many items went on."""
        return self.entered - self.lost


@dataclass(frozen=True)
class Funnel:
    """The way of one source's items from reading to the shards.

    `unexplained` is how many items neither the ledger nor the index accounts for: 0 in a sound
    dataset.
    """

    source: str
    read: int
    kept: int
    levels: Sequence[Level]

    @property
    def dropped(self) -> int:
        """How many items were dropped, each with a reason."""
        return sum(level.lost - level.failed for level in self.levels)

    @property
    def failed(self) -> int:
        """How many items ended in an exception."""
        return sum(level.failed for level in self.levels)

    @property
    def unexplained(self) -> int:
        """Items read that were neither kept nor lost."""
        return self.read - self.kept - self.dropped - self.failed

    @property
    def failures(self) -> Sequence[tuple[str, Reason]]:
        """The exceptions, with their stages."""
        return [(level.stage, r) for level in self.levels for r in level.reasons if r.failed]


def funnels(
    counts: Mapping[str, Mapping[str, Any]],
    ledger: Sequence[Entry],
    kept: Mapping[str, int],
    order: Mapping[str, Sequence[str]] | None = None,
) -> list[Funnel]:
    """Count where each source's items went.

    Parameters
    ----------
    counts : mapping
        By source, as in dataset.json: ``read`` items, and ``dropped`` by stage. Only ``read`` and
        the order of the stages are taken from it.
    ledger : sequence of mapping
        Rows of the ledger: source, origin, stage, kind, reason, values, detail.
    kept : mapping of str to int
        Rows of the index by source.
    order : mapping of str to sequence of str, optional
        Stages of each source in the order in which they ran; others follow as they come.

    Examples
    --------
    >>> entry = {"source": "a", "origin": "1.jpg", "stage": "clean", "kind": "dropped",
    ...          "reason": "empty", "values": [("area", 0.0)], "detail": None}
    >>> funnel, = funnels({"a": {"read": 3}}, [entry], {"a": 2})
    >>> funnel.levels[0].stage, funnel.levels[0].left, funnel.unexplained
    ('clean', 2, 0)
    """
    sources = dict.fromkeys([*counts, *kept, *(entry["source"] for entry in ledger)])
    lost: dict[str, dict[str, dict[tuple[str, str], Reason]]] = {source: {} for source in sources}
    for source in sources:
        stages = [*(order or {}).get(source, ()), *counts.get(source, {}).get("dropped", ())]
        lost[source] = {stage: {} for stage in stages}
    for entry in ledger:
        reasons = lost[entry["source"]].setdefault(entry["stage"], {})
        failed = entry["kind"] == "failed"
        reason = Reason(entry["reason"], failed)
        reasons.setdefault((entry["kind"], entry["reason"]), reason).add(entry)
    return [
        _funnel(source, counts.get(source, {}).get("read"), kept.get(source, 0), stages)
        for source, stages in lost.items()
    ]


def _funnel(
    source: str,
    read: int | None,
    kept: int,
    stages: Mapping[str, Mapping[tuple[str, str], Reason]],
) -> Funnel:
    if read is None:  # no counts, as in a dataset that no run has made
        read = kept + sum(
            reason.count for reasons in stages.values() for reason in reasons.values()
        )
    levels: list[Level] = []
    entered = read
    for stage, reasons in stages.items():
        ranked = sorted(reasons.values(), key=lambda r: (r.failed, -r.count, r.word))
        levels.append(Level(stage, entered, ranked))
        entered = levels[-1].left
    return Funnel(source, read, kept, levels)
