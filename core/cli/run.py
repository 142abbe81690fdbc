"""Run a recipe: sources through their stages into one dataset.

A recipe is a TOML file; examples/coco_people.toml shows one with comments. It is checked as a whole
before any work starts. Stopping a run loses at most the partitions in flight: run it again, and it
goes on where it was.

  maskmill run examples/coco_people.toml --out dataset/
  maskmill run recipe.toml --out s3://bucket/dataset --scheduler tcp://host:8786
"""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from . import at_least

if TYPE_CHECKING:
    from maskmill import Report

HELP = "run a recipe into a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recipe", metavar="RECIPE.toml", help="what is to be made, and of what")
    parser.add_argument("--out", metavar="DATASET", help="folder or URL; default: the recipe's own")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=at_least(1),
        metavar="N",
        help="processes on this machine (default: serial)",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask scheduler")
    parser.add_argument(
        "--retry-failed",
        action="store_true",
        help="do partitions again in which a stage raised an exception",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 3 when input could not be used"
    )


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.execute import run
    from maskmill.recipe import RecipeError, read_recipe

    from .bars import Bars

    recipe = read_recipe(options.recipe)
    out = options.out or recipe.out
    if out is None:
        raise RecipeError(f"{options.recipe}: no key 'out', and no --out was given")
    with contextlib.ExitStack() as stack:
        client = None
        if options.scheduler:
            from distributed import Client

            client = stack.enter_context(Client(options.scheduler, timeout="10s"))
        bars = stack.enter_context(Bars())
        report = run(
            recipe.sources,
            out,
            finish=recipe.finish,
            workers=options.workers,
            client=client,
            bits=recipe.bits,
            retry_failed=options.retry_failed,
            progress=bars,
        )
    print(report)
    return conclude(report, strict=options.strict)


def conclude(report: "Report", *, strict: bool) -> int:
    """Say what needs attention and return the exit code of a run."""
    unusable = report.unusable
    if unusable:
        print(
            f"{unusable} items could not be used, being missing, damaged or without a partner: "
            f"`maskmill show {report.out} --dropped` says which"
        )
    if report.read and not report.kept:
        print(f"nothing was kept: `maskmill show {report.out} --dropped` says why", file=sys.stderr)
    if report.failed:
        print(
            f"{report.failed} items failed with an exception: "
            f"`maskmill show {report.out} --failed` shows the tracebacks, "
            "`maskmill run --retry-failed` tries them again",
            file=sys.stderr,
        )
        return 1
    return 3 if strict and unusable else 0
