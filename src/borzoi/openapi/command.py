"""`borzoi openapi generate` and `borzoi openapi diff`: clients from documents, on the command line.

The exit status is 0 when all is well, 1 when `--check` finds a difference or `diff` a change that breaks callers, and 2
when the document or an argument is wrong: then one sentence says what, with file, line and pointer, and nothing is
written.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .generating import Generated
    from .plan import Selection

NEEDED = ("msgspec", "yaml")
"""What the extra `openapi` installs."""

STYLES = ("both", "resources", "functions")
"""The styles of calling."""

MODELS = ("msgspec", "pydantic", "dataclass", "dataclasses")
"""The libraries that models may be of; the last two are one."""

ENUMS = ("literal", "strenum")
"""What enumerations of strings may be."""

MISSING_EXTRA = "borzoi: clients are generated with the extra 'openapi': pip install 'borzoi[openapi]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `borzoi openapi`."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    sentence = "Generate the typed client of an OpenAPI document."
    generate = actions.add_parser("generate", help=sentence, description=sentence, allow_abbrev=False)
    _add_document(generate)
    generate.add_argument("-o", "--output", metavar="DIR", help="The folder of the package. ./NAME by default.")
    generate.add_argument(
        "--name", default="", help="The name of the package. That of the document's title by default."
    )
    generate.add_argument("--style", choices=STYLES, help="The styles of calling. Both by default.")
    generate.add_argument("--models", choices=MODELS, help="The library of the models. msgspec by default.")
    generate.add_argument(
        "--enums", choices=ENUMS, help="What enumerations of strings are: literals by default, or open StrEnums."
    )
    for option, verb in (("--include", "Generate only"), ("--exclude", "Leave out")):
        what = "the operations of this tag, path or id. It may be given several times."
        generate.add_argument(option, action="append", default=[], metavar="TAG|PATH|ID", help=f"{verb} {what}")
    generate.add_argument(
        "--config", metavar="FILE", help="A file of settings, in YAML or JSON: docs/openapi.md lists them."
    )
    generate.add_argument("--check", action="store_true", help="Write nothing; exit with 1 if anything would change.")
    generate.add_argument("--watch", action="store_true", help="Generate again whenever the document changes.")
    generate.add_argument("--strict", action="store_true", help="Take what cannot be expressed in full for an error.")
    generate.add_argument("--lenient-formats", action="store_true", help="Do not validate e-mail addresses and URIs.")
    _add_reach(generate)
    generate.add_argument("-q", "--quiet", action="store_true", help="Print nothing but errors.")
    sentence = "Say what changed between two documents, and what of it breaks callers."
    diff = actions.add_parser("diff", help=sentence, description=sentence, allow_abbrev=False)
    diff.add_argument("old", metavar="OLD", help="The document as it was: a file or a URL.")
    diff.add_argument("new", metavar="NEW", help="The document as it is.")
    _add_reach(diff)
    diff.add_argument(
        "-q", "--quiet", action="store_true", help="Print nothing; the status says whether callers break."
    )


def _add_document(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("document", nargs="?", metavar="SPEC", help="The document: a file or a URL.")
    parser.add_argument("--path", metavar="FILE", help="The document, in a file.")
    parser.add_argument("--url", metavar="URL", help="The document, at a URL.")
    parser.add_argument("--app", metavar="MODULE:NAME", help="An application that makes its own document.")


def _add_reach(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-remote", action="store_true", help="Let the document refer to any public server.")
    parser.add_argument("--root", metavar="DIR", help="The folder that it may refer to files in. Its own by default.")


def main(options: argparse.Namespace) -> int:
    """Run the action and return the exit status."""
    run = _diff if options.action == "diff" else _watch if options.watch else _generate
    return guarded(run, options)


def guarded(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run an action, and say what is wrong in one sentence."""
    try:
        from .document import DocumentError
    except ImportError as error:
        return _say_what_is_missing(error)
    import gc

    # Nothing that is made has a use before the end, nor ends in a circle.
    gc.disable()
    try:
        return run(options)
    except DocumentError as error:
        print(f"borzoi: {error}", file=sys.stderr)
    except ImportError as error:
        return _say_what_is_missing(error)
    except OSError as error:
        print(f"borzoi: {error.strerror}: {error.filename}", file=sys.stderr)
    finally:
        gc.enable()
    return 2


def _say_what_is_missing(error: ImportError) -> int:
    if error.name is None or error.name.partition(".")[0] not in NEEDED:
        raise error
    print(MISSING_EXTRA, file=sys.stderr)
    return 2


# generate


def _generate(options: argparse.Namespace) -> int:
    import atexit
    import gc

    made = _generated(options)
    # When the process ends, what is left of the document need not be walked and freed, piece by piece.
    atexit.register(gc.freeze)
    return 1 if options.check and made.changed else 0


def _generated(options: argparse.Namespace) -> Generated:
    from .application import document_of
    from .configuration import configured
    from .document import DocumentError
    from .generating import generate
    from .meter import Meter

    given = [each for each in (options.document, options.path, options.url, options.app) if each]
    if len(given) != 1:
        raise DocumentError("Name one document: SPEC, --path FILE, --url URL or --app MODULE:NAME.")
    selection, settings = configured(options)
    meter = Meter(is_shown=False if options.quiet else None)
    try:
        made = generate(
            document_of(options.app) if options.app else given[0],
            output=options.output or settings.get("output"),
            selection=selection,
            style=options.style or settings.get("style", "both"),
            check=options.check,
            strict=options.strict,
            allow_remote=options.allow_remote,
            root=options.root,
            meter=meter,
        )
    finally:
        meter.clear()
    if not options.quiet:
        _report(made, check=options.check)
    return made


def _report(made: Generated, *, check: bool) -> None:
    for diagnostic in made.diagnostics:
        print(f"note: {diagnostic}", file=sys.stderr)
    sizes = f"{len(made.package.operations)} operations, {len(made.package.models)} models, {len(made.files)} files"
    changed = len(made.changed)
    if check:
        print(f"{made.folder}: {f'{changed} files differ' if changed else 'up to date'} ({sizes})")
    else:
        print(f"{made.folder}: {sizes}, {changed} changed", flush=True)


def selection_of(options: argparse.Namespace) -> Selection:
    """Return which operations the arguments ask for."""
    from .plan import Selection

    return Selection(
        include=tuple(options.include),
        exclude=tuple(options.exclude),
        name=options.name,
        lenient_formats=options.lenient_formats,
        models=(options.models or "msgspec").removesuffix("es"),
        enums=options.enums or "literal",
    )


# generate --watch


def _watch(options: argparse.Namespace) -> int:
    from pathlib import Path

    from .document import DocumentError
    from .document.sources import is_url
    from .watching import sources_of_app, watch

    if options.check:
        raise DocumentError("--check looks once, and --watch looks on: give one of them.")
    place = options.document or options.path or options.url or ""
    # Until it can be read, only the first file is known.
    known = [Path(each) for each in (place, options.config) if each and not is_url(each)]
    sources: list[Path] = []

    def run() -> list[Path]:
        if options.app:
            return _run_in_a_process()
        guarded(generate_once, options)
        return sources

    def generate_once(options: argparse.Namespace) -> int:
        sources[:] = _generated(options).sources
        return 0

    watch(run, sources_of_app(Path.cwd()) if options.app else known, always=is_url(place))


def _run_in_a_process() -> list[Path]:
    """Run the same command without --watch: an application is imported once in a process."""
    import subprocess
    from pathlib import Path

    from .watching import sources_of_app

    arguments = [each for each in sys.argv[1:] if each != "--watch"]
    subprocess.run([sys.executable, "-m", "borzoi", *arguments], check=False)  # noqa: S603 -- our own command
    return sources_of_app(Path.cwd())


# diff


def _diff(options: argparse.Namespace) -> int:
    from .comparing import compare
    from .document import open_document

    old, new = (
        open_document(place, root=options.root, allow_remote=options.allow_remote)
        for place in (options.old, options.new)
    )
    changes = compare(old, new)
    breaking = sum(change.breaks for change in changes)
    if not options.quiet:
        for change in changes:
            print(change)
        plural = "" if breaking == 1 else "s"
        print(f"{breaking} breaking change{plural}, {len(changes) - breaking} harmless")
    return 1 if breaking else 0
