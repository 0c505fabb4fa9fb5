"""The import alias: modules called `httpx`, `httpx2`, `httpcore` and `httpcore2`, made of Borzoi's own parts.

`FAMILIES` says who describes the modules of each import name. A description maps the name of each module to its
namespace, ready to be looked at: `{"httpx": {"Client": Client, ...}, "httpx._client": {...}}`. The first import of a
name makes its whole family, so that submodules are found where the import system looks first.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from typing import TYPE_CHECKING

from . import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.metadata import Distribution, DistributionFinder
    from types import ModuleType

FAMILIES = {
    "httpx": "httpx_names:modules",
    "httpx2": "httpx_names:modules_of_httpx2",
    "httpcore": "httpcore_names:modules",
    "httpcore2": "httpcore_names:modules",
}
"""The function of this package that describes the modules of each import name.

One description may serve two names: what it calls `httpcore._sync` is `httpcore2._sync` in the family of `httpcore2`.
"""


def describe(root: str) -> dict[str, dict[str, object]]:
    """Return the namespace of each module of a family, under the names that are imported."""
    home, _, function = FAMILIES[root].partition(":")
    described: dict[str, dict[str, object]] = getattr(import_module(f".{home}", __package__), function)()
    return {_below(root, name): namespace for name, namespace in described.items()}


def _below(root: str, name: str) -> str:
    _, dot, rest = name.partition(".")
    return f"{root}{dot}{rest}"


class AliasLoader(Loader):
    """Make the modules of a family when its root is imported."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the root, make its submodules, and put each where `import` and attribute access find it."""
        if module.__name__ == "httpx2":
            identity.show("httpx2")
        family = describe(module.__name__)
        made = {name: module if name == module.__name__ else self._made(name, family) for name in family}
        for name, namespace in family.items():
            vars(made[name]).update(namespace)

        for name in family:
            parent, _, child = name.rpartition(".")
            # `httpx.__version__` is a text; the module of that name is found by import alone.
            if parent and not hasattr(made[parent], child):
                setattr(made[parent], child, made[name])
        sys.modules.update(made)

    def _made(self, name: str, family: dict[str, dict[str, object]]) -> ModuleType:
        is_package = any(other.startswith(f"{name}.") for other in family)
        return module_from_spec(ModuleSpec(name, self, origin=__package__, is_package=is_package))


class AliasFinder(MetaPathFinder):
    """Find the roots of the families, before anything that is installed under their names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a root, and nothing for any other name."""
        if fullname not in FAMILIES:
            return None
        return ModuleSpec(fullname, AliasLoader(), origin=__package__, is_package=True)

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterable[Distribution]:
        """Return what `importlib.metadata` says of them."""
        from .distributions import find_distributions

        return () if context is None else find_distributions(context)


_finder = AliasFinder()


def install() -> None:
    """Have `import httpx`, `httpx2`, `httpcore` and `httpcore2`, and their submodules, give Borzoi from now on.

    To install it again does nothing. Raises RuntimeError if one of them was imported already: whoever did holds the
    other library's classes, and Borzoi's are no instances of those.
    """
    if _finder in sys.meta_path:
        return
    if taken := [name for name in FAMILIES if name in sys.modules]:
        origin = getattr(sys.modules[taken[0]], "__file__", None) or "an unknown place"
        raise RuntimeError(
            f"borzoi.compat.install() comes too late: {' and '.join(taken)} was imported already, from {origin}. "
            "Call it before the first of those imports, or run the program by `python -m borzoi.compat`."
        )

    identity.assume()
    sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Undo `install()`. What was imported meanwhile stays what it is in the modules that hold it."""
    if _finder not in sys.meta_path:
        return

    sys.meta_path.remove(_finder)
    for name in [name for name in sys.modules if name.partition(".")[0] in FAMILIES]:
        del sys.modules[name]
    identity.resume()
