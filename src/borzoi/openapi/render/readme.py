"""README.md of a package: how to begin, which credentials there are, and a line for each operation."""

from __future__ import annotations

from ..plan.values import Operation, Package, Security
from .links import link_lines
from .operations import by_resource
from .signatures import arguments_of
from .text import literal, prose
from .types import Types


def render_readme(package: Package, style: str) -> str:
    """Return the whole file."""
    types = Types(package.models)
    lines = [f"# {_plain(package.title)}", "", "A client made by `borzoi openapi generate`. It needs `borzoi[client]`."]
    lines += ["", *_beginning(package, style, types), *_credentials(package.security)]
    by_function = style == "functions"
    for heading, operations in (_by_tag(package) if by_function else by_resource(package)).items():
        lines += [f"## {f'{package.name}.api.{heading}' if by_function else heading}", ""]
        for each in operations:
            lines += [f"- `{_call(each, types, style)}`: {each.method} {_plain(each.path)}"]
            lines += link_lines(each, package, style)
        lines.append("")
    return "\n".join(lines)


def _by_tag(package: Package) -> dict[str, list[Operation]]:
    found: dict[str, list[Operation]] = {}
    for each in package.operations:
        found.setdefault(each.tag, []).append(each)
    return found


def _call(operation: Operation, types: Types, style: str) -> str:
    """Return a call of an operation with what it needs."""
    names = _needed(operation, types)
    by_position = sum(each.location == "path" for each in operation.parameters)
    given = [*names[:by_position], *[f"{each}=..." for each in names[by_position:]]]
    if style == "functions":
        return f"{operation.name}.sync({', '.join([*given, 'client=client'])})"
    return f"client.{operation.resource}.{operation.short}({', '.join(given)})"


def _needed(operation: Operation, types: Types) -> list[str]:
    """Return the names of the arguments that an operation cannot do without."""
    arguments = arguments_of(operation, types, client=False)
    return [each.partition(":")[0] for each in arguments if each != "*" and "= UNSET" not in each]


def _beginning(package: Package, style: str, types: Types) -> list[str]:
    """Return what one writes first: the client with its credentials, the operation that needs least, an error."""
    if not package.operations:
        return ["```python", f"from {package.name} import Client", "```", ""]
    first = min(package.operations, key=lambda each: (each.method != "GET", len(_needed(each, types))))
    with_function = [f"from {package.name}.api.{first.tag} import {first.name}"] if style == "functions" else []
    url = [] if any("://" in each.url for each in package.servers[:1]) else [literal("https://api.example.com")]
    wanted = next((each for each in package.required if each), ())
    known = {each.key: each.arguments for each in package.security}
    given = [name for key in wanted for name in known.get(key, ()) if not name.endswith(("client_id", "client_secret"))]
    arguments = ", ".join([*url, *[f'{each}="..."' for each in dict.fromkeys(given)]])
    lines = ["```python", f"from {package.name} import Client, errors", *with_function, ""]
    lines += [f"with Client({arguments}) as client:", "    try:", f"        print({_call(first, types, style)})"]
    lines += ["    except errors.APIStatusError as error:", "        print(error.status_code, error.data)", "```", ""]
    others = "`.asyncio` in place of `.sync` is awaited" if style == "functions" else "`AsyncClient` has the same names"
    return [*lines, f"In async code {others}; what `...` stands for is in the signatures.", ""]


def _credentials(schemes: list[Security]) -> list[str]:
    """Return which arguments of the client are credentials, and of what kind."""
    lines = [
        f"- {', '.join(f'`{name}`' for name in each.arguments)}: {_kind(each)}{_doc(each)}"
        for each in schemes
        if each.arguments
    ]
    return ["Credentials are arguments of the client:", "", *lines, ""] if lines else []


def _kind(scheme: Security) -> str:
    if scheme.kind in ("header", "query", "cookie"):
        return f"the {scheme.kind} `{_plain(scheme.wire)}`"
    return {"oauth2": "OAuth 2.0", "openid": "OpenID Connect"}.get(scheme.kind, _plain(scheme.wire) or scheme.kind)


def _doc(scheme: Security) -> str:
    return f". {_plain(scheme.doc, limit=200)}" if scheme.doc else ""


def _plain(text: str, *, limit: int = 0) -> str:
    # Nothing of a document closes a span of code, or begins a comment, in which regions would be looked for.
    return prose(text, limit=limit).replace("`", "'").replace("<!--", "< !--")
