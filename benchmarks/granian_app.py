"""What granian serves where nginx is missing: the same paths, with the same bodies. BENCH_FILES is their folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .server import SMALL

FILES = Path(os.environ["BENCH_FILES"])
HEADERS = [("content-type", "application/json")]


async def app(scope: Any, protocol: Any) -> None:
    """Answer one request (RSGI)."""
    if scope.path == "/small":
        protocol.response_str(200, HEADERS, SMALL)
    else:
        protocol.response_file(200, HEADERS, str(FILES / scope.path[1:]))
