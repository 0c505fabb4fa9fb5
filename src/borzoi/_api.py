"""One request from blocking code without a client: each call opens a client and closes it again.

Several requests to one host are faster over one `Client`, which keeps its connections.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._client.sync_client import Client
from ._client.websocket_client import MAX_MESSAGE_SIZE, PING_INTERVAL, PING_TIMEOUT, QUEUE_SIZE
from ._config import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    import ssl

    from ._client.transfers import ProgressCallback
    from ._client.websocket_session import WebSocketSession
    from ._config import TimeoutTypes
    from ._messages.content import RequestContent, RequestData
    from ._messages.multipart import RequestFiles
    from ._messages.response import Response
    from ._policy.auth import AuthTypes
    from ._policy.proxy import ProxyTypes
    from ._values.cookies import CookieTypes
    from ._values.headers import HeaderTypes
    from ._values.query import QueryParamTypes
    from ._values.url import URL


def request(
    method: str,
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    on_upload: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send one request and read the body of its response.

    Raises `RequestError` where no response arrives, `InvalidURL` for a malformed URL. A response of any status is
    returned.
    """
    with Client(cookies=cookies, proxy=proxy, verify=verify, timeout=timeout, trust_env=trust_env) as client:
        return client.request(
            method=method,
            url=url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            auth=auth,
            follow_redirects=follow_redirects,
            on_download=on_download,
            on_upload=on_upload,
            progress=progress,
        )


@contextmanager
def websocket(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    verify: ssl.SSLContext | str | bool = True,
    trust_env: bool = True,
    subprotocols: list[str] | None = None,
    max_message_size_bytes: int = MAX_MESSAGE_SIZE,
    queue_size: int = QUEUE_SIZE,
    keepalive_ping_interval_seconds: float | None = PING_INTERVAL,
    keepalive_ping_timeout_seconds: float | None = PING_TIMEOUT,
) -> Generator[WebSocketSession]:
    """Open a WebSocket inside a `with` block, which closes it. The arguments are those of `Client.websocket()`."""
    with (
        Client(cookies=cookies, proxy=proxy, verify=verify, timeout=timeout, trust_env=trust_env) as client,
        client.websocket(
            url,
            params=params,
            headers=headers,
            auth=auth,
            follow_redirects=follow_redirects,
            subprotocols=subprotocols,
            max_message_size_bytes=max_message_size_bytes,
            queue_size=queue_size,
            keepalive_ping_interval_seconds=keepalive_ping_interval_seconds,
            keepalive_ping_timeout_seconds=keepalive_ping_timeout_seconds,
        ) as session,
    ):
        yield session


@contextmanager
def stream(
    method: str,
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    on_upload: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Generator[Response]:
    """Send one request and leave the body of its response unread, to be read inside the `with` block."""
    with (
        Client(cookies=cookies, proxy=proxy, verify=verify, timeout=timeout, trust_env=trust_env) as client,
        client.stream(
            method=method,
            url=url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            auth=auth,
            follow_redirects=follow_redirects,
            on_download=on_download,
            on_upload=on_upload,
            progress=progress,
        ) as response,
    ):
        yield response


def get(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a GET request: fetch what is at the URL."""
    return request(
        "GET",
        url,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        progress=progress,
    )


def options(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send an OPTIONS request: ask what may be done with the URL."""
    return request(
        "OPTIONS",
        url,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        progress=progress,
    )


def head(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a HEAD request: fetch the headers of what is at the URL."""
    return request(
        "HEAD",
        url,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        progress=progress,
    )


def post(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    on_upload: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a POST request: have the body processed."""
    return request(
        "POST",
        url,
        content=content,
        data=data,
        files=files,
        json=json,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        on_upload=on_upload,
        progress=progress,
    )


def put(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    on_upload: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a PUT request: have the body replace what is at the URL."""
    return request(
        "PUT",
        url,
        content=content,
        data=data,
        files=files,
        json=json,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        on_upload=on_upload,
        progress=progress,
    )


def patch(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    on_upload: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a PATCH request: have the body change what is at the URL."""
    return request(
        "PATCH",
        url,
        content=content,
        data=data,
        files=files,
        json=json,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        on_upload=on_upload,
        progress=progress,
    )


def delete(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    verify: ssl.SSLContext | str | bool = True,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a DELETE request: have what is at the URL removed."""
    return request(
        "DELETE",
        url,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        timeout=timeout,
        verify=verify,
        trust_env=trust_env,
        on_download=on_download,
        progress=progress,
    )


def query(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    cookies: CookieTypes | None = None,
    auth: AuthTypes | None = None,
    proxy: ProxyTypes | None = None,
    follow_redirects: bool = False,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    trust_env: bool = True,
    on_download: ProgressCallback | None = None,
    on_upload: ProgressCallback | None = None,
    progress: bool | str = False,
) -> Response:
    """Send a QUERY request: have the body answered as a question, safe to repeat. RFC 10008."""
    return request(
        "QUERY",
        url,
        content=content,
        data=data,
        files=files,
        json=json,
        params=params,
        headers=headers,
        cookies=cookies,
        auth=auth,
        proxy=proxy,
        follow_redirects=follow_redirects,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
        on_download=on_download,
        on_upload=on_upload,
        progress=progress,
    )
