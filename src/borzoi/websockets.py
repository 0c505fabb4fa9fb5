"""What a WebSocket session is made of: sessions, the clients that open them, their messages and their errors.

from borzoi.websockets import WebSocketDisconnect
"""

from __future__ import annotations

from ._client.asgi_websocket import ASGIWebSocketTransport
from ._client.websocket_opening import AsyncWebSocketClient, WebSocketClient
from ._client.websocket_session import AsyncSentPing, AsyncWebSocketSession, JSONMode, SentPing, WebSocketSession
from ._errors import (
    HTTPXWSException,
    WebSocketDisconnect,
    WebSocketInvalidTypeReceived,
    WebSocketNetworkError,
    WebSocketUpgradeError,
)
from ._wire.websocket_frames import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage

__all__ = [
    "ASGIWebSocketTransport",
    "AsyncSentPing",
    "AsyncWebSocketClient",
    "AsyncWebSocketSession",
    "BytesMessage",
    "CloseConnection",
    "Event",
    "HTTPXWSException",
    "JSONMode",
    "Message",
    "Ping",
    "Pong",
    "SentPing",
    "TextMessage",
    "WebSocketClient",
    "WebSocketDisconnect",
    "WebSocketInvalidTypeReceived",
    "WebSocketNetworkError",
    "WebSocketSession",
    "WebSocketUpgradeError",
]
