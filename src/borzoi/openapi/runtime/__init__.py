"""What generated packages import: parameter styles, bodies, unions, errors, credentials, streams, and the ways of
calling.

The wire is here, so that generated code is tables and signatures. It needs the extra `client`.
"""

from __future__ import annotations

from . import errors
from .bodies import JSON, Body, Part
from .calling import (
    AsyncResource,
    Resource,
    Response,
    asynchronous,
    asynchronous_download,
    asynchronous_events,
    asynchronous_response,
    blocking,
    blocking_download,
    blocking_events,
    blocking_response,
    functions,
)
from .client import AsyncClient, Client, ClientOptions
from .operation import BINARY, TEXT, Call, Operation, StreamCall
from .parameters import cookie, header, path, query, query_string
from .security import Scheme
from .streams import AsyncDownload, AsyncEvents, Download, Events
from .unions import union
from .values import UNSET, Email, File, Unset, Upload, Uri

__all__ = [
    "AsyncClient",
    "asynchronous",
    "asynchronous_download",
    "asynchronous_events",
    "asynchronous_response",
    "AsyncDownload",
    "AsyncEvents",
    "AsyncResource",
    "BINARY",
    "blocking",
    "blocking_download",
    "blocking_events",
    "blocking_response",
    "Body",
    "Call",
    "Client",
    "ClientOptions",
    "cookie",
    "Download",
    "Email",
    "errors",
    "Events",
    "File",
    "functions",
    "header",
    "JSON",
    "Operation",
    "Part",
    "path",
    "query",
    "query_string",
    "Resource",
    "Response",
    "Scheme",
    "StreamCall",
    "TEXT",
    "union",
    "UNSET",
    "Unset",
    "Upload",
    "Uri",
]
