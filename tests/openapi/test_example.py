"""The first example: the command as it stands, the code as it stands, against a local server, blocking and async."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trio

from borzoi import HTTPStatusError
from borzoi.cli.main import main
from tests.openapi.serving import API, Asked, Reply, as_json
from tests.structure.source import ROOT

CACHE = ROOT / ".cache" / "mypy-generated"
"""What mypy knows of the standard library and of Borzoi, from one run to the next."""

ID = "7f3c1b1e-4c43-4b1c-9d6d-2f1f0c1c2a3b"
USER = {"id": ID, "email": "a@example.org", "name": "A", "created_at": "2026-01-02T03:04:05Z", "is_active": True}


def example(page: str) -> str:
    """Return the example of a page that uses the package."""
    blocks = re.findall(r"^```py\n(.*?)^```\n", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if "list_users.asyncio" in block]
    return str(found)


def answer(request: Asked) -> Reply:
    """Answer as the example's API does."""
    if request.target.partition("?")[0] == "/v1/users":
        return as_json({"users": [USER]})
    if request.target == f"/v1/users/{ID}":
        return as_json(USER)
    return 404, {"Content-Type": "text/plain"}, b"nobody"


@pytest.fixture
def api() -> Iterator[API]:
    """The API of the example."""
    with API(answer) as served:
        yield served


@pytest.fixture
def package(importing: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The package, made by the command in a folder that has the document."""
    shutil.copy(ROOT / "examples" / "user-api.yaml", importing)
    assert main(["openapi", "generate", "--path", "user-api.yaml"]) == 0
    assert "2 operations, 2 models" in capsys.readouterr().out
    return importing / "user_management_api_client"


@pytest.mark.parametrize("run", [lambda example: asyncio.run(example()), trio.run], ids=["asyncio", "trio"])
def test_the_example_runs(package: Path, api: API, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The command and the code of the first example work as they stand, the address of the server aside."""
    names: dict[str, Any] = {}
    exec(example("README.md").replace("https://api.example.com", api.url), names)
    user = run(names["example"])

    assert capsys.readouterr().out == f"{[user]}\n"
    assert isinstance(user, names["User"])
    assert user.id == UUID(ID)
    assert user.created_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert [each.target for each in api.asked] == ["/v1/users?limit=5", f"/v1/users/{ID}"]


def test_the_example_of_the_page_runs(package: Path, api: API, capsys: pytest.CaptureFixture[str]) -> None:
    """So does the longer one, which ends in a typed error."""
    exec(example("docs/openapi.md").replace("http://127.0.0.1:8000", api.url), {})

    asynchronous, status, blocking, error = capsys.readouterr().out.splitlines()
    assert "a@example.org" in asynchronous
    assert blocking == asynchronous
    assert (status, error) == ("200", "404 nobody")


def test_both_styles_in_blocking_code(package: Path, api: API) -> None:
    """Resources and functions give the same in blocking code, with the response where it is asked for."""
    from user_management_api_client import Client  # type: ignore[import-not-found]
    from user_management_api_client.api.default import get_user, list_users  # type: ignore[import-not-found]

    with Client(base_url=f"{api.url}/v1") as client:
        assert client.users.list(limit=5) == list_users.sync(client=client, limit=5)
        detailed = get_user.sync_detailed(UUID(ID), client=client)
        assert detailed.data == client.users.get(UUID(ID)) == client.users.with_response.get(UUID(ID)).data
        assert (detailed.status_code, detailed.headers["content-type"]) == (200, "application/json")
        assert detailed.http.json() == USER


def test_async_client(package: Path, api: API) -> None:
    """AsyncClient has the names of Client."""
    from user_management_api_client import AsyncClient

    async def run() -> Any:
        async with AsyncClient(f"{api.url}/v1") as client:
            response = await client.users.with_response.get(UUID(ID))
            return await client.users.list(limit=5), response

    listed, response = asyncio.run(run())

    assert listed.users == [response.data]
    assert response.status_code == 200


def test_a_typed_error(package: Path, api: API) -> None:
    """A declared status raises the error of its resource, which is the one of its status, too."""
    from user_management_api_client import Client, errors

    with Client(f"{api.url}/v1") as client, pytest.raises(errors.UserNotFound) as caught:
        client.users.get(UUID(int=1))

    assert isinstance(caught.value, errors.NotFound)
    assert isinstance(caught.value, HTTPStatusError)
    assert caught.value.data == "nobody"
    assert caught.value.status_code == 404
    assert str(caught.value) == f"GET {api.url}/v1/users/{UUID(int=1)}: 404 Not Found: nobody"


def test_a_reply_that_does_not_fit(package: Path) -> None:
    """An address without "@" is refused where the document says `format: email`, and the error says where it was."""
    from user_management_api_client import Client

    from borzoi import DecodingError

    with API(lambda _: as_json({**USER, "email": "nobody"})) as api, Client(api.url) as client:
        with pytest.raises(DecodingError, match=r"\$\.email"):
            client.users.get(UUID(ID))


def test_the_package_is_clean(package: Path) -> None:
    """What is generated is as ruff formats it, and mypy --strict and pyright strict find nothing."""
    use = package.parent / "use.py"
    use.write_text(
        "from user_management_api_client import Client\n"
        "from user_management_api_client.api.default import list_users\n"
        "from user_management_api_client.models import ListUsersResponse, User\n\n"
        "def f(client: Client) -> User | None:\n"
        "    response: ListUsersResponse = list_users.sync(client=client, limit=5)\n"
        "    client.users.list(limit='5')  # type: ignore[arg-type]\n"
        "    return response.users[0] if response.users else None\n"
    )
    settings = {"typeCheckingMode": "strict", "include": [package.name], "reportMissingModuleSource": False}
    (package.parent / "pyrightconfig.json").write_text(json.dumps(settings))
    commands = [
        ["ruff", "format", "--check", "--no-cache", package.name],
        ["ruff", "check", "--no-cache", package.name],
        ["mypy", "--strict", "--python-version", "3.11", "--cache-dir", str(CACHE), package.name, "use.py"],
        ["pyright", "--pythonpath", sys.executable],
    ]
    for tool, *arguments in commands:
        done = subprocess.run([sys.executable, "-m", tool, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_two_runs_are_the_same(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run changes nothing, and --check says so; after a change of the package --check exits with 1."""
    before = {path: path.stat().st_mtime_ns for path in package.rglob("*.py")}
    assert main(["openapi", "generate", "user-api.yaml"]) == 0
    assert main(["openapi", "generate", "user-api.yaml", "--check"]) == 0
    assert {path: path.stat().st_mtime_ns for path in package.rglob("*.py")} == before

    (package / "client.py").write_text("")
    capsys.readouterr()
    assert main(["openapi", "generate", "user-api.yaml", "--check"]) == 1
    assert "1 files differ" in capsys.readouterr().out
    assert (package / "client.py").read_text() == ""
