"""Check a dataset: every shard present, every byte as written, index, ledger and counts agreeing.

maskmill verify dataset/            checksums of all pictures
maskmill verify dataset/ --decode   decodes them too: sizes and alpha hashes
"""

import argparse

HELP = "check every byte of a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("dataset")
    parser.add_argument("--decode", action="store_true", help="decode every picture as well")


def main(options: argparse.Namespace) -> int:
    """Carry it out."""
    from maskmill.shards import Dataset, strays, verify

    from .bars import Bars

    with Bars() as bars:
        problems = verify(options.dataset, decode=options.decode, progress=bars.counter("verify"))
    for problem in problems:
        print(problem)
    left = strays(options.dataset)
    if left:
        print(f"{len(left)} files of an earlier recipe or a stopped run: the next run sweeps them")
    dataset = Dataset(options.dataset)
    shards = len(dataset.info["shards"])
    verdict = f"{len(problems)} problems" if problems else "no problem"
    print(f"{options.dataset}: {len(dataset)} samples in {shards} shards, {verdict}")
    return 1 if problems else 0
