"""Generating again whenever something that a document is made of changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

PAUSE = 0.5
"""Seconds between two looks at files."""

FAR_PAUSE = 10.0
"""Seconds between two looks at a URL."""


def stamps(places: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return what tells whether files changed: times and sizes. One that is not there has none."""
    found: dict[Path, tuple[int, int]] = {}
    for place in places:
        try:
            status = place.stat()
        except OSError:
            continue
        found[place] = status.st_mtime_ns, status.st_size
    return found


def sources_of_app(folder: Path) -> list[Path]:
    """Return the modules that an application may be made of: those below a folder, but for what is hidden or not its
    own.
    """
    own = (
        path for path in folder.rglob("*.py") if not any(_is_foreign(part) for part in path.relative_to(folder).parts)
    )
    return sorted(own)


def _is_foreign(part: str) -> bool:
    return part.startswith(".") or part in ("__pycache__", "site-packages", "node_modules")


def watch(
    run: Callable[[], Iterable[Path]],
    known: Iterable[Path] = (),
    *,
    always: bool = False,
    pause: Callable[[float], object] | None = None,
) -> NoReturn:
    """Run again whenever one of the files changes that are known or that `run` names; with `always`, after each pause.

    It never ends.
    """
    pause = pause or time.sleep
    seen = stamps(known)
    places = set(known)
    while True:
        places |= set(run())
        # A file that changed while it was read is looked at again: what was seen of it is from before.
        seen = {**stamps(places - set(seen)), **seen}
        pause(FAR_PAUSE if always else PAUSE)
        now = stamps(places)
        while not always and now == seen:
            pause(PAUSE)
            now = stamps(places)
        seen = now
