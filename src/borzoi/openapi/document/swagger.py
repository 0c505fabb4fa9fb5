"""Swagger 2.0 rewritten as OpenAPI 3.0: bodies, forms, definitions, hosts, credentials, and the references to them."""

from __future__ import annotations

from typing import Any

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
_MOVED = {
    "#/definitions/": "#/components/schemas/",
    "#/parameters/": "#/components/parameters/",
    "#/responses/": "#/components/responses/",
}
_SCHEMA_KEYS = frozenset({
    "type", "format", "items", "default", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "multipleOf",
})  # fmt: skip
_FLOWS = {"accessCode": "authorizationCode", "application": "clientCredentials"}
_STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_JSON = ["application/json"]


def convert(old: dict[str, Any]) -> dict[str, Any]:
    """Return a document of Swagger 2.0 as one of OpenAPI 3.0."""
    old = _moved(old)
    new: dict[str, Any] = {"openapi": "3.0.3", "info": old.get("info", {}), "servers": _servers(old)}
    for key in ("tags", "security", "externalDocs"):
        if key in old:
            new[key] = old[key]
    shared = _mapping(old.get("parameters"))
    new["paths"] = {path: _path(old, item, shared) for path, item in _mapping(old.get("paths")).items()}
    new["components"] = {
        "schemas": old.get("definitions", {}),
        "parameters": {name: _parameter(each) for name, each in shared.items() if _is_parameter(each)},
        "responses": {
            name: _response(each, old.get("produces", _JSON)) for name, each in _mapping(old.get("responses")).items()
        },
        "securitySchemes": {name: _security(each) for name, each in _mapping(old.get("securityDefinitions")).items()},
    }
    return new


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _moved(value: Any) -> Any:
    """Return a copy in which references point to the new places."""
    if isinstance(value, list):
        return [_moved(child) for child in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _moved(child) for key, child in value.items()}
    reference = copy.get("$ref")
    if isinstance(reference, str):
        for before, after in _MOVED.items():
            copy["$ref"] = copy["$ref"].replace(before, after)
    return copy


def _servers(old: dict[str, Any]) -> list[dict[str, Any]]:
    path = old.get("basePath", "/")
    if not isinstance(old.get("host"), str):
        return [{"url": path}]
    schemes = old.get("schemes") or ["https"]
    return [{"url": f"{scheme}://{old['host']}{path}"} for scheme in sorted(schemes, key=lambda each: each != "https")]


def _path(old: dict[str, Any], item: Any, shared: dict[str, Any]) -> Any:
    if not isinstance(item, dict):
        return item
    new: dict[str, Any] = {}
    common = item.get("parameters", [])
    for key, value in item.items():
        if key in _METHODS and isinstance(value, dict):
            new[key] = _operation(old, value, common, shared)
        elif key == "parameters":
            new[key] = [_parameter(each) for each in value if _is_parameter(_target(each, shared))]
        else:
            new[key] = value
    return new


def _target(parameter: Any, shared: dict[str, Any]) -> Any:
    if isinstance(parameter, dict) and isinstance(parameter.get("$ref"), str):
        return shared.get(parameter["$ref"].rpartition("/")[2], parameter)
    return parameter


def _is_parameter(parameter: Any) -> bool:
    return not isinstance(parameter, dict) or parameter.get("in") not in ("body", "formData")


def _operation(old: dict[str, Any], operation: dict[str, Any], common: list[Any], shared: dict[str, Any]) -> Any:
    new = {key: value for key, value in operation.items() if key not in ("consumes", "produces", "schemes")}
    own = operation.get("parameters", [])
    new["parameters"] = [_parameter(each) for each in own if _is_parameter(_target(each, shared))]
    bodies = [found for each in [*common, *own] if not _is_parameter(found := _target(each, shared))]
    if bodies:
        new["requestBody"] = _body(bodies, operation.get("consumes", old.get("consumes", _JSON)))
    produces = operation.get("produces", old.get("produces", _JSON))
    new["responses"] = {
        status: _response(each, produces) for status, each in _mapping(operation.get("responses")).items()
    }
    return new


def _schema(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in parameter.items() if key in _SCHEMA_KEYS}
    if schema.get("type") == "file":
        schema.update(type="string", format="binary")
    return schema


def _parameter(parameter: Any) -> Any:
    if not isinstance(parameter, dict) or "$ref" in parameter:
        return parameter
    new = {key: value for key, value in parameter.items() if key not in _SCHEMA_KEYS and key != "collectionFormat"}
    new["schema"] = _schema(parameter)
    layout = parameter.get("collectionFormat", "csv")
    if parameter.get("type") == "array" and parameter.get("in") == "query":
        new["explode"] = layout == "multi"
        new["style"] = _STYLES.get(layout, "form")
    return new


def _body(bodies: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any]:
    for body in bodies:
        if body.get("in") == "body":
            content = {media: {"schema": body.get("schema", {})} for media in consumes or _JSON}
            return {
                "description": body.get("description", ""),
                "required": body.get("required", False),
                "content": content,
            }
    schema = {
        "type": "object",
        "properties": {each.get("name", ""): _schema(each) for each in bodies},
        "required": [each.get("name", "") for each in bodies if each.get("required") is True],
    }
    forms = [media for media in consumes if media in ("multipart/form-data", "application/x-www-form-urlencoded")]
    if not forms:
        has_file = any(each.get("type") == "file" for each in bodies)
        forms = ["multipart/form-data" if has_file else "application/x-www-form-urlencoded"]
    return {"required": bool(schema["required"]), "content": {media: {"schema": schema} for media in forms}}


def _response(response: Any, produces: list[str]) -> Any:
    if not isinstance(response, dict) or "$ref" in response:
        return response
    new = {key: value for key, value in response.items() if key not in ("schema", "examples", "headers")}
    new["headers"] = {name: {"schema": _schema(each)} for name, each in _mapping(response.get("headers")).items()}
    if "schema" in response:
        schema = response["schema"]
        if isinstance(schema, dict) and schema.get("type") == "file":
            schema = {"type": "string", "format": "binary"}
        new["content"] = {media: {"schema": schema} for media in produces or _JSON}
    return new


def _security(scheme: Any) -> Any:
    if not isinstance(scheme, dict):
        return scheme
    if scheme.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if scheme.get("type") != "oauth2":
        return scheme
    kept = ("authorizationUrl", "tokenUrl", "scopes")
    flow = {key: scheme[key] for key in kept if key in scheme}
    name = str(scheme.get("flow", "implicit"))
    return {"type": "oauth2", "flows": {_FLOWS.get(name, name): flow}}
