"""`borzoi openapi generate`: a client from a document, on the command line.

The exit status is 0 when all is well, 1 when `--check` finds a difference, 2 when the document or an argument is
wrong: then one sentence says what, with file, line and pointer, and nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Selection

NEEDED = ("msgspec", "yaml")
"""What the extra `openapi` installs."""

MISSING_EXTRA = "borzoi: clients are generated with the extra 'openapi': pip install 'borzoi[openapi]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `borzoi openapi`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    sentence = "Generate the typed client of an OpenAPI document."
    generate = actions.add_parser("generate", help=sentence, description=sentence, allow_abbrev=False)
    generate.add_argument("document", nargs="?", metavar="SPEC", help="The document: a file or a URL.")
    generate.add_argument("--path", metavar="FILE", help="The document, in a file.")
    generate.add_argument("--url", metavar="URL", help="The document, at a URL.")
    generate.add_argument("--app", metavar="MODULE:NAME", help="An application that makes its own document.")
    generate.add_argument("-o", "--output", metavar="DIR", help="The folder of the package. ./NAME by default.")
    generate.add_argument(
        "--name", default="", help="The name of the package. That of the document's title by default."
    )
    generate.add_argument(
        "--style", choices=("both", "resources", "functions"), help="The styles of calling. Both by default."
    )
    for option, verb in (("--include", "Generate only"), ("--exclude", "Leave out")):
        what = "the operations of this tag, path or id. It may be given several times."
        generate.add_argument(option, action="append", default=[], metavar="TAG|PATH|ID", help=f"{verb} {what}")
    generate.add_argument(
        "--config", metavar="FILE", help="A file of settings, in YAML or JSON: docs/openapi.md lists them."
    )
    generate.add_argument("--check", action="store_true", help="Write nothing; exit with 1 if anything would change.")
    generate.add_argument("--strict", action="store_true", help="Take what cannot be expressed in full for an error.")
    generate.add_argument("--lenient-formats", action="store_true", help="Do not validate e-mail addresses and URIs.")
    generate.add_argument("--allow-remote", action="store_true", help="Let the document refer to any public server.")
    generate.add_argument("--root", metavar="DIR", help="The folder that it may refer to files in. Its own by default.")
    generate.add_argument("-q", "--quiet", action="store_true", help="Print nothing but errors.")


def main(options: argparse.Namespace) -> int:
    """Run the action and return the exit status."""
    try:
        from .document import DocumentError
        from .generating import Generated

        del Generated
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in NEEDED:
            raise
        print(MISSING_EXTRA, file=sys.stderr)
        return 2
    import gc

    # Nothing that is made has a use before the end, nor ends in a circle.
    gc.disable()
    try:
        return _generate(options)
    except DocumentError as error:
        print(f"borzoi: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in NEEDED:
            raise
        print(MISSING_EXTRA, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"borzoi: {error.strerror}: {error.filename}", file=sys.stderr)
        return 2


def _generate(options: argparse.Namespace) -> int:
    from .application import document_of
    from .configuration import configured
    from .document import DocumentError
    from .generating import generate

    given = [each for each in (options.document, options.path, options.url, options.app) if each]
    if len(given) != 1:
        raise DocumentError("Name one document: SPEC, --path FILE, --url URL or --app MODULE:NAME.")
    selection, settings = configured(options)
    made = generate(
        document_of(options.app) if options.app else given[0],
        output=options.output or settings.get("output"),
        selection=selection,
        style=options.style or settings.get("style", "both"),
        check=options.check,
        strict=options.strict,
        allow_remote=options.allow_remote,
        root=options.root,
    )
    if not options.quiet:
        _report(options.check, made.changed, str(made.folder), made)
    return 1 if options.check and made.changed else 0


def _report(check: bool, changed: list[str], folder: str, made: object) -> None:
    from .generating import Generated

    assert isinstance(made, Generated)
    for diagnostic in made.diagnostics:
        print(f"note: {diagnostic}", file=sys.stderr)
    sizes = f"{len(made.package.operations)} operations, {len(made.package.models)} models, {len(made.files)} files"
    if check:
        print(f"{folder}: {f'{len(changed)} files differ' if changed else 'up to date'} ({sizes})")
    else:
        print(f"{folder}: {sizes}, {len(changed)} changed")


def selection_of(options: argparse.Namespace) -> Selection:
    """Return which operations the arguments ask for."""
    from .plan import Selection

    return Selection(
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        name=options.name,
        lenient_formats=options.lenient_formats,
    )
