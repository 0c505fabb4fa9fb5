"""Requests from the command line: what is sent, what is shown, what is saved, and the exit status."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import socket
import sys
from pathlib import Path

import pytest

import borzoi
from borzoi.cli.fetch import bar_label
from borzoi.cli.main import main
from tests.worlds.certificates import authority
from tests.worlds.peers import RawServer, refusing_port

from .answering import Answering
from .conftest import Run

PLAIN = ["HTTP/1.1 200 OK", "server: scripted", "content-type: text/plain", "Transfer-Encoding: chunked", ""]
MOVED = ["HTTP/1.1 301 Moved Permanently", "server: scripted", "location: /", "Transfer-Encoding: chunked", ""]


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def said(text: str) -> list[str]:
    """Return the lines but for those about the connection."""
    return [line for line in lines(text) if not line.startswith("* ")]


# What is shown.


def test_a_get_shows_head_and_body(peer: Answering, run: Run) -> None:
    """A URL alone is a GET; the head and the body of the response are shown, and 2xx is success."""
    result = run(peer.url)

    assert (result.exit_code, lines(result.output)) == (0, [*PLAIN, "Hello, world!"])
    assert peer.head[0] == "GET / HTTP/1.1"


def test_json_is_indented(peer: Answering, run: Run) -> None:
    """JSON is shown with an indent of four, in ASCII."""
    result = run(f"{peer.url}/json")

    expected = ["{", '    "Hello": "world!",', '    "caf\\u00e9": [', "        1,", "        {}", "    ]", "}"]
    assert (result.exit_code, lines(result.output)[5:]) == (0, expected)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/no-json", ["{nope"]),
        ("/html", ["<p class='x'>łąka</p>"]),
        ("/table", ["a,b", "1,2"]),
        ("/problem", ["{", '    "title": "none"', "}"]),
        ("/picture", ["<4 bytes of binary data>"]),
    ],
)
def test_bodies_by_their_media_type(path: str, shown: list[str], peer: Answering, run: Run) -> None:
    """What is some kind of text is shown as it is, what claims to be JSON and is none too; else its size is."""
    assert lines(run(peer.url + path).output)[5:] == shown


def test_json_that_nests_too_deeply_is_shown_as_it_came(peer: Answering, run: Run) -> None:
    """JSON that cannot be read or written again is text like any other."""
    result = run(f"{peer.url}/deep")

    assert result.exit_code == 0
    assert "".join(line.strip() for line in lines(result.output)[5:]) == "[" * 2000 + "]" * 2000


def test_bytes_are_counted(peer: Answering, run: Run) -> None:
    """A body of bytes is not let loose on the terminal; neither is one that does not say what it is."""
    result = run(f"{peer.url}/bytes", "-c", "Hello, world!")

    assert lines(result.output) == [
        "HTTP/1.1 200 OK",
        "server: scripted",
        "content-type: application/octet-stream",
        "Transfer-Encoding: chunked",
        "",
        "<13 bytes of binary data>",
    ]
    assert lines(run(f"{peer.url}/untyped").output)[-1] == "<3 bytes of binary data>"


def test_a_response_without_body_is_its_head(peer: Answering, run: Run) -> None:
    """Where there is no body, nothing is shown of it."""
    result = run(f"{peer.url}/nothing")

    assert (result.exit_code, lines(result.output)) == (0, ["HTTP/1.1 204 No Content", "server: scripted", ""])


@pytest.mark.parametrize("path", ["/error", "/problem"])
def test_an_error_status_is_shown_and_fails(path: str, peer: Answering, run: Run) -> None:
    """A response of 4xx or 5xx is shown like any other, and the exit status is 1."""
    result = run(peer.url + path)

    assert result.exit_code == 1
    assert lines(result.output)[1] == "server: scripted"


def test_a_redirect_is_shown(peer: Answering, run: Run) -> None:
    """A redirect is not followed unless that is asked for, and is no success."""
    result = run(f"{peer.url}/redirect")

    assert (result.exit_code, lines(result.output)) == (1, MOVED)


def test_redirects_are_followed(peer: Answering, run: Run) -> None:
    """With --follow-redirects each head is shown, and the body of the last response."""
    result = run(f"{peer.url}/redirect", "--follow-redirects")

    assert (result.exit_code, lines(result.output)) == (0, [*MOVED, *PLAIN, "Hello, world!"])


def test_verbose_shows_the_request(peer: Answering, run: Run) -> None:
    """With --verbose the connection is shown, and the head of the request before that of the response."""
    result = run(peer.url, "-v")

    assert result.exit_code == 0
    assert lines(result.output) == [
        "* Connecting to '127.0.0.1'",
        f"* Connected to '127.0.0.1' on port {peer.port}",
        "GET / HTTP/1.1",
        f"Host: 127.0.0.1:{peer.port}",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Connection: keep-alive",
        f"User-Agent: python-borzoi/{borzoi.__version__}",
        "",
        *PLAIN,
        "Hello, world!",
    ]


def test_verbose_shows_credentials(peer: Answering, run: Run) -> None:
    """A name and a password become a header, which --verbose shows, as --help warns."""
    result = run(peer.url, "--verbose", "--auth", "username", "password")

    assert "Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=" in said(result.output)
    assert "Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=" in peer.head


def test_verbose_shows_the_encryption(run: Run) -> None:
    """With --verbose the version of TLS, its cipher and its protocol are shown."""
    with Answering(encrypted=True) as peer:
        shown = lines(run(peer.url, "-v", "--no-verify").output)

    assert re.fullmatch(r"\* SSL established using 'TLSv1\.3' / 'TLS_\w+'", shown[2])
    assert shown[3] == "* Selected ALPN protocol: None"
    assert shown[4] == "GET / HTTP/1.1"


def test_verbose_shows_each_request(peer: Answering, run: Run) -> None:
    """Each request of a chain of redirects comes before its response."""
    shown = said(run(f"{peer.url}/redirect", "-v", "--follow-redirects").output)
    firsts = [line for line in shown if "HTTP/1.1" in line]

    assert firsts == ["GET /redirect HTTP/1.1", MOVED[0], "GET / HTTP/1.1", PLAIN[0]]


# What is sent.


def test_json_is_posted(peer: Answering, run: Run) -> None:
    """JSON is sent compactly, with its media type, as a POST."""
    result = run(f"{peer.url}/echo", "-m", "POST", "-j", '{"hello": "world"}')

    assert (result.exit_code, lines(result.output)) == (0, [*PLAIN, '{"hello":"world"}'])
    assert "Content-Type: application/json" in peer.head


@pytest.mark.parametrize(
    ("arguments", "first", "body"),
    [
        (["-c", "łąka"], "POST /echo HTTP/1.1", "łąka".encode()),
        (["-c", ""], "POST /echo HTTP/1.1", b""),
        (["-j", "{}"], "POST /echo HTTP/1.1", b"{}"),
        (["-d", "a", "1", "-d", "b b", "2"], "POST /echo HTTP/1.1", b"a=1&b+b=2"),
        (["-m", "PUT", "-c", "x"], "PUT /echo HTTP/1.1", b"x"),
        (["-m", "BREW"], "BREW /echo HTTP/1.1", b""),
        (["-p", "a", "1", "-p", "a", "ä"], "GET /echo?a=1&a=%C3%A4 HTTP/1.1", b""),
    ],
)
def test_methods_and_bodies(arguments: list[str], first: str, body: bytes, peer: Answering, run: Run) -> None:
    """The method is GET, or POST where there is a body, or the one given; parameters become the query."""
    assert run(f"{peer.url}/echo", *arguments).exit_code == 0
    assert (peer.head[0], peer.body) == (first, body)


def test_the_query_of_a_url_is_kept(peer: Answering, run: Run) -> None:
    """Without --params the URL is what was typed."""
    assert run(f"{peer.url}/?a=1&b").exit_code == 0
    assert peer.head[0] == "GET /?a=1&b HTTP/1.1"


def test_files_are_sent_as_a_form(peer: Answering, run: Run, tmp_path: Path) -> None:
    """Files go out as multipart/form-data, under the names of their fields."""
    file = tmp_path / "dog.txt"
    file.write_text("Laika")
    assert run(f"{peer.url}/echo", "-f", "dog", str(file), "-d", "kind", "husky").exit_code == 0

    assert peer.head[0] == "POST /echo HTTP/1.1"
    assert b'name="dog"; filename="dog.txt"' in peer.body
    assert b"Laika" in peer.body
    assert b'name="kind"\r\n\r\nhusky' in peer.body


def test_headers_and_cookies_are_sent(peer: Answering, run: Run) -> None:
    """Headers may be repeated, and what is not ASCII is sent as it was typed; cookies share one header."""
    arguments = ["-h", "X-Dog", "Laika", "-h", "X-Dog", "Łajka", "--cookies", "a", "1", "--cookies", "b", "2"]
    assert run(peer.url, *arguments).exit_code == 0

    assert peer.head[-3:] == ["X-Dog: Laika", "X-Dog: \xc5\x81ajka", "Cookie: a=1; b=2"]


def test_a_password_is_asked_for(peer: Answering, run: Run) -> None:
    """The password "-" is typed in, and not shown."""
    result = run(peer.url, "--auth", "username", "-", typed="password\n")

    assert "Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=" in peer.head
    assert result.output.startswith("Password: ")
    assert "password" not in result.output


def test_a_proxy_is_used(peer: Answering, run: Run) -> None:
    """With --proxy the request goes there, with its credentials."""
    result = run("http://example.org/json", "--proxy", f"http://user:pass@127.0.0.1:{peer.port}/")

    assert result.exit_code == 0
    assert peer.requests[0][0].startswith("GET http://example.org/json HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNlcjpwYXNz" in peer.head


def test_certificates_are_verified_unless_told_otherwise(run: Run, tmp_path: Path) -> None:
    """A certificate that nobody vouches for is refused, and accepted with --no-verify."""
    with Answering(encrypted=True) as peer:
        refused, accepted = run(peer.url), run(peer.url, "--no-verify")

    assert (refused.exit_code, accepted.exit_code) == (1, 0)
    assert "CERTIFICATE_VERIFY_FAILED" in refused.output
    assert lines(accepted.output) == [*PLAIN, "Hello, world!"]


def test_certificates_of_the_environment_are_trusted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE names authorities, as for every client."""
    authority().cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with Answering(encrypted=True) as peer:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert run(peer.url).exit_code == 0


# What is saved.


@pytest.mark.parametrize("option", ["--download", "--output", "-o"])
def test_a_body_is_saved(option: str, peer: Answering, run: Run, tmp_path: Path) -> None:
    """A download shows the head, and no body; where nobody watches it draws no bar."""
    result = run(peer.url, option, str(tmp_path / "index.txt"))

    assert (tmp_path / "index.txt").read_text() == "Hello, world!"
    assert (result.exit_code, lines(result.output)) == (0, PLAIN)


def test_what_is_cut_short_is_not_saved(run: Run, tmp_path: Path) -> None:
    """A body that breaks off leaves the file that was there."""
    file = tmp_path / "index.txt"
    file.write_text("before")

    def cut(sock: socket.socket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    with RawServer(cut) as server:
        result = run(server.url, "-o", str(file))

    assert result.exit_code == 1
    assert lines(result.output)[-1].startswith("RemoteProtocolError: ")
    assert file.read_text() == "before"


def test_a_link_is_saved_through(peer: Answering, run: Run, tmp_path: Path) -> None:
    """A link stays a link: the file that it leads to is written, also where it was not there."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "file")
    assert run(peer.url, "-o", str(link)).exit_code == 0

    assert link.is_symlink()
    assert (tmp_path / "file").read_text() == "Hello, world!"


def test_a_body_goes_to_standard_output(peer: Answering, run: Run) -> None:
    """The file "-" is standard output, which gets the bytes as they are."""
    assert run(f"{peer.url}/picture", "-o", "-").stdout_bytes.endswith(b"\n\x89PNG")


def test_a_body_goes_into_what_is_no_file(peer: Answering, run: Run, tmp_path: Path) -> None:
    """A pipe is written to, and not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(peer.url, "-o", str(pipe)).exit_code == 0
        assert os.read(reader, 100) == b"Hello, world!"
    finally:
        os.close(reader)


def test_a_folder_that_is_not_there(peer: Answering, run: Run, tmp_path: Path) -> None:
    """Where a file cannot be saved, that is said before anything is sent."""
    result = run(peer.url, "-o", str(tmp_path / "none" / "index.txt"))

    assert result.exit_code == 1
    assert result.output.startswith("FileNotFoundError: Cannot save to ")
    assert peer.requests == []


class Terminal(io.StringIO):
    """Standard error on a terminal of eighty columns."""

    def isatty(self) -> bool:
        return True


def watch(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Have somebody watch standard error."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_download_has_a_bar_where_somebody_watches(
    peer: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal a download has a bar, labelled with the name of the file."""
    terminal = watch(monkeypatch)
    with pytest.raises(SystemExit) as caught:
        main([peer.url, "-o", str(tmp_path / "index.txt")])

    assert caught.value.code == 0
    assert re.search(r"index\.txt .*13 B in ", terminal.getvalue())


def test_what_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved to a file or a folder has a bar, what goes to standard output or to nobody has none."""
    watch(monkeypatch)
    assert bar_label("folder/index.txt") == "index.txt"
    assert bar_label("folder/") == "folder/"
    assert bar_label("-") is False
    assert bar_label(None) is False

    monkeypatch.setattr(sys, "stderr", None)
    assert bar_label("folder/index.txt") is False
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert bar_label("folder/index.txt") is False


# What goes wrong.


def test_an_unknown_scheme(run: Run) -> None:
    """A scheme that is not HTTP is told in one line, with exit status 1."""
    result = run("invalid://example.org")

    assert result.exit_code == 1
    assert result.output == "UnsupportedProtocol: Request URL has an unsupported protocol 'invalid://'.\n"


def test_a_refused_connection(run: Run) -> None:
    """A failure of the network is one line, however long."""
    with refusing_port() as port:
        result = run(f"http://127.0.0.1:{port}/")

    assert result.exit_code == 1
    assert len(lines(result.output)) == 1
    assert result.output.startswith("ConnectError: ")


SECRETS = [
    ["{url}", "-h", "Authorization", "Bearer s3cret\nx"],
    ["{url}", "-h", "Authorization", "Bearer", "s3cret"],
    ["{url}", "-h", "X-Token", "s3cret\r"],
    ["{url}", "--cookies", "session", "s3cret;\n"],
    ["{url}", "--proxy", "user:s3cret@127.0.0.1:1"],
    ["{url}", "--proxy", "http://user:s3c/ret@127.0.0.1"],
    ["{url}", "--proxy", "http://user:s3cret@127.0.0.1:1"],
    ["http://user:s3cret@127.0.0.1:1/"],
    ["http://user:s3c/ret@127.0.0.1:1/"],
    ["http://user:s3cret@[::/"],
    ["nope://user:s3cret@127.0.0.1/"],
]


@pytest.mark.parametrize("arguments", SECRETS)
def test_errors_keep_secrets(arguments: list[str], peer: Answering, run: Run) -> None:
    """What was given as a header, a cookie or a password is in no error, nor is a part of it."""
    result = run(*[argument.format(url=peer.url) for argument in arguments])

    assert result.exit_code in (1, 2)
    assert result.output
    assert "s3c" not in result.output


def test_a_malformed_proxy_of_the_environment(peer: Answering, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in the URL of a proxy in the environment is no part of an error either."""
    monkeypatch.setenv("HTTP_PROXY", "http://user:s3c/ret@127.0.0.1")
    result = run(peer.url)

    assert result.exit_code == 1
    assert "InvalidURL: The URL, or one of a proxy" in result.output
    assert "s3c" not in result.output


def test_a_malformed_url_without_credentials(run: Run) -> None:
    """What is wrong with a URL is said where it holds no secret."""
    assert run("http://127.0.0.1:99999/").output == "InvalidURL: Invalid port: '99999'\n"


class Left(io.BytesIO):
    """A pipe whose reader has left."""

    def write(self, data: object) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


class Heard(io.StringIO):
    """Standard output whose reader has left after the head."""

    buffer = Left()


def test_a_reader_that_leaves_is_no_error(peer: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody reads the output any more, the command ends with 1 and says nothing."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    paper = Heard()
    monkeypatch.setattr(sys, "stdout", paper)
    with pytest.raises(SystemExit) as caught:
        main([f"{peer.url}/picture", "-o", "-"])

    assert caught.value.code == 1
    assert "BrokenPipe" not in paper.getvalue()


def test_nobody_reads_the_output(peer: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds where nobody read it from the start."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    read, write = os.pipe()
    os.close(read)
    broken = os.fdopen(write, "w")
    monkeypatch.setattr(sys, "stdout", broken)
    try:
        with pytest.raises(SystemExit) as caught:
            main([peer.url])
    finally:
        monkeypatch.undo()
        with contextlib.suppress(BrokenPipeError):
            broken.close()

    assert caught.value.code == 1
