"""The program `maskmill`: one module per command, each with HELP, `configure` and `main`."""

import argparse
import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from maskmill import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from .bars import Bars

# In the order of the work: all of it, the parts that make pairs, datasets, networks, help.
COMMANDS = (
    "demo",
    "run",
    "stages",
    "coco",
    "stitch",
    "refine",
    "render",
    "composite",
    "show",
    "verify",
    "report",
    "verdicts",
    "train",
    "predict",
    "evaluate",
    "doctor",
)

EXIT_CODES = """\
exit codes:
  0  done
  1  something failed: an exception in a stage, an unreadable dataset, a problem found
  2  a mistake in the command line or in the recipe; nothing was written
  3  done, but with --strict there was input that could not be used
130  stopped by Ctrl-C; what was finished is kept
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="maskmill",
        description="Make (image, alpha) pairs for background removal, and train on them.",
        epilog=EXIT_CODES + "\nStart with: maskmill demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"maskmill {__version__}")
    parser.add_argument(
        "--traceback", action="store_true", help="show the whole traceback of an error"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"maskmill.cli.{name}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(command)
        command.set_defaults(main=module.main)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)  # of the handler: Dask's loggers have levels of their own
    # A local cluster that ends kills workers that are still at work: no news for who stopped it.
    handler.addFilter(lambda record: "still alive after" not in record.getMessage())
    logging.basicConfig(handlers=[handler], format="%(name)s: %(message)s")
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        return options.main(options)
    except KeyboardInterrupt:
        print("\nmaskmill: stopped; what was finished is kept", file=sys.stderr)
        return 130
    except BrokenPipeError:  # such as `maskmill show DATASET | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if options.traceback:
            raise
        print(f"maskmill: error: {explain(error)}", file=sys.stderr)
        return exit_code(error)


class MistakeError(Exception):
    """What was asked for cannot be: found before any work."""


@contextlib.contextmanager
def mistakes(*kinds: type[Exception], before: "Bars | None" = None) -> Generator[None]:
    """Take errors of these kinds within the block for mistakes in the command line.

    With bars, only those before the work of which they tell.
    """
    try:
        yield
    except kinds as error:
        if before is not None and before.began:
            raise
        raise MistakeError(explain(error)) from error


def at_least(least: int) -> Callable[[str], int]:
    """Return what reads an argument as a whole number that is not too small."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number, {least} or more, got {text!r}"
            )
        return int(text)

    return read


def number(count: int, word: str) -> str:
    """Return "1 shard" or "2 shards"."""
    return f"{count} {word}{'s' * (count != 1)}"


def check_folder(out: "Path") -> None:
    """Raise unless a folder of that name is there or can be made."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out must be a folder, got {out}")


def exit_code(error: Exception) -> int:
    """Return 2 for the user's mistakes that are found before any work, else 1."""
    from maskmill.execute import OccupiedError, PlanError
    from maskmill.recipe import RecipeError

    mistake = MistakeError | RecipeError | PlanError | OccupiedError
    return 2 if isinstance(error, mistake) else 1


def explain(error: Exception) -> str:
    """Return an error as one line."""
    from maskmill.files import why

    if isinstance(error, OSError):
        text = why(error)
    elif isinstance(error, ModuleNotFoundError):
        text = f"{error}; see `maskmill doctor` for the extra that brings it"
    elif isinstance(error, ValueError | RuntimeError | ImportError | MistakeError):
        text = str(error)
    else:
        text = repr(error)
    return " ".join(text.split()) or type(error).__name__
