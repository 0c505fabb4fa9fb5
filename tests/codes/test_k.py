"""K2, K5 and K6: cookies for whole suffixes, nothing that runs what came, and whose the cookies of a request are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import borzoi
from borzoi import Request, Response
from tests.client.conftest import World
from tests.structure.source import PACKAGE, modules

SUFFIXES = [
    ("a.co.uk", "co.uk", "b.co.uk"), ("a.co.uk", "CO.UK", "b.co.uk"), ("a.co.uk.", "co.uk.", "b.co.uk."), ("a.com", ".com", "b.com"),
    ("a.github.io", "GitHub.io", "b.github.io"), ("a.b.kawasaki.jp", "b.kawasaki.jp", "c.b.kawasaki.jp"),
    ("a.xn--p1ai", "\u0440\u0444", "b.xn--p1ai"), ("a.unheard-of", "unheard-of", "b.unheard-of"),
    ("a.localhost", "localhost", "b.localhost"), ("a.s3.amazonaws.com", "s3.amazonaws.com", "b.s3.amazonaws.com"),
    ("127.0.0.1", "0.0.1", "127.1.0.0"), ("[::1]", "1]", "[::1:1]"), ("a.one.test", "ne.test", "b.ne.test"),
]  # fmt: skip
"""Who sets a cookie, for which domain, and who would get it."""


class TestK2:
    """Cookies for whole suffixes."""

    @pytest.mark.parametrize(("host", "domain", "neighbour"), SUFFIXES)
    def test_no_neighbour_gets_one(self, host: str, domain: str, neighbour: str, world: World) -> None:
        """A cookie for a public suffix, for a part of an address or of a label goes nowhere: to neighbours or back."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(200, headers=[(b"Set-Cookie", f"super=1; Domain={domain}".encode())])

        client = world.client(handler)
        for asked in (host, neighbour, host):
            world.run(client.get, f"https://{asked}/")
        assert len(seen) == 3
        assert all("cookie" not in request.headers for request in seen)

    def test_a_domain_that_is_one_has_them(self, world: World) -> None:
        """So that the refusals mean something: below a suffix, and below an exception of the list, there are such cookies."""
        for domain in ("one.co.uk", "city.kawasaki.jp", "one.github.io"):
            seen: list[Request] = []

            def handler(request: Request, seen: list[Request] = seen, domain: str = domain) -> Response:
                seen.append(request)
                return Response(200, headers={"Set-Cookie": f"wide=1; Domain={domain}"})

            client = world.client(handler)
            for host in (f"a.{domain}", f"b.{domain}"):
                world.run(client.get, f"https://{host}/")
            assert seen[1].headers["cookie"] == "wide=1"


RUNNING = {"eval", "exec", "compile", "__import__", "breakpoint"}
MAKING = {
    "pickle", "_pickle", "cPickle", "marshal", "shelve", "copyreg", "dill", "cloudpickle", "jsonpickle", "joblib", "code", "codeop",
    "runpy", "xmlrpc", "imp",
}  # fmt: skip
"""Modules that make objects, or run code, of what they read."""


# What is worth parsing: `re.compile` is not.
SUSPECT = re.compile(
    rf"(?m)(?<![.\w])(?:{'|'.join(RUNNING)})\b(?!=)|^ *(?:import|from) .*\b(?:{'|'.join(MAKING)})\b|import_module|\b(?:yaml|builtins)\."
)


class TestK5:
    """Nothing that came is unpickled or run."""

    def test_no_module_can(self) -> None:
        """None names what runs text, by another name neither, and none imports what makes objects, in whichever way."""
        found = {(path.relative_to(PACKAGE).as_posix(), name) for path in modules(PACKAGE) for name in dangers(path)}
        # `python -m borzoi.compat` runs the program that it is given, as Python does.
        assert found == {("compat/__main__.py", "runpy")}

    @pytest.mark.parametrize(
        "text",
        ["eval('1')", "run = exec", "import pickle", "from marshal import loads", "import_module('shelve')", "builtins.eval",
         "yaml.load(x, yaml.UnsafeLoader)", "import os, dill.source as d", "f(compile)", "__import__('os')"],
    )  # fmt: skip
    def test_what_would_be_found(self, text: str, tmp_path: Path) -> None:
        """So that finding nothing means something."""
        path = tmp_path / "module.py"
        path.write_text(text)
        assert dangers(path)
        path.write_text("import re\nre.compile('a')\ncode = 5\nself.eval(code)\n")
        assert not dangers(path)


def dangers(path: Path) -> set[str]:
    """Return the names in a module that run or make what they are given."""
    text = path.read_text("utf-8")
    if not SUSPECT.search(text):
        return set()
    return set().union(*map(_danger, ast.walk(ast.parse(text))))


def _danger(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Name):
        return {node.id} & RUNNING
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").partition(".")[0]} & MAKING if not node.level else set()
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names} & MAKING
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return {str(text.value) for text in node.args if isinstance(text, ast.Constant)} & MAKING
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("yaml", "builtins"):
        return {node.attr} & {"Loader", "UnsafeLoader", "FullLoader", "unsafe_load", "full_load", *RUNNING}
    return set()


class TestK6:
    """Whose cookies."""

    def test_those_of_a_request_are_for_its_origin(self, world: World) -> None:
        """They follow no redirect to another origin, nor one that comes back."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            locations = ["https://two.example/", "https://one.example/", None]
            location = locations[len(seen) - 1]
            return Response(200) if location is None else Response(302, headers={"Location": location})

        client = world.client(handler, follow_redirects=True)
        with pytest.warns(DeprecationWarning, match="per-request cookies"):
            world.run(client.get, "https://one.example/", cookies={"a": "s3cret"})
        assert ["cookie" in request.headers for request in seen] == [True, False, False]

    def test_those_of_a_client_without_a_domain_too(self, world: World) -> None:
        """`Client(cookies={})` names no domain: they go where the program sends its requests, and not where servers do."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            locations = {"one.example": "https://two.example/", "two.example": "https://three.example/"}
            location = locations.get(request.url.host)
            return Response(200) if location is None else Response(307, headers={"Location": location})

        client = world.client(handler, follow_redirects=True, cookies={"a": "s3cret"})
        client.cookies.set("of", "two", domain="two.example")
        world.run(client.get, "https://one.example/")
        world.run(client.get, "https://three.example/")
        assert [request.headers.get("cookie") for request in seen] == ["a=s3cret", "of=two", None, "a=s3cret"]

    def test_a_host_header_selects_none(self, world: World) -> None:
        """Cookies go by the URL, and what a response sets is for its host, whatever Host said."""
        seen: list[Request] = []

        def handler(request: Request) -> Response:
            seen.append(request)
            return Response(200, headers={"Set-Cookie": "set=1"})

        client = world.client(handler)
        client.cookies.set("a", "of two", domain="two.example")
        world.run(client.get, "https://one.example/", headers={"Host": "two.example"})
        assert "cookie" not in seen[0].headers
        world.run(client.get, "https://two.example/")
        assert seen[1].headers["cookie"] == "a=of two" or "set" not in seen[1].headers["cookie"]
        assert isinstance(client.cookies, borzoi.Cookies)
