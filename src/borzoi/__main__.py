"""`python -m borzoi`: the command line."""

import sys

from borzoi.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
