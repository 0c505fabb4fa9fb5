"""Four parsers of forms that servers have: what each reads in the bytes that we write."""

from __future__ import annotations

import email.message
import email.parser
import email.policy
import io
from collections.abc import Callable
from typing import Any, NamedTuple


class Part(NamedTuple):
    """A field of a form, as a server sees it."""

    name: str | None
    filename: str | None
    content_type: str | None
    content: bytes


def by_email(content_type: str, body: bytes) -> list[Part]:
    """Read with the package email of the standard library."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    assert not message.defects
    parts: list[Part] = []
    for part in message.iter_parts():
        assert isinstance(part, email.message.EmailMessage)
        raw = part.get_payload(decode=True)
        assert isinstance(raw, bytes)
        disposition: Any = part["content-disposition"]
        names = disposition.params
        kind = dict(part.raw_items()).get("Content-Type")
        parts.append(Part(names.get("name"), names.get("filename"), None if kind is None else str(kind), raw))
    return parts


def by_python_multipart(content_type: str, body: bytes) -> list[Part]:
    """Read with python-multipart, as Starlette and FastAPI do."""
    from python_multipart.multipart import MultipartParser, parse_options_header

    parts: list[Part] = []
    header: list[bytes] = []
    headers: dict[bytes, bytes] = {}
    content = bytearray()

    def begin() -> None:
        headers.clear()
        content.clear()
        header[:] = [b"", b""]

    def end_of_header() -> None:
        headers[header[0].lower()] = header[1]
        header[:] = [b"", b""]

    def more_of(place: int) -> Callable[[bytes, int, int], None]:
        def add(data: bytes, start: int, end: int) -> None:
            header[place] += data[start:end]

        return add

    def end() -> None:
        _, options = parse_options_header(headers[b"content-disposition"])
        filename, kind = options.get(b"filename"), headers.get(b"content-type")
        parts.append(
            Part(
                options[b"name"].decode(),
                None if filename is None else filename.decode(),
                None if kind is None else kind.decode(),
                bytes(content),
            )
        )

    boundary = content_type.partition("boundary=")[2]
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin,
            "on_header_field": more_of(0),
            "on_header_value": more_of(1),
            "on_header_end": end_of_header,
            "on_part_data": lambda data, start, end: content.extend(data[start:end]),
            "on_part_end": end,
        },
    )
    parser.write(body)
    parser.finalize()
    return parts


def by_multipart(content_type: str, body: bytes) -> list[Part]:
    """Read with multipart, as Bottle and Litestar do, where it is strict."""
    import multipart

    boundary = content_type.partition("boundary=")[2]
    parser = multipart.MultipartParser(io.BytesIO(body), boundary, content_length=len(body), strict=True)
    found = parser.parts()
    return [Part(part.name, part.filename, part.headers.get("content-type"), part.raw) for part in found]


def by_werkzeug(content_type: str, body: bytes) -> list[Part]:
    """Read with Werkzeug, as Flask does."""
    from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

    decoder = MultipartDecoder(content_type.partition("boundary=")[2].encode())
    decoder.receive_data(body)
    decoder.receive_data(None)
    parts: list[Part] = []
    while True:
        event = decoder.next_event()
        if isinstance(event, (Field, File)):
            filename = event.filename if isinstance(event, File) else None
            parts.append(Part(event.name, filename, event.headers.get("content-type"), b""))
        elif isinstance(event, Data):
            parts[-1] = parts[-1]._replace(content=parts[-1].content + event.data)
        elif isinstance(event, (Epilogue, NeedData)):
            assert isinstance(event, Epilogue)
            return parts


PARSERS: dict[str, Callable[[str, bytes], list[Part]]] = {
    "email": by_email,
    "python-multipart": by_python_multipart,
    "multipart": by_multipart,
    "werkzeug": by_werkzeug,
}
