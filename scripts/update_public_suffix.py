"""Make the packaged form of the public suffix list: rules only, in ASCII, one to a line.

    python scripts/update_public_suffix.py public_suffix_list.dat [revision]

The list comes from https://publicsuffix.org/list/public_suffix_list.dat.
"""

from __future__ import annotations

import sys
from pathlib import Path

import idna

TARGET = Path(__file__).parent.parent / "src/borzoi/_values/public_suffix_list.txt"

NOTICE = """\
// This Source Code Form is subject to the terms of the Mozilla Public
// License, v. 2.0. If a copy of the MPL was not distributed with this
// file, You can obtain one at https://mozilla.org/MPL/2.0/.
// Source: https://publicsuffix.org/list/public_suffix_list.dat{revision}
// Changed: rules only, sorted, without comments, names in ASCII.
"""


def to_ascii(rule: str) -> str:
    """Return a rule with each label as ASCII; `!` and `*` stay."""
    mark = "!" if rule.startswith("!") else ""
    labels = rule.removeprefix("!").split(".")
    return mark + ".".join(
        label if label.isascii() else idna.encode(label, uts46=True).decode("ascii") for label in labels
    )


def compact(source: str, revision: str) -> str:
    """Return the packaged form of the list."""
    lines = (line.strip() for line in source.splitlines())
    rules = sorted({to_ascii(line.split()[0].lower()) for line in lines if line and not line.startswith("//")})
    return NOTICE.format(revision=f" ({revision})" if revision else "") + "\n".join(rules) + "\n"


def main() -> None:
    """Read the list named on the command line, and write the packaged file."""
    source, *revision = sys.argv[1:]
    TARGET.write_text(compact(Path(source).read_text("utf-8"), " ".join(revision)), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
