"""Documents that are wrong or hostile: one sentence, exit status 2, nothing written, nothing executed, nothing outside."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from borzoi.cli.main import main
from borzoi.openapi import DocumentError, generate
from tests.openapi.serving import API, Asked, Reply

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"


def refused(place: Path, text: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Return what the command says of a document that it refuses, and see that it wrote nothing."""
    document = place / ("api.json" if text.startswith("{") else "api.yaml")
    document.write_text(text)
    before = sorted(place.rglob("*"))
    assert main(["openapi", "generate", str(document), *options]) == 2
    assert sorted(place.rglob("*")) == before
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openapi: 3.1.0\ninfo: [", "api.yaml:2: This is not YAML:"),
        ('{"openapi": "3.1.0",\n "info": }', "api.json:2: This is not JSON:"),
        ("openapi: 2.5.0\ninfo: {}", "api.yaml:1 #/openapi: Version '2.5.0' is not supported."),
        ("title: x", "This is no OpenAPI document"),
        ("[]", "it is not an object"),
        (HEAD + "paths: []", "api.yaml:3 #/paths: \"paths\" must be an object."),
        (HEAD + "paths:\n  users: {}", "api.yaml:4 #/paths/users: A path must begin with a slash."),
        (HEAD + "paths:\n  /a:\n    get: 1", "api.yaml:5 #/paths/~1a/get: An operation must be an object."),
        (
            HEAD + "components:\n  schemas:\n    A:\n      $ref: '#/components/schemas/B'",
            "api.yaml:5 #/components/schemas/A: $ref '#/components/schemas/B' leads to nothing.",
        ),
        (HEAD + "components:\n  schemas:\n    A: {$ref: '#/components/schemas/A'}", "The reference leads back to itself."),
        (HEAD + "components: {schemas: {A: {$ref: 'gone.yaml'}}}", "The file cannot be read"),
        (HEAD + "components: {schemas: {A: {$ref: '../../../../etc/passwd'}}}", "it lies outside of"),
        (HEAD + "components: {schemas: {A: {$ref: 'file:///etc/passwd'}}}", "it lies outside of"),
        (HEAD + "components: {schemas: {A: {$ref: 'http://127.0.0.1:9/x'}}}", "--allow-remote permits other servers"),
        (HEAD + "components: {schemas: {A: {$ref: 'ftp://x/y'}}}", "it is no file and no http(s) URL"),
        (HEAD + "x: " + "[" * 5000 + "]" * 5000, "nests more than 200 levels deep"),
        (HEAD + "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
        ), "Its aliases expand to more than"),
        (HEAD + "a: &a {b: *a}", "deep"),
        (HEAD + "x: !!python/object/apply:os.system ['touch executed']", "This is not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_document(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, expected: str) -> None:
    """A wrong document ends in one sentence with its file, its line and its pointer where there is one."""
    assert expected in refused(tmp_path, text, capsys)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "api.yaml:1 #: This is no OpenAPI document: it is empty."),
        (b"\n# nothing\n", "it is empty"),
        (HEAD.encode() + b"x: caf\xe9", "api.yaml:3: This is not YAML: byte 52, 0xe9, is not UTF-8."),
        (HEAD.encode() + b"x: \x01", "api.yaml:3: This is not YAML: it has the character U+0001."),
        (HEAD.encode("utf-16") + b"x", "0x78, is not UTF-16."),
        (b"\x89PNG\r\n", "api.yaml:1: This is not YAML: byte 0, 0x89, is not UTF-8."),
        (b'{"openapi":\n"\xff"}', "api.yaml:2: This is not JSON: byte 13, 0xff, is not UTF-8."),
    ],
)
def test_what_is_no_text(tmp_path: Path, content: bytes, expected: str) -> None:
    """What is empty, or no text, is refused with the line and the byte."""
    place = tmp_path / "api.yaml"
    place.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        generate(place, output=tmp_path / "out")
    assert expected in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "content", [HEAD.encode("utf-16"), HEAD.encode("utf-8-sig"), HEAD.replace("\n", "\r\n").encode()]
)
def test_other_encodings(tmp_path: Path, content: bytes) -> None:
    """UTF-16, a byte order mark, and lines that end as those of Windows do are read."""
    place = tmp_path / "api.yaml"
    place.write_bytes(content)
    assert generate(place, output=tmp_path / "out").package.title == "T"


@pytest.mark.parametrize(
    ("operation", "note"),
    [
        ("responses: [1]", "/responses: 'responses' must be an object: this says nothing."),
        ("parameters: {a: 1}", "/parameters: 'parameters' must be an array: this says nothing."),
        ("parameters: [null]", "/parameters/0: A parameter '' in '' is not sent."),
        ("requestBody: 1", "/requestBody: 'requestBody' must be an object: this says nothing."),
        ("parameters: [{name: a, in: query, schema: {properties: {b: 7}}}]", "properties/b: A schema must be an object, or true or false: this one says nothing."),
    ],
)  # fmt: skip
def test_what_says_nothing_is_told(tmp_path: Path, operation: str, note: str) -> None:
    """A part of an operation that has the wrong shape is told by its pointer, and an error with --strict."""
    place = tmp_path / "api.yaml"
    place.write_text(f"{HEAD}paths: {{/a: {{get: {{{operation}}}}}}}")
    made = generate(place, output=tmp_path / "out")
    assert any(str(each).endswith(note) for each in made.diagnostics), made.diagnostics


def test_a_link_out_of_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reference to a link that leads outside is refused."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.yaml").write_text("{type: string}")
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")

    assert "it lies outside of" in refused(inside, HEAD + "components: {schemas: {A: {$ref: link.yaml}}}", capsys)


def test_private_addresses_stay_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--allow-remote lets a document refer to public servers; an address of this machine is none."""
    text = HEAD + "components: {schemas: {A: {$ref: 'http://127.0.0.1:9/x.yaml'}}}"

    assert "is not public" in refused(tmp_path, text, capsys, "--allow-remote")


def test_a_document_at_a_url(importing: Path) -> None:
    """A document may be fetched, and refer to its own server."""

    def answer(request: Asked) -> Reply:
        if request.target == "/api.json":
            schema = {"$ref": "shared.json#/A"}
            document = {
                "openapi": "3.1.0",
                "info": {"title": "T", "version": "1"},
                "components": {"schemas": {"B": schema}},
            }
            return 200, {}, json.dumps(document).encode()
        return (
            (200, {}, b'{"A": {"type": "object", "properties": {"x": {}}}}')
            if request.target == "/shared.json"
            else (404, {}, b"")
        )

    with API(answer) as api:
        made = generate(f"{api.url}/api.json", output=importing / "remote")
        with pytest.raises(DocumentError, match="404"):
            generate(f"{api.url}/gone.json", output=importing / "gone")

    assert "class A(Struct" in made.files["models/a.py"]


@pytest.mark.parametrize("what", ["link", "file", "foreign"])
def test_what_is_there_is_not_replaced(tmp_path: Path, what: str) -> None:
    """A link is not followed, and what was not generated is not replaced."""
    (tmp_path / "api.yaml").write_text(HEAD)
    output = tmp_path / "out"
    target = tmp_path / "target"
    target.mkdir()
    if what == "link":
        output.symlink_to(target)
    elif what == "file":
        output.write_text("mine")
    else:
        output.mkdir()
        (output / "mine.py").write_text("mine")

    with pytest.raises(DocumentError, match="output"):
        generate(tmp_path / "api.yaml", output=output)
    assert list(target.iterdir()) == []


PAYLOADS = [
    '"""\nimport os; os.system("touch executed")\n"""', "'''\nraise SystemExit\n'''", '"); raise SystemExit #', "\\", '\\"""', "a\r\nraise SystemExit",
    "a\nraise SystemExit", "\u2028raise SystemExit", "\u2029x", "{__import__('os').system('touch executed')}", "{{ 7*7 }}", "{% raw %}", "${x}", "`id`",
    "import os", "class", "None", "__init__", "__class__", "self", "../../x", "/etc/passwd", "C:\\x", "a/b", "..", "CON", "nul", "\0", "\x1b[2J", "\x85raise",
    "é", "\u0430dmin", "\u202egnp", "𝒳", "x" * 300, "", " ", "1", "-", "#", "# type: ignore", '"', "'", "\ud7ff\U0010ffff", "models", "list", "str", "field",
    "UNSET", "Client", "runtime",
]  # fmt: skip


def hostile(payload: str) -> dict[str, Any]:
    """Return a document with a text in every place that has one."""
    schema = {
        "type": "object", "title": payload, "description": payload, "required": [payload],
        "properties": {payload: {"type": "string", "enum": [payload, "x"], "description": payload}, "n": {"const": payload}},
    }  # fmt: skip
    other = {"type": "object", "properties": {"t": {"const": payload + "2"}, payload: {"type": "integer"}}}
    operation = {
        "operationId": payload, "summary": payload, "description": payload, "tags": [payload],
        "parameters": [
            {"name": payload, "in": place, "required": True, "description": payload, "schema": {"type": "string", "enum": [payload]}}
            for place in ("query", "header", "cookie")
        ],
        "requestBody": {"description": payload, "content": {"application/json": {"schema": schema}, payload: {"schema": schema}}},
        "responses": {
            "200": {"description": payload, "content": {"application/json": {"schema": {"oneOf": [schema, other], "discriminator": {"propertyName": payload}}}}},
            "404": {"description": payload, "content": {payload: {"schema": schema}}},
        },
        "security": [{payload: []}],
    }  # fmt: skip
    return {
        "openapi": "3.1.0",
        "info": {"title": payload, "version": payload, "description": payload},
        "servers": [{"url": "https://h/" + payload, "variables": {payload: {"default": payload, "enum": [payload]}}}],
        "paths": {
            "/" + payload + "/{" + payload + "}": {
                "post": operation,
                "get": {"responses": {"200": {"description": payload}}},
            }
        },
        "components": {
            "schemas": {payload: schema, payload + "x": other},
            "securitySchemes": {payload: {"type": "apiKey", "in": "header", "name": payload, "description": payload}},
        },
    }


_NODES = {
    "Module", "Expr", "Constant", "ImportFrom", "Import", "alias", "If", "ClassDef", "FunctionDef", "arguments", "arg", "Return", "Assign", "AnnAssign",
    "Name", "Load", "Store", "Attribute", "Call", "keyword", "Subscript", "Tuple", "List", "Dict", "BinOp", "BitOr", "Lambda", "UnaryOp", "Not", "USub",
    "Compare", "NotIn", "In", "Raise", "JoinedStr", "FormattedValue", "BoolOp", "Or",
}  # fmt: skip
"""What generated code consists of."""


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_code(tmp_path: Path, payload: str) -> None:
    """Whatever a document says stays text: the files are few kinds of nodes, with names of their own, below one folder."""
    (tmp_path / "api.json").write_text(json.dumps(hostile(payload)))
    made = generate(tmp_path / "api.json", output=tmp_path / "out")

    assert {path.parent for path in tmp_path.iterdir()} == {tmp_path}
    assert {path.name for path in tmp_path.iterdir()} == {"api.json", "out"}
    assert len(made.package.operations) == 2
    for name, text in made.files.items():
        assert all(part.replace(".", "").replace("_", "").isalnum() and part.isascii() for part in name.split("/")), (
            name
        )
        if name.endswith(".py"):
            nodes = list(ast.walk(ast.parse(text)))
            assert {type(node).__name__ for node in nodes} <= _NODES, name
            called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
            assert called <= {
                "Call", "Operation", "Body", "Part", "path", "query", "header", "cookie", "locals", "blocking", "asynchronous", "field", "union", "super",
                "blocking_response", "asynchronous_response", "getattr", "globals", "import_module", "sorted", "AttributeError",
                "blocking_download", "asynchronous_download",
            } | {each for each in called if each[0].isupper()}, name  # fmt: skip


def test_importing_executes_nothing(tmp_path: Path) -> None:
    """Importing all modules of packages made of hostile texts opens no process, no connection and no file to write."""
    for number, payload in enumerate(PAYLOADS):
        (tmp_path / "api.json").write_text(json.dumps(hostile(payload)))
        generate(tmp_path / "api.json", output=tmp_path / f"package{number}")
    script = """
import sys, importlib, pkgutil
import borzoi.openapi.runtime
def guard(event, arguments):
    if event in ("os.system", "subprocess.Popen", "socket.connect", "os.exec", "exec_file") or (event == "open" and "w" in str(arguments[1])):
        print("FIRED", event, arguments)
sys.dont_write_bytecode = True
sys.addaudithook(guard)
count = 0
for package in pkgutil.iter_modules(["."]):
    module = importlib.import_module(package.name)
    for each in pkgutil.walk_packages(module.__path__, package.name + "."):
        importlib.import_module(each.name)
        count += 1
print(count)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert int(done.stdout) > len(PAYLOADS) * 8
    assert not (tmp_path / "executed").exists()
