"""The functions of httpcore."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._client.tls import create_ssl_context
from .httpcore_models import URL, ByteOrStr, Content, Extensions, HeaderTypes, Response
from .httpcore_pools import ConnectionPool

if TYPE_CHECKING:
    import ssl


def request(
    method: ByteOrStr,
    url: URL | ByteOrStr,
    *,
    headers: HeaderTypes = None,
    content: Content = None,
    extensions: Extensions | None = None,
) -> Response:
    """Send one request, and read its response."""
    with ConnectionPool() as pool:
        return pool.request(method, url, headers=headers, content=content, extensions=extensions)


@contextmanager
def stream(
    method: ByteOrStr,
    url: URL | ByteOrStr,
    *,
    headers: HeaderTypes = None,
    content: Content = None,
    extensions: Extensions | None = None,
) -> Generator[Response]:
    """Send one request, and leave the body of its response to be read inside the block."""
    with (
        ConnectionPool() as pool,
        pool.stream(method, url, headers=headers, content=content, extensions=extensions) as response,
    ):
        yield response


def default_ssl_context() -> ssl.SSLContext:
    """Return a context that trusts certifi's authorities."""
    return create_ssl_context(trust_env=False)


@contextmanager
def map_exceptions(mapping: Mapping[type[Exception], type[Exception]]) -> Generator[None]:
    """Raise other errors for those that pass, as the mapping says."""
    try:
        yield
    except Exception as error:
        for kind, other in mapping.items():
            if isinstance(error, kind):
                raise other(error) from error
        raise
