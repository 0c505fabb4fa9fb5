"""A proxy that carries bytes late, so that loopback has a round trip.

    python -m benchmarks.delay_proxy PORT MILLISECONDS

prints the port that it listens on, and carries what comes there to PORT until its standard input closes. Bytes arrive
half a round trip after they were sent. A connection is there one round trip after it was asked for, as after a
handshake of TCP: what was sent earlier counts as sent then.
"""

from __future__ import annotations

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, half: float, open_from: float) -> None:
    """Carry one direction, to its end."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            arrival, data = await on_the_way.get()
            await asyncio.sleep(arrival - loop.time())
            if not data:
                writer.close()
                return
            writer.write(data)

    delivering = loop.create_task(deliver())
    try:
        while data := await reader.read(65536):
            on_the_way.put_nowait((max(loop.time(), open_from) + half, data))
    except OSError:
        pass
    on_the_way.put_nowait((loop.time() + half, b""))
    await delivering


async def listen(target: int, round_trip: float) -> None:
    """Serve until standard input closes."""
    loop = asyncio.get_running_loop()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_from = loop.time() + round_trip
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(
            carry(reader, far_writer, round_trip / 2, open_from), carry(far_reader, writer, round_trip / 2, open_from)
        )

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Read the arguments, and serve."""
    port, milliseconds = sys.argv[1:]
    asyncio.run(listen(int(port), float(milliseconds) / 1000))


if __name__ == "__main__":
    main()
