"""What a target is begun with: the corpora of the suite, and some of our own."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
MOST = 6000
"""Bytes of a seed: what is longer teaches little, and slowly."""

CHALLENGES = (
    b'Digest realm="r", nonce="n"',
    b'Digest realm="a, b", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf", opaque="FQ", userhash=true',
    b'Basic realm="x", Digest realm="r", nonce="n", algorithm=MD5-sess, stale=TRUE, qop=auth',
    b'Digest realm="\\"", nonce=n, qop="auth-int"\nNegotiate abc==',
)

COOKIES = (
    b"a=b; Domain=example.org; Path=/x; Secure; HttpOnly; SameSite=Lax; Max-Age=10",
    b"__Host-a=b; Secure; Path=/\n__Secure-c=d; Secure\na; expires=Wed, 09 Jun 2027 10:18:14 GMT",
)

FORMS = (
    # How it is sent and the boundary; then a field, a file that is one of several, one of a size, and one with a header.
    b"\x00b\xff\x00name\xfevalue\xff\x05file\xfehello\xfefile.txt\xfetext/plain",
    b'\x05(a, b)\xff\x02"n"\xfe\xc3\xa9\xff\x2bf\xfe--B\r\n\r\n\xfe\xc3\xa9".png',
    b"\x06\xff\x0aa\xfeb\xff\x0cc\xff\x87long\xfex\xfelong.bin\xfe\xfeX-A\xfeb",
    b"\x07==_x:1?\xff\x3fdisk\xfehello\xfea\r\nb\xfe\xfeContent-Type\xfemultipart/mixed; boundary=in",
    b"\x03b\xff\x07m\xfe--in\r\nContent-Type: text/plain\r\n\r\na\r\n--in--\r\n\xfem\xfe\xfeContent-Type\xfemultipart/mixed; boundary=in",
)

RESPONSES = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 302 Found\r\nLocation: /b\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n\xffHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop=auth\r\nContent-Length: 0\r\n\r\n\xffHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n5\r\ndata:\r\n\xff2\r\n\n\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: application/json; charset=utf-16\r\n\r\n" + gzip.compress(b"{}") + b"\xfe\x00",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end\xfe\x00",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello",
)  # fmt: skip


def _corpus(folder: str, ending: str) -> list[Path]:
    return sorted(path for path in (DATA / folder).rglob(f"*{ending}"))


def urls() -> Iterable[bytes]:
    """Return the inputs of the Web Platform Tests."""
    for path in _corpus("whatwg-url", ".json"):
        cases = json.loads(path.read_text("utf-8"))
        yield from (case["input"].encode("utf-8", "surrogatepass") for case in cases if isinstance(case, dict) and "input" in case)  # fmt: skip


def responses() -> Iterable[bytes]:
    """Return those of llhttp's suite, and our own."""
    from tests.wire.test_http1_fuzz import FRAGMENTS
    from tests.wire.test_llhttp_corpus import CASES

    yield from (b"\x00\x03" + case.data for case in CASES)
    yield from (b"\x08\x04" + response for response in RESPONSES)
    yield b"\x04\x05" + b"".join(FRAGMENTS[1:8])


def frames() -> Iterable[bytes]:
    """Return those of http2-frame-test-case, and our own."""
    from tests.wire.test_http2_fuzz import FRAGMENTS

    yield from (b"\x04\x07" + bytes.fromhex(json.loads(path.read_text())["wire"]) for path in _corpus("http2-frame-test-case", ".json"))  # fmt: skip
    yield from (b"\x04\x05" + b"".join(FRAGMENTS[place : place + 5]) for place in range(len(FRAGMENTS)))


def blocks() -> Iterable[bytes]:
    """Return some of the stories of hpack-test-case."""
    from tests.wire.test_hpack_corpus import stories

    for name, cases in stories().items():
        if not name.startswith("raw"):
            yield b"\xfe" + b"\xfe".join(block for block, _ in cases[:6])


def websockets() -> Iterable[bytes]:
    """Return sound frames, and others."""
    from tests.wire.test_websocket import HOSTILE, SOUND

    yield from (b"\x00\x03" + data for data, _ in [*SOUND.values(), *HOSTILE.values()] if len(data) < MOST)
    squeezed = zlib.compressobj(wbits=-15)
    payload = (squeezed.compress(b"hello" * 20) + squeezed.flush(zlib.Z_SYNC_FLUSH))[:-4]
    yield b"\x01\x05\xc1" + bytes([len(payload)]) + payload


def cookies() -> Iterable[bytes]:
    """Return those of http-state."""
    for case in json.loads((DATA / "http-state" / "parser.json").read_text("utf-8")):
        yield b"\n" + "\n".join(case["received"]).encode()
    yield from (b"x\n" + lines for lines in COOKIES)


def challenges() -> Iterable[bytes]:
    """Return our own."""
    return [b"x" * place + b"\n" + challenge for place, challenge in enumerate(CHALLENGES)]


def event_streams() -> Iterable[bytes]:
    """Return those of the Web Platform Tests."""
    cases = json.loads((DATA / "sse" / "wpt-eventsource-format.json").read_text("utf-8"))["cases"]
    return [b"\x02\x04" + case["stream"].encode() for case in cases if "stream" in case]


def coded() -> Iterable[bytes]:
    """Return texts in every coding."""
    import brotli
    from backports import zstd

    text = b"borzoi " * 40 + bytes(300)
    for place, encode in enumerate((gzip.compress, zlib.compress, brotli.compress, zstd.compress)):
        yield bytes([place, 6]) + encode(text)
        yield bytes([place, 30]) + encode(text) + encode(b"")
    yield b"\x04\x10" + brotli.compress(gzip.compress(text))


def forms() -> Iterable[bytes]:
    """Return our own."""
    return FORMS


def documents() -> Iterable[bytes]:
    """Return the small ones of the corpus."""
    for path in _corpus("openapi", ""):
        if path.suffix in (".yaml", ".json") and path.stat().st_size < MOST:
            yield (b"y" if path.suffix == ".yaml" else b"j") + path.read_bytes()


def talks() -> Iterable[bytes]:
    """Return what whole peers say, over HTTP/1.1 and HTTP/2."""
    for place, response in enumerate(RESPONSES):
        yield bytes([2 | (place % 2) << 2, place]) + response
        yield b"\xc6" + bytes([place]) + response + b"\xff" + response
    for place, data in enumerate(frames()):
        yield bytes([1 | (place % 4) << 6, place % 10]) + data[2:]
