"""Say what runs on this machine, what does not, and the one command that mends it.

  maskmill doctor
  maskmill doctor --json      the same for programs

Exit code 1: there is a problem. What is only absent is none.
"""

import argparse
import dataclasses
import json
import shutil
import textwrap

from maskmill.doctor import examine

HELP = "say which packages win on this machine and what mends them"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def main(args: argparse.Namespace) -> int:
    """Print every finding; return 1 if one is a problem."""
    findings = examine()
    if args.json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        width = max(shutil.get_terminal_size().columns, 60)
        for finding in findings:
            head = f"{finding.state:<8} {finding.name:<9} "
            margin = " " * len(head)
            lines = textwrap.wrap(
                finding.text, width - len(head), break_long_words=False, break_on_hyphens=False
            )
            print(head + f"\n{margin}".join(lines))
            if finding.remedy:
                print(f"{margin}$ {finding.remedy}")  # never wrapped: it is there to be copied
    return int(any(finding.state == "problem" for finding in findings))
