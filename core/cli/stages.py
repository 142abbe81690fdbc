"""List the sources, stages and table stages that recipes can use, with their parameters.

Packages add theirs through the entry points maskmill.sources, maskmill.stages and
maskmill.table_stages.
"""

import argparse

HELP = "list what recipes can use"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", nargs="?", help="show one of them with its whole description")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    import inspect

    from maskmill.catalogue import GROUPS, installed, nearest

    everything = {name: (kind, entry) for kind in GROUPS for name, entry in installed(kind).items()}
    if options.name:
        if options.name not in everything:
            raise ValueError(f"unknown name {options.name!r}{nearest(options.name, everything)}")
        kind, entry = everything[options.name]
        print(f"{options.name} ({kind}, {entry.value})\n")
        print(inspect.getdoc(entry.load()) or "")
        print(f"\nIn a recipe:\n\n{_table(options.name, kind, entry.load())}")
        return 0
    for kind in GROUPS:
        print(f"{kind}s")
        for name, entry in installed(kind).items():
            summary = (inspect.getdoc(entry.load()) or "").partition("\n")[0]
            print(f"  {name:<16} {summary}")
    print("\n`maskmill stages NAME` shows the parameters of one.")
    return 0


def _table(name: str, kind: str, part: type) -> str:
    import dataclasses
    import json

    head = {"source": "[people.source]", "stage": "[[people.stage]]", "table stage": "[[finish]]"}
    lines = [head[kind], f'use = "{name}"']
    for field in dataclasses.fields(part):
        if field.default is dataclasses.MISSING:
            lines.append(f'{field.name} = "..."')
        elif field.default is not None:
            value = json.dumps(field.default)
            lines.append(f"{field.name} = {value}")
    return "\n".join(lines)
