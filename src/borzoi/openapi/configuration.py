"""Settings from a file: ours, and the parts of openapi-python-client's configuration that mean something here.

output: src/my_client
style: resources
include: [users]
operations: {list_users: all}         # names of methods, by operationId
pagination: {list_users: {kind: cursor, parameter: after, items: users, next: meta.cursor}, list_all: false}
package_name_override: my_client      # openapi-python-client's

Of a `stainless.yml` the names of methods are taken.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from .command import ENUMS, MODELS, STYLES
from .document import DocumentError
from .document.syntax import parse
from .plan import Selection
from .plan.pagination import KINDS
from .stainless import is_stainless, method_names

_TEXTS = ("output", "style", "name", "models", "enums", "package_name_override", "project_name_override")
_LISTS = ("include", "exclude")
_DICTS = ("operations", "pagination")
_IGNORED = frozenset({
    "class_overrides", "post_hooks", "field_prefix", "http_timeout", "literal_enums",
    "use_path_prefixes_for_title_model_names", "content_type_overrides", "docstrings_on_attributes",
    "generate_all_tags", "package_version_override",
})  # fmt: skip
"""Settings of openapi-python-client that have no counterpart."""


def configured(options: argparse.Namespace) -> tuple[Selection, dict[str, Any]]:
    """Return what the arguments and the file ask for; arguments win."""
    from .command import selection_of

    selection = selection_of(options)
    if not options.config:
        return selection, {}
    settings = _read(options.config)
    name = selection.name or settings.get("name") or settings.get("package_name_override") or ""
    operations = settings.get("operations", {})
    chosen = dataclasses.replace(
        selection,
        name=name,
        include=selection.include or tuple(settings.get("include", ())),
        exclude=selection.exclude or tuple(settings.get("exclude", ())),
        lenient_formats=selection.lenient_formats or settings.get("lenient_formats") is True,
        models=selection.models if options.models else settings.get("models", "msgspec").removesuffix("es"),
        enums=options.enums or settings.get("enums", "literal"),
        pagination=settings.get("pagination", {}),
        operation_names=tuple((str(key), str(value)) for key, value in operations.items()),
    )
    return chosen, settings


def _read(file: str) -> dict[str, Any]:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise DocumentError(f"The settings cannot be read: {error.strerror}.", file=file) from None
    settings = parse(content, file)
    if not isinstance(settings, dict):
        raise DocumentError("Settings must be an object.", file=file)
    if is_stainless(settings):
        return {"operations": method_names(settings)}
    known = {*_TEXTS, *_LISTS, *_DICTS, *_IGNORED, "lenient_formats"}
    for key, value in settings.items():
        if key not in known:
            raise DocumentError(f"There is no setting {key!r}.", file=file)
        expected = str if key in _TEXTS else list if key in _LISTS else dict if key in _DICTS else None
        if expected is not None and not isinstance(value, expected):
            raise DocumentError(f"The setting {key!r} must be a {expected.__name__}.", file=file)
    for key, choices in (("style", STYLES), ("models", MODELS), ("enums", ENUMS)):
        if settings.get(key, choices[0]) not in choices:
            verb = "is" if key == "style" else "are"
            raise DocumentError(f"The {key} {settings[key]!r} {verb} none of {', '.join(choices)}.", file=file)
    for key, told in settings.get("pagination", {}).items():
        if told is not False and (not isinstance(told, dict) or told.get("kind") not in KINDS):
            raise DocumentError(
                f"The pagination of {key!r} must be false or have a kind: {', '.join(KINDS)}.", file=file
            )
    return settings
