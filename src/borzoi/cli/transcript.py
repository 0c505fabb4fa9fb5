"""What is said on the wire, shown as it is said: connections and requests with `--verbose`, responses always.

`Transcript.trace` is the extension "trace" of a request, and is told of its steps under their names in httpcore.
`Transcript.answered` is an event hook: it shows the heads of an exchange of which no step has told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._values.status import codes
from .show import show_certificate, show_head

if TYPE_CHECKING:
    from rich.console import Console

    from .._messages.response import Response

Pairs = Sequence[tuple[bytes, bytes]]


class Transcript:
    """Show one call: the request that was given, and those that redirects and authentication add to it."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose
        self._request_is_shown = False
        self._response_is_shown = False
        # The first word of a name tells who takes the step, a connection or a proxy: it is shown alike.
        self._steps: dict[str, Callable[[Any], None]] = {
            "http11.receive_response_headers.complete": self._http11_response,
            "http2.receive_response_headers.complete": self._http2_response,
        }
        if verbose:
            self._steps |= {
                "connect_tcp.started": self._connecting,
                "connect_tcp.complete": self._connected,
                "start_tls.complete": self._encrypted,
                "http11.send_request_headers.started": self._http11_request,
                "http2.send_request_headers.started": self._http2_request,
            }

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Show a step."""
        show = self._steps.get(name) or self._steps.get(name.partition(".")[2])
        if show is not None:
            show(info["return_value"] if name.endswith(".complete") else info)

    def answered(self, response: Response) -> None:
        """Show what no step has told of an exchange that is over."""
        if self._verbose and not self._request_is_shown:
            self._show_request(response.request, response.http_version)
        if not self._response_is_shown:
            status, headers = response.status_code, response.headers.raw
            self._show_response(response.http_version, status, response.reason_phrase, headers)
        self._request_is_shown = self._response_is_shown = False

    # Connections.

    def _line(self, text: str) -> None:
        self._console.print(f"* {text}", markup=False)

    def _connecting(self, info: Mapping[str, Any]) -> None:
        self._line(f"Connecting to {info['host']!r}")

    def _connected(self, stream: Any) -> None:
        host, port = stream.get_extra_info("server_addr")[:2]
        self._line(f"Connected to {host!r} on port {port}")

    def _encrypted(self, stream: Any) -> None:
        tls = stream.get_extra_info("ssl_object")
        self._line(f"SSL established using {tls.version()!r} / {tls.cipher()[0]!r}")
        self._line(f"Selected ALPN protocol: {tls.selected_alpn_protocol()!r}")
        certificate = tls.getpeercert()
        if certificate:
            show_certificate(self._console, certificate)

    # Heads.

    def _http11_request(self, info: Mapping[str, Any]) -> None:
        self._show_request(info["request"], "HTTP/1.1")

    def _http2_request(self, info: Mapping[str, Any]) -> None:
        self._show_request(info["request"], "HTTP/2")

    def _show_request(self, request: Any, version: str) -> None:
        """Show the head of a request, be it one of ours or one of httpcore's: there all names and values are bytes."""
        self._request_is_shown = True
        url, method = request.url, request.method
        method = method.decode("ascii") if isinstance(method, bytes) else method
        target = getattr(url, "target", None) or url.raw_path
        headers: Pairs = getattr(request.headers, "raw", request.headers)
        if version == "HTTP/2":
            # RFC 9113 8.2: names of fields are in lower case on the wire.
            headers = [(name.lower(), value) for name, value in headers]
        show_head(self._console, f"{method} {target.decode('ascii')} {version}", headers)

    def _http11_response(self, head: tuple[bytes, int, bytes, Pairs]) -> None:
        version, status, reason, headers = head
        self._show_response(version.decode("ascii"), status, reason.decode("ascii", "replace"), headers)

    def _http2_response(self, head: tuple[int, Pairs]) -> None:
        # RFC 9113 8.3.2: there is no reason phrase.
        status, headers = head
        self._show_response("HTTP/2", status, codes.get_reason_phrase(status), headers)

    def _show_response(self, version: str, status: int, reason: str, headers: Pairs) -> None:
        self._response_is_shown = True
        show_head(self._console, f"{version} {status} {reason}", headers)
