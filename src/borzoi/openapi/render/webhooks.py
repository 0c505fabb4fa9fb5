"""The module that reads what an API sends of itself, and the lines of README.md about links."""

from __future__ import annotations

from ..plan.values import Link, Operation, Package
from .models import docstring_text
from .tables import link_arguments, named_links
from .text import Group, docstring, lines_of, literal, prose
from .types import Types, imports, names_in


def render_webhooks(package: Package) -> str:
    """Return the module of webhooks and callbacks: a parser for each."""
    types = Types(package.models)
    body: list[str] = []
    for each in package.webhooks:
        payload = types.text(each.type)
        given = [literal(each.key), f"lambda: {types.at_run_time(each.type)}"]
        body += ["", *lines_of(Group(f"{each.name}: Webhook[{payload}] = Webhook(", given, ")"), 0)]
        body += docstring(each.doc, 0, limit=200)
    used = names_in(body)
    heading = imports(
        used & {"dt", "Decimal", "UUID", "Any", "Literal"}, runtime=(used & {"Email", "Uri"}) | {"Webhook"}
    )
    own = ["", "from . import models"] if "models" in used else []
    head = [
        f'"""What {docstring_text(package.title)} sends of itself."""',
        "",
        "from __future__ import annotations",
        "",
    ]
    return "\n".join([*head, *heading, *own, *body, ""])


def link_lines(operation: Operation, package: Package, style: str) -> list[str]:
    """Return what README.md says of where a reply leads."""
    return [_line(*each, style) for each in named_links(operation, package)]


def _line(name: str, target: Operation, link: Link, style: str) -> str:
    called = f"{target.name}.sync" if style == "functions" else f"client.{target.resource}.{target.short}"
    arguments = ", ".join(f"{each}={_code(value)}" for each, value in link_arguments(target, link))
    doc = f": {prose(link.doc, limit=100).replace('`', '')}" if link.doc else ""
    return f"  - leads to `{called}({arguments})`, which `links.{name}()` of the response calls{doc}"


def _code(text: str) -> str:
    return prose(text, limit=80).replace("`", "'")
