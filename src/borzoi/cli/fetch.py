"""From the options of the command line to a request, and from what comes of it to the terminal and an exit status.

What a request may fail with is told in one line, on standard output, as httpx does. Nothing that was given for a
header, a password or a body is repeated there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any, TypedDict

from rich.console import Console

from .._client.sync_client import Client
from .._errors import HTTPError, InvalidURL
from .._policy.proxy import PROXY_SCHEMES, Proxy
from .show import show_body, show_error
from .transcript import Transcript

if TYPE_CHECKING:
    from .._messages.response import Response

FAILURES = (HTTPError, InvalidURL, ValueError, OSError)
"""What may be wrong with what was given, with this machine, with the network and with the server."""


class Options(TypedDict):
    """The options of a request, by the names of their variables."""

    url: str
    method: str | None
    params: Sequence[tuple[str, str]]
    content: str | None
    data: Sequence[tuple[str, str]]
    files: Sequence[tuple[str, IO[bytes]]]
    json: Any
    headers: Sequence[tuple[str, str]]
    cookies: Sequence[tuple[str, str]]
    auth: tuple[str, str] | None
    proxy: str | None
    timeout: float
    follow_redirects: bool
    no_verify: bool
    http2: bool
    download: str | None
    verbose: bool


def fetch(options: Options) -> int:
    """Send a request, show what is answered, and return the exit status: 0 for 2xx, 1 for everything else."""
    console = Console()
    try:
        require_folder(options["download"])
        response = exchange(options, console)
    except InvalidURL as error:
        show_error(console, without_credentials(error, options["url"]))
        return 1
    except BrokenPipeError:
        raise  # who reads the output has left: click ends quietly
    except FAILURES as error:
        show_error(console, error)
        return 1
    return 0 if response.is_success else 1


def exchange(options: Options, console: Console) -> Response:
    """Send a request, and show or save the body of the response."""
    transcript = Transcript(console, verbose=options["verbose"])
    download = options["download"]
    with (
        Client(
            proxy=proxy_of(options["proxy"]),
            timeout=options["timeout"],
            http2=options["http2"],
            verify=not options["no_verify"],
            cookies=dict(options["cookies"]),
            event_hooks={"response": [transcript.answered]},
        ) as client,
        client.stream(
            method_of(options),
            options["url"],
            params=list(options["params"]) or None,
            content=None if options["content"] is None else typed(options["content"]),
            data=dict(options["data"]),
            files=list(options["files"]),
            json=options["json"],
            headers=[(typed(name), typed(value)) for name, value in options["headers"]],
            auth=options["auth"],
            follow_redirects=options["follow_redirects"],
            extensions={"trace": transcript.trace},
            progress=bar_label(download),
        ) as response,
    ):
        if download is None:
            response.read()
            show_body(console, response)
        else:
            save(response, download)
    return response


def typed(text: str) -> bytes:
    """Return the bytes that were typed: UTF-8, unless they were something else."""
    return text.encode("utf-8", "surrogateescape")


def proxy_of(url: str | None) -> Proxy | None:
    """Return the proxy. Raises ValueError without repeating what is no URL: half of it may be a password."""
    try:
        return None if url is None else Proxy(url)
    except (ValueError, InvalidURL):
        raise ValueError(f"The proxy is not a URL with one of the schemes {', '.join(PROXY_SCHEMES)}.") from None


def without_credentials(error: InvalidURL, url: str) -> InvalidURL:
    """Return an error that repeats no part of a password: with "/" in it, its start is read as a port."""
    urls = [url, *(value for name, value in os.environ.items() if name.lower().endswith("_proxy"))]
    if not any("@" in text for text in urls):
        return error
    return InvalidURL("The URL, or one of a proxy in the environment, is malformed. It holds credentials: see there.")


def method_of(options: Options) -> str:
    """Return the method that was given, or else the one that fits."""
    has_body = options["content"] is not None or options["json"] is not None or options["data"] or options["files"]
    return options["method"] or ("POST" if has_body else "GET")


def bar_label(download: str | None) -> str | bool:
    """Return the label of the bar of a download. Where nobody watches, there is none."""
    if download is None or download == "-" or sys.stderr is None or not sys.stderr.isatty():
        return False
    return os.path.basename(download) or download


def require_folder(download: str | None) -> None:
    """Raise FileNotFoundError, before anything is sent, where there is no folder to save to."""
    folder = os.path.dirname(download or "") or os.curdir
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"Cannot save to {download}: there is no folder {folder}.")


def save(response: Response, path: str) -> None:
    """Save a body: to a file, through a link to one, or into what is no file, such as a pipe or standard output."""
    if path == "-":
        pour(response, sys.stdout.buffer)
    elif os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        with open(path, "wb") as sink:
            pour(response, sink)
    else:
        response.save(os.path.realpath(path) if os.path.islink(path) else path)


def pour(response: Response, sink: IO[bytes]) -> None:
    """Write a body as it comes."""
    for chunk in response.iter_bytes():
        sink.write(chunk)
    sink.flush()
