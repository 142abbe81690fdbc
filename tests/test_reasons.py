"""docs/reasons.md is the whole truth about reason words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "curate", "stitch", "refine", "synth", "train", "review")

# Where reasons are made: a Dropped, a refusal of the door, a bad segmentation, a verdict on people,
# a row of the ledger. Doctest examples of third-party stages are no reasons of ours.
MADE = [
    re.compile(r'Dropped\(\s*(?:[\w.]+,\s*)?"([a-z0-9_]+)"'),
    re.compile(r'Refused\(\s*"([a-z0-9_]+)"'),
    re.compile(r'SegmentationError\(\s*"([a-z0-9_]+)"'),
    re.compile(r'Judgement\(\s*"([a-z0-9_]+)"'),
    re.compile(r'"reason": "([a-z0-9_]+)"'),
]


def documented() -> set[str]:
    text = (ROOT / "docs" / "reasons.md").read_text()
    return set(re.findall(r"^\| `([a-z0-9_]+)` \|", text, re.MULTILINE))


def made() -> dict[str, str]:
    found: dict[str, str] = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            code = "\n".join(
                line
                for line in path.read_text().splitlines()
                if not line.lstrip().startswith((">>>", "..."))
            )
            for pattern in MADE:
                found |= dict.fromkeys(pattern.findall(code), path.name)
    return found


@pytest.mark.parametrize("word", sorted(made()))
def test_every_reason_the_code_gives_is_in_the_table(word: str):
    assert word in documented()


def test_every_reason_of_the_table_stands_in_the_code():
    code = "\n".join(p.read_text() for room in ROOMS for p in sorted((ROOT / room).rglob("*.py")))
    assert {word for word in documented() if f'"{word}"' not in code} == set()
