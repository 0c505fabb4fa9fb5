"""What it takes to begin: the time of an import, and of making clients, in a process that has done nothing else.

    python -m benchmarks.start CLIENT

Nothing is imported here before it is measured but `sys` and `time`.
"""

import sys
import time

MORE = 20
"""Clients made after the first one."""

HEAVY = ("asyncio", "h2", "rich", "ssl")
"""What `import borzoi` must not load."""

NAMES = {
    "aiohttp": ("aiohttp", "", "ClientSession"),
    "borzoi": ("borzoi", "Client", "AsyncClient"),
    "httpx": ("httpx", "Client", "AsyncClient"),
    "httpx2": ("httpx2", "Client", "AsyncClient"),
    "niquests": ("niquests", "Session", "AsyncSession"),
    "pycurl": ("pycurl", "Curl", ""),
    "pyreqwest": ("pyreqwest.client", "SyncClientBuilder", "ClientBuilder"),
    "requests": ("requests", "Session", ""),
    "urllib3": ("urllib3", "PoolManager", ""),
    "wreq": ("wreq", "blocking.Client", "Client"),
}
"""The module of each client, and in it what makes one for blocking code and one for event loops."""
NAMES["before"] = NAMES["borzoi"]


def make(module: object, path: str) -> object:
    """Make a client."""
    for part in path.split("."):
        module = getattr(module, part)
    made = module()  # type: ignore[operator]
    # The one of pyreqwest is made by a builder.
    return made.build() if path.endswith("ClientBuilder") else made


def milliseconds(action: object, *arguments: object) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    kept = action(*arguments)  # type: ignore[operator]
    took = time.perf_counter() - began
    del kept
    return took * 1000


def measure(module: object, path: str) -> dict[str, float]:
    """Return the time of the first client, and the median of those after it."""
    first = milliseconds(make, module, path)
    later = sorted([milliseconds(make, module, path) for _ in range(MORE)])
    return {"first_ms": first, "ms": later[MORE // 2]}


def main() -> None:
    """Measure the client that the argument names, and print it as JSON."""
    name, blocking, looping = NAMES[sys.argv[1]]
    before = set(sys.modules)
    result: dict[str, object] = {"import_ms": milliseconds(__import__, name)}
    result["loads"] = [heavy for heavy in HEAVY if heavy in sys.modules and heavy not in before]
    module = sys.modules[name]

    import asyncio
    import json
    import os

    async def in_a_loop() -> dict[str, float]:
        return measure(module, looping)

    result["blocking"] = measure(module, blocking) if blocking else None
    result["async"] = asyncio.run(in_a_loop()) if looping else None
    print(json.dumps(result), flush=True)
    # Nobody closes these clients, and some would complain.
    os._exit(0)


if __name__ == "__main__":
    main()
