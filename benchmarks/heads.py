"""Print what each client sends for the GET that is measured, so that everybody can see that they do the same work.

python -m benchmarks.heads CLIENT...
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading

from . import async_clients, blocking_clients
from .counting import ANSWER
from .job import Job


def head_of(client: str) -> bytes:
    """Return the head that a client sends: the blocking one, where there is one."""
    found: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_record, args=(listener, found), daemon=True)
        thread.start()
        job = Job(client=client, url=f"http://127.0.0.1:{listener.getsockname()[1]}/small")
        if client in blocking_clients.CLIENTS:
            with blocking_clients.CLIENTS[client](job) as call:
                call()
        else:
            asyncio.run(_send(job))
    thread.join(10)
    return found[0]


async def _send(job: Job) -> None:
    async with async_clients.CLIENTS[job.client](job) as call:
        await call()


def _record(listener: socket.socket, found: list[bytes]) -> None:
    sock, _ = listener.accept()
    with sock:
        while data := sock.recv(65536):
            found.append(data)
            sock.sendall(ANSWER)


def main() -> None:
    """Print the heads of the clients that the arguments name."""
    for client in sys.argv[1:]:
        print(f"{client}:\n{head_of(client).decode('latin-1').replace(chr(13), '').strip()}\n")


if __name__ == "__main__":
    main()
