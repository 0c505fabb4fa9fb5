"""`make openapi-replies`: are the replies that a contract makes from a document valid by its own schemas?

    python -m scripts.openapi_replies [FOLDER]

Each document of the folder gets a row: its operations, the replies made for all statuses that they declare, and how
many do not fit. What does not fit is printed by its pointer, with the reason where it is known that no value could.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from borzoi.openapi.document import Document, Node, open_document
from borzoi.testing import Contract
from borzoi.testing.contract_checking import DOCUMENT, Checker
from borzoi.testing.contract_schemas import Schemas
from scripts.openapi_documents import ROOT, documents

SAME = "all alternatives of its oneOf are one and the same, so no value fits exactly one"


class Made(NamedTuple):
    """Say what became of one reply."""

    operation: str
    status: str
    pointer: str
    misfits: list[str]
    """Why it is not valid."""
    excuse: str
    """Why no value could be."""


def replies_of(document: Document) -> Iterator[Made]:
    """Yield the replies to all operations of a document, with each status that they declare."""
    contract = Contract(document, base="https://api.test")
    checker = Checker(Schemas(document))
    for operation in contract.operations.all:
        for status in operation.statuses():
            subject = contract[str(operation)].status(status_of(status))
            reply, _ = subject.reply()
            found = list(checker.reply(operation, reply, str(operation), DOCUMENT))
            response = operation.node["responses"][status]
            excuse = contradiction(response) if found else ""
            yield Made(str(operation), status, response.pointer, [str(each) for each in found], excuse)


def status_of(declared: str) -> int:
    """Return a status that a declared one stands for: 404 for "404", 400 for "4XX", 599 for "default"."""
    if declared.isdigit():
        return int(declared)
    return int(declared[0]) * 100 if declared[0].isdigit() else 599


def contradiction(response: Node) -> str:
    """Return why no body fits a response, "" where nothing is known against it."""
    contents = [media.resolved() for _, media in response.child("content").items()]
    for media in contents:
        alternatives = [each.resolved() for each in media["schema"].child("oneOf").elements()]
        if len(alternatives) > 1 and all(each.key == alternatives[0].key for each in alternatives):
            return SAME
    return ""


def main(arguments: list[str] | None = None) -> int:
    """Print the table; the status is 1 where a reply does not fit without an excuse."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "tests/data/openapi")
    root: Path = parser.parse_args(arguments).folder.resolve()
    began, count, wrong = time.monotonic(), 0, 0
    print(f"{'document':<40} {'operations':>10} {'replies':>8} {'misfits':>8}")
    for place in documents(root):
        made = list(replies_of(open_document(place, root=root)))
        bad = [each for each in made if each.misfits]
        count += len(made)
        wrong += sum(not each.excuse for each in bad)
        operations = len({each.operation for each in made})
        print(f"{str(place.relative_to(root))[-40:]:<40} {operations:>10} {len(made):>8} {len(bad):>8}")
        for each in bad:
            print(f"    #{each.pointer}: {each.excuse or each.misfits[0]}")
    print(f"{count} replies in {time.monotonic() - began:.0f} s, {wrong} of them wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
