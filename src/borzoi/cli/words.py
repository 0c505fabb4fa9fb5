"""The command words: a first argument that is one of them names a command, and every other begins a request.

A word is no URL, since it has no scheme, so none of them takes a URL away. The module of a command is imported when a
command runs; it has `add_arguments(parser)`, for argparse, and `main(options)`, which returns the exit status.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """Say what a command is for, and where it is."""

    module: str
    """Its module, in this package unless it is named in full."""

    summary: str
    """One sentence."""


COMMANDS = {
    "demo": Command(
        ".demo", "See Borzoi do its job against a local API: thousands of requests, a download, a streamed answer."
    ),
    "openapi": Command("borzoi.openapi.command", "Generate the typed client of an OpenAPI document."),
}
"""All commands, by their words."""
