"""`python -m maskmill` is `maskmill`."""

import sys

from maskmill.cli import main

if __name__ == "__main__":
    sys.exit(main())
