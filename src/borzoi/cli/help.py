"""The page of `borzoi --help`: the options as the click command declares them, and the command words."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .words import COMMANDS

TAGLINE = "A next generation HTTP client."
"""The words by which programs know the help of httpx."""


def help_page(parameters: Sequence[click.Parameter]) -> str:
    """Return the page, with colours where standard output is a terminal."""
    console = Console(highlight=False)
    with console.capture() as page:
        console.print("[bold]Borzoi", justify="center")
        console.print()
        console.print(TAGLINE, justify="center")
        console.print()
        console.print("Usage: [bold]borzoi[/bold] [cyan]<URL> [OPTIONS][/cyan]")
        console.print("       [bold]borzoi[/bold] [cyan]COMMAND ...[/cyan]")
        console.print()
        console.print(option_table(parameters))
        console.print("Commands, which are meant where the first argument is their name:")
        console.print()
        console.print(command_table())
    return page.get().rstrip("\n")


def option_table(parameters: Sequence[click.Parameter]) -> Table:
    """Return a row for each option."""
    table = Table.grid(padding=1, pad_edge=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for option in parameters:
        if isinstance(option, click.Option):
            names = Text(", ".join(sorted(option.opts, key=len)), style="bold")
            names.append(f" {option.metavar}" if option.metavar else "", style="cyan")
            table.add_row(names, Text(option.help or ""))
    return table


def command_table() -> Table:
    """Return a row for each command word."""
    table = Table.grid(padding=1, pad_edge=True)
    for word, command in COMMANDS.items():
        table.add_row(Text(word, style="bold"), Text(command.summary))
    return table
