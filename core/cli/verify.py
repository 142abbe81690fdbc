"""Check a dataset: every shard present, every byte as written, index, ledger and counts agreeing.

  maskmill verify dataset/            checksums of all pictures
  maskmill verify dataset/ --decode   decodes them too: sizes and alpha hashes

Exit code 1: there is a problem. Files that are no part of the dataset are told of, not a problem.
"""

import argparse

HELP = "check every byte of a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset", metavar="DATASET", help="folder or URL")
    parser.add_argument("--decode", action="store_true", help="decode every picture as well")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.shards import Dataset, strays, verify

    from . import number
    from .bars import Bars

    with Bars() as bars:
        problems = verify(options.dataset, decode=options.decode, progress=bars.counter("verify"))
    for problem in problems:
        print(problem)
    left = strays(options.dataset)
    if left:
        files = number(len(left), "file")
        print(f"{files} of an earlier recipe or a stopped run: the next run sweeps them")
    dataset = Dataset(options.dataset)
    shards = len(dataset.info["shards"])
    verdict = number(len(problems), "problem") if problems else "no problem"
    print(f"{options.dataset}: {len(dataset)} samples in {number(shards, 'shard')}, {verdict}")
    return 1 if problems else 0
