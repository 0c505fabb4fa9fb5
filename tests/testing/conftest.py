"""The worlds, and a pytest to run tests in."""

import importlib
import pkgutil

import borzoi
from tests.worlds.fixture import *  # noqa: F403

pytest_plugins = ["pytester"]


def _load_all(package: str) -> None:
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if found.ispkg:
            _load_all(found.name)
        else:
            importlib.import_module(found.name)


# A run of pytest inside of this process forgets, at its end, the modules that it was the first to load, and what is loaded
# twice is not the same: so everything that is loaded at its first use is loaded now.
for _module in pkgutil.iter_modules(borzoi.__path__):
    if _module.ispkg and (_module.name.startswith("_") or _module.name == "testing"):
        _load_all(f"borzoi.{_module.name}")
for _name in ("anyio", "certifi", "idna", "sniffio", "trustme", "uvloop", "yaml"):
    importlib.import_module(_name)
