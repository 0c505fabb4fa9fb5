"""Where the bytes of documents come from: files below one folder, and URLs of one server.

The file or the URL that the user names is trusted as a place; what a document refers to is not. A file must lie below
the root folder after symbolic links are followed, and a URL must be of the origin of the first one. `allow_remote`
lets documents refer to any public server; private addresses stay refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from .diagnostics import DocumentError
from .syntax import MAX_BYTES

MAX_FILES = 10_000


class Sources:
    """Read what a document refers to, once each, and refuse what it may not refer to."""

    def __init__(self, first: str, *, root: Path | None = None, allow_remote: bool = False) -> None:
        self.is_remote = is_url(first)
        self.first = first if self.is_remote else Path(first).resolve().as_uri()
        self.allow_remote = allow_remote
        self.root = None if self.is_remote else (root or Path(first).parent).resolve()
        self._contents: dict[str, bytes] = {}

    def contents(self) -> list[bytes]:
        """Return all that was read, in the order of its places."""
        return [self._contents[uri] for uri in sorted(self._contents)]

    def files(self) -> list[Path]:
        """Return the files that were read."""
        return [path for uri in sorted(self._contents) if (path := path_of(uri)) is not None]

    def name(self, uri: str) -> str:
        """Return how a place is shown to people: relative to where they are, if it is a file."""
        path = path_of(uri)
        if path is None:
            return uri
        here = Path.cwd()
        return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

    def target(self, base: str, reference: str) -> tuple[str, str]:
        """Return the URI and the fragment that a reference means in the document at `base`."""
        if reference.startswith("#"):
            return base, unquote(reference[1:])
        uri, fragment = urldefrag(urljoin(base, reference))
        return uri, unquote(fragment)

    def is_elsewhere(self, uri: str) -> bool:
        """Tell whether a place is on another server than the first one, or no file."""
        if is_url(uri):
            return not self.is_remote or origin(uri) != origin(self.first)
        return path_of(uri) is None

    def read(self, uri: str) -> bytes:
        """Return the content of a document. Raises DocumentError."""
        if uri not in self._contents:
            if len(self._contents) >= MAX_FILES:
                raise DocumentError(f"More than {MAX_FILES} files are referred to.", file=self.name(uri))
            self._contents[uri] = self._fetch(uri) if is_url(uri) else self._open(uri)
        return self._contents[uri]

    def remember(self, content: bytes) -> None:
        """Take the first document as given, without reading it."""
        self._contents[self.first] = content

    def _open(self, uri: str) -> bytes:
        path = path_of(uri)
        if path is None or self.root is None:
            raise DocumentError(f"A reference to {uri!r} is refused: it is no file and no http(s) URL.")
        path = path.resolve()
        if uri != self.first and not path.is_relative_to(self.root):
            raise DocumentError(f"A reference to {str(path)!r} is refused: it lies outside of {str(self.root)!r}.")
        try:
            if path.stat().st_size > MAX_BYTES:
                raise DocumentError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MiB.", file=self.name(uri))
            return path.read_bytes()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DocumentError(f"The file cannot be read: {reason}.", file=self.name(uri)) from None

    def _fetch(self, uri: str) -> bytes:
        # A client is needed for these alone: importing it takes as long as generating a small package.
        from ... import Client, HTTPError, InvalidURL
        from ...guards import PublicOnly

        same_server = not self.is_elsewhere(uri)
        if not (same_server or self.allow_remote):
            raise DocumentError(f"A reference to {uri!r} is refused: --allow-remote permits other servers.")
        # The server that the user named may be at home; others must be public.
        guard = None if same_server else PublicOnly()
        try:
            with Client(resolver=guard, timeout=30) as client, client.stream("GET", uri) as response:
                response.raise_for_status()
                return b"".join(_bounded(response.iter_bytes(), uri))
        except (HTTPError, InvalidURL) as error:
            raise DocumentError(f"It cannot be fetched: {str(error).splitlines()[0]}", file=uri) from None


def _bounded(chunks: Iterable[bytes], uri: str) -> list[bytes]:
    received: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise DocumentError(f"The document is larger than {MAX_BYTES // 1024 // 1024} MiB.", file=uri)
        received.append(chunk)
    return received


def is_url(place: str) -> bool:
    """Tell whether a place is fetched over HTTP."""
    return place.lower().startswith(("http://", "https://"))


def origin(uri: str) -> tuple[str, str]:
    """Return the scheme and the authority of a URL."""
    parts = urlsplit(uri)
    return parts.scheme.lower(), parts.netloc.lower()


def path_of(uri: str) -> Path | None:
    """Return the path that a file: URI names, None for any other."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    return Path(unquote(parts.path))
