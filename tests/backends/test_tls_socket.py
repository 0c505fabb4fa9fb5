"""TLS on a scripted socket: records in pieces, a socket that takes little, what idle peers say, and ends."""

from __future__ import annotations

import ssl

import pytest

from borzoi._backends.base import READ_SIZE, TLSOptions
from borzoi._backends.tls_socket import TLSSocket
from tests.worlds.certificates import client_context, server_context


class Wire:
    """A non-blocking socket whose other end is a TLS server without a network."""

    def __init__(self, name: str = "here.test") -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = server_context(name).wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.ended = False
        self.portion = READ_SIZE
        """How many bytes come with one receive."""
        self.room = 1 << 30
        """How many bytes are still taken."""
        self.broken = False
        self.received = 0

    def recv(self, size: int) -> bytes:
        """Return what the server has sent."""
        self.received += 1
        if not self.outgoing.pending and not self.ended:
            raise BlockingIOError
        return self.outgoing.read(min(size, self.portion))

    def send(self, data: bytes) -> int:
        """Have the server take as much as there is room for."""
        if self.broken:
            raise ConnectionResetError
        if not self.room:
            raise BlockingIOError
        taken = self.incoming.write(data[: self.room])
        self.room -= taken
        return taken

    def hears(self) -> bytes:
        """Return what the server reads."""
        data = b""
        try:
            while piece := self.server.read(READ_SIZE):
                data += piece
        except ssl.SSLWantReadError:
            pass
        return data


def opened(wire: Wire, name: str = "here.test") -> TLSSocket:
    """Return a connection whose handshake is done, the server's tickets still on their way."""
    tls = TLSSocket(wire, TLSOptions(client_context(), name))  # type: ignore[arg-type]
    shaken = False
    while not shaken:
        try:
            tls.handshake()
            shaken = True
        except ssl.SSLWantReadError:
            with pytest.raises(ssl.SSLWantReadError):
                wire.server.do_handshake()
            tls.receive()
    wire.server.do_handshake()
    return tls


def settled() -> tuple[Wire, TLSSocket]:
    """Return a connection whose tickets were read."""
    wire = Wire()
    tls = opened(wire)
    with pytest.raises(ssl.SSLWantReadError):
        tls.recv(READ_SIZE)
    return wire, tls


def test_an_answer_is_received_once() -> None:
    """A record that comes whole takes one receive, after which nothing more is there."""
    wire, tls = settled()
    assert tls.send(b"hello") == 5
    assert wire.hears() == b"hello"
    wire.server.write(b"answer")
    wire.received = 0
    assert tls.recv(READ_SIZE) == b"answer"
    assert (wire.received, tls.is_drained(), tls.has_more()) == (1, True, False)


def test_a_ticket_is_nothing_of_the_programs() -> None:
    """Session tickets want more to be read, and leave nothing behind."""
    wire = Wire()
    tls = opened(wire)
    with pytest.raises(ssl.SSLWantReadError):
        tls.recv(READ_SIZE)
    assert tls.is_drained()
    with pytest.raises(BlockingIOError):
        tls.recv(READ_SIZE)
    session = tls.object.session
    assert session is not None
    assert session.has_ticket


def test_records_that_come_together() -> None:
    """They are read one by one from one receive; what may have come meanwhile is not taken for known."""
    wire, tls = settled()
    wire.server.write(b"one")
    wire.server.write(b"two")
    wire.received = 0
    assert tls.recv(READ_SIZE) == b"one"
    assert tls.has_more()
    assert not tls.is_drained()
    wire.server.write(b"three")
    assert tls.recv(READ_SIZE) == b"two"
    assert wire.received == 1
    assert not tls.is_drained()
    assert tls.recv(READ_SIZE) == b"three"
    assert tls.is_drained()


def test_a_record_in_pieces() -> None:
    """A record is there when its last byte is."""
    wire, tls = settled()
    wire.server.write(b"x" * 100)
    wire.portion = 50
    answers: list[bytes] = []
    wanting = 0
    while not answers:
        try:
            answers.append(tls.recv(READ_SIZE))
        except ssl.SSLWantReadError:
            wanting += 1
    assert answers == [b"x" * 100]
    assert wanting == 2


def test_what_the_socket_does_not_take_waits() -> None:
    """A record that is taken in part remains, and goes out before the next one."""
    wire, tls = settled()
    wire.room = 10
    assert tls.send(b"first") == 5
    assert tls.unsent
    assert wire.hears() == b""
    wire.room = 1000
    assert tls.send(b"second") == 6
    assert not tls.unsent
    assert wire.hears() == b"firstsecond"


def test_sending_now_counts_whole_records() -> None:
    """What was taken in part counts as not sent, and is sent once although its bytes come again."""
    wire, tls = settled()
    data = bytes(range(256)) * 200
    wire.room = 20_000
    sent = tls.send_now(data)
    assert sent == 16384
    assert tls.send_now(data[sent:]) == 0
    wire.room = 1 << 30
    sent += tls.send_now(data[sent:])
    assert sent == len(data)
    assert wire.hears() == data


def test_a_goodbye_ends_it() -> None:
    """After a close_notify there is an end, again and again, whatever follows; the bytes before it come first."""
    wire, tls = settled()
    wire.server.write(b"last")
    with pytest.raises(ssl.SSLWantReadError):
        wire.server.unwrap()
    wire.outgoing.write(b"stray bytes")
    assert tls.recv(READ_SIZE) == b"last"
    assert [tls.recv(READ_SIZE) for _ in range(3)] == [b"", b"", b""]
    assert not tls.is_drained()


def test_a_cut_is_an_error() -> None:
    """An end without a close_notify is an error, and stays one."""
    wire, tls = settled()
    wire.server.write(b"last")
    wire.ended = True
    assert tls.recv(READ_SIZE) == b"last"
    for _ in range(2):
        with pytest.raises(ssl.SSLError):
            tls.recv(READ_SIZE)


def test_a_forged_record_is_told_to_the_peer() -> None:
    """A record that was changed on its way is an error, and the peer gets the alert."""
    wire, tls = settled()
    wire.server.write(b"secret")
    record = bytearray(wire.outgoing.read())
    record[-1] ^= 1
    wire.outgoing.write(bytes(record))
    with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac|decryption failed"):
        tls.recv(READ_SIZE)
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        wire.server.read(1)


def test_a_refusal_is_told_to_the_peer() -> None:
    """A certificate for another name ends the handshake, and the peer gets the alert."""
    wire = Wire("elsewhere.test")
    tls = TLSSocket(wire, TLSOptions(client_context(), "here.test"))  # type: ignore[arg-type]
    with pytest.raises(ssl.SSLWantReadError):
        tls.handshake()
    with pytest.raises(ssl.SSLWantReadError):
        wire.server.do_handshake()
    tls.receive()
    with pytest.raises(ssl.SSLCertVerificationError):
        tls.handshake()
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        wire.server.do_handshake()


def test_a_reply_that_is_not_taken_loses_nothing() -> None:
    """An error that reading meets is told although the alert cannot be sent."""
    wire, tls = settled()
    wire.outgoing.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    wire.broken = True
    with pytest.raises(ssl.SSLError, match=r"(?i)bad.record.mac|decryption failed"):
        tls.recv(READ_SIZE)
