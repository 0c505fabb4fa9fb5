"""The module that reads what an API sends of itself."""

from __future__ import annotations

from ..plan.values import Package
from .models import docstring_text
from .text import Group, docstring, lines_of, literal
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
