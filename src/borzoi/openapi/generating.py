"""A document in, a package out: the three stages in a row, and the lock file that says what they were given."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from .._version import __version__
from .document import Diagnostic, Document, DocumentError, open_document
from .meter import Meter
from .plan import Package, Selection, build_plan
from .regions import with_regions
from .render import render
from .writing import LOCK, check_place, differences, write_package


@dataclass(slots=True)
class Generated:
    """What was made: the folder, the files in it, and what there is to say of the document."""

    folder: Path
    package: Package
    files: dict[str, str]
    changed: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: list[Path] = field(default_factory=list)
    """The files that the document is made of."""


def generate(
    place: str | Path | Document,
    *,
    output: str | Path | None = None,
    selection: Selection | None = None,
    style: str = "both",
    check: bool = False,
    strict: bool = False,
    allow_remote: bool = False,
    root: str | Path | None = None,
    meter: Meter | None = None,
) -> Generated:
    """Generate the client of a document, in a file or at a URL, into a folder that is named after its title.

    `root` is the folder that the document may refer to files in: its own by default. With `check` nothing is written:
    `changed` says what would be. What users wrote between the markers of regions is kept. `meter` shows how far it has
    come. Raises DocumentError, and then nothing was written.
    """
    chosen = selection or Selection()
    document = place if isinstance(place, Document) else open_document(place, root=root, allow_remote=allow_remote)
    try:
        package = build_plan(document, chosen, meter)
    except RecursionError:
        raise DocumentError("The document nests too deeply.", file=document.sources.name(document.root.uri)) from None
    if strict and document.diagnostics:
        more = f", and {len(document.diagnostics) - 1} more" if len(document.diagnostics) > 1 else ""
        raise DocumentError(f"{document.diagnostics[0]}{more}")
    folder = Path(output) if output is not None else Path.cwd() / package.name
    package.name = folder.name if output is not None and folder.name.isidentifier() else package.name
    check_place(folder)
    files = with_regions(folder, render(package, style=style))
    files[LOCK] = _lock(document, chosen, style)
    made = Generated(folder, package, files, diagnostics=document.diagnostics, sources=document.sources.files())
    if check:
        made.changed = differences(folder, files)
    else:
        made.changed = write_package(folder, files)
    return made


def _lock(document: Document, selection: Selection, style: str) -> str:
    """Return the lock file: the digests of all files that were read, in one order, and what was asked for."""
    digest = hashlib.sha256()
    for content in document.sources.contents():
        digest.update(hashlib.sha256(content).digest())
    lock = {
        "generator": f"borzoi {__version__}",
        "document": f"sha256:{digest.hexdigest()}",
        "style": style,
        "include": selection.include,
        "exclude": selection.exclude,
        "lenient_formats": selection.lenient_formats,
        "models": selection.models,
        "enums": selection.enums,
    }
    return json.dumps(lock, indent=2) + "\n"
