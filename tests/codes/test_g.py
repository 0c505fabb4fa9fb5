"""G3: what a document may make a generator read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from borzoi.openapi.document.sources import Sources
from borzoi.openapi.document.syntax import MAX_BYTES, DocumentError
from tests.exchange.http_peers import Asked, answer, http
from tests.worlds.peers import RawServer


class TestG3:
    """References."""

    def test_a_file_that_is_too_large_is_not_read(self, tmp_path: Path) -> None:
        """Its size is looked at first: this one has no bytes on the disk."""
        for name, size in (("large.yaml", MAX_BYTES + 1), ("small.yaml", 10)):
            with (tmp_path / name).open("wb") as file:
                file.truncate(size)
        sources = Sources(str(tmp_path / "first.yaml"))
        with pytest.raises(DocumentError, match="The file is larger than"):
            sources.read((tmp_path / "large.yaml").as_uri())
        assert sources.read((tmp_path / "small.yaml").as_uri()) == bytes(10)

    def test_a_document_that_expands_is_not_taken_whole(self) -> None:
        """What a server sends counts as it is decoded, and reading ends where it is too much."""
        bomb = gzip.compress(gzip.compress(bytes(MAX_BYTES + 1), 1), 1)
        with RawServer(http(lambda asked: answer(bomb, b"Content-Encoding: gzip, gzip"))) as server:
            with pytest.raises(DocumentError, match="The document is larger than"):
                Sources(f"{server.url}/openapi.yaml").read(f"{server.url}/openapi.yaml")
            server.errors[:] = [error for error in server.errors if not isinstance(error, OSError)]

    @pytest.mark.parametrize("location", ["http://169.254.169.254/", "file:///etc/passwd", "//127.0.0.1:9/", "/again"])
    def test_a_redirect_is_not_followed(self, location: str) -> None:
        """A server that the user named says nothing about where else the inside of a network is to be read."""
        asked_for: list[bytes] = []

        def respond(asked: Asked) -> bytes:
            asked_for.append(asked.target)
            return answer(b"", f"Location: {location}".encode(), status=b"302 Found")

        with RawServer(http(respond)) as server, pytest.raises(DocumentError, match="302"):
            Sources(f"{server.url}/openapi.yaml", allow_remote=True).read(f"{server.url}/openapi.yaml")
        assert asked_for == [b"/openapi.yaml"]

    @pytest.mark.parametrize("allow_remote", [False, True])
    def test_another_port_is_another_server(self, *, allow_remote: bool) -> None:
        """What else is on the machine of a server is not its own: it takes a permission, and a public address."""
        with (
            RawServer(http(lambda asked: answer(b"{}"))) as first,
            RawServer(http(lambda asked: answer(b"inside"))) as other,
        ):
            sources = Sources(f"{first.url}/openapi.yaml", allow_remote=allow_remote)
            uri, _ = sources.target(f"{first.url}/openapi.yaml", f"{other.url}/secret.yaml")
            with pytest.raises(DocumentError, match="not public" if allow_remote else "--allow-remote permits"):
                sources.read(uri)
            assert other.connections == []

    @pytest.mark.parametrize(
        "reference",
        ["file:///etc/passwd", "../outside.yaml", "/etc/passwd", "%2e%2e/outside.yaml", "file://elsewhere/x", "data:,x", "ftp://h/x",
         "sub/../../outside.yaml", "file:///proc/self/environ", "FILE:///etc/passwd", "jar:file:///x", "\\\\host\\share"],
    )  # fmt: skip
    @pytest.mark.parametrize("from_url", [False, True])
    def test_nothing_outside_of_its_folder(self, reference: str, tmp_path: Path, *, from_url: bool) -> None:
        """A document in a folder leads no further than the folder, and one at a URL to no file at all."""
        (tmp_path / "outside.yaml").write_text("secret")
        (tmp_path / "inside").mkdir()
        first = "http://127.0.0.1:9/openapi.yaml" if from_url else str(tmp_path / "inside" / "openapi.yaml")
        sources = Sources(first)
        uri, _ = sources.target(sources.first, reference)
        with pytest.raises(DocumentError) as caught:
            sources.read(uri)
        assert "secret" not in str(caught.value)
        assert sources.contents() == []
