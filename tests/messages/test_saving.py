"""Saving a response: whole or not at all, under a harmless name, with the permissions that a new file has."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from borzoi._errors import RemoteProtocolError, StreamConsumed
from borzoi._messages.filename import MAX_BYTES, disposition_filename, filename_of, harmless
from borzoi._messages.request import Request
from borzoi._messages.response import Response
from borzoi._messages.saving import Draft
from borzoi._messages.streams import AsyncByteStream, Body, SyncByteStream
from borzoi._run_blocking import run_blocking


class Chunks(Body):
    """A body in chunks; an exception among them is raised."""

    blocking = None
    is_whole = False

    def __init__(self, *chunks: bytes | BaseException) -> None:
        self._chunks = iter(chunks)
        self.is_closed = False

    async def next_chunk(self) -> bytes | None:
        chunk = next(self._chunks, None)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close_now(self) -> None:
        self.is_closed = True


def streamed(*chunks: bytes | BaseException, **headers: str) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request("GET", "https://example.org/files/report.pdf")
    return Response(200, headers=fields, stream=Chunks(*chunks), request=request)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("is_read", [False, True])
def test_a_response_is_saved(tmp_path: Path, is_read: bool, is_async: bool) -> None:
    """A body is saved in both worlds, streamed or read before; path and size are returned, and nothing else is left."""
    response = streamed(b"bor", b"zoi")
    if is_read:
        response.read()

    saved = run_blocking(response.asave(tmp_path / "dog")) if is_async else response.save(tmp_path / "dog")
    assert saved == (tmp_path / "dog", 6)
    assert (saved.path, saved.size) == saved
    assert saved.path.read_bytes() == b"borzoi"
    assert left_in(tmp_path) == ["dog"]
    assert response.is_closed


def test_content_is_saved_decoded(tmp_path: Path) -> None:
    """What is saved is the content, not its coding; the announced length is that of the coding."""
    import gzip

    data = gzip.compress(b"borzoi" * 100)
    path, size = streamed(data, Content_Encoding="gzip", Content_Length=str(len(data))).save(tmp_path / "dog")

    assert size == 600
    assert path.read_bytes() == b"borzoi" * 100


def test_a_path_may_be_text(tmp_path: Path) -> None:
    """A path may be a str; it cannot be bytes, which would be of another kind than the names in it."""
    assert streamed(b"x").save(f"{tmp_path}/dog").path == tmp_path / "dog"
    with pytest.raises(TypeError, match="Give a str or a path, not bytes"):
        streamed(b"x").save(os.fsencode(tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [RuntimeError("lost"), KeyboardInterrupt()])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    """After an error or an interrupt the destination is as it was, and there is no temporary file."""
    (tmp_path / "dog").write_text("old")
    response = streamed(b"bor", error)

    with pytest.raises(type(error)):
        response.save(tmp_path / "dog")
    assert (tmp_path / "dog").read_text() == "old"
    assert left_in(tmp_path) == ["dog"]
    assert response.is_closed


def test_a_truncated_body_is_not_saved(tmp_path: Path) -> None:
    """Fewer bytes than announced are an error, whatever transport they came over."""
    with pytest.raises(RemoteProtocolError, match="has 3 bytes where 6 were announced") as caught:
        streamed(b"bor", Content_Length="6").save(tmp_path / "dog")

    assert caught.value.request.url == "https://example.org/files/report.pdf"
    assert left_in(tmp_path) == []


def test_nothing_is_visible_before_the_end(tmp_path: Path) -> None:
    """While the body comes in, there is one file, private and under another name."""
    seen: list[tuple[str, int]] = []

    class Watching(SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for chunk in (b"bor", b"zoi"):
                yield chunk
                seen.extend((path.name, stat.S_IMODE(path.stat().st_mode)) for path in tmp_path.iterdir())

    Response(200, stream=Watching()).save(tmp_path / "dog")
    assert len({name for name, _ in seen}) == 1
    assert all(name.startswith(".borzoi-") and name.endswith(".part") and mode == 0o600 for name, mode in seen)
    assert left_in(tmp_path) == ["dog"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_respects_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    """A new file has the permissions that any new file has."""
    before = os.umask(umask)
    try:
        path, _ = streamed(b"x").save(tmp_path / "dog")
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    """A file that was private stays private when it is replaced."""
    (tmp_path / "dog").write_text("old")
    (tmp_path / "dog").chmod(0o640)

    path, _ = streamed(b"new").save(tmp_path / "dog", fsync=True)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_overwrite_false_refuses_before_reading(tmp_path: Path) -> None:
    """A file that exists is left alone, and the body is not read."""
    (tmp_path / "dog").write_text("old")
    response = streamed(b"new")

    with pytest.raises(FileExistsError, match="overwrite=False"):
        response.save(tmp_path / "dog", overwrite=False)
    assert (tmp_path / "dog").read_text() == "old"
    assert not response.is_stream_consumed


def test_overwrite_false_saves_where_nothing_is(tmp_path: Path) -> None:
    """Without a file in the way, it is saved; the temporary name is gone."""
    assert streamed(b"new").save(tmp_path / "dog", overwrite=False).size == 3
    assert left_in(tmp_path) == ["dog"]


def test_overwrite_false_refuses_what_came_meanwhile(tmp_path: Path) -> None:
    """A file that comes into being while the body is read is not replaced either."""

    class Meanwhile(SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            (tmp_path / "dog").write_text("theirs")
            yield b"ours"

    with pytest.raises(FileExistsError, match="come into being since"):
        Response(200, stream=Meanwhile()).save(tmp_path / "dog", overwrite=False)
    assert (tmp_path / "dog").read_text() == "theirs"
    assert left_in(tmp_path) == ["dog"]


def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: Any) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", link)


def test_overwrite_false_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links the file is moved, after one more look."""
    without_links(monkeypatch)

    assert streamed(b"new").save(tmp_path / "dog", overwrite=False).size == 3
    assert left_in(tmp_path) == ["dog"]
    with Draft(tmp_path, None) as draft:
        draft.finish(fsync=False)
        with pytest.raises(FileExistsError, match="overwrite=False"):
            draft.move(tmp_path / "dog", overwrite=False)
    assert left_in(tmp_path) == ["dog"]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """A symbolic link gives way to the file; what it pointed to is untouched."""
    (tmp_path / "victim").write_text("old")
    (tmp_path / "dog").symlink_to(tmp_path / "victim")

    path, _ = streamed(b"new").save(tmp_path / "dog")
    assert not path.is_symlink()
    assert (tmp_path / "victim").read_text() == "old"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """A pipe, or a device such as /dev/null, is not replaced by a file."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(FileExistsError, match="not a regular file"):
        streamed(b"x").save(tmp_path / "pipe")


@pytest.mark.parametrize("path", ["nowhere/", "nowhere/dog"])
def test_a_directory_must_exist(tmp_path: Path, path: str) -> None:
    """No directory is made."""
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        streamed(b"x").save(f"{tmp_path}/{path}")
    assert left_in(tmp_path) == []


def test_a_consumed_response_is_not_saved(tmp_path: Path) -> None:
    """What was iterated over is gone, and no empty file is left."""
    response = streamed(b"x")
    list(response.iter_bytes())

    with pytest.raises(StreamConsumed):
        response.save(tmp_path / "dog")
    assert left_in(tmp_path) == []


def test_the_other_world_is_refused(tmp_path: Path) -> None:
    """An async stream cannot be saved by blocking code."""

    class Async(AsyncByteStream):
        pass

    with pytest.raises(RuntimeError, match="async stream"):
        Response(200, stream=Async()).save(tmp_path / "dog")
    assert left_in(tmp_path) == []


def test_a_full_disk_closes_the_response(tmp_path: Path) -> None:
    """When the disk takes no more, the error is the disk's, the response lets go of its connection, and no file is left."""
    response = streamed(b"x" * 5000, b"x" * 5000, b"x" * 50_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            response.save(tmp_path / "dog")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert response.is_closed
    assert left_in(tmp_path) == []


def test_a_draft_that_cannot_be_closed_says_so(tmp_path: Path) -> None:
    """What was still to be written and does not fit is an error, where there is no other one."""
    draft = Draft(tmp_path, None)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    draft.file.write(b"x" * 5000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        draft.file.write(b"x")
        with pytest.raises(OSError, match="File too large"):
            draft.__exit__(None, None, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert left_in(tmp_path) == []


def test_a_directory_in_the_way_is_an_error(tmp_path: Path) -> None:
    """A draft that cannot take its place is removed."""
    (tmp_path / "dog").mkdir()

    with pytest.raises(IsADirectoryError), Draft(tmp_path, None) as draft:
        draft.move(tmp_path / "dog", overwrite=True)
    assert left_in(tmp_path) == ["dog"]


# Names that servers choose.


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="report.pdf"', "report.pdf"),
        ("attachment; filename=report.pdf", "report.pdf"),
        ('ATTACHMENT; FileName="a \\"b\\".pdf"', 'a "b".pdf'),
        ("attachment; filename=\"plain.txt\"; filename*=UTF-8''na%C3%AFve.txt", "na\u00efve.txt"),
        ("attachment; filename*=iso-8859-1'en'%A3.txt; filename=plain", "\u00a3.txt"),
        ("attachment; filename*=nonsense''x; filename=plain", "plain"),
        ("attachment; filename*=UTF-8''%FF; filename=plain", "plain"),
        ("attachment; filename*=broken; filename=plain", "plain"),
        ('attachment; filename="one"; filename="two"', "one"),
        ('attachment; filename="unclosed', '"unclosed'),
        ("attachment", None),
        ("", None),
    ],
)
def test_content_disposition(disposition: str, name: str | None) -> None:
    """The name is found as RFC 6266 says: the extended form first, where it can be read."""
    assert disposition_filename(disposition) == name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Windows\\x.dll", "x.dll"),
        ("C:x.dll", "C_x.dll"),
        ("..", "download"),
        (".", "download"),
        ("", "download"),
        ("a/", "download"),
        (".bashrc", "bashrc"),
        (" . .ssh", "ssh"),
        ("a\0b.txt", "ab.txt"),
        ("a\r\nb\x1b[2J.txt", "ab[2J.txt"),
        ("innocent\u202egpj.exe", "innocentgpj.exe"),
        ("NUL", "_NUL"),
        ("con.txt", "_con.txt"),
        ("Com1.tar.gz", "_Com1.tar.gz"),
        ("LPT\u00b9", "_LPT\u00b9"),
        ("console.txt", "console.txt"),
        ("file. . .", "file"),
        ('what?<>|*":.txt', "what_______.txt"),
        ("\ud800x", "x"),
        ("na\u00efve.txt", "na\u00efve.txt"),
    ],
)
def test_harmless_names(given: str, name: str) -> None:
    """A name cannot leave its directory, hide, name a device, or say something else than it shows."""
    assert harmless(given) == name


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ("x" * 300 + ".pdf", "x.pdf"),
        ("\u00e9" * 200 + ".txt", "\u00e9.txt"),
        ("x" * 300, "xx"),
        ("a." + "x" * 300, "xx"),
    ],
)
def test_long_names_keep_their_extension(given: str, end: str) -> None:
    """A long name is cut to 255 bytes between characters, before its extension."""
    name = harmless(given)

    assert MAX_BYTES - 1 <= len(name.encode()) <= MAX_BYTES
    assert name.endswith(end)


@hypothesis.given(strategies.text())
def test_any_name_is_one_part_of_a_path(given: str) -> None:
    """Whatever a server says, the name stays in its directory and can be written."""
    name = harmless(given)

    assert name
    assert name == os.path.basename(name)
    assert name not in (".", "..")
    assert not name.startswith(".")
    assert not set(name) & set('/\\\0:*?"<>|')
    assert len(name.encode()) <= MAX_BYTES


def test_a_directory_gets_the_name_of_the_response(tmp_path: Path) -> None:
    """In a directory the file is called as the response says, or as its URL ends."""
    disposition = {"Content_Disposition": 'attachment; filename="../dog.txt"'}

    assert streamed(b"x", **disposition).save(tmp_path).path == tmp_path / "dog.txt"
    assert streamed(b"x").save(f"{tmp_path}/").path == tmp_path / "report.pdf"
    assert Response(200, content=b"x").save(tmp_path).path == tmp_path / "download"
    assert filename_of(Response(200, request=Request("GET", "https://example.org/a%2F..%2Fb?q=1/2"))) == "b"


def test_a_server_does_not_choose_what_is_replaced(tmp_path: Path) -> None:
    """A name that the server chose replaces nothing, unless the program says so."""
    (tmp_path / "report.pdf").write_text("old")

    with pytest.raises(FileExistsError, match="the server that chose its name"):
        streamed(b"new").save(tmp_path)
    assert (tmp_path / "report.pdf").read_text() == "old"
    assert streamed(b"new").save(tmp_path, overwrite=True).path.read_text() == "new"
