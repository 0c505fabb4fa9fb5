"""Replies that the document declares in several media types: which is asked for, and how each is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from borzoi.openapi.document import open_document
from borzoi.openapi.plan import Selection, build_plan
from borzoi.openapi.runtime.errors import APIStatusError
from tests.openapi.serving import API, Asked, Reply
from tests.openapi.test_models import LIBRARIES, document, ref

PNG = b"\x89PNG"
SIZE: dict[str, Any] = {"type": "object", "required": ["width"], "properties": {"width": {"type": "integer"}}}
WIDTH: dict[str, Any] = {"type": "object", "required": ["w"], "properties": {"w": {"type": "integer"}}}
BOTH: dict[str, Any] = {"application/json": {"schema": ref("Size")}, "image/png": {}}


def declaring(content: Any, *, method: str = "get", parameters: Any = (), status: str = "200") -> dict[str, Any]:
    """Return a document with one operation, `client.x.call()`, whose reply is declared in several media types."""
    spec = document({}, Size=SIZE, Width=WIDTH)
    operation = spec["paths"]["/x"].pop("post")
    operation["responses"] = {"200": {"description": ""}, status: {"description": "", "content": content}}
    spec["paths"]["/x"][method] = {**operation, "parameters": list(parameters)}
    return spec


def replying(content_type: str, body: bytes, status: int = 200) -> API:
    """Return an API that has one reply."""
    return API(lambda _: (status, {"Content-Type": content_type}, body))


def negotiating(asked: Asked) -> Reply:
    """Answer with what is asked for first."""
    media_type = asked.headers["Accept"].partition(",")[0]
    return 200, {"Content-Type": media_type}, PNG if media_type == "image/png" else b'{"width":3}'


@pytest.fixture(params=LIBRARIES)
def package(client_of: Any, request: pytest.FixtureRequest) -> Any:
    """A package whose reply is JSON or a picture."""
    return client_of(declaring(BOTH), selection=Selection(models=request.param))


def test_a_reply_is_read_as_what_it_says_it_is(package: Any) -> None:
    """A reply is what its Content-Type says: the JSON in its type, or the bytes; JSON is asked for first."""
    with API(negotiating) as api, package.Client(api.url) as client:
        assert client.x.call().width == 3
        assert client.x.call(accept="image/png") == PNG
        assert client.x.call(accept="application/json").width == 3
        assert client.x.with_response.call(accept="image/png").data == PNG
        with client.x.stream.call(accept="image/png") as file:
            assert b"".join(file.iter_bytes()) == PNG

    asked = [each.headers["Accept"] for each in api.asked]
    assert asked == [
        "application/json, image/png;q=0.9", "image/png", "application/json", "image/png", "image/png",
    ]  # fmt: skip


def test_functions_ask_for_one_too(package: Any) -> None:
    """The functions style has the argument, too."""
    api_module = __import__(f"{package.__name__}.api.default").api.default
    with API(negotiating) as api, package.Client(api.url) as client:
        assert api_module.call.sync(client=client, accept="image/png") == PNG
        assert api_module.call.sync(client=client).width == 3


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html; charset=utf-8", b"<p>", "<p>"),
        ("TEXT/HTML", b"<p>", "<p>"),
        ("image/webp", PNG, PNG),
        ("application/vnd.t.width+json;v=2", b'{"w":1}', "w"),
        ("application/vnd.t.width+json", b'{"width":2}', "width"),
        ("application/json", b'{"width":2}', "width"),
        ("", b'{"width":2}', "width"),
        ("font/ttf", b'{"width":2}', "width"),
    ],
)
def test_which_media_type_a_reply_has(client_of: Any, content_type: str, body: bytes, expected: Any) -> None:
    """Parameters, upper case and ranges are read as in RFC 9110, 12.5.1; what is unknown is read as the usual one."""
    content: dict[str, Any] = {
        "application/json": {"schema": ref("Size")},
        "text/html": {"schema": {"type": "string"}},
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/vnd.t.width+json": {"schema": {"allOf": [ref("Size")]}},
        "application/vnd.t.width+json; v=2": {"schema": ref("Width")},
    }
    with replying(content_type, body) as api, client_of(declaring(content)).Client(api.url) as client:
        found = client.x.call()

    assert found == expected if isinstance(found, str | bytes) else hasattr(found, expected)


def test_another_notation_of_the_same_is_not_asked_for(importing: Path) -> None:
    """What has the schema of the JSON in another notation leaves the type alone, and so does JSON that says nothing."""
    same = {"application/json": {"schema": ref("Size")}, "application/xml": {"schema": ref("Size")}}
    planned = [_operation(importing, declaring({**same, "application/x+json": {}}))]
    planned.append(_operation(importing, declaring({**same, "application/x+json": {"schema": {}}})))
    planned.append(_operation(importing, declaring({"text/event-stream": {}, "image/png": {}})))

    assert [each.choices for each in planned] == [(), (), ()]


def test_pages_are_json(importing: Path) -> None:
    """A list in pages is asked for in JSON alone: what follows is in there."""
    item = {"schema": {"type": "array", "items": ref("Size")}}
    number = {"name": "offset", "in": "query", "schema": {"type": "integer"}}
    content = {"application/json": item, "text/csv": {"schema": {"type": "string"}}}
    operation = _operation(importing, declaring(content, parameters=[number]))

    assert operation.pages.kind == "offset"
    assert operation.choices == ()


def test_a_parameter_of_the_name(client_of: Any) -> None:
    """A parameter that is called accept gives way where there is something to choose, and nowhere else."""
    query = {"name": "accept", "in": "query", "schema": {"type": "string"}}
    one: dict[str, Any] = {"image/png": {}}
    packages = [client_of(declaring(content, parameters=[query])) for content in (BOTH, one)]
    with API(negotiating) as api, packages[0].Client(api.url) as first, packages[1].Client(api.url) as second:
        first.x.call(accept="image/png", accept_query="a")
        second.x.call(accept="b")

    assert [(each.target, each.headers["Accept"]) for each in api.asked] == [
        ("/x?accept=a", "image/png"),
        ("/x?accept=b", "image/png"),
    ]


def test_errors_in_several_media_types(client_of: Any) -> None:
    """The body of an error is what its Content-Type says, and its class names all that it may be."""
    content: dict[str, Any] = {
        "application/json": {"schema": ref("Size")},
        "application/w+json": {"schema": ref("Width")},
    }
    package = client_of(declaring(content, status="404"))
    with replying("application/w+json", b'{"w":1}', 404) as api, package.Client(api.url) as client:
        with pytest.raises(APIStatusError) as caught:
            client.x.call()

    assert caught.value.data.w == 1
    assert "data: models.Size | models.Width | str" in Path(package.__path__[0], "errors.py").read_text()


def test_what_errors_share_is_written_once(client_of: Any) -> None:
    """What the errors of several operations are is a constant of their module; ranges are told from what they take in."""
    content: dict[str, Any] = {"application/json": {"schema": ref("Size")}, "application/*": {"schema": ref("Width")}}
    spec = declaring(content, status="404")
    spec["paths"]["/x"]["delete"] = {**spec["paths"]["/x"]["get"], "operationId": "delete_x"}
    package = client_of(spec)
    table = Path(package.__path__[0], "_operations", "x.py").read_text()
    with replying("application/json", b'{"width":1}', 404) as api, package.Client(api.url) as client:
        with pytest.raises(APIStatusError) as caught:
            client.x.delete()

    assert caught.value.data.width == 1
    assert table.count("Several(") == 1
    assert table.count('{"404": _SIZE_OR_SIZE_OR_WIDTH}') == 2


def _operation(folder: Path, spec: Any) -> Any:
    import json

    place = folder / "spec.json"
    place.write_text(json.dumps(spec))
    return build_plan(open_document(place)).operations[0]
