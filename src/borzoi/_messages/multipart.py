"""Forms with files: multipart/form-data (RFC 7578), streamed.

`MultipartStream` holds the fields and reads files only while it is iterated, 64 KiB at a time and from their start, so
that a body of any size can be sent, and sent again. Its length is known when that of every file is.

Names are escaped as browsers do (HTML, "multipart/form-data encoding algorithm"). A header of a part that would break
out of its line raises LocalProtocolError.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import IO, Any, TypeAlias

from .._errors import LocalProtocolError, StreamConsumed
from . import files as _files
from .streams import AsyncByteStream, ReadyIterator, SyncByteStream

FileContent: TypeAlias = IO[bytes] | bytes | str
FileTypes: TypeAlias = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
"""A file: its content, or (file name, content, content type, headers), the last two optional."""

RequestFiles: TypeAlias = Mapping[str, FileTypes] | Sequence[tuple[str, FileTypes]]

# HTML leaves the escape character alone, and so does httpx, which servers are tested with.
_ESCAPES = str.maketrans({'"': "%22", "\\": "\\\\", **{chr(code): f"%{code:02X}" for code in range(32) if code != 27}})


def form_value(value: Any) -> str | bytes:
    """Return the text of a form's value, with true and false as in JSON, and None as empty."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return ""
    return value if isinstance(value, bytes) else str(value)


def boundary_of(content_type: bytes | None) -> bytes | None:
    """Return the boundary that a Content-Type of multipart/form-data names (RFC 2046 5.1.1), or None."""
    # RFC 9110 8.3.1: the case of a media type says nothing.
    if not content_type or not content_type.lower().startswith(b"multipart/form-data"):
        return None
    for parameter in content_type.split(b";")[1:]:
        name, _, value = parameter.strip().partition(b"=")
        if name.lower() == b"boundary":
            return value.strip(b'"')
    return None


class DataField:
    """Hold a field with a plain value."""

    is_replayable = True

    def __init__(self, name: str, value: str | bytes | float | None) -> None:
        _require_str(name)
        if value is not None and not isinstance(value, (str, bytes, int, float)):
            raise TypeError(f"Invalid type for value. Expected primitive type, got {type(value)}: {value!r}")
        self.name = name
        self._head = _disposition(name) + b"\r\n\r\n"
        text = form_value(value)
        self._data = text.encode() if isinstance(text, str) else text

    def get_length(self) -> int:
        """Return the length of head and value."""
        return len(self._head) + len(self._data)

    def render(self) -> Iterator[bytes]:
        """Yield head and value."""
        yield self._head
        yield self._data


class FileField:
    """Hold a field with a file, open or in memory."""

    def __init__(self, name: str, value: FileTypes) -> None:
        _require_str(name)
        filename, file, content_type, headers = _unpack(value)
        _files.refuse_text_mode(file, "Multipart file uploads")
        if isinstance(file, (bytearray, memoryview)):
            file = bytes(file)
        if not isinstance(file, (str, bytes)) and not hasattr(file, "read"):
            raise TypeError(f"Invalid type for file {name!r}. Expected bytes, str or an open file, got {type(file)}.")

        self.name = name
        self.filename = filename
        self.file: Any = file.encode() if isinstance(file, str) else file
        self.headers = _part_headers(name, filename, content_type, headers)
        self._head = self._render_head()
        self._is_used = False

    @property
    def is_replayable(self) -> bool:
        """Tell whether the file can be read again from its start."""
        return isinstance(self.file, bytes) or _files.span(self.file) is not None

    def get_length(self) -> int | None:
        """Return the length of head and file, or None when only reading the file would tell."""
        if isinstance(self.file, bytes):
            return len(self._head) + len(self.file)

        span = _files.span(self.file)
        size = _files.size_on_disk(self.file) if span is None else span[1]
        return None if size is None else len(self._head) + size

    def render(self) -> Iterator[bytes]:
        """Yield head and content."""
        yield self._head
        if isinstance(self.file, bytes):
            yield self.file
            return

        self._rewind()
        yield from _files.read_chunks(self.file.read)

    def _rewind(self) -> None:
        if _files.span(self.file) is not None:
            self.file.seek(0)
        elif self._is_used:
            raise StreamConsumed
        self._is_used = True

    def _render_head(self) -> bytes:
        lines = [_disposition(self.name, self.filename)]
        lines += [f"{name}: {value}".encode() for name, value in self.headers.items()]
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _require_str(name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"Invalid type for name. Expected str, got {type(name)}: {name!r}")


def _disposition(name: str, filename: str | None = None) -> bytes:
    # RFC 7578 4.2: "name" is required, "filename" is for files.
    file_part = f'; filename="{filename.translate(_ESCAPES)}"' if filename else ""
    return f'Content-Disposition: form-data; name="{name.translate(_ESCAPES)}"{file_part}'.encode()


def _unpack(value: FileTypes) -> tuple[str | None, Any, str | None, Mapping[str, str]]:
    if not isinstance(value, tuple):
        return _base_name(getattr(value, "name", "upload")), value, None, {}
    if not 2 <= len(value) <= 4:
        raise ValueError(f"Invalid file: {len(value)} items. Give (file name, content, content type, headers).")

    padded: tuple[Any, ...] = (*value, None, None)
    return padded[0], padded[1], padded[2], (padded[3] or {})


def _base_name(path: Any) -> str:
    from pathlib import Path

    return Path(str(path)).name


def _part_headers(
    name: str, filename: str | None, content_type: str | None, headers: Mapping[str, str]
) -> dict[str, str]:
    part_headers = dict(headers)
    if content_type is None and filename:
        import mimetypes

        content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    if content_type is not None and not any(key.lower() == "content-type" for key in headers):
        part_headers["Content-Type"] = content_type

    for key, value in part_headers.items():
        # RFC 2046 5.1: a part's headers have the syntax of message headers, where a line is a field.
        if any(character in key + value for character in "\r\n\0") or ":" in key:
            raise LocalProtocolError(
                f"Invalid header {key!r} of the multipart field {name!r}: CR, LF and NUL are not allowed in it, nor a "
                "colon in its name."
            )
    return part_headers


class MultipartStream(SyncByteStream, AsyncByteStream):
    """Send the fields and files of a form."""

    def __init__(self, data: Mapping[str, Any], files: RequestFiles, boundary: bytes | None = None) -> None:
        if boundary is None:
            import os

            boundary = os.urandom(16).hex().encode("ascii")
        self.boundary = boundary
        self.content_type = f"multipart/form-data; boundary={boundary.decode('ascii')}"
        self.fields: list[DataField | FileField] = [*_data_fields(data), *_file_fields(files)]

    @property
    def is_replayable(self) -> bool:
        """Tell whether the body can be sent again from its start."""
        return all(field.is_replayable for field in self.fields)

    def get_content_length(self) -> int | None:
        """Return the length of the body, or None when that of a file is not known."""
        # --boundary CR LF field CR LF, for each field; then --boundary-- CR LF.
        length = len(self.boundary) + 6
        for field in self.fields:
            field_length = field.get_length()
            if field_length is None:
                return None
            length += len(self.boundary) + 6 + field_length
        return length

    def get_headers(self) -> dict[str, str]:
        """Return the headers that describe the body."""
        length = self.get_content_length()
        framing = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
        return {**framing, "Content-Type": self.content_type}

    def iter_chunks(self) -> Iterator[bytes]:
        """Yield the body, files read 64 KiB at a time."""
        for field in self.fields:
            yield b"--%b\r\n" % self.boundary
            yield from field.render()
            yield b"\r\n"
        yield b"--%b--\r\n" % self.boundary

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_chunks()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return ReadyIterator(self.iter_chunks())


def _data_fields(data: Mapping[str, Any]) -> Iterator[DataField]:
    for name, value in data.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            yield DataField(name, item)


def _file_fields(files: RequestFiles) -> Iterator[FileField]:
    if isinstance(files, (str, bytes)):
        raise TypeError(f"Files are a mapping, or pairs of name and file, and no {type(files).__name__}.")
    for name, value in files.items() if isinstance(files, Mapping) else files:
        yield FileField(name, value)
