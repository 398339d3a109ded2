"""`python -m pumpwatch_gui` and the `pumpwatch` command."""

import sys

from pumpwatch_gui.cli import main

if __name__ == "__main__":
    sys.exit(main())
