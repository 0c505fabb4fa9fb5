"""`borzoi URL`: the options of a request, as a click command. It needs the extra `cli`, as all does that it imports.

The options, what is shown and the exit status are those of the command `httpx`: 0 for a response of 2xx, 1 for any
other and for a request that failed, 2 for arguments that cannot be understood.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Unpack

import click

from .._version import __version__
from .fetch import Options, fetch
from .help import help_page


class Fetch(click.Command):
    """Read the arguments of a request."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the page that `--help` shows."""
        return help_page(self.get_params(ctx))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments. What is left over may be half of a header or a password, so it is not repeated."""
        rest = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            ctx.fail("There are more arguments than one URL and its options. Put quotes around a value with spaces.")
        return rest


def read_json(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    """Return the value that the text stands for."""
    if value is None:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise click.BadParameter("Not valid JSON") from None


def read_auth(
    _context: click.Context, _parameter: click.Parameter, value: tuple[str, str] | None
) -> tuple[str, str] | None:
    """Return the name and the password, which is asked for where it is given as "-"."""
    if value is None:
        return None
    if value[1] == "-":
        return value[0], click.prompt("Password", hide_input=True)
    return value


@click.command("borzoi", cls=Fetch, context_settings={"allow_extra_args": True})
@click.argument("url")
@click.option(
    "--method",
    "-m",
    metavar="METHOD",
    help="The method: GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD or any other. GET by default, POST with a body.",
)
@click.option(
    "--params",
    "-p",
    type=(str, str),
    multiple=True,
    metavar="<NAME VALUE> ...",
    help="A parameter of the query. This and the other options with three dots may be given several times.",
)
@click.option("--content", "-c", metavar="TEXT", help="The body, as it is.")
@click.option(
    "--data", "-d", type=(str, str), multiple=True, metavar="<NAME VALUE> ...", help="A field of a form in the body."
)
@click.option(
    "--files",
    "-f",
    type=(str, click.File("rb")),
    multiple=True,
    metavar="<NAME FILENAME> ...",
    help="A file of a form in the body.",
)
@click.option("--json", "-j", metavar="TEXT", callback=read_json, help="The body, as JSON.")
@click.option(
    "--headers", "-h", type=(str, str), multiple=True, metavar="<NAME VALUE> ...", help="A header of the request."
)
@click.option("--cookies", type=(str, str), multiple=True, metavar="<NAME VALUE> ...", help="A cookie of the request.")
@click.option(
    "--auth",
    type=(str, str),
    metavar="<USER PASS>",
    callback=read_auth,
    help="A name and a password. The password '-' is asked for. With --verbose the header that holds them is shown.",
)
@click.option("--proxy", metavar="URL", help="The proxy to send the request through.")
@click.option(
    "--timeout",
    type=float,
    default=5.0,
    metavar="FLOAT",
    help="The seconds that connecting, and each wait for bytes, may take. 5 by default.",
)
@click.option("--follow-redirects", is_flag=True, help="Follow redirects.")
@click.option("--no-verify", is_flag=True, help="Accept any certificate.")
@click.option("--http2", is_flag=True, help="Use HTTP/2, if the server speaks it.")
@click.option(
    "--output",
    "-o",
    "--download",
    "download",
    metavar="FILE",
    help="Save the body to a file, whole or not at all, instead of showing it. '-' is standard output.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show the connection and the request, too.")
@click.version_option(__version__, message="borzoi %(version)s", help="Show the version and exit.")
@click.help_option("--help", help="Show this page and exit.")
def command(**options: Unpack[Options]) -> None:
    """Send a request and show what was answered."""
    sys.exit(fetch(options))
