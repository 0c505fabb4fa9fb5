"""The socket seam: the same routes and faults behind a real server on loopback, for any client and for proof.

A thread accepts, and each connection has one, which plays the scripts of its replies (`server_talk`). HTTP/1.1 and
HTTP/2, over TCP or TLS, with certificates of trustme's. HTTP/2 is agreed on in the handshake, or begun by the client.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .errors import UnmetExpectations
from .network import Host, Network
from .router import Router, Routes
from .server_talk import Talk

if TYPE_CHECKING:
    from .faults import NetworkFault
    from .received import Received

JOIN = 5.0
"""Seconds that the end of the server waits for its threads."""

CERTIFICATES = ("valid", "expired", "wrong_host", "untrusted", "self_signed")

FILLERS = 4
"""Connections that fill a backlog in which there is room for none."""


class Server(Routes):
    """Answer on loopback from routes, until the block is left, which raises UnmetExpectations as a mock does.

        with Server() as server:
            server.get("/users/7").reply(json={"id": 7})
            assert urllib.request.urlopen(server.url + "/users/7").status == 200

    `tls` is True, or what is wrong with the certificate: "expired", "wrong_host", "untrusted", "self_signed". Without
    `http2` it knows HTTP/1.1 only.
    """

    def __init__(self, name: str = "this server", *, tls: bool | str = False, http2: bool = True) -> None:
        super().__init__(Router(name))
        kind = "valid" if tls is True else tls
        if kind and kind not in CERTIFICATES:
            raise ValueError(f"A certificate is {', '.join(map(repr, CERTIFICATES))}, not {tls!r}.")
        self.speaks_http2 = http2
        self.certificate = kind or None
        """What is shown in handshakes; None without TLS."""
        if kind:
            from . import server_tls

            server_tls.context_of(str(kind), http2=http2)
        self.closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._fillers: list[socket.socket] = []
        self.host = "127.0.0.1"
        self._listener = socket.create_server((self.host, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if kind else 'http'}://{self.host}:{self.port}"
        """The address, without a slash at its end."""
        self.network = ServerNetwork(self)
        """What says how connections to the server fare."""

    @property
    def calls(self) -> list[Received]:
        """Every request that came, in order."""
        return self.router.calls

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        return len(self._connections)

    def trust(self) -> ssl.SSLContext:
        """Return a context for a client that trusts the server's authority: `verify=server.trust()`."""
        from . import server_tls

        return server_tls.trusting_context()

    def resolve(self, host: str, port: int) -> list[tuple[str, int]]:
        """Find every name here: `resolver=server.resolve`. Raises OSError where the network has its names fail."""
        fault = self.network.next_lookup()
        if fault is None:
            return [(self.host, self.port)]
        if fault.kind == "dns_hang":
            self.closing.wait()
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # Beginning and end.

    def start(self) -> Self:
        """Begin to accept."""
        self._spawn(self._accept, self._listener)
        return self

    def finish(self) -> str | None:
        """Close everything, wait for the threads, and return the report, None where all is well."""
        self.router.is_over = True
        self.closing.set()
        self._stop_listening()
        for sock in list(self._connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(JOIN)
        return self.router.report([])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        text = self.finish()
        if text is not None and error is None:
            raise UnmetExpectations(text)
        if text is not None and error is not None:
            error.add_note(text)

    # Who listens.

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for sock in (self._listener, *self._fillers):
            sock.close()

    def refuse(self) -> None:
        """Have nobody listen from now on; the port stays taken."""
        self._stop_listening()
        self._listener = self._bound()

    def hang(self) -> None:
        """Have connections neither made nor refused from now on."""
        self.refuse()
        self._listener.listen(0)
        self._fillers = [_filler(self._listener) for _ in range(FILLERS)]

    def receive_little(self) -> None:
        """Have the system take in little of what nobody receives."""
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def _bound(self) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.host, self.port))
        return sock

    # Each connection.

    def _spawn(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, name="borzoi-testing-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(sock)
            self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        network = Network()
        network.add(self.network)
        talk = Talk(self, sock, network)
        try:
            if self.certificate is not None:
                self._connections[self._connections.index(sock)] = talk.secure(self.certificate)
            talk.run()
        except OSError:
            pass  # clients come and go
        finally:
            talk.sock.close()


def _filler(listener: socket.socket) -> socket.socket:
    filler = socket.socket()
    filler.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        filler.connect(listener.getsockname())
    return filler


class ServerNetwork(Host):
    """Say what becomes of connections to a server. Each method returns the same again."""

    def __init__(self, server: Server) -> None:
        super().__init__("*")
        self._server = server
        self._lookups = Host("*")

    def fail(self, fault: NetworkFault, times: int | None = None) -> Self:
        """Have every connection fail, or the next `times` of them. Whom the system turns away nobody counts."""
        server = self._server
        if fault.kind in ("refuse", "connect_hang"):
            if times is not None:
                raise TypeError(f"times= cannot hold for {fault!r} here: the system does not tell whom it turned away.")
            server.refuse() if fault.kind == "refuse" else server.hang()
        elif fault.kind in ("dns_fail", "dns_hang"):
            self._lookups.fail(fault, times)
        else:
            if fault.kind == "write_stall":
                server.receive_little()
            super().fail(fault, times)
        return self

    def next_lookup(self) -> NetworkFault | None:
        """Return what the next lookup meets, and count it."""
        return self._lookups.next_fault()

    def http1_only(self) -> Self:
        """Refuse: a handshake is under way before a connection is known."""
        raise TypeError("What a server speaks is settled when it is made: Server(http2=False).")
