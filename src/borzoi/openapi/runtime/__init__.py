"""What generated packages import: parameter styles, bodies, unions, errors, credentials, streams, and the ways of
calling.

The wire is here, so that generated code is tables and signatures. It needs the extra `client`.
"""

from __future__ import annotations

from ... import Auth, Headers
from . import errors
from .bodies import JSON, Body, Part
from .calling import HeadedOperation, LinkedOperation, Operation
from .client import AsyncClient, Client, ClientOptions
from .dataclass_models import OpenDataclass
from .functions import Functions, PagedFunctions
from .links import Link, Links
from .open_enums import OpenStrEnum
from .open_models import OpenStruct
from .operation import BINARY, PARTS, TEXT, Call, Errors, Several
from .paging import AsyncPage, AsyncPages, Page, Paging
from .parameters import cookie, header, path, query, query_string
from .parts import ReceivedPart
from .resources import (
    Accessor,
    AsyncResource,
    AsyncResponseResource,
    AsyncStreamResource,
    Resource,
    ResponseResource,
    StreamResource,
)
from .responses import LinkedResponse, Response, TypedResponse, typed_header
from .security import Scheme
from .servers import Server
from .streams import AsyncDownload, AsyncEvents, Download, Event, Events, Streamed
from .unions import union
from .values import UNSET, Email, File, Unset, Upload, Uri, check_email, check_uri
from .webhooks import SignatureError, Webhook, WebhookError, verify, verify_hmac

__all__ = [
    "Accessor",
    "AsyncClient",
    "AsyncDownload",
    "AsyncEvents",
    "AsyncPage",
    "AsyncPages",
    "AsyncResource",
    "AsyncResponseResource",
    "AsyncStreamResource",
    "Auth",
    "BINARY",
    "Body",
    "Call",
    "check_email",
    "check_uri",
    "Client",
    "ClientOptions",
    "cookie",
    "Download",
    "Email",
    "errors",
    "Errors",
    "Event",
    "Events",
    "File",
    "Functions",
    "HeadedOperation",
    "header",
    "Headers",
    "JSON",
    "Link",
    "LinkedOperation",
    "LinkedResponse",
    "Links",
    "OpenDataclass",
    "OpenStrEnum",
    "OpenStruct",
    "Operation",
    "Page",
    "PagedFunctions",
    "Paging",
    "Part",
    "PARTS",
    "path",
    "query",
    "query_string",
    "ReceivedPart",
    "Resource",
    "Response",
    "ResponseResource",
    "Scheme",
    "Server",
    "Several",
    "SignatureError",
    "Streamed",
    "StreamResource",
    "TEXT",
    "typed_header",
    "TypedResponse",
    "union",
    "UNSET",
    "Unset",
    "Upload",
    "Uri",
    "verify",
    "verify_hmac",
    "Webhook",
    "WebhookError",
]
