"""The modules of httpx 0.28.1 and of httpx2, as a table onto our own: which of our names stands for which of theirs.

Nothing is done here. A name that has a counterpart is one line of the table.
"""

from __future__ import annotations

import borzoi

from . import identity


def modules() -> dict[str, dict[str, object]]:
    """Return the namespace of each module of httpx."""
    public: dict[str, object] = {name: getattr(borzoi, name) for name in borzoi.__all__}
    public |= {"__version__": identity.VERSION, "__title__": "httpx", "__all__": list(borzoi.__all__)}
    return {"httpx": public}


def modules_of_httpx2() -> dict[str, dict[str, object]]:
    """Return the namespace of each module of httpx2, under the names of httpx."""
    return modules()
