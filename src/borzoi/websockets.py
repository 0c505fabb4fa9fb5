"""What a WebSocket session is made of: the session, its clients, its messages and its errors.

    from borzoi.websockets import WebSocketDisconnect
"""

from __future__ import annotations

from ._wire.websocket_frames import BytesMessage, CloseConnection, Event, Message, Ping, Pong, TextMessage

__all__ = ["BytesMessage", "CloseConnection", "Event", "Message", "Ping", "Pong", "TextMessage"]
