"""TLS, in every world: who is trusted, what a refusal says, what resumes, what an idle connection is."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from borzoi._errors import ConnectError, ReadError

from .certificates import client_context, server_context
from .dialing import connect, connected, read_exactly, secure, settle
from .peers import RawServer, closing_after, echo, receive_exactly, reset, say_goodbye, silent
from .world import World


@pytest.mark.parametrize(
    ("server", "client", "name", "text"),
    [
        (server_context(expired=True), client_context(), "127.0.0.1", "certificate has expired"),
        (server_context("elsewhere.test"), client_context(), "127.0.0.1", "IP address mismatch"),
        (server_context("elsewhere.test"), client_context(), "here.test", "Hostname mismatch"),
        (server_context(), client_context(trusting=False), "127.0.0.1", "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused(
    world: World, server: ssl.SSLContext, client: ssl.SSLContext, name: str, text: str
) -> None:
    """An expired, foreign or untrusted certificate is a ConnectError that names the peer and the reason."""
    with RawServer(silent, tls=server) as peer:

        async def body() -> None:
            stream = await connect(world, peer)
            with pytest.raises(ConnectError, match=rf"TLS handshake with 127\.0\.0\.1:{peer.port} failed: .*{text}"):
                await secure(stream, context=client, name=name)
            stream.close()
            await settle(world)

        world.run(body)


def _too_old() -> ssl.SSLContext:
    context = client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def test_no_common_version_is_refused(world: World) -> None:
    """A server without a version that the client accepts is a ConnectError."""
    with RawServer(silent, tls=server_context(version=ssl.TLSVersion.TLSv1_2)) as peer:

        async def body() -> None:
            with pytest.raises(ConnectError, match=r"TLS handshake .* failed: .*(?i:version|protocol)"):
                await secure(await connect(world, peer), context=_too_old())
            await settle(world)

        world.run(body)


@pytest.mark.parametrize("handler", [closing_after(b""), reset, lambda sock: receive_exactly(sock, 10)])
def test_a_peer_that_hangs_up_during_the_handshake_is_a_connect_error(world: World, handler: object) -> None:
    """A connection that ends before the handshake does is a ConnectError that says who closed it."""
    go = threading.Event()

    def gated(sock: socket.socket) -> None:
        server.until(go)
        handler(sock)  # type: ignore[operator]

    with RawServer(gated) as server:

        async def body() -> None:
            stream = await connect(world, server)
            go.set()
            with pytest.raises(ConnectError, match=r"TLS handshake with .* failed: the peer closed the connection"):
                await secure(stream)
            await settle(world)

        world.run(body)


def test_a_peer_that_speaks_no_tls_is_a_connect_error(world: World) -> None:
    """An HTTP server at the other end is a ConnectError, not a hang."""
    with RawServer(lambda sock: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n") or silent(sock)) as server:

        async def body() -> None:
            with pytest.raises(ConnectError, match=r"TLS handshake with .* failed: .*(?i:wrong.version|record)"):
                await secure(await connect(world, server))
            await settle(world)

        world.run(body)


def test_a_session_of_another_context_is_a_connect_error(world: World) -> None:
    """A session that cannot be used leaves nothing behind: the next connection to come by works."""
    with RawServer(echo, tls=server_context()) as server:

        async def body() -> None:
            first = await connect(world, server, tls=True)
            await first.write(b"!", 5)
            await first.read(5)
            session = first.get_extra_info("ssl_object").session
            with pytest.raises(ConnectError, match=r"TLS handshake .* failed: .*(?i:session)"):
                await secure(await connect(world, server), context=client_context(), session=session)
            await settle(world)
            async with connected(world, server, tls=True) as third:
                await third.write(b"works", 5)
                assert await read_exactly(third, 5) == b"works"
            first.close()
            await world.sleep0()

        world.run(body)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(world: World, version: ssl.TLSVersion) -> None:
    """A session kept from one connection shortens the handshake of the next."""
    context = client_context()
    with RawServer(echo, tls=server_context(version=version)) as server:

        async def once(session: object) -> tuple[object, bool]:
            stream = await secure(await connect(world, server), context=context, session=session)
            await stream.write(b"!", 5)
            await stream.read(5)
            tls = stream.get_extra_info("ssl_object")
            outcome = tls.session, tls.session_reused
            stream.close()
            await world.sleep0()
            return outcome

        async def body() -> list[bool]:
            session, first = await once(None)
            _, second = await once(session)
            return [first, second]

        assert world.run(body) == [False, True]


def test_the_protocol_is_agreed_on(world: World) -> None:
    """ALPN's outcome, the certificate and the addresses can be asked for."""
    with RawServer(silent, tls=server_context(alpn=("h2", "http/1.1"))) as server:

        async def body() -> None:
            stream = await secure(await connect(world, server), context=client_context(alpn=("http/1.1",)))
            tls = stream.get_extra_info("ssl_object")
            assert tls.selected_alpn_protocol() == "http/1.1"
            assert tls.getpeercert()
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
            assert stream.get_extra_info("client_addr")[0] == "127.0.0.1"
            assert stream.get_extra_info("socket").fileno() > 0
            assert stream.get_extra_info("is_readable") is False
            assert stream.get_extra_info("weather") is None
            stream.close()
            await world.sleep0()

        world.run(body)


def test_a_plain_stream_has_no_ssl_object(world: World) -> None:
    """A plain stream answers the same questions, and has no ssl_object."""
    with RawServer(silent) as server:

        async def body() -> None:
            async with connected(world, server) as stream:
                assert stream.get_extra_info("ssl_object") is None
                assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
                assert stream.get_extra_info("socket").fileno() > 0
                assert stream.get_extra_info("is_readable") is False
                assert stream.get_extra_info("weather") is None

        world.run(body)


def test_an_end_without_close_notify_is_no_end(world: World) -> None:
    """A TLS stream that is cut off is a ReadError, after the bytes that came before."""
    with RawServer(closing_after(b"hello"), tls=server_context()) as server:

        async def body() -> None:
            async with connected(world, server, tls=True) as stream:
                assert await read_exactly(stream, 5) == b"hello"
                with pytest.raises(ReadError, match=rf"Reading from 127\.0\.0\.1:{server.port} failed: .+"):
                    await stream.read(5)

        world.run(body)


def test_a_close_notify_is_an_end(world: World) -> None:
    """A TLS stream that the peer ends as it should ends with b"", and again with b""."""

    def handler(sock: socket.socket) -> None:
        sock.sendall(b"hello")
        say_goodbye(sock)

    with RawServer(handler, tls=server_context()) as server:

        async def body() -> None:
            async with connected(world, server, tls=True) as stream:
                assert await read_exactly(stream, 5) == b"hello"
                assert await stream.read(5) == b""
                assert await stream.read(5) == b""
                assert not stream.is_idle()

        world.run(body)


def test_tls_inside_of_tls(world: World) -> None:
    """A secured stream can be secured once more, and carries both directions, an end and a session."""

    def handler(sock: socket.socket) -> None:
        inner = server_context("inner.test")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = inner.wrap_bio(incoming, outgoing, server_side=True)

        def until_done(operation: object, *args: object) -> object:
            while True:
                try:
                    result = operation(*args)  # type: ignore[operator]
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
                else:
                    sock.sendall(outgoing.read())
                    return result

        until_done(tls.do_handshake)
        while data := until_done(tls.read, 16384):
            until_done(tls.write, data)
            if data.endswith(b"bye"):  # type: ignore[attr-defined]
                break
        try:
            tls.unwrap()
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
        silent(sock)

    with RawServer(handler, tls=server_context()) as server:

        async def body() -> None:
            outer = await connect(world, server, tls=True)
            stream = await secure(outer, name="inner.test")
            assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
            data = b"x" * 100_000
            await stream.write(data, 5)
            assert await read_exactly(stream, len(data)) == data
            await settle(world)
            assert stream.is_idle()
            assert stream.get_extra_info("is_readable") is False
            await stream.write(b"bye", 5)
            assert await read_exactly(stream, 3) == b"bye"
            assert await stream.read(5) == b""
            assert not stream.is_idle()
            stream.close()
            await world.sleep0()

        world.run(body)


def test_a_refusal_inside_of_tls(world: World) -> None:
    """An inner handshake that fails is a ConnectError, and closes what is below."""
    with RawServer(
        lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 100) or silent(sock), tls=server_context()
    ) as server:

        async def body() -> None:
            outer = await connect(world, server, tls=True)
            with pytest.raises(ConnectError, match=r"TLS handshake with .* failed"):
                await secure(outer, name="inner.test")
            await settle(world)
            with pytest.raises(ReadError):
                await outer.read(1)

        world.run(body)
