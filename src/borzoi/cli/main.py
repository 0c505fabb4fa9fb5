"""The command line: `borzoi URL`, and `borzoi demo` with whatever else `words.py` names.

A first argument that is a command word is that command, read by argparse: it needs no extra. Everything else is a
request, read by click and shown by rich, which are imported then; without them one sentence says what to install.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .._version import __version__
from .words import COMMANDS

NEEDED = ("click", "rich", "pygments")
"""What the extra `cli` installs."""

MISSING_EXTRA = "borzoi: requests from the command line need the extra 'cli': pip install 'borzoi[cli]'"


class Parser(argparse.ArgumentParser):
    """Say what there is when something else is asked for."""

    def error(self, message: str) -> NoReturn:
        """Print what was wrong and what there is, and exit with 2."""
        self.exit(2, f"{self.prog}: {message}\n{self.format_help()}")


def parser(chosen: str) -> argparse.ArgumentParser:
    """Return the parser of the commands; only the chosen one is imported, and has its arguments."""
    top = Parser(prog="borzoi", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"borzoi {__version__}")
    words = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for word, command in COMMANDS.items():
        arguments = words.add_parser(word, help=command.summary, description=command.summary, allow_abbrev=False)
        if word == chosen:
            module = import_module(command.module, __package__)
            module.add_arguments(arguments)
            arguments.set_defaults(run=module.main)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status. A request raises SystemExit with it, as click's commands do."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["--version"] or (given and given[0] in COMMANDS):
        return run_command(given)
    return run_request(given)


def run_command(arguments: list[str]) -> int:
    """Run the command that the first argument names."""
    options = parser(arguments[0]).parse_args(arguments)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    return status


def run_request(arguments: list[str]) -> int:
    """Send a request and show what was answered."""
    try:
        from .command import command
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in NEEDED:
            raise
        print(MISSING_EXTRA, file=sys.stderr)
        return 1

    write_what_can_be_encoded()
    return command.main(arguments, prog_name="borzoi")


def write_what_can_be_encoded() -> None:
    """Have characters that the terminal cannot encode written as escapes: a server may send any."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
