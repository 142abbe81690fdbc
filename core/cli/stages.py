"""List the sources, stages and table stages that recipes can use, with their parameters.

Packages add theirs through the entry points maskmill.sources, maskmill.stages and
maskmill.table_stages.

  maskmill stages                     all of them, with a sentence for each
  maskmill stages person_filter       one, with its parameters as a recipe has them
"""

import argparse
import re
from collections.abc import Mapping
from typing import get_origin

from . import MistakeError

HELP = "list what recipes can use"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="show one of them with its whole description"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    import inspect

    from maskmill.catalogue import GROUPS, installed, nearest

    everything = {name: (kind, entry) for kind in GROUPS for name, entry in installed(kind).items()}
    if options.name:
        if options.name not in everything:
            raise MistakeError(f"unknown name {options.name!r}{nearest(options.name, everything)}")
        kind, entry = everything[options.name]
        print(f"{options.name} ({kind}, {entry.value})\n")
        print(inspect.getdoc(entry.load()) or "")
        for name, entries in _told_beside(entry.load()).items():
            print(f"\nParameters as of `{name}`:\n\n" + "\n".join(entries))
        print(f"\nIn a recipe:\n\n{_table(options.name, kind, entry.load())}")
        return 0
    for kind in GROUPS:
        print(f"{kind}s")
        for name, entry in installed(kind).items():
            summary = (inspect.getdoc(entry.load()) or "").partition("\n")[0]
            print(f"  {name:<16} {summary}")
    print("\n`maskmill stages NAME` shows the parameters of one.")
    return 0


def _told_beside(part: type) -> dict[str, list[str]]:
    """Return what a class leaves to the functions that its docstring names, by function."""
    import dataclasses
    import inspect

    text = inspect.getdoc(part) or ""
    own = _entries(text)
    fields = [field.name for field in dataclasses.fields(part) if field.name not in own]
    beside = vars(inspect.getmodule(part))
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(re.findall(r"`([a-z]\w*)`", text)):
        if inspect.isfunction(beside.get(name)):
            entries = _entries(inspect.getdoc(beside[name]) or "")
            told = [entries[field] for field in fields if field in entries]
            if told:
                found[name] = list(dict.fromkeys(told))
    return found


def _entries(text: str) -> dict[str, str]:
    """Return the entries of a numpydoc text's parameters by name."""
    section = re.search(r"(?ms)^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n---|\Z)", text)
    blocks = re.split(r"\n(?=\S)", section[1].strip()) if section else []
    return {
        name.strip(): block
        for block in blocks
        for name in block.partition("\n")[0].partition(" : ")[0].split(",")
    }


def _table(name: str, kind: str, part: type) -> str:
    import dataclasses
    import json

    head = {"source": "[people.source]", "stage": "[[people.stage]]", "table stage": "[[finish]]"}
    lines = [head[kind], f'use = "{name}"']
    for field in dataclasses.fields(part):
        if field.default is dataclasses.MISSING:
            value = "{ ... }" if get_origin(field.type) is Mapping else '"..."'
            lines.append(f"{field.name} = {value}")
        elif field.default is None:
            lines.append(f"# {field.name} = ...")
        else:
            lines.append(f"{field.name} = {json.dumps(field.default)}")
    return "\n".join(lines)
