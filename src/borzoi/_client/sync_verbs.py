"""The methods of Client that are named after those of HTTP: each calls `request()`, which may be overridden."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .._config import UNSET
from .client_base import BaseClient
from .transport_base import BaseTransport

if TYPE_CHECKING:
    from .._config import TimeoutTypes, Unset
    from .._messages.content import RequestContent, RequestData
    from .._messages.multipart import RequestFiles
    from .._messages.response import Response
    from .._policy.auth import AuthTypes
    from .._values.cookies import CookieTypes
    from .._values.headers import HeaderTypes
    from .._values.query import QueryParamTypes
    from .._values.url import URL
    from .transfers import ProgressCallback


class Verbs(BaseClient[BaseTransport]):
    """Send a request by the name of its method, for blocking code."""

    if TYPE_CHECKING:

        def request(self, method: str, url: URL | str, *args: Any, **kwargs: Any) -> Response:
            """Build a request, send it and read the body of its response."""
            ...

    def get(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a GET request: fetch what is at the URL."""
        request = self.request
        if on_download is not None or progress is not False:
            request = partial(request, on_download=on_download, progress=progress)
        return request(
            "GET",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def options(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send an OPTIONS request: ask what may be done with the URL."""
        request = self.request
        if on_download is not None or progress is not False:
            request = partial(request, on_download=on_download, progress=progress)
        return request(
            "OPTIONS",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def head(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a HEAD request: fetch the headers of what is at the URL."""
        request = self.request
        if on_download is not None or progress is not False:
            request = partial(request, on_download=on_download, progress=progress)
        return request(
            "HEAD",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def post(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a POST request: have the body processed."""
        request = self.request
        if on_download is not None or on_upload is not None or progress is not False:
            request = partial(request, on_download=on_download, on_upload=on_upload, progress=progress)
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
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def put(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a PUT request: have the body replace what is at the URL."""
        request = self.request
        if on_download is not None or on_upload is not None or progress is not False:
            request = partial(request, on_download=on_download, on_upload=on_upload, progress=progress)
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
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def patch(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a PATCH request: have the body change what is at the URL."""
        request = self.request
        if on_download is not None or on_upload is not None or progress is not False:
            request = partial(request, on_download=on_download, on_upload=on_upload, progress=progress)
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
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def delete(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a DELETE request: have what is at the URL removed."""
        request = self.request
        if on_download is not None or progress is not False:
            request = partial(request, on_download=on_download, progress=progress)
        return request(
            "DELETE",
            url,
            params=params,
            headers=headers,
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )

    def query(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | Unset | None = UNSET,
        follow_redirects: bool | Unset = UNSET,
        timeout: TimeoutTypes | Unset = UNSET,
        extensions: Mapping[str, Any] | None = None,
        on_download: ProgressCallback | None = None,
        on_upload: ProgressCallback | None = None,
        progress: bool | str = False,
    ) -> Response:
        """Send a QUERY request: have the body answered as a question, safe to repeat. RFC 10008."""
        request = self.request
        if on_download is not None or on_upload is not None or progress is not False:
            request = partial(request, on_download=on_download, on_upload=on_upload, progress=progress)
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
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )
