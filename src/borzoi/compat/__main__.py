"""`python -m borzoi.compat script.py [argument ...]`: run a program with the alias installed."""

from __future__ import annotations

import os
import runpy
import sys

from .alias import install


def main() -> None:
    """Run the script that the command line names, as `python script.py` would."""
    arguments = sys.argv[1:]
    is_module = arguments[:1] == ["-m"]
    if len(arguments) < 1 + is_module:
        sys.exit("usage: python -m borzoi.compat (script.py | -m module) [argument ...]")

    install()
    target, *sys.argv[1:] = arguments[is_module:]
    sys.argv[0] = target
    if is_module:
        runpy.run_module(target, run_name="__main__", alter_sys=True)
        return
    sys.path[0] = os.path.dirname(os.path.abspath(target))
    runpy.run_path(target, run_name="__main__")


if __name__ == "__main__":
    main()
