"""Answer requests from a WSGI app in this process, in the caller's thread (PEP 3333).

The response is returned once the app has called `start_response()` and given the first bytes of its body, or its end;
the rest is made while it is read. `close()` of what the app returned is called once, whatever happens.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from .._errors import RemoteProtocolError
from .._messages.response import Response
from .._messages.streams import Body
from .._values.headers import Headers
from .transport_base import BaseTransport

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication

    from .._messages.request import Request


class WSGITransport(BaseTransport):
    """Send requests to a WSGI app.

    With `raise_app_exceptions=False` an app that fails before its response is a 500. `wsgi_errors` is where the app
    reports to; standard error unless given.

        with Client(transport=WSGITransport(app), base_url="http://app") as client: ...
    """

    def __init__(
        self,
        app: WSGIApplication,
        raise_app_exceptions: bool = True,
        script_name: str = "",
        remote_addr: str = "127.0.0.1",
        wsgi_errors: TextIO | None = None,
    ) -> None:
        self.app = app
        self.raise_app_exceptions = raise_app_exceptions
        self.script_name = script_name
        self.remote_addr = remote_addr
        self.wsgi_errors = wsgi_errors

    def handle_request(self, request: Request) -> Response:
        """Return the app's response as soon as its head and the first bytes of its body are there."""
        body = _AppBody(self.raise_app_exceptions, is_head=request.method == "HEAD")
        try:
            body.begin(self.app, self._environ(request))
        except BaseException:
            body.close_now()
            raise
        return Response(body.status, headers=Headers.from_raw(body.headers), stream=body)

    def _environ(self, request: Request) -> dict[str, Any]:
        import io

        url = request.url
        content = request.read()
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": url.scheme,
            "wsgi.input": io.BytesIO(content),
            "wsgi.input_terminated": True,
            "wsgi.errors": self.wsgi_errors or sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": _native_path(url.raw_path),
            "QUERY_STRING": url.query.decode("ascii"),
            "SERVER_NAME": url.host,
            "SERVER_PORT": str(url._origin[2]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.remote_addr,
        }
        _add_headers(environ, request.headers.raw)
        # A body that was sent in chunks is here as a whole, and many apps read only what is announced.
        if content and "CONTENT_LENGTH" not in environ:
            environ["CONTENT_LENGTH"] = str(len(content))
        return environ


def _native_path(raw_path: bytes) -> str:
    from urllib.parse import unquote_to_bytes

    # PEP 3333, "Unicode Issues": text holds bytes, as ISO-8859-1.
    return unquote_to_bytes(raw_path.partition(b"?")[0]).decode("latin-1")


def _add_headers(environ: dict[str, Any], pairs: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in pairs:
        key = name.decode("ascii").upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"

        text = value.decode("latin-1")
        # RFC 9110 5.3: the values of one name are one list. RFC 6265 5.4: cookies have their own separator.
        separator = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = f"{environ[key]}{separator}{text}" if key in environ else text


class _AppBody(Body):
    """Call the app, and hand out what it makes."""

    blocking = True
    is_whole = False

    def __init__(self, raises: bool, *, is_head: bool) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._raises = raises
        self._is_head = is_head
        self._failure: BaseException | None = None
        self._began = False
        self._written: deque[bytes] = deque()
        self._pieces: Iterator[bytes] = iter(())
        self._close: Callable[[], object] | None = None

    def begin(self, app: WSGIApplication, environ: dict[str, Any]) -> None:
        """Run the app up to its first bytes, since it may call `start_response()` as late as that."""
        try:
            result = app(environ, self._start_response)
            self._close = getattr(result, "close", None)
            self._pieces = iter(result)
            self._pull()
        except Exception:
            if self._raises:
                raise
            self.status, self.headers = 500, []
            self._pieces = iter(())
            self._written.clear()

        if self._failure is not None and self._raises:
            raise self._failure
        if not self.status:
            raise RemoteProtocolError("The app returned a body without calling start_response().")
        self._began = True

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        failure = exc_info[1] if exc_info else None
        if self.status and failure is None:
            raise RuntimeError("The app called start_response() twice without exc_info (PEP 3333).")
        if failure is not None and self._began:
            raise failure  # PEP 3333, "The start_response() Callable": the head is out, so the app is aborted

        self._failure = failure
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return self._written.append

    def _pull(self) -> bool:
        """Let the app make its next bytes, and keep them. Returns False at its end."""
        while not any(self._written):
            self._written.clear()
            piece = next(self._pieces, None)
            if piece is None:
                return any(self._written)
            self._written.append(piece)
        return True

    async def next_chunk(self) -> bytes | None:
        try:
            while self._pull():
                chunk = self._written.popleft()
                if chunk and not self._is_head:
                    return chunk
        except Exception as error:
            if self._raises:
                raise
            raise RemoteProtocolError("The app failed before its response was complete.") from error
        return None

    def close_now(self) -> None:
        self._pieces = iter(())
        self._written.clear()
        close, self._close = self._close, None
        if close is not None:
            close()
