"""The program `maskmill`: one module per command, each with HELP, `configure` and `main`."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from maskmill import __version__

COMMANDS = (
    "demo",
    "run",
    "stages",
    "show",
    "verify",
    "report",
    "coco",
    "verdicts",
    "train",
    "predict",
    "refine",
    "stitch",
    "render",
    "composite",
    "evaluate",
    "doctor",
)

EXIT_CODES = """\
exit codes:
  0  done
  1  something failed: an exception in a stage, an unreadable dataset, a problem found
  2  a mistake in the command line or in the recipe; nothing was written
  3  done, but with --strict there was input that could not be used
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


def exit_code(error: Exception) -> int:
    """Return 2 for the user's mistakes that are found before any work, else 1."""
    from maskmill.execute import PlanError
    from maskmill.recipe import RecipeError

    return 2 if isinstance(error, RecipeError | PlanError) else 1


def explain(error: Exception) -> str:
    """Return an error as one line."""
    text = str(error) if isinstance(error, ValueError | RuntimeError | OSError) else repr(error)
    if isinstance(error, ModuleNotFoundError):
        text = f"{error}; see `maskmill doctor` for the extra that brings it"
    return " ".join(text.split()) or type(error).__name__
