"""What `maskmill render` has written down about a picture: NAME.json beside it."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from maskmill.door import Refused
from maskmill.folder import read_inside
from maskmill.sample import Step

_MAX_BYTES = 1 << 20
_UNCONDITIONAL = "CC0"


@dataclass(frozen=True, slots=True)
class RenderFacts:
    """What a dataset keeps of a render's facts.

    Parameters
    ----------
    group : str or None
        What must not be parted between splits: the views of one subject share it.
    licence : str
        Of everything in the picture, see `credited`.
    tags : tuple of str
        ``subject:person``, ``world:courtyard``, ``alpha:holdout``, ``occluded``: as far as told.
    scores : mapping of str to float
        The camera's numbers: ``camera_lens``, ``camera_azimuth``, ...
    step : Step
        ``render``: ``seed``, ``index`` and ``samples``.
    """

    group: str | None = None
    licence: str = ""
    tags: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    step: Step = field(default_factory=lambda: Step("render"))


def read_facts(root: str, name: str) -> RenderFacts | None:
    """Return the facts of a file of a folder, or None where there is no such file.

    Raises
    ------
    maskmill.door.Refused
        ``bad_record`` when it is no JSON object or its group is no text, or as `read_inside` does.
    """
    try:
        data = read_inside(root, name, _MAX_BYTES)
    except Refused as refused:
        if refused.reason == "missing_file":
            return None
        raise
    return parsed(data)


def parsed(data: bytes) -> RenderFacts:
    """Return what a dataset keeps of a facts file.

    Parameters
    ----------
    data : bytes
        JSON. What is missing or of an unexpected form is passed over, except the group: pairs
        that leak between splits are worse than none.

    Raises
    ------
    maskmill.door.Refused
        ``bad_record`` when it is no JSON object or its group is no text.

    Examples
    --------
    >>> facts = parsed(
    ...     b'{"group": "shoe", "camera": {"lens": 70}, "subject": {"kind": "product"},'
    ...     b' "credits": [{"asset": "yard", "licence": "CC0 1.0"}]}'
    ... )
    >>> facts.group, facts.licence, facts.tags, facts.scores
    ('shoe', 'CC0 1.0', ('subject:product',), {'camera_lens': 70.0})
    """
    try:
        facts = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refused("bad_record") from error
    if not isinstance(facts, dict):
        raise Refused("bad_record")
    group = facts.get("group")
    if group is not None and not (isinstance(group, str) and group):
        raise Refused("bad_record")
    words = {
        "subject": _word(facts, "subject", "kind"),
        "world": _word(facts, "world", "name"),
        "alpha": _word(facts, "alpha", "path"),
    }
    tags = [f"{name}:{word}" for name, word in words.items() if word]
    if facts.get("occluders"):
        tags.append("occluded")
    numbers = {name: facts.get(name) for name in ("seed", "index", "samples")}
    return RenderFacts(
        group=None if group is None else _storable(group),
        licence=credited(_credits(facts.get("credits"))),
        tags=tuple(tags),
        scores={f"camera_{name}": number for name, number in _numbers(facts.get("camera"))},
        step=Step("render", dict(_numbers(numbers))),
    )


def credited(parts: Iterable[tuple[str, str]]) -> str:
    """Return the licences of a picture's parts as one line.

    Parameters
    ----------
    parts : iterable of (asset, licence)
        The asset is named where its licence may ask for it: all but CC0.

    Examples
    --------
    >>> credited([("body", "CC0 1.0"), ("chair.glb", "CC BY 4.0"), ("yard", "CC0 1.0")])
    'CC BY 4.0 (chair.glb); CC0 1.0'
    """
    named: dict[str, set[str]] = {}
    for asset, licence in parts:
        named.setdefault(licence or "licence not stated", set()).add(asset)
    lines: list[str] = []
    for licence, assets in sorted(named.items()):
        free = licence.startswith(_UNCONDITIONAL)
        names = ", ".join(sorted(filter(None, assets)))
        lines.append(licence if free or not names else f"{licence} ({names})")
    return "; ".join(lines)


def _credits(value: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for credit in value if isinstance(value, list) else ():
        if isinstance(credit, dict):
            asset, licence = credit.get("asset"), credit.get("licence")
            texts = [part if isinstance(part, str) else "" for part in (asset, licence)]
            found.append((_storable(texts[0]), _storable(texts[1])))
    return found


def _word(facts: dict[str, Any], table: str, name: str) -> str:
    part = facts.get(table)
    word = part.get(name) if isinstance(part, dict) else part
    return _storable(word) if isinstance(word, str) else ""


def _numbers(table: Any) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for name, value in table.items() if isinstance(table, dict) else ():
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63:
            found.append((_storable(str(name)), float(value)))
    return [(name, value) for name, value in found if math.isfinite(value)]


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
