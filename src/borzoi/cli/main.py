"""The command line: `borzoi demo`, `borzoi --version`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from .._version import __version__


class Parser(argparse.ArgumentParser):
    """Say what there is when something else is asked for."""

    def error(self, message: str) -> NoReturn:
        """Print what was wrong and what there is, and exit with 2."""
        self.exit(2, f"{self.prog}: {message}\n{self.format_help()}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    from . import demo

    top = Parser(
        prog="borzoi",
        description="fetch for Python. Requests from the command line are not there yet: the demo is.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"borzoi {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    described = "See Borzoi do its job against a local API: thousands of requests, a download, a streamed answer."
    command = commands.add_parser("demo", help=described, description=described, allow_abbrev=False)
    demo.add_arguments(command)
    command.set_defaults(run=demo.main)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of the command line and return its exit status; `borzoi demo` is the one there is."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    return status
