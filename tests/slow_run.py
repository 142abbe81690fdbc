"""A run to be killed: `python slow_run.py OUT [WORKERS]`."""

import sys

from procedural import Discs, Slow, Smallest

import maskmill as mm

# A bound that half the discs miss, and one that all of a source miss.
SOURCES = {
    "discs": (mm.Pipeline(Slow(0.03), Smallest(0.2)), Discs(24)),
    "none": (mm.Pipeline(Smallest(0.99)), Discs(8, first=100)),
}

if __name__ == "__main__":
    mm.run(SOURCES, sys.argv[1], workers=int(sys.argv[2]) if len(sys.argv) > 2 else None)
